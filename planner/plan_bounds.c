#include "planner/plan_bounds.h"

#include "planner/plan_guard.h"

#include <string.h>

/* What numbers may be off: rounding, and places in the middle of a step. */
#define SLACK_MPS 0.011
#define SLACK_M 0.02
#define STRIP_RAD 0.02 /* a vehicle's yaw against its last */

void plan_bounds_reset(plan_bounds *bounds)
{
    memset(bounds, 0, sizeof *bounds);
}

static const hp_agent *before(const plan_bounds *bounds, uint32_t id)
{
    for (uint32_t i = 0; i < bounds->n; ++i) {
        if (bounds->agents[i].id == id) {
            return &bounds->agents[i];
        }
    }
    return NULL;
}

/** He has come from where he was at about the velocities that he shows. */
static bool came(const hp_agent *was, const hp_agent *is, double dt_s)
{
    const double x = 0.5 * (was->vx_mps + is->vx_mps) * dt_s;
    const double y = 0.5 * (was->vy_mps + is->vy_mps) * dt_s;
    const double half = 0.5 * dt_s * hypot(is->vx_mps - was->vx_mps, is->vy_mps - was->vy_mps);
    return hypot(is->pose.x_m - was->pose.x_m - x, is->pose.y_m - was->pose.y_m - y) <=
           half + SLACK_M;
}

static bool walked(const plan_guard_config *config, const hp_agent *was, const hp_agent *is,
                   double dt_s)
{
    const double v = hypot(was->vx_mps, was->vy_mps);
    const double change = hypot(is->vx_mps - was->vx_mps, is->vy_mps - was->vy_mps);
    const double top = fmax(config->walker_speed_mps, v + config->walker_speed_over_mps);
    return change <= config->walker_accel_mps2 * dt_s + SLACK_MPS &&
           hypot(is->vx_mps, is->vy_mps) <= top + SLACK_MPS && came(was, is, dt_s);
}

static bool drove(const plan_guard_config *config, const hp_agent *was, const hp_agent *is,
                  double dt_s)
{
    const double c = cos(was->pose.yaw_rad);
    const double s = sin(was->pose.yaw_rad);
    const double change = (hypot(is->vx_mps, is->vy_mps) - hypot(was->vx_mps, was->vy_mps)) / dt_s;
    const double aside = (is->pose.y_m - was->pose.y_m) * c - (is->pose.x_m - was->pose.x_m) * s;
    return change <= config->car_accel_mps2 + SLACK_MPS / dt_s &&
           change >= -config->car_brake_mps2 - SLACK_MPS / dt_s && fabs(aside) <= SLACK_M &&
           fabs(hp_angle_wrap(is->pose.yaw_rad - was->pose.yaw_rad)) <= STRIP_RAD;
}

/** The ego can stop for this one: hard braking, at the least, passes the guard. */
static bool in_time(const plan_guard_config *config, const hp_world_info *info,
                    const plan_path *path, hp_frame *alone)
{
    /* By a hair, so that the verdict says whether it passed: the hard brake itself never does. */
    const double hard = -config->hard_mps2 + 1e-6;
    return !plan_guard_check(config, info, path, alone, NULL, hard).intervened;
}

void plan_bounds_watch(const plan_guard_config *config, const hp_world_info *info,
                       const plan_path *path, const hp_frame *frame, plan_bounds *bounds)
{
    for (uint32_t i = 0; i < frame->n_agents && bounds->breach == PLAN_BREACH_NONE; ++i) {
        const hp_agent *is = &frame->agents[i];
        const hp_agent *was = before(bounds, is->id);
        const bool car = is->kind == HP_CLASS_CAR;
        if (was == NULL) {
            bounds->alone.ego = frame->ego;
            bounds->alone.n_agents = 1;
            bounds->alone.agents[0] = *is;
            bounds->breach =
                in_time(config, info, path, &bounds->alone) ? PLAN_BREACH_NONE : PLAN_BREACH_SIGHT;
        } else if (!(car ? drove : walked)(config, was, is, info->tick_s)) {
            bounds->breach = car ? PLAN_BREACH_CAR : PLAN_BREACH_WALKER;
        }
    }
    bounds->n = frame->n_agents;
    memcpy(bounds->agents, frame->agents, frame->n_agents * sizeof bounds->agents[0]);
}
