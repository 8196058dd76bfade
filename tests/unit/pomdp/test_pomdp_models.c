/* What every standard problem owes the search: bounds in order, actions in range, hooks that do not
 * depend on the batch, observations as likely as they say. And the models' own rules. */
#include "pomdp/models/pocman_internal.h"
#include "pomdp/models/problem.h"
#include "pomdp/models/pursuit_internal.h"
#include "pomdp/models/rocksample.h"
#include "pomdp/models/tiger.h"
#include "pomdp/pomdp_belief.h"
#include "pomdp/pomdp_internal.h"
#include "tests/support/hp_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 400, N_STEPS = 12 };

typedef struct batch {
    double reward[N], weight[N];
    uint64_t obs[N], keys[N];
    uint8_t terminal[N];
    uint32_t actions[N];
    void *states;
} batch;

static pomdp_problem open_problem(const char *name)
{
    pomdp_problem p;
    hp_error error;
    assert_int_equal(pomdp_problem_open(name, 3, &p, &error), HP_OK);
    return p;
}

static void step_all(const pomdp_problem *p, batch *b, uint64_t t)
{
    pomdp_steps out = {.reward = b->reward, .obs = b->obs, .terminal = b->terminal};
    for (uint32_t i = 0; i < N; i++) {
        b->keys[i] = hp_rng_u64(hp_rng_seed(t), i);
        b->actions[i] = (uint32_t)(hp_rng_u64(hp_rng_seed(t + 1000), i) % p->model.n_actions);
    }
    p->model.step(p->model.ctx, b->states, N, b->actions, b->keys, &out);
}

static void check_row_alone(const pomdp_problem *p, const batch *b, const unsigned char *before,
                            uint32_t i)
{
    unsigned char *state = malloc(p->model.state_size);
    double reward = 0.0;
    uint64_t obs = 0;
    uint8_t terminal = 0;
    pomdp_steps out = {.reward = &reward, .obs = &obs, .terminal = &terminal};
    assert_non_null(state);
    memcpy(state, before + i * p->model.state_size, p->model.state_size);
    p->model.step(p->model.ctx, state, 1, &b->actions[i], &b->keys[i], &out);
    assert_memory_equal(state, (unsigned char *)b->states + i * p->model.state_size,
                        p->model.state_size);
    assert_true(reward == b->reward[i] && obs == b->obs[i] && terminal == b->terminal[i]);
    free(state);
}

static void check_hooks(const pomdp_problem *p, const batch *b)
{
    const pomdp_model *m = &p->model;
    uint32_t actions[N];
    double upper[N];
    double tail[N];
    m->default_policy(m->ctx, b->states, N, actions);
    m->tail(m->ctx, b->states, N, tail);
    for (uint32_t i = 0; i < N; i++) {
        upper[i] = m->reward_max / (1.0 - m->discount);
        assert_true(actions[i] < m->n_actions);
    }
    if (m->upper != NULL) {
        m->upper(m->ctx, b->states, N, upper);
    }
    for (uint32_t i = 0; i < N; i++) {
        if (b->terminal[i] == 0) {
            assert_true(tail[i] <= upper[i] + 1e-9);
            if (m->obs_probability != NULL) {
                const double p_obs =
                    m->obs_probability(m->ctx, (unsigned char *)b->states + i * m->state_size,
                                       b->actions[i], b->obs[i]);
                assert_true(p_obs > 0.0 && p_obs <= 1.0 + 1e-12);
            }
        }
    }
}

static void walk_problem(const char *name)
{
    pomdp_problem p = open_problem(name);
    batch *b = calloc(1, sizeof(*b));
    unsigned char *before = calloc(N, p.model.state_size);
    assert_non_null(b);
    assert_non_null(before);
    b->states = calloc(N, p.model.state_size);
    assert_non_null(b->states);
    p.sample(p.ctx, hp_rng_seed(5), N, b->states);
    for (uint64_t t = 0; t < N_STEPS; t++) {
        memcpy(before, b->states, N * p.model.state_size);
        step_all(&p, b, t);
        check_row_alone(&p, b, before, (uint32_t)t);
        check_row_alone(&p, b, before, N - 1);
        check_hooks(&p, b);
        for (uint32_t i = 0; i < N; i++) { /* ended episodes are not gone on with */
            if (b->terminal[i] != 0) {
                memcpy((unsigned char *)b->states + i * p.model.state_size, before,
                       p.model.state_size);
            }
        }
    }
    free(b->states);
    free(b);
    free(before);
    pomdp_problem_close(&p);
    pomdp_problem_close(&p);
}

static void test_problems_keep_the_contract(void **state)
{
    (void)state;
    for (size_t i = 0; POMDP_PROBLEM_NAMES[i] != NULL; i++) {
        walk_problem(POMDP_PROBLEM_NAMES[i]);
    }
}

/** After each of some trials: every bound in order, the root's never looser than before. */
static void search_by_trials(const char *name, pomdp_solver *s, const void *belief)
{
    double gap_begin = 0.0;
    bool progress = true;
    assert_int_equal(pomdp_solver_begin(s, &(pomdp_particles){belief, NULL, N}, hp_rng_seed(1),
                                        &(pomdp_budget){.max_trials = 40}, &gap_begin),
                     HP_OK);
    double lower = s->tree.lower[0];
    double upper = s->tree.upper[0];
    for (uint32_t i = 0; i < 40 && progress; i++) {
        assert_int_equal(pomdp_solver_trial(s, &progress), HP_OK);
        const char *broken = pomdp_tree_check(s);
        if (broken != NULL || s->tree.lower[0] < lower || s->tree.upper[0] > upper) {
            fail_msg("%s after trial %u: %s", name, i,
                     broken != NULL ? broken : "the root loosened");
        }
        lower = s->tree.lower[0];
        upper = s->tree.upper[0];
    }
    assert_true(upper - lower < gap_begin);
}

static void test_search_keeps_its_invariants_after_each_trial_on_every_problem(void **state)
{
    (void)state;
    for (size_t i = 0; POMDP_PROBLEM_NAMES[i] != NULL; i++) {
        pomdp_problem p = open_problem(POMDP_PROBLEM_NAMES[i]);
        pomdp_solver *s = NULL;
        p.config.n_scenarios = 60;
        p.config.max_nodes = 1u << 15;
        p.config.max_particles = 1u << 17;
        void *belief = calloc(N, p.model.state_size);
        assert_non_null(belief);
        p.sample(p.ctx, hp_rng_seed(9), N, belief);
        assert_int_equal(pomdp_solver_create(&p.model, &p.config, &s), HP_OK);
        search_by_trials(POMDP_PROBLEM_NAMES[i], s, belief);
        pomdp_solver_destroy(&s);
        free(belief);
        pomdp_problem_close(&p);
    }
}

/** The share of each observation among many steps from one state is its probability. */
static void check_frequencies(const pomdp_problem *p, const void *from, uint32_t action,
                              uint32_t n_draws)
{
    const pomdp_model *m = &p->model;
    unsigned char *state = malloc(m->state_size);
    double sum = 0.0; /* of 1/P(obs) over draws: its mean is the number of observations there are */
    double worst = 0.0;
    assert_non_null(state);
    for (uint32_t i = 0; i < n_draws; i++) {
        const uint64_t key = hp_rng_u64(hp_rng_seed(action + 100), i);
        double reward = 0.0;
        uint64_t obs = 0;
        uint8_t terminal = 0;
        pomdp_steps out = {.reward = &reward, .obs = &obs, .terminal = &terminal};
        memcpy(state, from, m->state_size);
        m->step(m->ctx, state, 1, &action, &key, &out);
        const double p_obs = m->obs_probability(m->ctx, state, action, obs);
        sum += 1.0 / p_obs;
        worst = fmax(worst, 1.0 / p_obs);
    }
    const double n_obs = sum / n_draws;
    hp_assert_near(n_obs, round(n_obs), 6.0 * worst / sqrt(n_draws));
    assert_true(n_obs > 0.9);
    free(state);
}

static void test_observations_are_as_likely_as_they_say(void **state)
{
    (void)state;
    pomdp_problem tiger = open_problem("tiger");
    const tiger_state growl = {.is_right = 1};
    check_frequencies(&tiger, &growl, TIGER_LISTEN, 20000);
    check_frequencies(&tiger, &growl, TIGER_OPEN_LEFT, 1000);
    pomdp_problem_close(&tiger);

    pomdp_problem rocks = open_problem("rocksample:7x8");
    const rocksample_state rover = {.x = 2, .y = 3, .good = 0x35};
    for (uint32_t a = 0; a < rocks.model.n_actions; a++) {
        check_frequencies(&rocks, &rover, a, 20000);
    }
    pomdp_problem_close(&rocks);
}

/** No map of this size is published: docs/results/solver.md names the one that its returns are of.
 */
static void test_rocksample_15_15_has_the_map_that_results_name(void **state)
{
    static const uint8_t MAP[15][2] = {{12, 7}, {2, 11}, {1, 3},  {1, 2},  {1, 12},
                                       {3, 10}, {0, 2},  {14, 0}, {3, 9},  {4, 10},
                                       {12, 8}, {5, 3},  {4, 5},  {12, 9}, {11, 2}};
    const uint32_t action = ROCK_SAMPLE;
    const uint64_t key = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 2; seed++) {
        pomdp_problem p;
        hp_error error;
        rocksample_state s;
        assert_int_equal(pomdp_problem_open("rocksample:15x15", seed, &p, &error), HP_OK);
        p.sample(p.ctx, hp_rng_seed(seed), 1, &s);
        assert_true(s.x == 0 && s.y == 7);
        for (uint32_t rock = 0; rock < HP_ARRAY_LEN(MAP); rock++) {
            double reward = 0.0;
            uint8_t terminal = 0;
            pomdp_steps out = {.reward = &reward, .terminal = &terminal};
            s = (rocksample_state){
                .x = MAP[rock][0], .y = MAP[rock][1], .good = (uint16_t)(1u << rock)};
            p.model.step(p.ctx, &s, 1, &action, &key, &out);
            hp_assert_near(reward, 10.0, 0.0);
        }
        pomdp_problem_close(&p);
    }
}

static double play_default(const pomdp_problem *p, rocksample_state s)
{
    double sum = 0.0;
    double discount = 1.0;
    uint8_t terminal = 0;
    for (uint64_t t = 0; t < 100 && terminal == 0; t++) {
        uint32_t action = 0;
        double reward = 0.0;
        pomdp_steps out = {.reward = &reward, .terminal = &terminal};
        p->model.default_policy(p->ctx, &s, 1, &action);
        p->model.step(p->ctx, &s, 1, &action, &t, &out);
        sum += discount * reward;
        discount *= p->model.discount;
    }
    assert_int_equal(terminal, 1);
    return sum;
}

/** The closed form of the default policy's return is what following it earns. */
static void test_rocksample_tail_is_the_default_policy(void **state)
{
    pomdp_problem p = open_problem("rocksample:7x8");
    (void)state;
    for (uint16_t set = 0; set < 256; set = (uint16_t)(set + 5)) {
        rocksample_state s = {.x = 1, .y = 3, .good = (uint16_t)(set ^ 0x2a), .trusted = set};
        double wanted = 0.0;
        p.model.tail(p.ctx, &s, 1, &wanted);
        hp_assert_near(play_default(&p, s), wanted, 1e-9);
    }
    pomdp_problem_close(&p);
}

/** Who knows nothing and checks on the spot, over all that the rocks may be: far more than leaving
 * at once, what the tail says at least (a way may be left for a better one), and less than who sees
 * them. */
static void test_rocksample_visits_are_worth_what_the_tail_says(void **state)
{
    pomdp_problem p = open_problem("rocksample:7x8");
    double said = 0.0;
    double earned = 0.0;
    double seen = 0.0;
    (void)state;
    for (uint32_t good = 0; good < 256; good++) {
        const rocksample_state s = {.y = 3, .good = (uint16_t)good};
        double value = 0.0;
        p.model.tail(p.ctx, &s, 1, &value);
        said += value / 256;
        p.model.upper(p.ctx, &s, 1, &value);
        seen += value / 256;
        earned += play_default(&p, s) / 256;
    }
    assert_true(said > 19.0);
    assert_true(earned >= said - 1e-9);
    assert_true(earned < seen);
    pomdp_problem_close(&p);
}

/** The patrol's table against patrols that were played. */
static void test_patrol_value_is_what_patrols_earn(void **state)
{
    enum { N_GAMES = 20000, N_MOVES = 120 };
    pomdp_problem p = open_problem("tag");
    double sum = 0.0;
    double wanted = 0.0;
    (void)state;
    for (uint64_t i = 0; i < N_GAMES; i++) {
        pursuit_state s;
        double discount = 1.0;
        double value = 0.0;
        uint8_t terminal = 0;
        p.sample(p.ctx, hp_rng_lane(hp_rng_seed(2), i), 1, &s);
        p.model.tail(p.ctx, &s, 1, &value);
        wanted += value / N_GAMES;
        for (uint64_t t = 0; t < N_MOVES && terminal == 0; t++) {
            const uint64_t key = hp_rng_u64(hp_rng_lane(hp_rng_seed(3), i), t);
            uint32_t action = 0;
            double reward = 0.0;
            pomdp_steps out = {.reward = &reward, .terminal = &terminal};
            p.model.default_policy(p.ctx, &s, 1, &action);
            p.model.step(p.ctx, &s, 1, &action, &key, &out);
            sum += discount * reward / N_GAMES;
            discount *= p.model.discount;
        }
    }
    hp_assert_near(sum, wanted,
                   0.3); /* four standard errors, and what 120 moves and the sweeps cut */
    pomdp_problem_close(&p);
}

/** The bound of a belief is what the best patrol earns, particle by particle. */
static void test_belief_lower_is_the_best_patrol(void **state)
{
    enum { N_PARTICLES = 60 };
    pomdp_problem p = open_problem("tag");
    const pursuit *floor = p.ctx;
    pursuit_state s[N_PARTICLES];
    double weights[N_PARTICLES];
    double values[N_PARTICLES];
    double best = -HUGE_VAL;
    uint32_t action = PURSUIT_N_ACTIONS;
    (void)state;
    p.sample(p.ctx, hp_rng_seed(4), N_PARTICLES, s);
    s[7].target = s[7].robot; /* not felt yet */
    for (uint32_t i = 0; i < N_PARTICLES; i++) {
        weights[i] = (i + 1.0) / (N_PARTICLES * (N_PARTICLES + 1) / 2.0);
    }
    const double bound = p.model.belief_lower(p.ctx, s, weights, N_PARTICLES, -INFINITY, &action);
    for (uint32_t goal = 0; goal < floor->n_cells; goal++) {
        double sum = 0.0;
        for (uint32_t i = 0; i < N_PARTICLES; i++) {
            s[i].goal = (uint8_t)goal;
        }
        p.model.tail(p.ctx, s, N_PARTICLES, values);
        for (uint32_t i = 0; i < N_PARTICLES; i++) {
            sum += weights[i] * values[i];
        }
        best = sum > best ? sum : best;
    }
    hp_assert_near(bound, best, 1e-9);
    assert_true(action < PURSUIT_N_ACTIONS);
    pomdp_problem_close(&p);
}

/** When nothing beats the policy behind the root's floor, the plan is to follow that policy. */
static void test_plan_follows_the_floor_when_lambda_is_huge(void **state)
{
    enum { K = 60 };
    pomdp_problem p = open_problem("tag");
    pomdp_solver *s = NULL;
    pomdp_plan plan;
    pursuit_state belief[K];
    double weights[K];
    uint32_t wanted = 0;
    (void)state;
    p.config.n_scenarios = K;
    p.config.regularisation = 1e6;
    assert_int_equal(pomdp_solver_create(&p.model, &p.config, &s), HP_OK);
    for (uint64_t seed = 0; seed < 10; seed++) {
        p.sample(p.ctx, hp_rng_seed(seed), K, belief);
        for (uint32_t i = 0; i < K; i++) {
            belief[i].robot = (uint8_t)(2 * seed);
            belief[i].target = (uint8_t)(belief[i].target / 4); /* the floor's north */
            weights[i] = 1.0 / K;
        }
        const double floor = p.model.belief_lower(p.ctx, belief, weights, K, -INFINITY, &wanted);
        assert_int_equal(pomdp_solver_plan(s, &(pomdp_particles){belief, NULL, K}, hp_rng_seed(1),
                                           &(pomdp_budget){.max_trials = 10}, &plan),
                         HP_OK);
        hp_assert_near(plan.value_lower, floor, 1e-12);
        assert_int_equal(plan.action, wanted);
    }
    pomdp_solver_destroy(&s);
    pomdp_problem_close(&p);
}

/** No dead ends, all corridors connected, ways as long as they say, sight along both directions. */
static void test_pocman_maze_is_sound(void **state)
{
    static pocman_maze m;
    (void)state;
    pocman_build(&m);
    assert_in_range(m.n_cells, 150, POCMAN_MAX_CELLS);
    for (uint32_t c = 0; c < m.n_cells; c++) {
        uint32_t exits = 0;
        for (uint32_t d = 0; d < POCMAN_N_ACTIONS; d++) {
            const uint8_t next = m.move[c][d];
            exits += next != POCMAN_NO_CELL;
            assert_true(next == POCMAN_NO_CELL || m.move[next][(d + 2) % 4] == c);
        }
        assert_true(exits >= 2);
        for (uint32_t to = 0; to < m.n_cells; to++) {
            uint32_t at = c;
            for (uint32_t i = 0; i < m.distance[c][to]; i++) {
                at = m.move[at][m.toward[at][to]];
            }
            assert_int_equal(at, to);
            const uint32_t seen = m.relation[c][to] & POCMAN_IN_SIGHT;
            const uint32_t back = m.relation[to][c] & POCMAN_IN_SIGHT;
            assert_int_equal(seen >> 2 | (seen & 3) << 2, back);
        }
    }
}

static double play_pocman(const pomdp_problem *p, pocman_state *s, uint32_t action, uint64_t *obs,
                          uint8_t *terminal)
{
    const uint64_t key = 5;
    double reward = 0.0;
    pomdp_steps out = {.reward = &reward, .obs = obs, .terminal = terminal};
    p->model.step(p->ctx, s, 1, &action, &key, &out);
    return reward;
}

/** A pellet, a wall, a ghost with and without a pill, the last pellet. */
static void test_pocman_pays_what_the_rules_say(void **state)
{
    static pocman_maze m;
    pomdp_problem p = open_problem("pocman");
    pocman_state start;
    pocman_state s;
    uint64_t obs = 0;
    uint8_t terminal = 0;
    (void)state;
    pocman_build(&m);
    p.sample(p.ctx, hp_rng_seed(1), 1, &start);
    const uint8_t east = m.move[m.home][POCMAN_EAST];
    const uint32_t pellet = m.food_at[east];
    const uint32_t other = m.food_at[m.home];

    s = start;
    s.food[pellet / 64] |= UINT64_C(1) << pellet % 64;
    hp_assert_near(play_pocman(&p, &s, POCMAN_EAST, &obs, &terminal), 9.0, 0.0);
    assert_int_equal(s.cell, east);
    assert_true((obs >> POCMAN_SMELLS & 1) == 1 && terminal == 0);
    assert_true((s.food[pellet / 64] >> pellet % 64 & 1) == 0);
    for (uint32_t d = 0; d < POCMAN_N_ACTIONS; d++) {
        assert_true((obs >> (POCMAN_CAN_MOVE + d) & 1) == (m.move[east][d] != POCMAN_NO_CELL));
    }

    s = start;
    memset(s.food, 0, sizeof(s.food));
    s.food[other / 64] = UINT64_C(1) << other % 64;
    assert_int_equal(m.move[m.home][POCMAN_NORTH], POCMAN_NO_CELL);
    hp_assert_near(play_pocman(&p, &s, POCMAN_NORTH, &obs, &terminal), 974.0, 0.0);
    assert_int_equal(terminal, 1);

    s = start;
    s.ghost[2] = east;
    hp_assert_near(play_pocman(&p, &s, POCMAN_EAST, &obs, &terminal), -101.0, 0.0);
    assert_int_equal(terminal, 1);
    s = start;
    s.ghost[2] = east;
    s.power = 3;
    s.food[pellet / 64] &= ~(UINT64_C(1) << pellet % 64);
    hp_assert_near(play_pocman(&p, &s, POCMAN_EAST, &obs, &terminal), 24.0, 0.0);
    assert_true(terminal == 0 && s.power == 2 && s.ghost[2] == m.ghost_home[0]);
    pomdp_problem_close(&p);
}

/** A belief that explains next to nothing is mended, and then agrees with what was seen. */
static void test_pocman_belief_is_mended_when_surprised(void **state)
{
    enum { N_BELIEF = 2000 };
    static pocman_maze m;
    pomdp_problem p = open_problem("pocman");
    pomdp_belief *b = NULL;
    pocman_state truth;
    uint64_t obs = 0;
    uint8_t terminal = 0;
    (void)state;
    pocman_build(&m);
    assert_int_equal(pomdp_belief_create(&p.model, N_BELIEF, &b), HP_OK);
    p.sample(p.ctx, hp_rng_seed(1), N_BELIEF, pomdp_belief_states(b));
    p.sample(p.ctx, hp_rng_seed(2), 1, &truth);
    truth.ghost[1] = m.move[m.move[m.home][POCMAN_EAST]][POCMAN_EAST]; /* nobody thought so */
    truth.power = 9;
    (void)play_pocman(&p, &truth, POCMAN_WEST, &obs, &terminal);
    assert_true((obs & POCMAN_IN_SIGHT) != 0);
    assert_int_equal(pomdp_belief_update(b, POCMAN_WEST, obs, hp_rng_seed(3)), HP_OK);
    const pocman_state *s = pomdp_belief_states(b);
    for (uint32_t i = 0; i < N_BELIEF; i++) {
        uint32_t seen = 0;
        if (pomdp_belief_weights(b)[i] <= 0.0) {
            continue;
        }
        for (uint32_t g = 0; g < POCMAN_GHOSTS; g++) {
            seen |= m.relation[s[i].cell][s[i].ghost[g]] & POCMAN_IN_SIGHT;
        }
        assert_int_equal(seen, obs & POCMAN_IN_SIGHT);
        assert_int_equal(s[i].seen, seen);
        assert_memory_equal(s[i].maybe, truth.maybe, sizeof(truth.maybe));
    }
    pomdp_belief_destroy(&b);
    pomdp_problem_close(&p);
}

static void test_unknown_problem_is_refused_with_the_list(void **state)
{
    pomdp_problem p;
    hp_error error;
    (void)state;
    assert_int_equal(pomdp_problem_open("rocksampel", 1, &p, &error), HP_ENOENT);
    assert_non_null(strstr(error.text, "rocksample:7x8"));
    assert_int_equal(rocksample_open(1, 1, 0, &p), HP_EINVAL);
    assert_int_equal(rocksample_open(16, 4, 0, &p), HP_EINVAL);
    assert_int_equal(rocksample_open(5, 16, 0, &p), HP_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problems_keep_the_contract),
        cmocka_unit_test(test_search_keeps_its_invariants_after_each_trial_on_every_problem),
        cmocka_unit_test(test_observations_are_as_likely_as_they_say),
        cmocka_unit_test(test_rocksample_15_15_has_the_map_that_results_name),
        cmocka_unit_test(test_rocksample_tail_is_the_default_policy),
        cmocka_unit_test(test_rocksample_visits_are_worth_what_the_tail_says),
        cmocka_unit_test(test_patrol_value_is_what_patrols_earn),
        cmocka_unit_test(test_belief_lower_is_the_best_patrol),
        cmocka_unit_test(test_plan_follows_the_floor_when_lambda_is_huge),
        cmocka_unit_test(test_pocman_maze_is_sound),
        cmocka_unit_test(test_pocman_pays_what_the_rules_say),
        cmocka_unit_test(test_pocman_belief_is_mended_when_surprised),
        cmocka_unit_test(test_unknown_problem_is_refused_with_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
