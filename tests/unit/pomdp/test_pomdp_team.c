/* Searches side by side: one member is the solver, several repeat themselves and merge by means. */
#include "pomdp/pomdp_team.h"
#include "tests/unit/pomdp/pomdp_fixture.h"

#include <string.h>

static pomdp_plan team_plan(const pomdp_fixture *f, uint32_t n_threads, uint32_t trials)
{
    pomdp_team *team = NULL;
    pomdp_plan plan;
    pomdp_plan again;
    assert_int_equal(pomdp_team_create(&f->model, &f->config, n_threads, &team), HP_OK);
    assert_true(pomdp_team_bytes(team) >= n_threads * pomdp_solver_bytes(f->solver));
    for (int i = 0; i < 2; i++) { /* the threads live from plan to plan */
        assert_int_equal(
            pomdp_team_plan(team, &(pomdp_particles){f->belief, NULL, FIXTURE_SCENARIOS}, f->stream,
                            &(pomdp_budget){.max_trials = trials}, i == 0 ? &plan : &again),
            HP_OK);
    }
    assert_plans_equal(&plan, &again);
    pomdp_team_destroy(&team);
    assert_null(team);
    pomdp_team_destroy(&team);
    return plan;
}

static void test_one_member_is_the_solver(void **state)
{
    pomdp_fixture f = {0};
    (void)state;
    fixture_open(&f);
    const pomdp_plan alone = fixture_plan(&f, &(pomdp_budget){.max_trials = 60});
    const pomdp_plan team = team_plan(&f, 1, 60);
    assert_plans_equal(&alone, &team);
    pomdp_solver_destroy(&f.solver);
}

static void test_members_repeat_themselves_and_add_up(void **state)
{
    pomdp_fixture f = {0};
    (void)state;
    fixture_open(&f);
    const pomdp_plan alone = fixture_plan(&f, &(pomdp_budget){.max_trials = 60});
    const pomdp_plan three = team_plan(&f, 3, 60);
    const pomdp_plan again = team_plan(&f, 3, 60);
    assert_plans_equal(&three, &again);
    assert_int_equal(three.trials, 3 * alone.trials);
    assert_true(three.expansions > 2 * alone.expansions);
    assert_int_equal(three.action, TIGER_LISTEN);
    assert_true(three.value_lower <= three.value_upper);
    assert_true(three.value_upper != alone.value_upper); /* other scenarios */
    hp_assert_near(three.value_lower, alone.value_lower, 5.0);
    pomdp_solver_destroy(&f.solver);
}

/** What members make of it is what the same searches make of it one after the other. */
static void test_merge_is_the_mean_of_searches_one_by_one(void **state)
{
    pomdp_fixture f = {0};
    pomdp_plan alone[2];
    const hp_rng stream = hp_rng_seed(7);
    (void)state;
    fixture_open(&f);
    const pomdp_plan team = team_plan(&f, 2, 40);
    for (uint64_t i = 0; i < 2; i++) {
        f.stream = i == 0 ? stream : hp_rng_lane(stream, (1 << 16) + i);
        alone[i] = fixture_plan(&f, &(pomdp_budget){.max_trials = 40});
    }
    hp_assert_near(team.value_lower, (alone[0].value_lower + alone[1].value_lower) / 2, 1e-12);
    for (uint32_t a = 0; a < 3; a++) {
        hp_assert_near(team.action_upper[a],
                       (alone[0].action_upper[a] + alone[1].action_upper[a]) / 2, 1e-12);
    }
    assert_int_equal(team.nodes, alone[0].nodes + alone[1].nodes);
    pomdp_solver_destroy(&f.solver);
}

static void listen_on(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    (void)ctx;
    (void)states;
    memset(actions, 0, n * sizeof(*actions)); /* TIGER_LISTEN */
}

/** Under a lambda that no opening earns back every member keeps to the default policy, and so does
 * the team, though of the edges another's is the best. */
static void test_team_keeps_to_the_default_policy_when_its_members_do(void **state)
{
    pomdp_fixture f = {0};
    (void)state;
    fixture_open(&f);
    pomdp_solver_destroy(&f.solver);
    f.model.default_policy = listen_on;
    f.config.regularisation = 50.0;
    memset(f.belief, 0, sizeof(f.belief)); /* surely behind the left door */
    assert_int_equal(pomdp_solver_create(&f.model, &f.config, &f.solver), HP_OK);
    const pomdp_plan alone = fixture_plan(&f, &(pomdp_budget){.max_trials = 10});
    const pomdp_plan two = team_plan(&f, 2, 10);
    assert_true(alone.action_lower[TIGER_OPEN_RIGHT] > alone.action_lower[TIGER_LISTEN]);
    assert_true(two.action_lower[TIGER_OPEN_RIGHT] > two.action_lower[TIGER_LISTEN]);
    assert_int_equal(alone.action, TIGER_LISTEN);
    assert_int_equal(two.action, TIGER_LISTEN);
    pomdp_solver_destroy(&f.solver);
}

static void test_team_refuses_what_the_solver_refuses(void **state)
{
    pomdp_fixture f = {0};
    pomdp_team *team = NULL;
    pomdp_plan plan;
    (void)state;
    fixture_open(&f);
    assert_int_equal(pomdp_team_create(&f.model, &f.config, 0, &team), HP_EINVAL);
    assert_int_equal(pomdp_team_create(&f.model, &f.config, POMDP_MAX_THREADS + 1, &team),
                     HP_EINVAL);
    assert_null(team);
    assert_int_equal(pomdp_team_create(&f.model, &f.config, 2, &team), HP_OK);
    assert_int_equal(pomdp_team_plan(team, &(pomdp_particles){f.belief, NULL, 0}, f.stream,
                                     &(pomdp_budget){.max_trials = 1}, &plan),
                     HP_EINVAL);
    pomdp_team_destroy(&team);
    f.config.xi = 2.0;
    assert_int_equal(pomdp_team_create(&f.model, &f.config, 2, &team), HP_EINVAL);
    assert_null(team);
    pomdp_solver_destroy(&f.solver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_member_is_the_solver),
        cmocka_unit_test(test_members_repeat_themselves_and_add_up),
        cmocka_unit_test(test_merge_is_the_mean_of_searches_one_by_one),
        cmocka_unit_test(test_team_keeps_to_the_default_policy_when_its_members_do),
        cmocka_unit_test(test_team_refuses_what_the_solver_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
