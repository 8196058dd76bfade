/* hyplan report: a run or a benchmark as one page. */
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/report.h"
#include "common/hp_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const cli_usage USAGE = {
    .command = "report",
    .synopsis = "report RUN|BENCH [--compare OTHER] [--out FILE.html]",
    .summary = "Makes one HTML page that needs no network: a run with its picture, figures and\n"
               "events, or a benchmark with its tables and maps of outcomes. The page is written\n"
               "into the directory as report.html unless --out says otherwise.",
    .example = "hyplan report runs/20260131T120000Z-run --compare runs/20260131T110000Z-run",
    .out = "FILE.html   the page (default: report.html in the directory)",
    .without = CLI_NO_CONFIG | CLI_NO_SEED | CLI_NO_DATA | CLI_NO_JSON | CLI_NO_JOBS,
};

static bool is_bench(const char *path)
{
    char file[CLI_PATH];
    const int n = snprintf(file, sizeof file, "%s/episodes.csv", path);
    return n > 0 && (size_t)n < sizeof file && access(file, R_OK) == 0;
}

static hp_status gather(const char *path, json_t **out, hp_error *error)
{
    return is_bench(path) ? report_bench(path, out, error) : report_run(path, out, error);
}

/** DIR/report.html of a directory, report.html beside a file, or what --out says. */
static hp_status place(const char *path, const char *given, char *dir, const char **name,
                       hp_error *error)
{
    const char *from = given != NULL ? given : path;
    struct stat st;
    const bool whole = given == NULL && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    if (snprintf(dir, CLI_PATH, "%s", from) >= CLI_PATH) {
        return hp_fail(error, HP_EINVAL, "%s: path too long", from);
    }
    *name = "report.html";
    if (!whole) {
        char *slash = strrchr(dir, '/');
        if (given != NULL) {
            const char *given_slash = strrchr(given, '/');
            *name = given_slash != NULL ? given_slash + 1 : given;
        }
        (void)snprintf(slash != NULL ? slash : dir, 2, "%s", slash != NULL ? "" : ".");
    }
    return HP_OK;
}

static hp_status make(const char *path, const char *compare, const char *out, hp_error *error)
{
    json_t *data = NULL;
    json_t *other = NULL;
    char *html = NULL;
    size_t len = 0;
    char dir[CLI_PATH];
    const char *name = NULL;
    hp_status st = gather(path, &data, error);
    if (st == HP_OK && compare != NULL) {
        st = gather(compare, &other, error);
    }
    if (st == HP_OK && other != NULL &&
        strcmp(json_string_value(json_object_get(data, "kind")),
               json_string_value(json_object_get(other, "kind"))) != 0) {
        st = hp_fail(error, HP_EINVAL, "--compare: a run with a run, a benchmark with a benchmark");
    }
    if (st == HP_OK) {
        st = report_page(data, other, &html, &len, error);
    }
    if (st == HP_OK) {
        st = place(path, out, dir, &name, error);
    }
    if (st == HP_OK) {
        st = hp_file_write(dir, name, html, len, error);
    }
    if (st == HP_OK) {
        (void)printf("%s/%s (%zu kB)\n", dir, name, len / 1024);
    }
    free(html);
    json_decref(other);
    json_decref(data);
    return st;
}

int cmd_report(int argc, char **argv)
{
    const char *compare = NULL;
    cli_common common;
    cli_texts rest;
    hp_error error = {{0}};
    const cli_flag flags[] = {
        {.name = "compare",
         .type = CLI_FLAG_TEXT,
         .target = &compare,
         .arg = "OTHER",
         .help = "show another run or benchmark beside it"},
        {.name = NULL},
    };
    const int status = cli_parse(&USAGE, flags, argc, argv, &common, &rest);
    if (status != CLI_GO) {
        return status;
    }
    if (rest.n != 1) {
        return cli_fail(&USAGE, CLI_USAGE, "which run? hyplan %s", USAGE.synopsis);
    }
    const hp_status st = make(rest.items[0], compare, common.out, &error);
    return cli_end(&USAGE, st, &error);
}
