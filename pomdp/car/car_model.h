/** @file car_model.h Driving as a pomdp_model: ego along its path, others by their futures.
 *
 *  State: ego (arc length, speed, acceleration), and per other a place, a velocity and how he
 * moves. A walker beside the path may start to cross (at its rate), a crossing one may stop
 * (stop_hz), a phantom may step out, a vehicle that drives ahead may brake to a stop (brake_hz);
 * importance sampling draws those more often. Observation: per
 * visible other, how he moves and how fast, in bins. Ownership: plain data; the scene is borrowed.
 * Threads: hooks are pure. Allocation: none. */
#ifndef CAR_MODEL_H
#define CAR_MODEL_H

#include "common/hp_rng.h"
#include "pomdp/car/car_scene.h"
#include "pomdp/pomdp_model.h"

typedef enum car_motion {
    CAR_MOTION_FUTURE,   /* follows a future of the predictor, with a deviation */
    CAR_MOTION_STRAIGHT, /* goes on at its velocity (a walker who has started to cross) */
    CAR_MOTION_STANDS,
    CAR_MOTION_HIDDEN, /* a phantom that has not stepped out: nobody is there */
    CAR_MOTION_BRAKES, /* a vehicle ahead, until it stands */
} car_motion;

#define CAR_DEVIATION_UNIT (1.0f / 32.0f) /* of a deviation, in sigmas */

typedef struct car_other_state {
    float x_m, y_m, vx_mps, vy_mps;
    uint8_t motion; /* car_motion */
    uint8_t future; /* FUTURE: which */
    int8_t dx, dy;  /* FUTURE: deviation in units of its sigma / 32 */
} car_other_state;

typedef struct car_state {
    float s_m, speed_mps, accel_mps2;
    uint32_t memory; /* steps since now + 256 * last action */
    car_other_state others[CAR_MAX_AGENTS];
} car_state;

/** Bytes of a state with room for so many others. */
size_t car_model_state_bytes(uint32_t n_others);

/** The model over a scene, which may be rebuilt between searches. Its states are whole; to search
 * with shorter ones, set state_size here and state_bytes of every scene to the same number. */
pomdp_model car_model_make(const car_config *config, const car_scene *scene);

/** Draws the belief: states [n] of the scene's state_bytes each, weights [n] summing to 1
 * (importance sampling of the futures). */
void car_model_sample(const car_scene *scene, hp_rng stream, uint32_t n, void *states,
                      double *weights);

#endif
