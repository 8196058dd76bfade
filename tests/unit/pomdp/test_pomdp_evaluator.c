/* Values from outside: exact ones end a search at once, wrong ones never break it, and what is
 * gathered in a batch does not depend on the order of its rows. */
#include "pomdp/pomdp_evaluator.h"
#include "tests/unit/pomdp/pomdp_fixture.h"

#include <string.h>

#define GOLD_FOR_EVER (10.0 / (1.0 - TIGER_DISCOUNT))
enum { K_MAX = 12, N_K = 2 * K_MAX + 1 };

/** What the evaluator of these tests answers, and what it was asked. */
typedef struct oracle {
    double values[N_K]; /* of Tiger by growls from the left less those from the right */
    double offset, spread;
    pomdp_decision decision;
    uint32_t preferred;
    hp_status status;
    bool backwards;
    uint32_t calls, leaves, largest;
    uint64_t order; /* hash of the leaves in the order they came */
} oracle;

static double p_left(int k)
{
    return 1.0 / (1.0 + pow((1.0 - TIGER_HEARING_P) / TIGER_HEARING_P, k));
}

/** Value iteration over k. */
static void solve_tiger(double *v)
{
    double next[N_K];
    memset(v, 0, N_K * sizeof(*v));
    for (int sweep = 0; sweep < 500; sweep++) {
        for (int k = -K_MAX; k <= K_MAX; k++) {
            const int up = k < K_MAX ? k + 1 : k;
            const int down = k > -K_MAX ? k - 1 : k;
            const double left = p_left(k);
            const double hear = TIGER_HEARING_P * left + (1.0 - TIGER_HEARING_P) * (1.0 - left);
            const double open = 10.0 - 110.0 * fmin(left, 1.0 - left) + TIGER_DISCOUNT * v[K_MAX];
            const double listen =
                -1.0 + TIGER_DISCOUNT * (hear * v[up + K_MAX] + (1.0 - hear) * v[down + K_MAX]);
            next[k + K_MAX] = fmax(open, listen);
        }
        memcpy(v, next, sizeof(next));
    }
}

static hp_status answer(void *ctx, const pomdp_leaf *leaves, uint32_t n, int64_t deadline_ns,
                        pomdp_estimate *out)
{
    oracle *o = ctx;
    (void)deadline_ns;
    o->calls++;
    o->leaves += n;
    o->largest = n > o->largest ? n : o->largest;
    for (uint32_t j = 0; j < n; j++) {
        const uint32_t i = o->backwards ? n - 1 - j : j;
        const tiger_state *s = leaves[i].states;
        double weight = 0.0;
        for (uint32_t k = 0; k < leaves[i].n; k++) {
            weight += leaves[i].weights[k];
            assert_int_equal(s[k].heard_left, s[0].heard_left); /* one belief: one history */
        }
        hp_assert_near(weight, leaves[i].weight, 1e-12);
        assert_true(leaves[i].depth >= 1);
        hp_assert_near(leaves[i].upper, GOLD_FOR_EVER, 1e-9); /* as the hook has it, from there */
        assert_true(leaves[i].lower < leaves[i].upper);
        out[i] = (pomdp_estimate){.value = o->values[s[0].heard_left + K_MAX] + o->offset,
                                  .spread = o->spread,
                                  .decision = o->decision,
                                  .preferred = o->preferred};
    }
    for (uint32_t i = 0; i < n; i++) {
        o->order = hp_mix64(o->order + leaves[i].n + 1000 * leaves[i].depth);
    }
    return o->status;
}

static pomdp_plan plan_with(pomdp_fixture *f, oracle *o, uint32_t max_batch, uint32_t trials)
{
    const pomdp_evaluator evaluator = {.max_batch = max_batch, .evaluate = answer, .ctx = o};
    o->calls = o->leaves = o->largest = 0;
    o->order = 0;
    assert_int_equal(pomdp_solver_set_evaluator(f->solver, &evaluator), HP_OK);
    const pomdp_plan plan = fixture_plan(f, &(pomdp_budget){.max_trials = trials});
    const char *broken = pomdp_tree_check(f->solver);
    if (broken != NULL) {
        fail_msg("%s", broken);
    }
    assert_int_equal(plan.batches, o->calls);
    assert_int_equal(plan.evaluated + plan.refused, o->leaves);
    assert_int_equal(pomdp_solver_set_evaluator(f->solver, NULL), HP_OK);
    return plan;
}

static void setup(pomdp_fixture *f, oracle *o)
{
    *f = (pomdp_fixture){0};
    fixture_open(f);
    *o = (oracle){.decision = POMDP_PRUNE};
    solve_tiger(o->values);
}

static void test_search_ends_at_the_exact_value_when_leaves_are_exact(void **state)
{
    pomdp_fixture f;
    oracle o;
    (void)state;
    setup(&f, &o);
    const pomdp_plan without = fixture_plan(&f, &(pomdp_budget){.max_trials = 200});
    const pomdp_plan plan = plan_with(&f, &o, 1, 200);
    assert_int_equal(plan.action, TIGER_LISTEN);
    hp_assert_near(plan.value_lower, 19.37, 0.5);
    hp_assert_near(plan.value_upper, plan.value_lower, 1e-6);
    assert_int_equal(plan.pruned, plan.evaluated);
    assert_true(plan.trials < 20 && plan.expansions < 20);
    assert_true(without.value_upper - without.value_lower > 10.0);
    pomdp_solver_destroy(&f.solver);
}

static bool is_never_asked(void *ctx, const pomdp_leaf *leaf)
{
    (void)ctx;
    (void)leaf;
    return false;
}

/** Trials end early for the leaves that it values, and for no others. */
static void test_search_is_the_same_when_no_leaf_is_to_be_valued(void **state)
{
    pomdp_fixture f;
    oracle o;
    (void)state;
    setup(&f, &o);
    const pomdp_evaluator idle = {
        .max_batch = 8, .evaluate = answer, .asks = is_never_asked, .ctx = &o};
    f.solver->config.lazy = false; /* as it is with any evaluator */
    const pomdp_plan without = fixture_plan(&f, &(pomdp_budget){.max_trials = 50});
    assert_int_equal(pomdp_solver_set_evaluator(f.solver, &idle), HP_OK);
    const pomdp_plan with = fixture_plan(&f, &(pomdp_budget){.max_trials = 50});
    assert_plans_equal(&without, &with);
    assert_true(without.expansions > without.trials);
    assert_int_equal(o.calls, 0);
    pomdp_solver_destroy(&f.solver);
}

static void test_spread_says_how_far_bounds_are_drawn_in(void **state)
{
    pomdp_fixture f;
    oracle o;
    (void)state;
    setup(&f, &o);
    const pomdp_plan without = fixture_plan(&f, &(pomdp_budget){.max_trials = 10});
    o.decision = POMDP_TIGHTEN;
    o.spread = 40.0;
    const pomdp_plan wide = plan_with(&f, &o, 1, 10);
    o.spread = 4.0;
    const pomdp_plan narrow = plan_with(&f, &o, 1, 10);
    o.decision = POMDP_KEEP;
    const pomdp_plan kept = plan_with(&f, &o, 1, 10);
    const double gap = narrow.value_upper - narrow.value_lower;
    assert_true(gap < wide.value_upper - wide.value_lower);
    assert_true(wide.value_upper < without.value_upper);
    assert_true(narrow.value_lower <= 19.4 && narrow.value_upper >= 19.3);
    assert_int_equal(kept.pruned, 0);
    assert_true(kept.value_upper >= wide.value_upper);
    pomdp_solver_destroy(&f.solver);
}

static void test_bounds_hold_when_values_are_wrong(void **state)
{
    const double offsets[] = {-1e6, -50.0, 50.0, 1e6};
    pomdp_fixture f;
    oracle o;
    (void)state;
    setup(&f, &o);
    const pomdp_plan first = fixture_plan(&f, &(pomdp_budget){0});
    for (size_t i = 0; i < HP_ARRAY_LEN(offsets); i++) {
        for (uint32_t d = POMDP_CAP; d < POMDP_BLEND; d++) {
            o.offset = offsets[i];
            o.decision = (pomdp_decision)d;
            const pomdp_plan plan = plan_with(&f, &o, 8, 60);
            assert_true(plan.value_lower >= first.value_lower - 1e-9); /* never below the hooks' */
            assert_true(plan.value_upper <= first.value_upper + 1e-9);
            assert_true(plan.value_lower <= plan.value_upper);
            assert_true(plan.action < plan.n_actions);
        }
    }
    pomdp_solver_destroy(&f.solver);
}

static void test_search_goes_on_by_its_own_bounds_when_evaluator_fails(void **state)
{
    pomdp_fixture f;
    oracle o;
    (void)state;
    setup(&f, &o);
    o.decision = POMDP_KEEP;
    const pomdp_plan kept = plan_with(&f, &o, 4, 80);
    o.status = HP_EDEADLINE;
    o.decision = POMDP_PRUNE;
    const pomdp_plan failed = plan_with(&f, &o, 4, 80);
    assert_int_equal(failed.refused, o.leaves);
    assert_int_equal(failed.pruned, 0);
    hp_assert_near(failed.value_lower, kept.value_lower, 0.0);
    hp_assert_near(failed.value_upper, kept.value_upper, 0.0);
    o.status = HP_OK;
    o.offset = (double)NAN;
    const pomdp_plan senseless = plan_with(&f, &o, 4, 80);
    assert_int_equal(senseless.refused, o.leaves);
    hp_assert_near(senseless.value_upper, kept.value_upper, 0.0);
    pomdp_solver_destroy(&f.solver);
}

static void test_batches_fill_and_do_not_depend_on_their_order(void **state)
{
    const uint32_t sizes[] = {1, 4, POMDP_MAX_WAITING};
    pomdp_fixture f;
    oracle o;
    (void)state;
    setup(&f, &o);
    o.decision = POMDP_TIGHTEN;
    o.spread = 20.0;
    for (size_t i = 0; i < HP_ARRAY_LEN(sizes); i++) {
        o.backwards = false;
        const pomdp_plan first = plan_with(&f, &o, sizes[i], 120);
        const uint64_t order = o.order;
        assert_true(o.largest <= sizes[i]);
        assert_true(sizes[i] == 1 || o.largest > 1); /* gathered across trials */
        o.backwards = true;
        const pomdp_plan again = plan_with(&f, &o, sizes[i], 120);
        assert_plans_equal(&first, &again);
        assert_true(order == o.order);
    }
    pomdp_solver_destroy(&f.solver);
}

/** The preferred action is explored first where upper bounds tie, as they do at a fresh node. */
static void test_prior_decides_among_ties(void **state)
{
    pomdp_fixture f;
    (void)state;
    fixture_open(&f);
    (void)fixture_plan(&f, &(pomdp_budget){0});
    pomdp_solver *s = f.solver;
    const uint32_t first = s->tree.nodes[0].first_edge;
    for (uint32_t a = 0; a < 3; a++) {
        s->tree.edges[first + a].upper = 7.0;
        s->tree.edges[first + a].lower = 1.0;
    }
    assert_int_equal(pomdp_tree_best_edge(s, 0, false), first);
    s->tree.nodes[0].preferred = 2;
    assert_int_equal(pomdp_tree_best_edge(s, 0, false), first + 2);
    assert_int_equal(pomdp_tree_best_edge(s, 0, true), first);
    s->tree.edges[first + 1].upper = 7.5;
    assert_int_equal(pomdp_tree_best_edge(s, 0, false), first + 1);
    pomdp_solver_destroy(&f.solver);
}

static void test_evaluator_is_refused_when_out_of_range(void **state)
{
    pomdp_fixture f;
    oracle o;
    (void)state;
    setup(&f, &o);
    pomdp_evaluator bad = {.max_batch = 0, .evaluate = answer, .ctx = &o};
    assert_int_equal(pomdp_solver_set_evaluator(f.solver, &bad), HP_EINVAL);
    bad.max_batch = POMDP_MAX_WAITING + 1;
    assert_int_equal(pomdp_solver_set_evaluator(f.solver, &bad), HP_EINVAL);
    bad = (pomdp_evaluator){.max_batch = 1};
    assert_int_equal(pomdp_solver_set_evaluator(f.solver, &bad), HP_EINVAL);
    pomdp_solver_destroy(&f.solver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_ends_at_the_exact_value_when_leaves_are_exact),
        cmocka_unit_test(test_search_is_the_same_when_no_leaf_is_to_be_valued),
        cmocka_unit_test(test_spread_says_how_far_bounds_are_drawn_in),
        cmocka_unit_test(test_bounds_hold_when_values_are_wrong),
        cmocka_unit_test(test_search_goes_on_by_its_own_bounds_when_evaluator_fails),
        cmocka_unit_test(test_batches_fill_and_do_not_depend_on_their_order),
        cmocka_unit_test(test_prior_decides_among_ties),
        cmocka_unit_test(test_evaluator_is_refused_when_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
