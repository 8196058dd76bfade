#include "pomdp/pomdp_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static bool weights_are_distribution(const double *weights, uint32_t n)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        if (!(weights[i] >= 0.0)) {
            return false;
        }
        sum += weights[i];
    }
    return fabs(sum - 1.0) <= 1e-6;
}

static void put_particle(pomdp_solver *s, uint32_t k, const unsigned char *state, double weight)
{
    memcpy(pomdp_state_at(s, s->tree.states, k), state, s->model.state_size);
    s->tree.particle_weight[k] = weight;
    s->tree.scenario[k] = k;
}

/** Systematic resampling: K equal steps through the cumulated weights from one random offset. */
static void resample(pomdp_solver *s, const pomdp_particles *belief, double offset)
{
    const unsigned char *states = belief->states;
    const double *weights = belief->weights;
    const uint32_t n = belief->n;
    const uint32_t n_out = s->config.n_scenarios;
    uint32_t last = n - 1; /* rounding may carry the last step past the end: stay on real weight */
    while (weights != NULL && last > 0 && weights[last] <= 0.0) {
        last--;
    }
    uint32_t i = 0;
    double passed = weights != NULL ? weights[0] : 1.0 / n;
    for (uint32_t k = 0; k < n_out; k++) {
        const double at = (k + offset) / n_out;
        while (at >= passed && i < last) {
            i++;
            passed += weights != NULL ? weights[i] : 1.0 / n;
        }
        put_particle(s, k, states + i * s->model.state_size, 1.0 / n_out);
    }
}

void pomdp_scenario_reach(pomdp_solver *s, uint32_t n)
{
    const uint32_t n_scenarios = s->config.n_scenarios;
    assert(n <= s->config.max_depth + s->config.rollout_depth);
    for (; s->n_step_keys < n; s->n_step_keys++) {
        uint64_t *row = &s->step_keys[(size_t)s->n_step_keys * n_scenarios];
        for (uint32_t k = 0; k < n_scenarios; k++) {
            row[k] = hp_rng_u64((hp_rng){s->scenario_key[k]}, s->n_step_keys);
        }
    }
}

hp_status pomdp_scenario_draw(pomdp_solver *s, const pomdp_particles *belief, hp_rng stream)
{
    const unsigned char *states = belief->states;
    const double *weights = belief->weights;
    const uint32_t n = belief->n;
    const uint32_t n_scenarios = s->config.n_scenarios;
    if (n == 0 || (weights != NULL && !weights_are_distribution(weights, n))) {
        return HP_EINVAL;
    }
    for (uint32_t k = 0; k < n_scenarios; k++) {
        s->scenario_key[k] = hp_rng_lane(stream, k).key;
    }
    s->n_step_keys = 0;
    if (n == n_scenarios) {
        for (uint32_t k = 0; k < n; k++) {
            put_particle(s, k, states + k * s->model.state_size,
                         weights != NULL ? weights[k] : 1.0 / n);
        }
    } else {
        resample(s, belief, hp_rng_unit(stream, 0));
    }
    s->tree.used = (pomdp_mark){.n_nodes = 1, .n_particles = n_scenarios};
    s->tree.nodes[0] = (pomdp_node){
        .parent_edge = POMDP_NONE, .first_edge = POMDP_NONE, .n_particles = n_scenarios};
    s->tree.weight[0] = 1.0;
    return HP_OK;
}
