#include "planner/plan_belief.h"

#include <string.h>

#define MIN_SIGMA_M 0.1   /* of an observation against a forecast: sensors are not exact */
#define MAX_EVIDENCE 12.0 /* log units between the best and the worst future */

void plan_belief_ask(const plan_tracks *tracks, const hp_frame *frame, hp_predict_request *request)
{
    request->world_id = frame->world_id;
    request->tick = frame->tick;
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

/** Adds what the current place says about the last forecast's futures. */
static void weigh(const plan_belief_config *config, double now_s, plan_track *item)
{
    const double elapsed_s = now_s - item->forecast_s;
    const double keep = exp(-config->forget_hz * elapsed_s);
    double best = -INFINITY;
    for (uint32_t m = 0; m < item->n_forecast; ++m) {
        const double sigma = fmax(item->forecast_sigma_m[m], MIN_SIGMA_M);
        const hp_vec2 here = {item->track.pose.x_m, item->track.pose.y_m};
        const double miss = hp_dist(here, item->forecast[m]) / sigma;
        item->evidence[m] = keep * item->evidence[m] - 0.5 * miss * miss - 2.0 * log(sigma);
        best = fmax(best, item->evidence[m]);
    }
    for (uint32_t m = 0; m < item->n_forecast; ++m) {
        item->evidence[m] = fmax(item->evidence[m] - best, -MAX_EVIDENCE);
    }
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

/** Keeps where the new forecast puts the agent at the next decision. */
static void keep_forecast(const hp_predict_reply *reply, const hp_forecast *forecast, double now_s,
                          double decision_s, plan_track *item)
{
    const hp_vec2 here = {item->track.pose.x_m, item->track.pose.y_m};
    if (item->n_forecast != forecast->n_modes) {
        memset(item->evidence, 0, sizeof item->evidence);
    }
    item->n_forecast = forecast->n_modes;
    item->forecast_s = now_s;
    for (uint32_t m = 0; m < forecast->n_modes; ++m) {
        const hp_mode *mode = &forecast->modes[m];
        item->forecast[m] = mode_at(mode, here, reply->step_s, reply->n_steps, decision_s);
        item->forecast_sigma_m[m] = mode->sigma_m[0];
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
    if (t->visible && item->n_forecast == forecast->n_modes) {
        weigh(config, now_s, item);
    }
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
        if (rear_m > -config->pass_margin_m) {
            ++request->n_agents;
        }
    }
}
