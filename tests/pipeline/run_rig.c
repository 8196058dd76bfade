#include "tests/pipeline/run_rig.h"
#include "tests/support/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NAP_MS = 20, LOG_BYTES = 1 << 20 };

static void nap(void)
{
    const struct timespec t = {.tv_nsec = NAP_MS * 1000000L};
    (void)nanosleep(&t, NULL);
}

void rig_set_up(rig *r)
{
    *r = (rig){.dir = "/tmp/hyplan-test-XXXXXX"};
    assert_non_null(mkdtemp(r->dir));
    /* Orphans of a killed supervisor come to us, so that their end can be seen. */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void rig_tear_down(rig *r)
{
    if (r->pid > 0) {
        rig_signal(r, SIGTERM);
        (void)rig_wait(r);
    }
    hp_socket_close(&r->tap);
    hp_bus_destroy(&r->bus);
    hp_codec_destroy(&r->codec);
    free(r->message);
    free(r->bytes);
    (void)nftw(r->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void rig_start(rig *r, const char *bin, const char *const *args)
{
    char program[RIG_PATH];
    const char *argv[RIG_MAX_ARGS] = {program, "run", "--out", r->dir};
    int n = 4;
    (void)snprintf(program, sizeof program, "%s/hyplan", bin != NULL ? bin : HYPLAN_BIN);
    while (*args != NULL && n < RIG_MAX_ARGS - 1) {
        argv[n++] = *args++;
    }
    assert_null(*args);
    (void)fflush(NULL);
    const pid_t parent = getpid();
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        char output[RIG_PATH + 16];
        union {
            const char **in;
            char **out;
        } words = {argv};
        (void)snprintf(output, sizeof output, "%s/output.txt", r->dir);
        const int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent && fd >= 0 &&
            dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0) {
            (void)execv(program, words.out);
        }
        _exit(126);
    }
}

int rig_wait(rig *r)
{
    int status = 0;
    for (int ms = 0; ms < RIG_PATIENCE_MS; ms += NAP_MS) {
        if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
            r->pid = 0;
            r->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
            return r->status;
        }
        nap();
    }
    (void)kill(r->pid, SIGKILL);
    (void)waitpid(r->pid, &status, 0);
    r->pid = 0;
    fail_msg("hyplan run did not end");
    return -1;
}

void rig_signal(const rig *r, int number)
{
    (void)kill(r->pid, number);
}

int rig_run(rig *r, const char *const *args)
{
    rig_start(r, NULL, args);
    return rig_wait(r);
}

/** The child still runs (or there is none): what is waited for may still come. */
static bool may_wait(const rig *r)
{
    siginfo_t info = {.si_pid = 0};
    return r->pid == 0 || (waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                           info.si_pid == 0);
}

/** log.txt or output.txt, whole; free() it. */
static char *read_text(const rig *r, const char *file)
{
    char path[RIG_PATH + 32];
    char *text = calloc(1, LOG_BYTES);
    assert_non_null(text);
    (void)snprintf(path, sizeof path, "%s/%s", r->dir, file);
    FILE *in = fopen(path, "re");
    if (in != NULL) {
        (void)!fread(text, 1, LOG_BYTES - 1, in);
        (void)fclose(in);
    }
    return text;
}

bool rig_log_has(const rig *r, const char *text)
{
    char *log = read_text(r, "log.txt");
    char *output = read_text(r, "output.txt");
    const bool has = strstr(log, text) != NULL || strstr(output, text) != NULL;
    free(output);
    free(log);
    return has;
}

void rig_wait_log(const rig *r, const char *text)
{
    for (int ms = 0; ms < RIG_PATIENCE_MS && may_wait(r); ms += NAP_MS) {
        if (rig_log_has(r, text)) {
            return;
        }
        nap();
    }
    fail_msg("log.txt never said '%s'", text);
}

pid_t rig_part(const rig *r, const char *name, unsigned generation)
{
    for (int ms = 0; ms < RIG_PATIENCE_MS && may_wait(r); ms += NAP_MS) {
        char *log = read_text(r, "log.txt");
        char wanted[64];
        pid_t pid = 0;
        (void)snprintf(wanted, sizeof wanted, " %s started (pid ", name);
        for (const char *at = strstr(log, wanted); at != NULL && pid == 0;
             at = strstr(at + 1, wanted)) {
            char *end = NULL;
            const long p = strtol(at + strlen(wanted), &end, 10);
            static const char NEXT[] = ", generation ";
            if (strncmp(end, NEXT, sizeof NEXT - 1) == 0 &&
                strtoul(end + sizeof NEXT - 1, NULL, 10) == generation) {
                pid = (pid_t)p;
            }
        }
        free(log);
        if (pid > 0) {
            return pid;
        }
        nap();
    }
    fail_msg("%s never started as generation %u", name, generation);
    return 0;
}

void rig_look(rig *r)
{
    char link[RIG_PATH + 16];
    char base[RIG_PATH + 8];
    char endpoint[HP_BUS_ENDPOINT];
    hp_error error;
    (void)snprintf(link, sizeof link, "%s/sockets", r->dir);
    ssize_t n = -1;
    for (int ms = 0; ms < RIG_PATIENCE_MS && n <= 0 && may_wait(r); ms += NAP_MS) {
        n = readlink(link, r->sockets, sizeof r->sockets - 1);
        nap();
    }
    assert_true(n > 0);
    r->sockets[n] = '\0';
    (void)snprintf(base, sizeof base, "ipc://%s", r->sockets);
    r->bytes = malloc(HP_BUS_MAX_MESSAGE);
    r->message = malloc(sizeof *r->message);
    assert_non_null(r->bytes);
    assert_non_null(r->message);
    assert_int_equal(hp_codec_create(&r->codec), HP_OK);
    assert_int_equal(hp_bus_create(&r->bus), HP_OK);
    assert_int_equal(hp_endpoint(base, HP_LINK_TAP, endpoint, sizeof endpoint), HP_OK);
    assert_int_equal(hp_socket_open(r->bus, HP_SOCKET_SUB, endpoint, &r->tap, &error), HP_OK);
}

const hp_message *rig_hear(rig *r, hp_msg_type type)
{
    const hp_clock clock = hp_clock_real();
    const int64_t until_ns = hp_clock_now_ns(&clock) + RIG_PATIENCE_MS * HP_MS_NS;
    while (hp_clock_now_ns(&clock) < until_ns && may_wait(r)) {
        char topic[HP_TEXT];
        size_t len = 0;
        bool ready = false;
        (void)!hp_bus_poll(&r->tap, &ready, 1, 100);
        while (hp_socket_receive_topic(r->tap, topic, sizeof topic, r->bytes, HP_BUS_MAX_MESSAGE,
                                       &len) == HP_OK) {
            if (strcmp(topic, hp_msg_name(type)) == 0) {
                assert_int_equal(hp_decode_payload(r->codec, type, r->bytes, len, r->message, NULL),
                                 HP_OK);
                return r->message;
            }
        }
    }
    fail_msg("no %s on the tap", hp_msg_name(type));
    return NULL;
}

void rig_wait_ticks(rig *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        (void)rig_hear(r, HP_MSG_FRAME);
    }
}

void rig_wait_health(rig *r, const char *role, unsigned generation)
{
    const hp_message *heard = rig_hear(r, HP_MSG_HEALTH);
    while (heard != NULL && (strcmp(heard->as_hp_health.role, role) != 0 ||
                             heard->as_hp_health.generation < generation)) {
        heard = rig_hear(r, HP_MSG_HEALTH);
    }
}

bool rig_gone(pid_t pid)
{
    for (int ms = 0; ms < RIG_PATIENCE_MS; ms += NAP_MS) {
        (void)waitpid(pid, NULL, WNOHANG);
        if (kill(pid, 0) != 0 && errno == ESRCH) {
            return true;
        }
        nap();
    }
    return false;
}

json_t *rig_json(const rig *r, const char *file)
{
    char path[RIG_PATH + 32];
    json_error_t why;
    (void)snprintf(path, sizeof path, "%s/%s", r->dir, file);
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (json == NULL) {
        fail_msg("%s: %s", file, why.text);
    }
    return json;
}

static const json_t *find(const json_t *json, const char *path)
{
    char copy[128];
    char *rest = NULL;
    (void)snprintf(copy, sizeof copy, "%s", path);
    assert_non_null(json);
    for (const char *key = strtok_r(copy, "/", &rest); key != NULL && json != NULL;
         key = strtok_r(NULL, "/", &rest)) {
        json = json_is_array(json) ? json_array_get(json, (size_t)strtoul(key, NULL, 10))
                                   : json_object_get(json, key);
    }
    if (json == NULL) {
        fail_msg("there is no %s", path);
    }
    return json;
}

double rig_number(const json_t *json, const char *path)
{
    const json_t *value = find(json, path);
    assert_true(json_is_number(value) || json_is_boolean(value));
    return json_is_boolean(value) ? (json_is_true(value) ? 1.0 : 0.0) : json_number_value(value);
}

void rig_text(const json_t *json, const char *path, char *text, size_t cap)
{
    const json_t *value = find(json, path);
    assert_true(json_is_string(value));
    (void)snprintf(text, cap, "%s", json_string_value(value));
}

void rig_write_config(const rig *r, const char *text)
{
    char path[RIG_PATH + 16];
    (void)snprintf(path, sizeof path, "%s/more.yaml", r->dir);
    shell_write(path, text);
    char config[RIG_PATH + 16];
    (void)snprintf(config, sizeof config, "%s/config.yaml", r->dir);
    assert_int_equal(rename(path, config), 0);
}

void rig_edit_config(const rig *r, char *text, const char *heading, const char *old,
                     const char *new)
{
    static char rest[RIG_CONFIG];
    char *at = strstr(text, heading);
    assert_non_null(at);
    at = strstr(at, old);
    assert_non_null(at);
    (void)snprintf(rest, sizeof rest, "%s", at + strlen(old));
    const size_t room = RIG_CONFIG - (size_t)(at - text);
    assert_true(snprintf(at, room, "%s%s", new, rest) < (int)room);
    rig_write_config(r, text);
}

void rig_read_config(const rig *r, char text[RIG_CONFIG])
{
    char path[RIG_PATH + 16];
    (void)snprintf(path, sizeof path, "%s/config.yaml", r->dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, RIG_CONFIG - 1, file)] = '\0';
    (void)fclose(file);
}
