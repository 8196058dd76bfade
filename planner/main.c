#include "common/hp_program.h"
#include "planner/planner_node.h"

#include <signal.h>

static volatile sig_atomic_t stop;

static void on_stop(int signal)
{
    (void)signal;
    stop = 1;
}

/** What stays the same from start to end. */
typedef struct setting {
    int argc;
    char **argv;
    hp_program_args args;
} setting;

static hp_program describe(const hp_section *sections, size_t n);

/** Reads the configuration again; a bad one changes nothing. */
static void reload(const setting *s, const hp_node *id, planner_node *node)
{
    plan_config fresh;
    hp_error error = {{0}};
    plan_config_default(&fresh);
    const hp_section sections[] = {{"control", PLAN_CONTROL_FIELDS, &fresh.control},
                                   {"planner", PLAN_FIELDS, &fresh}};
    const hp_program program = describe(sections, HP_ARRAY_LEN(sections));
    hp_status st = hp_program_reread(&program, s->argc, s->argv, &error);
    if (st == HP_OK) {
        st = planner_node_configure(node, &fresh, &error);
    }
    if (st == HP_OK) {
        hp_log_warn(id->log, "configuration read again: new thresholds from the next tick on");
    } else {
        hp_log_error(id->log, "configuration kept as it was: %s", error.text);
    }
}

static hp_status serve(const plan_config *config, const setting *s, hp_error *error)
{
    hp_host host = {0};
    planner_node *node = NULL;
    char note[160];
    const hp_program_args *args = &s->args;
    const bool granted = hp_realtime_ask(&config->control.realtime, note, sizeof note);
    hp_status st =
        hp_host_open(&host, HP_ROLE_PLANNER, args->generation, &args->place, stderr, error);
    if (st == HP_OK) {
        st = planner_node_create(config, args->seed, args->run_dir, &host.node, &node, error);
    }
    if (st == HP_OK && !granted) {
        hp_log_warn(host.node.log, "degraded: %s", note);
        planner_node_note(node, note);
    }
    while ((st == HP_OK || st == HP_EINTERRUPTED) && !stop) {
        st = planner_node_step(node, 100);
        if (hp_program_hung_up()) {
            reload(s, &host.node, node);
        }
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

static hp_program describe(const hp_section *sections, size_t n)
{
    return (hp_program){.name = "hyplan-planner",
                        .summary = "the daemon: from frame to command, tick by tick",
                        .sections = sections,
                        .n_sections = n,
                        .check = check};
}

int main(int argc, char **argv)
{
    setting s = {argc, argv, {0}};
    plan_config config;
    plan_config_default(&config);
    const hp_section sections[] = {{"control", PLAN_CONTROL_FIELDS, &config.control},
                                   {"planner", PLAN_FIELDS, &config}};
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
