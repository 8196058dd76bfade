/* The trainer as a whole: advantages by definition, the first minibatch, and the pair of tasks that
 * tells apart an end from a time limit. */
#include "policy/policy_ppo.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>

enum { STEPS = 12, ENVS = 3, N = STEPS * ENVS };

/** One environment's advantage at t, summed up by its definition. */
static double by_definition(const policy_stretch *s, uint32_t t, uint32_t e)
{
    double sum = 0.0;
    double weight = 1.0;
    for (uint32_t k = t; k < s->n_steps; k++) {
        const size_t at = (size_t)k * s->n_envs + e;
        const bool over = s->terminated[at] != 0 || s->truncated[at] != 0;
        double next =
            k + 1 < s->n_steps ? (double)s->value[at + s->n_envs] : (double)s->last_value[e];
        next = s->terminated[at] != 0 ? 0.0 : next;
        next = s->truncated[at] != 0 ? (double)s->final_value[at] : next;
        sum += weight * ((double)s->reward[at] + s->discount * next - (double)s->value[at]);
        weight *= s->discount * s->lambda;
        if (over) {
            break;
        }
    }
    return sum;
}

static void test_gae_is_its_definition_when_episodes_end_in_both_ways(void **state)
{
    policy_real reward[N];
    policy_real value[N];
    policy_real final_value[N];
    policy_real last[ENVS];
    policy_real advantage[N];
    uint8_t terminated[N] = {0};
    uint8_t truncated[N] = {0};
    (void)state;
    for (uint64_t i = 0; i < N; i++) {
        const hp_rng s = hp_rng_lane(hp_rng_seed(3), i);
        reward[i] = (policy_real)hp_rng_normal(s, 0);
        value[i] = (policy_real)hp_rng_normal(s, 1);
        final_value[i] = (policy_real)hp_rng_normal(s, 2);
        last[i % ENVS] = (policy_real)hp_rng_normal(s, 3);
        terminated[i] = i % 7 == 3 ? 1 : 0;
        truncated[i] = i % 5 == 1 && terminated[i] == 0 ? 1 : 0;
    }
    const policy_stretch s = {STEPS, ENVS,       0.95,      0.8,         reward,
                              value, terminated, truncated, final_value, last};
    policy_gae(&s, advantage);
    for (uint32_t t = 0; t < STEPS; t++) {
        for (uint32_t e = 0; e < ENVS; e++) {
            hp_assert_near((double)advantage[t * ENVS + e], by_definition(&s, t, e), 1e-5);
        }
    }
}

static void test_normalise_gives_mean_0_and_deviation_1(void **state)
{
    policy_real x[5] = {1, 2, 3, 4, 10};
    double sum = 0.0;
    double squares = 0.0;
    (void)state;
    policy_normalise(x, 5);
    for (int i = 0; i < 5; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    hp_assert_near(sum, 0.0, 1e-5);
    hp_assert_near(squares / 5.0, 1.0, 1e-5);
}

/** Pays 1 each step; ends after LENGTH steps. What is seen is the time, or nothing. */
enum { LENGTH = 10 };
typedef struct constant {
    uint32_t t;
} constant;
static hp_status create(void *ctx, uint32_t index, void **env, hp_error *error)
{
    (void)ctx;
    (void)index;
    (void)error;
    *env = calloc(1, sizeof(constant));
    return *env != NULL ? HP_OK : HP_ENOMEM;
}

static void look(const constant *c, bool shows_time, float *row)
{
    for (uint32_t i = 0; i < LENGTH; i++) {
        row[i] = shows_time && i == c->t ? 1.0F : 0.0F;
    }
    row[LENGTH] = 1.0F;
}

static void reset_timed(void *env, hp_rng stream, float *row)
{
    (void)stream;
    *(constant *)env = (constant){0};
    look(env, true, row);
}

static void step_timed(void *env, const float *action, policy_step *out, float *row)
{
    constant *c = env;
    (void)action;
    *out = (policy_step){.reward = 1.0, .terminated = ++c->t == LENGTH};
    look(c, true, row);
}

static void reset_blind(void *env, hp_rng stream, float *row)
{
    (void)stream;
    *(constant *)env = (constant){0};
    look(env, false, row);
}

static void step_blind(void *env, const float *action, policy_step *out, float *row)
{
    constant *c = env;
    (void)action;
    *out = (policy_step){.reward = 1.0, .truncated = ++c->t == LENGTH};
    look(c, false, row);
}

static policy_task constant_task(bool terminates)
{
    return (policy_task){.name = "constant",
                         .n_plain = LENGTH + 1,
                         .n_actions = 3,
                         .create = create,
                         .destroy = free,
                         .reset = terminates ? reset_timed : reset_blind,
                         .step = terminates ? step_timed : step_blind};
}

static policy_ppo_config small_config(void)
{
    return (policy_ppo_config){.n_envs = 4,
                               .horizon = 32,
                               .epochs = 4,
                               .minibatch = 64,
                               .total_steps = 60000,
                               .learning_rate = 3e-3,
                               .final_rate = 0.02,
                               .final_clip = 1.0,
                               .final_entropy = 1.0,
                               .discount = 0.9,
                               .gae_lambda = 0.95,
                               .clip = 0.2,
                               .value_weight = 0.5,
                               .max_norm = 10.0,
                               .reward_scale = 1.0,
                               .n_encode = 32,
                               .n_hidden = 2,
                               .hidden = {32, 32},
                               .activation = POLICY_TANH,
                               .n_heads = 1,
                               .n_threads = 1};
}

static policy_ppo *trained_by(const policy_task *task, uint32_t n_threads)
{
    policy_ppo_config config = small_config();
    config.n_threads = n_threads;
    policy_ppo *ppo = NULL;
    policy_ppo_stats stats;
    hp_error error;
    assert_int_equal(policy_ppo_create(&config, task, 5, &ppo, &error), HP_OK);
    while (!policy_ppo_done(ppo)) {
        assert_int_equal(policy_ppo_iterate(ppo, &stats), HP_OK);
    }
    return ppo;
}

static policy_ppo *trained(const policy_task *task)
{
    return trained_by(task, 1);
}

static void test_value_is_that_of_for_ever_when_cut_off(void **state)
{
    float row[LENGTH + 1];
    const constant start = {0};
    const policy_task task = constant_task(false);
    (void)state;
    policy_ppo *ppo = trained(&task);
    look(&start, false, row);
    hp_assert_near(policy_ppo_value(ppo, row), 1.0 / (1.0 - 0.9), 0.15);
    policy_ppo_destroy(&ppo);
}

static void test_value_is_that_of_the_rest_when_terminated(void **state)
{
    float row[LENGTH + 1];
    const policy_task task = constant_task(true);
    (void)state;
    policy_ppo *ppo = trained(&task);
    for (uint32_t t = 0; t < LENGTH; t++) {
        const constant now = {t};
        look(&now, true, row);
        hp_assert_near(policy_ppo_value(ppo, row), (1.0 - pow(0.9, LENGTH - t)) / (1.0 - 0.9), 0.1);
    }
    policy_ppo_destroy(&ppo);
}

static void test_first_minibatch_has_no_ratio_and_full_entropy(void **state)
{
    const policy_ppo_config config = small_config();
    const policy_task task = constant_task(true);
    policy_ppo *ppo = NULL;
    policy_ppo_stats stats;
    hp_error error;
    (void)state;
    assert_int_equal(policy_ppo_create(&config, &task, 5, &ppo, &error), HP_OK);
    assert_int_equal(policy_ppo_iterate(ppo, &stats), HP_OK);
    hp_assert_near(stats.first.kl / stats.first.n, 0.0, 1e-6);
    hp_assert_near(stats.first.clipped, 0.0, 0.0);
    hp_assert_near(stats.first.entropy / stats.first.n, log(3.0), 1e-3);
    policy_ppo_destroy(&ppo);
}

static void test_training_is_the_same_when_seeds_are(void **state)
{
    const policy_task task = constant_task(true);
    (void)state;
    policy_ppo *one = trained(&task);
    policy_ppo *two = trained(&task);
    const policy_ppo_state a = policy_ppo_state_of(one);
    const policy_ppo_state b = policy_ppo_state_of(two);
    assert_memory_equal(a.params, b.params, a.n_params * sizeof *a.params);
    policy_ppo_destroy(&one);
    policy_ppo_destroy(&two);
}

static void test_training_is_the_same_when_threads_play_it(void **state)
{
    const policy_task task = constant_task(true);
    (void)state;
    policy_ppo *one = trained(&task);
    policy_ppo *two = trained_by(&task, 3);
    const policy_ppo_state a = policy_ppo_state_of(one);
    const policy_ppo_state b = policy_ppo_state_of(two);
    assert_memory_equal(a.params, b.params, a.n_params * sizeof *a.params);
    policy_ppo_destroy(&one);
    policy_ppo_destroy(&two);
}

static void test_create_refuses_when_minibatch_exceeds_the_stretch(void **state)
{
    policy_ppo_config config = small_config();
    const policy_task task = constant_task(true);
    policy_ppo *ppo = NULL;
    hp_error error;
    (void)state;
    config.minibatch = 1000;
    assert_int_equal(policy_ppo_create(&config, &task, 5, &ppo, &error), HP_EINVAL);
    assert_null(ppo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gae_is_its_definition_when_episodes_end_in_both_ways),
        cmocka_unit_test(test_normalise_gives_mean_0_and_deviation_1),
        cmocka_unit_test(test_value_is_that_of_for_ever_when_cut_off),
        cmocka_unit_test(test_value_is_that_of_the_rest_when_terminated),
        cmocka_unit_test(test_first_minibatch_has_no_ratio_and_full_entropy),
        cmocka_unit_test(test_training_is_the_same_when_seeds_are),
        cmocka_unit_test(test_training_is_the_same_when_threads_play_it),
        cmocka_unit_test(test_create_refuses_when_minibatch_exceeds_the_stretch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
