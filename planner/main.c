#include "common/hp_program.h"
#include "planner/planner_node.h"

#include <unistd.h>

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
    plan_live fresh;
    hp_error error = {{0}};
    hp_section sections[PLAN_LIVE_SECTIONS];
    plan_live_default(&fresh);
    plan_live_sections(&fresh, sections);
    const hp_program program = describe(sections, HP_ARRAY_LEN(sections));
    hp_status st = hp_program_reread(&program, s->argc, s->argv, &error);
    if (st == HP_OK) {
        st = planner_node_configure(node, &fresh, &error);
    }
    if (st == HP_OK) {
        hp_log_warn(id->log, "configuration read again: new thresholds from the next tick on");
    } else {
        hp_log_error(id->log, "configuration kept as it was: %s", error.text);
        planner_node_refuse(node, error.text);
    }
}

static hp_status serve(const planner_setup *setup, const setting *s, hp_error *error)
{
    hp_host host = {0};
    planner_node *node = NULL;
    char note[160];
    const hp_program_args *args = &s->args;
    const bool granted = hp_realtime_ask(&setup->config.plan.control.realtime, note, sizeof note);
    hp_status st =
        hp_host_open(&host, HP_ROLE_PLANNER, args->generation, &args->place, stderr, error);
    if (st == HP_OK) {
        st = planner_node_create(setup, &host.node, &node, error);
    }
    if (st == HP_OK && !granted) {
        hp_log_warn(host.node.log, "degraded: %s", note);
        planner_node_note(node, note);
    }
    while ((st == HP_OK || st == HP_EINTERRUPTED) && !hp_program_stopping()) {
        st = planner_node_step(node, 100);
        if (hp_program_hung_up()) {
            reload(s, &host.node, node);
        }
    }
    planner_node_destroy(&node);
    hp_host_close(&host);
    return st == HP_EINTERRUPTED ? HP_OK : st;
}

/** Section 1 is "planner", whose target is the whole plan_config, the first part of a plan_live. */
static hp_status check(const hp_section *sections, hp_error *error)
{
    return plan_live_check(sections[1].target, error);
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
    planner_setup setup = {.pid = getpid()};
    hp_section sections[PLAN_LIVE_SECTIONS];
    plan_live_default(&setup.config);
    plan_live_sections(&setup.config, sections);
    const hp_program program = describe(sections, HP_ARRAY_LEN(sections));
    hp_error error = {{0}};
    int status = 0;
    if (!hp_program_start(&program, argc, argv, &s.args, &status)) {
        return status;
    }
    hp_program_hold_hup();
    hp_program_catch_stop();
    setup.seed = s.args.seed;
    setup.run_dir = s.args.run_dir;
    const hp_status st = serve(&setup, &s, &error);
    return st == HP_OK ? 0 : hp_program_fail(&program, st, &error);
}
