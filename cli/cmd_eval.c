/* hyplan eval: the networks, each by its own command. */
#include "cli/commands.h"
#include "cli/eval.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

typedef struct eval_kind {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} eval_kind;

static const eval_kind KINDS[] = {
    {"policy", "the driving policy: returns, crashes, calibration", eval_policy},
    {"prune", "what pruning costs and saves, against long searches alone", eval_prune},
    {"predictor", "where others may go: errors, likelihood, calibration, latency", eval_predictor},
};

static void print_help(FILE *out)
{
    (void)fputs("usage: hyplan eval WHAT [options]\n\n", out);
    for (size_t i = 0; i < HP_ARRAY_LEN(KINDS); i++) {
        (void)fprintf(out, "  %-10s %s\n", KINDS[i].name, KINDS[i].help);
    }
    (void)fputs("\nhyplan eval WHAT --help shows its options with an example.\n", out);
}

int cmd_eval(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help(stdout);
        return CLI_DONE;
    }
    for (size_t i = 0; argc > 1 && i < HP_ARRAY_LEN(KINDS); i++) {
        if (strcmp(argv[1], KINDS[i].name) == 0) {
            return KINDS[i].run(argc - 1, argv + 1);
        }
    }
    if (argc > 1) {
        (void)fprintf(stderr, "hyplan eval: error: there is nothing to judge called '%s'\n",
                      argv[1]);
    }
    print_help(stderr);
    return CLI_USAGE;
}
