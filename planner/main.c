#include "common/hp_program.h"
#include "planner/planner_node.h"

#include <signal.h>

static volatile sig_atomic_t stop;

static void on_stop(int signal)
{
    (void)signal;
    stop = 1;
}

static hp_status serve(const plan_config *config, const hp_program_args *args, hp_error *error)
{
    hp_host host = {0};
    planner_node *node = NULL;
    hp_status st =
        hp_host_open(&host, HP_ROLE_PLANNER, args->generation, args->sockets, stderr, error);
    if (st == HP_OK) {
        st = planner_node_create(config, args->seed, args->run_dir, &host.node, &node, error);
    }
    while ((st == HP_OK || st == HP_EINTERRUPTED) && !stop) {
        st = planner_node_step(node, 100);
    }
    planner_node_destroy(&node);
    hp_host_close(&host);
    return st == HP_EINTERRUPTED ? HP_OK : st;
}

/** Section 1 is "planner": its target is the whole plan_config. */
static hp_status check(const hp_section *sections, hp_error *error)
{
    return plan_config_check(sections[1].target, error);
}

int main(int argc, char **argv)
{
    plan_config config;
    plan_config_default(&config);
    const hp_section sections[] = {{"control", PLAN_CONTROL_FIELDS, &config.control},
                                   {"planner", PLAN_FIELDS, &config}};
    const hp_program program = {.name = "hyplan-planner",
                                .summary = "the daemon: from frame to command, tick by tick",
                                .sections = sections,
                                .n_sections = HP_ARRAY_LEN(sections),
                                .check = check};
    hp_program_args args;
    hp_error error = {{0}};
    int status = 0;
    if (!hp_program_start(&program, argc, argv, &args, &status)) {
        return status;
    }
    hp_program_on_stop(on_stop);
    const hp_status st = serve(&config, &args, &error);
    return st == HP_OK ? 0 : hp_program_fail(&program, st, &error);
}
