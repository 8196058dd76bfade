/* The search against answers found otherwise: value iteration on Tiger, brute force over the same
 * scenarios, and a closed form for rare events under importance sampling. */
#include "tests/unit/pomdp/pomdp_fixture.h"

#include <string.h>

/* --- Tiger by value iteration: a belief is k, growls from the left less those from the right. ---
 */

enum { K_MAX = 12, N_K = 2 * K_MAX + 1 };

static double p_left(int k)
{
    return 1.0 / (1.0 + pow((1.0 - TIGER_HEARING_P) / TIGER_HEARING_P, k));
}

static double value_of_open(const double *v, int k, uint32_t action)
{
    const double p_tiger = action == TIGER_OPEN_LEFT ? p_left(k) : 1.0 - p_left(k);
    return 10.0 * (1.0 - p_tiger) - 100.0 * p_tiger + TIGER_DISCOUNT * v[K_MAX];
}

static double value_of_listen(const double *v, int k)
{
    const int up = k < K_MAX ? k + 1 : k;
    const int down = k > -K_MAX ? k - 1 : k;
    const double p_hear_left =
        TIGER_HEARING_P * p_left(k) + (1.0 - TIGER_HEARING_P) * (1.0 - p_left(k));
    return -1.0 +
           TIGER_DISCOUNT * (p_hear_left * v[up + K_MAX] + (1.0 - p_hear_left) * v[down + K_MAX]);
}

static double value_of(const double *v, int k, uint32_t action)
{
    return action == TIGER_LISTEN ? value_of_listen(v, k) : value_of_open(v, k, action);
}

/** v [N_K]: optimal values, or those of policy [N_K] if there is one; horizon steps to go. */
static void iterate_values(const uint32_t *policy, uint32_t horizon, double *v)
{
    double next[N_K];
    memset(v, 0, N_K * sizeof(*v));
    for (uint32_t h = 0; h < horizon; h++) {
        for (int k = -K_MAX; k <= K_MAX; k++) {
            double best = -HUGE_VAL;
            for (uint32_t a = 0; a < 3; a++) {
                if (policy == NULL || policy[k + K_MAX] == a) {
                    best = fmax(best, value_of(v, k, a));
                }
            }
            next[k + K_MAX] = best;
        }
        memcpy(v, next, sizeof(next));
    }
}

static pomdp_solver *open_solver(const pomdp_model *model, uint32_t n_scenarios, uint32_t depth)
{
    pomdp_config config;
    pomdp_solver *s = NULL;
    pomdp_config_default(&config);
    config.n_scenarios = n_scenarios;
    config.max_depth = depth;
    config.max_nodes = 1u << 17;
    config.max_particles = 1u << 20;
    config.target_gap = 0.0;
    assert_int_equal(pomdp_solver_create(model, &config, &s), HP_OK);
    return s;
}

static void test_bounds_enclose_the_value_of_tiger(void **state)
{
    const pomdp_model model = tiger_model();
    const double error = 4.0 * 25.0 / sqrt(4096.0); /* a return's deviation is some 25 */
    pomdp_solver *s = open_solver(&model, 4096, 60);
    tiger_state belief[2] = {{.is_right = 0}, {.is_right = 1}};
    double v[N_K];
    pomdp_plan plan;
    (void)state;
    iterate_values(NULL, 500, v);
    hp_assert_near(v[K_MAX], 19.37, 0.01); /* the optimum in the literature */
    assert_int_equal(pomdp_solver_plan(s, &(pomdp_particles){belief, NULL, 2}, hp_rng_seed(3),
                                       &(pomdp_budget){.max_trials = 60}, &plan),
                     HP_OK);
    assert_true(plan.value_upper >= v[K_MAX] - error);
    hp_assert_near(plan.value_lower, v[K_MAX], error);
    pomdp_solver_destroy(&s);
}

/** The search's policy, asked at every belief that occurs, is worth as much as the optimal one.
 * Tiger has near ties that 500 scenarios without regularisation get wrong. */
static void test_policy_on_tiger_is_optimal(void **state)
{
    const pomdp_model model = tiger_model();
    pomdp_solver *s = open_solver(&model, 4096, 60);
    uint32_t policy[N_K];
    double best[N_K];
    double reached[N_K];
    (void)state;
    s->config.regularisation = 0.05;
    for (int k = -3; k <= 3; k++) {
        const tiger_state belief[2] = {{.is_right = 0, .heard_left = (int8_t)k},
                                       {.is_right = 1, .heard_left = (int8_t)k}};
        const double weights[2] = {p_left(k), 1.0 - p_left(k)};
        pomdp_plan plan;
        assert_int_equal(pomdp_solver_plan(s, &(pomdp_particles){belief, weights, 2},
                                           hp_rng_lane(hp_rng_seed(5), (uint64_t)(k + K_MAX)),
                                           &(pomdp_budget){.max_trials = 40}, &plan),
                         HP_OK);
        policy[k + K_MAX] = plan.action;
    }
    for (int k = 4; k <= K_MAX; k++) { /* more growls than the search ever waits for */
        policy[K_MAX + k] = policy[K_MAX + 3];
        policy[K_MAX - k] = policy[K_MAX - 3];
    }
    iterate_values(NULL, 500, best);
    iterate_values(policy, 500, reached);
    hp_assert_near(reached[K_MAX], best[K_MAX], 0.1);
    pomdp_solver_destroy(&s);
}

/* --- Tiger that ends after some steps: small enough to be solved to the last scenario. --- */

typedef struct timed_tiger {
    tiger_state tiger;
    uint8_t steps_left;
} timed_tiger;

static void timed_step(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                       const uint64_t *keys, pomdp_steps *out)
{
    timed_tiger *s = states;
    for (uint32_t i = 0; i < n; i++) {
        pomdp_steps row = {.reward = out->reward + i, .terminal = out->terminal + i};
        row.obs = out->obs != NULL ? out->obs + i : NULL;
        tiger_model().step(ctx, &s[i].tiger, 1, actions + i, keys + i, &row);
        s[i].steps_left--;
        out->terminal[i] = s[i].steps_left == 0;
    }
}

static void timed_default(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    (void)ctx;
    (void)states;
    memset(actions, 0, n * sizeof(*actions)); /* listen, to the end */
}

static void timed_action_upper(const void *ctx, const void *states, const double *weights,
                               uint32_t n, double *values)
{
    const timed_tiger *s = states;
    memset(values, 0, 3 * sizeof(*values));
    for (uint32_t i = 0; i < n; i++) {
        double each[3];
        tiger_model().action_upper(ctx, &s[i].tiger, &weights[i], 1, each);
        for (uint32_t a = 0; a < 3; a++) {
            values[a] += each[a];
        }
    }
}

static pomdp_model timed_model(void)
{
    pomdp_model m = tiger_model();
    m.action_upper = timed_action_upper;
    m.state_size = sizeof(timed_tiger);
    m.step = timed_step;
    m.default_policy = timed_default;
    m.tail = NULL;
    return m;
}

static void begin_timed(pomdp_solver *s, uint32_t n, uint8_t horizon, uint64_t seed)
{
    timed_tiger belief[2] = {{.tiger.is_right = 0, .steps_left = horizon},
                             {.tiger.is_right = 1, .steps_left = horizon}};
    double gap_begin = 0.0;
    assert_int_equal(n, s->config.n_scenarios);
    assert_int_equal(pomdp_solver_begin(s, &(pomdp_particles){belief, NULL, 2}, hp_rng_seed(seed),
                                        &(pomdp_budget){.max_trials = 1}, &gap_begin),
                     HP_OK);
}

static void test_short_tiger_agrees_with_value_iteration(void **state)
{
    const pomdp_model model = timed_model();
    pomdp_solver *s = open_solver(&model, 4096, 10);
    (void)state;
    for (uint8_t horizon = 1; horizon <= 4; horizon++) {
        const double error = 4.0 * 20.0 / sqrt(4096.0);
        double v[N_K];
        bool progress = true;
        iterate_values(NULL, horizon, v);
        begin_timed(s, 4096, horizon, horizon);
        while (progress && s->tree.upper[0] > s->tree.lower[0]) {
            assert_true(s->tree.lower[0] <= v[K_MAX] + error);
            assert_true(s->tree.upper[0] >= v[K_MAX] - error);
            assert_int_equal(pomdp_solver_trial(s, &progress), HP_OK);
            assert_false(s->pool_full);
        }
        hp_assert_near(s->tree.upper[0], s->tree.lower[0], 1e-9);
        hp_assert_near(s->tree.lower[0], v[K_MAX], error);
    }
    pomdp_solver_destroy(&s);
}

/* --- Brute force over the same few scenarios. --- */

enum { FEW = 6 };

typedef struct scenario_set {
    timed_tiger state[FEW];
    uint32_t scenario[FEW];
    uint32_t n;
} scenario_set;

static double step_set(const pomdp_solver *s, scenario_set *set, uint32_t action, uint32_t depth,
                       uint64_t *obs, uint8_t *terminal)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < set->n; i++) {
        double reward = 0.0;
        const uint64_t key = hp_rng_u64((hp_rng){s->scenario_key[set->scenario[i]]}, depth);
        pomdp_steps out = {.reward = &reward, .obs = &obs[i], .terminal = &terminal[i]};
        timed_step(NULL, &set->state[i], 1, &action, &key, &out);
        sum += reward;
    }
    return sum / FEW;
}

static double default_value(const pomdp_solver *s, scenario_set set, uint32_t depth)
{
    uint64_t obs[FEW];
    uint8_t terminal[FEW];
    const double reward = step_set(s, &set, TIGER_LISTEN, depth, obs, terminal);
    return reward + (terminal[0] ? 0.0 : TIGER_DISCOUNT * default_value(s, set, depth + 1));
}

/** Best value over all policy trees on these scenarios, each of its nodes costing lambda; the
 * default policy costs nothing. Depth is bounded by the tiger's own clock. */
static double brute_value(const pomdp_solver *s, const scenario_set *set, uint32_t depth,
                          double lambda)
{
    double best = lambda > 0.0 ? default_value(s, *set, depth) : -HUGE_VAL;
    for (uint32_t a = 0; a < 3; a++) {
        scenario_set next = *set;
        uint64_t obs[FEW];
        uint8_t terminal[FEW];
        /* discounted relative to this depth, and so is lambda's weight below */
        double value =
            step_set(s, &next, a, depth, obs, terminal) - lambda / pow(TIGER_DISCOUNT, depth);
        for (uint64_t z = 0; z < 3; z++) {
            scenario_set part = {.n = 0};
            for (uint32_t i = 0; i < next.n; i++) {
                if (obs[i] == z && terminal[i] == 0) {
                    part.state[part.n] = next.state[i];
                    part.scenario[part.n++] = next.scenario[i];
                }
            }
            if (part.n > 0) {
                value += TIGER_DISCOUNT * brute_value(s, &part, depth + 1, lambda);
            }
        }
        best = fmax(best, value);
    }
    return best;
}

static double brute_force(const pomdp_solver *s, double lambda)
{
    scenario_set all = {.n = FEW};
    for (uint32_t k = 0; k < FEW; k++) {
        all.state[k] = ((const timed_tiger *)(const void *)s->tree.states)[k];
        all.scenario[k] = k;
    }
    return brute_value(s, &all, 0, lambda);
}

/** Searches to the end; returns the particle steps that it took. */
static uint64_t solve_by_force(pomdp_solver *s, uint64_t seed)
{
    bool progress = true;
    begin_timed(s, FEW, 4, seed);
    const double wanted = brute_force(s, s->config.regularisation);
    while (progress) {
        assert_true(s->tree.lower[0] <= wanted + 1e-9);
        assert_true(s->tree.upper[0] >= wanted - 1e-9);
        assert_int_equal(pomdp_solver_trial(s, &progress), HP_OK);
        assert_null(pomdp_tree_check(s));
    }
    hp_assert_near(s->tree.lower[0], wanted, 1e-9);
    hp_assert_near(s->tree.upper[0], wanted, 1e-9);
    return s->count.steps_tree;
}

static void test_search_finds_the_best_policy_of_its_scenarios(void **state)
{
    const double lambdas[] = {0.0, 0.05, 0.7, 2.0};
    const pomdp_model model = timed_model();
    pomdp_solver *s = open_solver(&model, FEW, 10);
    uint64_t steps[2] = {0, 0}; /* of whole and of lazy searches */
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        s->config.regularisation = lambdas[seed % HP_ARRAY_LEN(lambdas)];
        for (int lazy = 0; lazy < 2; lazy++) {
            s->config.lazy = lazy != 0;
            steps[lazy] += solve_by_force(s, seed);
        }
    }
    assert_true(steps[1] < steps[0]);
    pomdp_solver_destroy(&s);
}

/* --- A rare disaster: one action, HORIZON steps, each with P_DISASTER of losing 1000. --- */

#define P_DISASTER 0.002
#define Q_DISASTER 0.3
#define LOSS 1000.0
enum { HORIZON = 3 };

static void rare_rows(uint8_t *steps_left, uint32_t n, const uint64_t *keys, double p_drawn,
                      pomdp_steps *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const bool disaster = hp_rng_unit((hp_rng){keys[i]}, 0) < p_drawn;
        out->reward[i] = disaster ? -LOSS : 1.0;
        if (out->weight != NULL) {
            out->weight[i] = disaster ? P_DISASTER / p_drawn : (1.0 - P_DISASTER) / (1.0 - p_drawn);
        }
        if (out->obs != NULL) {
            out->obs[i] = 0;
        }
        steps_left[i]--;
        out->terminal[i] = disaster || steps_left[i] == 0;
    }
}

static void rare_step(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                      const uint64_t *keys, pomdp_steps *out)
{
    (void)ctx;
    (void)actions;
    rare_rows(states, n, keys, P_DISASTER, out);
}

static void rare_proposal(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                          const uint64_t *keys, pomdp_steps *out)
{
    (void)ctx;
    (void)actions;
    rare_rows(states, n, keys, Q_DISASTER, out);
}

static void rare_tail(const void *ctx, const void *states, uint32_t n, double *values)
{
    (void)ctx;
    (void)states;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = -LOSS;
    }
}

static double rare_exact(void)
{
    double value = 0.0;
    for (int i = 0; i < HORIZON; i++) {
        value = P_DISASTER * -LOSS + (1.0 - P_DISASTER) * (1.0 + 0.9 * value);
    }
    return value;
}

/** By a tree of so many plies; what is below them is the default policy's. */
static void estimate_rare(bool importance_sampling, uint32_t depth, double *mean, double *variance)
{
    enum { N_PLANS = 400 };
    const pomdp_model model = {.name = "rare",
                               .n_actions = 1,
                               .state_size = 1,
                               .discount = 0.9,
                               .reward_max = 1.0,
                               .step = rare_step,
                               .step_proposal = rare_proposal,
                               .default_policy = timed_default,
                               .tail = rare_tail};
    pomdp_solver *s = open_solver(&model, 500, depth);
    double sum = 0.0;
    double squares = 0.0;
    s->config.importance_sampling = importance_sampling;
    s->config.rollout_depth = HORIZON - depth;
    for (uint64_t i = 0; i < N_PLANS; i++) {
        const uint8_t steps_left = HORIZON;
        pomdp_plan plan;
        assert_int_equal(pomdp_solver_plan(s, &(pomdp_particles){&steps_left, NULL, 1},
                                           hp_rng_seed(i), &(pomdp_budget){.max_trials = 10},
                                           &plan),
                         HP_OK);
        assert_null(pomdp_tree_check(s));
        hp_assert_near(plan.value_lower, plan.value_upper, 1e-6);
        sum += plan.value_lower;
        squares += plan.value_lower * plan.value_lower;
    }
    *mean = sum / N_PLANS;
    *variance = (squares / N_PLANS - *mean * *mean) / N_PLANS;
    pomdp_solver_destroy(&s);
}

static void test_importance_sampling_is_right_and_surer(void **state)
{
    double mean[2];
    double variance[2];
    (void)state;
    for (int is = 0; is < 2; is++) {
        estimate_rare(is == 1, HORIZON, &mean[is], &variance[is]);
        hp_assert_near(mean[is], rare_exact(), 4.0 * sqrt(variance[is]));
    }
    assert_true(variance[1] < 0.1 * variance[0]);
}

/** Rollouts bear no weights: they follow the plain dynamics, whatever the tree above does. */
static void test_importance_sampling_is_right_where_rollouts_follow(void **state)
{
    double mean = 0.0;
    double variance = 0.0;
    (void)state;
    estimate_rare(true, 1, &mean, &variance);
    hp_assert_near(mean, rare_exact(), 4.0 * sqrt(variance));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_enclose_the_value_of_tiger),
        cmocka_unit_test(test_policy_on_tiger_is_optimal),
        cmocka_unit_test(test_short_tiger_agrees_with_value_iteration),
        cmocka_unit_test(test_search_finds_the_best_policy_of_its_scenarios),
        cmocka_unit_test(test_importance_sampling_is_right_and_surer),
        cmocka_unit_test(test_importance_sampling_is_right_where_rollouts_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
