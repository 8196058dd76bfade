/* Whole games with a small search: returns that fall show here first; the long form of these
 * figures is scripts/solver-results. The games are the same on each run, so that thresholds are no
 * gamble. Measured: Tag -8.0, Tiger 20.6 (the optimal policy in the same games: 20.2),
 * RockSample 21.4, Light-Dark 62.8. Without a trial, from the root's expansion alone, RockSample
 * comes to 18.8 only; Tag's bounds are so good that the root alone does as well. */
#include "pomdp/models/problem.h"
#include "pomdp/models/tiger.h"
#include "pomdp/pomdp_belief.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>

enum { SCENARIOS = 150, N_BELIEF = 3000 };
enum { LANE_WORLD, LANE_FILTER, LANE_SEARCH, LANE_START, LANE_BELIEF };

typedef struct game {
    pomdp_problem problem;
    pomdp_solver *solver;
    pomdp_belief *belief;
    void *truth;
    hp_rng stream;
} game;

static void open_game(const char *name, uint64_t seed, game *g)
{
    hp_error error;
    *g = (game){.stream = hp_rng_lane(hp_rng_seed(31), seed)};
    pomdp_problem *p = &g->problem;
    assert_int_equal(pomdp_problem_open(name, seed, p, &error), HP_OK);
    p->config.n_scenarios = SCENARIOS;
    p->config.max_nodes = 1U << 16;
    p->config.max_particles = 1U << 18;
    assert_int_equal(pomdp_solver_create(&p->model, &p->config, &g->solver), HP_OK);
    assert_int_equal(pomdp_belief_create(&p->model, N_BELIEF, &g->belief), HP_OK);
    g->truth = calloc(1, p->model.state_size);
    assert_non_null(g->truth);
    p->sample(p->ctx, hp_rng_lane(g->stream, LANE_START), 1, g->truth);
    p->sample(p->ctx, hp_rng_lane(g->stream, LANE_BELIEF), N_BELIEF,
              pomdp_belief_states(g->belief));
}

static void close_game(game *g)
{
    free(g->truth);
    pomdp_belief_destroy(&g->belief);
    pomdp_solver_destroy(&g->solver);
    pomdp_problem_close(&g->problem);
}

static uint32_t choose(const game *g, uint64_t t, uint32_t trials)
{
    pomdp_plan plan;
    assert_int_equal(
        pomdp_solver_plan(g->solver,
                          &(pomdp_particles){pomdp_belief_states(g->belief),
                                             pomdp_belief_weights(g->belief), N_BELIEF},
                          hp_rng_lane(hp_rng_lane(g->stream, LANE_SEARCH), t),
                          &(pomdp_budget){.max_trials = trials}, &plan),
        HP_OK);
    return plan.action;
}

#define OPTIMAL UINT32_MAX

/** Opens after two more growls from one side than from the other. */
static uint32_t open_after_two(const game *g)
{
    const tiger_state *s = pomdp_belief_states(g->belief); /* all heard the same */
    return s->heard_left >= 2    ? TIGER_OPEN_RIGHT
           : s->heard_left <= -2 ? TIGER_OPEN_LEFT
                                 : TIGER_LISTEN;
}

/** trials 0: the search's root alone; OPTIMAL: Tiger's optimal policy in the search's place. */
static double play(const game *g, uint32_t trials)
{
    const pomdp_model *m = &g->problem.model;
    double discount = 1.0;
    double sum = 0.0;
    uint8_t terminal = 0;
    for (uint64_t t = 0; t < g->problem.max_steps && terminal == 0; t++) {
        const uint32_t action = trials == OPTIMAL ? open_after_two(g) : choose(g, t, trials);
        const uint64_t key = hp_rng_u64(hp_rng_lane(g->stream, LANE_WORLD), t);
        double reward = 0.0;
        uint64_t obs = 0;
        pomdp_steps out = {.reward = &reward, .obs = &obs, .terminal = &terminal};
        m->step(m->ctx, g->truth, 1, &action, &key, &out);
        sum += discount * reward;
        discount *= m->discount;
        if (terminal == 0) { /* a surprise leaves the belief as it was */
            const hp_rng lane = hp_rng_lane(hp_rng_lane(g->stream, LANE_FILTER), t);
            const hp_status st = pomdp_belief_update(g->belief, action, obs, lane);
            assert_true(st == HP_OK || st == HP_EAGAIN);
        }
    }
    return sum;
}

static double mean_return(const char *name, uint32_t n_games, uint32_t trials)
{
    double sum = 0.0;
    for (uint64_t i = 0; i < n_games; i++) {
        game g;
        open_game(name, i, &g);
        sum += play(&g, trials);
        close_game(&g);
    }
    return sum / n_games;
}

static void expect_return(const char *name, uint32_t n_games, uint32_t trials, double least)
{
    const double mean = mean_return(name, n_games, trials);
    if (mean < least) {
        fail_msg("%s: a mean return of %g over %u games, %g at least is wanted", name, mean,
                 n_games, least);
    }
}

static void test_returns_do_not_fall_on_tag(void **state)
{
    (void)state;
    expect_return("tag", 60, 40, -8.4);
}

static void test_returns_do_not_fall_on_rocksample(void **state)
{
    (void)state;
    expect_return("rocksample:7x8", 24, 12, 19.8);
}

/** Tiger's returns scatter by 30: only beside the optimal policy, in the same games, does a mean of
 * few say anything. */
static void test_returns_do_not_fall_on_tiger(void **state)
{
    (void)state;
    expect_return("tiger", 30, 3, mean_return("tiger", 30, OPTIMAL) - 0.5);
}

/** The filter in the state alone, without a search, comes to 62 already. */
static void test_returns_do_not_fall_on_lightdark(void **state)
{
    (void)state;
    expect_return("lightdark", 40, 12, 59.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_returns_do_not_fall_on_tag),
        cmocka_unit_test(test_returns_do_not_fall_on_tiger),
        cmocka_unit_test(test_returns_do_not_fall_on_rocksample),
        cmocka_unit_test(test_returns_do_not_fall_on_lightdark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
