/* The particle filter: Bayes' rule, resampling when few particles count, and what it refuses. */
#include "pomdp/pomdp_belief.h"

#include "pomdp/models/tiger.h"
#include "tests/support/hp_test.h"

#include <math.h>

enum { N = 20000 };

static pomdp_belief *open_belief(const pomdp_model *model)
{
    pomdp_belief *b = NULL;
    assert_int_equal(pomdp_belief_create(model, N, &b), HP_OK);
    tiger_sample(NULL, hp_rng_seed(1), N, pomdp_belief_states(b));
    return b;
}

static void hear(pomdp_belief *b, uint64_t growl, uint64_t seed)
{
    assert_int_equal(pomdp_belief_update(b, TIGER_LISTEN, growl, hp_rng_seed(seed)), HP_OK);
}

/** Weight on the left door. */
static double p_left(pomdp_belief *b)
{
    const tiger_state *s = pomdp_belief_states(b);
    double sum = 0.0;
    for (uint32_t i = 0; i < N; i++) {
        sum += s[i].is_right == 0 ? pomdp_belief_weights(b)[i] : 0.0;
    }
    return sum;
}

/** As many particles as would count for as much if all weighed the same. */
static double effective(const pomdp_belief *b)
{
    double squares = 0.0;
    for (uint32_t i = 0; i < N; i++) {
        squares += pomdp_belief_weights(b)[i] * pomdp_belief_weights(b)[i];
    }
    return 1.0 / squares;
}

static double bayes(int k)
{
    return 1.0 / (1.0 + pow((1.0 - TIGER_HEARING_P) / TIGER_HEARING_P, k));
}

static void test_belief_follows_bayes_rule(void **state)
{
    const uint64_t heard[] = {TIGER_HEARD_LEFT, TIGER_HEARD_LEFT, TIGER_HEARD_RIGHT,
                              TIGER_HEARD_LEFT};
    const pomdp_model model = tiger_model();
    pomdp_belief *b = open_belief(&model);
    int k = 0;
    (void)state;
    for (uint32_t t = 0; t < HP_ARRAY_LEN(heard); t++) {
        k += heard[t] == TIGER_HEARD_LEFT ? 1 : -1;
        hear(b, heard[t], t);
        const tiger_state *s = pomdp_belief_states(b);
        for (uint32_t i = 0; i < pomdp_belief_size(b); i++) {
            assert_int_equal(s[i].heard_left, k); /* what was heard, not what was drawn */
        }
        hp_assert_near(p_left(b), bayes(k), 0.02);
    }
    assert_int_equal(pomdp_belief_update(b, TIGER_LISTEN, TIGER_HEARD_NOTHING, hp_rng_seed(9)),
                     HP_EAGAIN);
    hp_assert_near(p_left(b), bayes(k), 0.02); /* as it was */
    pomdp_belief_destroy(&b);
}

/** While half of them count, particles keep their weights; once fewer do, they are drawn again by
 * weight and all weigh the same. What is believed is Bayes' rule before and after, and goes on
 * from there. */
static void test_belief_is_drawn_again_when_few_particles_count(void **state)
{
    const pomdp_model model = tiger_model();
    pomdp_belief *b = open_belief(&model);
    (void)state;
    hear(b, TIGER_HEARD_LEFT, 0);
    hear(b, TIGER_HEARD_LEFT, 1);
    hp_assert_near(effective(b), 0.53 * N, 0.02 * N);
    hear(b, TIGER_HEARD_LEFT, 2);
    for (uint32_t i = 0; i < N; i++) {
        hp_assert_near(pomdp_belief_weights(b)[i], 1.0 / N, 0.0);
    }
    hp_assert_near(p_left(b), bayes(3), 2e-3); /* systematic: of 110 on the right at most one off */
    hear(b, TIGER_HEARD_RIGHT, 3);
    hear(b, TIGER_HEARD_RIGHT, 4);
    hp_assert_near(p_left(b), bayes(1), 0.02);
    pomdp_belief_destroy(&b);
}

static void test_belief_is_refused_when_size_is_out_of_range(void **state)
{
    const pomdp_model model = tiger_model();
    pomdp_belief *b = NULL;
    (void)state;
    assert_int_equal(pomdp_belief_create(&model, (1u << 24) + 1, &b), HP_EINVAL);
    assert_null(b);
    assert_int_equal(pomdp_belief_create(&model, 0, &b), HP_EINVAL);
    assert_null(b);
    pomdp_belief_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_belief_follows_bayes_rule),
        cmocka_unit_test(test_belief_is_drawn_again_when_few_particles_count),
        cmocka_unit_test(test_belief_is_refused_when_size_is_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
