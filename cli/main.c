/* The one command that users type. */
#include "cli/commands.h"
#include "cli/menu.h"
#include "cli/options.h"
#include "cli/version.h"
#include "common/hp_program.h"

#include <stdio.h>
#include <string.h>

static const menu_item COMMANDS[] = {
    {"run", "one closed loop with all parts started, watched and stopped", cmd_run},
    {"bench", "many scenes, several planners: crashes, arrivals, times", cmd_bench},
    {"replay", "a recorded drive: the planner in the driver's place, or the same run again",
     cmd_replay},
    {"solve", "the search on a standard problem: mean return with its standard error", cmd_solve},
    {"report", "a run or a benchmark as one page", cmd_report},
    {"log", "look into a recording: info, ls, cat, trace, export, recover", cmd_log},
    {"status", "a running run in the terminal", cmd_status},
    {"train", "a network: the driving policy, the predictor, or classic tasks", cmd_train},
    {"tune", "try configurations on the same scenes: safety against time, and a choice", cmd_tune},
    {"eval", "a network or a rule on data it has not seen, by published protocols", cmd_eval},
    {"calibrate", "how far the network may be wrong, as a driver and in the search", cmd_calibrate},
    {"carla", "a CARLA server: free it, calibrate the ego in it, print its map", cmd_carla},
    {"keys", "keys for sockets by tcp: new, allow, show", cmd_keys},
    {"config", "check, show or compare configurations", cmd_config},
    {"scenario", "list or show scenarios", cmd_scenario},
    {"doctor", "is everything here that a run needs?", cmd_doctor},
};

static const menu MENU = {
    .program = "hyplan",
    .word = "COMMAND",
    .before =
        "HyPlan plans a car's motion among people it can see, and some it cannot.\n\ncommands:",
    .after = "exit status: 0 done and passed, 1 ran but failed its criteria, 2 usage or\n"
             "configuration, 3 environment\n",
    .items = COMMANDS,
    .n = HP_ARRAY_LEN(COMMANDS),
};

/** What was printed must have arrived: a cut table is no result. */
static int after(int status)
{
    const bool written = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (!written && (status == CLI_DONE || status == CLI_FAILED)) {
        (void)fputs("hyplan: error: cannot write to standard output\n", stderr);
        return CLI_ENVIRONMENT;
    }
    return status;
}

/** `hyplan help COMMAND` is `hyplan COMMAND --help`. */
static int help(int argc, char **argv)
{
    char option[] = "--help";
    char *words[] = {argv[0], argc > 2 ? argv[2] : option, argc > 2 ? option : NULL, NULL};
    return menu_run(&MENU, argc > 2 ? 3 : 2, words);
}

int main(int argc, char **argv)
{
    hp_program_begin();
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        (void)printf("hyplan %s (%s, sources %s)\n", CLI_VERSION, CLI_BUILD, CLI_SOURCES);
        return after(CLI_DONE);
    }
    if (argc > 1 && strcmp(argv[1], "help") == 0) {
        return after(help(argc, argv));
    }
    return after(menu_run(&MENU, argc, argv));
}
