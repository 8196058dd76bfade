#include "pomdp/pomdp_belief.h"

#include <stdlib.h>
#include <string.h>

/* Particles are mended where less than this share explains an observation; they count by it, too.
 */
#define EXPLAINED_ENOUGH 0.1
enum { MAX_PARTICLES = 1 << 24, MAX_STATE = 65536, ALIGN = 64 };

struct pomdp_belief {
    pomdp_model model;
    uint32_t n;
    unsigned char *states, *next; /* [n][state_size] */
    double *weights;              /* [n] */
    uint32_t *actions;
    uint64_t *keys;
    pomdp_steps out; /* out.weight: the weights to be */
};

static void *reserve(size_t n, size_t size)
{
    const size_t bytes = (n * size + ALIGN - 1) / ALIGN * ALIGN;
    void *block = aligned_alloc(ALIGN, bytes);
    if (block != NULL) {
        memset(block, 0, bytes);
    }
    return block;
}

static bool reserve_all(pomdp_belief *b)
{
    b->states = reserve(b->n, b->model.state_size);
    b->next = reserve(b->n, b->model.state_size);
    b->weights = reserve(b->n, sizeof(*b->weights));
    b->actions = reserve(b->n, sizeof(*b->actions));
    b->keys = reserve(b->n, sizeof(*b->keys));
    b->out.reward = reserve(b->n, sizeof(*b->out.reward));
    b->out.weight = reserve(b->n, sizeof(*b->out.weight));
    b->out.obs = reserve(b->n, sizeof(*b->out.obs));
    b->out.terminal = reserve(b->n, sizeof(*b->out.terminal));
    return b->states != NULL && b->next != NULL && b->weights != NULL && b->actions != NULL &&
           b->keys != NULL && b->out.reward != NULL && b->out.weight != NULL &&
           b->out.obs != NULL && b->out.terminal != NULL;
}

/** Makes all weights equal. */
static void level(pomdp_belief *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        b->weights[i] = 1.0 / b->n;
    }
}

hp_status pomdp_belief_create(const pomdp_model *model, uint32_t n, pomdp_belief **out)
{
    *out = NULL;
    if (n == 0 || n > MAX_PARTICLES || model->step == NULL || model->state_size == 0 ||
        model->state_size > MAX_STATE) {
        return HP_EINVAL;
    }
    pomdp_belief *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return HP_ENOMEM;
    }
    b->model = *model;
    b->n = n;
    if (!reserve_all(b)) {
        pomdp_belief_destroy(&b);
        return HP_ENOMEM;
    }
    level(b);
    *out = b;
    return HP_OK;
}

void pomdp_belief_destroy(pomdp_belief **belief)
{
    pomdp_belief *b = *belief;
    if (b == NULL) {
        return;
    }
    free(b->states);
    free(b->next);
    free(b->weights);
    free(b->actions);
    free(b->keys);
    free(b->out.reward);
    free(b->out.weight);
    free(b->out.obs);
    free(b->out.terminal);
    free(b);
    *belief = NULL;
}

void *pomdp_belief_states(pomdp_belief *belief)
{
    return belief->states;
}

const double *pomdp_belief_weights(const pomdp_belief *belief)
{
    return belief->weights;
}

uint32_t pomdp_belief_size(const pomdp_belief *belief)
{
    return belief->n;
}

static void predict(pomdp_belief *b, uint32_t action, hp_rng stream)
{
    pomdp_steps out = b->out;
    out.weight = NULL;
    memcpy(b->next, b->states, b->n * b->model.state_size);
    for (uint32_t i = 0; i < b->n; i++) {
        b->actions[i] = action;
        b->keys[i] = hp_rng_u64(stream, i);
    }
    b->model.step(b->model.ctx, b->next, b->n, b->actions, b->keys, &out);
}

static double likelihood(const pomdp_belief *b, uint32_t i, uint32_t action, uint64_t obs)
{
    if (b->out.terminal[i] != 0) {
        return 0.0;
    }
    if (b->model.obs_probability == NULL) {
        return b->out.obs[i] == obs ? 1.0 : 0.0;
    }
    return b->model.obs_probability(b->model.ctx, b->next + i * b->model.state_size, action, obs);
}

static void remember(pomdp_belief *b, uint32_t action, uint64_t obs)
{
    const size_t size = b->model.state_size;
    for (uint32_t i = 0; i < b->n && b->model.remember != NULL; i++) {
        b->model.remember(b->model.ctx, b->states + i * size, action, obs, b->next + i * size);
    }
}

/** Mends the particles that do not explain obs and adds their weights; what they add up to. */
static double repair(pomdp_belief *b, uint32_t action, uint64_t obs, hp_rng stream)
{
    const size_t size = b->model.state_size;
    double sum = 0.0;
    for (uint32_t i = 0; i < b->n; i++) {
        if (b->out.weight[i] > 0.0 || b->out.terminal[i] != 0 ||
            !b->model.repair(b->model.ctx, b->states + i * size, action, obs, hp_rng_u64(stream, i),
                             b->next + i * size)) {
            continue;
        }
        b->out.weight[i] = EXPLAINED_ENOUGH * b->weights[i];
        sum += b->out.weight[i];
    }
    return sum;
}

/** Systematic resampling from next by weights into states; the weights are equal afterwards. */
static void resample(pomdp_belief *b, double offset)
{
    const size_t size = b->model.state_size;
    uint32_t i = 0;
    uint32_t last = 0; /* of those that weigh: rounding must not carry past it */
    for (uint32_t k = 0; k < b->n; k++) {
        last = b->weights[k] > 0.0 ? k : last;
    }
    double passed = b->weights[0];
    for (uint32_t k = 0; k < b->n; k++) {
        while ((k + offset) / b->n >= passed && i < last) {
            passed += b->weights[++i];
        }
        memcpy(b->states + k * size, b->next + i * size, size);
    }
    level(b);
}

hp_status pomdp_belief_update(pomdp_belief *belief, uint32_t action, uint64_t obs, hp_rng stream)
{
    pomdp_belief *b = belief;
    double sum = 0.0;
    double squares = 0.0;

    predict(b, action, hp_rng_lane(stream, 0));
    for (uint32_t i = 0; i < b->n; i++) {
        b->out.weight[i] = b->weights[i] * likelihood(b, i, action, obs);
        sum += b->out.weight[i];
    }
    if (b->model.repair != NULL && sum < EXPLAINED_ENOUGH) {
        sum += repair(b, action, obs, hp_rng_lane(stream, 1));
    }
    if (!(sum > 0.0)) {
        return HP_EAGAIN;
    }
    remember(b, action, obs);
    for (uint32_t i = 0; i < b->n; i++) {
        b->weights[i] = b->out.weight[i] / sum;
        squares += b->weights[i] * b->weights[i];
    }
    if (1.0 / squares < 0.5 * b->n) { /* as few particles count as half of them would */
        resample(b, hp_rng_unit(stream, 0));
    } else {
        unsigned char *old = b->states;
        b->states = b->next;
        b->next = old;
    }
    return HP_OK;
}
