#include "common/hp_program.h"
#include "pomdp/pomdp_node.h"

#include <signal.h>

static volatile sig_atomic_t stop;

static void on_stop(int signal)
{
    (void)signal;
    stop = 1;
}

typedef struct setting {
    car_config car;
    policy_config policy;
} setting;

/** What stays the same from start to end. */
typedef struct start {
    int argc;
    char **argv;
    hp_program_args args;
} start;

static hp_status check(const hp_section *sections, hp_error *error)
{
    return car_config_check(sections[0].target, error);
}

static hp_program describe(const hp_section *sections, size_t n)
{
    return (hp_program){.name = "hyplan-pomdp",
                        .summary = "search over the belief for the next acceleration",
                        .sections = sections,
                        .n_sections = n,
                        .check = check};
}

/** Reads pomdp.prune again; a bad file changes nothing, and nothing else of a good one is taken. */
static void reload(const start *s, const hp_node *id, pomdp_node *node)
{
    car_config fresh;
    hp_error error = {{0}};
    car_config_default(&fresh);
    const hp_section sections[] = {{"pomdp", CAR_FIELDS, &fresh}};
    const hp_program program = describe(sections, HP_ARRAY_LEN(sections));
    const hp_status st = hp_program_reread(&program, s->argc, s->argv, &error);
    if (st == HP_OK) {
        pomdp_node_configure(node, &fresh.prune);
        hp_log_warn(id->log, "pruning configured anew: from the next search on");
    } else {
        hp_log_error(id->log, "configuration kept as it was: %s", error.text);
    }
}

static hp_status serve(const setting *config, const start *s, hp_error *error)
{
    hp_host host = {0};
    pomdp_node *node = NULL;
    hp_status st =
        hp_host_open(&host, HP_ROLE_POMDP, s->args.generation, &s->args.place, stderr, error);
    if (st == HP_OK) {
        st = pomdp_node_create(&config->car, &config->policy, &host.node, &node, error);
    }
    while ((st == HP_OK || st == HP_EINTERRUPTED) && !stop) {
        st = pomdp_node_step(node, 100);
        if (hp_program_hung_up()) {
            reload(s, &host.node, node);
        }
    }
    pomdp_node_destroy(&node);
    hp_host_close(&host);
    return st == HP_EINTERRUPTED ? HP_OK : st;
}

int main(int argc, char **argv)
{
    start s = {argc, argv, {0}};
    setting config;
    car_config_default(&config.car);
    policy_config_default(&config.policy);
    const hp_section sections[] = {{"pomdp", CAR_FIELDS, &config.car},
                                   {"policy", POLICY_FIELDS, &config.policy}};
    const hp_program program = describe(sections, HP_ARRAY_LEN(sections));
    hp_error error = {{0}};
    int status = 0;
    if (!hp_program_start(&program, argc, argv, &s.args, &status)) {
        return status;
    }
    hp_program_hold_hup();
    hp_program_on_stop(on_stop);
    const hp_status st = serve(&config, &s, &error);
    return st == HP_OK ? 0 : hp_program_fail(&program, st, &error);
}
