#include "planner/plan_guard.h"

#define STEP_S 0.05
#define MAX_STEPS 400     /* 20 s: from any speed in range, braking ends sooner */
#define STANDING_MPS 0.05 /* below this the ego counts as standing */

/** Where the ego is at one instant of the manoeuvre under test. */
typedef struct instant {
    double t_s;
    double s_m, speed_mps;
} instant;

/** How far a walker can have come after t seconds, starting at speed v. */
static double walker_reach(const plan_guard_config *config, double v_mps, double t_s)
{
    const double v_max = fmax(config->walker_speed_mps, v_mps + config->walker_speed_over_mps);
    const double a = config->walker_accel_mps2;
    const double t_full = (v_max - v_mps) / a;
    if (t_s <= t_full) {
        return v_mps * t_s + 0.5 * a * t_s * t_s;
    }
    return v_mps * t_full + 0.5 * a * t_full * t_full + v_max * (t_s - t_full);
}

static bool walker_touches(const plan_guard_config *config, const hp_agent *agent,
                           const hp_box *ego, double t_s)
{
    const double v = hypot(agent->vx_mps, agent->vy_mps);
    const double body = 0.5 * hypot(agent->length_m, agent->width_m);
    const hp_vec2 at = {agent->pose.x_m, agent->pose.y_m};
    return hp_box_distance(ego, at) <= walker_reach(config, v, t_s) + body + config->margin_m;
}

/** The strip that a vehicle may occupy after t seconds: from braking fully to accelerating fully.
 */
static bool car_touches(const plan_guard_config *config, const hp_agent *agent, const hp_box *ego,
                        double t_s)
{
    const double c = cos(agent->pose.yaw_rad);
    const double s = sin(agent->pose.yaw_rad);
    const double v = agent->vx_mps * c + agent->vy_mps * s;
    const double t_stop = fabs(v) / config->car_brake_mps2;
    const double t_brake = fmin(t_s, t_stop);
    const double way = fabs(v) * t_brake - 0.5 * config->car_brake_mps2 * t_brake * t_brake;
    const double least = v >= 0.0 ? way : v * t_s;
    const double most = fmax(v, 0.0) * t_s + 0.5 * config->car_accel_mps2 * t_s * t_s;
    const double middle = 0.5 * (least + most);
    const hp_box strip = {
        {agent->pose.x_m + middle * c, agent->pose.y_m + middle * s, agent->pose.yaw_rad},
        agent->length_m + (most - least),
        agent->width_m};
    return hp_box_overlap(&strip, ego);
}

/** Whether anybody may be touched with the ego there at that time. */
static bool may_touch(const plan_guard_config *config, const hp_world_info *info,
                      const plan_path *path, const hp_frame *frame, const instant *at,
                      double lateral_m)
{
    const hp_pose foot = plan_path_at(path, at->s_m);
    const hp_pose pose = {foot.x_m - lateral_m * sin(foot.yaw_rad),
                          foot.y_m + lateral_m * cos(foot.yaw_rad), foot.yaw_rad};
    const hp_box bare = {pose, info->ego_length_m, info->ego_width_m};
    const hp_box grown = {pose, info->ego_length_m + 2.0 * config->margin_m,
                          info->ego_width_m + 2.0 * config->margin_m};
    for (uint32_t i = 0; i < frame->n_agents; ++i) {
        const hp_agent *agent = &frame->agents[i];
        const bool touched = agent->kind == HP_CLASS_CAR
                                 ? car_touches(config, agent, &grown, at->t_s)
                                 : walker_touches(config, agent, &bare, at->t_s);
        if (touched) {
            return true;
        }
    }
    for (uint32_t i = 0; i < frame->n_occluders; ++i) {
        if (hp_box_overlap(&frame->occluders[i].box, &bare)) {
            return true;
        }
    }
    return false;
}

/** Drives the manoeuvre: accel for the response time, then full braking to a standstill. */
static bool passes(const plan_guard_config *config, const hp_world_info *info,
                   const plan_path *path, const hp_frame *frame, const hp_projection *ego,
                   double accel_mps2)
{
    instant at = {.s_m = ego->s_m, .speed_mps = fmax(frame->ego.speed_mps, 0.0)};
    for (int step = 0; step < MAX_STEPS; ++step) {
        const double a = at.t_s < config->response_s - 1e-9 ? accel_mps2 : -config->hard_mps2;
        const double v_next = fmax(at.speed_mps + a * STEP_S, 0.0);
        at.s_m += 0.5 * (at.speed_mps + v_next) * STEP_S;
        at.t_s += STEP_S;
        at.speed_mps = v_next;
        if (at.speed_mps < STANDING_MPS && at.t_s >= config->response_s) {
            return true;
        }
        if (at.speed_mps >= STANDING_MPS &&
            may_touch(config, info, path, frame, &at, ego->lateral_m)) {
            return false;
        }
    }
    return false;
}

plan_guard_verdict plan_guard_check(const plan_guard_config *config, const hp_world_info *info,
                                    const plan_path *path, const hp_frame *frame, double accel_mps2)
{
    const hp_vec2 here = {frame->ego.pose.x_m, frame->ego.pose.y_m};
    const hp_projection ego = plan_path_project(path, here);
    if (passes(config, info, path, frame, &ego, accel_mps2)) {
        return (plan_guard_verdict){.accel_mps2 = accel_mps2};
    }
    const bool comfortable = passes(config, info, path, frame, &ego, -config->comfort_mps2);
    const double baseline = comfortable ? -config->comfort_mps2 : -config->hard_mps2;
    return (plan_guard_verdict){.accel_mps2 = fmin(baseline, accel_mps2),
                                .intervened = baseline < accel_mps2,
                                .hard = !comfortable};
}
