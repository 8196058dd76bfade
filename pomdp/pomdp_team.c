#include "pomdp/pomdp_team.h"

#include "common/hp_crew.h"

#include <math.h>
#include <stdlib.h>

enum { LANE_MEMBER = 1 << 16 }; /* beyond the scenarios' lanes */

/** What all members are asked; written by the owner before the round is announced. */
typedef struct team_task {
    pomdp_particles belief;
    hp_rng stream;
    pomdp_budget budget;
} team_task;

typedef struct team_member {
    pomdp_solver *solver;
    pomdp_plan plan;
    hp_status status;
} team_member;

struct pomdp_team {
    uint32_t n;
    team_member members[POMDP_MAX_THREADS];
    team_task task;
    hp_crew *crew; /* a thread for each member */
};

static void search(void *ctx, uint32_t index)
{
    pomdp_team *team = ctx;
    const team_task *t = &team->task;
    team_member *m = &team->members[index];
    const hp_rng stream = index == 0 ? t->stream : hp_rng_lane(t->stream, LANE_MEMBER + index);
    m->status = pomdp_solver_plan(m->solver, &t->belief, stream, &t->budget, &m->plan);
}

hp_status pomdp_team_create(const pomdp_model *model, const pomdp_config *config,
                            uint32_t n_threads, pomdp_team **out)
{
    *out = NULL;
    if (n_threads < 1 || n_threads > POMDP_MAX_THREADS) {
        return HP_EINVAL;
    }
    pomdp_team *team = calloc(1, sizeof(*team));
    if (team == NULL) {
        return HP_ENOMEM;
    }
    team->n = n_threads;
    hp_status st = hp_crew_create(n_threads, &team->crew);
    for (uint32_t i = 0; i < n_threads && st == HP_OK; i++) {
        st = pomdp_solver_create(model, config, &team->members[i].solver);
    }
    if (st != HP_OK) {
        pomdp_team_destroy(&team);
        return st;
    }
    *out = team;
    return HP_OK;
}

void pomdp_team_destroy(pomdp_team **team)
{
    pomdp_team *t = *team;
    if (t == NULL) {
        return;
    }
    hp_crew_destroy(&t->crew);
    for (uint32_t i = 0; i < t->n; i++) {
        pomdp_solver_destroy(&t->members[i].solver);
    }
    free(t);
    *team = NULL;
}

size_t pomdp_team_bytes(const pomdp_team *team)
{
    size_t sum = sizeof(*team);
    for (uint32_t i = 0; i < team->n; i++) {
        sum += pomdp_solver_bytes(team->members[i].solver);
    }
    return sum;
}

hp_status pomdp_team_set_evaluator(pomdp_team *team, uint32_t member,
                                   const pomdp_evaluator *evaluator)
{
    return member < team->n ? pomdp_solver_set_evaluator(team->members[member].solver, evaluator)
                            : HP_EINVAL;
}

static void add_counts(pomdp_plan *sum, const pomdp_plan *p)
{
    sum->trials += p->trials;
    sum->nodes += p->nodes;
    sum->expansions += p->expansions;
    sum->depth = p->depth > sum->depth ? p->depth : sum->depth;
    sum->steps_tree += p->steps_tree;
    sum->steps_rollout += p->steps_rollout;
    sum->steps_bounds += p->steps_bounds;
    sum->evaluated += p->evaluated;
    sum->pruned += p->pruned;
    sum->refused += p->refused;
    sum->batches += p->batches;
    sum->reopened += p->reopened;
    for (uint32_t d = 0; d < POMDP_PLAN_DEPTHS; d++) {
        sum->pruned_at[d] += p->pruned_at[d];
    }
    sum->pool_full = sum->pool_full || p->pool_full;
}

/** Means over the members, whose roots weigh the same. The action that a member chose is worth to
 * it what its whole plan is: under regularisation that may be more than its edge. */
static void merge(const pomdp_team *team, pomdp_plan *out)
{
    const double share = 1.0 / team->n;
    double worth[POMDP_MAX_ACTIONS] = {0.0};
    *out = (pomdp_plan){.n_actions = team->members[0].plan.n_actions};
    for (uint32_t i = 0; i < team->n; i++) {
        const pomdp_plan *p = &team->members[i].plan;
        add_counts(out, p);
        out->gap_begin += share * p->gap_begin;
        out->value_lower += share * p->value_lower;
        out->value_upper += share * p->value_upper;
        for (uint32_t a = 0; a < p->n_actions; a++) {
            out->action_lower[a] += share * p->action_lower[a];
            out->action_upper[a] += share * p->action_upper[a];
            worth[a] +=
                a == p->action ? fmax(p->action_lower[a], p->value_lower) : p->action_lower[a];
        }
    }
    for (uint32_t a = 1; a < out->n_actions; a++) {
        out->action = worth[a] > worth[out->action] ? a : out->action;
    }
}

hp_status pomdp_team_plan(pomdp_team *team, const pomdp_particles *belief, hp_rng stream,
                          const pomdp_budget *budget, pomdp_plan *plan)
{
    team->task = (team_task){*belief, stream, *budget};
    hp_crew_run(team->crew, search, team, team->n);
    for (uint32_t i = 0; i < team->n; i++) {
        if (team->members[i].status != HP_OK) {
            return team->members[i].status;
        }
    }
    if (team->n == 1) {
        *plan = team->members[0].plan;
    } else {
        merge(team, plan);
    }
    return HP_OK;
}
