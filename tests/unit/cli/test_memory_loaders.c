/* Memory that runs out while files are read, benchmarks and runs begin, and CARLA is called. See
 * test_memory_fails. */
#include "cli/bench_play.h"
#include "cli/bench_score.h"
#include "cli/drive_task.h"
#include "cli/embedded.h"
#include "cli/log_file.h"
#include "cli/osi_mcap.h"
#include "cli/recorder_file.h"
#include "cli/supervisor.h"
#include "common/hp_file.h"
#include "policy/policy_calib.h"
#include "policy/policy_model.h"
#include "policy/policy_nodes.h"
#include "predictor/pred_data.h"
#include "predictor/pred_model.h"
#include "sim-bridge/carla/carla_drive.h"
#include "sim-bridge/carla/carla_log.h"
#include "sim-bridge/carla/carla_recorder.h"
#include "sim-bridge/carla/carla_rpc.h"
#include "sim-bridge/carla/carla_world.h"
#include "sim-bridge/sim_replay.h"
#include "sim-bridge/xodr/xodr.h"
#include "tests/support/carla_log_sample.h"
#include "tests/support/heap_doors.h"
#include "tests/support/shell.h"
#include "tests/unit/sim-bridge/carla_rig.h"
#include "tests/unit/sim-bridge/clip_text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "models/policy.safetensors"

static cli_config config;
static drive_setting setting;
static bench_suite suite;
static uint64_t model_hash;
static char dir[64];
static rig *carla;

/** DIR/NAME; one at a time. */
static const char *in_dir(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* ---- Files ---- */

static hp_status load_config(hp_error *error)
{
    static cli_config read;
    const cli_common common = {.sets = {{"pomdp.budget.trials=5"}, 1}};
    return cli_config_load(&common, &read, error);
}

static hp_status load_scenario(hp_error *error)
{
    static sim_scenario scenario;
    return sim_scenario_read("scenarios/cts/09.yaml", &scenario, error);
}

static hp_status load_setting(hp_error *error)
{
    static drive_setting read;
    static const char *const IDS[] = {"01", "03"};
    return drive_setting_load(&config, IDS, 2, SIM_GRID_VALIDATION, &read, error);
}

static hp_status load_clip(hp_error *error)
{
    sim_clip *clip = NULL;
    bridge_world world = {.ops = NULL};
    hp_status st = sim_clip_read(in_dir("clip"), SIM_CLIP_DUT, &clip, error);
    if (st == HP_OK) {
        st = sim_replay_create(clip, 1, false, &config.sim, &world, error);
    }
    if (world.ops != NULL) {
        world.ops->destroy(world.self);
    }
    sim_clip_destroy(&clip);
    return st;
}

static hp_status load_roads(hp_error *error)
{
    xodr_map *map = NULL;
    const hp_status st = xodr_read("tests/fuzz/corpus/xodr/crossroads", &map, error);
    xodr_destroy(&map);
    return st;
}

static hp_status load_carla_log(hp_error *error)
{
    char *bytes = NULL;
    size_t len = 0;
    const hp_status st = hp_file_read(in_dir("drive.log"), CARLA_LOG_MAX_FILE, &bytes, &len, error);
    free(bytes);
    return st;
}

static hp_status load_drive(hp_error *error)
{
    carla_drive *drive = NULL;
    const hp_status st = carla_drive_read(in_dir("drive.log"), "", &drive, error);
    carla_drive_destroy(&drive);
    return st;
}

static hp_status load_table(hp_error *error)
{
    static const pred_format FORMAT = {.columns = 4};
    pred_table table = {0};
    const hp_status st = pred_table_read(in_dir("table.txt"), &FORMAT, &table, error);
    pred_table_free(&table);
    return st;
}

static hp_status load_predictor(hp_error *error)
{
    static pred_model model;
    return pred_model_read("models/predictor.safetensors", &model, error);
}

static hp_status load_nodes(hp_error *error)
{
    policy_nodes nodes = {.items = NULL};
    const hp_status st = policy_nodes_read(in_dir("nodes"), &nodes, error);
    policy_nodes_destroy(&nodes);
    return st;
}

static hp_status load_calibration(hp_error *error)
{
    policy_calib calib;
    return policy_calib_read("models/policy.calibration.safetensors", model_hash, 0, &calib, error);
}

static hp_status load_recording(hp_error *error)
{
    log_file *file = NULL;
    const hp_status st = log_file_open(in_dir("run.mcap"), &file, error);
    log_file_close(&file);
    return st;
}

static hp_status load_mcap(hp_error *error)
{
    hp_mcap_reader *reader = NULL;
    hp_mcap_source source;
    int fd = open(in_dir("run.mcap"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    hp_status st = hp_mcap_source_file(&fd, "run.mcap", &source, error);
    if (st == HP_OK) {
        st = hp_mcap_reader_create(&source, &reader, error);
    }
    hp_mcap_reader_destroy(&reader);
    (void)close(fd);
    return st;
}

static hp_status make_mcap(hp_error *error)
{
    hp_mcap_writer *writer = NULL;
    const hp_mcap_options options = hp_mcap_options_default();
    hp_mcap_file_sink file = {
        .fd = open(in_dir("new.mcap"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
        .path = "new.mcap"};
    const hp_mcap_sink sink = {hp_mcap_file_append, &file};
    assert_true(file.fd >= 0);
    const hp_status st = hp_mcap_writer_create(&options, &sink, &writer, error);
    hp_mcap_writer_destroy(&writer);
    (void)close(file.fd);
    return st;
}

static hp_status make_recording(hp_error *error)
{
    recorder_file *file = NULL;
    hp_mcap_written written;
    const hp_status st = recorder_file_open(in_dir("new.mcap"), &file, error);
    heap_doors_open(); /* its end writes the file's, with what memory there is */
    if (file != NULL) {
        (void)!recorder_file_close(&file, &written, NULL);
    }
    return st;
}

static hp_status make_trace(hp_error *error)
{
    osi_mcap *file = NULL;
    const hp_status st = osi_mcap_open(in_dir("new.mcap"), &file, error);
    heap_doors_open();
    if (file != NULL) {
        (void)!osi_mcap_close(&file, NULL);
    }
    return st;
}

/* ---- Benchmarks and runs ---- */
static const bench_request REQUEST = {
    .suite = "cts", .scenarios = "01", .scenes = "2", .planners = "aeb,despot"};
static const cli_common COMMON = {.seed = 1, .jobs = 1, .data_dir = "data"};

static hp_status make_suite(hp_error *error)
{
    static bench_suite made;
    memset(&made, 0, sizeof made);
    const hp_status st = bench_suite_create(&REQUEST, &COMMON, &config, &made, error);
    bench_suite_destroy(&made);
    return st;
}

static hp_status make_book(hp_error *error)
{
    bench_book book = {.n_rows = 0};
    bench_board board = {0};
    hp_status st = bench_book_create(&suite.settings, &book);
    if (st == HP_OK) {
        st = bench_book_load(&book, in_dir("none.csv"), error);
    }
    if (st == HP_OK) {
        st = bench_board_create(&book, &board);
        bench_board_destroy(&board);
    }
    bench_book_destroy(&book);
    return st;
}

static hp_status make_player(hp_error *error)
{
    bench_player *player = NULL;
    (void)error;
    const hp_status st = bench_player_create(&suite, &config, &player);
    bench_player_destroy(&player);
    return st;
}

static hp_status make_supervisor(hp_error *error)
{
    static const hp_log SILENT = {.program = "test", .out = NULL};
    const supervisor_program program = {.name = "x", .path = "/bin/true", .argv = {"x", NULL}};
    supervisor *s = NULL;
    (void)error;
    const hp_status st = supervisor_create(&program, 1, STDERR_FILENO, &SILENT, &s);
    supervisor_destroy(&s);
    return st;
}

static hp_status make_embedded(hp_error *error)
{
    const embedded_setup threads = {.config = &config, .seed = 1, .run_dir = dir};
    embedded *parts = NULL;
    const hp_status st = embedded_create(&threads, &parts, error);
    embedded_destroy(&parts);
    return st;
}

/* ---- CARLA ---- */
static hp_status make_server(hp_error *error)
{
    const hp_clock clock = hp_clock_real();
    carla_server_config server_config;
    carla_server *server = NULL;
    carla_server_config_default(&server_config);
    server_config.port = 0;
    const hp_status st = carla_server_create(&server_config, &clock, &server, error);
    carla_server_destroy(&server);
    return st;
}

static hp_status make_call(hp_error *error)
{
    carla_rpc *rpc = NULL;
    const hp_status st =
        carla_rpc_open("127.0.0.1", (uint16_t)carla->carla.port, &carla->clock, 30.0, &rpc, error);
    carla_rpc_close(&rpc);
    return st;
}

static hp_status make_client(hp_error *error)
{
    const carla_endpoint endpoint = rig_endpoint(carla);
    carla_client *client = NULL;
    const hp_status st = carla_client_connect(&endpoint, &carla->clock, &client, error);
    carla_client_close(&client);
    return st;
}

static hp_status make_carla_world(hp_error *error)
{
    const carla_world_setup world_setup = {.clock = &carla->clock,
                                           .carla = &carla->carla,
                                           .sim = &carla->sim,
                                           .scenario = &setting.scenarios[0],
                                           .scene = sim_scene_default(),
                                           .seed = 1};
    bridge_world world = {.ops = NULL};
    const hp_status st = carla_world_create(&world_setup, &world, error);
    if (st == HP_OK) {
        world.ops->destroy(world.self);
    }
    return st;
}

static hp_status make_carla_recorder(hp_error *error)
{
    carla_recorder *recorder = NULL;
    (void)error;
    const hp_status st = carla_recorder_open(in_dir("new.log"), "Town01", &recorder);
    carla_recorder_close(&recorder);
    return st;
}

static const maker MAKERS[] = {
    {"configuration", load_config, false},
    {"scenario", load_scenario, false},
    {"setting", load_setting, false},
    {"clip", load_clip, false},
    {"roads", load_roads, false},
    {"CARLA's log", load_carla_log, false},
    {"drive", load_drive, false},
    {"table", load_table, false},
    {"predictor model", load_predictor, false},
    {"nodes", load_nodes, false},
    {"calibration", load_calibration, false},
    {"recording", load_recording, false},
    {"MCAP reader", load_mcap, false},
    {"MCAP writer", make_mcap, false},
    {"recorder's file", make_recording, true},
    {"trace", make_trace, true},
    {"suite", make_suite, false},
    {"book", make_book, false},
    {"player", make_player, false},
    {"supervisor", make_supervisor, false},
    {"embedded", make_embedded, false},
    {"server", make_server, false},
    {"call", make_call, false},
    {"client", make_client, false},
    {"CARLA's world", make_carla_world, false},
    {"CARLA's recorder", make_carla_recorder, false},
};

static void write_file(const char *name, const void *bytes, size_t len)
{
    FILE *out = fopen(in_dir(name), "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static void write_clip(void)
{
    static const clip_motion WALKER = {
        .id = 1, .n_frames = 200, .x_m = 20.0, .y_m = -5.0, .vy_mps = 1.0};
    static const clip_motion CAR = {.id = 1, .n_frames = 200, .vx_mps = 5.0};
    clip_writer walkers = {0};
    clip_writer cars = {0};
    clip_write_file(&walkers, false, &WALKER, 1);
    clip_write_file(&cars, true, &CAR, 1);
    write_file("clip_traj_ped_filtered.csv", walkers.bytes, walkers.len);
    write_file("clip_traj_veh_filtered.csv", cars.bytes, cars.len);
    clip_writer_free(&cars);
    clip_writer_free(&walkers);
}

static void write_files(void)
{
    hp_error error = {{0}};
    recorder_file *recording = NULL;
    hp_mcap_written written;
    policy_node_sample sample = {
        .upper = 1.0, .spread = 0.1, .width = 0.1, .particles = 10.0, .depth = 1.0, .ttc_s = 1.0};
    const policy_nodes nodes = {.n = 1, .items = &sample};
    write_clip();
    write_file("drive.log", RECORDING, sizeof RECORDING);
    write_file("table.txt", "1 2 3 4\n5 6 7 8\n", 16);
    assert_int_equal(policy_nodes_write(&nodes, dir, "nodes", &error), HP_OK);
    assert_int_equal(recorder_file_open(in_dir("run.mcap"), &recording, &error), HP_OK);
    assert_int_equal(recorder_file_close(&recording, &written, &error), HP_OK);
}

static int set_up(void **state)
{
    static const char *const IDS[] = {"01", "03"};
    hp_error error = {{0}};
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/hp_memory_XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    cli_config_default(&config);
    config.car.max_nodes = 5000; /* their size is not the point */
    config.car.max_particles = 100000;
    (void)snprintf(config.policy.model, sizeof config.policy.model, MODEL);
    (void)snprintf(config.bridge.scenario, sizeof config.bridge.scenario, "scenarios/cts/01.yaml");
    if (drive_setting_load(&config, IDS, 2, SIM_GRID_VALIDATION, &setting, &error) != HP_OK ||
        bench_suite_create(&REQUEST, &COMMON, &config, &suite, &error) != HP_OK) {
        return -1;
    }
    policy_model model = {.params = NULL};
    if (policy_model_read(MODEL, &model, &error) != HP_OK) {
        return -1;
    }
    model_hash = policy_model_hash(&model);
    policy_model_destroy(&model);
    write_files();
    carla = rig_open(CARLA_0_9_15);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(carla);
    bench_suite_destroy(&suite);
    return shell_remove(dir);
}

static void test_loaders_say_so_when_any_allocation_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(MAKERS); i++) {
        heap_doors_try(&MAKERS[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loaders_say_so_when_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
