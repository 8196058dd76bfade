/* Silver, Veness, "Monte-Carlo Planning in Large POMDPs", NIPS (2010): simulations of single
 * particles through a tree of histories, actions chosen by UCB1, values averaged. */
#include "pomdp/pomdp_internal.h"

#include <math.h>

enum { LANE_SIMULATION = 1 };

static uint32_t new_node(pomdp_solver *s)
{
    pomdp_pomcp *p = &s->pomcp;
    const uint32_t v = p->n_nodes++;
    p->visits[v] = 0;
    for (uint32_t a = 0; a < s->model.n_actions; a++) {
        p->arms[(size_t)v * s->model.n_actions + a] = (pomdp_arm){0};
    }
    return v;
}

/** The slot of what follows an arm after an observation; an empty one if nothing does yet. */
static pomdp_history *find_history(pomdp_pomcp *p, uint32_t arm, uint64_t obs)
{
    uint32_t at = (uint32_t)hp_mix64(obs + UINT64_C(0x9e3779b97f4a7c15) * (arm + 1)) & p->mask;
    while (p->slots[at].stamp == p->stamp && (p->slots[at].arm != arm || p->slots[at].obs != obs)) {
        at = (at + 1) & p->mask;
    }
    return &p->slots[at];
}

/** UCB1: arms never tried come first, ties go to the lowest. */
static uint32_t choose_arm(const pomdp_solver *s, uint32_t node)
{
    const pomdp_pomcp *p = &s->pomcp;
    const pomdp_arm *arms = &p->arms[(size_t)node * s->model.n_actions];
    const double log_visits = log(fmax(1.0, p->visits[node]));
    uint32_t best = 0;
    double best_score = -HUGE_VAL;
    for (uint32_t a = 0; a < s->model.n_actions; a++) {
        if (arms[a].visits == 0) {
            return a;
        }
        const double score = arms[a].mean + p->exploration * sqrt(log_visits / arms[a].visits);
        if (score > best_score) {
            best_score = score;
            best = a;
        }
    }
    return best;
}

/** One step of the simulated particle, batch row 0. */
static void step_one(pomdp_solver *s, uint32_t action, uint64_t key)
{
    pomdp_batch *b = &s->batch;
    pomdp_steps out = b->out;
    out.weight = NULL;
    b->actions[0] = action;
    b->keys[0] = key;
    s->model.step(s->model.ctx, b->states, 1, b->actions, b->keys, &out);
}

/** What the default policy earns from here, with the tail. */
static double roll_out(pomdp_solver *s, hp_rng draw, uint32_t depth)
{
    pomdp_batch *b = &s->batch;
    double discount = 1.0;
    double sum = 0.0;
    for (uint32_t t = 0; t < s->config.rollout_depth; t++) {
        s->model.default_policy(s->model.ctx, b->states, 1, b->actions);
        step_one(s, b->actions[0], hp_rng_u64(draw, depth + t));
        s->count.steps_rollout++;
        sum += discount * b->out.reward[0];
        if (b->out.terminal[0] != 0) {
            return sum;
        }
        discount *= s->model.discount;
    }
    if (s->model.tail != NULL) {
        s->model.tail(s->model.ctx, b->states, 1, b->hook);
        sum += discount * b->hook[0];
    }
    return sum;
}

static void draw_root(pomdp_solver *s, hp_rng draw)
{
    const double *cumulated = s->pomcp.cumulated;
    const uint32_t last = s->config.n_scenarios - 1;
    const double at = hp_rng_unit(draw, POMDP_MAX_DEPTH + POMDP_MAX_ROLLOUT) * cumulated[last];
    uint32_t low = 0;
    for (uint32_t high = last; low < high;) {
        const uint32_t middle = (low + high) / 2;
        if (cumulated[middle] > at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    memcpy(s->batch.states, pomdp_state_at(s, s->tree.states, low), s->model.state_size);
}

/** The value of who goes on with the best arm that is known. */
static double best_mean(const pomdp_solver *s, uint32_t node)
{
    const pomdp_arm *arms = &s->pomcp.arms[(size_t)node * s->model.n_actions];
    double best = -HUGE_VAL;
    for (uint32_t a = 0; a < s->model.n_actions; a++) {
        best = arms[a].visits > 0 ? fmax(best, arms[a].mean) : best;
    }
    return best;
}

/** The return is carried back along the path; every arm on it averages what came after. What an arm
 *  does on a visit that curiosity alone brought about teaches that arm; those above it are told the
 *  best that is known. Otherwise each node would answer for its worst action, and nodes without
 *  children, of which observations make many, would look better than those that were searched. */
static void back_up(pomdp_solver *s, const uint32_t *path, const double *rewards, uint32_t length,
                    double value)
{
    pomdp_pomcp *p = &s->pomcp;
    for (uint32_t d = length; d-- > 0;) {
        const uint32_t node = path[d] / s->model.n_actions;
        pomdp_arm *arm = &p->arms[path[d]];
        value = rewards[d] + s->model.discount * value;
        arm->visits++;
        arm->mean += (value - arm->mean) / arm->visits;
        p->visits[node]++;
        const double best = best_mean(s, node);
        value = arm->mean < best ? best : value;
    }
}

/** Down the tree to its edge, one new node, the default policy from there. */
static void simulate(pomdp_solver *s, hp_rng draw)
{
    pomdp_pomcp *p = &s->pomcp;
    uint32_t path[POMDP_MAX_DEPTH];
    double rewards[POMDP_MAX_DEPTH];
    double value = 0.0;
    uint32_t length = 0;
    draw_root(s, draw);
    for (uint32_t node = 0; node != POMDP_NONE;) {
        const uint32_t action = choose_arm(s, node);
        step_one(s, action, hp_rng_u64(draw, length));
        s->count.steps_tree++;
        path[length] = node * s->model.n_actions + action;
        rewards[length] = s->batch.out.reward[0];
        length++;
        node = POMDP_NONE;
        if (s->batch.out.terminal[0] != 0) {
            break;
        }
        pomdp_history *next = find_history(p, path[length - 1], s->batch.out.obs[0]);
        if (next->stamp == p->stamp && length < s->config.max_depth) {
            node = next->node;
            continue;
        }
        s->pool_full = s->pool_full || p->n_nodes == p->max_nodes;
        if (next->stamp != p->stamp && p->n_nodes < p->max_nodes) {
            *next = (pomdp_history){.obs = s->batch.out.obs[0],
                                    .arm = path[length - 1],
                                    .node = new_node(s),
                                    .stamp = p->stamp};
            s->count.expansions++;
        }
        value = roll_out(s, draw, length);
    }
    s->count.depth = length > s->count.depth ? length : s->count.depth;
    back_up(s, path, rewards, length, value);
}

void pomdp_pomcp_begin(pomdp_solver *s)
{
    pomdp_pomcp *p = &s->pomcp;
    double sum = 0.0;
    p->stamp++;
    if (p->stamp == 0) { /* used up: entries of long ago would look like new ones */
        memset(p->slots, 0, ((size_t)p->mask + 1) * sizeof(*p->slots));
        p->stamp = 1;
    }
    p->n_nodes = 0;
    (void)new_node(s);
    for (uint32_t k = 0; k < s->config.n_scenarios; k++) {
        sum += s->tree.particle_weight[k];
        p->cumulated[k] = sum;
    }
    p->exploration = s->tree.upper[0] - s->tree.lower[0];
}

void pomdp_pomcp_trial(pomdp_solver *s, hp_rng stream, uint32_t index)
{
    simulate(s, hp_rng_lane(hp_rng_lane(stream, LANE_SIMULATION), index));
}

void pomdp_pomcp_report(const pomdp_solver *s, pomdp_plan *plan)
{
    const pomdp_pomcp *p = &s->pomcp;
    uint32_t best = 0;
    for (uint32_t a = 0; a < s->model.n_actions; a++) {
        const bool tried = p->arms[a].visits > 0;
        plan->action_lower[a] = tried ? p->arms[a].mean : s->tree.lower[0];
        plan->action_upper[a] = tried ? p->arms[a].mean : s->tree.upper[0];
        if (tried && (p->arms[best].visits == 0 || p->arms[a].mean > p->arms[best].mean)) {
            best = a;
        }
    }
    plan->nodes = p->n_nodes;
    if (p->arms[best].visits > 0) {
        plan->action = best;
        plan->value_lower = plan->action_lower[best];
        plan->value_upper = plan->action_upper[best];
    }
}
