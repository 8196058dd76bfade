#include "planner/plan_belief.h"

#include <string.h>

#define MIN_SIGMA_M 0.1 /* of an observation against a forecast: sensors are not exact */
#define MIN_CAR_SIGMA_M 0.05
#define SIGMA_MPS 0.5 /* of an observed velocity against a forecast */
#define CAR_SIGMA_MPS 0.3
#define MARK_S 1.0       /* between the points by which futures are known again */
#define MAX_EVIDENCE 3.0 /* log units at most between futures: people change their minds */

void plan_belief_ask(const plan_tracks *tracks, const hp_frame *frame, hp_predict_request *request)
{
    request->world_id = frame->world_id;
    request->tick = frame->tick;
    request->stamp_ns = frame->stamp_ns;
    request->ego = frame->ego;
    request->n_tracks = tracks->n;
    for (uint32_t i = 0; i < tracks->n; ++i) {
        request->tracks[i] = tracks->items[i].track;
    }
}

/** Mean of a mode after t seconds, between its points; the first leg starts at the agent itself. */
static hp_vec2 mode_at(const hp_mode *mode, hp_vec2 start, double step_s, uint32_t n_steps,
                       double t_s)
{
    const double at = hp_clamp(t_s / step_s, 0.0, n_steps);
    const uint32_t k = (uint32_t)fmin(at, n_steps - 1.0);
    const hp_vec2 a = k == 0 ? start : mode->mean[k - 1];
    const hp_vec2 b = mode->mean[k];
    const double u = at - k;
    return (hp_vec2){a.x_m + u * (b.x_m - a.x_m), a.y_m + u * (b.y_m - a.y_m)};
}

static hp_vec2 between(hp_vec2 a, hp_vec2 b, double u)
{
    return (hp_vec2){a.x_m + u * (b.x_m - a.x_m), a.y_m + u * (b.y_m - a.y_m)};
}

/** Adds what place and velocity say about the last forecast's futures: where each had him now,
 * which is before the next decision was due if something surprised. */
static void weigh(const plan_belief_config *config, double now_s, plan_track *item)
{
    const hp_track *t = &item->track;
    const double keep = exp(-config->forget_hz * (now_s - item->forecast_s));
    const double u = (now_s - item->forecast_s) / fmax(item->until_s, 1e-3);
    const double sigma_mps = t->kind == HP_CLASS_CAR ? CAR_SIGMA_MPS : SIGMA_MPS;
    const hp_vec2 here = {t->pose.x_m, t->pose.y_m};
    const hp_vec2 pace = {t->vx_mps, t->vy_mps};
    double best = -INFINITY;
    for (uint32_t m = 0; m < item->n_forecast; ++m) {
        const double sigma = fmax(item->sigma_m[m], MIN_SIGMA_M);
        const double miss = hp_dist(here, between(item->from, item->forecast[m][0], u)) / sigma;
        const double off = hp_dist(pace, between(item->from_mps, item->then_mps[m], u)) / sigma_mps;
        item->evidence[m] =
            keep * item->evidence[m] - 0.5 * (miss * miss + off * off) - 2.0 * log(sigma);
        best = fmax(best, item->evidence[m]);
    }
    for (uint32_t m = 0; m < item->n_forecast; ++m) {
        item->evidence[m] = fmax(item->evidence[m] - best, -MAX_EVIDENCE);
    }
}

/** The old future that leads the same way as a new one. */
static uint32_t ancestor(const hp_predict_reply *reply, const hp_mode *mode, const plan_track *item)
{
    const hp_vec2 here = {item->track.pose.x_m, item->track.pose.y_m};
    uint32_t nearest = 0;
    double least_m = INFINITY;
    for (uint32_t m = 0; m < item->n_forecast; ++m) {
        double apart_m = 0.0;
        for (uint32_t k = 1; k < PLAN_MARKS; ++k) {
            const hp_vec2 then = mode_at(mode, here, reply->step_s, reply->n_steps, k * MARK_S);
            /* From where he really is now: what counts is the way, not the start. */
            const hp_vec2 old = {here.x_m + item->forecast[m][k].x_m - item->forecast[m][0].x_m,
                                 here.y_m + item->forecast[m][k].y_m - item->forecast[m][0].y_m};
            apart_m += hp_dist(then, old);
        }
        if (apart_m < least_m) {
            least_m = apart_m;
            nearest = m;
        }
    }
    return nearest;
}

/** Hands the evidence over from the old futures to the new. */
static void inherit(const hp_predict_reply *reply, const hp_forecast *forecast, plan_track *item)
{
    double evidence[HP_MAX_MODES] = {0.0};
    for (uint32_t m = 0; m < forecast->n_modes && item->n_forecast > 0; ++m) {
        evidence[m] = item->evidence[ancestor(reply, &forecast->modes[m], item)];
    }
    memcpy(item->evidence, evidence, sizeof evidence);
}

/** Prior times evidence, floored and normalised. */
static void posterior(const plan_belief_config *config, const double *evidence,
                      hp_belief_agent *agent)
{
    double sum = 0.0;
    for (uint32_t m = 0; m < agent->n_modes; ++m) {
        hp_mode *mode = &agent->modes[m];
        mode->probability *= exp(evidence[m]);
        sum += mode->probability;
    }
    double floored = 0.0;
    for (uint32_t m = 0; m < agent->n_modes; ++m) {
        hp_mode *mode = &agent->modes[m];
        mode->probability = sum > 0.0 ? mode->probability / sum : 1.0 / agent->n_modes;
        mode->probability = fmax(mode->probability, config->min_weight);
        floored += mode->probability;
    }
    for (uint32_t m = 0; m < agent->n_modes; ++m) {
        agent->modes[m].probability /= floored;
    }
}

/** Over a step before and one after. */
static hp_vec2 velocity_at(const hp_mode *mode, hp_vec2 start, const hp_predict_reply *reply,
                           double t_s)
{
    const double before_s = fmax(t_s - reply->step_s, 0.0);
    const double after_s = t_s + reply->step_s;
    const hp_vec2 a = mode_at(mode, start, reply->step_s, reply->n_steps, before_s);
    const hp_vec2 b = mode_at(mode, start, reply->step_s, reply->n_steps, after_s);
    const double per_s = 1.0 / (after_s - before_s);
    return (hp_vec2){(b.x_m - a.x_m) * per_s, (b.y_m - a.y_m) * per_s};
}

/** Keeps where the new forecast puts the agent from the next decision on. */
static void keep_forecast(const hp_predict_reply *reply, const hp_forecast *forecast, double now_s,
                          double decision_s, plan_track *item)
{
    const hp_vec2 here = {item->track.pose.x_m, item->track.pose.y_m};
    item->n_forecast = forecast->n_modes;
    item->forecast_s = now_s;
    item->until_s = decision_s;
    item->from = here;
    item->from_mps = (hp_vec2){item->track.vx_mps, item->track.vy_mps};
    for (uint32_t m = 0; m < forecast->n_modes; ++m) {
        const hp_mode *mode = &forecast->modes[m];
        item->sigma_m[m] = mode->sigma_m[0];
        item->then_mps[m] = velocity_at(mode, here, reply, decision_s);
        for (uint32_t k = 0; k < PLAN_MARKS; ++k) {
            item->forecast[m][k] =
                mode_at(mode, here, reply->step_s, reply->n_steps, decision_s + k * MARK_S);
        }
    }
}

static const hp_forecast *forecast_of(const hp_predict_reply *reply, uint32_t id)
{
    for (uint32_t i = 0; i < reply->n_forecasts; ++i) {
        if (reply->forecasts[i].id == id) {
            return &reply->forecasts[i];
        }
    }
    return NULL;
}

/** An agent whom the predictor left out stays where he is. */
static void stand_still(const hp_track *track, uint32_t n_steps, hp_belief_agent *agent)
{
    agent->n_modes = 1;
    agent->modes[0].probability = 1.0;
    for (uint32_t k = 0; k < n_steps; ++k) {
        agent->modes[0].mean[k] = (hp_vec2){track->pose.x_m, track->pose.y_m};
        agent->modes[0].sigma_m[k] = MIN_SIGMA_M;
    }
}

/** A forecast's spread is the same in all directions and for all, but vehicles stray along their
 * way, which their modes say, and hardly aside, and who stands does not slide: that he may set off
 * is the crossing rate's affair. */
static void keep_to_pace(double sigma_m, double stray_s, const hp_track *track, uint32_t n_steps,
                         hp_belief_agent *agent)
{
    const double most = sigma_m + stray_s * hypot(track->vx_mps, track->vy_mps);
    for (uint32_t m = 0; m < agent->n_modes; ++m) {
        for (uint32_t k = 0; k < n_steps; ++k) {
            agent->modes[m].sigma_m[k] = fmin(agent->modes[m].sigma_m[k], most);
        }
    }
}

/** Rate at which the agent may suddenly start to cross the path. */
static double crossing_rate(const plan_belief_config *config, const plan_path *path,
                            plan_track *item)
{
    const hp_vec2 here = {item->track.pose.x_m, item->track.pose.y_m};
    const double lateral_m = plan_path_project(path, here).lateral_m;
    const double side = lateral_m > 0.0 ? 1.0 : -1.0;
    if (item->side == 0.0) {
        item->side = side;
    }
    item->crossed |= side != item->side;
    const double watched_s = item->seen_s - item->met_s;
    const double rate = config->cross_hz * config->patience_s / (config->patience_s + watched_s);
    return item->crossed ? config->return_share * rate : rate;
}

static void believe(const plan_belief_config *config, const plan_belief_view *view,
                    const hp_predict_reply *reply, double now_s, plan_track *item,
                    hp_belief_agent *agent)
{
    const hp_track *t = &item->track;
    const hp_forecast *forecast = forecast_of(reply, t->id);
    *agent = (hp_belief_agent){.id = t->id,
                               .kind = t->kind,
                               .pose = t->pose,
                               .vx_mps = t->vx_mps,
                               .vy_mps = t->vy_mps,
                               .length_m = t->length_m,
                               .width_m = t->width_m,
                               .age_s = t->visible ? 0.0 : now_s - item->seen_s};
    agent->cross_hz = crossing_rate(config, view->path, item);
    if (forecast == NULL) {
        stand_still(t, reply->n_steps, agent);
        return;
    }
    agent->n_modes = forecast->n_modes;
    memcpy(agent->modes, forecast->modes, forecast->n_modes * sizeof agent->modes[0]);
    if (t->kind == HP_CLASS_CAR) {
        keep_to_pace(MIN_CAR_SIGMA_M, config->car_stray_s, t, reply->n_steps, agent);
    } else {
        keep_to_pace(MIN_SIGMA_M, config->walker_stray_s, t, reply->n_steps, agent);
    }
    if (t->visible) {
        weigh(config, now_s, item);
    }
    inherit(reply, forecast, item);
    keep_forecast(reply, forecast, now_s, view->decision_s, item);
    posterior(config, item->evidence, agent);
}

/** Distance along the ego's heading, negative behind. */
static double ahead_of(const hp_pose *ego, const hp_pose *other)
{
    return (other->x_m - ego->x_m) * cos(ego->yaw_rad) +
           (other->y_m - ego->y_m) * sin(ego->yaw_rad);
}

void plan_belief_update(const plan_belief_config *config, const plan_belief_view *view,
                        const hp_predict_reply *reply, plan_tracks *tracks,
                        hp_plan_request *request)
{
    request->step_s = reply->step_s;
    request->n_steps = reply->n_steps;
    request->n_agents = 0;
    for (uint32_t i = 0; i < tracks->n; ++i) {
        plan_track *item = &tracks->items[i];
        hp_belief_agent *agent = &request->agents[request->n_agents];
        believe(config, view, reply, tracks->now_s, item, agent);
        const double rear_m = ahead_of(&view->ego, &agent->pose) + 0.5 * agent->length_m;
        if (rear_m > -config->pass_margin_m && !item->waits) {
            ++request->n_agents;
        }
    }
}
