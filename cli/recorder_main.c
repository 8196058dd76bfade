#include "cli/recorder_node.h"
#include "common/hp_program.h"
#include "sim-bridge/bridge_config.h"

static hp_status serve(const hp_section *sections, const hp_program_args *args, hp_error *error)
{
    const bridge_config *bridge = sections[0].target;
    const recorder_setup setup = {.run_dir = args->run_dir,
                                  .scenario =
                                      bridge->world == BRIDGE_WORLD_SIM ? bridge->scenario : "",
                                  .seed = args->seed};
    hp_host host = {0};
    recorder_node *node = NULL;
    hp_status st = hp_host_open(&host, HP_ROLE_CLI, args->generation, &args->place, stderr, error);
    host.log.program = "recorder";
    if (st == HP_OK) {
        st = recorder_node_create(&setup, &host.node, &node, error);
    }
    while ((st == HP_OK || st == HP_EINTERRUPTED) && !hp_program_stopping()) {
        st = recorder_node_step(node, 100);
    }
    recorder_node_destroy(&node);
    hp_host_close(&host);
    return st == HP_EINTERRUPTED ? HP_OK : st;
}

int main(int argc, char **argv)
{
    bridge_config bridge;
    bridge_config_default(&bridge);
    const hp_section sections[] = {{"bridge", BRIDGE_FIELDS, &bridge}};
    const hp_program program = {.name = "hyplan-recorder",
                                .summary = "writes what the planner tells into run.mcap",
                                .sections = sections,
                                .n_sections = HP_ARRAY_LEN(sections),
                                .serve = serve};
    return hp_program_run(&program, argc, argv);
}
