/** @file plan_track.h Who is out there: tracks of everybody seen, and of those who went out of
 * sight. Ownership: plain data. Threads: one user. Allocation: none. */
#ifndef PLAN_TRACK_H
#define PLAN_TRACK_H

#include "planner/plan_config.h"
#include "proto/hp_msgs.h"

/** Points by which a future is known again in the next forecast: so many, a second apart, the first
 * at the next decision. */
enum { PLAN_MARKS = 3 };

typedef struct plan_track {
    hp_track track; /* what the predictor gets */
    double met_s;   /* episode time when first seen */
    double seen_s;  /* ... and when last seen */
    double side;    /* of the path where it was first seen: +1 left, -1 right, 0 not known yet */
    bool crossed;   /* it has been on the other side since */
    double stood_s; /* how long it has been seen standing */
    double slow_s;  /* how long, walking slowly */
    bool waits;     /* beside the ego, and lets it leave: plan_leave.h */
    bool first;     /* crosses before an ego that was not slow: plan_yield.h */
    double unseen_open_s;          /* how long it has not been where it should be visible */
    uint32_t n_forecast;           /* futures of the last forecast; 0: none yet */
    double forecast_s;             /* episode time of that forecast */
    double until_s;                /* from then to the next decision, if nothing surprises */
    hp_vec2 from, from_mps;        /* place and velocity at that time */
    double evidence[HP_MAX_MODES]; /* log likelihood of each of them so far */
    double sigma_m[HP_MAX_MODES];  /* of each at the next decision */
    hp_vec2 forecast[HP_MAX_MODES][PLAN_MARKS]; /* where each passes at the marks after that */
    hp_vec2 then_mps[HP_MAX_MODES];             /* and its velocity at the first of them */
} plan_track;

typedef struct plan_tracks {
    uint32_t n;
    plan_track items[HP_MAX_AGENTS];
    double now_s;        /* episode time of the last update: never goes back ... */
    double back_s;       /* ... though the world's clock has, by so much in all */
    double surprise_mps; /* largest change of a velocity since the last frame; of who has just come
                            into sight: infinite */
} plan_tracks;

void plan_tracks_reset(plan_tracks *tracks);
/** Takes a frame in. Agents in it become visible tracks; others are carried on while they may still
 * be hidden (nobody walks out of a shadow unseen), and forgotten after remember_s or once their
 * place lies open. */
void plan_tracks_update(const plan_belief_config *config, const hp_world_info *info,
                        const hp_frame *frame, plan_tracks *tracks);
/** Centre of the front axle, from where the sensor looks. */
hp_vec2 plan_track_eye(const hp_world_info *info, const hp_ego_state *ego);
/** True if p is in range and no occluder or other vehicle of the frame lies between. */
bool plan_track_in_sight(const hp_world_info *info, const hp_frame *frame, hp_vec2 p);

#endif
