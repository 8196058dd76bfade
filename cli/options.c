#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FLAGS = 48, FIRST_CODE = 256 };

/* Help of the common options, and who has no use for them. */
static const struct {
    uint32_t without;
    const char *text;
} COMMON_HELP[] = {
    {CLI_NO_CONFIG, "    --config FILE     read FILE instead of the shipped configuration "
                    "(repeatable, later wins)"},
    {CLI_NO_CONFIG, "    --set A.B.C=VALUE set one key (repeatable, wins over files)"},
    {CLI_NO_SEED, "    --seed N          seed of everything random (default 1)"},
    {CLI_NO_OUT, "    --out "},
    {CLI_NO_DATA, "    --data-dir DIR    recordings (default HYPLAN_DATA, else data)"},
    {CLI_NO_JSON, "    --json            print one JSON object on standard output"},
    {CLI_NO_JOBS, "-j, --jobs N          worker processes (default 1)"},
    {0, "-q, --quiet           no progress"},
    {0, "-h, --help            this text"},
};
static const char *const RUN_DIRECTORY =
    "DIR         directory of this run (default runs/<time>-<name>)";

int cli_fail(const cli_usage *usage, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "hyplan %s: error: ", usage->command);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    return status;
}

int cli_exit_status(hp_status status)
{
    if (status == HP_OK) {
        return CLI_DONE;
    }
    return status == HP_ECONFIG || status == HP_EINVAL ? CLI_USAGE : CLI_ENVIRONMENT;
}

int cli_end(const cli_usage *usage, hp_status status, const hp_error *error)
{
    return status == HP_OK
               ? CLI_DONE
               : cli_fail(usage, cli_exit_status(status), "%s",
                          error->text[0] != '\0' ? error->text : hp_status_text(status));
}

bool cli_read_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9') {
        return false; /* strtoull would take signs and blanks */
    }
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}

bool cli_split(char *text, cli_texts *out)
{
    out->n = 0;
    for (char *part = text; part != NULL;) {
        char *comma = strchr(part, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        if (part[0] == '\0' || out->n == CLI_MAX_TEXTS) {
            return false;
        }
        out->items[out->n++] = part;
        part = comma == NULL ? NULL : comma + 1;
    }
    return true;
}

/* Edit distance of short words; anything long counts as far. */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t row[LONGEST + 1];
    const size_t na = strlen(a);
    const size_t nb = strlen(b);
    if (na > LONGEST || nb > LONGEST) {
        return LONGEST;
    }
    for (size_t j = 0; j <= nb; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            const size_t above = row[j];
            const size_t swap = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            const size_t gap = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j] = swap < gap ? swap : gap;
            diagonal = above;
        }
    }
    return row[nb];
}

const char *cli_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        const size_t d = distance(word, candidates[i]);
        if (d < least) {
            least = d;
            best = candidates[i];
        }
    }
    return best;
}

const char *cli_hint(const char *word, const char *const *candidates, size_t n, char out[CLI_HINT])
{
    const char *near = cli_nearest(word, candidates, n);
    out[0] = '\0';
    if (near != NULL) {
        (void)snprintf(out, CLI_HINT, " (did you mean '%s'?)", near);
    }
    return out;
}

static void print_common(const cli_usage *usage)
{
    (void)printf("\ncommon options:\n");
    for (size_t i = 0; i < HP_ARRAY_LEN(COMMON_HELP); i++) {
        const char *out = usage->out != NULL ? usage->out : RUN_DIRECTORY;
        if ((COMMON_HELP[i].without & usage->without) == 0) {
            (void)printf("  %s%s\n", COMMON_HELP[i].text,
                         COMMON_HELP[i].without == CLI_NO_OUT ? out : "");
        }
    }
}

static void print_help(const cli_usage *usage, const cli_flag *own)
{
    (void)printf("usage: hyplan %s\n%s\n", usage->synopsis, usage->summary);
    if (own != NULL && own->name != NULL) {
        (void)printf("\noptions:\n");
        for (const cli_flag *f = own; f->name != NULL; f++) {
            char left[64];
            (void)snprintf(left, sizeof left, "--%s%s%s", f->name, f->arg == NULL ? "" : " ",
                           f->arg == NULL ? "" : f->arg);
            (void)printf("  %c%c%c %-17s %s\n", f->letter == 0 ? ' ' : '-',
                         f->letter == 0 ? ' ' : f->letter, f->letter == 0 ? ' ' : ',', left,
                         f->help);
        }
    }
    print_common(usage);
    (void)printf("\nexample:\n  %s\n", usage->example);
}

/* Tells the words, though the help may have another name for them. */
static void refuse_word(const cli_usage *usage, const cli_flag *flag, const char *value)
{
    char hint[CLI_HINT];
    char words[256] = "";
    size_t n = 0;
    for (size_t len = 0; flag->words[n] != NULL && len < sizeof words; n++) {
        len += (size_t)snprintf(words + len, sizeof words - len, "%s%s", n > 0 ? "|" : "",
                                flag->words[n]);
    }
    (void)cli_fail(usage, CLI_USAGE, "--%s: '%s' is none of %s%s", flag->name, value, words,
                   cli_hint(value, flag->words, n, hint));
}

/* Stores one option's value; false with a complaint about what was wrong. */
static bool store(const cli_usage *usage, const cli_flag *flag, const char *value)
{
    switch (flag->type) {
    case CLI_FLAG_SWITCH:
        *(bool *)flag->target = true;
        return true;
    case CLI_FLAG_TEXT:
        *(const char **)flag->target = value;
        return true;
    case CLI_FLAG_TEXTS: {
        cli_texts *texts = flag->target;
        if (texts->n == CLI_MAX_TEXTS) {
            (void)cli_fail(usage, CLI_USAGE, "--%s: more than %d times", flag->name, CLI_MAX_TEXTS);
            return false;
        }
        texts->items[texts->n++] = value;
        return true;
    }
    case CLI_FLAG_UINT:
    case CLI_FLAG_UINT64: {
        const bool wide = flag->type == CLI_FLAG_UINT64;
        uint64_t number = 0;
        if (!cli_read_u64(value, wide ? 0 : flag->min, wide ? UINT64_MAX : flag->max, &number)) {
            if (wide) {
                (void)cli_fail(usage, CLI_USAGE, "--%s: '%s' is no whole number", flag->name,
                               value);
            } else {
                (void)cli_fail(usage, CLI_USAGE, "--%s: '%s' is no whole number in [%u, %u]",
                               flag->name, value, flag->min, flag->max);
            }
            return false;
        }
        if (wide) {
            *(uint64_t *)flag->target = number;
        } else {
            *(uint32_t *)flag->target = (uint32_t)number;
        }
        return true;
    }
    case CLI_FLAG_WORD:
        for (uint32_t i = 0; flag->words[i] != NULL; i++) {
            if (strcmp(flag->words[i], value) == 0) {
                *(uint32_t *)flag->target = i;
                return true;
            }
        }
        refuse_word(usage, flag, value);
        return false;
    }
    return false;
}

/* What getopt_long could not read, and what may have been meant. */
static int complain(const cli_usage *usage, const struct option *longs, size_t n, int code,
                    char **argv)
{
    const char *given = optind > 0 ? argv[optind - 1] : "";
    if (code == ':') {
        return cli_fail(usage, CLI_USAGE, "%s needs a value (see hyplan %s --help)", given,
                        usage->command);
    }
    if (optopt != 0 && optopt < FIRST_CODE) {
        return cli_fail(usage, CLI_USAGE, "unknown option -%c (see hyplan %s --help)", optopt,
                        usage->command);
    }
    if (optopt != 0) {
        return cli_fail(usage, CLI_USAGE, "%s takes no value", given);
    }
    const char *names[MAX_FLAGS];
    char word[48];
    for (size_t i = 0; i < n; i++) {
        names[i] = longs[i].name;
    }
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(given, "="), given);
    const char *near = cli_nearest(word + strspn(word, "-"), names, n);
    if (near == NULL) {
        return cli_fail(usage, CLI_USAGE, "unknown option %s (see hyplan %s --help)", word,
                        usage->command);
    }
    return cli_fail(usage, CLI_USAGE, "unknown option %s (did you mean --%s?)", word, near);
}

static void common_default(cli_common *common)
{
    /* getenv belongs to the command line alone: libraries get their paths handed in. */
    const char *data = getenv("HYPLAN_DATA");
    *common = (cli_common){
        .seed = 1,
        .jobs = 1,
        .data_dir = data != NULL && data[0] != '\0' ? data : "data",
    };
}

/* The common flags and the command's own as one table, and as getopt_long wants them. */
typedef struct flag_set {
    cli_flag flags[MAX_FLAGS];
    uint32_t without[MAX_FLAGS]; /* of common ones: what a command says that has no use for it */
    struct option longs[MAX_FLAGS];
    char shorts[2 * MAX_FLAGS + 4];
    size_t n;
} flag_set;

static void flags_gather(const cli_flag *own, cli_common *common, bool *help, flag_set *set)
{
    const struct {
        uint32_t without;
        cli_flag flag;
    } shared[] = {
        {CLI_NO_CONFIG,
         {"config", 0, CLI_FLAG_TEXTS, &common->config_files, "FILE", "", 0, 0, NULL}},
        {CLI_NO_CONFIG, {"set", 0, CLI_FLAG_TEXTS, &common->sets, "A.B.C=VALUE", "", 0, 0, NULL}},
        {CLI_NO_SEED, {"seed", 0, CLI_FLAG_UINT64, &common->seed, "N", "", 0, 0, NULL}},
        {CLI_NO_OUT, {"out", 0, CLI_FLAG_TEXT, &common->out, "DIR", "", 0, 0, NULL}},
        {CLI_NO_DATA, {"data-dir", 0, CLI_FLAG_TEXT, &common->data_dir, "DIR", "", 0, 0, NULL}},
        {CLI_NO_JSON, {"json", 0, CLI_FLAG_SWITCH, &common->json, NULL, "", 0, 0, NULL}},
        {CLI_NO_JOBS, {"jobs", 'j', CLI_FLAG_UINT, &common->jobs, "N", "", 1, 256, NULL}},
        {0, {"quiet", 'q', CLI_FLAG_SWITCH, &common->quiet, NULL, "", 0, 0, NULL}},
        {0, {"help", 'h', CLI_FLAG_SWITCH, help, NULL, "", 0, 0, NULL}},
    };
    char *s = set->shorts;
    *set = (flag_set){.n = 0};
    for (size_t i = 0; i < HP_ARRAY_LEN(shared); i++) {
        set->without[set->n] = shared[i].without;
        set->flags[set->n++] = shared[i].flag;
    }
    for (const cli_flag *f = own; f != NULL && f->name != NULL && set->n < MAX_FLAGS - 1; f++) {
        set->flags[set->n++] = *f;
    }
    *s++ = ':';
    for (size_t i = 0; i < set->n; i++) {
        const cli_flag *f = &set->flags[i];
        set->longs[i] = (struct option){f->name, f->arg == NULL ? no_argument : required_argument,
                                        NULL, FIRST_CODE + (int)i};
        if (f->letter != 0) {
            *s++ = f->letter;
            if (f->arg != NULL) {
                *s++ = ':';
            }
        }
    }
    *s = '\0';
    set->longs[set->n] = (struct option){NULL, 0, NULL, 0};
}

static const cli_flag *flag_of(const flag_set *set, int code)
{
    for (size_t i = 0; i < set->n; i++) {
        if (code == FIRST_CODE + (int)i || (code < FIRST_CODE && set->flags[i].letter == code)) {
            return &set->flags[i];
        }
    }
    return NULL;
}

int cli_parse(const cli_usage *usage, const cli_flag *own, int argc, char **argv,
              cli_common *common, cli_texts *rest)
{
    bool help = false;
    flag_set set;
    common_default(common);
    flags_gather(own, common, &help, &set);
    optind = 0; /* GNU: start afresh; one process may parse more than once */
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, set.shorts, set.longs, NULL)) != -1;) {
        const cli_flag *flag = code == '?' || code == ':' ? NULL : flag_of(&set, code);
        if (flag == NULL) {
            return complain(usage, set.longs, set.n, code, argv);
        }
        if ((set.without[flag - set.flags] & usage->without) != 0) {
            return cli_fail(usage, CLI_USAGE, "--%s does nothing here (see hyplan %s --help)",
                            flag->name, usage->command);
        }
        if (!store(usage, flag, optarg)) {
            return CLI_USAGE;
        }
    }
    if (help) {
        print_help(usage, own);
        return CLI_DONE;
    }
    if (rest == NULL) {
        return optind == argc
                   ? CLI_GO
                   : cli_fail(usage, CLI_USAGE, "'%s' is not expected here (see hyplan %s --help)",
                              argv[optind], usage->command);
    }
    rest->n = 0;
    for (int i = optind; i < argc; i++) {
        if (rest->n == CLI_MAX_TEXTS) {
            return cli_fail(usage, CLI_USAGE, "more than %d arguments", CLI_MAX_TEXTS);
        }
        rest->items[rest->n++] = argv[i];
    }
    return CLI_GO;
}

/* dir/up/.../relative, if it is there. */
static bool find_above(const char *dir, const char *relative, char path[CLI_PATH])
{
    static const char *const UPS[] = {"..", "../..", "../../..", "../share/hyplan"};
    for (size_t i = 0; i < HP_ARRAY_LEN(UPS); i++) {
        const int n = snprintf(path, CLI_PATH, "%s/%s/%s", dir, UPS[i], relative);
        if (n > 0 && n < CLI_PATH && access(path, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

bool cli_find(const char *relative, char path[CLI_PATH])
{
    char self[CLI_PATH];
    const ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len > 0) {
        self[len] = '\0';
        char *slash = strrchr(self, '/');
        if (slash != NULL) {
            *slash = '\0';
            if (find_above(self, relative, path)) {
                return true;
            }
        }
    }
    const int n = snprintf(path, CLI_PATH, "%s", relative);
    return n > 0 && n < CLI_PATH && access(path, R_OK) == 0;
}

/** A shipped model is found wherever the program is started from; parts get its full path. */
static hp_status find_model(char model[PREDICTOR_PATH], hp_error *error)
{
    char path[CLI_PATH];
    if (model[0] == '\0' || (model[0] == '/' && access(model, R_OK) == 0)) {
        return HP_OK;
    }
    if (model[0] == '/' || !cli_find(model, path) || strlen(path) >= PREDICTOR_PATH) {
        return hp_fail(
            error, HP_ECONFIG,
            "predictor.model: %.300s: no such file (leave it empty for constant velocity)", model);
    }
    (void)snprintf(model, PREDICTOR_PATH, "%s", path);
    return HP_OK;
}

/* Where a key got its value, in rising order of who wins; 0: it is built in. */
static uint32_t find_place(const cli_common *common, const char *shipped, const char *key,
                           char place[CLI_PATH])
{
    uint32_t line = 0;
    uint32_t column = 0;
    for (uint32_t i = common->sets.n; i-- > 0;) {
        const char *set = common->sets.items[i];
        const size_t len = strcspn(set, "=");
        if (strncmp(set, key, len) == 0 && (key[len] == '\0' || key[len] == '.')) {
            (void)snprintf(place, CLI_PATH, "--set %.120s", set);
            return 2 + common->config_files.n + i;
        }
    }
    for (uint32_t i = common->config_files.n; i-- > 0;) {
        if (hp_config_find(common->config_files.items[i], key, &line, &column)) {
            (void)snprintf(place, CLI_PATH, "%.200s:%u:%u", common->config_files.items[i], line,
                           column);
            return 2 + i;
        }
    }
    if (shipped[0] != '\0' && hp_config_find(shipped, key, &line, &column)) {
        (void)snprintf(place, CLI_PATH, "%.200s:%u:%u", shipped, line, column);
        return 1;
    }
    return 0;
}

/* What is wrong came out when all was read: of the keys that its text names, the one that was set
 * last is where to mend it. */
static void tell_place(const cli_common *common, const char *shipped, hp_error *error)
{
    static const char *const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_.";
    const hp_error what = *error;
    uint32_t latest = 0;
    for (const char *at = what.text; *at != '\0';) {
        char key[96];
        char place[CLI_PATH];
        const size_t len = strspn(at, LETTERS);
        (void)snprintf(key, sizeof key, "%.*s", (int)len, at);
        const uint32_t rank =
            strchr(key, '.') != NULL ? find_place(common, shipped, key, place) : 0;
        if (rank > latest) {
            latest = rank;
            (void)hp_fail(error, HP_ECONFIG, "%s: error: %s", place, what.text);
        }
        at += len > 0 ? len : 1;
    }
}

hp_status cli_config_load(const cli_common *common, cli_config *out, hp_error *error)
{
    hp_section sections[CLI_SECTIONS];
    char shipped[CLI_PATH] = "";
    cli_config_default(out);
    cli_config_sections(out, sections);
    hp_status status = HP_OK;
    if (common->config_files.n == 0 && cli_find("config/hyplan.yaml", shipped)) {
        status = hp_config_read(shipped, sections, CLI_SECTIONS, NULL, error);
    }
    for (uint32_t i = 0; status == HP_OK && i < common->config_files.n; i++) {
        status = hp_config_read(common->config_files.items[i], sections, CLI_SECTIONS, NULL, error);
    }
    for (uint32_t i = 0; status == HP_OK && i < common->sets.n; i++) {
        status = hp_config_set(common->sets.items[i], sections, CLI_SECTIONS, NULL, error);
    }
    if (status != HP_OK) {
        return status;
    }
    status = find_model(out->predictor.model, error);
    if (status == HP_OK) {
        status = cli_config_check(out, error);
    }
    if (status == HP_ECONFIG) {
        tell_place(common, shipped, error);
    }
    return status;
}
