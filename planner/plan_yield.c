#include "planner/plan_yield.h"

#define STEP_S 0.1
#define LOOK_STEPS 80     /* 8 s, in which the ego is past, or is not */
#define KEEP_M 1.3        /* from the front bumper to who passes before it */
#define CLOSE_M 0.3       /* nearer than that it does not creep either */
#define CROSSES_MPS 0.15  /* slower across the path is no crossing */
#define SLACK_M 0.1       /* of his way, in doubt whether the ego can be first */
#define CROSSES_SHARE 0.7 /* of his speed; less is along the street */
#define CRAWL_MPS 3.0     /* who can pass no faster does not pass */
#define THROTTLE_MPS2 3.0 /* with which the ego is reckoned to speed up again */
#define SOON_MPS2 6.0     /* with which it is slowed down ahead of somebody whom it passes */
#define TURN_MPS 2.0      /* slower than that, the ego has let others go, and it is its turn */
#define HARD_SHARE 0.9    /* of the hard brake that is asked for to stop before somebody */
#define REACTION_S 0.4    /* in which the speed settles on what is allowed */

/** Somebody on his way across, as the ego's front sees him along the path. */
typedef struct crossing {
    double ahead_m, along_mps; /* from the front bumper to his near edge, and how that grows */
    double aside_m;            /* to his nearest edge, from where the ego's flank passes */
    double toward_mps;
    double top_mps;
    double past_m;  /* what the ego drives from there until its tail is clear of him */
    double clear_s; /* until he has left its way */
} crossing;

/** False: he is not on his way across, or has been met already. */
static bool meet(const plan_guard_config *config, const hp_world_info *info, const plan_path *path,
                 const hp_frame *frame, const hp_agent *agent, crossing *c)
{
    const hp_vec2 ego = {frame->ego.pose.x_m, frame->ego.pose.y_m};
    const hp_projection from = plan_path_project(path, ego);
    const hp_projection at = plan_path_project(path, (hp_vec2){agent->pose.x_m, agent->pose.y_m});
    const double body = 0.5 * hypot(agent->length_m, agent->width_m);
    const double reach = 0.5 * info->ego_width_m + body + config->margin_m;
    const double left_mps = agent->vy_mps * cos(at.yaw_rad) - agent->vx_mps * sin(at.yaw_rad);
    const double lateral = at.lateral_m - from.lateral_m;
    const double side = lateral < 0.0 ? -1.0 : 1.0;
    const double speed = hypot(agent->vx_mps, agent->vy_mps);
    c->toward_mps = -side * left_mps;
    c->aside_m = fabs(lateral) - reach;
    c->along_mps = agent->vx_mps * cos(at.yaw_rad) + agent->vy_mps * sin(at.yaw_rad);
    c->ahead_m = at.s_m - from.s_m - 0.5 * info->ego_length_m - body;
    c->past_m = info->ego_length_m + 2.0 * body + config->margin_m;
    c->top_mps = fmax(config->walker_speed_mps, speed + config->walker_speed_over_mps);
    c->clear_s = (side * lateral + copysign(reach, c->toward_mps)) / c->toward_mps;
    return fabs(left_mps) > fmax(CROSSES_MPS, CROSSES_SHARE * speed) && c->ahead_m > 0.0 &&
           c->clear_s > 0.0;
}

/** Until he can have come so far, within his bounds. */
static double reach_s(const plan_guard_config *config, const crossing *c, double way_m)
{
    const double a = config->walker_accel_mps2;
    const double v = c->toward_mps;
    const double t_top = fmax(c->top_mps - v, 0.0) / a;
    const double way_top = v * t_top + 0.5 * a * t_top * t_top;
    if (way_m <= 0.0) {
        return 0.0;
    }
    return way_m > way_top ? t_top + (way_m - way_top) / c->top_mps
                           : (sqrt(v * v + 2.0 * a * way_m) - v) / a;
}

/** The speed at which the guard lets the ego drive past him: it stands before he can be there. */
static double speed_beside(const plan_guard_config *config, const crossing *c, double t_s)
{
    const double way_m = c->aside_m - c->toward_mps * t_s - SLACK_M;
    const double t = reach_s(config, c, way_m) - config->response_s - config->observed_s;
    return config->hard_mps2 * fmax(t, 0.0);
}

/** The highest speed from which the ego still stops before his line, so far ahead. */
static double speed_before(const plan_guard_config *config, double ahead_m)
{
    const double lag_mps = SOON_MPS2 * config->response_s;
    const double way_m = fmax(ahead_m - config->margin_m, 0.0);
    return sqrt(lag_mps * lag_mps + 2.0 * SOON_MPS2 * way_m) - lag_mps;
}

/** Drives on as fast as limits and guard allow, while he keeps his velocity: true if the ego is
 * past him then; now_mps is how fast it may be for that now. */
static bool ego_is_first(const plan_guard_config *config, const crossing *c, double limit_mps,
                         double speed_mps, double *now_mps)
{
    double v = speed_mps;
    double ahead_m = c->ahead_m;
    *now_mps = limit_mps;
    for (uint32_t k = 0; k < LOOK_STEPS && ahead_m >= -c->past_m; ++k) {
        const double most_mps = fmin(
            fmax(speed_beside(config, c, STEP_S * k), speed_before(config, ahead_m)), limit_mps);
        if (most_mps < fmax(v - 1.0, CRAWL_MPS)) {
            return false; /* faster than it may be already, or it would stand before him */
        }
        *now_mps = k == 0 ? most_mps : *now_mps;
        const double next =
            hp_clamp(most_mps, v - config->hard_mps2 * STEP_S, v + THROTTLE_MPS2 * STEP_S);
        ahead_m -= (0.5 * (v + next) - c->along_mps) * STEP_S;
        v = next;
    }
    return ahead_m < -c->past_m;
}

/** Down to a stop after so long a way, comfortably unless it is too late for that. */
static double stop_accel(const plan_guard_config *config, double way_m, double speed_mps)
{
    const double due_mps = sqrt(2.0 * config->comfort_mps2 * fmax(way_m, 0.0));
    return speed_mps <= due_mps ? (due_mps - speed_mps) / REACTION_S
                                : -0.5 * speed_mps * speed_mps / fmax(way_m, 0.01);
}

/** What it takes for this one: to be slow enough beside him, or to stop before his line. */
static double accel_for(const plan_guard_config *config, const crossing *c, double limit_mps,
                        double speed_mps)
{
    const double most_mps2 = HARD_SHARE * config->hard_mps2;
    double now_mps;
    if (ego_is_first(config, c, limit_mps, speed_mps, &now_mps)) {
        return fmax((now_mps - speed_mps) / REACTION_S, -most_mps2);
    }
    if (c->clear_s > config->yield_s || c->clear_s * speed_mps < c->ahead_m - KEEP_M ||
        0.5 * speed_mps * speed_mps > most_mps2 * (c->ahead_m - CLOSE_M)) {
        return INFINITY; /* takes too long, is gone by then, or too late: the guard's affair */
    }
    return fmax(stop_accel(config, c->ahead_m - KEEP_M, speed_mps), -most_mps2);
}

static plan_track *track_of(plan_tracks *tracks, uint32_t id)
{
    for (uint32_t k = 0; k < tracks->n; ++k) {
        if (tracks->items[k].track.id == id) {
            return &tracks->items[k];
        }
    }
    return NULL;
}

double plan_yield_accel(const plan_guard_config *config, const hp_world_info *info,
                        const plan_path *path, const hp_frame *frame, plan_tracks *tracks,
                        double accel_mps2)
{
    const double v = fmax(frame->ego.speed_mps, 0.0);
    for (uint32_t i = 0; i < frame->n_agents; ++i) {
        const hp_agent *agent = &frame->agents[i];
        plan_track *item = track_of(tracks, agent->id);
        crossing c;
        if (config->yield_s <= 0.0 || agent->kind != HP_CLASS_WALKER || item == NULL) {
            continue;
        }
        const bool met = !item->waits && meet(config, info, path, frame, agent, &c);
        const double most =
            met ? accel_for(config, &c, fmax(info->speed_limit_mps, v), v) : accel_mps2;
        item->first = met && (item->first || (v > TURN_MPS && most < 0.0));
        accel_mps2 = item->first ? fmin(accel_mps2, most) : accel_mps2;
    }
    return accel_mps2;
}
