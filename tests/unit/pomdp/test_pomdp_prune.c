/* Pruning rules: each method's formula, the guards, and searches under them: bounds stay in order,
 * off is the search as it was, and a leaf on which the action hangs is opened again. */
#include "pomdp/pomdp_prune.h"
#include "tests/unit/pomdp/pomdp_fixture.h"

#include <string.h>

static const pomdp_leaf LEAF = {.n = 1, .depth = 3, .weight = 0.25, .lower = 0.2, .upper = 0.9};

static pomdp_opinion opinion(void)
{
    return (pomdp_opinion){.valid = true,
                           .value = 0.6,
                           .low = 0.5,
                           .high = 0.75,
                           .confidence = 0.95,
                           .uncertainty = 0.25,
                           .accepted = true,
                           .crash_p = 0.01,
                           .ttc_s = 4.0,
                           .preferred = 2};
}

static pomdp_prune_config config_of(pomdp_prune_method method)
{
    pomdp_prune_config c;
    pomdp_prune_config_default(&c);
    c.method = method;
    c.confidence_threshold = 0.9;
    c.max_collision_probability = 0.02;
    c.use_value_bound = false;
    c.use_prior = true;
    return c;
}

static pomdp_estimate decide(const pomdp_prune_config *c, const pomdp_opinion *said)
{
    pomdp_estimate e;
    pomdp_prune_decide(c, &LEAF, said, &e);
    return e;
}

static void test_prune_tells_each_method_s_formula(void **state)
{
    const pomdp_opinion said = opinion();
    (void)state;
    pomdp_prune_config c = config_of(POMDP_PRUNE_OFF);
    assert_int_equal(decide(&c, &said).decision, POMDP_KEEP);
    c = config_of(POMDP_PRUNE_MINMAX);
    pomdp_estimate e = decide(&c, &said);
    assert_int_equal(e.decision, POMDP_BLEND);
    hp_assert_near(e.value, 0.6, 0.0);
    hp_assert_near(e.spread, 0.25, 0.0);
    c = config_of(POMDP_PRUNE_CRUDE);
    e = decide(&c, &said);
    assert_int_equal(e.decision, POMDP_PRUNE);
    hp_assert_near(e.value, 0.6, 0.0);
    hp_assert_near(e.spread, c.value_tolerance, 0.0);
    c = config_of(POMDP_PRUNE_CONFORMAL);
    e = decide(&c, &said);
    assert_int_equal(e.decision, POMDP_TIGHTEN);
    hp_assert_near(e.value - e.spread, 0.5, 1e-12);
    hp_assert_near(e.value + e.spread, 0.75, 1e-12);
    c = config_of(POMDP_PRUNE_SELECTIVE);
    assert_int_equal(decide(&c, &said).decision, POMDP_PRUNE);
    assert_int_equal(e.preferred, 2);
    c.use_prior = false;
    assert_int_equal(decide(&c, &said).preferred, 0);
}

static void test_prune_leaves_alone_when_it_is_not_sure(void **state)
{
    pomdp_opinion said = opinion();
    (void)state;
    pomdp_prune_config c = config_of(POMDP_PRUNE_CRUDE);
    said.confidence = 0.85;
    assert_int_equal(decide(&c, &said).decision, POMDP_KEEP);
    c.use_value_bound = true;
    pomdp_estimate e = decide(&c, &said);
    assert_int_equal(e.decision, POMDP_CAP);
    hp_assert_near(e.value + e.spread, 0.75, 1e-12);
    c.confidence_threshold = 1.01;
    said.confidence = 1.0;
    assert_int_equal(decide(&c, &said).decision, POMDP_CAP);
    c = config_of(POMDP_PRUNE_SELECTIVE);
    said.accepted = false;
    assert_int_equal(decide(&c, &said).decision, POMDP_KEEP);
    c = config_of(POMDP_PRUNE_CONFORMAL);
    said.low = -INFINITY;
    said.high = INFINITY;
    assert_int_equal(decide(&c, &said).decision, POMDP_KEEP);
    said = opinion();
    said.valid = false;
    assert_int_equal(decide(&c, &said).decision, POMDP_KEEP);
}

static void test_prune_leaves_alone_when_a_guard_forbids_it(void **state)
{
    (void)state;
    for (uint32_t m = POMDP_PRUNE_MINMAX; m < POMDP_PRUNE_METHODS; m++) {
        pomdp_prune_config c = config_of((pomdp_prune_method)m);
        pomdp_opinion said = opinion();
        assert_int_not_equal(decide(&c, &said).decision, POMDP_KEEP);
        said.ttc_s = c.guard_ttc_s - 0.01;
        assert_int_equal(decide(&c, &said).decision, POMDP_KEEP);
        said = opinion();
        said.crash_p = c.max_collision_probability + 0.001;
        assert_int_equal(decide(&c, &said).decision, POMDP_KEEP);
        said = opinion();
        c.min_depth = LEAF.depth + 1;
        assert_int_equal(decide(&c, &said).decision, POMDP_KEEP);
        c.min_depth = 0;
        assert_false(pomdp_prune_allows(&c, 0, &said)); /* the root, whatever is configured */
    }
}

static void test_prune_takes_values_into_the_bounds_and_does_not_hear_absurd_ones(void **state)
{
    const pomdp_prune_config c = config_of(POMDP_PRUNE_CRUDE);
    pomdp_opinion said = opinion();
    (void)state;
    said.value = 0.95; /* the interval is 0.125 to each side */
    pomdp_estimate e = decide(&c, &said);
    assert_int_equal(e.decision, POMDP_PRUNE);
    hp_assert_near(e.value, LEAF.upper, 0.0);
    said.value = 1.2;
    assert_int_equal(decide(&c, &said).decision, POMDP_KEEP);
    said.value = 0.0;
    assert_int_equal(decide(&c, &said).decision, POMDP_KEEP);
}

/** Says the same of every leaf: as the middle of its bounds, plus an offset. */
typedef struct speaker {
    pomdp_prune_config config;
    pomdp_opinion said;
    double offset;
} speaker;

static hp_status speak(void *ctx, const pomdp_leaf *leaves, uint32_t n, int64_t deadline_ns,
                       pomdp_estimate *out)
{
    const speaker *s = ctx;
    (void)deadline_ns;
    for (uint32_t i = 0; i < n; i++) {
        pomdp_opinion said = s->said;
        assert_true(leaves[i].lower <= leaves[i].upper);
        said.value = 0.5 * (leaves[i].lower + leaves[i].upper) + s->offset;
        said.low = said.value - 3.0;
        said.high = said.value + 3.0;
        pomdp_prune_decide(&s->config, &leaves[i], &said, &out[i]);
    }
    return HP_OK;
}

static pomdp_plan search_with(pomdp_fixture *f, speaker *s, bool reopens, uint32_t trials)
{
    const pomdp_evaluator evaluator = {
        .max_batch = 4, .reopens = reopens, .evaluate = speak, .ctx = s};
    assert_int_equal(pomdp_solver_set_evaluator(f->solver, &evaluator), HP_OK);
    const pomdp_plan plan = fixture_plan(f, &(pomdp_budget){.max_trials = trials});
    const char *broken = pomdp_tree_check(f->solver);
    if (broken != NULL) {
        fail_msg("%s", broken);
    }
    assert_int_equal(pomdp_solver_set_evaluator(f->solver, NULL), HP_OK);
    return plan;
}

static void test_search_keeps_bounds_in_order_under_every_method(void **state)
{
    const double offsets[] = {-200.0, -5.0, 0.0, 5.0, 200.0};
    pomdp_fixture f;
    (void)state;
    fixture_open(&f);
    for (uint32_t m = 0; m < POMDP_PRUNE_METHODS; m++) {
        for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
            speaker s = {.config = config_of((pomdp_prune_method)m),
                         .said = opinion(),
                         .offset = offsets[i]};
            const pomdp_plan plan = search_with(&f, &s, true, 80);
            uint64_t sum = 0;
            assert_true(plan.value_lower <= plan.value_upper);
            for (uint32_t d = 0; d < POMDP_PLAN_DEPTHS; d++) {
                sum += plan.pruned_at[d];
            }
            assert_int_equal(sum, plan.pruned);
            assert_true(plan.reopened <= plan.pruned);
        }
    }
    pomdp_solver_destroy(&f.solver);
}

static void test_search_is_as_it_was_when_the_evaluator_is_taken_away(void **state)
{
    pomdp_fixture f;
    (void)state;
    fixture_open(&f);
    const pomdp_plan before = fixture_plan(&f, &(pomdp_budget){.max_trials = 60});
    speaker s = {.config = config_of(POMDP_PRUNE_CRUDE), .said = opinion()};
    (void)search_with(&f, &s, true, 60);
    const pomdp_plan after = fixture_plan(&f, &(pomdp_budget){.max_trials = 60});
    assert_plans_equal(&before, &after);
    assert_int_equal(after.pruned, 0);
    pomdp_solver_destroy(&f.solver);
}

/** Where every leaf is pruned at once, actions hang on each of them; with a large tolerance all
 * that matters are searched after all. */
static void test_search_opens_leaves_again_when_its_action_hangs_on_them(void **state)
{
    pomdp_fixture f;
    (void)state;
    fixture_open(&f);
    speaker s = {.config = config_of(POMDP_PRUNE_CRUDE), .said = opinion()};
    s.config.value_tolerance = 100.0;
    const pomdp_plan trusting = search_with(&f, &s, false, 200);
    const pomdp_plan careful = search_with(&f, &s, true, 200);
    assert_int_equal(trusting.reopened, 0);
    assert_true(careful.reopened > 0);
    assert_true(careful.expansions > trusting.expansions);
    s.config.value_tolerance = 1e-9;
    const pomdp_plan sure = search_with(&f, &s, true, 200);
    assert_int_equal(sure.reopened, 0);
    assert_int_equal(sure.expansions, trusting.expansions);
    pomdp_solver_destroy(&f.solver);
}

/** Opened again, a leaf and its ancestors have the bounds that they would have had without. */
static void test_reopened_leaf_gets_its_first_bounds_back(void **state)
{
    pomdp_fixture f;
    (void)state;
    fixture_open(&f);
    (void)fixture_plan(&f, &(pomdp_budget){0});
    pomdp_solver *s = f.solver;
    pomdp_tree *t = &s->tree;
    const uint32_t leaf = 1;
    const double lower = t->lower[leaf];
    const double upper = t->upper[leaf];
    const double root_lower = t->lower[0];
    const double root_upper = t->upper[0];
    t->lower[leaf] = t->upper[leaf] = lower + 0.75 * (upper - lower);
    t->nodes[leaf].valued = POMDP_CLOSED;
    t->error[leaf] = 1e6;
    s->count.pruned = 1;
    pomdp_tree_backup(s, leaf);
    assert_true(t->lower[0] >= root_lower);
    assert_true(pomdp_evaluate_reopen(s));
    assert_memory_equal(&t->lower[leaf], &lower, sizeof lower);
    assert_memory_equal(&t->upper[leaf], &upper, sizeof upper);
    hp_assert_near(t->lower[0], root_lower, 1e-12);
    hp_assert_near(t->upper[0], root_upper, 1e-12);
    assert_false(pomdp_evaluate_reopen(s));
    pomdp_solver_destroy(&f.solver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prune_tells_each_method_s_formula),
        cmocka_unit_test(test_prune_leaves_alone_when_it_is_not_sure),
        cmocka_unit_test(test_prune_leaves_alone_when_a_guard_forbids_it),
        cmocka_unit_test(test_prune_takes_values_into_the_bounds_and_does_not_hear_absurd_ones),
        cmocka_unit_test(test_search_keeps_bounds_in_order_under_every_method),
        cmocka_unit_test(test_search_is_as_it_was_when_the_evaluator_is_taken_away),
        cmocka_unit_test(test_search_opens_leaves_again_when_its_action_hangs_on_them),
        cmocka_unit_test(test_reopened_leaf_gets_its_first_bounds_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
