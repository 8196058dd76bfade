/** @file sim_brakes.h Brakings that nobody gave a reason for.
 *
 *  A braking: the acceleration stays below -3 m/s^2 for at least 0.5 s. It is false if in the 4 s
 * from its begin nobody's true path comes within 2 m of the ego's corridor: a strip as wide as the
 * ego along its route, from its rear to as far as it would have come in those 4 s at the speed it
 * had. A body reaches half its width from its centre. One that never moves is a reason only inside
 * the corridor. A braking whose 4 s the episode does not outlast is not judged.
 *  Ownership: plain data. Threads: one user. Determinism: pure. Allocation: none. */
#ifndef SIM_BRAKES_H
#define SIM_BRAKES_H

#include "proto/hp_msgs.h"

typedef struct sim_body sim_body;

enum { SIM_WATCHED_BRAKINGS = 8 }; /* as many as can begin within 4 s */

/** A braking whose reason is still waited for. */
typedef struct sim_braking {
    double age_s, rear_m, front_m; /* the corridor, along the route */
    bool confirmed, excused;
} sim_braking;

typedef struct sim_brakes {
    double below_s; /* for how long the acceleration has been below */
    uint32_t n;
    sim_braking watched[SIM_WATCHED_BRAKINGS]; /* the newest last */
    uint32_t brakings, false_brakings;         /* so far */
} sim_brakes;

/** What a tick brought. */
typedef struct sim_brakes_view {
    const hp_world_info *info;
    const double *route_s_m; /* [n_route]: lengths along the route */
    double progress_m;       /* of the ego's centre along the route, after the tick */
    double speed_mps;        /* before the tick */
    double accel_mps2;
    const sim_body *bodies; /* after the tick */
    uint32_t n_bodies;
} sim_brakes_view;

void sim_brakes_tick(sim_brakes *brakes, const sim_brakes_view *view);

#endif
