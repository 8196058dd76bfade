#include "cli/run_parts.h"

#include "cli/embedded.h"
#include "cli/run_log.h"
#include "cli/run_notify.h"
#include "cli/run_watch.h"
#include "cli/supervisor.h"
#include "common/hp_bus.h"
#include "common/hp_clock.h"
#include "proto/hp_node.h"
#include "sim-bridge/carla/carla_client.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { STEP_MS = 50, PARTS = 6, MAX_RECORDINGS = 99, RELOAD_MS = 5000, SILENCE = 10 };

/* ---- The run directory and its sockets ---- */

/** A private directory for sockets, and the link to it. */
typedef struct socket_dir {
    char path[64];
    char link[CLI_PATH];
} socket_dir;

static hp_status make_socket_dir(const cli_rundir *dir, socket_dir *out, hp_error *error)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const bool fits =
        runtime != NULL && runtime[0] == '/' && strlen(runtime) < 32 && access(runtime, W_OK) == 0;
    (void)snprintf(out->path, sizeof out->path, "%s/hyplan-XXXXXX", fits ? runtime : "/tmp");
    if (mkdtemp(out->path) == NULL) {
        return hp_fail(error, HP_EIO, "%s: cannot make a directory for sockets: %s", out->path,
                       strerror(errno));
    }
    if (!cli_rundir_path(dir, "sockets", out->link) || symlink(out->path, out->link) != 0) {
        out->link[0] = '\0'; /* a convenience for onlookers, nothing more */
    }
    return HP_OK;
}

/** For sockets by tcp, the link alone: it names the address. */
static void link_address(const cli_rundir *dir, const char *address, socket_dir *out)
{
    out->path[0] = '\0';
    if (!cli_rundir_path(dir, "sockets", out->link) || symlink(address, out->link) != 0) {
        out->link[0] = '\0';
    }
}

static void remove_socket_dir(const socket_dir *dir)
{
    static const char *const LINKS[] = {"bridge",        "state", "predictor", "policy",
                                        "policy-direct", "pomdp", "tap"};
    char path[sizeof dir->path + 16];
    for (size_t i = 0; i < HP_ARRAY_LEN(LINKS) && dir->path[0] == '/'; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir->path, LINKS[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir->path);
    if (dir->link[0] != '\0') {
        (void)unlink(dir->link);
    }
}

/** What a run that was killed here has left behind. */
static void remove_stale_sockets(const cli_rundir *dir)
{
    socket_dir old = {.path = ""};
    if (cli_rundir_path(dir, "sockets", old.link) &&
        readlink(old.link, old.path, sizeof old.path - 1) > 0) {
        remove_socket_dir(&old);
    }
}

/** run-2.mcap, run-3.mcap, ...: by recorders that were started again. */
static void remove_restarted_recordings(const cli_rundir *dir)
{
    char path[CLI_PATH];
    char name[24];
    bool there = true;
    for (int i = 2; i <= MAX_RECORDINGS && there; i++) {
        (void)snprintf(name, sizeof name, "run-%d.mcap", i);
        there = cli_rundir_path(dir, name, path) && unlink(path) == 0;
    }
}

hp_status run_dir_prepare(const run_options *options, const cli_rundir *dir, int *lock_fd,
                          hp_error *error)
{
    static const char *const OLD[] = {"episodes.json", "planner.json",  "summary.json",
                                      "steps.csv",     "recorder.json", "run.mcap"};
    char path[CLI_PATH];
    hp_status st = hp_bus_lock_dir(dir->path, "run", lock_fd, error);
    if (st != HP_OK) {
        return st;
    }
    for (size_t i = 0; i < HP_ARRAY_LEN(OLD); i++) {
        if (cli_rundir_path(dir, OLD[i], path)) {
            (void)unlink(path);
        }
    }
    remove_restarted_recordings(dir);
    remove_stale_sockets(dir);
    st = cli_rundir_config(dir, &options->config, error);
    return st == HP_OK
               ? cli_rundir_manifest(dir, &options->common, &options->config, "running", error)
               : st;
}

void run_dir_release(int lock_fd)
{
    if (lock_fd >= 0) {
        (void)close(lock_fd);
    }
}

/* ---- Signals: read like a file, so that nothing runs at odd moments ---- */

typedef struct stop_signals {
    int fd;
    bool hangs_on; /* started by nohup or its like: the terminal's end is not the run's */
} stop_signals;

static hp_status catch_signals(stop_signals *s, hp_error *error)
{
    sigset_t set;
    struct sigaction hangup;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    s->hangs_on = sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return s->fd >= 0 ? HP_OK : hp_fail(error, HP_EIO, "signalfd: %s", strerror(errno));
}

/** What a signal wants. */
typedef enum wish { WISH_NONE, WISH_END, WISH_RELOAD } wish;

/** SIGHUP from the kernel: the terminal has gone, and whoever looked on with it. */
static wish signal_came(const stop_signals *s)
{
    struct signalfd_siginfo info;
    if (read(s->fd, &info, sizeof info) != (ssize_t)sizeof info) {
        return WISH_NONE;
    }
    if (info.ssi_signo != SIGHUP) {
        return WISH_END;
    }
    const wish gone = s->hangs_on ? WISH_NONE : WISH_END;
    return info.ssi_code == SI_KERNEL ? gone : WISH_RELOAD;
}

/** Signals stay blocked: what is left to do is to write down how the run ended, and one more of
 * them, which may be waiting already, must not end that. */
static void release_signals(const stop_signals *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
    }
}

/* ---- Whoever manages services is told ---- */

typedef struct care {
    run_notify notify;
    run_phase phase;
    uint64_t settings;   /* seen when a reload began */
    int64_t reload_ends; /* at the latest */
    hp_clock clock;
} care;

static void care_open(care *c, const hp_log *log)
{
    hp_error error = {{0}};
    const run_notify_place place = {.socket = getenv("NOTIFY_SOCKET"),
                                    .watchdog_usec = getenv("WATCHDOG_USEC"),
                                    .watchdog_pid = getenv("WATCHDOG_PID"),
                                    .pid = getpid()};
    *c = (care){.clock = hp_clock_real(), .phase = RUN_STARTS};
    if (run_notify_open(&c->notify, &place, &error) != HP_OK) {
        hp_log_warn(log, "the service manager is told nothing: %s", error.text);
    }
}

static void care_reload(care *c, const run_watch *watch)
{
    c->phase = RUN_RELOADS;
    c->settings = run_watch_seen(watch)->settings;
    c->reload_ends = hp_clock_now_ns(&c->clock) + RELOAD_MS * HP_MS_NS;
}

/** @param lost names of parts that are given up, "" if none is. */
static void care_step(care *c, const run_watch *watch, const char *lost)
{
    const run_seen *seen = run_watch_seen(watch);
    const int64_t now_ns = hp_clock_now_ns(&c->clock);
    char line[RUN_NOTIFY_TEXT / 2];
    char text[RUN_NOTIFY_TEXT];
    const bool reloaded = c->phase == RUN_RELOADS && c->notify.told == RUN_RELOADS &&
                          (seen->settings != c->settings || now_ns >= c->reload_ends);
    if ((c->phase == RUN_STARTS && seen->decisions > 0) || reloaded) {
        c->phase = RUN_READY;
    }
    run_watch_line(watch, line, sizeof line);
    (void)snprintf(text, sizeof text, "%s%s%s%s", line[0] != '\0' ? line : "waits for the planner",
                   seen->degraded ? "; degraded" : "", lost[0] != '\0' ? "; given up:" : "", lost);
    const run_state state = {c->phase, seen->decisions, text};
    run_notify_step(&c->notify, &state, now_ns);
}

static void care_close(care *c)
{
    const run_state state = {RUN_STOPS, c->notify.fed_ticks, "ends"};
    run_notify_step(&c->notify, &state, hp_clock_now_ns(&c->clock));
    run_notify_close(&c->notify);
}

/* ---- Processes ---- */

/** Everything a run with processes holds. */
typedef struct process_run {
    const run_options *options;
    run_log log;
    stop_signals signals;
    socket_dir sockets;
    char paths[PARTS][CLI_PATH];
    hp_place place;
    char config_path[CLI_PATH], seed[24];
    hp_host onlooker;
    run_watch *watch;
    supervisor *children;
    care care;
} process_run;

/** The bridge's end is the run's end. In this order they are also stopped: a worker that goes
 * before its asker would look like a fault. */
enum { BRIDGE, PLANNER };
static const char *const NAMES[PARTS] = {"bridge", "planner", "predictor",
                                         "policy", "pomdp",   "recorder"};

/** The recorder comes last, or not at all. */
static uint32_t n_parts(const run_options *options)
{
    return options->record ? PARTS : PARTS - 1;
}

/** DIR-of-this-executable/hyplan-NAME. */
static hp_status find_program(const char *name, char path[CLI_PATH], hp_error *error)
{
    char self[CLI_PATH];
    const ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0) {
        return hp_fail(error, HP_EIO, "/proc/self/exe: %s", strerror(errno));
    }
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    *(slash != NULL ? slash : self) = '\0';
    const int n = snprintf(path, CLI_PATH, "%s/hyplan-%s", self, name);
    return n > 0 && n < CLI_PATH ? HP_OK : hp_fail(error, HP_EINVAL, "%s: path too long", self);
}

/** Workers may be missing (the planner does without); bridge and planner may not. */
static hp_status list_programs(process_run *r, const cli_rundir *dir,
                               supervisor_program programs[PARTS], hp_error *error)
{
    (void)snprintf(r->seed, sizeof r->seed, "%" PRIu64, r->options->common.seed);
    if (!cli_rundir_path(dir, "config.yaml", r->config_path)) {
        return hp_fail(error, HP_EINVAL, "%s: path too long", dir->path);
    }
    for (uint32_t i = 0; i < n_parts(r->options); i++) {
        const bool needed = i == BRIDGE || i == PLANNER;
        const hp_status st = find_program(NAMES[i], r->paths[i], error);
        if (st != HP_OK) {
            return st;
        }
        if (needed && access(r->paths[i], X_OK) != 0) {
            return hp_fail(error, HP_ENOENT, "%s: %s; is hyplan installed completely?", r->paths[i],
                           strerror(errno));
        }
        programs[i] = (supervisor_program){
            .name = NAMES[i],
            .path = r->paths[i],
            .argv = {r->paths[i], "--config", r->config_path, "--run-dir", dir->path, "--sockets",
                     r->place.sockets, "--seed", r->seed, "--generation", "@generation",
                     r->place.keys != NULL ? "--keys" : NULL, r->place.keys, NULL},
            .once = i == BRIDGE,
            .spare = !needed};
    }
    return HP_OK;
}

/** Settles where the parts meet, and how the onlooker gets there. */
static hp_status open_place(process_run *r, const cli_rundir *dir, hp_error *error)
{
    r->place = r->options->place;
    if (r->place.sockets != NULL) {
        link_address(dir, r->place.sockets, &r->sockets);
    } else {
        const hp_status st = make_socket_dir(dir, &r->sockets, error);
        if (st != HP_OK) {
            return st;
        }
        r->place.sockets = r->sockets.path;
    }
    return hp_host_open(&r->onlooker, HP_ROLE_CLI, 1, &r->place, r->log.out, error);
}

static hp_status open_processes(process_run *r, const cli_rundir *dir, hp_error *error)
{
    supervisor_program programs[PARTS];
    hp_status st = run_log_open(dir, &r->log, error);
    if (st == HP_OK) {
        st = open_place(r, dir, error);
    }
    if (st == HP_OK) {
        st = list_programs(r, dir, programs, error);
    }
    if (st == HP_OK) {
        st = supervisor_create(programs, n_parts(r->options), fileno(r->log.out), &r->log.own,
                               &r->children);
    }
    return st == HP_OK ? run_watch_create(r->onlooker.bus, r->onlooker.node.base,
                                          r->options->common.quiet, &r->watch, error)
                       : st;
}

static void close_processes(process_run *r)
{
    supervisor_destroy(&r->children);
    run_watch_destroy(&r->watch);
    hp_host_close(&r->onlooker);
    remove_socket_dir(&r->sockets);
    if (r->log.out != NULL) {
        run_log_close(&r->log);
    }
}

static void note_parts(const supervisor *children, run_facts *facts)
{
    for (uint32_t i = 0; i < supervisor_count(children); i++) {
        const supervisor_child *c = supervisor_get(children, i);
        facts->names[i] = c->name;
        facts->restarts[i] = c->generation > 0 ? c->generation - 1 : 0;
        facts->given_up[i] = c->state == SUPERVISOR_GIVEN_UP;
    }
}

/** A bridge that was killed has left its actors, and a server that waits for its ticks; or somebody
 *  else's ego with the last it was told. */
static void rescue_server(process_run *r)
{
    const bool attached = r->options->config.bridge.carla.attach;
    const carla_endpoint endpoint =
        carla_endpoint_of(&r->options->config.bridge.carla, 0.0, &r->log.own);
    const hp_clock clock = hp_clock_real();
    hp_error error;
    uint32_t n = 0;
    if (attached && carla_client_release(&endpoint, &clock, &n, &error) == HP_OK) {
        hp_log_info(&r->log.own, "the hero of the CARLA server %s",
                    n > 0 ? "was told to brake" : "was not driven by us yet");
    } else if (attached) {
        hp_log_error(&r->log.own, "the hero cannot be told to brake: %s", error.text);
    } else if (carla_client_rescue(&endpoint, &clock, &n, &error) == HP_OK) {
        hp_log_info(&r->log.own, "the CARLA server is free again; %u actors destroyed", n);
    } else {
        hp_log_error(&r->log.own, "the CARLA server may still wait for us: %s", error.text);
    }
}

/** The files as they are now become the run's, and the planner is told to read them; a fault
 * changes nothing. */
static void reload(process_run *r, const cli_rundir *dir)
{
    hp_error error = {{0}};
    cli_config *fresh = malloc(sizeof *fresh); /* large for the stack */
    hp_status st = fresh != NULL ? run_options_reload(r->options, fresh, &error)
                                 : hp_fail(&error, HP_ENOMEM, "no memory for it");
    if (st == HP_OK) {
        st = cli_rundir_config(dir, fresh, &error);
    }
    free(fresh);
    if (st != HP_OK) {
        hp_log_error(&r->log.own, "configuration kept as it was: %s", error.text);
        r->care.reload_ends = 0; /* nothing to wait for */
        return;
    }
    supervisor_signal(r->children, PLANNER, SIGHUP);
}

static void list_lost(const supervisor *children, char *names, size_t cap)
{
    names[0] = '\0';
    for (uint32_t i = 0; i < supervisor_count(children); i++) {
        const supervisor_child *c = supervisor_get(children, i);
        const size_t used = strlen(names);
        if (c->state == SUPERVISOR_GIVEN_UP) {
            (void)snprintf(names + used, cap - used, " %s", c->name);
        }
    }
}

/** A worker that hangs for good is ended, to be started again; the planner has long gone on without
 * it. The silence of one that has ended is not its successor's. */
static void end_the_silent(process_run *r)
{
    static const hp_role ROLES[] = {HP_ROLE_PREDICTOR, HP_ROLE_POLICY, HP_ROLE_POMDP};
    for (size_t k = 0; k < HP_ARRAY_LEN(ROLES); k++) {
        for (uint32_t i = 0; i < supervisor_count(r->children); i++) {
            const supervisor_child *c = supervisor_get(r->children, i);
            const bool runs = c->state == SUPERVISOR_RUNS;
            if (strcmp(c->name, hp_role_name(ROLES[k])) != 0 ||
                (runs && run_watch_seen(r->watch)->silent[ROLES[k]] < SILENCE)) {
                continue;
            }
            if (runs) {
                hp_log_warn(&r->log.own, "%s has not answered for %d s: ended", c->name, SILENCE);
                supervisor_signal(r->children, i, SIGKILL);
            }
            run_watch_forget(r->watch, ROLES[k]);
        }
    }
}

/** Until the bridge has ended, or a signal says so. */
static hp_status watch_over(process_run *r, const cli_rundir *dir, run_facts *facts,
                            hp_error *error)
{
    const supervisor_child *bridge = supervisor_get(r->children, BRIDGE);
    char lost[64];
    while (bridge->state != SUPERVISOR_ENDED && !facts->interrupted) {
        if (supervisor_step(r->children, STEP_MS) != HP_OK) {
            return hp_fail(error, HP_EIO, "processes cannot be started; see log.txt");
        }
        run_watch_poll(r->watch, 0);
        run_log_repeat(&r->log);
        end_the_silent(r);
        list_lost(r->children, lost, sizeof lost);
        care_step(&r->care, r->watch, lost);
        const wish wanted = signal_came(&r->signals);
        facts->interrupted = wanted == WISH_END;
        if (wanted == WISH_RELOAD) {
            care_reload(&r->care, r->watch);
            reload(r, dir);
        }
    }
    note_parts(r->children, facts);
    if (facts->interrupted) {
        hp_log_info(&r->log.own, "interrupted");
        return HP_OK;
    }
    facts->failed = bridge->exit_status != 0;
    if (bridge->exit_status == CLI_USAGE || bridge->exit_status == CLI_ENVIRONMENT) {
        return hp_fail(error, bridge->exit_status == CLI_USAGE ? HP_ECONFIG : HP_EIO,
                       "the world could not be set up; see log.txt");
    }
    if (bridge->exit_status > 128) {
        hp_log_error(&r->log.own, "the bridge was ended by signal %d: the world is gone",
                     bridge->exit_status - 128);
        if (r->options->config.bridge.world == BRIDGE_WORLD_CARLA) {
            rescue_server(r);
        }
    }
    return HP_OK;
}

hp_status run_processes(const run_options *options, const cli_rundir *dir, run_facts *facts,
                        hp_error *error)
{
    process_run *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the run");
    }
    r->options = options;
    r->log.in = -1;
    hp_status st = catch_signals(&r->signals, error);
    if (st == HP_OK) {
        st = open_processes(r, dir, error);
    }
    if (st == HP_OK) {
        care_open(&r->care, &r->log.own);
        st = watch_over(r, dir, facts, error);
        care_close(&r->care);
    }
    close_processes(r);
    release_signals(&r->signals);
    free(r);
    return st;
}

/* ---- Threads ---- */

static void watch_threads(const embedded *parts, run_watch *watch, run_log *log,
                          const stop_signals *signals, run_facts *facts)
{
    care told;
    care_open(&told, &log->own);
    while (!embedded_done(parts) && !facts->interrupted) {
        run_watch_poll(watch, STEP_MS);
        run_log_repeat(log);
        care_step(&told, watch, "");
        const wish wanted = signal_came(signals);
        facts->interrupted = wanted == WISH_END;
        if (wanted == WISH_RELOAD) {
            hp_log_error(&log->own, "configuration kept as it was: threads do not read it again");
        }
    }
    care_close(&told);
}

hp_status run_embedded(const run_options *options, const cli_rundir *dir, run_facts *facts,
                       hp_error *error)
{
    run_log log = {.in = -1};
    stop_signals signals = {.fd = -1};
    embedded *parts = NULL;
    run_watch *watch = NULL;
    hp_status st = catch_signals(&signals, error);
    if (st == HP_OK) {
        st = run_log_open(dir, &log, error);
    }
    if (st == HP_OK) {
        const embedded_setup setup = {.config = &options->config,
                                      .seed = options->common.seed,
                                      .run_dir = dir->path,
                                      .record = options->record,
                                      .log = log.out};
        st = embedded_create(&setup, &parts, error);
    }
    if (st == HP_OK) {
        st = run_watch_create(embedded_bus(parts), embedded_base(parts), options->common.quiet,
                              &watch, error);
    }
    if (st == HP_OK) {
        watch_threads(parts, watch, &log, &signals, facts);
    }
    facts->failed = st == HP_OK && embedded_failed(parts);
    run_watch_destroy(&watch);
    embedded_destroy(&parts);
    if (log.out != NULL) {
        run_log_close(&log);
    }
    release_signals(&signals);
    return st;
}
