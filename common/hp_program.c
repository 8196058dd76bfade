#include "common/hp_program.h"

#include <errno.h>
#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

const char *const HP_PROGRAM_SECTIONS[] = {"control", "planner", "predictor", "policy",
                                           "pomdp",   "bridge",  "sim",       NULL};

/** What one word of the command line asks for. */
typedef enum parse_result { PARSE_GO, PARSE_DONE, PARSE_BAD } parse_result;

typedef struct parse {
    const hp_program *program;
    hp_program_args *args;
    bool sets; /* second pass: --set wins over every file, wherever it stands */
    bool check_only;
    hp_error error;
} parse;

static void print_help(const hp_program *program)
{
    (void)printf("%s: %s\n"
                 "Usage: %s [options]        (usually started by `hyplan run`)\n"
                 "  --config FILE     read a configuration file; may be repeated, later ones win\n"
                 "  --set KEY=VALUE   set one key, for example %s.KEY=VALUE; may be repeated\n"
                 "  --run-dir DIR     where results are written (.)\n"
                 "  --sockets DIR     where the sockets of this run are (the run directory), or\n"
                 "                    tcp://HOST:PORT, the first of six ports\n"
                 "  --keys DIR        for tcp: keys as `hyplan keys new` makes them\n"
                 "  --generation N    how often this program was started in this run (1)\n"
                 "  --seed N          root of all random numbers (1)\n"
                 "  --check-config    read the configuration, report, and exit\n"
                 "  --version, --help\n",
                 program->name, program->summary, program->name,
                 program->n_sections > 0 ? program->sections[0].name : "SECTION");
}

static bool read_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > max) {
        return false;
    }
    *out = value;
    return true;
}

static parse_result bad(parse *p, const char *word, const char *what)
{
    (void)hp_fail(&p->error, HP_EINVAL, "%s '%s' (see %s --help)", what, word, p->program->name);
    return PARSE_BAD;
}

/** An option with a value. */
static parse_result take_value(parse *p, const char *option, const char *value)
{
    const hp_program *prog = p->program;
    uint64_t number = 0;
    if (strcmp(option, "--config") == 0) {
        if (p->sets) {
            return PARSE_GO;
        }
        const hp_status st =
            hp_config_read(value, prog->sections, prog->n_sections, HP_PROGRAM_SECTIONS, &p->error);
        return st == HP_OK ? PARSE_GO : PARSE_BAD;
    }
    if (strcmp(option, "--set") == 0) {
        if (!p->sets) {
            return PARSE_GO;
        }
        const hp_status st =
            hp_config_set(value, prog->sections, prog->n_sections, HP_PROGRAM_SECTIONS, &p->error);
        return st == HP_OK ? PARSE_GO : PARSE_BAD;
    }
    if (strcmp(option, "--run-dir") == 0) {
        p->args->run_dir = value;
        return PARSE_GO;
    }
    if (strcmp(option, "--sockets") == 0) {
        p->args->place.sockets = value;
        return PARSE_GO;
    }
    if (strcmp(option, "--keys") == 0) {
        p->args->place.keys = value;
        return PARSE_GO;
    }
    if (strcmp(option, "--generation") == 0) {
        if (!read_number(value, UINT32_MAX, &number)) {
            return bad(p, value, "--generation: not a whole number:");
        }
        p->args->generation = (uint32_t)number;
        return PARSE_GO;
    }
    if (strcmp(option, "--seed") == 0) {
        return read_number(value, UINT64_MAX, &p->args->seed)
                   ? PARSE_GO
                   : bad(p, value, "--seed: not a whole number:");
    }
    return bad(p, option, "unknown option");
}

static parse_result take_all(parse *p, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(p->program);
            return PARSE_DONE;
        }
        if (strcmp(argv[i], "--version") == 0) {
            (void)printf("%s %s\n", p->program->name, HYPLAN_VERSION);
            return PARSE_DONE;
        }
        if (strcmp(argv[i], "--check-config") == 0) {
            p->check_only = true;
            continue;
        }
        if (strncmp(argv[i], "--", 2) != 0) {
            return bad(p, argv[i], "unexpected argument");
        }
        if (i + 1 == argc) {
            return bad(p, argv[i], "unknown option, or one without its value:");
        }
        const parse_result r = take_value(p, argv[i], argv[i + 1]);
        if (r != PARSE_GO) {
            return r;
        }
        i++;
    }
    return PARSE_GO;
}

/** Files first, then --set, then the rules between keys. */
static parse_result take_everything(parse *p, int argc, char **argv)
{
    parse_result r = take_all(p, argc, argv);
    if (r == PARSE_GO) {
        p->sets = true;
        r = take_all(p, argc, argv);
    }
    if (r == PARSE_GO && p->program->check != NULL &&
        p->program->check(p->program->sections, &p->error) != HP_OK) {
        r = PARSE_BAD;
    }
    return r;
}

void hp_program_begin(void)
{
    (void)fesetenv(FE_DFL_ENV);
    (void)setlocale(LC_ALL, "C");
}

bool hp_program_start(const hp_program *program, int argc, char **argv, hp_program_args *args,
                      int *exit_status)
{
    parse p = {.program = program, .args = args};
    *args = (hp_program_args){.run_dir = ".", .generation = 1, .seed = 1};
    *exit_status = EXIT_SUCCESS;
    hp_program_begin();
    const parse_result r = take_everything(&p, argc, argv);
    if (r == PARSE_BAD) {
        *exit_status = hp_program_fail(program, HP_ECONFIG, &p.error);
        return false;
    }
    if (r == PARSE_GO && p.check_only) {
        (void)printf("%s: configuration is good\n", program->name);
        return false;
    }
    if (args->place.sockets == NULL) {
        args->place.sockets = args->run_dir;
    }
    return r == PARSE_GO;
}

hp_status hp_program_reread(const hp_program *program, int argc, char **argv, hp_error *error)
{
    hp_program_args args = {.run_dir = "."};
    parse p = {.program = program, .args = &args};
    const parse_result r = take_everything(&p, argc, argv);
    *error = p.error;
    return r == PARSE_GO ? HP_OK : HP_ECONFIG;
}

static sigset_t hup_set(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

void hp_program_hold_hup(void)
{
    const sigset_t set = hup_set();
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

bool hp_program_hung_up(void)
{
    const sigset_t set = hup_set();
    const struct timespec now = {0};
    return sigtimedwait(&set, NULL, &now) == SIGHUP;
}

/* A signal's handler reaches nothing else. */
static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
    (void)number;
    stopping = 1;
}

void hp_program_catch_stop(void)
{
    const struct sigaction stop = {.sa_handler = on_stop};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

bool hp_program_stopping(void)
{
    return stopping != 0;
}

int hp_program_fail(const hp_program *program, hp_status status, const hp_error *error)
{
    (void)fprintf(stderr, "%s: error: %s\n", program->name,
                  error->text[0] != '\0' ? error->text : hp_status_text(status));
    return status == HP_ECONFIG || status == HP_EINVAL ? EXIT_USAGE : EXIT_ENVIRONMENT;
}

int hp_program_run(const hp_program *program, int argc, char **argv)
{
    hp_program_args args;
    hp_error error = {{0}};
    int status = 0;
    if (!hp_program_start(program, argc, argv, &args, &status)) {
        return status;
    }
    hp_program_catch_stop();
    const hp_status st = program->serve(program->sections, &args, &error);
    return st == HP_OK ? EXIT_SUCCESS : hp_program_fail(program, st, &error);
}
