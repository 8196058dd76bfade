/* hyplan config: checks, shows and compares configurations. */
#include "cli/commands.h"
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

static const cli_usage USAGE = {
    .command = "config",
    .synopsis = "config check FILE... | show [--comments] [--defaults] | diff A B",
    .summary =
        "Checks configuration files; shows what holds after files and --set; compares two files.",
    .example = "hyplan config show --comments --set pomdp.budget.trials=500",
    .without = CLI_NO_SEED | CLI_NO_OUT | CLI_NO_DATA | CLI_NO_JSON | CLI_NO_JOBS,
};

enum { MAX_NESTING = 32 };

/* Defaults with one file over them. */
static hp_status load_one(const char *path, cli_config *config, hp_error *error)
{
    cli_common common = {.config_files = {.items = {path}, .n = 1}};
    return cli_config_load(&common, config, error);
}

static int check(const cli_texts *files, cli_config *config)
{
    int status = CLI_DONE;
    for (uint32_t i = 1; i < files->n; i++) {
        hp_error error;
        const hp_status loaded = load_one(files->items[i], config, &error);
        if (loaded == HP_OK) {
            (void)printf("%s: ok\n", files->items[i]);
        } else {
            const int one = cli_exit_status(loaded);
            (void)fprintf(stderr, "%s\n", error.text);
            status = one > status ? one : status;
        }
    }
    return status;
}

static int show(const cli_common *common, bool comments, bool defaults, cli_config *config)
{
    hp_error error;
    hp_status status = HP_OK;
    if (defaults) {
        cli_config_default(config);
    } else {
        status = cli_config_load(common, config, &error);
    }
    if (status != HP_OK) {
        return cli_end(&USAGE, status, &error);
    }
    char *text = cli_config_text(config, comments);
    if (text == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    (void)fputs(text, stdout);
    free(text);
    return CLI_DONE;
}

/* Where a line of a bare configuration stands: the keys above it, by indentation. */
typedef struct key_path {
    size_t indent[MAX_NESTING];
    char key[MAX_NESTING][48];
    uint32_t depth;
} key_path;

static void path_step(key_path *path, const char *line)
{
    const size_t indent = strspn(line, " ");
    while (path->depth > 0 && path->indent[path->depth - 1] >= indent) {
        path->depth--;
    }
    if (path->depth < MAX_NESTING) {
        path->indent[path->depth] = indent;
        (void)snprintf(path->key[path->depth], sizeof path->key[0], "%.*s",
                       (int)strcspn(line + indent, ":"), line + indent);
        path->depth++;
    }
}

static void print_difference(const key_path *path, const char *a, const char *b)
{
    for (uint32_t i = 0; i < path->depth; i++) {
        (void)printf("%s%s", i > 0 ? "." : "", path->key[i]);
    }
    a += strcspn(a, ":");
    b += strcspn(b, ":");
    (void)printf("%s -> %s\n", a, *b == ':' ? b + 1 + strspn(b + 1, " ") : b);
}

/* Both texts come from the same tables, so they have the same lines but for values. */
static uint32_t compare(char *a, char *b)
{
    key_path path = {.depth = 0};
    uint32_t differences = 0;
    char *rest_a = NULL;
    char *rest_b = NULL;
    char *line_a = strtok_r(a, "\n", &rest_a);
    char *line_b = strtok_r(b, "\n", &rest_b);
    while (line_a != NULL && line_b != NULL) {
        path_step(&path, line_a);
        if (strcmp(line_a, line_b) != 0) {
            print_difference(&path, line_a, line_b);
            differences++;
        }
        line_a = strtok_r(NULL, "\n", &rest_a);
        line_b = strtok_r(NULL, "\n", &rest_b);
    }
    return differences;
}

static int diff(const cli_texts *rest, cli_config *config)
{
    char *texts[2] = {NULL, NULL};
    int status = CLI_DONE;
    for (uint32_t i = 0; i < 2 && status == CLI_DONE; i++) {
        hp_error error;
        const hp_status loaded = load_one(rest->items[i + 1], config, &error);
        if (loaded != HP_OK) {
            status = cli_end(&USAGE, loaded, &error);
            break;
        }
        texts[i] = cli_config_text(config, false);
        status = texts[i] == NULL ? CLI_ENVIRONMENT : CLI_DONE;
    }
    if (status == CLI_DONE && compare(texts[0], texts[1]) > 0) {
        status = CLI_FAILED;
    }
    free(texts[0]);
    free(texts[1]);
    return status;
}

int cmd_config(int argc, char **argv)
{
    bool comments = false;
    bool defaults = false;
    cli_common common;
    cli_texts rest;
    const cli_flag flags[] = {
        {"comments", 0, CLI_FLAG_SWITCH, &comments, NULL, "with each key's unit, range and meaning",
         0, 0, NULL},
        {"defaults", 0, CLI_FLAG_SWITCH, &defaults, NULL, "what is built in, without any file", 0,
         0, NULL},
        {NULL, 0, CLI_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, NULL},
    };
    int status = cli_parse(&USAGE, flags, argc, argv, &common, &rest);
    if (status != CLI_GO) {
        return status;
    }
    const char *verb = rest.n > 0 ? rest.items[0] : "";
    cli_config *config = malloc(sizeof *config);
    if (config == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    if (strcmp(verb, "check") == 0 && rest.n > 1) {
        status = check(&rest, config);
    } else if (strcmp(verb, "show") == 0 && rest.n == 1) {
        status = show(&common, comments, defaults, config);
    } else if (strcmp(verb, "diff") == 0 && rest.n == 3) {
        status = diff(&rest, config);
    } else {
        status = cli_fail(&USAGE, CLI_USAGE, "which? hyplan %s", USAGE.synopsis);
    }
    free(config);
    return status;
}
