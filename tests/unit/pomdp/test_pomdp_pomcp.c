/* POMCP by itself, and as a check of the other search: two algorithms, one answer. */
#include "pomdp/models/rocksample.h"
#include "tests/unit/pomdp/pomdp_fixture.h"

static pomdp_plan plan_with(const pomdp_model *model, pomdp_config config,
                            pomdp_algorithm algorithm, const void *belief, uint32_t trials)
{
    pomdp_solver *s = NULL;
    pomdp_plan plan;
    config.algorithm = algorithm;
    assert_int_equal(pomdp_solver_create(model, &config, &s), HP_OK);
    assert_int_equal(pomdp_solver_plan(s, &(pomdp_particles){belief, NULL, config.n_scenarios},
                                       hp_rng_seed(3), &(pomdp_budget){.max_trials = trials},
                                       &plan),
                     HP_OK);
    pomdp_solver_destroy(&s);
    return plan;
}

/** Means lie between the bounds, but for what exploring costs and for sampling, and what they
 * choose may be as good as that. */
static void assert_agree(const pomdp_plan *bounds, const pomdp_plan *means, double error)
{
    assert_true(bounds->action_upper[means->action] >= bounds->value_lower - error);
    assert_true(means->value_lower >= bounds->value_lower - error);
    assert_true(means->value_lower <= bounds->value_upper + error);
}

static void test_algorithms_agree_on_tiger(void **state)
{
    enum { K = 2000 };
    static tiger_state belief[K];
    const pomdp_model model = tiger_model();
    pomdp_config config;
    (void)state;
    pomdp_config_default(&config);
    config.n_scenarios = K;
    config.max_depth = 40;
    config.rollout_depth = 40;
    for (int heard = -2; heard <= 2; heard++) { /* as Bayes' rule has it after so many growls */
        const double p_left = 1.0 / (1.0 + pow(0.15 / 0.85, heard));
        for (uint32_t i = 0; i < K; i++) {
            belief[i] = (tiger_state){.is_right = i >= p_left * K, .heard_left = (int8_t)heard};
        }
        const pomdp_plan a = plan_with(&model, config, POMDP_DESPOT, belief, 40);
        const pomdp_plan b = plan_with(&model, config, POMDP_POMCP, belief, 60000);
        assert_agree(&a, &b, 4.0);
        assert_int_equal(a.action, b.action);
    }
}

static void test_algorithms_agree_on_a_small_rocksample(void **state)
{
    enum { K = 500 };
    static rocksample_state belief[K];
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        pomdp_problem p;
        assert_int_equal(rocksample_open(3, 2, seed, &p), HP_OK);
        p.sample(p.ctx, hp_rng_seed(seed), K, belief);
        p.config.max_nodes = 1U << 18;
        const pomdp_plan a = plan_with(&p.model, p.config, POMDP_DESPOT, belief, 500);
        const pomdp_plan b = plan_with(&p.model, p.config, POMDP_POMCP, belief, 30000);
        assert_agree(&a, &b, 1.0);
        pomdp_problem_close(&p);
    }
}

static void open_pomcp(pomdp_fixture *f)
{
    fixture_open(f);
    f->config.algorithm = POMDP_POMCP;
    pomdp_solver_destroy(&f->solver);
    assert_int_equal(pomdp_solver_create(&f->model, &f->config, &f->solver), HP_OK);
}

static void test_pomcp_repeats_itself_and_ends_with_its_pool(void **state)
{
    pomdp_fixture f = {0};
    (void)state;
    open_pomcp(&f);
    const pomdp_budget budget = {.max_trials = 3000};
    const pomdp_plan first = fixture_plan(&f, &budget);
    const pomdp_plan again = fixture_plan(&f, &budget);
    assert_plans_equal(&first, &again);
    assert_int_equal(first.trials, 3000);
    assert_false(first.pool_full);
    pomdp_solver_destroy(&f.solver);

    f.config.max_nodes = 3 * FIXTURE_SCENARIOS + 1; /* the least there may be */
    assert_int_equal(pomdp_solver_create(&f.model, &f.config, &f.solver), HP_OK);
    const pomdp_plan small = fixture_plan(&f, &(pomdp_budget){.max_trials = 20000});
    assert_true(small.pool_full);
    assert_true(small.nodes <= FIXTURE_SCENARIOS + 1);
    assert_int_equal(small.action, TIGER_LISTEN);
    assert_int_equal(small.trials, 20000); /* simulations go on in the tree there is */
    pomdp_solver_destroy(&f.solver);
}

static void test_pomcp_follows_the_default_policy_when_there_is_no_budget(void **state)
{
    pomdp_fixture f = {0};
    (void)state;
    open_pomcp(&f);
    for (uint32_t i = 0; i < FIXTURE_SCENARIOS; i++) {
        f.belief[i] = (tiger_state){.is_right = 0, .heard_left = 4};
    }
    const pomdp_plan plan = fixture_plan(&f, &(pomdp_budget){0});
    assert_int_equal(plan.trials, 0);
    assert_int_equal(plan.action, TIGER_OPEN_RIGHT);
    pomdp_solver_destroy(&f.solver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_algorithms_agree_on_tiger),
        cmocka_unit_test(test_algorithms_agree_on_a_small_rocksample),
        cmocka_unit_test(test_pomcp_repeats_itself_and_ends_with_its_pool),
        cmocka_unit_test(test_pomcp_follows_the_default_policy_when_there_is_no_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
