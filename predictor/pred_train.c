#include "predictor/pred_train.h"

#include "common/hp_adam.h"
#include "common/hp_linalg.h"
#include "common/hp_rng.h"
#include "common/hp_safetensors.h"
#include "predictor/pred_fan.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON 1e-8
#define CLIP 5.0

enum { MIN_FUTURE = 4, WARM_UP = 300, LANE_START = 1, LANE_SHUFFLE = 2, LANE_CHANGE = 3 };

struct pred_trainer {
    pred_train_config config;
    const pred_samples *val;
    const pred_sample **train; /* [n_train], shuffled */
    uint32_t n_train, n_steps;
    uint32_t epoch, step; /* done: epochs, and steps of the current one */
    hp_rng stream;
    pred_acts acts;
    pred_grads grads;
    pred_model fan; /* where it started */
    pred_weights weights, best, mean, square;
    double best_score;
    pred_loss sum; /* of the current epoch */
};

void pred_train_config_default(pred_train_config *config)
{
    *config = (pred_train_config){.epochs = 30,
                                  .seed = 1,
                                  .rate = 3e-3,
                                  .size_min = 0.8,
                                  .size_max = 1.7,
                                  .turn_rad = 0.05,
                                  .forget_p = 0.15};
}

/** Normal weights with deviation sqrt(2 / rows); gains one, biases zero, heads zero. */
static void start_weights(pred_trainer *t)
{
    static const char *const ZERO[] = {"head", "single", "anchor", "lean"};
    float *all = (float *)&t->weights;
    const hp_rng stream = hp_rng_lane(t->stream, LANE_START);
    for (uint32_t p = 0; p < PRED_PARTS; ++p) {
        const pred_part *part = &PRED_PART[p];
        const bool gain = strstr(part->name, "_gain") != NULL;
        bool zero = strstr(part->name, "_bias") != NULL;
        for (size_t i = 0; i < HP_ARRAY_LEN(ZERO); ++i) {
            zero |= strcmp(part->name, ZERO[i]) == 0;
        }
        const double deviation = strcmp(part->name, "mode") == 0 ? 1.0 : sqrt(2.0 / part->rows);
        for (size_t i = 0; i < (size_t)part->rows * part->columns; ++i) {
            const double drawn = deviation * hp_rng_normal(hp_rng_lane(stream, p), i);
            all[part->offset + i] = gain ? 1.0F : zero ? 0.0F : (float)drawn;
        }
    }
}

/** Samples fit to learn from. */
static void take_samples(pred_trainer *t, const pred_samples *train)
{
    for (size_t i = 0; i < train->n; ++i) {
        if (train->items[i].n_future >= MIN_FUTURE) {
            t->train[t->n_train++] = &train->items[i];
        }
    }
    t->n_steps = t->n_train / PRED_BATCH;
}

hp_status pred_trainer_create(const pred_train_config *config, const pred_samples *train,
                              const pred_samples *val, pred_trainer **out, hp_error *error)
{
    *out = NULL;
    pred_trainer *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for training");
    }
    hp_linalg_start();
    t->config = *config;
    t->val = val;
    t->stream = hp_rng_seed(config->seed);
    t->best_score = DBL_MAX;
    t->train = calloc(train->n > 0 ? train->n : 1, sizeof(pred_sample *));
    hp_status st = t->train == NULL ? HP_ENOMEM : pred_acts_create(PRED_BATCH, &t->acts);
    st = st == HP_OK ? pred_grads_create(PRED_BATCH, &t->grads) : st;
    if (st != HP_OK) {
        pred_trainer_destroy(&t);
        return hp_fail(error, st, "no memory for training");
    }
    st = pred_fan_fit(train, config->seed, &t->fan, error);
    if (st != HP_OK) {
        pred_trainer_destroy(&t);
        return st;
    }
    take_samples(t, train);
    start_weights(t);
    memcpy(t->weights.anchor, t->fan.weights.anchor, sizeof t->weights.anchor);
    t->best = t->weights;
    if (t->n_steps == 0) {
        pred_trainer_destroy(&t);
        return hp_fail(error, HP_EINVAL, "too few samples to train on");
    }
    *out = t;
    return HP_OK;
}

void pred_trainer_destroy(pred_trainer **trainer)
{
    if (*trainer != NULL) {
        pred_acts_destroy(&(*trainer)->acts);
        pred_grads_destroy(&(*trainer)->grads);
        free((*trainer)->train);
        free(*trainer);
        *trainer = NULL;
    }
}

uint32_t pred_trainer_steps(const pred_trainer *trainer)
{
    return trainer->n_steps;
}

uint32_t pred_trainer_epochs_done(const pred_trainer *trainer)
{
    return trainer->epoch;
}

const pred_weights *pred_trainer_best(const pred_trainer *trainer)
{
    return &trainer->best;
}

/** A new order for each epoch; it builds on the last one, which a resumed run replays. */
static void shuffle(pred_trainer *t, uint32_t epoch)
{
    const hp_rng stream = hp_rng_lane(hp_rng_lane(t->stream, LANE_SHUFFLE), epoch);
    for (uint32_t i = t->n_train - 1; i > 0; --i) {
        const uint32_t j = (uint32_t)(hp_rng_u64(stream, i) % (i + 1));
        const pred_sample *swap = t->train[i];
        t->train[i] = t->train[j];
        t->train[j] = swap;
    }
}

static void add_sample(pred_acts *acts, const pred_sample *s, const pred_input *input,
                       const pred_change *change)
{
    pred_frame frame;
    const uint32_t i = acts->batch.n;
    pred_batch_add(acts, input, change, &frame);
    acts->batch.n_truth[i] = s->n_future;
    for (size_t k = 0; k < PRED_FUTURE; ++k) {
        pred_frame_in(&frame, s->future[k], &acts->batch.truth[(size_t)i * PRED_PATH + 2 * k]);
    }
}

static void fill_batch(pred_trainer *t)
{
    const pred_train_config *c = &t->config;
    const hp_rng epoch = hp_rng_lane(hp_rng_lane(t->stream, LANE_CHANGE), t->epoch);
    pred_batch_clear(&t->acts);
    for (uint32_t i = 0; i < PRED_BATCH; ++i) {
        const uint32_t at = t->step * PRED_BATCH + i;
        const hp_rng lane = hp_rng_lane(epoch, at);
        const double stretch = hp_rng_range(lane, 10, log(c->size_min), log(c->size_max));
        const pred_change change = {.turn_rad = c->turn_rad * hp_rng_normal(lane, 1),
                                    .size = exp(stretch),
                                    .flip = hp_rng_unit(lane, 11) < 0.5 ? -1.0 : 1.0};
        pred_input input = t->train[at]->input;
        if (hp_rng_unit(lane, 12) < c->forget_p) {
            pred_input_forget(&input, 1 + (uint32_t)(hp_rng_unit(lane, 13) * (PRED_PAST - 1)));
        }
        add_sample(&t->acts, t->train[at], &input, &change);
    }
}

/** Warms up linearly, then falls to zero along a cosine. */
static double rate_now(const pred_trainer *t)
{
    const double done = (double)t->epoch * t->n_steps + t->step + 1.0;
    const double all = (double)t->config.epochs * t->n_steps;
    const double share = hp_clamp((done - WARM_UP) / fmax(all - WARM_UP, 1.0), 0.0, 1.0);
    return t->config.rate * fmin(done / WARM_UP, 1.0) * 0.5 * (1.0 + cos(HP_PI * share));
}

static void descend(pred_trainer *t)
{
    const float *g = (const float *)t->grads.weights;
    const double done = (double)t->epoch * t->n_steps + t->step + 1.0;
    double norm2 = 0.0;
    for (size_t i = 0; i < PRED_N_WEIGHTS; ++i) {
        norm2 += (double)g[i] * (double)g[i];
    }
    const hp_adam_rule rule = {
        .scale = (float)fmin(1.0, CLIP / (sqrt(norm2) + 1e-12)),
        .keep_m = (float)HP_ADAM_KEEP_M,
        .add_m = (float)(1.0 - HP_ADAM_KEEP_M),
        .keep_v = (float)HP_ADAM_KEEP_V,
        .add_v = (float)(1.0 - HP_ADAM_KEEP_V),
        .rate = (float)(rate_now(t) / (1.0 - pow(HP_ADAM_KEEP_M, done))),
        .unbias = (float)(1.0 / (1.0 - pow(HP_ADAM_KEEP_V, done))),
        .epsilon = (float)EPSILON,
    };
    hp_adam_step(&rule, PRED_N_WEIGHTS, g, (float *)&t->mean, (float *)&t->square,
                 (float *)&t->weights);
}

static void add_loss(pred_loss *to, const pred_loss *loss, double weight)
{
    to->total += weight * loss->total;
    to->best += weight * loss->best;
    to->single += weight * loss->single;
    to->nll += weight * loss->nll;
    to->choice += weight * loss->choice;
}

static pred_loss validate(pred_trainer *t)
{
    pred_loss sum = {0};
    uint32_t n = 0;
    for (size_t i = 0; i < t->val->n;) {
        pred_batch_clear(&t->acts);
        for (; i < t->val->n && t->acts.batch.n < PRED_BATCH; ++i) {
            const pred_sample *s = &t->val->items[i];
            if (s->n_future >= MIN_FUTURE) {
                add_sample(&t->acts, s, &s->input, &PRED_AS_IT_IS);
            }
        }
        if (t->acts.batch.n > 0) {
            pred_net_forward(&t->weights, pred_product_blas, &t->acts);
            const pred_loss loss = pred_loss_of(&t->acts, NULL);
            add_loss(&sum, &loss, t->acts.batch.n);
            n += t->acts.batch.n;
        }
    }
    pred_loss mean = {0};
    add_loss(&mean, &sum, n > 0 ? 1.0 / n : 0.0);
    return mean;
}

static void end_epoch(pred_trainer *t, pred_epoch *out)
{
    *out = (pred_epoch){.epoch = ++t->epoch, .val = validate(t)};
    add_loss(&out->train, &t->sum, 1.0 / t->n_steps);
    t->sum = (pred_loss){0};
    t->step = 0;
    const double score = out->val.best + 0.5 * out->val.single + 0.1 * out->val.nll;
    out->best = score < t->best_score;
    if (out->best) {
        t->best_score = score;
        t->best = t->weights;
    }
}

bool pred_trainer_step(pred_trainer *t, pred_epoch *epoch)
{
    if (t->step == 0) {
        shuffle(t, t->epoch);
    }
    fill_batch(t);
    pred_net_forward(&t->weights, pred_product_blas, &t->acts);
    const pred_loss loss = pred_loss_of(&t->acts, &t->grads);
    pred_net_backward(&t->weights, &t->acts, &t->grads);
    descend(t);
    add_loss(&t->sum, &loss, 1.0);
    if (++t->step < t->n_steps) {
        return false;
    }
    end_epoch(t, epoch);
    return true;
}

/* ---- Stopping and going on ---- */

enum { STATE_WORDS = 6 };

/** What a state must agree in, but for the epochs done: the options that ask for it. */
static const char *const STATE_OPTIONS[STATE_WORDS] = {[1] = "--epochs",
                                                       [2] = "--seed",
                                                       [3] = "--no-vehicles",
                                                       [4] = "--as-stamped",
                                                       [5] = "--data, --fold or recordings"};

static void sign(const pred_trainer *t, uint64_t words[STATE_WORDS])
{
    words[0] = t->epoch;
    words[1] = t->config.epochs;
    words[2] = t->config.seed;
    words[3] = t->config.no_vehicles;
    words[4] = t->config.as_stamped;
    words[5] = t->n_train;
}

/** Whether a state may be gone on with. */
static hp_status agree(const pred_trainer *t, const uint64_t words[STATE_WORDS], const char *path,
                       hp_error *error)
{
    uint64_t own[STATE_WORDS];
    sign(t, own);
    for (size_t i = 1; i < STATE_WORDS; ++i) {
        if (words[i] != own[i]) {
            return hp_fail(error, HP_ECONFIG,
                           "%s: error: a state of a training with other %s (give the same as then, "
                           "or leave --resume away)",
                           path, STATE_OPTIONS[i]);
        }
    }
    return words[0] <= words[1] ? HP_OK
                                : hp_fail(error, HP_ECONFIG,
                                          "%s: error: a state of more epochs than it ends with "
                                          "(leave --resume away)",
                                          path);
}

hp_status pred_trainer_write(const pred_trainer *t, const char *dir, const char *file,
                             hp_error *error)
{
    uint64_t words[STATE_WORDS];
    sign(t, words);
    const hp_tensor tensors[] = {
        {"weights", HP_DTYPE_F32, 1, {PRED_N_WEIGHTS}, &t->weights},
        {"best", HP_DTYPE_F32, 1, {PRED_N_WEIGHTS}, &t->best},
        {"mean", HP_DTYPE_F32, 1, {PRED_N_WEIGHTS}, &t->mean},
        {"square", HP_DTYPE_F32, 1, {PRED_N_WEIGHTS}, &t->square},
        {"score", HP_DTYPE_F64, 1, {1}, &t->best_score},
        {"state", HP_DTYPE_U64, 1, {STATE_WORDS}, words},
    };
    const hp_tensor_note note = {"format", "hyplan-predictor-training-2"};
    const hp_tensor_list list = {tensors, &note, HP_ARRAY_LEN(tensors), 1};
    return hp_tensors_write(dir, file, &list, error);
}

hp_status pred_trainer_read(pred_trainer *t, const char *path, hp_error *error)
{
    hp_tensors *file = NULL;
    hp_tensor wanted[] = {
        {.name = "weights", .n_dims = 1, .dims = {PRED_N_WEIGHTS}},
        {.name = "best", .n_dims = 1, .dims = {PRED_N_WEIGHTS}},
        {.name = "mean", .n_dims = 1, .dims = {PRED_N_WEIGHTS}},
        {.name = "square", .n_dims = 1, .dims = {PRED_N_WEIGHTS}},
        {.name = "score", .dtype = HP_DTYPE_F64, .n_dims = 1, .dims = {1}},
        {.name = "state", .dtype = HP_DTYPE_U64, .n_dims = 1, .dims = {STATE_WORDS}},
    };
    pred_weights *const to[] = {&t->weights, &t->best, &t->mean, &t->square};
    hp_status st = hp_tensors_read(path, &file, error);
    for (size_t i = 0; st == HP_OK && i < HP_ARRAY_LEN(wanted); ++i) {
        st = hp_tensors_get(file, &wanted[i], error);
    }
    st = st == HP_OK ? agree(t, wanted[5].data, path, error) : st;
    if (st == HP_OK) {
        for (size_t i = 0; i < HP_ARRAY_LEN(to); ++i) {
            memcpy(to[i], wanted[i].data, sizeof *to[i]);
        }
        t->best_score = *(const double *)wanted[4].data;
        t->epoch = (uint32_t) * (const uint64_t *)wanted[5].data;
        for (uint32_t e = 0; e < t->epoch; ++e) {
            shuffle(t, e);
        }
    }
    hp_tensors_destroy(&file);
    return st;
}
