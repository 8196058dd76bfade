#include "pomdp/car/car_leaf.h"

#include "common/hp_clock.h"
#include "policy/policy_model.h"
#include "policy/policy_nodes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { NOBODY = -1 };
#define MOST_TTC_S 1000.0 /* files hold no infinity */
#define LIMIT_SHARE 0.1   /* by which a speed limit may differ and be the same */
#define SLOW_MPS 1.0      /* slower than people walk */
#define STANDING_MPS 0.05 /* an ego slower than this cannot collide by its own doing */

struct car_leaf {
    const car_config *config;
    const car_remote *remote;
    policy_infer *infer;
    policy_encoder encoder; /* of the network, here or elsewhere */
    policy_nodes labels;
    policy_scale scale;
    policy_calib calib;
    double least_variance, greatest_variance; /* of the labels' scores */
    bool is_matched;                          /* network and labels belong together ... */
    bool is_sure;                             /* ... and to the thresholds in force */
    char note[HP_TEXT];
    pomdp_evaluator evaluator;
    hp_clock clock; /* for figures only */
    /* one decision */
    const car_scene *scene;
    policy_scene seen;
    int place_of[POLICY_SLOTS]; /* among the scene's others, or NOBODY */
    car_leaf_times spent;
    float picture[POLICY_MOST_PICTURE];
    float looks[POMDP_MAX_WAITING * POLICY_MOST_LOOK];
    policy_answer answers[POMDP_MAX_WAITING];
};

/* ---- What belongs together ---- */

uint64_t car_leaf_search_hash(const car_config *c)
{
    const double numbers[] = {c->scenarios,      c->max_depth,  c->rollout_depth,
                              c->step_s,         c->discount,   c->xi,
                              c->regularisation, c->response_s, c->importance_sampling ? 1.0 : 0.0,
                              c->n_actions};
    uint64_t hash = XXH3_64bits(numbers, sizeof numbers);
    hash = XXH3_64bits_withSeed(c->actions_mps2, c->n_actions * sizeof c->actions_mps2[0], hash);
    hash = XXH3_64bits_withSeed(&c->reward, sizeof c->reward, hash); /* doubles, no gaps */
    return XXH3_64bits_withSeed(&c->traffic, sizeof c->traffic, hash);
}

static void doubt(car_leaf *leaf, const char *why)
{
    leaf->is_sure = false;
    (void)snprintf(leaf->note, sizeof leaf->note, "no pruning: %s", why);
}

/** For good: no thresholds mend it. */
static void mismatch(car_leaf *leaf, const char *why)
{
    leaf->is_matched = false;
    doubt(leaf, why);
}

static bool is_of_mix(const car_leaf *leaf)
{
    char mix[sizeof leaf->config->prune.mix];
    (void)snprintf(mix, sizeof mix, "%016" PRIx64, leaf->labels.mix_hash);
    return leaf->config->prune.mix[0] == '\0' || strcmp(leaf->config->prune.mix, mix) == 0;
}

/** Where the network runs here; model_hash 0: nobody knows yet. */
static hp_status load_network(const policy_config *policy, car_leaf *leaf, uint64_t *model_hash)
{
    policy_model model;
    hp_error error;
    const hp_status st = policy_model_read(policy->model, &model, &error);
    if (st != HP_OK) {
        mismatch(leaf, "no network");
        return st == HP_ENOMEM ? st : HP_OK;
    }
    hp_status made = HP_ECONFIG;
    if (policy_encoder_of(&model.actor, &leaf->encoder) &&
        model.actor.n_out <= leaf->config->n_actions) {
        made = policy_infer_create(&model, POLICY_ISA_WORDS[policy->isa], POMDP_MAX_WAITING,
                                   &leaf->infer, &error);
    }
    *model_hash = policy_model_hash(&model);
    policy_model_destroy(&model);
    if (made != HP_OK) {
        mismatch(leaf, "the network is not for this search");
    }
    return made == HP_ENOMEM ? HP_ENOMEM : HP_OK;
}

static hp_status load_labels(car_leaf *leaf)
{
    hp_error error;
    const hp_status st = policy_nodes_read(leaf->config->prune.calibration, &leaf->labels, &error);
    if (st != HP_OK) {
        mismatch(leaf, st == HP_ENOENT ? "no calibration" : "a broken calibration");
    } else if (!is_of_mix(leaf)) {
        mismatch(leaf, "calibration of another mix of scenes");
    } else {
        leaf->is_matched = true;
    }
    if (leaf->is_matched &&
        policy_scale_fit(leaf->labels.items, leaf->labels.n_fit, &leaf->scale) != HP_OK) {
        mismatch(leaf, "calibration with too few nodes");
    }
    return st == HP_ENOMEM ? st : HP_OK;
}

/** The network's own uncertainty, before anything is fitted. */
static double variance_of(double spread, double width)
{
    const policy_answer answer = {.spread = spread, .width = width};
    const double score = policy_calib_score(&answer);
    return score * score;
}

static void find_variances(car_leaf *leaf)
{
    leaf->least_variance = INFINITY;
    leaf->greatest_variance = 0.0;
    for (uint32_t i = 0; i < leaf->labels.n; i++) {
        const policy_node_sample *s = &leaf->labels.items[i];
        const double variance = variance_of(s->spread, s->width);
        leaf->least_variance = fmin(leaf->least_variance, variance);
        leaf->greatest_variance = fmax(leaf->greatest_variance, variance);
    }
}

policy_sample car_leaf_value(const car_leaf *leaf, const policy_node_sample *said)
{
    return policy_scale_apply(&leaf->scale, said);
}

/** Nodes that the rules never let be pruned say nothing about those that are. */
uint32_t car_leaf_samples(const car_leaf *leaf, policy_sample *out)
{
    uint32_t n = 0;
    for (uint32_t i = leaf->labels.n_fit; i < leaf->labels.n; i++) {
        const policy_node_sample *s = &leaf->labels.items[i];
        const pomdp_opinion said = {.ttc_s = s->ttc_s, .crash_p = s->crash_p};
        if (out == NULL) {
            n++;
        } else if (pomdp_prune_allows(&leaf->config->prune.rule, (uint32_t)s->depth, &said)) {
            out[n++] = policy_scale_apply(&leaf->scale, s);
        }
    }
    return n;
}

hp_status car_leaf_configure(car_leaf *leaf)
{
    const car_prune_config *prune = &leaf->config->prune;
    const policy_calib_config rules = {.alpha = prune->alpha,
                                       .epsilon = prune->rule.value_tolerance,
                                       .risk = prune->risk,
                                       .delta = prune->delta};
    leaf->evaluator.max_batch = prune->batch;
    leaf->evaluator.reopens =
        prune->rule.decision_aware && prune->rule.method != POMDP_PRUNE_MINMAX;
    if (!leaf->is_matched) {
        return HP_OK;
    }
    if (leaf->labels.search_hash != car_leaf_search_hash(leaf->config)) {
        doubt(leaf, "calibration of another search");
        return HP_OK;
    }
    leaf->is_sure = true;
    leaf->note[0] = '\0';
    policy_sample *chosen = calloc(leaf->labels.n, sizeof *chosen);
    const uint32_t n = chosen != NULL ? car_leaf_samples(leaf, chosen) : 0;
    hp_status st = chosen != NULL ? HP_ECONFIG : HP_ENOMEM;
    if (n > 0) {
        st = policy_calib_fit(&rules, chosen, n, &leaf->calib);
    }
    if (st != HP_OK) {
        doubt(leaf, "nothing to calibrate with");
    }
    free(chosen);
    return st == HP_ENOMEM ? st : HP_OK;
}

/* ---- A node as the network sees it ---- */

/** Sums over the particles of a leaf, for one other. */
typedef struct crowd {
    double weight, here, s_m, lateral_m, along_mps, across_mps;
    double futures[HP_MAX_MODES], straight, straight_across, stands, seen;
} crowd;

static const car_state *particle(const car_scene *scene, const pomdp_leaf *leaf, uint32_t i)
{
    return (const void *)((const unsigned char *)leaf->states + i * scene->state_bytes);
}

/** A particle's other in the frame of the path. */
typedef struct spot {
    double s_m, lateral_m, along_mps, across_mps;
} spot;

static spot spot_of(const car_other *other, const car_other_state *o)
{
    const double dx = (double)o->x_m - other->x_m;
    const double dy = (double)o->y_m - other->y_m;
    const double vx = (double)o->vx_mps;
    const double vy = (double)o->vy_mps;
    return (spot){other->s_m + dx * other->along_x + dy * other->along_y,
                  other->side * other->lateral_m + dy * other->along_x - dx * other->along_y,
                  vx * other->along_x + vy * other->along_y,
                  vy * other->along_x - vx * other->along_y};
}

static bool is_seen(const car_scene *scene, const car_other *other, const car_state *state,
                    const spot *at)
{
    return !other->may_hide ||
           other->side * at->lateral_m <=
               car_scene_edge_of_sight(other, (double)state->s_m + scene->eye_ahead_m);
}

static void count_particle(const car_scene *scene, const car_other *other, const car_state *state,
                           const car_other_state *o, double weight, crowd *c)
{
    c->weight += weight;
    if (o->motion == CAR_MOTION_HIDDEN) {
        return;
    }
    const spot at = spot_of(other, o);
    c->here += weight;
    c->s_m += weight * at.s_m;
    c->lateral_m += weight * at.lateral_m;
    c->along_mps += weight * at.along_mps;
    c->across_mps += weight * at.across_mps;
    c->seen += is_seen(scene, other, state, &at) ? weight : 0.0;
    if (o->motion == CAR_MOTION_FUTURE) {
        c->futures[o->future < HP_MAX_MODES ? o->future : 0] += weight;
    } else if (o->motion == CAR_MOTION_STRAIGHT) {
        c->straight += weight;
        c->straight_across += weight * at.across_mps;
    } else {
        c->stands += weight;
    }
}

static void place_crowd(const car_scene *scene, const pomdp_leaf *leaf, uint32_t k, double time_s,
                        policy_place *place)
{
    const car_other *other = &scene->others[k];
    crowd c = {0};
    for (uint32_t i = 0; i < leaf->n; i++) {
        const car_state *state = particle(scene, leaf, i);
        count_particle(scene, other, state, &state->others[k], leaf->weights[i], &c);
    }
    if (!(2.0 * c.here > c.weight)) { /* most likely still nobody there */
        return;
    }
    const double share = 1.0 / c.here;
    place->emerged = other->phantom;
    place->s_m = share * c.s_m;
    place->lateral_m = share * c.lateral_m;
    place->along_mps = share * c.along_mps;
    place->across_mps = share * c.across_mps;
    place->age_s = 2.0 * c.seen >= c.here ? 0.0 : other->age_s + time_s;
    for (uint32_t m = 0; m < HP_MAX_MODES; m++) {
        place->weights[m] = share * c.futures[m];
    }
    place->straight_p = share * c.straight;
    place->straight_across_mps = c.straight > 0.0 ? c.straight_across / c.straight : 0.0;
    place->stands_p = share * c.stands;
}

/** Somebody whom the search does not reckon with goes on as was foreseen. */
static void place_stranger(const policy_scene *seen, uint32_t i, double time_s, policy_place *place)
{
    const policy_other *o = &seen->others[i];
    const double at = fmin(time_s / seen->step_s, seen->n_steps - 1.0);
    const uint32_t step = (uint32_t)at;
    for (uint32_t m = 0; m < o->n_modes; m++) {
        place->s_m += place->weights[m] * (o->s_m[m][step] - o->s_m[m][0]);
        place->lateral_m += place->weights[m] * (o->lateral_m[m][step] - o->lateral_m[m][0]);
    }
}

static void look_at(const car_leaf *leaf, const pomdp_leaf *node, policy_look *look)
{
    const car_state *first = particle(leaf->scene, node, 0); /* the ego is the same in all */
    *look = leaf->seen.root;
    look->time_s = (double)(first->memory & 0xff) * leaf->config->step_s;
    look->ego_s_m = (double)first->s_m;
    look->ego_speed_mps = (double)first->speed_mps;
    look->ego_accel_mps2 = (double)first->accel_mps2;
    look->last_action = first->memory >> 8;
    for (uint32_t i = 0; i < leaf->seen.n_others; i++) {
        if (leaf->place_of[i] == NOBODY) {
            place_stranger(&leaf->seen, i, look->time_s, &look->places[i]);
        } else {
            place_crowd(leaf->scene, node, (uint32_t)leaf->place_of[i], look->time_s,
                        &look->places[i]);
        }
    }
}

/** Time until |x + v t| < reach begins, and until it ends. */
static void slab(double x, double v, double reach, double *from, double *to)
{
    if (fabs(v) < 1e-6) {
        *to = fabs(x) < reach ? *to : -1.0;
        return;
    }
    const double a = (-reach - x) / v;
    const double b = (reach - x) / v;
    *from = fmax(*from, fmin(a, b));
    *to = fmin(*to, fmax(a, b));
}

double car_leaf_ttc_s(const car_scene *scene, const pomdp_leaf *leaf)
{
    double least = INFINITY;
    for (uint32_t i = 0; i < leaf->n; i++) {
        const car_state *state = particle(scene, leaf, i);
        if ((double)state->speed_mps < STANDING_MPS) {
            continue;
        }
        for (uint32_t k = 0; k < scene->n_others; k++) {
            const car_lane_other *f = &scene->lane_others[k];
            if (state->others[k].motion == CAR_MOTION_HIDDEN) {
                continue;
            }
            const spot at = spot_of(&scene->others[k], &state->others[k]);
            double from = 0.0;
            double to = INFINITY;
            slab(at.s_m - (double)state->s_m, at.along_mps - (double)state->speed_mps,
                 (double)f->reach_x_m, &from, &to);
            slab(at.lateral_m, at.across_mps, (double)f->reach_y_m, &from, &to);
            least = from <= to ? fmin(least, from) : least;
        }
    }
    return least;
}

/* ---- Asking ---- */

static hp_status ask_looks(car_leaf *leaf, uint32_t n, int64_t deadline_ns, policy_answer *answers)
{
    const int64_t begin_ns = hp_clock_now_ns(&leaf->clock);
    if (leaf->remote == NULL) {
        const unsigned ask =
            POLICY_ASK_VALUE | (leaf->config->prune.rule.use_prior ? POLICY_ASK_CHOICE : 0U);
        policy_infer_look(leaf->infer, ask, leaf->looks, n, answers);
        leaf->spent.network_ns += hp_clock_now_ns(&leaf->clock) - begin_ns;
        return HP_OK;
    }
    const policy_shape shape = policy_encoder_shape(leaf->encoder);
    const car_question question = {.n = n,
                                   .n_look = policy_shape_look(&shape),
                                   .n_scene = policy_shape_scene(&shape),
                                   .looks = leaf->looks,
                                   .scene = leaf->picture};
    car_values values = {.answers = answers};
    const hp_status st = leaf->remote->ask(leaf->remote->ctx, &question, deadline_ns, &values);
    leaf->spent.network_ns += values.network_ns;
    leaf->spent.transport_ns += hp_clock_now_ns(&leaf->clock) - begin_ns - values.network_ns;
    if (st == HP_OK && leaf->labels.n > 0 && values.model_hash != leaf->labels.model_hash) {
        mismatch(leaf, "calibration of another network");
        return HP_ECONFIG;
    }
    return st;
}

policy_node_sample car_leaf_sample(const policy_answer *answer, const pomdp_leaf *node,
                                   double ttc_s)
{
    return (policy_node_sample){.value = answer->value,
                                .spread = answer->spread,
                                .width = answer->width,
                                .crash_p = answer->crash_p,
                                .lower = node->lower,
                                .upper = node->upper,
                                .depth = node->depth,
                                .ttc_s = fmin(ttc_s, MOST_TTC_S),
                                .particles = node->n};
}

hp_status car_leaf_ask(car_leaf *leaf, const pomdp_leaf *leaves, uint32_t n, int64_t deadline_ns,
                       policy_answer *answers)
{
    if (leaf->infer == NULL && leaf->remote == NULL) {
        return HP_EUNAVAILABLE;
    }
    const policy_shape shape = policy_encoder_shape(leaf->encoder);
    for (uint32_t i = 0; i < n; i++) {
        policy_look look;
        look_at(leaf, &leaves[i], &look);
        policy_encode_look(leaf->encoder, &leaf->seen, &look,
                           &leaf->looks[(size_t)i * policy_shape_look(&shape)]);
    }
    return ask_looks(leaf, n, deadline_ns, answers);
}

static void judge(const car_leaf *leaf, const policy_answer *answer, const pomdp_leaf *node,
                  pomdp_opinion *said)
{
    const car_prune_config *prune = &leaf->config->prune;
    const policy_node_sample word = car_leaf_sample(answer, node, said->ttc_s);
    const policy_sample s = policy_scale_apply(&leaf->scale, &word);
    const bool literal = prune->rule.method == POMDP_PRUNE_MINMAX;
    const double spread = leaf->greatest_variance - leaf->least_variance;
    said->valid = answer->valid;
    said->value = literal ? answer->value : s.value;
    said->crash_p = s.crash_p;
    said->preferred = answer->best;
    if (prune->rule.method == POMDP_PRUNE_CRUDE) {
        said->low = policy_calib_quantile(&leaf->calib, &s, true, 0.5 * prune->alpha);
        said->high = policy_calib_quantile(&leaf->calib, &s, true, 1.0 - 0.5 * prune->alpha);
    } else {
        const double half = policy_calib_half_width(&leaf->calib, &s);
        said->low = s.value - half;
        said->high = s.value + half;
    }
    said->confidence = policy_calib_confidence(&leaf->calib, &s, prune->rule.value_tolerance);
    said->accepted = policy_calib_accepts(&leaf->calib, &s);
    said->uncertainty =
        spread > 0.0
            ? hp_clamp((variance_of(answer->spread, answer->width) - leaf->least_variance) / spread,
                       0.0, 1.0)
            : 1.0;
}

/** Only of leaves that the rules allow to prune is the network asked. */
static bool asks(void *ctx, const pomdp_leaf *node)
{
    const car_leaf *leaf = ctx;
    const pomdp_opinion before = {.ttc_s = car_leaf_ttc_s(leaf->scene, node)};
    return pomdp_prune_allows(&leaf->config->prune.rule, node->depth, &before);
}

static hp_status evaluate(void *ctx, const pomdp_leaf *leaves, uint32_t n, int64_t deadline_ns,
                          pomdp_estimate *out)
{
    car_leaf *leaf = ctx;
    const hp_status st = car_leaf_ask(leaf, leaves, n, deadline_ns, leaf->answers);
    for (uint32_t i = 0; st == HP_OK && i < n; i++) {
        pomdp_opinion said = {.ttc_s = car_leaf_ttc_s(leaf->scene, &leaves[i])};
        judge(leaf, &leaf->answers[i], &leaves[i], &said);
        pomdp_prune_decide(&leaf->config->prune.rule, &leaves[i], &said, &out[i]);
    }
    return st;
}

/** Another speed limit than the calibration's scenes have. Values there are of slower or faster
 * drives, and where the car may only creep, a wrong one costs a needless stop. */
static bool is_elsewhere(const car_leaf *leaf)
{
    const double known_mps = leaf->config->prune.limit_mps;
    return known_mps > 0.0 && fabs(leaf->seen.limit_mps - known_mps) > LIMIT_SHARE * known_mps;
}

/** A vehicle that may be in the ego's way. The network was not trained with any, and no calibration
 * on the scenes that it was trained for tells how wrong it is then. */
static bool is_unknown(const policy_scene *seen)
{
    for (uint32_t i = 0; i < seen->n_others; i++) {
        const policy_other *o = &seen->others[i];
        const double strip_m = seen->ego_half_width_m + o->half_across_m;
        for (uint32_t m = 0; m < o->n_modes && !o->walker; m++) {
            for (uint32_t k = 0; k <= seen->n_steps; k++) {
                if (fabs(o->lateral_m[m][k]) < strip_m && o->s_m[m][k] > seen->root.ego_s_m) {
                    return true;
                }
            }
        }
    }
    return false;
}

/** What an action loses by pruning is bounded for one decision. A car that stands or creeps decides
 * the same again and again, and would wait for ever. */
static bool is_slow(const policy_scene *seen)
{
    return seen->root.ego_speed_mps < SLOW_MPS;
}

const pomdp_evaluator *car_leaf_begin(car_leaf *leaf, const hp_plan_request *request,
                                      const car_scene *scene)
{
    leaf->scene = scene;
    leaf->spent = (car_leaf_times){0};
    policy_scene_encode(request, &leaf->seen);
    leaf->seen.root.last_action = scene->last_action;
    for (uint32_t i = 0; i < leaf->seen.n_others; i++) {
        const policy_other *o = &leaf->seen.others[i];
        leaf->place_of[i] = NOBODY;
        for (uint32_t k = 0; k < scene->n_others; k++) {
            if (scene->others[k].phantom == o->phantom && scene->others[k].index == o->agent) {
                leaf->place_of[i] = (int)k;
            }
        }
    }
    policy_encode_scene(leaf->encoder, &leaf->seen, leaf->picture);
    if (leaf->infer != NULL) {
        policy_infer_see(leaf->infer, leaf->picture);
    }
    return leaf->is_sure && leaf->config->prune.rule.method != POMDP_PRUNE_OFF &&
                   !is_unknown(&leaf->seen) && !is_elsewhere(leaf) && !is_slow(&leaf->seen)
               ? &leaf->evaluator
               : NULL;
}

car_leaf_times car_leaf_spent(const car_leaf *leaf)
{
    return leaf->spent;
}

const char *car_leaf_note(const car_leaf *leaf)
{
    const bool asked = leaf->config->prune.rule.method != POMDP_PRUNE_OFF;
    return asked && leaf->note[0] != '\0' ? leaf->note : NULL;
}

hp_status car_leaf_create(const car_leaf_setup *setup, car_leaf **out)
{
    car_leaf *leaf = calloc(1, sizeof *leaf);
    uint64_t model_hash = 0;
    *out = NULL;
    if (leaf == NULL) {
        return HP_ENOMEM;
    }
    leaf->config = setup->config;
    leaf->remote = setup->remote;
    leaf->encoder = (policy_encoder)setup->policy->encoder;
    leaf->clock = hp_clock_real();
    leaf->evaluator = (pomdp_evaluator){.evaluate = evaluate, .asks = asks, .ctx = leaf};
    hp_status st = load_labels(leaf);
    if (st == HP_OK && leaf->remote == NULL) {
        st = load_network(setup->policy, leaf, &model_hash);
        if (leaf->is_matched && model_hash != leaf->labels.model_hash) {
            mismatch(leaf, "calibration of another network");
        }
    }
    if (st == HP_OK) {
        find_variances(leaf);
        st = car_leaf_configure(leaf);
    }
    if (st != HP_OK) {
        car_leaf_destroy(&leaf);
        return st;
    }
    *out = leaf;
    return HP_OK;
}

void car_leaf_destroy(car_leaf **leaf)
{
    if (*leaf != NULL) {
        policy_infer_destroy(&(*leaf)->infer);
        policy_nodes_destroy(&(*leaf)->labels);
        free(*leaf);
        *leaf = NULL;
    }
}
