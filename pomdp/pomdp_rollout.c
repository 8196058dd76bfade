#include "pomdp/pomdp_internal.h"

#include <string.h>

enum { ROLLOUT_PIECE = 512 }; /* particles */

/** Adds this step's rewards and drops the rows whose episode ended, keeping the order of the rest.
 */
static uint32_t settle_step(pomdp_solver *s, uint32_t n, double discount)
{
    pomdp_batch *b = &s->batch;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        b->returned[b->index[i]] += discount * b->out.reward[i];
        if (b->out.terminal[i] != 0) {
            continue;
        }
        if (kept != i) {
            pomdp_state_copy(pomdp_state_at(s, b->states, kept), pomdp_state_at(s, b->states, i),
                             s->model.state_size);
            b->index[kept] = b->index[i];
        }
        kept++;
    }
    return kept;
}

static void load_block(pomdp_solver *s, uint32_t first, uint32_t n)
{
    pomdp_batch *b = &s->batch;
    memcpy(b->states, pomdp_state_at(s, s->tree.states, first), n * s->model.state_size);
    for (uint32_t i = 0; i < n; i++) {
        b->index[i] = i;
        b->returned[i] = 0.0;
    }
}

static void step_block(pomdp_solver *s, uint32_t first, uint32_t n, uint32_t depth)
{
    pomdp_batch *b = &s->batch;
    pomdp_steps out = {.reward = b->out.reward, .terminal = b->out.terminal};
    pomdp_scenario_reach(s, depth + 1);
    const uint64_t *keys = pomdp_keys_at(s, depth);
    for (uint32_t i = 0; i < n; i++) {
        b->keys[i] = keys[s->tree.scenario[first + b->index[i]]];
    }
    s->model.default_policy(s->model.ctx, b->states, n, b->actions);
    s->model.step(s->model.ctx, b->states, n, b->actions, b->keys, &out);
    s->count.steps_rollout += n;
}

/** The same by the model's own hook, in pieces between which the clock can be looked at. */
static hp_status run_by_model(pomdp_solver *s, uint32_t first, uint32_t n, uint32_t depth)
{
    const uint32_t n_steps = s->config.rollout_depth;
    pomdp_scenario_reach(s, depth + n_steps);
    for (uint32_t i = 0; i < n; i += ROLLOUT_PIECE) {
        const uint32_t now = n - i < ROLLOUT_PIECE ? n - i : ROLLOUT_PIECE;
        const pomdp_draws draws = {.rows = pomdp_keys_at(s, depth),
                                   .stride = s->config.n_scenarios,
                                   .column = &s->tree.scenario[first + i],
                                   .room = s->batch.states,
                                   .room_bytes = s->batch.capacity * s->model.state_size};
        if (pomdp_solver_late(s, now * n_steps)) {
            return HP_EDEADLINE;
        }
        s->count.steps_rollout +=
            s->model.rollout(s->model.ctx, pomdp_state_at(s, s->tree.states, first + i), now,
                             &draws, n_steps, &s->batch.returned[i]);
    }
    return HP_OK;
}

hp_status pomdp_rollout_run(pomdp_solver *s, uint32_t first, uint32_t n, uint32_t depth)
{
    pomdp_batch *b = &s->batch;
    double discount = 1.0;
    uint32_t alive = n;

    if (s->config.rollout_depth == 0 && s->model.tail != NULL) {
        s->model.tail(s->model.ctx, pomdp_state_at(s, s->tree.states, first), n, b->returned);
        return HP_OK;
    }
    if (s->model.rollout != NULL) {
        return run_by_model(s, first, n, depth);
    }
    load_block(s, first, n);
    for (uint32_t t = 0; t < s->config.rollout_depth && alive > 0; t++) {
        if (pomdp_solver_late(s, alive)) {
            return HP_EDEADLINE;
        }
        step_block(s, first, alive, depth + t);
        alive = settle_step(s, alive, discount);
        discount *= s->model.discount;
    }
    if (alive > 0 && s->model.tail != NULL) {
        s->model.tail(s->model.ctx, b->states, alive, b->hook);
        for (uint32_t i = 0; i < alive; i++) {
            b->returned[b->index[i]] += discount * b->hook[i];
        }
    }
    return HP_OK;
}
