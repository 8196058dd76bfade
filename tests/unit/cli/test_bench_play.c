/* Scenes as the benchmark plays them: oracles and drivers meet the same people. */
#include "cli/bench_play.h"
#include "tests/support/hp_test.h"

#include <string.h>

/* Of an oracle that looks ahead in steps of 0.1 s. */
static const double ORACLE_STEP_S = 0.101;

static void make_suite(const cli_config *config, bench_suite *suite)
{
    const bench_request request = {
        .suite = "cts", .scenarios = "01,03", .scenes = "30", .planners = "const"};
    const cli_common common = {.seed = 1};
    hp_error error = {{0}};
    if (bench_suite_create(&request, &common, config, suite, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
}

static bench_row play(bench_player *player, uint32_t scene, uint32_t contender)
{
    static bench_times times;
    bench_row row;
    hp_error error = {{0}};
    assert_int_equal(bench_player_play(player, scene, contender, &row, &times, &error), HP_OK);
    return row;
}

/** Whoever drives blindly and comes through shows what can be done: the oracles do no worse. */
static void test_oracles_know_the_script_when_walkers_accelerate(void **state)
{
    static cli_config config;
    static bench_suite suite;
    bench_player *player = NULL;
    uint32_t arrivals = 0;
    (void)state;
    cli_config_default(&config);
    config.sim.walker_accel_mps2 = 1.0;
    make_suite(&config, &suite);
    assert_int_equal(bench_player_create(&suite, &config, &player), HP_OK);
    for (uint32_t i = 0; i < suite.n_scenes; i++) {
        const bench_row blind = play(player, i, 0);
        for (uint32_t c = 1; blind.safe_arrival && c < suite.settings.n_contenders; c++) {
            const bench_row oracle = play(player, i, c);
            if (!oracle.safe_arrival || oracle.ttg_s > blind.ttg_s + ORACLE_STEP_S) {
                fail_msg("%s, %s: %s takes %.2f s, const %.2f s", oracle.scenario, oracle.scene,
                         oracle.planner, oracle.ttg_s, blind.ttg_s);
            }
        }
        arrivals += blind.safe_arrival ? 1 : 0;
    }
    assert_true(arrivals > 30);
    bench_player_destroy(&player);
    bench_suite_destroy(&suite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracles_know_the_script_when_walkers_accelerate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
