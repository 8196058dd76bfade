#include "planner/plan_track.h"

#include <string.h>

#define STANDING_MPS 0.1       /* slower than this is standing */
#define SLOW_MPS 0.7           /* and slower than this strolling */
#define HISTORY_STEP_S 0.4     /* spacing of the history's points: the predictor's grid */
#define GONE_AFTER_S 0.3       /* not seen where it should be: it is not there */
#define SIGHT_RANGE_SHARE 0.95 /* near the edge of the sensor's range, absence proves nothing */

/** When an observation comes in. */
typedef struct plan_clock {
    double now_s, dt_s; /* episode time, and since the last frame */
    double observed_s;  /* age of the observation */
    bool follows;       /* the last frame was the one before, so none was lost */
} plan_clock;

void plan_tracks_reset(plan_tracks *tracks)
{
    memset(tracks, 0, sizeof *tracks);
}

hp_vec2 plan_track_eye(const hp_world_info *info, const hp_ego_state *ego)
{
    const double ahead = 0.5 * info->ego_wheelbase_m;
    return (hp_vec2){ego->pose.x_m + ahead * cos(ego->pose.yaw_rad),
                     ego->pose.y_m + ahead * sin(ego->pose.yaw_rad)};
}

bool plan_track_in_sight(const hp_world_info *info, const hp_frame *frame, hp_vec2 p)
{
    const hp_vec2 eye = plan_track_eye(info, &frame->ego);
    if (hp_dist(eye, p) > SIGHT_RANGE_SHARE * info->sensor_range_m) {
        return false;
    }
    for (uint32_t i = 0; i < frame->n_occluders; ++i) {
        if (hp_box_cuts_segment(&frame->occluders[i].box, eye, p)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < frame->n_agents; ++i) {
        const hp_agent *a = &frame->agents[i];
        const hp_box box = {a->pose, a->length_m, a->width_m};
        if (a->kind == HP_CLASS_CAR && hp_box_cuts_segment(&box, eye, p)) {
            return false;
        }
    }
    return true;
}

static plan_track *find(plan_tracks *tracks, uint32_t id)
{
    for (uint32_t i = 0; i < tracks->n; ++i) {
        if (tracks->items[i].track.id == id) {
            return &tracks->items[i];
        }
    }
    return NULL;
}

/** Frees a slot for a newcomer: an unused one, else that of whoever has been out of sight longest.
 */
static plan_track *claim(plan_tracks *tracks)
{
    if (tracks->n < HP_MAX_AGENTS) {
        return &tracks->items[tracks->n++];
    }
    plan_track *oldest = &tracks->items[0];
    for (uint32_t i = 1; i < tracks->n; ++i) {
        if (tracks->items[i].seen_s < oldest->seen_s) {
            oldest = &tracks->items[i];
        }
    }
    return oldest;
}

/** Ages the history by dt and appends the current place every HISTORY_STEP_S; the last point is
 * always the current one. */
static void remember_place(hp_track *track, double dt_s)
{
    const hp_vec2 here = {track->pose.x_m, track->pose.y_m};
    for (uint32_t i = 0; i < track->n_history; ++i) {
        track->history_t_s[i] -= dt_s;
    }
    const uint32_t n = track->n_history;
    const bool extend =
        n < 2 || track->history_t_s[n - 1] - track->history_t_s[n - 2] >= HISTORY_STEP_S - 1e-9;
    if (extend && n == HP_MAX_HISTORY) {
        memmove(&track->history[0], &track->history[1], (n - 1) * sizeof track->history[0]);
        memmove(&track->history_t_s[0], &track->history_t_s[1],
                (n - 1) * sizeof track->history_t_s[0]);
    } else if (extend) {
        track->n_history = n + 1;
    }
    track->history[track->n_history - 1] = here;
    track->history_t_s[track->n_history - 1] = 0.0;
}

/** How much an observation differs from what a decision of before it reckoned with. */
static double surprise_mps(const hp_agent *agent, const plan_track *item)
{
    if (item == NULL || !item->track.visible) {
        return INFINITY;
    }
    return hypot(agent->vx_mps - item->track.vx_mps, agent->vy_mps - item->track.vy_mps);
}

/** Takes an observation in: where he is now is where he was seen, and on at his velocity since. */
static void see(const hp_agent *agent, const plan_clock *clock, bool fresh, plan_track *item)
{
    const double now_s = clock->now_s;
    const double dt_s = clock->dt_s;
    hp_track *t = &item->track;
    if (fresh) {
        memset(item, 0, sizeof *item);
        t->id = agent->id;
        item->met_s = now_s;
    } else if (t->visible && dt_s > 0.0) {
        const double rate = hp_angle_wrap(agent->pose.yaw_rad - t->pose.yaw_rad) / dt_s;
        t->yaw_rate_radps += 0.3 * (hp_clamp(rate, -1.0, 1.0) - t->yaw_rate_radps);
    }
    t->kind = agent->kind;
    t->length_m = agent->length_m;
    t->width_m = agent->width_m;
    t->pose = agent->pose;
    t->pose.x_m += agent->vx_mps * clock->observed_s;
    t->pose.y_m += agent->vy_mps * clock->observed_s;
    t->vx_mps = agent->vx_mps;
    t->vy_mps = agent->vy_mps;
    t->visible = true;
    item->seen_s = now_s;
    item->unseen_open_s = 0.0;
    const double speed_mps = hypot(agent->vx_mps, agent->vy_mps);
    /* At first sight he may have been so since the frame before, but not since frames that were
     * lost, or since the world began where this planner did not see it begin. */
    const double so_s = fresh && !clock->follows ? 0.0 : dt_s;
    item->stood_s = speed_mps < STANDING_MPS ? item->stood_s + so_s : 0.0;
    item->slow_s = speed_mps >= STANDING_MPS && speed_mps < SLOW_MPS ? item->slow_s + so_s : 0.0;
    remember_place(t, dt_s);
}

/** Carries on somebody who is not in the frame; false: forget him. */
static bool carry_on(const plan_belief_config *config, const hp_world_info *info,
                     const hp_frame *frame, double now_s, double dt_s, plan_track *item)
{
    hp_track *t = &item->track;
    const hp_vec2 here = {t->pose.x_m, t->pose.y_m};
    const hp_vec2 next = {here.x_m + t->vx_mps * dt_s, here.y_m + t->vy_mps * dt_s};
    t->visible = false;
    if (now_s - item->seen_s > config->remember_s) {
        return false;
    }
    if (!plan_track_in_sight(info, frame, next)) {
        t->pose.x_m = next.x_m;
        t->pose.y_m = next.y_m;
        item->unseen_open_s = 0.0;
    } else if (plan_track_in_sight(info, frame, here)) {
        item->unseen_open_s += dt_s;
    }
    remember_place(t, dt_s);
    return item->unseen_open_s < GONE_AFTER_S;
}

void plan_tracks_update(const plan_belief_config *config, const hp_world_info *info,
                        const hp_frame *frame, plan_tracks *tracks)
{
    const double shown_s = (double)frame->stamp_ns * 1e-9 + tracks->back_s;
    const double now_s = fmax(shown_s, tracks->now_s);
    const double dt_s = now_s - tracks->now_s;
    const plan_clock clock = {now_s, dt_s, config->observed_s, dt_s < 1.5 * info->tick_s};
    bool seen[HP_MAX_AGENTS] = {false};
    tracks->back_s += now_s - shown_s;
    tracks->now_s = now_s;
    tracks->surprise_mps = 0.0;
    for (uint32_t i = 0; i < frame->n_agents; ++i) {
        plan_track *item = find(tracks, frame->agents[i].id);
        const bool fresh = item == NULL;
        tracks->surprise_mps = fmax(tracks->surprise_mps, surprise_mps(&frame->agents[i], item));
        if (fresh) {
            item = claim(tracks);
        }
        see(&frame->agents[i], &clock, fresh, item);
        seen[item - tracks->items] = true;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tracks->n; ++i) {
        plan_track *item = &tracks->items[i];
        if (!seen[i] && !carry_on(config, info, frame, now_s, dt_s, item)) {
            continue;
        }
        if (kept != i) {
            tracks->items[kept] = *item;
        }
        ++kept;
    }
    tracks->n = kept;
}
