/* The guard on the benchmark's streets, with walkers who change their velocity as its bounds have
 * it. Alone, with a driver that wants full speed whoever is there, no scene ends in a crash in
 * which everybody kept to the bounds; and with the search nobody who stands holds the ego up for
 * ever. A sample of each grid; with a number as argument, every so many-th scene
 * (scripts/guard-scenes). */
#include "cli/direct.h"
#include "cli/options.h"
#include "planner/plan_bounds.h"
#include "sim-bridge/sim_world.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>

static const char *const IDS[] = {"01", "02", "03", "04", "05", "06", "07", "08", "09"};

static uint32_t every = 62; /* scenes of 1,242: 21 of each scenario */
static cli_config config;
static sim_scenario scenario;
static sim_scene scenes[SIM_MAX_SCENES];
static sim_world *world;
static driver *wheel;
static hp_world_info info;
static hp_frame frame;
static plan_path route;
static plan_bounds bounds;

static void set_up(const char *set, bool reckless)
{
    hp_error error;
    /* Alone is without the search, and without the care that lets people go first. */
    const char *more = reckless ? "planner.guard.yield_s=0" : "planner.guard.enabled=true";
    const cli_common common = {.sets = {.items = {"pomdp.budget.trials=60", set, more}, .n = 3},
                               .seed = 1};
    if (cli_config_load(&common, &config, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(sim_world_create(&config.sim, &world), HP_OK);
    assert_int_equal(reckless
                         ? reckless_driver_create(&config, true, &wheel, NULL)
                         : direct_driver_create(&config, true, DIRECT_AS_CONFIGURED, &wheel, NULL),
                     HP_OK);
}

static void tear_down(void)
{
    driver_destroy(&wheel);
    sim_world_destroy(&world);
}

static void read_scenario(const char *id)
{
    char path[64];
    hp_error error;
    (void)snprintf(path, sizeof path, "scenarios/cts/%s.yaml", id);
    if (sim_scenario_read(path, &scenario, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
}

static void look(void)
{
    sim_world_observe(world, &frame);
    plan_bounds_watch(&config.plan.guard, &info, &route, &frame, &bounds);
}

/** One episode, watched to the last step. */
static const sim_result *play(const sim_scene *scene)
{
    sim_world_load(world, &scenario, scene, 0, 1);
    sim_world_info(world, &info);
    plan_path_follow_route(&config.plan.path, &info, &route);
    plan_bounds_reset(&bounds);
    wheel->ops->begin(wheel, &info, 1);
    while (sim_world_result(world)->verdict == HP_VERDICT_RUNNING) {
        hp_command command;
        look();
        wheel->ops->tick(wheel, &frame, &command, NULL);
        sim_world_step(world, &command);
    }
    look();
    return sim_world_result(world);
}

static void test_guard_alone_no_crash_where_all_keep_to_the_bounds(void **state)
{
    (void)state;
    uint32_t within = 0;
    uint32_t beyond[PLAN_BREACH_COUNT] = {0};
    uint32_t crashes[PLAN_BREACH_COUNT] = {0};
    set_up("sim.walker_accel_mps2=2", true);
    for (size_t k = 0; k < HP_ARRAY_LEN(IDS); ++k) {
        read_scenario(IDS[k]);
        const uint32_t n = sim_grid_scenes(&scenario, SIM_GRID_EVALUATION, scenes);
        for (uint32_t i = every / 2 % n; i < n; i += every) {
            const sim_result *r = play(&scenes[i]);
            const bool crashed = r->verdict == HP_VERDICT_CRASH;
            if (crashed && bounds.breach == PLAN_BREACH_NONE) {
                print_error("%s, speed %g, distance %g: crash at %g m/s\n", IDS[k],
                            scenes[i].speed_mps, scenes[i].distance_m, r->impact_mps);
            }
            within += bounds.breach == PLAN_BREACH_NONE;
            ++beyond[bounds.breach];
            crashes[bounds.breach] += crashed;
        }
    }
    tear_down();
    print_message("within the bounds %u scenes (%u crashes); walkers beyond them %u (%u), in sight "
                  "too late %u (%u)\n",
                  within, crashes[PLAN_BREACH_NONE], beyond[PLAN_BREACH_WALKER],
                  crashes[PLAN_BREACH_WALKER], beyond[PLAN_BREACH_SIGHT],
                  crashes[PLAN_BREACH_SIGHT]);
    assert_int_equal(crashes[PLAN_BREACH_NONE], 0);
    assert_true(within > 80);
}

/** He stands from the start, beside the lane: so far from the flank of an ego that follows its
 * route. */
static void stand(double along_m, double from_flank_m, double side)
{
    sim_world_load(world, &scenario, &scenes[0], 0, 1);
    sim_world_info(world, &info);
    plan_path_follow_route(&config.plan.path, &info, &route);
    const hp_pose foot = plan_path_at(&route, along_m);
    const double aside =
        side * (0.5 * (info.ego_width_m + scenario.walkers[0].width_m) + from_flank_m);
    sim_walker_spec *w = &scenario.walkers[0];
    w->before = w->after = (hp_vec2){0.0, 0.0};
    w->start =
        (hp_vec2){foot.x_m - aside * sin(foot.yaw_rad), foot.y_m + aside * cos(foot.yaw_rad)};
}

static void arrive(const char *id)
{
    const sim_result *r = play(&scenes[0]);
    if (r->verdict != HP_VERDICT_GOAL) {
        const sim_walker_spec *w = &scenario.walkers[0];
        fail_msg("%s, walker at %g, %g: %s after %g m", id, w->start.x_m, w->start.y_m,
                 sim_verdict_text(r->verdict), r->progress_m);
    }
}

static void test_guarded_ego_arrives_where_walkers_stand(void **state)
{
    (void)state;
    const hp_rng numbers = hp_rng_seed(3);
    set_up("sim.walker_accel_mps2=0", false);
    for (uint64_t k = 0; k < HP_ARRAY_LEN(IDS); ++k) {
        read_scenario(IDS[k]);
        const uint32_t n = sim_grid_scenes(&scenario, SIM_GRID_EVALUATION, scenes);
        scenes[0] = scenes[n / 2];
        scenario.walkers[0].before = scenario.walkers[0].after = (hp_vec2){0.0, 0.0};
        arrive(IDS[k]); /* at his place in the scenario */
        for (uint64_t i = 0; i < 4; ++i) {
            const hp_rng lane = hp_rng_lane(numbers, 10 * k + i);
            stand(hp_rng_range(lane, 0, 15.0, 100.0), hp_rng_range(lane, 1, 0.05, 2.0),
                  hp_rng_unit(lane, 2) < 0.5 ? -1.0 : 1.0);
            arrive(IDS[k]);
        }
    }
    tear_down();
}

/** The scenes that once never ended: he walks to a car that has stopped in his way, and waits. */
static void test_guarded_ego_leaves_who_waits_beside_it(void **state)
{
    (void)state;
    static const char *const STOOD[] = {"01", "04", "05", "07"};
    set_up("sim.walker_accel_mps2=0", false);
    for (size_t k = 0; k < HP_ARRAY_LEN(STOOD); ++k) {
        read_scenario(STOOD[k]);
        scenes[0] = sim_scene_default();
        arrive(STOOD[k]);
    }
    tear_down();
}

/** Who takes longer to cross than the car waits for him: it goes round him with the room in which
 * the guard lets it drive. Scenes of the validation grid in which it once crept to his side,
 * stopped there, and was walked into, or stood to the end. */
static void test_guarded_ego_passes_who_crosses_slowly(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        double speed_mps, distance_m;
    } SLOW[] = {{"06", 0.5, 39.25}, {"06", 0.4, 45.25}, {"09", 0.3, 32.25},
                {"09", 0.5, 19.25}, {"09", 0.2, 26.25}, {"09", 0.5, 45.25}};
    set_up("sim.walker_accel_mps2=0", false);
    for (size_t k = 0; k < HP_ARRAY_LEN(SLOW); ++k) {
        read_scenario(SLOW[k].id);
        scenes[0] = sim_scene_default();
        scenes[0].speed_mps = SLOW[k].speed_mps;
        scenes[0].distance_m = SLOW[k].distance_m;
        arrive(SLOW[k].id);
        assert_false(sim_world_result(world)->near_miss);
    }
    tear_down();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard_alone_no_crash_where_all_keep_to_the_bounds),
        cmocka_unit_test(test_guarded_ego_arrives_where_walkers_stand),
        cmocka_unit_test(test_guarded_ego_leaves_who_waits_beside_it),
        cmocka_unit_test(test_guarded_ego_passes_who_crosses_slowly),
    };
    if (argc > 1) {
        every = (uint32_t)strtoul(argv[1], NULL, 10);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
