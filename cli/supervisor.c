#include "cli/supervisor.h"

#include "common/hp_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BACKOFF_MIN_MS = 50,
    BACKOFF_MAX_MS = 5000,
    DEATHS = 5,              /* so many ... */
    DEATHS_MS = 10000,       /* ... within this: given up */
    STOP_PATIENCE_MS = 5000, /* on a busy machine the recorder needs some to end its file */
    STOP_LEAST_MS = 500,     /* which it gets when another has used all of it up */
    EXIT_REFUSED = 2,        /* configuration: a new start would end the same way */
    EXIT_NO_EXEC = 127,
};

typedef struct child {
    supervisor_child seen; /* what callers may know */
    supervisor_program program;
    int pidfd;              /* -1 unless it runs */
    int64_t backoff_ms;     /* before the next start */
    int64_t start_ns;       /* due then (waiting), or started then */
    int64_t deaths[DEATHS]; /* ring of the last ends' times */
    uint32_t n_deaths;
} child;

struct supervisor {
    hp_clock clock;
    const hp_log *log;
    int output;
    uint32_t n;
    child children[SUPERVISOR_MAX];
};

static int64_t now_ns(const supervisor *s)
{
    return hp_clock_now_ns(&s->clock);
}

hp_status supervisor_create(const supervisor_program *programs, uint32_t n, int output,
                            const hp_log *log, supervisor **out)
{
    supervisor *s = n <= SUPERVISOR_MAX ? calloc(1, sizeof *s) : NULL;
    *out = s;
    if (s == NULL) {
        return n <= SUPERVISOR_MAX ? HP_ENOMEM : HP_EINVAL;
    }
    s->clock = hp_clock_real();
    s->log = log;
    s->output = output;
    s->n = n;
    for (uint32_t i = 0; i < n; i++) {
        s->children[i] = (child){.seen = {.name = programs[i].name, .state = SUPERVISOR_WAITS},
                                 .program = programs[i],
                                 .pidfd = -1,
                                 .backoff_ms = BACKOFF_MIN_MS};
    }
    return HP_OK;
}

uint32_t supervisor_count(const supervisor *self)
{
    return self->n;
}

const supervisor_child *supervisor_get(const supervisor *self, uint32_t i)
{
    return &self->children[i].seen;
}

/* ---- Starting ---- */

/** Offers the calling process to a kernel that is out of memory. */
static void offer(void)
{
    static const char SCORE[] = "500";
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, SCORE, sizeof SCORE - 1); /* it stays as it was */
        (void)close(fd);
    }
}

/** It is blocked in a child from its first moment: it may come before the program has said what it
 * means to it. */
static sigset_t hangup_alone(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

/** The child's side of fork: only calls that are safe there. Never returns. */
static void become(const supervisor_program *program, char *const *argv, int output, pid_t parent)
{
    const sigset_t hangup = hangup_alone();
    (void)sigprocmask(SIG_SETMASK, &hangup, NULL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    (void)setpgid(0, 0);
    if (program->spare) {
        offer();
    }
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && null >= 0 &&
        dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0) {
        (void)execv(program->path, argv);
    }
    _exit(EXIT_NO_EXEC);
}

/** The next start is due after the time that it has earned, which doubles. */
static void wait_longer(supervisor *s, child *c)
{
    c->seen.state = SUPERVISOR_WAITS;
    c->start_ns = now_ns(s) + c->backoff_ms * HP_MS_NS;
    c->backoff_ms = c->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : c->backoff_ms * 2;
}

static hp_status start(supervisor *s, child *c)
{
    char generation[16];
    char *argv[SUPERVISOR_MAX_ARGS + 1] = {NULL};
    const pid_t parent = getpid();
    (void)snprintf(generation, sizeof generation, "%u", c->seen.generation + 1);
    for (size_t i = 0; i < SUPERVISOR_MAX_ARGS && c->program.argv[i] != NULL; i++) {
        const bool number = strcmp(c->program.argv[i], "@generation") == 0;
        union { /* execv takes char *, but does not write */
            const char *in;
            char *out;
        } arg = {number ? generation : c->program.argv[i]};
        argv[i] = arg.out;
    }
    const sigset_t hangup = hangup_alone();
    sigset_t before;
    (void)sigprocmask(SIG_BLOCK, &hangup, &before);
    const pid_t pid = fork();
    if (pid == 0) {
        become(&c->program, argv, s->output, parent);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    c->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pid < 0 || c->pidfd < 0) {
        const int why = errno;
        if (pid > 0) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
        }
        hp_log_error(s->log, "cannot start %s: %s", c->seen.name, strerror(why));
        wait_longer(s, c);
        return c->seen.generation > 0 ? HP_OK : HP_EIO;
    }
    c->seen.pid = pid;
    c->seen.generation++;
    c->seen.state = SUPERVISOR_RUNS;
    c->start_ns = now_ns(s);
    hp_log_info(s->log, "%s started (pid %d, generation %u)", c->seen.name, c->seen.pid,
                c->seen.generation);
    return HP_OK;
}

/* ---- Ends ---- */

/** True if this end makes too many in too short a time. */
static bool count_death(child *c, int64_t now)
{
    const uint32_t slot = c->n_deaths % DEATHS;
    c->deaths[slot] = now;
    c->n_deaths++;
    const int64_t oldest = c->deaths[c->n_deaths % DEATHS];
    return c->n_deaths >= DEATHS && now - oldest < DEATHS_MS * HP_MS_NS;
}

static void after_end(supervisor *s, child *c)
{
    const int64_t now = now_ns(s);
    const int status = c->seen.exit_status;
    if (c->program.once) {
        c->seen.state = SUPERVISOR_ENDED;
        return;
    }
    if (status == EXIT_REFUSED || status == EXIT_NO_EXEC || count_death(c, now)) {
        hp_log_error(s->log, "%s is given up: %s; the run goes on without it (degraded)",
                     c->seen.name,
                     status == EXIT_NO_EXEC   ? "it cannot be executed"
                     : status == EXIT_REFUSED ? "it refuses its configuration"
                                              : "it ended 5 times within 10 s");
        c->seen.state = SUPERVISOR_GIVEN_UP;
        return;
    }
    if (now - c->start_ns > DEATHS_MS * HP_MS_NS) {
        c->backoff_ms = BACKOFF_MIN_MS; /* it had lived well */
    }
    hp_log_warn(s->log, "%s ended (%s %d); next start in %d ms", c->seen.name,
                status > 128 ? "signal" : "status", status > 128 ? status - 128 : status,
                (int)c->backoff_ms);
    wait_longer(s, c);
}

/** Takes a child that has ended off the process table. False: it still runs. */
static bool reap(child *c)
{
    int status = 0;
    pid_t pid = 0;
    do {
        pid = waitpid(c->seen.pid, &status, WNOHANG);
    } while (pid < 0 && errno == EINTR);
    if (pid == 0) {
        return false;
    }
    c->seen.exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    c->seen.pid = 0;
    (void)close(c->pidfd);
    c->pidfd = -1;
    return true;
}

/** Waits until a child ends. False: none did in wait_ms. */
static bool wait_for_end(const supervisor *s, int wait_ms)
{
    struct pollfd fds[SUPERVISOR_MAX];
    for (uint32_t i = 0; i < s->n; i++) {
        fds[i] = (struct pollfd){.fd = s->children[i].pidfd, .events = POLLIN};
    }
    return poll(fds, s->n, wait_ms) > 0;
}

hp_status supervisor_step(supervisor *self, int wait_ms)
{
    int64_t wait = wait_ms;
    for (uint32_t i = 0; i < self->n; i++) {
        child *c = &self->children[i];
        if (c->seen.state == SUPERVISOR_WAITS && now_ns(self) >= c->start_ns) {
            const hp_status st = start(self, c);
            if (st != HP_OK) {
                return st;
            }
        } else if (c->seen.state == SUPERVISOR_WAITS) {
            const int64_t due_ms = (c->start_ns - now_ns(self)) / HP_MS_NS + 1;
            wait = due_ms < wait ? due_ms : wait;
        }
    }
    if (wait_for_end(self, (int)(wait > 0 ? wait : 0))) {
        for (uint32_t i = 0; i < self->n; i++) {
            child *c = &self->children[i];
            if (c->seen.state == SUPERVISOR_RUNS && reap(c)) {
                after_end(self, c);
            }
        }
    }
    return HP_OK;
}

/* ---- Stopping ---- */

/** Waits for the end of one child, until then at most. */
static void await_end(const supervisor *s, child *c, int64_t until_ns)
{
    while (c->seen.state == SUPERVISOR_RUNS) {
        if (reap(c)) {
            c->seen.state = SUPERVISOR_ENDED;
        } else if (now_ns(s) >= until_ns) {
            return;
        } else { /* for this one alone: others may have ended, and would be news all the time */
            struct pollfd fd = {.fd = c->pidfd, .events = POLLIN};
            (void)poll(&fd, 1, 20);
        }
    }
}

/** A child that has not been reaped keeps its pid, so a signal cannot hit a stranger. */
static void signal_child(const child *c, int number)
{
    if (c->seen.state == SUPERVISOR_RUNS) {
        (void)kill(c->seen.pid, number);
    }
}

void supervisor_signal(const supervisor *self, uint32_t i, int number)
{
    signal_child(&self->children[i], number);
}

void supervisor_stop(supervisor *self)
{
    const int64_t until_ns = now_ns(self) + STOP_PATIENCE_MS * HP_MS_NS;
    for (uint32_t i = 0; i < self->n; i++) {
        child *c = &self->children[i];
        c->seen.state = c->seen.state == SUPERVISOR_WAITS ? SUPERVISOR_ENDED : c->seen.state;
        signal_child(c, SIGTERM);
        const int64_t least_ns = now_ns(self) + STOP_LEAST_MS * HP_MS_NS;
        await_end(self, c, until_ns > least_ns ? until_ns : least_ns);
        signal_child(c, SIGKILL);
        await_end(self, c, INT64_MAX);
    }
}

void supervisor_destroy(supervisor **self)
{
    if (*self != NULL) {
        supervisor_stop(*self);
        free(*self);
        *self = NULL;
    }
}
