/* From a frame's bytes to a command's bytes nothing is allocated: prediction by the network,
 * belief, detour, search with pruning, guard and steering, over whole scenes. malloc is ours here,
 * the C library's included, and counts. */
#include "cli/direct.h"
#include "cli/policy_grid.h"
#include "common/hp_bus.h"
#include "proto/hp_codec.h"
#include "sim-bridge/sim_world.h"
#include "tests/support/counting_malloc.h"
#include "tests/support/hp_test.h"

static cli_config config;
static hp_codec *codec;
static hp_message letter;
static hp_decision decision;
static hp_world_info info;
static unsigned char bytes[HP_BUS_MAX_MESSAGE];

/** One frame's way. Returns the calls that were made on it. */
static unsigned long tick(driver *d, const hp_frame *frame, hp_command *command)
{
    const hp_envelope out = {.type = HP_MSG_FRAME};
    const hp_envelope back = {.type = HP_MSG_COMMAND};
    hp_envelope in;
    size_t len = 0;
    assert_int_equal(hp_encode(codec, &out, frame, bytes, sizeof bytes, &len), HP_OK);
    const unsigned long before = calls;
    const hp_status decoded = hp_decode(codec, bytes, len, &in, &letter, NULL);
    d->ops->tick(d, &letter.as_hp_frame, command, &decision);
    const hp_status encoded = hp_encode(codec, &back, command, bytes, sizeof bytes, &len);
    const unsigned long after = calls;
    assert_int_equal(decoded, HP_OK);
    assert_int_equal(encoded, HP_OK);
    return after - before;
}

/** A scene from its first frame to the verdict. Returns the calls; *searches: how often it
 * searched. */
static unsigned long drive(driver *d, sim_world *world, const char *path, unsigned *searches)
{
    static sim_scenario scenario;
    static hp_frame frame;
    hp_command command;
    hp_error error = {{0}};
    unsigned long sum = 0;
    const sim_scene scene = sim_scene_default();
    assert_int_equal(sim_scenario_read(path, &scenario, &error), HP_OK);
    sim_world_load(world, &scenario, &scene, 0, 1);
    const bridge_world w = sim_world_as_bridge(world);
    w.ops->info(w.self, &info);
    d->ops->begin(d, &info, 1);
    while (w.ops->result(w.self)->verdict == HP_VERDICT_RUNNING) {
        w.ops->observe(w.self, &frame);
        sum += tick(d, &frame, &command);
        *searches += decision.decided && decision.plan.trials > 0 ? 1 : 0;
        w.ops->step(w.self, &command);
    }
    return sum;
}

static void test_tick_allocates_nothing_from_frame_to_command(void **state)
{
    static const char *const SCENARIOS[] = {"scenarios/cts/03.yaml", "scenarios/cts/11.yaml",
                                            "scenarios/cts/09.yaml"};
    driver *d = NULL;
    sim_world *world = NULL;
    unsigned searches = 0;
    (void)state;
    const unsigned long before = calls;
    hp_status st = direct_driver_create(&config, true, POMDP_PRUNE_CRUDE, &d, NULL);
    if (st == HP_ECONFIG) { /* until it is made anew, after a change of what it depends on */
        print_message("the calibration is of another planner: without pruning\n");
        st = direct_driver_create(&config, true, POMDP_PRUNE_OFF, &d, NULL);
    }
    assert_int_equal(st, HP_OK);
    assert_true(calls > before); /* the wire is live */
    assert_int_equal(sim_world_create(&config.sim, &world), HP_OK);
    for (size_t i = 0; i < HP_ARRAY_LEN(SCENARIOS); i++) {
        const unsigned long made = drive(d, world, SCENARIOS[i], &searches);
        if (made > 0) {
            fail_msg("%s: %lu allocations", SCENARIOS[i], made);
        }
    }
    assert_true(searches > 50);
    sim_world_destroy(&world);
    driver_destroy(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tick_allocates_nothing_from_frame_to_command),
    };
    cli_config_default(&config);
    config.car.budget.trials = 10;
    (void)snprintf(config.policy.model, sizeof config.policy.model, "models/policy.safetensors");
    (void)snprintf(config.predictor.model, sizeof config.predictor.model,
                   "models/predictor.safetensors");
    policy_grid_stamp(&config);
    if (hp_codec_create(&codec) != HP_OK) {
        return 1;
    }
    const int failures = cmocka_run_group_tests(tests, NULL, NULL);
    hp_codec_destroy(&codec);
    return failures;
}
