/** @file sim_judge.h The metrics of an episode, computed by the world and never by the planner.
 *
 *  crash: the ego's box overlaps another box while |v| > 0.01 m/s, or the ego's centre leaves road
 *  and pavement. near miss: no crash, and while the ego moves a walker's centre is inside the ego's
 *  box grown by 1.5 m to the front and 0.5 m to the sides and the rear. safe arrival: goal in time,
 *  no crash, no speeding by more than 1 km/h for over 0.5 s in all. On the pavement: the ego's
 *  centre is not on a road; in the oncoming lane: it is on a road, over 2 m beside the route.
 *  Ownership: plain data. Threads: one judge, one thread. Allocation: none. */
#ifndef SIM_JUDGE_H
#define SIM_JUDGE_H

#include "sim-bridge/sim_brakes.h"

typedef enum sim_crash {
    SIM_CRASH_NONE,
    SIM_CRASH_FRONT,
    SIM_CRASH_SIDE,
    SIM_CRASH_REAR,
    SIM_CRASH_OFFROAD,
    SIM_CRASH_COUNT
} sim_crash;

typedef struct sim_result {
    hp_verdict verdict;
    sim_crash crash;
    double impact_mps; /* ego speed at the crash */
    bool near_miss;
    bool near_miss_applies; /* false where the scenario says so */
    bool safe_arrival;
    double ttg_s;      /* time to goal; NAN unless the goal was reached */
    double progress_m; /* along the route */
    double min_ttc_s;  /* smallest box time-to-collision at constant velocities; INFINITY if none */
    double min_gap_m;  /* smallest distance to any body that is not parked; INFINITY if none */
    uint32_t hard_brakes;              /* times that the acceleration fell below -4 m/s^2 */
    uint32_t brakings, false_brakings; /* as sim_brakes.h has them */
    double max_jerk_mps3, rms_jerk_mps3;
    uint32_t switches;                         /* changes of the commanded acceleration's sign */
    double pavement_s, oncoming_s, speeding_s; /* time spent */
    double max_speed_mps;
    uint32_t ticks;
    uint32_t interventions;            /* commands changed by the guard */
    uint32_t sources[HP_SOURCE_COUNT]; /* commands by source */
    /* XXH3-64 of each command's acceleration and steering, seeded with the hash before it. */
    uint64_t command_hash;
} sim_result;

/** A body as the judge needs it, at one tick. */
struct sim_body {
    uint32_t id;
    hp_agent_class kind;
    hp_box box;
    double vx_mps, vy_mps;
    bool standing; /* never moves in this episode */
    bool looks;    /* at the ego */
};

enum { SIM_JUDGE_HEADINGS = 64 };

/** |v| up to this counts as standing. */
#define SIM_STANDING_MPS 0.01

/** What the judge remembers between ticks; read only result from outside. */
typedef struct sim_judge {
    sim_result result;
    const hp_world_info *info; /* borrowed */
    double time_limit_s;
    double route_s_m[HP_MAX_ROUTE];
    uint32_t segment; /* of the route, where the ego is */
    uint32_t rect;    /* of the road, where the ego was last */
    uint32_t accel_ticks;
    double accel_mps2; /* of the last tick */
    double jerk2_sum;  /* (m/s^3)^2 */
    int command_sign;  /* of the last commanded acceleration */
    bool braking_hard;
    sim_brakes brakes;
    bool near_miss_seen;
    uint32_t n_headings; /* of the bodies at the last tick, by index: a cache */
    double heading_yaw_rad[SIM_JUDGE_HEADINGS];
    hp_vec2 heading[SIM_JUDGE_HEADINGS];
} sim_judge;

/** Starts an episode. info (goal, route, area, limit, tick, ego's size) must outlive it. */
void sim_judge_init(const hp_world_info *info, double time_limit_s, bool near_miss_applies,
                    sim_judge *judge);
/** One tick: the command that was given (NULL: none), the ego before and after, and the bodies
 *  [n] after it. Does nothing once the verdict is out. In one tick a crash outweighs the goal, and
 *  the goal the time limit. An ego state that is not finite ends the episode as STOPPED. */
void sim_judge_tick(sim_judge *judge, const hp_command *command, const hp_ego_state *before,
                    const hp_ego_state *after, const sim_body *bodies, uint32_t n);
/** Heads a frame: which world, which tick and when, where the ego is. */
void sim_judge_frame(const sim_judge *judge, const hp_ego_state *ego, hp_frame *frame);
/** A contact that a collision sensor reports, after this tick's sim_judge_tick: a crash if the ego
 *  moves and there was none yet. body NULL: scenery. */
void sim_judge_contact(sim_judge *judge, const hp_ego_state *ego, const sim_body *body);
/** Ends a running episode from outside (STOPPED). */
void sim_judge_finish(sim_judge *judge);

const char *sim_crash_text(sim_crash crash);
const char *sim_verdict_text(hp_verdict verdict);

#endif
