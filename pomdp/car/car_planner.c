#include "pomdp/car/car_planner.h"

#include "pomdp/car/car_model.h"
#include "pomdp/pomdp_team.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 2 }; /* others; most scenes have no more */

struct car_planner {
    car_config config;
    car_scene scene;
    pomdp_team *solver;     /* with room for all others in a state */
    pomdp_team *solver_few; /* with room for few: states a third as large, steps quicker */
    unsigned char *states;  /* [scenarios] */
    double *weights;        /* [scenarios] */
};

static pomdp_config solver_config(const car_config *config)
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

hp_status car_planner_create(const car_config *config, car_planner **out)
{
    car_planner *planner = calloc(1, sizeof *planner);
    *out = NULL;
    if (planner == NULL) {
        return HP_ENOMEM;
    }
    planner->config = *config;
    planner->states = calloc(config->scenarios, sizeof(car_state));
    planner->weights = calloc(config->scenarios, sizeof *planner->weights);
    const pomdp_config solver = solver_config(&planner->config);
    pomdp_model model = car_model_make(&planner->config, &planner->scene);
    hp_status status = HP_ENOMEM;
    if (planner->states != NULL && planner->weights != NULL) {
        status = pomdp_team_create(&model, &solver, planner->config.threads, &planner->solver);
    }
    if (status == HP_OK) {
        model.state_size = car_model_state_bytes(FEW);
        status = pomdp_team_create(&model, &solver, planner->config.threads, &planner->solver_few);
    }
    if (status != HP_OK) {
        car_planner_destroy(&planner);
        return status;
    }
    *out = planner;
    return HP_OK;
}

void car_planner_destroy(car_planner **planner)
{
    car_planner *p = *planner;
    *planner = NULL;
    if (p == NULL) {
        return;
    }
    pomdp_team_destroy(&p->solver);
    pomdp_team_destroy(&p->solver_few);
    free(p->states);
    free(p->weights);
    free(p);
}

size_t car_planner_bytes(const car_planner *planner)
{
    return sizeof *planner + pomdp_team_bytes(planner->solver) +
           pomdp_team_bytes(planner->solver_few) +
           planner->config.scenarios * (sizeof(car_state) + sizeof(double));
}

static pomdp_budget budget_of(const car_planner *planner, const hp_plan_request *request,
                              const hp_clock *clock)
{
    const car_budget_config *own = &planner->config.budget;
    if (request->max_trials > 0) {
        return (pomdp_budget){.max_trials = request->max_trials, .max_steps = own->steps};
    }
    if (own->trials > 0) {
        return (pomdp_budget){.max_trials = own->trials, .max_steps = own->steps};
    }
    const int64_t own_ns = hp_clock_now_ns(clock) + (int64_t)(own->time_ms * 1e6);
    const bool sooner = request->deadline_ns > 0 && request->deadline_ns < own_ns;
    return (pomdp_budget){.max_steps = own->steps,
                          .deadline_ns = sooner ? request->deadline_ns : own_ns,
                          .clock = clock};
}

void car_planner_plan(car_planner *planner, const hp_plan_request *request, const hp_clock *clock,
                      hp_plan_reply *reply)
{
    const int64_t cpu_ns = hp_clock_thread_cpu_ns();
    const pomdp_budget budget = budget_of(planner, request, clock);
    const hp_rng stream = {request->stream};
    pomdp_plan plan;
    memset(reply, 0, sizeof *reply);
    reply->world_id = request->world_id;
    reply->tick = request->tick;
    if (!car_scene_build(&planner->config, request, &planner->scene)) {
        return;
    }
    const bool few = planner->scene.n_others <= FEW;
    planner->scene.state_bytes = car_model_state_bytes(few ? FEW : CAR_MAX_AGENTS);
    car_model_sample(&planner->scene, hp_rng_lane(stream, 0), planner->config.scenarios,
                     planner->states, planner->weights);
    if (pomdp_team_plan(few ? planner->solver_few : planner->solver, planner->states,
                        planner->weights, planner->config.scenarios, hp_rng_lane(stream, 1),
                        &budget, &plan) != HP_OK) {
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
    reply->search_ns = hp_clock_thread_cpu_ns() - cpu_ns;
}
