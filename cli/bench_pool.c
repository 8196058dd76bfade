#include "cli/bench_pool.h"

#include "cli/progress.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORKERS = 256 };

typedef struct worker {
    pid_t pid;
    int fd;       /* our end; -1: gone */
    uint32_t job; /* what it plays now */
    bool busy;
} worker;

typedef struct pool {
    const bench_suite *suite;
    const cli_config *config;
    const bool *todo;
    uint32_t n_jobs, n_todo, n_done;
    uint32_t next_turn, stride; /* jobs are given out in leaps, see job_at */
    uint32_t n_workers;
    worker workers[MAX_WORKERS];
    progress shown;
    bench_result *result; /* where results arrive */
} pool;

/* A worker's life: a job comes, a result goes, until the other end closes. */
static void serve(const bench_suite *suite, const cli_config *config, int fd)
{
    bench_player *player = NULL;
    bench_result *result = calloc(1, sizeof *result);
    uint32_t job = 0;
    if (result == NULL) {
        return;
    }
    const hp_status made = bench_player_create(suite, config, &player);
    while (recv(fd, &job, sizeof job, 0) == (ssize_t)sizeof job) {
        const uint32_t n = suite->settings.n_contenders;
        result->job = job;
        result->status = made == HP_OK ? bench_player_play(player, job / n, job % n, &result->row,
                                                           &result->times, &result->error)
                                       : hp_fail(&result->error, made, "%s", hp_status_text(made));
        if (send(fd, result, sizeof *result, MSG_NOSIGNAL) != (ssize_t)sizeof *result) {
            break;
        }
    }
    bench_player_destroy(&player);
    free(result);
}

static hp_status start_worker(pool *p, uint32_t i, hp_error *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) {
        return hp_fail(error, HP_EIO, "no socket for a worker: %s", strerror(errno));
    }
    const pid_t pid = fork();
    if (pid < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return hp_fail(error, HP_EIO, "no process for a worker: %s", strerror(errno));
    }
    if (pid == 0) {
        for (uint32_t k = 0; k < i; k++) {
            (void)close(p->workers[k].fd); /* else it would keep its elders alive */
        }
        (void)close(ends[0]);
        serve(p->suite, p->config, ends[1]);
        _exit(0); /* the parent's buffers are not ours to flush */
    }
    (void)close(ends[1]);
    p->workers[i] = (worker){.pid = pid, .fd = ends[0]};
    p->n_workers = i + 1;
    return HP_OK;
}

/* The job of a turn. Leaps of about the golden section through the scenes mix quick and slow
 * scenarios from the start, so that the time left is told well; rows do not depend on it. */
static uint32_t job_at(const pool *p, uint32_t turn)
{
    const uint32_t n = p->suite->settings.n_contenders;
    const uint64_t scene = (uint64_t)(turn / n) * p->stride % p->suite->n_scenes;
    return (uint32_t)scene * n + turn % n;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b != 0) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* A leap that comes by every scene once. */
static uint32_t choose_stride(uint32_t n_scenes)
{
    uint32_t stride = (uint32_t)(0.618 * n_scenes) + 1;
    while (common_divisor(stride, n_scenes) != 1) {
        stride++;
    }
    return stride;
}

/* Gives the worker its next job, or closes its line. */
static hp_status feed(pool *p, worker *w, hp_error *error)
{
    while (p->next_turn < p->n_jobs && !p->todo[job_at(p, p->next_turn)]) {
        p->next_turn++;
    }
    w->busy = p->next_turn < p->n_jobs;
    if (!w->busy) {
        (void)close(w->fd);
        w->fd = -1;
        return HP_OK;
    }
    w->job = job_at(p, p->next_turn++);
    if (send(w->fd, &w->job, sizeof w->job, MSG_NOSIGNAL) != (ssize_t)sizeof w->job) {
        return hp_fail(error, HP_EIO, "a worker does not listen: %s", strerror(errno));
    }
    return HP_OK;
}

static hp_status mourn(const pool *p, worker *w, hp_error *error)
{
    const bench_settings *s = &p->suite->settings;
    const bench_scene *scene = &p->suite->scenes[w->job / s->n_contenders];
    char text[96];
    int how = 0;
    bench_scene_text(p->suite, scene, text, sizeof text);
    const pid_t pid = waitpid(w->pid, &how, 0);
    w->busy = false; /* gone: nobody to end any more */
    return hp_fail(error, HP_EIO, "a worker died (%s %d) of '%s' in %s, scene %s",
                   pid > 0 && WIFSIGNALED(how) ? "signal" : "status",
                   pid > 0 && WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how),
                   s->contenders[w->job % s->n_contenders], s->scenarios[scene->scenario], text);
}

static hp_status receive(pool *p, worker *w, bench_take take, void *ctx, hp_error *error)
{
    const ssize_t n = recv(w->fd, p->result, sizeof *p->result, 0);
    if (n < 0 && errno == EINTR) {
        return HP_OK;
    }
    if (n != (ssize_t)sizeof *p->result || p->result->job != w->job) {
        return mourn(p, w, error);
    }
    if (p->result->status != HP_OK) {
        *error = p->result->error;
        return p->result->status;
    }
    p->n_done++;
    progress_show(&p->shown, p->n_done, "%u workers", p->n_workers);
    const hp_status status = take(ctx, p->result, error);
    return status == HP_OK ? feed(p, w, error) : status;
}

/* One round of waiting for whoever is ready. */
static hp_status turn(pool *p, bench_take take, void *ctx, hp_error *error)
{
    struct pollfd polls[MAX_WORKERS];
    for (uint32_t i = 0; i < p->n_workers; i++) {
        polls[i] = (struct pollfd){.fd = p->workers[i].fd, .events = POLLIN};
    }
    if (poll(polls, p->n_workers, -1) < 0 && errno != EINTR) {
        return hp_fail(error, HP_EIO, "poll: %s", strerror(errno));
    }
    hp_status status = HP_OK;
    for (uint32_t i = 0; status == HP_OK && i < p->n_workers; i++) {
        if (p->workers[i].fd >= 0 && polls[i].revents != 0) {
            status = receive(p, &p->workers[i], take, ctx, error);
        }
    }
    return status;
}

static void stop(pool *p, bool early)
{
    for (uint32_t i = 0; i < p->n_workers; i++) {
        worker *w = &p->workers[i];
        if (early && w->busy) {
            (void)kill(w->pid, SIGTERM); /* its episode is of no use any more */
        }
        if (w->fd >= 0) {
            (void)close(w->fd);
        }
        (void)waitpid(w->pid, NULL, 0);
    }
}

/* All of a run, but for making and freeing the pool. */
static hp_status run_all(pool *p, uint32_t n_workers, bench_take take, void *ctx, hp_error *error)
{
    hp_status status = HP_OK;
    while (status == HP_OK && p->n_workers < MAX_WORKERS && p->n_workers < n_workers &&
           p->n_workers < p->n_todo) {
        status = start_worker(p, p->n_workers, error);
    }
    for (uint32_t i = 0; status == HP_OK && i < p->n_workers; i++) {
        status = feed(p, &p->workers[i], error);
    }
    while (status == HP_OK && p->n_done < p->n_todo) {
        status = turn(p, take, ctx, error);
    }
    stop(p, status != HP_OK);
    return status;
}

hp_status bench_pool_run(const bench_job *job, uint32_t n_workers, bench_take take, void *ctx,
                         hp_error *error)
{
    pool *p = calloc(1, sizeof *p);
    bench_result *result = calloc(1, sizeof *result);
    hp_status status = HP_ENOMEM;
    if (p != NULL && result != NULL) {
        p->suite = job->suite;
        p->config = job->config;
        p->todo = job->todo;
        p->n_jobs = job->suite->n_scenes * job->suite->settings.n_contenders;
        p->stride = choose_stride(job->suite->n_scenes);
        p->result = result;
        for (uint32_t i = 0; i < p->n_jobs; i++) {
            p->n_todo += p->todo[i];
        }
        p->shown = progress_start(job->quiet, "episodes", 0, p->n_todo);
        status = run_all(p, n_workers, take, ctx, error);
        progress_end(&p->shown);
    } else {
        (void)hp_fail(error, status, "out of memory");
    }
    free(result);
    free(p);
    return status;
}
