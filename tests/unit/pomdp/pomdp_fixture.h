/** @file pomdp_fixture.h A solver on Tiger with its initial belief, for the tests of pomdp/. */
#ifndef POMDP_FIXTURE_H
#define POMDP_FIXTURE_H

#include "pomdp/models/tiger.h"
#include "pomdp/pomdp_internal.h"
#include "tests/support/hp_test.h"

enum { FIXTURE_SCENARIOS = 500 };

typedef struct pomdp_fixture {
    pomdp_model model;
    pomdp_config config;
    pomdp_solver *solver;
    tiger_state belief[FIXTURE_SCENARIOS];
    hp_rng stream;
} pomdp_fixture;

static inline void fixture_open(pomdp_fixture *f)
{
    f->model = tiger_model();
    f->stream = hp_rng_seed(7);
    pomdp_config_default(&f->config);
    f->config.n_scenarios = FIXTURE_SCENARIOS;
    f->config.max_depth = 30;
    f->config.rollout_depth = 30;
    tiger_sample(NULL, hp_rng_lane(f->stream, 1), FIXTURE_SCENARIOS, f->belief);
    assert_int_equal(pomdp_solver_create(&f->model, &f->config, &f->solver), HP_OK);
}

static inline pomdp_plan fixture_plan(pomdp_fixture *f, const pomdp_budget *budget)
{
    pomdp_plan plan;
    assert_int_equal(pomdp_solver_plan(f->solver,
                                       &(pomdp_particles){f->belief, NULL, FIXTURE_SCENARIOS},
                                       f->stream, budget, &plan),
                     HP_OK);
    return plan;
}

/** Plans are equal bit by bit. A plan has padding, so that it is compared field by field. */
static inline void assert_plans_equal(const pomdp_plan *a, const pomdp_plan *b)
{
    assert_int_equal(a->action, b->action);
    assert_memory_equal(&a->value_lower, &b->value_lower, sizeof(double));
    assert_memory_equal(&a->value_upper, &b->value_upper, sizeof(double));
    assert_memory_equal(&a->gap_begin, &b->gap_begin, sizeof(double));
    assert_int_equal(a->trials, b->trials);
    assert_int_equal(a->nodes, b->nodes);
    assert_int_equal(a->expansions, b->expansions);
    assert_int_equal(a->depth, b->depth);
    assert_int_equal(a->steps_tree, b->steps_tree);
    assert_int_equal(a->steps_rollout, b->steps_rollout);
    assert_memory_equal(a->action_lower, b->action_lower, sizeof(a->action_lower));
    assert_memory_equal(a->action_upper, b->action_upper, sizeof(a->action_upper));
}

#endif
