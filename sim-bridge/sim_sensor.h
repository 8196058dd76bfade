/** @file sim_sensor.h What the ego can see: range, line of sight, noise, delay, missed
 *  detections.
 *
 *  An agent is seen when its centre is within range of the ego's and the line from the ego's
 *  front-axle centre to a corner or the centre of its box is free of all other vehicles'
 *  footprints. Parked cars are reported as occluders, the nearest HP_MAX_OCCLUDERS of them,
 *  everybody else as agents; both get small ids in the order of first sight, so neither ids nor
 *  order tell of what is hidden.
 *  Ownership: plain data. Threads: one sensor, one thread. Allocation: none.
 *  Determinism: noise is a function of (seed, tick, body). */
#ifndef SIM_SENSOR_H
#define SIM_SENSOR_H

#include "common/hp_rng.h"
#include "common/hp_yaml.h"
#include "proto/hp_msgs.h"
#include "sim-bridge/sim_judge.h"

enum { SIM_MAX_DELAY = 10, /* ticks */ SIM_SENSOR_BODIES = 64 };

typedef struct sim_sensor_config {
    double range_m;
    double position_noise_m, speed_noise_mps; /* standard deviations, per axis */
    double miss_p;                            /* chance that a visible agent is not reported */
    uint32_t delay_ticks;                     /* [0, SIM_MAX_DELAY] */
    bool benchmark_rule; /* hidden until the walker has passed the parked car's centre line */
} sim_sensor_config;

extern const hp_field SIM_SENSOR_FIELDS[];
void sim_sensor_config_default(sim_sensor_config *config);

/** What one look gave. */
typedef struct sim_sight {
    uint32_t n_agents, n_occluders;
    hp_agent agents[HP_MAX_AGENTS];
    hp_occluder occluders[HP_MAX_OCCLUDERS];
} sim_sight;

typedef struct sim_sensor {
    hp_rng stream;
    uint32_t ids[SIM_SENSOR_BODIES]; /* by body; 0: not seen yet */
    uint32_t last_id;
    uint32_t n_looks;                    /* since the reset */
    sim_sight sights[SIM_MAX_DELAY + 1]; /* ring of the last looks, for the delay */
} sim_sensor;

/** Starts an episode. */
void sim_sensor_reset(sim_sensor *sensor, uint64_t seed);
/** Looks once per tick, at bodies [n] with n <= SIM_SENSOR_BODIES. */
void sim_sensor_look(const sim_sensor_config *config, sim_sensor *sensor, uint32_t tick,
                     const hp_ego_state *ego, double wheelbase_m, const sim_body *bodies,
                     uint32_t n);
/** The look of delay_ticks ago; an empty one before there was any. */
void sim_sensor_report(const sim_sensor_config *config, const sim_sensor *sensor, hp_frame *frame);

/** True if some corner or the centre of bodies[target] is in sight from eye; the target never hides
 *  itself. Only vehicles hide. */
bool sim_sensor_sees(hp_vec2 eye, const sim_body *bodies, uint32_t n, uint32_t target);

#endif
