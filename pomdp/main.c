#include "common/hp_program.h"
#include "pomdp/car/car_planner.h"
#include "pomdp/pomdp_node.h"

static hp_status check(const hp_section *sections, hp_error *error)
{
    const hp_status st = car_config_check(sections[0].target, error);
    return st == HP_OK ? car_planner_check(sections[0].target, sections[1].target, error) : st;
}

static hp_status serve(const hp_section *sections, const hp_program_args *args, hp_error *error)
{
    hp_host host = {0};
    pomdp_node *node = NULL;
    hp_status st =
        hp_host_open(&host, HP_ROLE_POMDP, args->generation, &args->place, stderr, error);
    if (st == HP_OK) {
        st = pomdp_node_create(sections[0].target, sections[1].target, &host.node, &node, error);
    }
    while ((st == HP_OK || st == HP_EINTERRUPTED) && !hp_program_stopping()) {
        st = pomdp_node_step(node, 100);
    }
    pomdp_node_destroy(&node);
    hp_host_close(&host);
    return st == HP_EINTERRUPTED ? HP_OK : st;
}

int main(int argc, char **argv)
{
    car_config car;
    policy_config policy;
    car_config_default(&car);
    policy_config_default(&policy);
    const hp_section sections[] = {{"pomdp", CAR_FIELDS, &car}, {"policy", POLICY_FIELDS, &policy}};
    const hp_program program = {.name = "hyplan-pomdp",
                                .summary = "search over the belief for the next acceleration",
                                .sections = sections,
                                .n_sections = HP_ARRAY_LEN(sections),
                                .check = check,
                                .serve = serve};
    return hp_program_run(&program, argc, argv);
}
