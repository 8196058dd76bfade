/* One seed and a budget of trials: the same commands to the bit, however the parts are joined. */
#include "tests/pipeline/run_rig.h"

#include "cli/direct.h"
#include "sim-bridge/sim_world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIO "cts/06" /* here seed and trials have a say in the commands */
#define SCENE "speed=1.4,distance=20"
#define TRIALS "pomdp.budget.trials=12"
#define SEED "7"

enum { MODE_PROCESSES, MODE_EMBEDDED };

/** A run's signature: its commands, and how large the searches grew. */
enum { HASH = 48 };

static void add_nodes(char hash[HASH], uint64_t nodes)
{
    const size_t n = strlen(hash);
    (void)snprintf(hash + n, HASH - n, " %" PRIu64, nodes);
}

static void run_hash(int mode, const char *scenario, char hash[HASH])
{
    rig r;
    const char *args[] = {"--scenario", scenario, "--scene", SCENE,        "--set",
                          TRIALS,       "--seed", SEED,      "--embedded", NULL};
    if (mode == MODE_PROCESSES) {
        args[HP_ARRAY_LEN(args) - 2] = NULL;
    }
    rig_set_up(&r);
    const int status = rig_run(&r, args);
    json_t *summary = rig_json(&r, "summary.json");
    const bool passed = rig_number(summary, "goal") > 0.0 && rig_number(summary, "crash") <= 0.0;
    assert_int_equal(status, passed ? CLI_DONE : CLI_FAILED);
    assert_true(rig_number(summary, "fallbacks/predictor") <= 0.0);
    assert_true(rig_number(summary, "fallbacks/search") <= 0.0);
    assert_true(rig_number(summary, "missed_deadlines") <= 0.0);
    rig_text(summary, "command_hash", hash, HASH);
    json_decref(summary);
    json_t *planner = rig_json(&r, "planner.json");
    add_nodes(hash, (uint64_t)rig_number(planner, "nodes"));
    json_decref(planner);
    rig_tear_down(&r);
}

/** The cores called in order, without nodes, bus or processes. */
static void direct_hash(char hash[HASH])
{
    cli_config *config = calloc(1, sizeof *config);
    sim_scenario *scenario = calloc(1, sizeof *scenario);
    hp_frame *frame = calloc(1, sizeof *frame);
    sim_scene scene = sim_scene_default();
    sim_world *world = NULL;
    driver *wheel = NULL;
    uint64_t nodes = 0;
    static hp_world_info info;
    hp_error error;
    assert_non_null(config);
    assert_non_null(scenario);
    assert_non_null(frame);
    const cli_common common = {.sets = {.items = {TRIALS}, .n = 1}, .seed = 7};
    assert_int_equal(cli_config_load(&common, config, &error), HP_OK);
    assert_int_equal(sim_scenario_read("scenarios/" SCENARIO ".yaml", scenario, &error), HP_OK);
    assert_int_equal(sim_scene_parse(SCENE, &scene, &error), HP_OK);
    assert_int_equal(sim_world_create(&config->sim, &world), HP_OK);
    assert_int_equal(direct_driver_create(config, config->plan.guard.enabled, DIRECT_AS_CONFIGURED,
                                          &wheel, NULL),
                     HP_OK);
    sim_world_load(world, scenario, &scene, 0, common.seed);
    sim_world_info(world, &info);
    wheel->ops->begin(wheel, &info, common.seed);
    while (sim_world_result(world)->verdict == HP_VERDICT_RUNNING) {
        hp_command command;
        hp_decision decision;
        sim_world_observe(world, frame);
        wheel->ops->tick(wheel, frame, &command, &decision);
        nodes += decision.decided ? decision.plan.nodes : 0;
        sim_world_step(world, &command);
    }
    (void)snprintf(hash, HASH, "%016" PRIx64, sim_world_result(world)->command_hash);
    add_nodes(hash, nodes);
    driver_destroy(&wheel);
    sim_world_destroy(&world);
    free(frame);
    free(scenario);
    free(config);
}

static void test_run_repeats_itself_when_embedded(void **state)
{
    char first[HASH];
    char second[HASH];
    (void)state;
    run_hash(MODE_EMBEDDED, SCENARIO, first);
    run_hash(MODE_EMBEDDED, SCENARIO, second);
    assert_string_equal(first, second);
}

static void test_run_repeats_itself_when_processes(void **state)
{
    char first[HASH];
    char second[HASH];
    (void)state;
    run_hash(MODE_PROCESSES, SCENARIO, first);
    run_hash(MODE_PROCESSES, SCENARIO, second);
    assert_string_equal(first, second);
}

static void test_run_is_the_same_direct_embedded_and_as_processes(void **state)
{
    char direct[HASH];
    char threads[HASH];
    char processes[HASH];
    (void)state;
    direct_hash(direct);
    run_hash(MODE_EMBEDDED, SCENARIO, threads);
    run_hash(MODE_PROCESSES, SCENARIO, processes);
    assert_string_equal(direct, threads);
    assert_string_equal(direct, processes);
}

/** The hash sees the commands: another road gives others. */
static void test_run_differs_when_the_scenario_does(void **state)
{
    char one[HASH];
    char other[HASH];
    (void)state;
    run_hash(MODE_EMBEDDED, SCENARIO, one);
    run_hash(MODE_EMBEDDED, "cts/03", other);
    assert_string_not_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_repeats_itself_when_embedded),
        cmocka_unit_test(test_run_repeats_itself_when_processes),
        cmocka_unit_test(test_run_is_the_same_direct_embedded_and_as_processes),
        cmocka_unit_test(test_run_differs_when_the_scenario_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
