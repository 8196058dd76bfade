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
    /* Compared as powers: no division where the limit is far. */
    const bool weak = vehicle->drive_mps2 * v > config->power_wpkg;
    const double drive_mps2 = weak ? config->power_wpkg / v : vehicle->drive_mps2;
    const double push = drive_mps2 - vehicle->brake_mps2 - config->rolling_mps2 -
                        config->drag_mps2_per_mps2 * v * v;
    const double a = hp_clamp(push, -config->friction_mps2, config->friction_mps2);
    return v <= 0.0 ? fmax(0.0, a) : a;
}

/** Curvature of the rear axle's path: what the wheels want, as far as the tyres grip sideways with
 *  what accelerating and braking leave them. */
static double curvature(const sim_vehicle_config *config, double wanted, double speed_mps,
                        double accel_mps2)
{
    const double across = wanted * speed_mps * speed_mps;
    const double grip2 = config->friction_mps2 * config->friction_mps2 - accel_mps2 * accel_mps2;
    if (across * across <= grip2) {
        return wanted;
    }
    return grip2 > 0.0 ? copysign(sqrt(grip2) / (speed_mps * speed_mps), wanted) : 0.0;
}

/** Where the box is, with its heading as a vector, so that a substep needs no sine. */
typedef struct mover {
    double x_m, y_m, yaw_rad, c, s;
} mover;

/** Cosine of a, and sine of a over a. Small angles by series, exact to rounding. */
static void half_angle(double a, double *cosine, double *sine_share)
{
    const double a2 = a * a;
    if (a2 < 0.01) {
        *cosine = 1.0 - a2 * (1.0 / 2.0) *
                            (1.0 - a2 * (1.0 / 12.0) *
                                       (1.0 - a2 * (1.0 / 30.0) * (1.0 - a2 * (1.0 / 56.0))));
        *sine_share =
            1.0 - a2 * (1.0 / 6.0) *
                      (1.0 - a2 * (1.0 / 20.0) * (1.0 - a2 * (1.0 / 42.0) * (1.0 - a2 / 72.0)));
    } else {
        *cosine = cos(a);
        *sine_share = sin(a) / a;
    }
}

/** Moves the box along an arc of the rear axle's path. */
static void advance(mover *box, double half_wheelbase_m, double way_m, double kappa)
{
    if (kappa == 0.0) {
        box->x_m += way_m * box->c;
        box->y_m += way_m * box->s;
        return;
    }
    const double half_turn = 0.5 * kappa * way_m;
    double ca;
    double share;
    half_angle(half_turn, &ca, &share);
    const double sa = share * half_turn;
    /* The chord points to the middle of the turn, and is this share of the arc. */
    const double c_mid = box->c * ca - box->s * sa;
    const double s_mid = box->s * ca + box->c * sa;
    const double c_end = c_mid * ca - s_mid * sa;
    const double s_end = s_mid * ca + c_mid * sa;
    box->x_m += way_m * share * c_mid + half_wheelbase_m * (c_end - box->c);
    box->y_m += way_m * share * s_mid + half_wheelbase_m * (s_end - box->s);
    box->c = c_end;
    box->s = s_end;
    box->yaw_rad += 2.0 * half_turn;
}

/** The lags' shares per substep. */
typedef struct gains {
    double drive, brake;
} gains;

/** Actuators and speed over h seconds; returns the way. */
static double move_along(const sim_vehicle_config *config, sim_vehicle *vehicle, double accel_mps2,
                         gains gain, double h)
{
    hp_ego_state *state = &vehicle->state;
    const pedals ask = pedals_for(config, state->speed_mps, accel_mps2);
    vehicle->drive_mps2 += gain.drive * (ask.drive_mps2 - vehicle->drive_mps2);
    vehicle->brake_mps2 += gain.brake * (ask.brake_mps2 - vehicle->brake_mps2);
    const double v0 = state->speed_mps;
    const double a = net_accel(config, vehicle);
    const double v1 = v0 + a * h;
    if (v1 > 0.0) {
        state->speed_mps = v1;
        state->accel_mps2 = a;
        return 0.5 * (v0 + v1) * h;
    }
    state->speed_mps = 0.0;
    state->accel_mps2 = 0.0;
    return v0 > 0.0 ? -0.5 * v0 * v0 / a : 0.0; /* comes to rest inside the substep */
}

void sim_vehicle_step(const sim_vehicle_config *config, sim_vehicle *vehicle, double accel_mps2,
                      double steer_rad, double dt_s)
{
    assert(dt_s > 0.0 && config->substeps > 0);
    hp_ego_state *state = &vehicle->state;
    const double h = dt_s / config->substeps;
    const gains gain = {1.0 - exp(-h / config->drive_lag_s), 1.0 - exp(-h / config->brake_lag_s)};
    const double wheel_rad =
        isnan(steer_rad) ? state->steer_rad
                         : hp_clamp(steer_rad, -config->max_steer_rad, config->max_steer_rad);
    const double wheel_step = config->steer_rate_radps * h;
    mover box = {state->pose.x_m, state->pose.y_m, state->pose.yaw_rad, cos(state->pose.yaw_rad),
                 sin(state->pose.yaw_rad)};
    double wanted = tan(state->steer_rad) / config->wheelbase_m;
    double kappa = 0.0;
    for (uint32_t i = 0; i < config->substeps; ++i) {
        const double way_m = move_along(config, vehicle, accel_mps2, gain, h);
        if (state->steer_rad != wheel_rad) {
            state->steer_rad += hp_clamp(wheel_rad - state->steer_rad, -wheel_step, wheel_step);
            wanted = tan(state->steer_rad) / config->wheelbase_m;
        }
        kappa = curvature(config, wanted, state->speed_mps, state->accel_mps2);
        advance(&box, 0.5 * config->wheelbase_m, way_m, kappa);
    }
    state->pose = (hp_pose){box.x_m, box.y_m, hp_angle_wrap(box.yaw_rad)};
    state->yaw_rate_radps = kappa * state->speed_mps;
}
