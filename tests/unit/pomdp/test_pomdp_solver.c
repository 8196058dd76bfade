/* The contract of pomdp_solver.h: arguments, budgets, determinism, full pools. */
#include "tests/unit/pomdp/pomdp_fixture.h"

#include <string.h>

static int setup(void **state)
{
    static pomdp_fixture f;
    memset(&f, 0, sizeof(f));
    fixture_open(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    pomdp_fixture *f = *state;
    pomdp_solver_destroy(&f->solver);
    assert_null(f->solver);
    pomdp_solver_destroy(&f->solver);
    return 0;
}

static void test_solver_listens_when_belief_is_uniform(void **state)
{
    const pomdp_plan plan = fixture_plan(*state, &(pomdp_budget){.max_trials = 100});
    assert_int_equal(plan.action, TIGER_LISTEN);
    assert_int_equal(plan.n_actions, 3);
    assert_true(plan.value_lower <= plan.value_upper);
    assert_true(plan.gap_begin > plan.value_upper - plan.value_lower);
    hp_assert_near(plan.value_lower, plan.action_lower[TIGER_LISTEN], 1e-9);
}

static void test_solver_opens_when_belief_is_sure(void **state)
{
    pomdp_fixture *f = *state;
    for (uint32_t i = 0; i < FIXTURE_SCENARIOS; i++) {
        f->belief[i] = (tiger_state){.is_right = i % 100 == 0};
    }
    assert_int_equal(fixture_plan(f, &(pomdp_budget){.max_trials = 100}).action, TIGER_OPEN_RIGHT);
    for (uint32_t i = 0; i < FIXTURE_SCENARIOS; i++) {
        f->belief[i].is_right = i % 100 != 0;
    }
    assert_int_equal(fixture_plan(f, &(pomdp_budget){.max_trials = 100}).action, TIGER_OPEN_LEFT);
}

static void test_solver_weighs_particles_when_weights_are_given(void **state)
{
    pomdp_fixture *f = *state;
    const tiger_state two[2] = {{.is_right = 0}, {.is_right = 1}};
    const double weights[2] = {0.995, 0.005};
    pomdp_plan plan;
    assert_int_equal(pomdp_solver_plan(f->solver, &(pomdp_particles){two, weights, 2}, f->stream,
                                       &(pomdp_budget){.max_trials = 20}, &plan),
                     HP_OK);
    assert_int_equal(plan.action, TIGER_OPEN_RIGHT);
    uint32_t n_left = 0;
    for (uint32_t k = 0; k < FIXTURE_SCENARIOS; k++) {
        n_left += ((const tiger_state *)f->solver->tree.states)[k].is_right == 0;
    }
    assert_in_range(n_left, 497, 498); /* systematic: within one of 0.995 * 500 */
}

/** As many particles as scenarios are not drawn again: the root is made of them and their weights.
 */
static void
test_solver_takes_particles_as_they_are_when_there_is_one_for_each_scenario(void **state)
{
    pomdp_fixture *f = *state;
    double weights[FIXTURE_SCENARIOS];
    pomdp_plan plan;
    for (uint32_t i = 0; i < FIXTURE_SCENARIOS;
         i++) { /* half of them right, with a 400th of the weight */
        f->belief[i] = (tiger_state){.is_right = i % 2 != 0};
        weights[i] = (i % 2 != 0 ? 0.0025 : 0.9975) / (FIXTURE_SCENARIOS / 2.0);
    }
    assert_int_equal(pomdp_solver_plan(f->solver,
                                       &(pomdp_particles){f->belief, weights, FIXTURE_SCENARIOS},
                                       f->stream, &(pomdp_budget){.max_trials = 20}, &plan),
                     HP_OK);
    assert_int_equal(plan.action, TIGER_OPEN_RIGHT);
    assert_memory_equal(f->solver->tree.states, f->belief, sizeof(f->belief));
    assert_memory_equal(f->solver->tree.particle_weight, weights, sizeof(weights));
}

static void test_solver_refuses_when_belief_is_none(void **state)
{
    pomdp_fixture *f = *state;
    const pomdp_budget budget = {.max_trials = 1};
    const double bad[][2] = {{0.5, 0.4}, {1.5, -0.5}, {(double)NAN, 1.0}, {0.0, 0.0}};
    pomdp_plan plan;
    for (size_t i = 0; i < HP_ARRAY_LEN(bad); i++) {
        assert_int_equal(pomdp_solver_plan(f->solver, &(pomdp_particles){f->belief, bad[i], 2},
                                           f->stream, &budget, &plan),
                         HP_EINVAL);
    }
    assert_int_equal(pomdp_solver_plan(f->solver, &(pomdp_particles){f->belief, NULL, 0}, f->stream,
                                       &budget, &plan),
                     HP_EINVAL);
    assert_int_equal(pomdp_solver_plan(f->solver, &(pomdp_particles){f->belief, NULL, 2}, f->stream,
                                       &(pomdp_budget){.deadline_ns = 1}, &plan),
                     HP_EINVAL);
}

static void test_solver_refuses_when_config_is_out_of_range(void **state)
{
    const pomdp_fixture *f = *state;
    pomdp_config c[14];
    for (size_t i = 0; i < HP_ARRAY_LEN(c); i++) {
        c[i] = f->config;
    }
    c[0].n_scenarios = 0;
    c[1].n_scenarios = POMDP_MAX_SCENARIOS + 1;
    c[2].max_depth = 0;
    c[3].max_depth = POMDP_MAX_DEPTH + 1;
    c[4].rollout_depth = POMDP_MAX_ROLLOUT + 1;
    c[5].max_nodes = 3 * FIXTURE_SCENARIOS; /* one short of the root's expansion */
    c[6].max_nodes = POMDP_MAX_NODES + 1;
    c[7].max_particles = 4 * FIXTURE_SCENARIOS - 1;
    c[8].target_gap = -1.0;
    c[9].xi = 0.0;
    c[10].xi = 1.0;
    c[11].xi = (double)NAN;
    c[12].regularisation = -0.1;
    c[13].regularisation = HUGE_VAL;
    for (size_t i = 0; i < HP_ARRAY_LEN(c); i++) {
        pomdp_solver *s = f->solver;
        assert_int_equal(pomdp_solver_create(&f->model, &c[i], &s), HP_EINVAL);
        assert_null(s);
    }
}

static void test_solver_refuses_when_model_is_incomplete(void **state)
{
    const pomdp_fixture *f = *state;
    pomdp_model m[7];
    for (size_t i = 0; i < HP_ARRAY_LEN(m); i++) {
        m[i] = f->model;
    }
    m[0].step = NULL;
    m[1].default_policy = NULL;
    m[2].n_actions = 0;
    m[3].n_actions = POMDP_MAX_ACTIONS + 1;
    m[4].state_size = 0;
    m[5].discount = 1.0; /* without an upper hook */
    m[6].discount = 1.01;
    for (size_t i = 0; i < HP_ARRAY_LEN(m); i++) {
        pomdp_solver *s = NULL;
        assert_int_equal(pomdp_solver_create(&m[i], &f->config, &s), HP_EINVAL);
    }
}

static void test_solver_repeats_itself_when_asked_twice(void **state)
{
    pomdp_fixture *f = *state;
    const pomdp_budget budget = {.max_trials = 150};
    const pomdp_plan first = fixture_plan(f, &budget);
    f->stream = hp_rng_seed(8);
    const pomdp_plan other = fixture_plan(f, &budget); /* something else in between */
    f->stream = hp_rng_seed(7);
    const pomdp_plan again = fixture_plan(f, &budget);
    assert_plans_equal(&first, &again);
    assert_true(other.value_upper != first.value_upper);
}

/** A batch of any size gives the same: the model is handed its rows one at a time. */
static void step_one_by_one(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                            const uint64_t *keys, pomdp_steps *out)
{
    for (uint32_t j = 0; j < n; j++) {
        const uint32_t i = n - 1 - j;
        pomdp_steps row = {.reward = out->reward + i, .terminal = out->terminal + i};
        row.obs = out->obs != NULL ? out->obs + i : NULL;
        tiger_model().step(ctx, (tiger_state *)states + i, 1, actions + i, keys + i, &row);
    }
}

static void test_solver_agrees_when_batches_are_cut_otherwise(void **state)
{
    pomdp_fixture *f = *state;
    const pomdp_budget budget = {.max_trials = 100};
    const pomdp_plan whole = fixture_plan(f, &budget);
    f->solver->model.step = step_one_by_one;
    f->solver->batch.capacity = FIXTURE_SCENARIOS; /* one action at a time at the root */
    const pomdp_plan cut = fixture_plan(f, &budget);
    assert_plans_equal(&whole, &cut);
}

/** A clock that moves on by a microsecond each time it is read. */
typedef struct ticking {
    hp_clock clock;
    int64_t *now_ns;
} ticking;

static int64_t read_ticking(const hp_clock *clock)
{
    const ticking *t = (const ticking *)(const void *)clock;
    return *t->now_ns += 1000;
}

static void test_solver_replays_a_timed_plan_when_given_its_trials(void **state)
{
    pomdp_fixture *f = *state;
    for (int64_t us = 1; us < 400; us += 13) {
        int64_t now_ns = 0;
        const ticking t = {.clock.now_ns = read_ticking, .now_ns = &now_ns};
        const pomdp_plan timed =
            fixture_plan(f, &(pomdp_budget){.deadline_ns = us * 1000, .clock = &t.clock});
        assert_null(pomdp_tree_check(f->solver));
        assert_true(now_ns <= (us + 1) * 1000); /* no look at the clock after it struck */
        const pomdp_plan replayed = fixture_plan(f, &(pomdp_budget){.max_trials = timed.trials});
        assert_plans_equal(&timed, &replayed);
    }
}

static void test_solver_stops_in_time_when_clock_is_real(void **state)
{
    pomdp_fixture *f = *state;
    const hp_clock clock = hp_clock_real();
    const int64_t begin_ns = hp_clock_now_ns(&clock);
    const pomdp_plan plan = fixture_plan(
        f, &(pomdp_budget){.deadline_ns = begin_ns + INT64_C(50000000), .clock = &clock});
    /* It ends at all, for there is no other bound; how late depends on who else is at work. */
    assert_true(plan.expansions >= 1 && plan.action < plan.n_actions);
}

static void test_solver_expands_the_root_when_there_is_no_budget(void **state)
{
    pomdp_fixture *f = *state;
    const hp_clock past = hp_clock_virtual(100);
    const pomdp_plan none = fixture_plan(f, &(pomdp_budget){0});
    const pomdp_plan late = fixture_plan(f, &(pomdp_budget){.deadline_ns = 1, .clock = &past});
    assert_int_equal(none.trials, 0);
    assert_int_equal(none.expansions, 1);
    assert_int_equal(none.depth, 1);
    assert_plans_equal(&none, &late);
}

static void test_solver_stops_growing_when_its_steps_are_spent(void **state)
{
    pomdp_fixture *f = *state;
    const uint64_t expansion =
        (uint64_t)f->config.n_scenarios * f->model.n_actions * (1 + f->config.rollout_depth);
    const pomdp_plan all = fixture_plan(f, &(pomdp_budget){.max_trials = 200});
    const uint64_t steps = (all.steps_tree + all.steps_rollout) / 2;
    const pomdp_budget budget = {.max_trials = 200, .max_steps = steps};
    const pomdp_plan half = fixture_plan(f, &budget);
    const pomdp_plan again = fixture_plan(f, &budget);
    assert_true(half.trials > 0 && half.trials < 200);
    assert_true(half.steps_tree + half.steps_rollout >= steps);
    assert_true(half.steps_tree + half.steps_rollout < steps + expansion);
    assert_true(half.value_lower <= all.value_lower && half.value_upper >= all.value_upper);
    assert_plans_equal(&half, &again);
    assert_null(pomdp_tree_check(f->solver));
}

/** The gap that is asked for ends a search: no trial before its last one had reached it. */
static void expect_gap(pomdp_fixture *f, pomdp_budget budget, double gap)
{
    const pomdp_plan plan = fixture_plan(f, &budget);
    assert_true(plan.trials > 1 && plan.trials < budget.max_trials);
    assert_true(plan.value_upper - plan.value_lower <= gap);
    const pomdp_plan before = fixture_plan(f, &(pomdp_budget){.max_trials = plan.trials - 1});
    assert_true(before.value_upper - before.value_lower > gap);
}

static void test_solver_stops_when_the_gap_is_small_enough(void **state)
{
    pomdp_fixture *f = *state;
    const pomdp_plan all = fixture_plan(f, &(pomdp_budget){.max_trials = 100});
    const double gap = 0.5 * (all.gap_begin + all.value_upper - all.value_lower);
    expect_gap(f, (pomdp_budget){.max_trials = 100, .target_gap = gap}, gap);
    f->solver->config.target_gap = gap;
    const pomdp_plan plan = fixture_plan(f, &(pomdp_budget){.max_trials = 100});
    f->solver->config.target_gap = 0.0;
    const pomdp_plan same = fixture_plan(f, &(pomdp_budget){.max_trials = 100, .target_gap = gap});
    assert_plans_equal(&plan, &same);
}

enum { FEW = 20, POOL_TRIALS = 60 };

/** The search of few scenarios in pools of so many nodes and particles: no place is used that is
 * not there, and bounds are what the same trials reach in large pools, or better by what the last
 * one still did. */
static pomdp_plan plan_in_pools(pomdp_fixture *f, uint32_t nodes, uint32_t particles)
{
    const pomdp_particles belief = {f->belief, NULL, FIXTURE_SCENARIOS};
    pomdp_config config = f->solver->config;
    pomdp_solver *small = NULL;
    pomdp_plan plan;
    config.max_nodes = nodes;
    config.max_particles = particles;
    assert_int_equal(pomdp_solver_create(&f->model, &config, &small), HP_OK);
    assert_true(pomdp_solver_bytes(small) < pomdp_solver_bytes(f->solver));
    assert_int_equal(pomdp_solver_plan(small, &belief, f->stream,
                                       &(pomdp_budget){.max_trials = POOL_TRIALS}, &plan),
                     HP_OK);
    const pomdp_mark used = small->tree.used;
    const pomdp_mark capacity = small->tree.capacity;
    assert_true(used.n_nodes <= capacity.n_nodes && used.n_edges <= capacity.n_edges &&
                used.n_particles <= capacity.n_particles);
    assert_null(pomdp_tree_check(small));
    assert_int_equal(plan.action, TIGER_LISTEN);
    assert_true(plan.trials >= 1 && (plan.pool_full || plan.trials == POOL_TRIALS));
    const pomdp_plan before = fixture_plan(f, &(pomdp_budget){.max_trials = plan.trials - 1});
    assert_true(plan.value_lower >= before.value_lower && plan.value_upper <= before.value_upper);
    pomdp_solver_destroy(&small);
    return plan;
}

/** Pools that just hold a search change nothing; with one place less, growth ends and the answer
 * does not. */
static void test_solver_still_answers_when_pool_is_full(void **state)
{
    pomdp_fixture *f = *state;
    const uint32_t least = FEW + FEW * f->model.n_actions; /* particles, for the root alone */
    pomdp_solver_destroy(&f->solver);
    f->config.n_scenarios = FEW;
    assert_int_equal(pomdp_solver_create(&f->model, &f->config, &f->solver), HP_OK);
    for (int lazy = 0; lazy < 2; lazy++) {
        f->solver->config.lazy = lazy != 0;
        const pomdp_plan large = fixture_plan(f, &(pomdp_budget){.max_trials = POOL_TRIALS});
        const pomdp_mark used = f->solver->tree.used;
        /* one by one an action makes edges, and its nodes later: there edges are the last */
        const uint32_t nodes = lazy == 0 ? used.n_nodes : used.n_edges - f->model.n_actions;
        assert_false(large.pool_full);
        assert_true(nodes > 1 + FEW * f->model.n_actions);
        const pomdp_plan fits = plan_in_pools(f, nodes, used.n_particles);
        assert_plans_equal(&large, &fits);
        assert_true(plan_in_pools(f, nodes - 1, used.n_particles).pool_full);
        for (uint32_t n = least; n < used.n_particles; n += 7) { /* ends anywhere in a trial */
            assert_true(plan_in_pools(f, nodes, n).pool_full);
        }
        assert_true(plan_in_pools(f, nodes, used.n_particles - 1).pool_full);
    }
}

/** The first bounds are those from which a search begins; an action that nobody looked at is not
 * praised. */
static void test_glance_tells_the_floor_s_action_when_the_bounds_are_near_enough(void **state)
{
    pomdp_fixture *f = *state;
    const pomdp_plan searched = fixture_plan(f, &(pomdp_budget){.max_trials = 5});
    const pomdp_particles belief = {f->belief, NULL, FIXTURE_SCENARIOS};
    pomdp_plan plan;
    assert_int_equal(
        pomdp_solver_glance(f->solver, &belief, f->stream, 0.99 * searched.gap_begin, &plan),
        HP_EAGAIN);
    assert_int_equal(pomdp_solver_glance(f->solver, &belief, f->stream, searched.gap_begin, &plan),
                     HP_OK);
    assert_memory_equal(&plan.gap_begin, &searched.gap_begin, sizeof plan.gap_begin);
    assert_int_equal(plan.action, TIGER_LISTEN);
    assert_int_equal(plan.nodes, 1);
    assert_int_equal(plan.trials + plan.expansions, 0);
    hp_assert_near(plan.action_lower[TIGER_LISTEN], plan.value_lower, 0.0);
    assert_true(plan.action_lower[TIGER_OPEN_LEFT] < -1e300);
    assert_int_equal(pomdp_solver_glance(f->solver, &(pomdp_particles){f->belief, NULL, 0},
                                         f->stream, 1.0, &plan),
                     HP_EINVAL);
    const pomdp_plan again = fixture_plan(f, &(pomdp_budget){.max_trials = 5});
    assert_plans_equal(&searched, &again);
}

int main(void)
{
#define WITH_SOLVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SOLVER(test_solver_listens_when_belief_is_uniform),
        WITH_SOLVER(test_solver_opens_when_belief_is_sure),
        WITH_SOLVER(test_solver_weighs_particles_when_weights_are_given),
        WITH_SOLVER(test_solver_takes_particles_as_they_are_when_there_is_one_for_each_scenario),
        WITH_SOLVER(test_solver_refuses_when_belief_is_none),
        WITH_SOLVER(test_solver_refuses_when_config_is_out_of_range),
        WITH_SOLVER(test_solver_refuses_when_model_is_incomplete),
        WITH_SOLVER(test_solver_repeats_itself_when_asked_twice),
        WITH_SOLVER(test_solver_agrees_when_batches_are_cut_otherwise),
        WITH_SOLVER(test_solver_replays_a_timed_plan_when_given_its_trials),
        WITH_SOLVER(test_solver_stops_in_time_when_clock_is_real),
        WITH_SOLVER(test_solver_expands_the_root_when_there_is_no_budget),
        WITH_SOLVER(test_solver_stops_growing_when_its_steps_are_spent),
        WITH_SOLVER(test_solver_stops_when_the_gap_is_small_enough),
        WITH_SOLVER(test_solver_still_answers_when_pool_is_full),
        WITH_SOLVER(test_glance_tells_the_floor_s_action_when_the_bounds_are_near_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
