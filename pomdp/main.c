#include "common/hp_program.h"
#include "pomdp/car/car_planner.h"
#include "pomdp/pomdp_node.h"

typedef struct setting {
    car_config car;
    policy_config policy;
} setting;

static hp_status check(const hp_section *sections, hp_error *error)
{
    const hp_status st = car_config_check(sections[0].target, error);
    return st == HP_OK ? car_planner_check(sections[0].target, sections[1].target, error) : st;
}

static hp_status serve(const setting *config, const hp_program_args *args, hp_error *error)
{
    hp_host host = {0};
    pomdp_node *node = NULL;
    hp_status st =
        hp_host_open(&host, HP_ROLE_POMDP, args->generation, &args->place, stderr, error);
    if (st == HP_OK) {
        st = pomdp_node_create(&config->car, &config->policy, &host.node, &node, error);
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
    hp_program_args args;
    setting config;
    car_config_default(&config.car);
    policy_config_default(&config.policy);
    const hp_section sections[] = {{"pomdp", CAR_FIELDS, &config.car},
                                   {"policy", POLICY_FIELDS, &config.policy}};
    const hp_program program = {.name = "hyplan-pomdp",
                                .summary = "search over the belief for the next acceleration",
                                .sections = sections,
                                .n_sections = HP_ARRAY_LEN(sections),
                                .check = check};
    hp_error error = {{0}};
    int status = 0;
    if (!hp_program_start(&program, argc, argv, &args, &status)) {
        return status;
    }
    hp_program_catch_stop();
    const hp_status st = serve(&config, &args, &error);
    return st == HP_OK ? 0 : hp_program_fail(&program, st, &error);
}
