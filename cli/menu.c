#include "cli/menu.h"

#include "cli/options.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void print_help(const menu *m, FILE *out)
{
    (void)fprintf(out, "usage: %s %s [options]\n%s\n", m->program, m->word, m->before);
    for (size_t i = 0; i < m->n; i++) {
        (void)fprintf(out, "  %-10s %s\n", m->items[i].name, m->items[i].help);
    }
    (void)fprintf(out, "\n%s %s --help shows its options with an example.\n%s", m->program, m->word,
                  m->after);
}

static int complain(const menu *m, const char *word)
{
    const char *names[MENU_MAX + 1];
    char hint[CLI_HINT];
    assert(m->n <= MENU_MAX);
    for (size_t i = 0; i < m->n; i++) {
        names[i] = m->items[i].name;
    }
    names[m->n] = "--help";
    (void)fprintf(stderr, "%s: error: there is no '%s'%s; see %s --help\n", m->program, word,
                  cli_hint(word, names, m->n + 1, hint), m->program);
    return CLI_USAGE;
}

int menu_run(const menu *m, int argc, char **argv)
{
    if (argc < 2) {
        print_help(m, stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(m, stdout);
        return CLI_DONE;
    }
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(argv[1], m->items[i].name) == 0) {
            return m->items[i].run(argc - 1, argv + 1);
        }
    }
    return complain(m, argv[1]);
}
