#include "pomdp/car/car_planner.h"

#include "pomdp/car/car_model.h"
#include "pomdp/pomdp_team.h"

#include <stdlib.h>
#include <string.h>

enum { GLANCE = 4 }; /* a glance takes one in so many futures */
#define EGO_COST 1.4 /* of the ego's part of a step, in those of an other */

struct car_planner {
    car_config start;  /* as it was made */
    car_config config; /* with the last request's thresholds */
    uint32_t n_settings;
    hp_setting settings[HP_MAX_TUNING]; /* the last request's */
    car_scene scene;
    pomdp_team *solver;     /* with room for all others in a state */
    pomdp_team *solver_few; /* with room for few: states a third as large, steps quicker */
    pomdp_solver *glance;   /* the same, of few futures, for the root alone */
    unsigned char *states;  /* [scenarios] */
    double *weights;        /* [scenarios] */
    car_leaf *leaves[POMDP_MAX_THREADS]; /* of each thread; NULL: no network */
};

pomdp_config car_solver_config(const car_config *config)
{
    pomdp_config c;
    pomdp_config_default(&c);
    c.n_scenarios = config->scenarios;
    c.max_depth = config->max_depth;
    c.rollout_depth = config->rollout_depth;
    c.max_nodes = config->max_nodes;
    c.max_particles = config->max_particles;
    c.target_gap = config->budget.target_gap;
    c.xi = config->xi;
    c.regularisation = config->regularisation;
    c.importance_sampling = config->importance_sampling;
    return c;
}

pomdp_config car_glance_config(const car_config *config)
{
    pomdp_config c = car_solver_config(config);
    const uint32_t stepped = (c.n_scenarios + GLANCE - 1) / GLANCE * config->n_actions;
    c.n_scenarios = (c.n_scenarios + GLANCE - 1) / GLANCE;
    c.max_nodes = 1 + stepped;
    c.max_particles = c.n_scenarios + stepped;
    return c;
}

double car_glance_gap(const car_config *config)
{
    return 0.5 * config->budget.target_gap; /* fewer futures are less sure of what is left */
}

/** Solvers for few others. */
static hp_status create_few(car_planner *p, pomdp_model model)
{
    const pomdp_config solver = car_solver_config(&p->config);
    const pomdp_config glance = car_glance_config(&p->config);
    model.state_size = car_model_state_bytes(CAR_FEW);
    const hp_status st = pomdp_team_create(&model, &solver, p->config.threads, &p->solver_few);
    return st == HP_OK ? pomdp_solver_create(&model, &glance, &p->glance) : st;
}

hp_status car_planner_create(const car_config *config, car_planner **out)
{
    car_planner *planner = calloc(1, sizeof *planner);
    *out = NULL;
    if (planner == NULL) {
        return HP_ENOMEM;
    }
    planner->start = *config;
    planner->config = *config;
    planner->states = calloc(config->scenarios, sizeof(car_state));
    planner->weights = calloc(config->scenarios, sizeof *planner->weights);
    const pomdp_config solver = car_solver_config(&planner->config);
    const pomdp_model model = car_model_make(&planner->config, &planner->scene);
    hp_status status = HP_ENOMEM;
    if (planner->states != NULL && planner->weights != NULL) {
        status = pomdp_team_create(&model, &solver, planner->config.threads, &planner->solver);
    }
    if (status == HP_OK) {
        status = create_few(planner, model);
    }
    if (status != HP_OK) {
        car_planner_destroy(&planner);
        return status;
    }
    *out = planner;
    return HP_OK;
}

hp_status car_planner_check(const car_config *config, const policy_config *policy, hp_error *error)
{
    const uint32_t batch = config->prune.batch;
    if (config->evaluator == CAR_EVALUATOR_LOCAL || batch <= policy->batch ||
        config->prune.rule.method == POMDP_PRUNE_OFF) {
        return HP_OK;
    }
    return hp_fail(
        error, HP_ECONFIG,
        "pomdp.prune.batch = %u is more than policy.batch = %u, which is all that "
        "hyplan-policy answers at once: take policy.batch = %u, or pomdp.prune.batch = %u",
        batch, policy->batch, batch, policy->batch);
}

hp_status car_planner_value_leaves(car_planner *planner, const policy_config *policy,
                                   const car_remote *remote)
{
    const car_leaf_setup setup = {&planner->config, policy, remote};
    hp_status st = remote != NULL && planner->config.threads > 1 ? HP_EINVAL : HP_OK;
    for (uint32_t i = 0; i < planner->config.threads && st == HP_OK; i++) {
        st = car_leaf_create(&setup, &planner->leaves[i]);
    }
    return st;
}

const char *car_planner_note(const car_planner *planner)
{
    return planner->leaves[0] != NULL ? car_leaf_note(planner->leaves[0]) : NULL;
}

/** Every member its own network, or none. *asks: there is one. */
static hp_status begin_leaves(car_planner *planner, const hp_plan_request *request,
                              pomdp_team *team, bool *asks)
{
    const bool prunes = planner->config.prune.rule.method != POMDP_PRUNE_OFF;
    hp_status st = HP_OK;
    *asks = false;
    for (uint32_t i = 0; i < planner->config.threads && st == HP_OK; i++) {
        const pomdp_evaluator *evaluator =
            prunes && planner->leaves[i] != NULL
                ? car_leaf_begin(planner->leaves[i], request, &planner->scene)
                : NULL;
        *asks = *asks || evaluator != NULL;
        st = pomdp_team_set_evaluator(team, i, evaluator);
    }
    return st;
}

static void report_leaves(const car_planner *planner, const pomdp_plan *plan, hp_plan_reply *reply)
{
    _Static_assert((int)POMDP_PLAN_DEPTHS == (int)HP_MAX_DEPTHS, "a reply holds a plan's depths");
    reply->evaluated = plan->evaluated;
    reply->pruned = plan->pruned;
    reply->refused = plan->refused;
    reply->reopened = plan->reopened;
    reply->batches = plan->batches;
    for (uint32_t d = 0; d < HP_MAX_DEPTHS; d++) {
        reply->pruned_at[d] = plan->pruned_at[d];
    }
    for (uint32_t i = 0; i < planner->config.threads && planner->leaves[i] != NULL; i++) {
        const car_leaf_times spent = car_leaf_spent(planner->leaves[i]);
        reply->network_ns += spent.network_ns;
        reply->transport_ns += spent.transport_ns;
    }
}

void car_planner_destroy(car_planner **planner)
{
    car_planner *p = *planner;
    *planner = NULL;
    if (p == NULL) {
        return;
    }
    for (uint32_t i = 0; i < POMDP_MAX_THREADS; i++) {
        car_leaf_destroy(&p->leaves[i]);
    }
    pomdp_team_destroy(&p->solver);
    pomdp_team_destroy(&p->solver_few);
    pomdp_solver_destroy(&p->glance);
    free(p->states);
    free(p->weights);
    free(p);
}

size_t car_planner_bytes(const car_planner *planner)
{
    return sizeof *planner + pomdp_team_bytes(planner->solver) +
           pomdp_team_bytes(planner->solver_few) + pomdp_solver_bytes(planner->glance) +
           planner->config.scenarios * (sizeof(car_state) + sizeof(double));
}

uint64_t car_budget_steps(const car_config *config, uint32_t n_others)
{
    const double share = n_others > CAR_FEW ? (EGO_COST + CAR_FEW) / (EGO_COST + n_others) : 1.0;
    return (uint64_t)(share * config->budget.steps);
}

static pomdp_budget budget_of(const car_planner *planner, const hp_plan_request *request,
                              const hp_clock *clock)
{
    const car_budget_config *own = &planner->config.budget;
    const uint64_t steps = car_budget_steps(&planner->config, planner->scene.n_others);
    if (request->max_trials > 0) {
        return (pomdp_budget){.max_trials = request->max_trials, .max_steps = steps};
    }
    if (own->trials > 0) {
        return (pomdp_budget){.max_trials = own->trials, .max_steps = steps};
    }
    const int64_t own_ns = hp_clock_now_ns(clock) + (int64_t)(own->time_ms * 1e6);
    const bool sooner = request->deadline_ns > 0 && request->deadline_ns < own_ns;
    return (pomdp_budget){
        .max_steps = steps, .deadline_ns = sooner ? request->deadline_ns : own_ns, .clock = clock};
}

/** Takes over the thresholds that came with the request. False: they break a rule, and the last
 * good ones stay. */
static bool settle(car_planner *p, const hp_plan_request *r)
{
    static const char *const PATHS[] = {CAR_LIVE_PATHS, NULL};
    car_config fresh = p->start;
    const hp_section section = {"pomdp", CAR_FIELDS, &fresh};
    const size_t bytes = r->n_settings * sizeof r->settings[0];
    if (r->n_settings == p->n_settings && memcmp(r->settings, p->settings, bytes) == 0) {
        return true;
    }
    for (uint32_t i = 0; i < r->n_settings; i++) {
        if (hp_setting_set(&section, 1, PATHS, &r->settings[i], NULL) != HP_OK) {
            return false;
        }
    }
    if (car_config_check(&fresh, NULL) != HP_OK) {
        return false;
    }
    /* The errors of values belong to the model of traffic, too. */
    const bool other = memcmp(&fresh.prune, &p->config.prune, sizeof fresh.prune) != 0 ||
                       memcmp(&fresh.traffic, &p->config.traffic, sizeof fresh.traffic) != 0;
    p->config = fresh;
    for (uint32_t i = 0; other && i < p->config.threads && p->leaves[i] != NULL; i++) {
        (void)car_leaf_configure(p->leaves[i]);
    }
    p->n_settings = r->n_settings;
    memcpy(p->settings, r->settings, bytes);
    return true;
}

static bool glance(car_planner *p, hp_rng stream, pomdp_plan *plan)
{
    const uint32_t n = car_glance_config(&p->config).n_scenarios;
    car_model_sample(&p->scene, hp_rng_lane(stream, 0), n, p->states, p->weights);
    const pomdp_particles belief = {p->states, p->weights, n};
    return pomdp_solver_glance(p->glance, &belief, hp_rng_lane(stream, 1),
                               car_glance_gap(&p->config), plan) == HP_OK;
}

static bool search(car_planner *p, const hp_plan_request *request, const hp_clock *clock,
                   pomdp_plan *plan)
{
    const hp_rng stream = {request->stream};
    const pomdp_budget budget = budget_of(p, request, clock);
    const bool few = p->scene.n_others <= CAR_FEW;
    pomdp_team *team = few ? p->solver_few : p->solver;
    bool asks = false;
    p->scene.state_bytes = car_model_state_bytes(few ? CAR_FEW : CAR_MAX_AGENTS);
    if (begin_leaves(p, request, team, &asks) != HP_OK) {
        return false;
    }
    if (few && asks && p->config.prune.rule.glance && glance(p, stream, plan)) {
        return true;
    }
    car_model_sample(&p->scene, hp_rng_lane(stream, 0), p->config.scenarios, p->states, p->weights);
    const pomdp_particles belief = {p->states, p->weights, p->config.scenarios};
    return pomdp_team_plan(team, &belief, hp_rng_lane(stream, 1), &budget, plan) == HP_OK;
}

void car_planner_plan(car_planner *planner, const hp_plan_request *request, const hp_clock *clock,
                      hp_plan_reply *reply)
{
    const int64_t cpu_ns = hp_clock_thread_cpu_ns();
    pomdp_plan plan;
    memset(reply, 0, sizeof *reply);
    reply->world_id = request->world_id;
    reply->tick = request->tick;
    if (!settle(planner, request) || !car_scene_build(&planner->config, request, &planner->scene) ||
        !search(planner, request, clock, &plan)) {
        return;
    }
    reply->found = true;
    reply->action = plan.action;
    reply->accel_mps2 = planner->config.actions_mps2[plan.action];
    reply->value_lower = plan.value_lower;
    reply->value_upper = plan.value_upper;
    reply->trials = plan.trials;
    reply->nodes = plan.nodes;
    reply->expansions = plan.expansions;
    reply->depth = plan.depth;
    reply->pool_used_permille = (uint32_t)((uint64_t)plan.nodes * 1000 / planner->config.max_nodes /
                                           planner->config.threads);
    report_leaves(planner, &plan, reply);
    reply->search_ns = hp_clock_thread_cpu_ns() - cpu_ns;
}
