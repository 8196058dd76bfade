/* Memory that runs out while the parts of a run are made: nodes, links, onlookers, drivers. What is
 * loaded and learned: test_memory_loaders. That no *_create and no loader is forgotten:
 * test_memory_list. */
#include "cli/driver.h"
#include "cli/recorder_node.h"
#include "cli/run_watch.h"
#include "cli/tap_state.h"
#include "cli/view_server.h"
#include "common/hp_keys.h"
#include "common/hp_safetensors.h"
#include "planner/plan_cycle.h"
#include "planner/planner_node.h"
#include "policy/policy_model.h"
#include "policy/policy_node.h"
#include "pomdp/pomdp_node.h"
#include "predictor/predictor_node.h"
#include "proto/hp_client.h"
#include "proto/hp_server.h"
#include "sim-bridge/bridge_node.h"
#include "sim-bridge/sim_oracle.h"
#include "sim-bridge/sim_world.h"
#include "tests/support/heap_doors.h"
#include "tests/support/shell.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What is made ---- */

static cli_config config;
static char dir[64], keys[80];
static hp_bus *bus;
static hp_clock clock_now;
static hp_log quiet;
static hp_node identity;
static hp_mail mail; /* of a client's node */

static hp_status make_bus(hp_error *error)
{
    hp_bus *made = NULL;
    (void)error;
    const hp_status st = hp_bus_create(&made);
    hp_bus_destroy(&made);
    return st;
}

static hp_status make_gate(hp_error *error)
{
    hp_bus *made = NULL;
    hp_status st = hp_bus_create(&made);
    if (st == HP_OK) {
        st = hp_bus_secure(made, keys, &quiet, error);
    }
    hp_bus_destroy(&made);
    return st;
}

static hp_status make_codec(hp_error *error)
{
    hp_codec *codec = NULL;
    (void)error;
    const hp_status st = hp_codec_create(&codec);
    hp_codec_destroy(&codec);
    return st;
}

static hp_status make_mail(hp_error *error)
{
    hp_mail made = {.node = NULL};
    (void)error;
    const hp_status st = hp_mail_create(&identity, &made);
    hp_mail_destroy(&made);
    return st;
}

static hp_status make_client(hp_error *error)
{
    hp_client *client = NULL;
    const hp_status st = hp_client_create(&mail, HP_LINK_POMDP, &client, error);
    hp_client_destroy(&client);
    return st;
}

static void no_answer(void *ctx, const void *request, void *reply)
{
    (void)ctx;
    (void)request;
    (void)reply;
}

static hp_status make_server(hp_error *error)
{
    static const hp_service SERVICE = {.link = HP_LINK_PREDICTOR,
                                       .request = HP_MSG_PREDICT_REQUEST,
                                       .reply = HP_MSG_PREDICT_REPLY,
                                       .answer = no_answer};
    hp_server *server = NULL;
    const hp_status st = hp_server_create(&identity, &SERVICE, &server, error);
    hp_server_destroy(&server);
    return st;
}

static hp_status make_cycle(hp_error *error)
{
    static const plan_workers NOBODY = {NULL, NULL, NULL};
    plan_cycle *cycle = NULL;
    (void)error;
    const hp_status st =
        plan_cycle_create(&config.plan, &config.predictor.cv, &NOBODY, &clock_now, &cycle);
    plan_cycle_destroy(&cycle);
    return st;
}

static hp_status make_planner(hp_error *error)
{
    planner_node *node = NULL;
    const planner_setup setup = {
        .config = {config.plan, config.car, config.predictor}, .seed = 1, .run_dir = dir};
    const hp_status st = planner_node_create(&setup, &identity, &node, error);
    planner_node_destroy(&node);
    return st;
}

static hp_status make_predictor(hp_error *error)
{
    predictor_node *node = NULL;
    const hp_status st = predictor_node_create(&config.predictor, &identity, &node, error);
    predictor_node_destroy(&node);
    return st;
}

static hp_status make_pomdp(hp_error *error)
{
    pomdp_node *node = NULL;
    const hp_status st = pomdp_node_create(&config.car, &config.policy, &identity, &node, error);
    pomdp_node_destroy(&node);
    return st;
}

static hp_status make_policy(hp_error *error)
{
    policy_node *node = NULL;
    const hp_status st = policy_node_create(&config.policy, &identity, &node, error);
    policy_node_destroy(&node);
    return st;
}

static hp_status make_bridge(hp_error *error)
{
    bridge_node *node = NULL;
    const bridge_setup setup = {
        .bridge = config.bridge, .sim = config.sim, .seed = 1, .run_dir = dir};
    const hp_status st = bridge_node_create(&setup, &identity, &node, error);
    bridge_node_destroy(&node);
    return st;
}

static hp_status make_watch(hp_error *error)
{
    run_watch *watch = NULL;
    const hp_status st = run_watch_create(bus, identity.base, true, &watch, error);
    run_watch_destroy(&watch);
    return st;
}

static hp_status make_tap(hp_error *error)
{
    tap_state *tap = NULL;
    const hp_status st = tap_state_create(&identity, &tap, error);
    tap_state_destroy(&tap);
    return st;
}

static hp_status make_view(hp_error *error)
{
    tap_state *tap = NULL;
    view_server *server = NULL;
    hp_status st = tap_state_create(&identity, &tap, error);
    if (st == HP_OK) {
        st = view_server_create(tap, NULL, 0, &server, error);
    }
    view_server_destroy(&server);
    tap_state_destroy(&tap);
    return st;
}

static hp_status make_recorder(hp_error *error)
{
    recorder_node *node = NULL;
    const recorder_setup setup = {.run_dir = dir, .scenario = "", .seed = 1};
    const hp_status st = recorder_node_create(&setup, &identity, &node, error);
    heap_doors_open(); /* its end writes the file's, with what memory there is */
    recorder_node_destroy(&node);
    return st;
}

static hp_status make_world(hp_error *error)
{
    sim_world *world = NULL;
    (void)error;
    const hp_status st = sim_world_create(&config.sim, &world);
    sim_world_destroy(&world);
    return st;
}

static hp_status make_oracle(hp_error *error)
{
    sim_oracle *oracle = NULL;
    (void)error;
    const hp_status st = sim_oracle_create(&oracle);
    sim_oracle_destroy(&oracle);
    return st;
}

static hp_status make_drivers(hp_error *error)
{
    hp_status st = HP_OK;
    for (const driver_kind *kind = DRIVER_KINDS; kind->name != NULL && st == HP_OK; kind++) {
        driver *made = NULL;
        st = driver_create(kind, &config, true, &made, error);
        /* A calibration of another planner is refused, with memory or without. */
        st = st == HP_ECONFIG && !kind->baseline ? HP_OK : st;
        driver_destroy(&made);
    }
    return st;
}

static hp_status load_tensors(hp_error *error)
{
    hp_tensors *tensors = NULL;
    const hp_status st = hp_tensors_read("models/policy.safetensors", &tensors, error);
    hp_tensors_destroy(&tensors);
    return st;
}

static hp_status load_policy(hp_error *error)
{
    policy_model model = {.params = NULL};
    const hp_status st = policy_model_read("models/policy.safetensors", &model, error);
    if (st == HP_OK) {
        policy_model_destroy(&model);
    }
    return st;
}

/* ---- Again and again ---- */

static const maker MAKERS[] = {
    {"bus", make_bus, false},
    {"gate", make_gate, false},
    {"codec", make_codec, false},
    {"mail", make_mail, false},
    {"client", make_client, false},
    {"server", make_server, false},
    {"cycle", make_cycle, false},
    {"planner", make_planner, false},
    {"predictor", make_predictor, false},
    {"pomdp", make_pomdp, false},
    {"policy", make_policy, false},
    {"bridge", make_bridge, false},
    {"watch", make_watch, false},
    {"tap", make_tap, false},
    {"view", make_view, false},
    {"recorder", make_recorder, true},
    {"world", make_world, false},
    {"oracle", make_oracle, false},
    {"drivers", make_drivers, false},
    {"tensors", load_tensors, false},
    {"policy model", load_policy, false},
};

static int set_up(void **state)
{
    hp_error error = {{0}};
    (void)state;
    cli_config_default(&config);
    config.car.max_nodes = 5000; /* their size is not the point */
    config.car.max_particles = 100000;
    (void)snprintf(config.bridge.scenario, sizeof config.bridge.scenario, "scenarios/cts/01.yaml");
    (void)snprintf(dir, sizeof dir, "/tmp/hp_memory_XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    (void)snprintf(keys, sizeof keys, "%s/keys", dir);
    clock_now = hp_clock_real();
    quiet = (hp_log){.program = "test", .out = NULL};
    if (hp_keys_make(keys, NULL, &error) != HP_OK || hp_bus_create(&bus) != HP_OK) {
        return -1;
    }
    identity = (hp_node){
        .bus = bus, .role = HP_ROLE_PLANNER, .generation = 1, .clock = &clock_now, .log = &quiet};
    (void)snprintf(identity.base, sizeof identity.base, "ipc://%s", dir);
    return hp_mail_create(&identity, &mail) == HP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    hp_mail_destroy(&mail);
    hp_bus_destroy(&bus);
    return shell_remove(dir);
}

static void test_creates_and_loaders_say_so_when_any_allocation_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(MAKERS); i++) {
        heap_doors_try(&MAKERS[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creates_and_loaders_say_so_when_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
