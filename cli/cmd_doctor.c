/* hyplan doctor: is everything here that a run needs? Each line says ok, warn or fail,
 * and how to mend. */
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/version.h"
#include "sim-bridge/sim_replay.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <xxhash.h>
#include <yaml.h>
#include <zmq.h>

static const cli_usage USAGE = {
    .command = "doctor",
    .synopsis = "doctor [options]",
    .summary = "Looks at processor, libraries, configuration, scenarios, recordings and rights.",
    .example = "hyplan doctor --data-dir ~/recordings",
    .without = CLI_NO_SEED | CLI_NO_OUT | CLI_NO_JOBS,
};

/* What was found: printed line by line, or kept for --json. */
typedef struct visit {
    uint32_t warnings, failures;
    json_t *rows; /* NULL: print */
} visit;

static void tell(visit *v, const char *state, const char *what, const char *mend, const char *text)
{
    if (v->rows != NULL) {
        (void)json_array_append_new(v->rows, json_pack("{s:s, s:s, s:s, s:s?}", "state", state,
                                                       "what", what, "text", text, "mend", mend));
        return;
    }
    (void)printf("%-5s %-14s %s\n", state, what, text);
    if (mend != NULL) {
        (void)printf("      %-14s -> %s\n", "", mend);
    }
}

static void ok(visit *v, const char *what, const char *format, ...) HP_PRINTF(3, 4);
static void warn(visit *v, const char *what, const char *mend, const char *format, ...)
    HP_PRINTF(4, 5);

static void ok(visit *v, const char *what, const char *format, ...)
{
    char text[2 * CLI_PATH];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tell(v, "ok", what, NULL, text);
}

static void warn(visit *v, const char *what, const char *mend, const char *format, ...)
{
    char text[2 * CLI_PATH];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tell(v, "warn", what, mend, text);
    v->warnings++;
}

/* Nothing starts like this. */
static void refuse(visit *v, const char *what, const char *mend, const char *text)
{
    tell(v, "fail", what, mend, text);
    v->failures++;
}

static void look_at_processor(visit *v)
{
    char model[128] = "unknown";
    char line[256];
    struct utsname host;
    FILE *in = fopen("/proc/cpuinfo", "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            (void)snprintf(model, sizeof model, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    ok(v, "processor", "%s, %ld online", model, sysconf(_SC_NPROCESSORS_ONLN));
#if defined(__x86_64__)
    ok(v, "vector units", "%s%s", __builtin_cpu_supports("avx2") ? "AVX2 " : "no AVX2 ",
       __builtin_cpu_supports("avx512f") ? "AVX-512" : "");
#endif
    if (uname(&host) == 0) {
        ok(v, "system", "%s %s %s", host.sysname, host.release, host.machine);
    } else {
        warn(v, "system", "uname must work on any POSIX system", "unknown");
    }
}

static void look_at_libraries(visit *v)
{
    int zmq[3];
    int yaml[3];
    zmq_version(&zmq[0], &zmq[1], &zmq[2]);
    yaml_get_version(&yaml[0], &yaml[1], &yaml[2]);
    ok(v, "hyplan", "%s, %s, sources %s", CLI_VERSION, CLI_BUILD, CLI_SOURCES);
    ok(v, "libraries", "libzmq %d.%d.%d%s, libyaml %d.%d.%d, jansson %s, xxhash %u", zmq[0], zmq[1],
       zmq[2], zmq_has("curve") ? " with CURVE" : " without CURVE", yaml[0], yaml[1], yaml[2],
       jansson_version_str(), XXH_versionNumber());
}

static void look_at_files(visit *v, const cli_common *common, cli_config *config)
{
    char path[CLI_PATH];
    hp_error error;
    if (cli_config_load(common, config, &error) != HP_OK) {
        refuse(v, "configuration",
               "mend the place named; hyplan config show --comments --defaults tells each key",
               error.text);
    } else if (common->config_files.n == 0 && !cli_find("config/hyplan.yaml", path)) {
        warn(v, "configuration", "run from the source tree, or give --config FILE",
             "config/hyplan.yaml not found; built-in values hold");
    } else {
        ok(v, "configuration", "%s",
           common->config_files.n > 0 ? common->config_files.items[0] : path);
    }
    if (cli_find("scenarios/cts/01.yaml", path)) {
        ok(v, "scenarios", "%s", path);
    } else {
        warn(v, "scenarios", "run from the source tree, or install the package",
             "scenarios/cts not found");
    }
}

static void look_at_recordings(visit *v, const cli_common *common)
{
    enum { MOST = 1024 };
    uint32_t n = 0;
    hp_error error;
    sim_replay_case *cases = calloc(MOST, sizeof *cases);
    if (cases != NULL && sim_replay_list(common->data_dir, cases, MOST, &n, &error) == HP_OK &&
        n > 0) {
        ok(v, "recordings", "%s: %u recorded cars to drive in place of", common->data_dir, n);
    } else {
        warn(v, "recordings", CLI_RECORDINGS_MEND, "%s: none found", common->data_dir);
    }
    free(cases);
}

static void look_at_rights(visit *v)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_RTPRIO, &limit) == 0 && (limit.rlim_cur > 0 || geteuid() == 0)) {
        ok(v, "real time", "scheduling with a real-time priority is allowed");
    } else {
        warn(v, "real time", "add 'rtprio 80' for your user to /etc/security/limits.conf",
             "no real-time priority; late ticks are likelier on a busy machine");
    }
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < ((rlim_t)64 << 20) && geteuid() != 0) {
        warn(v, "memory lock", "add 'memlock unlimited' for your user to /etc/security/limits.conf",
             "at most %llu KiB", (unsigned long long)(limit.rlim_cur >> 10));
    } else {
        ok(v, "memory lock", "allowed");
    }
}

static void look_at_places(visit *v)
{
    if (access("runs", F_OK) == 0 ? access("runs", W_OK) == 0 : access(".", W_OK) == 0) {
        ok(v, "runs", "can be written below the working directory");
    } else {
        warn(v, "runs", "go to a directory of yours, or give --out DIR",
             "runs/ cannot be written here");
    }
}

static int conclude(visit *v)
{
    const char *verdict = v->failures > 0   ? "nothing starts like this"
                          : v->warnings > 0 ? "works, with the limits above"
                                            : "everything is here";
    if (v->rows == NULL) {
        (void)printf("%s\n", verdict);
    } else {
        json_t *json = json_pack("{s:b, s:s, s:o}", "works", v->failures == 0, "verdict", verdict,
                                 "findings", v->rows);
        (void)json_dumpf(json, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(json);
    }
    return v->failures > 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_doctor(int argc, char **argv)
{
    cli_common common;
    visit v = {0};
    const int status = cli_parse(&USAGE, NULL, argc, argv, &common, NULL);
    if (status != CLI_GO) {
        return status;
    }
    cli_config *config = malloc(sizeof *config);
    v.rows = common.json ? json_array() : NULL;
    if (config == NULL || (common.json && v.rows == NULL)) {
        free(config);
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    look_at_processor(&v);
    look_at_libraries(&v);
    look_at_files(&v, &common, config);
    look_at_recordings(&v, &common);
    look_at_rights(&v);
    look_at_places(&v);
    free(config);
    return conclude(&v);
}
