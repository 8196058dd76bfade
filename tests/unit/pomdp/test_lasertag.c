/* LaserTag's filter in the state, and what is built on it: the default policy, and particles that
 * are drawn from it. */
#include "pomdp/models/lasertag.h"
#include "pomdp/models/pursuit_internal.h"
#include "pomdp/pomdp_belief.h"
#include "tests/support/hp_test.h"

#include <math.h>
#include <string.h>

#define OBS_SAME (UINT64_C(1) << 32)

static pomdp_problem open_floor(uint64_t seed)
{
    pomdp_problem p;
    assert_int_equal(lasertag_open(seed, &p), HP_OK);
    return p;
}

static double likelihood(const pursuit *p, uint32_t robot, uint32_t target, uint64_t obs)
{
    double product = 1.0;
    if (robot == target || obs == OBS_SAME) {
        return (robot == target) == (obs == OBS_SAME) ? 1.0 : 0.0;
    }
    for (uint32_t d = 0; d < PURSUIT_BEAMS; d++) {
        const uint32_t steps =
            p->beam[robot][target] == d ? p->steps[robot][target] : p->wall_steps[robot][d];
        const double *cumulated = p->cumulated[d >= 4][steps];
        const uint32_t reading = obs >> (4 * d) & 15;
        product *= cumulated[reading] - (reading > 0 ? cumulated[reading - 1] : 0.0);
    }
    return product;
}

/** Bayes' rule as it is written: every cell, every flight, every beam. */
static void bayes(const pursuit *p, uint32_t from, uint32_t robot, uint32_t action, uint64_t obs,
                  double *at)
{
    double next[PURSUIT_MAX_CELLS] = {0.0};
    double sum = 0.0;
    for (uint32_t t = 0; t < p->n_cells; t++) {
        const double before = action == PURSUIT_TAG && t == from ? 0.0 : at[t];
        for (uint32_t i = 0; i < PURSUIT_FLIGHTS; i++) {
            next[p->flight[from][t][i]] += before / PURSUIT_FLIGHTS;
        }
    }
    for (uint32_t t = 0; t < p->n_cells; t++) {
        at[t] = next[t] * likelihood(p, robot, t, obs);
        sum += at[t];
    }
    for (uint32_t t = 0; t < p->n_cells; t++) {
        at[t] /= sum;
    }
}

static bool step(const pomdp_problem *p, lasertag_state *s, uint32_t action, uint64_t key,
                 double *reward, uint64_t *obs)
{
    uint8_t terminal = 0;
    pomdp_steps out = {.reward = reward, .obs = obs, .terminal = &terminal};
    p->model.step(p->ctx, s, 1, &action, &key, &out);
    return terminal != 0;
}

static void test_lasertag_filter_is_bayes_rule_when_walking_and_tagging(void **state)
{
    (void)state;
    uint32_t met = 0;
    for (uint64_t game = 0; game < 20; game++) {
        pomdp_problem p = open_floor(game);
        const pursuit *floor = p.ctx; /* its first member */
        lasertag_state s;
        double at[PURSUIT_MAX_CELLS];
        bool over = false;
        p.sample(p.ctx, hp_rng_seed(game), 1, &s);
        for (uint32_t t = 0; t < floor->n_cells; t++) {
            at[t] = 1.0 / floor->n_cells;
        }
        for (uint64_t t = 0; t < 40 && !over; t++) {
            const uint32_t from = s.robot;
            const uint32_t action = (uint32_t)(hp_rng_u64(hp_rng_seed(game), 100 + t) % 5);
            double reward = 0.0;
            uint64_t obs = 0;
            over = step(&p, &s, action, hp_rng_u64(hp_rng_seed(game), t), &reward, &obs);
            if (over) {
                break;
            }
            met += obs == OBS_SAME;
            assert_int_equal(s.met, obs == OBS_SAME);
            bayes(floor, from, s.robot, action, obs, at);
            for (uint32_t c = 0; c < floor->n_cells; c++) {
                hp_assert_near(s.at[lasertag_place(floor->x[c], floor->y[c])], at[c], 1e-4);
            }
        }
        pomdp_problem_close(&p);
    }
    assert_true(met > 0);
}

/** Also: no belief is ever lost, and all particles know the same. */
static void test_lasertag_particles_are_drawn_from_the_filter(void **state)
{
    (void)state;
    enum { N = 4000, MOVES = 12 };
    pomdp_problem p = open_floor(5);
    const pursuit *floor = p.ctx;
    pomdp_belief *b = NULL;
    lasertag_state truth;
    assert_int_equal(pomdp_belief_create(&p.model, N, &b), HP_OK);
    p.sample(p.ctx, hp_rng_seed(1), 1, &truth);
    p.sample(p.ctx, hp_rng_seed(2), N, pomdp_belief_states(b));
    for (uint64_t t = 0; t < MOVES; t++) {
        const uint32_t action = (uint32_t)(t % 4);
        double share[LASERTAG_GRID] = {0.0};
        double reward = 0.0;
        uint64_t obs = 0;
        assert_false(step(&p, &truth, action, hp_rng_u64(hp_rng_seed(3), t), &reward, &obs));
        assert_int_equal(pomdp_belief_update(b, action, obs, hp_rng_seed(10 + t)), HP_OK);
        const lasertag_state *s = pomdp_belief_states(b);
        for (uint32_t i = 0; i < N; i++) {
            assert_int_equal(s[i].robot, truth.robot);
            assert_memory_equal(s[i].at, truth.at, sizeof(truth.at));
            share[lasertag_place(floor->x[s[i].target], floor->y[s[i].target])] +=
                pomdp_belief_weights(b)[i];
        }
        for (uint32_t c = 0; c < LASERTAG_GRID; c++) { /* five standard errors at most */
            hp_assert_near(share[c], truth.at[c], 5.0 * sqrt(0.25 / N));
        }
    }
    pomdp_belief_destroy(&b);
    pomdp_problem_close(&p);
}

static void test_lasertag_belief_is_lost_when_nothing_explains_what_was_felt(void **state)
{
    (void)state;
    enum { N = 10 };
    pomdp_problem p = open_floor(5);
    lasertag_state s[N];
    pomdp_belief *b = NULL;
    assert_int_equal(pomdp_belief_create(&p.model, N, &b), HP_OK);
    p.sample(p.ctx, hp_rng_seed(2), N, s);
    for (uint32_t i = 0; i < N; i++) { /* surely far away */
        const pursuit *floor = p.ctx;
        const uint32_t far = floor->farthest[s[i].robot];
        memset(s[i].at, 0, sizeof(s[i].at));
        s[i].target = (uint8_t)far;
        s[i].at[lasertag_place(floor->x[far], floor->y[far])] = 1.0f;
    }
    memcpy(pomdp_belief_states(b), s, sizeof(s));
    assert_int_equal(pomdp_belief_update(b, PURSUIT_NORTH, OBS_SAME, hp_rng_seed(1)), HP_EAGAIN);
    pomdp_belief_destroy(&b);
    pomdp_problem_close(&p);
}

/** Alone it earns -8.8 on average, with a standard error of 0.7 in so many games. */
static void test_lasertag_default_policy_tags_who_was_felt_and_goes_where_it_is_likely(void **state)
{
    (void)state;
    enum { GAMES = 80, MOVES = 90 };
    double sum = 0.0;
    for (uint64_t game = 0; game < GAMES; game++) {
        pomdp_problem p = open_floor(1000 + game);
        lasertag_state s;
        double discount = 1.0;
        bool over = false;
        p.sample(p.ctx, hp_rng_seed(game), 1, &s);
        for (uint64_t t = 0; t < MOVES && !over; t++) {
            uint32_t action = 0;
            double reward = 0.0;
            uint64_t obs = 0;
            p.model.default_policy(p.ctx, &s, 1, &action);
            assert_int_equal(action == PURSUIT_TAG, s.met);
            over = step(&p, &s, action, hp_rng_u64(hp_rng_lane(hp_rng_seed(7), game), t), &reward,
                        &obs);
            sum += discount * reward / GAMES;
            discount *= p.model.discount;
        }
        pomdp_problem_close(&p);
    }
    assert_true(sum > -10.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lasertag_filter_is_bayes_rule_when_walking_and_tagging),
        cmocka_unit_test(test_lasertag_particles_are_drawn_from_the_filter),
        cmocka_unit_test(test_lasertag_belief_is_lost_when_nothing_explains_what_was_felt),
        cmocka_unit_test(
            test_lasertag_default_policy_tags_who_was_felt_and_goes_where_it_is_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
