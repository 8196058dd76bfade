/* Bounds after every trial, blocking, grouping of observations. */
#include "tests/unit/pomdp/pomdp_fixture.h"

#include <string.h>

static void run_trials(pomdp_fixture *f, uint32_t n_trials)
{
    pomdp_solver *s = f->solver;
    double gap_begin = 0.0;
    bool progress = true;
    assert_int_equal(pomdp_solver_begin(s, &(pomdp_particles){f->belief, NULL, FIXTURE_SCENARIOS},
                                        f->stream, &(pomdp_budget){.max_trials = n_trials},
                                        &gap_begin),
                     HP_OK);
    double lower = s->tree.lower[0];
    double upper = s->tree.upper[0];
    assert_true(upper - lower <= gap_begin);
    for (uint32_t i = 0; i < n_trials && progress && !s->pool_full; i++) {
        assert_int_equal(pomdp_solver_trial(s, &progress), HP_OK);
        const char *broken = pomdp_tree_check(s);
        if (broken != NULL) {
            fail_msg("after trial %u: %s", i, broken);
        }
        assert_true(s->tree.lower[0] >= lower);
        assert_true(s->tree.upper[0] <= upper);
        lower = s->tree.lower[0];
        upper = s->tree.upper[0];
    }
    assert_true(upper - lower < gap_begin);
}

static void test_bounds_tighten_and_hold_after_every_trial(void **state)
{
    const double lambdas[] = {0.0, 0.01, 1.0};
    pomdp_fixture f = {0};
    (void)state;
    fixture_open(&f);
    for (size_t i = 0; i < HP_ARRAY_LEN(lambdas); i++) {
        f.solver->config.regularisation = lambdas[i];
        run_trials(&f, 60);
    }
    pomdp_solver_destroy(&f.solver);
}

static void test_search_ends_at_the_default_policy_when_lambda_is_huge(void **state)
{
    pomdp_fixture f = {0};
    (void)state;
    fixture_open(&f);
    f.solver->config.regularisation = 1e6;
    const pomdp_plan plan = fixture_plan(&f, &(pomdp_budget){.max_trials = 1000});
    assert_int_equal(plan.action, TIGER_LISTEN); /* what the default policy does first */
    assert_true(plan.trials <= 1);
    hp_assert_near(plan.value_lower, f.solver->tree.floor[0], 0.0);
    hp_assert_near(plan.value_upper, plan.value_lower, 0.0);
    pomdp_solver_destroy(&f.solver);
}

static uint32_t first_node_at(const pomdp_solver *s, uint32_t depth)
{
    uint32_t v = 0;
    while (s->tree.nodes[v].depth != depth) {
        v++;
        assert_true(v < s->tree.used.n_nodes);
    }
    return v;
}

/** With 1.5 lambda to gain at the root, a policy may reach its children but not theirs. */
static void test_node_is_closed_when_an_ancestor_blocks_it(void **state)
{
    pomdp_fixture f = {0};
    (void)state;
    fixture_open(&f);
    pomdp_solver *s = f.solver;
    s->config.regularisation = 0.1;
    (void)fixture_plan(&f, &(pomdp_budget){.max_trials = 3});
    const uint32_t child = first_node_at(s, 1);
    const uint32_t grandchild = first_node_at(s, 2);
    s->tree.utility[0] = s->tree.floor[0] + 0.15;

    assert_false(pomdp_tree_close_blocked(s, child));
    assert_true(s->tree.upper[child] > s->tree.lower[child]);
    assert_true(s->tree.upper[grandchild] > s->tree.lower[grandchild]);
    assert_true(pomdp_tree_close_blocked(s, grandchild));
    hp_assert_near(s->tree.upper[grandchild], s->tree.lower[grandchild], 0.0);
    pomdp_solver_destroy(&f.solver);
}

static void set_child(pomdp_tree *t, uint32_t v, double weight, double gap)
{
    t->weight[v] = weight;
    t->lower[v] = 1.0;
    t->upper[v] = 1.0 + gap;
}

/** Uncertainty in excess of xi times the node's share of the root's gap, not uncertainty alone. */
static void test_trial_goes_where_excess_uncertainty_is_largest(void **state)
{
    pomdp_fixture f = {0};
    bool passed = true;
    (void)state;
    fixture_open(&f);
    (void)fixture_plan(&f, &(pomdp_budget){0});
    pomdp_solver *s = f.solver;
    const uint32_t listen = s->tree.nodes[0].first_edge + TIGER_LISTEN;
    const uint32_t left = s->tree.edges[listen].first_child;
    assert_int_equal(s->tree.edges[listen].n_children, 2);
    set_child(&s->tree, left, 0.8, 8.0);
    set_child(&s->tree, left + 1, 0.2, 5.0);

    s->config.xi = 0.1; /* 7.2 and 4.8 */
    assert_int_equal(pomdp_tree_best_child(s, listen, 10.0, &passed), left);
    s->config.xi = 0.9; /* 0.8 and 3.2 */
    assert_int_equal(pomdp_tree_best_child(s, listen, 10.0, &passed), left + 1);
    set_child(&s->tree, left + 1, 0.2, 1.7); /* 0.8 and -0.1 */
    assert_int_equal(pomdp_tree_best_child(s, listen, 10.0, &passed), left);
    set_child(&s->tree, left, 0.8, 7.1); /* neither is worth a trial */
    assert_int_equal(pomdp_tree_best_child(s, listen, 10.0, &passed), POMDP_NONE);
    assert_false(passed);
    pomdp_solver_destroy(&f.solver);
}

static void test_partition_numbers_groups_by_first_appearance(void **state)
{
    enum { N = 8 };
    pomdp_slot slots[16] = {0};
    uint32_t group_of[N];
    uint32_t count[N];
    pomdp_partition p = {.slots = slots, .mask = 15, .group_of = group_of, .count = count};
    const uint64_t obs[N] = {UINT64_MAX, 0, 7, 0, UINT64_MAX, 7, 7, 99};
    const uint8_t skip[N] = {0, 0, 1, 0, 0, 0, 0, 1};
    const uint32_t wanted[N] = {0, 1, POMDP_NONE, 1, 0, 2, 2, POMDP_NONE};
    const uint32_t wanted_count[3] = {2, 2, 2};
    (void)state;

    p.stamp = UINT32_MAX - 1; /* two more runs wear out the stamps */
    for (int run = 0; run < 4; run++) {
        pomdp_partition_run(&p, obs, skip, N);
        assert_int_equal(p.n_groups, 3);
        assert_memory_equal(group_of, wanted, sizeof(wanted));
        assert_memory_equal(count, wanted_count, sizeof(wanted_count));
    }
}

/** The walk that the other tests rely on does see damage. */
static void test_check_reports_when_tree_is_damaged(void **state)
{
    pomdp_fixture f = {0};
    (void)state;
    fixture_open(&f);
    (void)fixture_plan(&f, &(pomdp_budget){.max_trials = 5});
    pomdp_tree *t = &f.solver->tree;
    assert_null(pomdp_tree_check(f.solver));

    const double lower = t->lower[3];
    t->lower[3] = t->upper[3] + 1.0;
    assert_non_null(pomdp_tree_check(f.solver));
    t->lower[3] = lower;
    t->weight[2] += 0.1;
    assert_non_null(pomdp_tree_check(f.solver));
    t->weight[2] -= 0.1;
    t->nodes[1].depth++;
    assert_non_null(pomdp_tree_check(f.solver));
    t->nodes[1].depth--;
    t->edges[0].lower = t->edges[0].upper + 1.0;
    assert_non_null(pomdp_tree_check(f.solver));
    pomdp_solver_destroy(&f.solver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_tighten_and_hold_after_every_trial),
        cmocka_unit_test(test_search_ends_at_the_default_policy_when_lambda_is_huge),
        cmocka_unit_test(test_node_is_closed_when_an_ancestor_blocks_it),
        cmocka_unit_test(test_trial_goes_where_excess_uncertainty_is_largest),
        cmocka_unit_test(test_partition_numbers_groups_by_first_appearance),
        cmocka_unit_test(test_check_reports_when_tree_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
