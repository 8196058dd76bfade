/* The world as a whole: shares of crashes of a driver who reacts to nobody, over the full
 * evaluation grids, against figures known for these scenes. */
#include "tests/unit/sim-bridge/sim_drive.h"

#include "tests/support/hp_test.h"

typedef struct shares {
    double crash, arrived;
} shares;

static shares play_grid(const char *id)
{
    static sim_scene scenes[SIM_MAX_SCENES];
    static sim_scenario scenario;
    sim_world *world = sim_drive_world();
    sim_drive_read(id, &scenario);
    const uint32_t n = sim_grid_scenes(&scenario, SIM_GRID_EVALUATION, scenes);
    uint32_t crashes = 0;
    uint32_t arrivals = 0;
    double ttg = 0.0;
    for (uint32_t i = 0; i < n; ++i) {
        const sim_result *result = sim_drive_episode(world, &scenario, &scenes[i]);
        assert_true(result->verdict == HP_VERDICT_CRASH || result->verdict == HP_VERDICT_GOAL);
        crashes += result->verdict == HP_VERDICT_CRASH ? 1 : 0;
        arrivals += result->safe_arrival ? 1 : 0;
        if (result->safe_arrival) {
            ttg += result->ttg_s;
        }
    }
    sim_world_destroy(&world);
    print_message("%s: crash %.1f %%, safe arrival %.1f %%, mean TTG %.2f s\n", id,
                  100.0 * crashes / n, 100.0 * arrivals / n, ttg / fmax(1.0, arrivals));
    return (shares){100.0 * crashes / n, 100.0 * arrivals / n};
}

static void const_driver_crashes_in_known_shares(void **state)
{
    (void)state;
    hp_assert_near(play_grid("01").crash, 18.0, 3.0);
    hp_assert_near(play_grid("02").crash, 21.0, 3.0);
    hp_assert_near(play_grid("06").crash, 31.0, 3.0);
    hp_assert_near(play_grid("09").crash, 25.0, 3.0);
    /* The known 41 % are met by the nearer walker; one metre more thins them out. */
    hp_assert_near(play_grid("10a").crash, 41.0, 3.0);
    hp_assert_near(play_grid("10").crash, 31.0, 3.0);
}

static void const_driver_always_crashes_in_blocked_lanes(void **state)
{
    (void)state;
    hp_assert_near(play_grid("11").crash, 100.0, 0.0);
    hp_assert_near(play_grid("12").crash, 100.0, 0.0);
}

static void other_scenarios_have_both_ends(void **state)
{
    static const char *const IDS[] = {"03", "04", "05", "07", "08"};
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(IDS); ++i) {
        const shares s = play_grid(IDS[i]);
        assert_true(s.crash > 5.0 && s.crash < 60.0);
        hp_assert_near(s.crash + s.arrived, 100.0, 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(const_driver_crashes_in_known_shares),
        cmocka_unit_test(const_driver_always_crashes_in_blocked_lanes),
        cmocka_unit_test(other_scenarios_have_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
