#include "cli/rundir.h"

#include "cli/version.h"
#include "common/hp_clock.h"
#include "common/hp_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* Where a run may be, nobody else may write, however lenient the umask. */
enum { DIR_MODE = 0755 };

/* mkdir -p. */
static hp_status make_dirs(const char *path, hp_error *error)
{
    char part[CLI_PATH];
    const size_t len = strlen(path);
    if (len == 0 || len >= sizeof part) {
        return hp_fail(error, HP_EINVAL, "'%s' is no usable directory name", path);
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, DIR_MODE) != 0 && errno != EEXIST) {
            return hp_fail(error, HP_EIO, "%s: cannot make this directory: %s", part,
                           strerror(errno));
        }
    }
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return hp_fail(error, HP_EIO, "%s: exists, but is no directory; choose another --out",
                       path);
    }
    return access(path, W_OK | X_OK) == 0
               ? HP_OK
               : hp_fail(error, HP_EIO, "%s: cannot write into it: %s", path, strerror(errno));
}

/* ISO 8601 in UTC: 2026-01-31T12:00:00Z, or, in file names, without colons. */
static void time_text(int64_t wall_s, bool compact, char text[32])
{
    struct tm parts;
    const time_t when = (time_t)wall_s;
    text[0] = '\0';
    if (gmtime_r(&when, &parts) == NULL) {
        return;
    }
    if (compact) {
        (void)strftime(text, 32, "%Y%m%dT%H%M%SZ", &parts);
    } else {
        (void)strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
}

/* Two runs in one second get two directories. */
static hp_status make_fresh(const char *stem, cli_rundir *out, hp_error *error)
{
    const hp_status status = make_dirs("runs", error);
    if (status != HP_OK) {
        return status;
    }
    for (unsigned i = 0; i < 100; i++) {
        char suffix[16] = "";
        if (i > 0) {
            (void)snprintf(suffix, sizeof suffix, "-%u", i + 1);
        }
        (void)snprintf(out->path, sizeof out->path, "runs/%s%s", stem, suffix);
        if (mkdir(out->path, DIR_MODE) == 0) {
            return HP_OK;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return hp_fail(error, HP_EIO, "%s: cannot make this directory: %s", out->path, strerror(errno));
}

hp_status cli_rundir_open(const cli_common *common, const char *name, cli_rundir *out,
                          hp_error *error)
{
    out->start_s = hp_clock_wall_s();
    if (common->out != NULL) {
        const int n = snprintf(out->path, sizeof out->path, "%s", common->out);
        if (n < 0 || (size_t)n >= sizeof out->path) {
            return hp_fail(error, HP_EINVAL, "--out: longer than %d bytes", CLI_PATH - 1);
        }
        return make_dirs(out->path, error);
    }
    char stem[128];
    char when[32];
    time_text(out->start_s, true, when);
    (void)snprintf(stem, sizeof stem, "%s-%s", when, name);
    return make_fresh(stem, out, error);
}

bool cli_rundir_path(const cli_rundir *dir, const char *file, char path[CLI_PATH])
{
    const int n = snprintf(path, CLI_PATH, "%s/%s", dir->path, file);
    return n > 0 && n < CLI_PATH;
}

hp_status cli_rundir_write(const cli_rundir *dir, const char *file, const void *bytes, size_t len,
                           hp_error *error)
{
    return hp_file_write(dir->path, file, bytes, len, error);
}

hp_status cli_rundir_write_json(const cli_rundir *dir, const char *file, const json_t *json,
                                hp_error *error)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    if (text == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: cannot compose it", file);
    }
    const size_t len = strlen(text);
    text[len] = '\n'; /* in the place of the zero: files end with a newline */
    const hp_status status = cli_rundir_write(dir, file, text, len + 1, error);
    free(text);
    return status;
}

hp_status cli_draft_open(cli_draft *draft, hp_error *error)
{
    *draft = (cli_draft){0};
    draft->out = open_memstream(&draft->text, &draft->len);
    return draft->out != NULL ? HP_OK : hp_fail(error, HP_ENOMEM, "out of memory");
}

hp_status cli_draft_write(cli_draft *draft, const cli_rundir *dir, const char *file,
                          hp_error *error)
{
    hp_status status = HP_OK;
    if (fclose(draft->out) != 0) {
        status = hp_fail(error, HP_ENOMEM, "%s: out of memory", file);
    } else if (draft->len > 0) {
        status = cli_rundir_write(dir, file, draft->text, draft->len, error);
    }
    free(draft->text);
    *draft = (cli_draft){0};
    return status;
}

json_t *cli_json_real(double value)
{
    json_t *real = json_real(value); /* NULL for nan and infinities */
    return real != NULL ? real : json_null();
}

static const char *isa_text(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        return "avx512";
    }
    return __builtin_cpu_supports("avx2") ? "avx2" : "scalar";
#else
    return "scalar";
#endif
}

static json_t *host_json(void)
{
    struct utsname host;
    json_t *json = json_object();
    if (uname(&host) == 0) {
        (void)json_object_set_new(json, "system", json_string(host.sysname));
        (void)json_object_set_new(json, "release", json_string(host.release));
        (void)json_object_set_new(json, "machine", json_string(host.machine));
    }
    (void)json_object_set_new(json, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    return json;
}

static void set_time(json_t *json, const char *key, int64_t wall_s)
{
    char text[32];
    time_text(wall_s, false, text);
    (void)json_object_set_new(json, key, json_string(text));
}

hp_status cli_rundir_manifest(const cli_rundir *dir, const cli_common *common,
                              const cli_config *config, const char *verdict, hp_error *error)
{
    char *yaml = cli_config_text(config, false);
    char hash[24];
    json_t *json = json_object();
    if (yaml == NULL || json == NULL) {
        free(yaml);
        json_decref(json);
        return hp_fail(error, HP_ENOMEM, "manifest.json: cannot compose it");
    }
    (void)snprintf(hash, sizeof hash, "%016" PRIx64, cli_config_hash(config));
    (void)json_object_set_new(json, "version", json_string(CLI_VERSION));
    (void)json_object_set_new(json, "build", json_string(CLI_BUILD));
    (void)json_object_set_new(json, "sources", json_string(CLI_SOURCES));
    (void)json_object_set_new(json, "isa", json_string(isa_text()));
    (void)json_object_set_new(json, "host", host_json());
    (void)json_object_set_new(json, "seed", json_integer((json_int_t)common->seed));
    set_time(json, "start", dir->start_s);
    if (strcmp(verdict, "running") != 0) {
        set_time(json, "end", hp_clock_wall_s());
    }
    (void)json_object_set_new(json, "verdict", json_string(verdict));
    (void)json_object_set_new(json, "config_hash", json_string(hash));
    (void)json_object_set_new(json, "config", json_string(yaml));
    const hp_status status = cli_rundir_write_json(dir, "manifest.json", json, error);
    json_decref(json);
    free(yaml);
    return status;
}

hp_status cli_rundir_config(const cli_rundir *dir, const cli_config *config, hp_error *error)
{
    char *yaml = cli_config_text(config, false);
    const hp_status st = yaml != NULL
                             ? cli_rundir_write(dir, "config.yaml", yaml, strlen(yaml), error)
                             : hp_fail(error, HP_ENOMEM, "config.yaml: cannot compose it");
    free(yaml);
    return st;
}
