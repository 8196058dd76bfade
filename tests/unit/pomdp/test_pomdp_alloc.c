/* Memory: create fails cleanly at every allocation, plan allocates nothing. Linked with --wrap for
 * calloc and aligned_alloc, and with malloc's family replaced in the tripwire. */
#include "pomdp/pomdp_belief.h"
#include "tests/unit/pomdp/pomdp_fixture.h"

static int fails_at = -1;    /* which allocation fails; negative: none */
static int n_live = 0;       /* made and not freed, by the wrapped calls */
static int n_calls_left = 0; /* of those that still succeed */
static bool is_armed = false;
static int n_tripped = 0;

void *__real_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static bool next_fails(void)
{
    n_tripped += is_armed;
    return fails_at >= 0 && n_calls_left-- == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
    void *p = next_fails() ? NULL : __real_calloc(n, size);
    n_live += p != NULL;
    return p;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    void *p = next_fails() ? NULL : __real_aligned_alloc(alignment, size);
    n_live += p != NULL;
    return p;
}

void *__wrap_malloc(size_t size)
{
    n_tripped += is_armed;
    return __real_malloc(size);
}

void *__wrap_realloc(void *p, size_t size)
{
    n_tripped += is_armed;
    return __real_realloc(p, size);
}

void __wrap_free(void *p)
{
    n_tripped += is_armed;
    n_live -= p != NULL;
    __real_free(p);
}

static void test_create_fails_cleanly_when_nth_allocation_fails(void **state)
{
    const pomdp_model model = tiger_model();
    pomdp_config config;
    hp_status st = HP_ENOMEM;
    (void)state;
    pomdp_config_default(&config);
    int n = 0;
    for (; st != HP_OK; n++) {
        pomdp_solver *s = NULL;
        assert_true(n < 100);
        fails_at = n;
        n_calls_left = n;
        const int live_before = n_live;
        st = pomdp_solver_create(&model, &config, &s);
        fails_at = -1;
        if (st != HP_OK) {
            assert_int_equal(st, HP_ENOMEM);
            assert_null(s);
        }
        pomdp_solver_destroy(&s);
        assert_int_equal(n_live, live_before);
    }
    assert_true(n >= 3); /* two failures at least were tried */
}

static void test_belief_fails_cleanly_when_nth_allocation_fails(void **state)
{
    const pomdp_model model = tiger_model();
    hp_status st = HP_ENOMEM;
    (void)state;
    int n = 0;
    for (; st != HP_OK; n++) {
        pomdp_belief *b = NULL;
        assert_true(n < 100);
        fails_at = n;
        n_calls_left = n;
        const int live_before = n_live;
        st = pomdp_belief_create(&model, 10, &b);
        fails_at = -1;
        assert_true((st == HP_OK) == (b != NULL));
        pomdp_belief_destroy(&b);
        assert_int_equal(n_live, live_before);
    }
    assert_int_equal(n, 11); /* ten allocations, then success */
}

static void plan_armed(pomdp_fixture *f)
{
    pomdp_plan plan;
    is_armed = true;
    const hp_status st =
        pomdp_solver_plan(f->solver, &(pomdp_particles){f->belief, NULL, FIXTURE_SCENARIOS},
                          f->stream, &(pomdp_budget){.max_trials = 200}, &plan);
    is_armed = false;
    assert_int_equal(st, HP_OK);
    assert_int_equal(plan.trials, 200);
}

static void test_plan_allocates_nothing(void **state)
{
    static pomdp_fixture f;
    (void)state;
    for (int algorithm = 0; algorithm < POMDP_N_ALGORITHMS; algorithm++) {
        n_tripped = 0;
        fixture_open(&f);
        pomdp_solver_destroy(&f.solver);
        f.config.algorithm = (pomdp_algorithm)algorithm;
        assert_int_equal(pomdp_solver_create(&f.model, &f.config, &f.solver), HP_OK);
        plan_armed(&f);
        assert_int_equal(n_tripped, 0);
        is_armed = true;
        pomdp_solver_destroy(&f.solver);
        is_armed = false;
        assert_true(n_tripped > 0); /* the wire was live */
    }
}

/** By the last growl so few particles count that they were drawn again. */
static void test_belief_update_allocates_nothing(void **state)
{
    const pomdp_model model = tiger_model();
    pomdp_belief *b = NULL;
    (void)state;
    n_tripped = 0;
    assert_int_equal(pomdp_belief_create(&model, 1000, &b), HP_OK);
    tiger_sample(NULL, hp_rng_seed(1), 1000, pomdp_belief_states(b));
    for (uint64_t t = 0; t < 4; t++) {
        is_armed = true;
        const hp_status st = pomdp_belief_update(b, TIGER_LISTEN, TIGER_HEARD_LEFT, hp_rng_seed(t));
        is_armed = false;
        assert_int_equal(st, HP_OK);
    }
    assert_int_equal(n_tripped, 0);
    pomdp_belief_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_fails_cleanly_when_nth_allocation_fails),
        cmocka_unit_test(test_belief_fails_cleanly_when_nth_allocation_fails),
        cmocka_unit_test(test_plan_allocates_nothing),
        cmocka_unit_test(test_belief_update_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
