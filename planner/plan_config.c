#include "planner/plan_config.h"

#include <math.h>

const hp_field PLAN_CONTROL_FIELDS[] = {
    HP_F_DOUBLE(plan_control_config, rate_hz, 1.0, 200.0, "Hz", "frames and commands per second"),
    HP_F_DOUBLE(plan_control_config, decision_rate_hz, 0.5, 200.0, "Hz",
                "searches per second; must divide rate_hz"),
    HP_F_DOUBLE(
        plan_control_config, surprise_mps, 0.0, 20.0, "m/s",
        "who comes into sight or changes velocity by more is decided upon at once; 0: never"),
    HP_F_DOUBLE(plan_control_config, deadline_ms, 1.0, 10000.0, "ms",
                "from frame to command in real-time worlds"),
    HP_F_UINT(plan_control_config, delay_ticks, 0, 20, "ticks", "from a command to its effect"),
    HP_F_DOUBLE(plan_control_config, sensor_delay_s, 0.0, 1.0, "s",
                "age of what frames say about others"),
    HP_F_DOUBLE(plan_control_config, engine_lag_s, 0.0, 2.0, "s",
                "lag of the engine behind its command, which is made up for; 0: it is not"),
    HP_F_DOUBLE(plan_control_config, engine_mps2, 0.5, 20.0, "m/s^2",
                "most acceleration asked of the engine to make up for its lag"),
    HP_F_STRUCT(
        plan_control_config, realtime, HP_REALTIME_FIELDS,
        "what the planner asks of the kernel; what is not granted is told in log and health"),
    HP_F_END,
};

static const hp_field PATH_FIELDS[] = {
    HP_F_DOUBLE(plan_path_config, spacing_m, 0.1, 5.0, "m", "distance between points of the path"),
    HP_F_DOUBLE(plan_path_config, max_lateral_mps2, 0.5, 9.0, "m/s^2",
                "lateral acceleration allowed in bends"),
    HP_F_DOUBLE(plan_path_config, max_turn_mps, 1.0, 60.0, "m/s",
                "highest speed in bends of less than 30 m radius"),
    HP_F_DOUBLE(plan_path_config, slow_down_mps2, 0.5, 8.0, "m/s^2",
                "deceleration with which a lower speed ahead is approached"),
    HP_F_BOOL(plan_path_config, detours, "look for a way round what blocks the route"),
    HP_F_DOUBLE(plan_path_config, min_radius_m, 2.0, 100.0, "m", "smallest radius of a detour"),
    HP_F_DOUBLE(plan_path_config, margin_m, 0.0, 2.0, "m", "kept free around the ego's box"),
    HP_F_DOUBLE(plan_path_config, clearance_m, 0.0, 5.0, "m", "kept free where that is cheap"),
    HP_F_DOUBLE(plan_path_config, pavement_price, 1.0, 1e6, NULL,
                "price of a metre of pavement; a metre of road costs 1"),
    HP_F_DOUBLE(
        plan_path_config, off_limits_price, 1.0, 1e6, NULL,
        "price of a metre with a side on neither road nor pavement; the middle never is there"),
    HP_F_DOUBLE(plan_path_config, contact_price, 1.0, 1e6, NULL,
                "price of a metre within margin_m of where somebody is for sure"),
    HP_F_DOUBLE(plan_path_config, close_price, 0.0, 1e6, NULL,
                "price of a metre within clearance_m of something"),
    HP_F_DOUBLE(plan_path_config, blocked_s, 0.0, 100.0, "s",
                "a vehicle expected in the way for longer than this blocks the lane"),
    HP_F_DOUBLE(
        plan_path_config, queue_s, 0.0, 1000.0, "s",
        "a vehicle that waits ahead, headed along the route, blocks the lane only after this time"),
    HP_F_DOUBLE(plan_path_config, walker_blocked_s, 0.0, 100.0, "s",
                "a walker expected in the way for longer than this is driven round on the road"),
    HP_F_UINT(plan_path_config, max_nodes, 1, 5000, NULL, "nodes expanded by one search for a way"),
    HP_F_DOUBLE(plan_path_config, time_ms, 0.1, 1000.0, "ms",
                "time of one search for a way, in worlds that do not wait"),
    HP_F_END,
};

static const hp_field STEER_FIELDS[] = {
    HP_F_DOUBLE(plan_steer_config, lookahead_s, 0.1, 3.0, "s",
                "pure pursuit aims this much driving time ahead"),
    HP_F_DOUBLE(plan_steer_config, lookahead_min_m, 1.0, 20.0, "m", "but at least this far"),
    HP_F_END,
};

static const hp_field BELIEF_FIELDS[] = {
    HP_F_DOUBLE(plan_belief_config, forget_hz, 0.0, 10.0, "1/s",
                "rate at which evidence for a future fades"),
    HP_F_DOUBLE(plan_belief_config, min_weight, 0.0, 0.2, NULL,
                "no future falls below this weight"),
    HP_F_DOUBLE(plan_belief_config, remember_s, 0.0, 60.0, "s",
                "how long somebody out of sight is remembered"),
    HP_F_DOUBLE(plan_belief_config, cross_hz, 0.0, 5.0, "1/s",
                "rate at which a walker just met starts to cross the path"),
    HP_F_DOUBLE(plan_belief_config, patience_s, 0.1, 1000.0, "s",
                "a walker who has not crossed for this long is half as likely to"),
    HP_F_DOUBLE(plan_belief_config, return_share, 0.0, 1.0, NULL,
                "share of cross_hz for a walker who has crossed the path already"),
    HP_F_DOUBLE(plan_belief_config, car_stray_s, 0.0, 1.0, "s",
                "a vehicle's place is uncertain by this times its speed, at most"),
    HP_F_DOUBLE(plan_belief_config, walker_stray_s, 0.0, 5.0, "s",
                "a walker's place is uncertain by this times his speed, at most"),
    HP_F_DOUBLE(plan_belief_config, pass_margin_m, 0.0, 50.0, "m",
                "agents further than this behind the ego are left out of the search"),
    HP_F_END,
};

static const hp_field PHANTOM_FIELDS[] = {
    HP_F_BOOL(plan_phantom_config, enabled, "reckon with walkers whom nobody has seen yet"),
    HP_F_DOUBLE(plan_phantom_config, rate_hz, 0.0, 5.0, "1/s",
                "walkers who step out, per hidden edge and second"),
    HP_F_DOUBLE(plan_phantom_config, speed_mps, 0.1, 5.0, "m/s",
                "mean speed of walkers who step out"),
    HP_F_DOUBLE(plan_phantom_config, max_lateral_m, 0.5, 20.0, "m",
                "edges of sight further than this from the path do not count"),
    HP_F_DOUBLE(plan_phantom_config, range_m, 1.0, 100.0, "m",
                "edges of sight further ahead than this do not count"),
    HP_F_DOUBLE(plan_phantom_config, beyond_m, 0.1, 5.0, "m",
                "how far behind the occluder's edge such a walker is"),
    HP_F_END,
};

static const hp_field GUARD_FIELDS[] = {
    HP_F_BOOL(plan_guard_config, enabled, "check every command before it leaves"),
    HP_F_DOUBLE(plan_guard_config, response_s, 0.02, 2.0, "s",
                "until braking takes hold; at least (control.delay_ticks + 1) / control.rate_hz"),
    HP_F_DOUBLE(plan_guard_config, comfort_mps2, 0.5, 6.0, "m/s^2", "comfortable deceleration"),
    HP_F_DOUBLE(plan_guard_config, hard_mps2, 2.0, 9.0, "m/s^2", "full braking, reached for sure"),
    HP_F_DOUBLE(plan_guard_config, walker_accel_mps2, 0.1, 10.0, "m/s^2",
                "walkers do not accelerate more"),
    HP_F_DOUBLE(plan_guard_config, walker_speed_mps, 0.5, 10.0, "m/s",
                "walkers do not walk faster than this"),
    HP_F_DOUBLE(plan_guard_config, walker_speed_over_mps, 0.0, 5.0, "m/s",
                "nor faster than this above the speed seen, if that is more"),
    HP_F_DOUBLE(plan_guard_config, car_accel_mps2, 0.1, 10.0, "m/s^2",
                "vehicles do not accelerate more"),
    HP_F_DOUBLE(plan_guard_config, car_brake_mps2, 0.1, 10.0, "m/s^2",
                "vehicles do not brake harder"),
    HP_F_DOUBLE(plan_guard_config, margin_m, 0.0, 3.0, "m", "kept free around the ego's box"),
    HP_F_DOUBLE(plan_guard_config, wait_s, 0.0, 60.0, "s",
                "a walker who has stood beside the ego for so long lets it leave"),
    HP_F_DOUBLE(
        plan_guard_config, leave_mps, 0.0, 5.0, "m/s",
        "speed at most at which the ego leaves such a walker, wheels straight; 0: it does not"),
    HP_F_DOUBLE(plan_guard_config, yield_s, 0.0, 60.0, "s",
                "a walker who is across within so long goes first, unless the ego is past in time; "
                "0: nobody does"),
    HP_F_DOUBLE(
        plan_guard_config, room_m, 0.0, 3.0, "m",
        "ways round a slow walker keep so much more room, so that the guard lets the ego by"),
    HP_F_END,
};

static const hp_field CHANGE_FIELDS[] = {
    HP_F_UINT(plan_change, tick, 0, 100000000, NULL, "of the first episode"),
    HP_F_STRING(plan_change, key, "a key that may change in a run"),
    HP_F_DOUBLE(plan_change, value, -1e9, 1e9, NULL, "its new value; switches: 0 or 1"),
    HP_F_END,
};

const hp_field PLAN_FIELDS[] = {
    HP_F_STRUCT(plan_config, path, PATH_FIELDS, "the path along the route"),
    HP_F_STRUCT(plan_config, steer, STEER_FIELDS, "steering along the path"),
    HP_F_STRUCT(plan_config, belief, BELIEF_FIELDS, "what is believed about others"),
    HP_F_STRUCT(plan_config, phantom, PHANTOM_FIELDS, "walkers hidden behind something"),
    HP_F_STRUCT(plan_config, guard, GUARD_FIELDS, "the last check of every command"),
    {.key = "changes",
     .type = HP_FIELD_STRUCTS,
     .offset = offsetof(plan_config, changes),
     .sub = CHANGE_FIELDS,
     .capacity = PLAN_MAX_CHANGES,
     .stride = sizeof(plan_change),
     .count_offset = offsetof(plan_config, n_changes),
     .help = "thresholds that change at a tick, to repeat a run that was tuned while it ran"},
    HP_F_END,
};

void plan_config_default(plan_config *config)
{
    *config = (plan_config){
        .control = {.rate_hz = 20.0,
                    .decision_rate_hz = 4.0,
                    .surprise_mps = 1.0,
                    .deadline_ms = 40.0,
                    .delay_ticks = 1,
                    .engine_lag_s = 0.2,
                    .engine_mps2 = 5.0},
        .path = {.spacing_m = 0.5,
                 .max_lateral_mps2 = 4.0,
                 .max_turn_mps = 7.0,
                 .slow_down_mps2 = 4.0,
                 .detours = true,
                 .min_radius_m = 9.0,
                 .margin_m = 0.3,
                 .clearance_m = 0.8,
                 .pavement_price = 50.0,
                 .off_limits_price = 1000.0,
                 .contact_price = 1000.0,
                 .close_price = 10.0,
                 .blocked_s = 2.0,
                 .queue_s = 8.0,
                 .walker_blocked_s = 3.0,
                 .max_nodes = 300,
                 .time_ms = 8.0},
        .steer = {.lookahead_s = 0.5, .lookahead_min_m = 3.5},
        .belief = {.forget_hz = 1.0,
                   .min_weight = 0.01,
                   .remember_s = 20.0,
                   .cross_hz = 0.3,
                   .patience_s = 6.0,
                   .return_share = 0.1,
                   .car_stray_s = 0.03,
                   .walker_stray_s = 0.6,
                   .pass_margin_m = 4.0},
        .phantom = {.enabled = true,
                    .rate_hz = 0.05,
                    .speed_mps = 1.5,
                    .max_lateral_m = 6.0,
                    .range_m = 40.0,
                    .beyond_m = 1.0},
        .guard = {.enabled = true,
                  .response_s = 0.2,
                  .comfort_mps2 = 3.0,
                  .hard_mps2 = 7.0,
                  .walker_accel_mps2 = 2.0,
                  .walker_speed_mps = 3.0,
                  .walker_speed_over_mps = 0.5,
                  .car_accel_mps2 = 3.5,
                  .car_brake_mps2 = 8.0,
                  .margin_m = 0.2,
                  .wait_s = 1.0,
                  .leave_mps = 5.0,
                  .yield_s = 4.0,
                  .room_m = 1.2},
    };
}

hp_status plan_config_check(const plan_config *config, hp_error *error)
{
    const double ratio = config->control.rate_hz / config->control.decision_rate_hz;
    const double least_response_s = (config->control.delay_ticks + 1.0) / config->control.rate_hz;
    if (ratio < 1.0 || fabs(ratio - nearbyint(ratio)) > 1e-9) {
        return hp_fail(error, HP_ECONFIG,
                       "control.decision_rate_hz = %g must divide control.rate_hz = %g",
                       config->control.decision_rate_hz, config->control.rate_hz);
    }
    if (config->guard.enabled && config->guard.response_s < least_response_s - 1e-9) {
        return hp_fail(
            error, HP_ECONFIG,
            "planner.guard.response_s = %g is too short: control.delay_ticks = %u and one "
            "period to react need at least %g s at control.rate_hz = %g",
            config->guard.response_s, config->control.delay_ticks, least_response_s,
            config->control.rate_hz);
    }
    return HP_OK;
}
