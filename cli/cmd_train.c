/* hyplan train: the networks, each by its own command. */
#include "cli/blas.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/train.h"

#include <stdio.h>
#include <string.h>

typedef struct train_kind {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} train_kind;

static const train_kind KINDS[] = {
    {"policy", "the driving policy, or a classic task that proves the trainer", train_policy},
    {"predictor", "the network that says where others may go", train_predictor},
};

static void print_help(FILE *out)
{
    (void)fputs("usage: hyplan train WHAT [options]\n\n", out);
    for (size_t i = 0; i < HP_ARRAY_LEN(KINDS); i++) {
        (void)fprintf(out, "  %-10s %s\n", KINDS[i].name, KINDS[i].help);
    }
    (void)fputs("\nhyplan train WHAT --help shows its options with an example.\n", out);
}

int cmd_train(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help(stdout);
        return CLI_DONE;
    }
    for (size_t i = 0; argc > 1 && i < HP_ARRAY_LEN(KINDS); i++) {
        if (strcmp(argv[1], KINDS[i].name) == 0) {
            blas_choose_kernels();
            return KINDS[i].run(argc - 1, argv + 1);
        }
    }
    if (argc > 1) {
        (void)fprintf(stderr, "hyplan train: error: there is nothing to train called '%s'\n",
                      argv[1]);
    }
    print_help(stderr);
    return CLI_USAGE;
}
