#include "planner/plan_leave.h"

#include <string.h>

#define NEAR_M 0.5      /* past the guard's margin: farther off, nobody is in the way */
#define ALIGNED_RAD 0.2 /* straight on is along the path, for a car's length */
#define SHARE 0.9       /* of leave_mps that is aimed at: the vehicle overshoots */
#define REACTION_S 0.4

/** Beside or behind, not touched, and not so near to the front that he could be before it first. */
static bool is_beside(const plan_guard_config *config, const hp_world_info *info,
                      const hp_pose *pose, const hp_agent *agent)
{
    const hp_vec2 p = {agent->pose.x_m, agent->pose.y_m};
    const hp_box ego = {*pose, info->ego_length_m, info->ego_width_m};
    const hp_box body = {agent->pose, agent->length_m, agent->width_m};
    const double keep = 0.5 * hypot(agent->length_m, agent->width_m) + config->margin_m;
    const double ahead =
        (p.x_m - pose->x_m) * cos(pose->yaw_rad) + (p.y_m - pose->y_m) * sin(pose->yaw_rad);
    return ahead + keep < 0.5 * info->ego_length_m && hp_box_distance(&ego, p) < keep + NEAR_M &&
           !hp_box_overlap(&ego, &body);
}

/** Braking for him would stop with the tail beside him, or later: it passes him sooner than the
 * brakes could hold it. */
static bool is_nearly_left(const plan_guard_config *config, const hp_world_info *info,
                           const hp_ego_state *ego, const hp_agent *agent)
{
    const hp_pose *pose = &ego->pose;
    const double from_tail = (agent->pose.x_m - pose->x_m) * cos(pose->yaw_rad) +
                             (agent->pose.y_m - pose->y_m) * sin(pose->yaw_rad) +
                             0.5 * (info->ego_length_m + hypot(agent->length_m, agent->width_m));
    return from_tail < ego->speed_mps * config->response_s +
                           0.5 * ego->speed_mps * ego->speed_mps / config->hard_mps2;
}

/** He has stood for long enough; once left behind, he may set out again when it is too late for
 * anything but to be gone. */
static bool waits_now(const plan_guard_config *config, const hp_world_info *info,
                      const hp_ego_state *ego, const hp_agent *agent, const plan_track *item,
                      bool waited)
{
    return agent->kind == HP_CLASS_WALKER && is_beside(config, info, &ego->pose, agent) &&
           (item->stood_s >= config->wait_s ||
            (waited && is_nearly_left(config, info, ego, agent)));
}

bool plan_leave_update(const plan_guard_config *config, const hp_world_info *info,
                       const plan_path *path, const hp_frame *frame, plan_tracks *tracks,
                       bool waits[])
{
    const hp_pose *pose = &frame->ego.pose;
    const hp_projection foot = plan_path_project(path, (hp_vec2){pose->x_m, pose->y_m});
    const bool slow = frame->ego.speed_mps < config->leave_mps;
    const bool aligned = fabs(hp_angle_wrap(pose->yaw_rad - foot.yaw_rad)) < ALIGNED_RAD;
    bool any = false;
    memset(waits, 0, frame->n_agents * sizeof waits[0]);
    for (uint32_t k = 0; k < tracks->n; ++k) {
        plan_track *item = &tracks->items[k];
        /* Once begun, it is gone through with: to steer beside him would swing the tail at him. */
        const bool waited = item->waits;
        const bool may = slow && (aligned || waited);
        item->waits = false;
        for (uint32_t i = 0; may && i < frame->n_agents; ++i) {
            if (frame->agents[i].id == item->track.id &&
                waits_now(config, info, &frame->ego, &frame->agents[i], item, waited)) {
                item->waits = waits[i] = any = true;
            }
        }
    }
    return any;
}

double plan_leave_accel(const plan_guard_config *config, double speed_mps, double accel_mps2)
{
    return fmin(accel_mps2, (SHARE * config->leave_mps - speed_mps) / REACTION_S);
}
