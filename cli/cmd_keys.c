/* hyplan keys: who may speak with a run over tcp. */
#include "cli/commands.h"
#include "cli/options.h"
#include "common/hp_keys.h"

#include <stdio.h>
#include <string.h>

static const cli_usage USAGE = {
    .command = "keys",
    .synopsis = "keys new DIR [--server FILE] | allow DIR FILE [--name TEXT] | show DIR",
    .summary = "new: makes a directory with a new pair of keys. Whoever binds needs no --server;\n"
               "whoever calls them names the `public` file that they handed out.\n"
               "allow: puts the key of a `public` file on the list of those who may call.\n"
               "show: tells the public keys; the secret one is never shown.",
    .example = "hyplan keys new ~/keys && hyplan run --tcp 127.0.0.1:7400 --keys ~/keys",
    .without = CLI_NO_CONFIG | CLI_NO_SEED | CLI_NO_OUT | CLI_NO_DATA | CLI_NO_JSON | CLI_NO_JOBS,
};

static hp_status show(const char *dir, hp_error *error)
{
    hp_keys keys;
    const hp_status st = hp_keys_load(dir, &keys, error);
    if (st == HP_OK) {
        (void)printf("ours     %s\nserver   %s\n", keys.public, keys.server);
        for (uint32_t i = 0; i < keys.n_allowed; i++) {
            (void)printf("allowed  %s\n", keys.allowed[i]);
        }
    }
    hp_keys_wipe(&keys);
    return st;
}

int cmd_keys(int argc, char **argv)
{
    const char *server = NULL;
    const char *name = "";
    cli_common common;
    cli_texts rest;
    hp_error error = {{0}};
    const cli_flag flags[] = {{.name = "server",
                               .type = CLI_FLAG_TEXT,
                               .target = &server,
                               .arg = "FILE",
                               .help = "new: the `public` file of those who will be called"},
                              {.name = "name",
                               .type = CLI_FLAG_TEXT,
                               .target = &name,
                               .arg = "TEXT",
                               .help = "allow: whose key it is, for people who read the list"},
                              {.name = NULL}};
    const int status = cli_parse(&USAGE, flags, argc, argv, &common, &rest);
    if (status != CLI_GO) {
        return status;
    }
    hp_status st = HP_OK;
    if (rest.n == 2 && strcmp(rest.items[0], "new") == 0) {
        st = hp_keys_make(rest.items[1], server, &error);
    } else if (rest.n == 3 && strcmp(rest.items[0], "allow") == 0) {
        st = hp_keys_allow(rest.items[1], rest.items[2], name, &error);
    } else if (rest.n == 2 && strcmp(rest.items[0], "show") == 0) {
        st = show(rest.items[1], &error);
    } else {
        return cli_fail(&USAGE, CLI_USAGE, "hyplan %s", USAGE.synopsis);
    }
    return cli_end(&USAGE, st, &error);
}
