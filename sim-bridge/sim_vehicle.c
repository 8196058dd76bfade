#include "sim-bridge/sim_vehicle.h"

#include <assert.h>

const hp_field SIM_VEHICLE_FIELDS[] = {
    HP_F_DOUBLE(sim_vehicle_config, length_m, 0.5, 20.0, "m", "length of the box"),
    HP_F_DOUBLE(sim_vehicle_config, width_m, 0.3, 4.0, "m", "width of the box"),
    HP_F_DOUBLE(sim_vehicle_config, wheelbase_m, 0.3, 15.0, "m",
                "distance of the axles; the box's centre lies midway"),
    HP_F_DOUBLE(sim_vehicle_config, max_accel_mps2, 0.5, 20.0, "m/s^2",
                "full throttle from rest, without losses"),
    HP_F_DOUBLE(sim_vehicle_config, max_decel_mps2, 0.5, 20.0, "m/s^2", "full brake"),
    HP_F_DOUBLE(sim_vehicle_config, power_wpkg, 1.0, 2000.0, "W/kg",
                "power limit: throttle gives at most power / speed"),
    HP_F_DOUBLE(sim_vehicle_config, drive_lag_s, 0.0, 2.0, "s", "first-order lag of the engine"),
    HP_F_DOUBLE(sim_vehicle_config, brake_lag_s, 0.0, 2.0, "s", "first-order lag of the brake"),
    HP_F_DOUBLE(sim_vehicle_config, drag_mps2_per_mps2, 0.0, 0.1, "1/m",
                "air drag decelerates by this times speed squared"),
    HP_F_DOUBLE(sim_vehicle_config, rolling_mps2, 0.0, 1.0, "m/s^2", "rolling resistance"),
    HP_F_DOUBLE(sim_vehicle_config, friction_mps2, 0.5, 20.0, "m/s^2",
                "friction circle: most acceleration along and across together"),
    HP_F_DOUBLE(sim_vehicle_config, max_steer_rad, 0.05, 1.4, "rad", "largest front wheel angle"),
    HP_F_DOUBLE(sim_vehicle_config, steer_rate_radps, 0.05, 20.0, "rad/s",
                "fastest change of the front wheel angle"),
    HP_F_UINT(sim_vehicle_config, substeps, 1, 100, NULL, "integration steps per tick"),
    HP_F_END};

/* An Audi TT as CARLA has it: box and wheelbase; throttle 0.6 of 5 m/s^2 gives the 3 m/s^2 that it
 * shows up to 50 km/h, full brake about 8 m/s^2; drag from cd A = 0.63 m^2 at 1.4 t; 70 degrees. */
void sim_vehicle_config_default(sim_vehicle_config *config)
{
    *config = (sim_vehicle_config){.length_m = 4.182,
                                   .width_m = 1.994,
                                   .wheelbase_m = 2.5,
                                   .max_accel_mps2 = 5.0,
                                   .max_decel_mps2 = 8.0,
                                   .power_wpkg = 110.0,
                                   .drive_lag_s = 0.2,
                                   .brake_lag_s = 0.1,
                                   .drag_mps2_per_mps2 = 0.00027,
                                   .rolling_mps2 = 0.12,
                                   .friction_mps2 = 9.0,
                                   .max_steer_rad = 70.0 * HP_PI / 180.0,
                                   .steer_rate_radps = 0.8,
                                   .substeps = 5};
}

void sim_vehicle_reset(sim_vehicle *vehicle, hp_pose pose, double speed_mps)
{
    *vehicle = (sim_vehicle){.state = {.pose = pose, .speed_mps = fmax(0.0, speed_mps)}};
}

/** What throttle and brake are asked for: the cruise controller adds the losses it knows of. */
typedef struct pedals {
    double drive_mps2, brake_mps2;
} pedals;

static pedals pedals_for(const sim_vehicle_config *config, double speed_mps, double accel_mps2)
{
    if (isnan(accel_mps2)) {
        return (pedals){0.0, config->max_decel_mps2};
    }
    const double losses = config->rolling_mps2 + config->drag_mps2_per_mps2 * speed_mps * speed_mps;
    const double wanted = accel_mps2 + losses;
    if (wanted >= 0.0) {
        return (pedals){fmin(wanted, config->max_accel_mps2), 0.0};
    }
    return (pedals){0.0, fmin(-wanted, config->max_decel_mps2)};
}

/** Acceleration along the car; at rest the losses and the brake only hold. */
static double net_accel(const sim_vehicle_config *config, const sim_vehicle *vehicle)
{
    const double v = vehicle->state.speed_mps;
    const double power = config->power_wpkg / fmax(v, 1.0);
    const double push = fmin(vehicle->drive_mps2, power) - vehicle->brake_mps2 -
                        config->rolling_mps2 - config->drag_mps2_per_mps2 * v * v;
    const double a = hp_clamp(push, -config->friction_mps2, config->friction_mps2);
    return v <= 0.0 ? fmax(0.0, a) : a;
}

/** Curvature of the rear axle's path; the tyres grip sideways with what braking leaves them. */
static double curvature(const sim_vehicle_config *config, double steer_rad, double speed_mps,
                        double accel_mps2)
{
    const double wanted = steer_rad == 0.0 ? 0.0 : tan(steer_rad) / config->wheelbase_m;
    const double left2 =
        fmax(0.0, config->friction_mps2 * config->friction_mps2 - accel_mps2 * accel_mps2);
    const double v2 = speed_mps * speed_mps;
    if (wanted * wanted * v2 * v2 <= left2) {
        return wanted;
    }
    return copysign(sqrt(left2) / v2, wanted);
}

/** Moves the box along an arc of the rear axle's path. */
static void advance(const sim_vehicle_config *config, hp_pose *pose, double way_m, double kappa)
{
    const double half = 0.5 * config->wheelbase_m;
    const double c0 = cos(pose->yaw_rad);
    const double s0 = sin(pose->yaw_rad);
    if (kappa == 0.0) {
        pose->x_m += way_m * c0;
        pose->y_m += way_m * s0;
        return;
    }
    const double turn = kappa * way_m;
    const double chord = 1.0 - turn * turn / 24.0; /* of an arc per its length; turn is small */
    const double cm = cos(pose->yaw_rad + 0.5 * turn);
    const double sm = sin(pose->yaw_rad + 0.5 * turn);
    /* The new heading by the double angle: c1 = cos(2 mid - start). */
    const double c1 = (2.0 * cm * cm - 1.0) * c0 + 2.0 * sm * cm * s0;
    const double s1 = 2.0 * sm * cm * c0 - (2.0 * cm * cm - 1.0) * s0;
    pose->x_m += way_m * chord * cm + half * (c1 - c0);
    pose->y_m += way_m * chord * sm + half * (s1 - s0);
    pose->yaw_rad += turn;
}

void sim_vehicle_step(const sim_vehicle_config *config, sim_vehicle *vehicle, double accel_mps2,
                      double steer_rad, double dt_s)
{
    assert(dt_s > 0.0 && config->substeps > 0);
    hp_ego_state *state = &vehicle->state;
    const double h = dt_s / config->substeps;
    const double drive_gain = 1.0 - exp(-h / config->drive_lag_s);
    const double brake_gain = 1.0 - exp(-h / config->brake_lag_s);
    const double wheel_rad =
        isnan(steer_rad) ? state->steer_rad
                         : hp_clamp(steer_rad, -config->max_steer_rad, config->max_steer_rad);
    const double wheel_step = config->steer_rate_radps * h;
    double kappa = 0.0;
    for (uint32_t i = 0; i < config->substeps; ++i) {
        const pedals ask = pedals_for(config, state->speed_mps, accel_mps2);
        vehicle->drive_mps2 += drive_gain * (ask.drive_mps2 - vehicle->drive_mps2);
        vehicle->brake_mps2 += brake_gain * (ask.brake_mps2 - vehicle->brake_mps2);
        state->steer_rad += hp_clamp(wheel_rad - state->steer_rad, -wheel_step, wheel_step);
        const double v0 = state->speed_mps;
        const double a = net_accel(config, vehicle);
        const double v1 = fmax(0.0, v0 + a * h);
        /* v^2 / 2a where the car comes to rest inside the substep. */
        const double way_m = v1 > 0.0 || v0 == 0.0 ? 0.5 * (v0 + v1) * h : -0.5 * v0 * v0 / a;
        kappa = curvature(config, state->steer_rad, v1, a);
        advance(config, &state->pose, way_m, kappa);
        state->accel_mps2 = v1 > 0.0 ? a : 0.0;
        state->speed_mps = v1;
    }
    state->pose.yaw_rad = hp_angle_wrap(state->pose.yaw_rad);
    state->yaw_rate_radps = kappa * state->speed_mps;
}
