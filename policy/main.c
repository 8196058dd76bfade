#include "common/hp_program.h"
#include "policy/policy_config.h"
#include "policy/policy_node.h"

static hp_status serve(const hp_section *sections, const hp_program_args *args, hp_error *error)
{
    hp_host host = {0};
    policy_node *node = NULL;
    hp_status st =
        hp_host_open(&host, HP_ROLE_POLICY, args->generation, &args->place, stderr, error);
    if (st == HP_OK) {
        st = policy_node_create(sections[0].target, &host.node, &node, error);
    }
    while ((st == HP_OK || st == HP_EINTERRUPTED) && !hp_program_stopping()) {
        st = policy_node_step(node, 100);
    }
    policy_node_destroy(&node);
    hp_host_close(&host);
    return st == HP_EINTERRUPTED ? HP_OK : st;
}

int main(int argc, char **argv)
{
    policy_config config;
    policy_config_default(&config);
    const hp_section sections[] = {{"policy", POLICY_FIELDS, &config}};
    const hp_program program = {.name = "hyplan-policy",
                                .summary = "values of situations, from a network when there is one",
                                .sections = sections,
                                .n_sections = HP_ARRAY_LEN(sections),
                                .serve = serve};
    return hp_program_run(&program, argc, argv);
}
