/** @file sim_vehicle.h The ego's body: finer than the planner's model on purpose.
 *
 *  A command (acceleration, front wheel angle) becomes throttle or brake, as by a cruise
 *  controller that knows the losses; the drive train follows with lag; drag, a power limit,
 *  the tyres' friction and the steering's rate bound what happens. Kinematic bicycle,
 *  integrated in substeps; the pose is the box's centre, midway between the axles, and the
 *  speed is the one along the car.
 *  Ownership: plain data. Threads: pure. Determinism: bit-identical on one machine and binary.
 *  Allocation: none. */
#ifndef SIM_VEHICLE_H
#define SIM_VEHICLE_H

#include "common/hp_yaml.h"
#include "proto/hp_msgs.h"

typedef struct sim_vehicle_config {
    double length_m, width_m, wheelbase_m;
    double max_accel_mps2, max_decel_mps2; /* at full throttle from rest, at full brake */
    double power_wpkg;                     /* throttle gives at most power / speed */
    double drive_lag_s, brake_lag_s;       /* first-order lags of the actuators */
    double drag_mps2_per_mps2;             /* deceleration = drag * v^2 */
    double rolling_mps2;
    double friction_mps2; /* most lateral and longitudinal acceleration together */
    double max_steer_rad, steer_rate_radps;
    uint32_t substeps;
} sim_vehicle_config;

extern const hp_field SIM_VEHICLE_FIELDS[];
void sim_vehicle_config_default(sim_vehicle_config *config);

typedef struct sim_vehicle {
    hp_ego_state state;
    double drive_mps2, brake_mps2; /* what the actuators give now, both >= 0 */
} sim_vehicle;

void sim_vehicle_reset(sim_vehicle *vehicle, hp_pose pose, double speed_mps);
/** Advances by dt > 0. The vehicle never rolls backwards. A NaN acceleration brakes fully, a NaN
 *  steering angle leaves the wheels as they are; infinite ones mean as much as the vehicle can. */
void sim_vehicle_step(const sim_vehicle_config *config, sim_vehicle *vehicle, double accel_mps2,
                      double steer_rad, double dt_s);

#endif
