/** @file sim_sensor.h What the ego can see: range, line of sight, and, if switched on, noise, delay
 *  and missed detections.
 *  An agent is seen when it is within range and the line from the ego's front-axle centre to a corner
 *  or the centre of its box is free of all other vehicles' footprints.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef SIM_SENSOR_H
#define SIM_SENSOR_H

#include "common/hp_rng.h"
#include "common/hp_yaml.h"
#include "proto/hp_msgs.h"
#include "sim-bridge/sim_judge.h"

enum { SIM_MAX_DELAY = 10 }; /* ticks */

typedef struct sim_sensor_config {
    double range_m;
    double position_noise_m, speed_noise_mps; /* standard deviations */
    double miss_p;                            /* chance that a visible agent is not reported */
    uint32_t delay_ticks;                     /* [0, SIM_MAX_DELAY] */
    bool benchmark_rule; /* hidden until the walker has passed the parked car's centre line */
} sim_sensor_config;

extern const hp_field SIM_SENSOR_FIELDS[];
void sim_sensor_config_default(sim_sensor_config *config);

/** True if some corner or the centre of bodies[target] is in sight from eye; bodies[skip] (the ego's
 *  own, or n) and the target itself never hide it. Only vehicles hide. */
bool sim_sensor_sees(hp_vec2 eye, const sim_body *bodies, uint32_t n, uint32_t target);

#endif
