#include "predictor/predictor_net.h"

#include "predictor/pred_merge.h"
#include "predictor/pred_watch.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16, OTHERS = HP_MAX_AGENTS + 1 };
#define LARGE_M 6.5 /* vehicles longer than this are lorries and buses */
#define NOW_S 1e-6

struct predictor_net {
    predictor_cv_config cv;
    bool has_model;
    pred_model model;
    pred_acts acts;
    pred_input inputs[HP_MAX_AGENTS];
    uint32_t track_of[HP_MAX_AGENTS]; /* inputs[i] belongs to this track */
    pred_answer answers[HP_MAX_AGENTS];
    pred_other others[OTHERS];
    pred_merge_room room;
    hp_forecast coarse; /* on the network's grid */
    pred_watch watch;
};

hp_status predictor_net_create(const predictor_config *config, predictor_net **out, hp_error *error)
{
    predictor_net *net = calloc(1, sizeof *net);
    *out = NULL;
    if (net == NULL || pred_acts_create(CHUNK, &net->acts) != HP_OK) {
        free(net);
        return hp_fail(error, HP_ENOMEM, "no memory for the predictor");
    }
    net->cv = config->cv;
    if (config->model[0] != '\0') {
        const hp_status st = pred_model_read(config->model, &net->model, error);
        if (st != HP_OK) {
            predictor_net_destroy(&net);
            return st;
        }
        net->has_model = true;
    }
    *out = net;
    return HP_OK;
}

void predictor_net_destroy(predictor_net **net)
{
    if (*net != NULL) {
        pred_acts_destroy(&(*net)->acts);
        free(*net);
        *net = NULL;
    }
}

bool predictor_net_has_model(const predictor_net *net)
{
    return net->has_model;
}

static pred_class class_of(const hp_track *track)
{
    if (track->kind == HP_CLASS_WALKER) {
        return PRED_WALKER;
    }
    if (track->kind == HP_CLASS_CYCLIST) {
        return PRED_CYCLIST;
    }
    return track->length_m > LARGE_M ? PRED_LARGE : PRED_CAR;
}

/** Everybody who is seen, and the ego last: its id is one that no track has. */
static uint32_t gather(const hp_predict_request *request, pred_other *others)
{
    const hp_ego_state *ego = &request->ego;
    uint32_t n = 0;
    for (uint32_t i = 0; i < request->n_tracks; ++i) {
        const hp_track *t = &request->tracks[i];
        if (t->visible) {
            others[n++] =
                (pred_other){.id = t->id,
                             .kind = class_of(t),
                             .p = {t->pose.x_m, t->pose.y_m},
                             .step_m = {PRED_STEP_S * t->vx_mps, PRED_STEP_S * t->vy_mps}};
        }
    }
    const double step_m = PRED_STEP_S * ego->speed_mps;
    others[n] =
        (pred_other){.id = UINT32_MAX,
                     .kind = PRED_CAR,
                     .p = {ego->pose.x_m, ego->pose.y_m},
                     .step_m = {step_m * cos(ego->pose.yaw_rad), step_m * sin(ego->pose.yaw_rad)}};
    return n + 1;
}

/** History up to now; the current place is its last point even where the tracker has not said so.
 */
static void write_past(const hp_track *t, pred_input *input)
{
    double times_s[HP_MAX_HISTORY + 1];
    hp_vec2 points[HP_MAX_HISTORY + 1];
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_history; ++i) {
        if (t->history_t_s[i] < -NOW_S) {
            times_s[n] = t->history_t_s[i];
            points[n++] = t->history[i];
        }
    }
    times_s[n] = 0.0;
    points[n++] = (hp_vec2){t->pose.x_m, t->pose.y_m};
    const hp_vec2 step_m = {PRED_STEP_S * t->vx_mps, PRED_STEP_S * t->vy_mps};
    input->kind = class_of(t);
    input->yaw_rad = (float)t->pose.yaw_rad;
    pred_input_past(times_s, points, n, step_m, input);
}

/** Where a mode is at a time: between grid points, before the first from the agent, beyond the last
 * at its last velocity. */
static hp_vec2 mean_at(const hp_mode *mode, double t_s)
{
    const double at = t_s / PRED_STEP_S;
    const uint32_t k = (uint32_t)fmin(at, PRED_FUTURE - 1.0);
    const hp_vec2 a = k == 0 ? (hp_vec2){0.0, 0.0} : mode->mean[k - 1];
    const hp_vec2 b = mode->mean[k];
    const double u = at - k;
    return (hp_vec2){a.x_m + u * (b.x_m - a.x_m), a.y_m + u * (b.y_m - a.y_m)};
}

static double sigma_at(const hp_mode *mode, double sigma0_m, double t_s)
{
    const double at = t_s / PRED_STEP_S;
    const uint32_t k = (uint32_t)fmin(at, PRED_FUTURE - 1.0);
    const double a = k == 0 ? sigma0_m : mode->sigma_m[k - 1];
    return fmax(a + (at - k) * (mode->sigma_m[k] - a), 0.0);
}

/** From the grid, around the agent, to the request's steps and the world. False: not finite. */
static bool refine(const predictor_net *net, const hp_track *track, hp_forecast *out)
{
    const uint32_t n_steps = predictor_cv_steps(&net->cv);
    bool good = true;
    out->id = track->id;
    out->n_modes = net->coarse.n_modes;
    for (uint32_t m = 0; m < out->n_modes; ++m) {
        const hp_mode *from = &net->coarse.modes[m];
        hp_mode *to = &out->modes[m];
        to->probability = from->probability;
        for (uint32_t k = 0; k < n_steps; ++k) {
            const double t_s = (k + 1) * net->cv.step_s;
            const hp_vec2 p = mean_at(from, t_s);
            to->mean[k] = (hp_vec2){track->pose.x_m + p.x_m, track->pose.y_m + p.y_m};
            to->sigma_m[k] = sigma_at(from, net->cv.sigma0_m, t_s);
            good &= isfinite(p.x_m) && isfinite(p.y_m) && isfinite(to->sigma_m[k]);
        }
        good &= isfinite(to->probability);
    }
    return good;
}

static void think(predictor_net *net, const hp_predict_request *request, hp_predict_reply *reply)
{
    const uint32_t n_others = gather(request, net->others);
    uint32_t n = 0;
    pred_watch_look(&net->watch, request);
    for (uint32_t i = 0; i < request->n_tracks; ++i) {
        if (request->tracks[i].visible) {
            net->track_of[n] = i;
            write_past(&request->tracks[i], &net->inputs[n]);
            pred_input_neighbours(net->others, n_others, n, &net->inputs[n]);
            ++n;
        }
    }
    pred_model_answer(&net->model, &net->acts, net->inputs, sizeof net->inputs[0], n, net->answers);
    for (uint32_t i = 0; i < n; ++i) {
        const uint32_t at = net->track_of[i];
        pred_adapt_apply(&net->watch.adapt, net->inputs[i].kind, &net->answers[i]);
        pred_watch_keep(&net->watch, &request->tracks[at], net->inputs[i].kind, &net->answers[i]);
        pred_merge(&net->answers[i], &net->room, &net->coarse);
        if (!refine(net, &request->tracks[at], &reply->forecasts[at])) {
            memset(&reply->forecasts[at], 0, sizeof reply->forecasts[at]);
            predictor_cv_forecast(&net->cv, &request->tracks[at], &reply->forecasts[at]);
        }
    }
}

void predictor_net_predict(predictor_net *net, const hp_predict_request *request,
                           hp_predict_reply *reply)
{
    predictor_cv_predict(&net->cv, request, reply);
    if (net->has_model) {
        reply->from_model = true;
        think(net, request, reply);
    }
}
