#include "common/hp_program.h"
#include "sim-bridge/bridge_node.h"

static hp_status serve(const bridge_setup *setup, const hp_program_args *args, bool *lost,
                       hp_error *error)
{
    hp_host host = {0};
    bridge_node *node = NULL;
    hp_status st =
        hp_host_open(&host, HP_ROLE_BRIDGE, args->generation, &args->place, stderr, error);
    if (st == HP_OK) {
        st = bridge_node_create(setup, &host.node, &node, error);
    }
    while ((st == HP_OK || st == HP_EINTERRUPTED) && !hp_program_stopping() &&
           !bridge_node_done(node)) {
        st = bridge_node_step(node, 100);
    }
    *lost = node != NULL && bridge_node_lost(node);
    bridge_node_destroy(&node);
    hp_host_close(&host);
    return st == HP_EINTERRUPTED ? HP_OK : st;
}

int main(int argc, char **argv)
{
    bridge_setup setup = {.seed = 1};
    bridge_config_default(&setup.bridge);
    sim_config_default(&setup.sim);
    const hp_section sections[] = {{"bridge", BRIDGE_FIELDS, &setup.bridge},
                                   {"sim", SIM_FIELDS, &setup.sim}};
    const hp_program program = {.name = "hyplan-bridge",
                                .summary = "owns the world and its clock: simulator or recording",
                                .sections = sections,
                                .n_sections = HP_ARRAY_LEN(sections)};
    hp_program_args args;
    hp_error error = {{0}};
    int status = 0;
    bool lost = false;
    if (!hp_program_start(&program, argc, argv, &args, &status)) {
        return status;
    }
    setup.seed = args.seed;
    setup.run_dir = args.run_dir;
    hp_program_catch_stop();
    const hp_status st = serve(&setup, &args, &lost, &error);
    return st != HP_OK ? hp_program_fail(&program, st, &error) : (lost ? 1 : 0);
}
