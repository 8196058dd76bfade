/* The world: determinism, what a frame may tell, overrides, mirrored scenes, silence of the heap.
 */
#include "tests/unit/sim-bridge/sim_drive.h"

#include "common/hp_bus.h"
#include "proto/hp_codec.h"
#include "tests/support/hp_test.h"

#include <string.h>

static hp_world_info info;
static hp_frame frame;

/* The heap's doors, counted (the linker wraps them). */
static uint32_t heap_calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *p);

void *__wrap_malloc(size_t size)
{
    ++heap_calls;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    ++heap_calls;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    ++heap_calls;
    return __real_realloc(old, size);
}

void __wrap_free(void *p)
{
    ++heap_calls;
    __real_free(p);
}

static sim_world *loaded(const char *id, const sim_scene *scene, uint64_t seed)
{
    static sim_scenario s;
    sim_world *world = sim_drive_world();
    sim_drive_read(id, &s);
    sim_world_load(world, &s, scene, 0, seed);
    sim_world_info(world, &info);
    return world;
}

/** The payload that a message becomes: what a receiver could compare (a struct has padding, too).
 */
static size_t encode(hp_msg_type type, const void *message, unsigned char *bytes)
{
    const hp_envelope envelope = {.type = type, .sender = HP_ROLE_BRIDGE, .generation = 1};
    hp_codec *codec = NULL;
    size_t len = 0;
    assert_int_equal(hp_codec_create(&codec), HP_OK);
    assert_int_equal(hp_encode(codec, &envelope, message, bytes, HP_BUS_MAX_MESSAGE, &len), HP_OK);
    hp_codec_destroy(&codec);
    assert_true(len > HP_ENVELOPE_BYTES);
    memmove(bytes, bytes + HP_ENVELOPE_BYTES, len - HP_ENVELOPE_BYTES); /* it tells the time */
    return len - HP_ENVELOPE_BYTES;
}

static void assert_same_message(hp_msg_type type, const void *a, const void *b)
{
    static unsigned char one[HP_BUS_MAX_MESSAGE];
    static unsigned char two[HP_BUS_MAX_MESSAGE];
    const size_t len = encode(type, a, one);
    assert_int_equal(len, encode(type, b, two));
    assert_memory_equal(one, two, len);
}

static void step_const(sim_world *world)
{
    sim_world_observe(world, &frame);
    const hp_command command = sim_drive_const(&info, &frame);
    sim_world_step(world, &command);
}

static void same_seed_same_bits(void **state)
{
    static const char *const IDS[] = {"01", "03", "09", "10", "11", "12"};
    (void)state;
    for (size_t k = 0; k < HP_ARRAY_LEN(IDS); ++k) {
        const sim_scene scene = sim_scene_default();
        sim_world *a = loaded(IDS[k], &scene, 4);
        sim_world *b = loaded(IDS[k], &scene, 4);
        uint64_t last = 0;
        while (sim_world_result(a)->verdict == HP_VERDICT_RUNNING) {
            step_const(a);
            step_const(b);
            assert_true(sim_world_hash(a) == sim_world_hash(b));
            assert_true(sim_world_hash(a) != last);
            last = sim_world_hash(a);
        }
        assert_int_equal(sim_world_result(b)->verdict, sim_world_result(a)->verdict);
        sim_world_destroy(&a);
        assert_null(a);
        sim_world_destroy(&b);
    }
}

static void a_used_world_plays_like_a_new_one(void **state)
{
    (void)state;
    static sim_scenario s;
    const sim_scene scene = sim_scene_default();
    sim_world *used = loaded("11", &scene, 1);
    for (int i = 0; i < 100; ++i) {
        step_const(used);
    }
    sim_drive_read("03", &s);
    sim_world_load(used, &s, &scene, 0, 1);
    sim_world *fresh = loaded("03", &scene, 1);
    while (sim_world_result(fresh)->verdict == HP_VERDICT_RUNNING) {
        step_const(used);
        step_const(fresh);
        assert_true(sim_world_hash(used) == sim_world_hash(fresh));
    }
    sim_world_destroy(&used);
    sim_world_destroy(&fresh);
}

static void observing_changes_nothing(void **state)
{
    static hp_frame again;
    (void)state;
    const sim_scene scene = {1.0, 30.0, 4.0, 0};
    sim_config config;
    sim_config_default(&config);
    config.sensor = (sim_sensor_config){
        .range_m = 50.0, .position_noise_m = 0.2, .speed_noise_mps = 0.2, .miss_p = 0.2};
    static sim_scenario s;
    sim_world *world = NULL;
    sim_drive_read("10", &s);
    assert_int_equal(sim_world_create(&config, &world), HP_OK);
    sim_world_load(world, &s, &scene, 0, 5);
    for (int i = 0; i < 150; ++i) {
        const uint64_t hash = sim_world_hash(world);
        memset(&frame, 0, sizeof frame);
        memset(&again, 0, sizeof again);
        sim_world_observe(world, &frame);
        sim_world_observe(world, &again);
        assert_memory_equal(&frame, &again, sizeof frame);
        assert_true(sim_world_hash(world) == hash);
        const hp_command command = {.accel_mps2 = 1.0};
        sim_world_step(world, &command);
    }
    sim_world_destroy(&world);
}

/** Two scenes that differ in what is hidden only: frames are the same to the bit until the walker
 * is in sight and has done something different. */
static void frames_tell_nothing_hidden(void **state)
{
    static hp_frame other;
    static hp_world_info other_info;
    (void)state;
    static const char *const IDS[] = {"03", "07", "08"};
    for (size_t k = 0; k < HP_ARRAY_LEN(IDS); ++k) {
        const sim_scene near = {2.0, 8.75, 4.0, 0};
        const sim_scene far = {0.5, 40.75, 6.0, 0};
        sim_world *a = loaded(IDS[k], &near, 3);
        sim_world *b = loaded(IDS[k], &far, 3);
        sim_world_info(a, &info);
        sim_world_info(b, &other_info);
        assert_same_message(HP_MSG_WORLD_INFO, &info, &other_info);
        sim_body bodies[SIM_MAX_WALKERS + SIM_MAX_CARS];
        hp_ego_state ego;
        bool moved = false; /* some walker does not stand where he did at first */
        uint32_t hidden = 0;
        while (!moved && sim_world_result(a)->verdict == HP_VERDICT_RUNNING) {
            memset(&frame, 0, sizeof frame);
            memset(&other, 0, sizeof other);
            sim_world_observe(a, &frame);
            sim_world_observe(b, &other);
            assert_same_message(HP_MSG_FRAME, &frame, &other);
            hidden += frame.n_agents == 0 ? 1 : 0;
            const hp_command command = sim_drive_const(&info, &frame);
            sim_world_step(a, &command);
            sim_world_step(b, &command);
            (void)sim_world_truth(b, &ego, bodies);
            moved = bodies[0].vx_mps != 0.0 || bodies[0].vy_mps != 0.0;
        }
        assert_true(moved && hidden > 20);
        sim_world_destroy(&a);
        sim_world_destroy(&b);
    }
}

/** A triggered walker behind the car changes no bit before he comes into sight. */
static void a_hidden_walker_may_walk_unseen(void **state)
{
    static hp_frame other;
    static sim_scenario with;
    static sim_scenario without;
    (void)state;
    const sim_scene scene = {1.0, 20.0, 4.0, 0};
    sim_drive_read("03", &with);
    with.ego_start.y_m = -224.0; /* from here on the car hides him */
    with.route_xy[1] = -224.0;
    without = with;
    without.n_walkers = 0;
    sim_world *a = sim_drive_world();
    sim_world *b = sim_drive_world();
    sim_world_load(a, &with, &scene, 0, 3);
    sim_world_load(b, &without, &scene, 0, 3);
    sim_world_info(a, &info);
    uint32_t walked_unseen = 0;
    for (;;) {
        memset(&frame, 0, sizeof frame);
        memset(&other, 0, sizeof other);
        sim_world_observe(a, &frame);
        sim_world_observe(b, &other);
        if (frame.n_agents > 0) {
            break;
        }
        assert_same_message(HP_MSG_FRAME, &frame, &other);
        sim_body bodies[SIM_MAX_WALKERS + SIM_MAX_CARS];
        hp_ego_state ego;
        (void)sim_world_truth(a, &ego, bodies);
        walked_unseen += bodies[0].vx_mps != 0.0 ? 1 : 0;
        const hp_command command = sim_drive_const(&info, &frame);
        sim_world_step(a, &command);
        sim_world_step(b, &command);
        assert_int_equal(sim_world_result(a)->verdict, HP_VERDICT_RUNNING);
    }
    assert_true(walked_unseen > 3);
    assert_int_equal(frame.agents[0].id, 2); /* after the parked car, and not by the script */
    sim_world_destroy(&a);
    sim_world_destroy(&b);
}

/** 03 and 07: seen past the parked car from far away, then hidden, then seen again. */
static void a_standing_walker_is_seen_then_hidden_then_seen(void **state)
{
    static const char *const IDS[] = {"03", "07"};
    (void)state;
    for (size_t k = 0; k < HP_ARRAY_LEN(IDS); ++k) {
        const sim_scene scene = {1.0, 0.01, 4.0, 0}; /* hardly ever triggers */
        sim_world *world = loaded(IDS[k], &scene, 1);
        uint32_t ticks[4] = {0}; /* unseen, seen, hidden, seen again */
        uint32_t phase = 0;
        while (sim_world_result(world)->progress_m < 68.0) {
            step_const(world);
            sim_world_observe(world, &frame);
            const bool seen = frame.n_agents > 0;
            phase += seen == (phase % 2 == 0) ? 1 : 0;
            assert_true(phase < 4);
            ticks[phase] += 1;
        }
        assert_int_equal(phase, 3);
        assert_true(ticks[1] > 10 && ticks[2] > 20 && ticks[3] >= 1);
        sim_world_destroy(&world);
    }
}

static bool holds_bytes(const void *data, size_t size, const void *what, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i + len <= size; ++i) {
        if (memcmp(bytes + i, what, len) == 0) {
            return true;
        }
    }
    return false;
}

/** Neither frame nor world info hold the scene's numbers or the scenario's names. */
static void no_message_names_the_scene(void **state)
{
    static sim_scenario s;
    (void)state;
    const sim_scene scene = {1.2345678, 23.456789, 4.5678901, 0};
    sim_drive_read("03", &s);
    sim_world *world = sim_drive_world();
    sim_world_load(world, &s, &scene, 0, 1);
    memset(&info, 0, sizeof info);
    memset(&frame, 0, sizeof frame);
    sim_world_info(world, &info);
    sim_world_observe(world, &frame);
    const double numbers[] = {scene.speed_mps, scene.distance_m, scene.car_speed_mps};
    for (size_t i = 0; i < HP_ARRAY_LEN(numbers); ++i) {
        assert_false(holds_bytes(&info, sizeof info, &numbers[i], sizeof(double)));
        assert_false(holds_bytes(&frame, sizeof frame, &numbers[i], sizeof(double)));
    }
    assert_false(holds_bytes(&info, sizeof info, s.title, 8));
    assert_false(holds_bytes(&frame, sizeof frame, s.title, 8));
    const uint64_t id = info.world_id;
    sim_world_load(world, &s, &scene, 1, 1);
    sim_world_info(world, &info);
    assert_true(info.world_id != id);
    sim_world_destroy(&world);
}

static void the_floor_of_10_cannot_be_left(void **state)
{
    (void)state;
    const sim_scene scene = {1.0, 5.0, 4.0, 0};
    sim_world *world = loaded("10", &scene, 1);
    hp_assert_near(info.speed_floor_mps, 20.0 / 3.6, 1e-12);
    hp_assert_near(info.speed_limit_mps, 50.0 / 3.6, 1e-12);
    double slowest = INFINITY;
    for (int i = 0; i < 200; ++i) {
        sim_world_observe(world, &frame);
        slowest = i > 60 ? fmin(slowest, frame.ego.speed_mps) : slowest;
        sim_world_step(world, NULL); /* brakes as hard as it can */
    }
    assert_true(slowest > 18.0 / 3.6);
    sim_world_destroy(&world);
    world = loaded("10", &scene, 1);
    double fastest = 0.0;
    for (int i = 0; i < 500; ++i) {
        const hp_command command = {.accel_mps2 = 3.0};
        sim_world_step(world, &command);
        sim_world_observe(world, &frame);
        fastest = fmax(fastest, frame.ego.speed_mps);
    }
    assert_true(fastest > 50.0 / 3.6 && fastest < 52.0 / 3.6);
    sim_world_destroy(&world);
}

static void cars_of_11_and_12_crawl(void **state)
{
    (void)state;
    const sim_scene scene = sim_scene_default();
    sim_world *world = loaded("12", &scene, 1);
    hp_assert_near(info.speed_limit_mps, 20.0 / 3.6, 1e-12);
    double fastest = 0.0;
    for (int i = 0; i < 150; ++i) {
        const hp_command command = {.accel_mps2 = 3.0};
        sim_world_step(world, &command);
        sim_world_observe(world, &frame);
        fastest = fmax(fastest, frame.ego.speed_mps);
    }
    assert_true(fastest > 20.0 / 3.6 && fastest < 21.0 / 3.6);
    hp_assert_near(sim_world_result(world)->speeding_s, 0.0, 0.0);
    sim_world_destroy(&world);
}

static void without_commands_the_ego_brakes_and_time_runs_out(void **state)
{
    (void)state;
    const sim_scene scene = sim_scene_default();
    sim_world *world = loaded("11", &scene, 1);
    sim_world_step(world, NULL);
    for (int i = 1; i < 520; ++i) {
        sim_world_step(world, NULL);
    }
    const sim_result *result = sim_world_result(world);
    assert_int_equal(result->verdict, HP_VERDICT_TIMEOUT);
    assert_int_equal(result->ticks, 500);
    assert_int_equal(result->sources[HP_SOURCE_SEARCH], 0);
    sim_world_observe(world, &frame);
    hp_assert_near(frame.ego.speed_mps, 0.0, 0.0);
    hp_assert_near(frame.ego.pose.y_m, -5.0 - pow(20.0 / 3.6, 2.0) / 16.0, 0.7);
    sim_world_destroy(&world);
}

static void mirrored_scenes_play_mirrored(void **state)
{
    static const char *const IDS[] = {"01", "07", "09", "10", "11"};
    static sim_scenario s;
    static sim_scene scenes[SIM_MAX_SCENES];
    (void)state;
    sim_world *world = sim_drive_world();
    for (size_t k = 0; k < HP_ARRAY_LEN(IDS); ++k) {
        sim_drive_read(IDS[k], &s);
        const uint32_t n = sim_grid_sample(&s, SIM_GRID_TRAINING, 27, scenes);
        for (uint32_t i = 0; i < n; ++i) {
            const sim_result plain = *sim_drive_episode(world, &s, &scenes[i]);
            sim_scenario_mirror(&s);
            const sim_result other = *sim_drive_episode(world, &s, &scenes[i]);
            sim_scenario_mirror(&s);
            assert_int_equal(plain.verdict, other.verdict);
            assert_int_equal(plain.crash, other.crash);
            assert_int_equal(plain.near_miss, other.near_miss);
            assert_int_equal(plain.ticks, other.ticks);
            hp_assert_near(plain.min_gap_m, other.min_gap_m, 1e-6);
            hp_assert_near(plain.max_speed_mps, other.max_speed_mps, 1e-9);
        }
    }
    sim_world_destroy(&world);
}

static void stepping_leaves_the_heap_alone(void **state)
{
    static sim_scenario s;
    (void)state;
    sim_config config;
    sim_world *world = NULL;
    const sim_scene scene = sim_scene_default();
    sim_config_default(&config);
    config.sensor.delay_ticks = 3;
    config.sensor.miss_p = 0.1;
    config.sensor.position_noise_m = 0.1;
    sim_drive_read("11", &s);
    const uint32_t before = heap_calls;
    assert_int_equal(sim_world_create(&config, &world), HP_OK);
    assert_true(heap_calls > before); /* the counter works */
    const uint32_t calls = heap_calls;
    for (uint32_t episode = 0; episode < 3; ++episode) {
        sim_world_load(world, &s, &scene, episode, 1);
        sim_world_info(world, &info);
        for (int i = 0; i < 300; ++i) {
            step_const(world);
        }
    }
    const uint32_t after = heap_calls;
    assert_int_equal(after, calls);
    sim_world_destroy(&world);
}

static void bridge_table_is_the_world(void **state)
{
    (void)state;
    const sim_scene scene = sim_scene_default();
    sim_world *direct = loaded("01", &scene, 1);
    sim_world *behind = loaded("01", &scene, 1);
    const bridge_world bridge = sim_world_as_bridge(behind);
    bridge.ops->info(bridge.self, &info);
    assert_string_equal(bridge.ops->name, "sim");
    while (bridge.ops->result(bridge.self)->verdict == HP_VERDICT_RUNNING) {
        bridge.ops->observe(bridge.self, &frame);
        const hp_command command = sim_drive_const(&info, &frame);
        bridge.ops->step(bridge.self, &command);
        step_const(direct);
    }
    assert_true(bridge.ops->result(bridge.self)->command_hash ==
                sim_world_result(direct)->command_hash);
    bridge.ops->destroy(bridge.self);
    sim_world_destroy(&direct);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_bits),
        cmocka_unit_test(a_used_world_plays_like_a_new_one),
        cmocka_unit_test(observing_changes_nothing),
        cmocka_unit_test(frames_tell_nothing_hidden),
        cmocka_unit_test(a_hidden_walker_may_walk_unseen),
        cmocka_unit_test(a_standing_walker_is_seen_then_hidden_then_seen),
        cmocka_unit_test(no_message_names_the_scene),
        cmocka_unit_test(the_floor_of_10_cannot_be_left),
        cmocka_unit_test(cars_of_11_and_12_crawl),
        cmocka_unit_test(without_commands_the_ego_brakes_and_time_runs_out),
        cmocka_unit_test(mirrored_scenes_play_mirrored),
        cmocka_unit_test(stepping_leaves_the_heap_alone),
        cmocka_unit_test(bridge_table_is_the_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
