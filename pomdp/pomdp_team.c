#include "pomdp/pomdp_team.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { LANE_MEMBER = 1 << 16 }; /* beyond the scenarios' lanes */

/** What all members are asked; written by the owner before the round is announced. */
typedef struct team_task {
    pomdp_particles belief;
    hp_rng stream;
    pomdp_budget budget;
} team_task;

typedef struct team_member {
    pomdp_team *team;
    uint32_t index;
    pomdp_solver *solver;
    pomdp_plan plan;
    hp_status status;
    pthread_t thread;
    bool runs; /* has a thread: all but the first */
} team_member;

struct pomdp_team {
    uint32_t n;
    team_member members[POMDP_MAX_THREADS];
    team_task task;
    pthread_mutex_t mutex;
    pthread_cond_t begin, end;
    bool has_locks;
    /* under the mutex */
    uint64_t round;   /* raised for each plan */
    uint32_t at_work; /* members with a thread that have not finished the round */
    bool closing;
};

static void search(team_member *m)
{
    const team_task *t = &m->team->task;
    const hp_rng stream =
        m->index == 0 ? t->stream : hp_rng_lane(t->stream, LANE_MEMBER + m->index);
    m->status = pomdp_solver_plan(m->solver, &t->belief, stream, &t->budget, &m->plan);
}

static void *work(void *arg)
{
    team_member *m = arg;
    pomdp_team *team = m->team;
    uint64_t done = 0;
    (void)pthread_mutex_lock(&team->mutex);
    for (;;) {
        while (team->round == done && !team->closing) {
            (void)pthread_cond_wait(&team->begin, &team->mutex);
        }
        if (team->closing) {
            break;
        }
        done = team->round;
        (void)pthread_mutex_unlock(&team->mutex);
        search(m);
        (void)pthread_mutex_lock(&team->mutex);
        team->at_work--;
        (void)pthread_cond_signal(&team->end);
    }
    (void)pthread_mutex_unlock(&team->mutex);
    return NULL;
}

static hp_status open_locks(pomdp_team *team)
{
    if (pthread_mutex_init(&team->mutex, NULL) != 0) {
        return HP_EUNAVAILABLE;
    }
    if (pthread_cond_init(&team->begin, NULL) != 0) {
        (void)pthread_mutex_destroy(&team->mutex);
        return HP_EUNAVAILABLE;
    }
    if (pthread_cond_init(&team->end, NULL) != 0) {
        (void)pthread_cond_destroy(&team->begin);
        (void)pthread_mutex_destroy(&team->mutex);
        return HP_EUNAVAILABLE;
    }
    team->has_locks = true;
    return HP_OK;
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
    hp_status st = open_locks(team);
    for (uint32_t i = 0; i < n_threads && st == HP_OK; i++) {
        team_member *m = &team->members[i];
        *m = (team_member){.team = team, .index = i};
        st = pomdp_solver_create(model, config, &m->solver);
        if (st == HP_OK && i > 0) {
            m->runs = pthread_create(&m->thread, NULL, work, m) == 0;
            st = m->runs ? HP_OK : HP_EUNAVAILABLE;
        }
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
    if (t->has_locks) {
        (void)pthread_mutex_lock(&t->mutex);
        t->closing = true;
        (void)pthread_cond_broadcast(&t->begin);
        (void)pthread_mutex_unlock(&t->mutex);
    }
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->members[i].runs) {
            (void)pthread_join(t->members[i].thread, NULL);
        }
        pomdp_solver_destroy(&t->members[i].solver);
    }
    if (t->has_locks) {
        (void)pthread_cond_destroy(&t->end);
        (void)pthread_cond_destroy(&t->begin);
        (void)pthread_mutex_destroy(&t->mutex);
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

static void search_together(pomdp_team *team)
{
    (void)pthread_mutex_lock(&team->mutex);
    team->at_work = team->n - 1;
    team->round++;
    (void)pthread_cond_broadcast(&team->begin);
    (void)pthread_mutex_unlock(&team->mutex);
    search(&team->members[0]);
    (void)pthread_mutex_lock(&team->mutex);
    while (team->at_work > 0) {
        (void)pthread_cond_wait(&team->end, &team->mutex);
    }
    (void)pthread_mutex_unlock(&team->mutex);
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
    search_together(team);
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
