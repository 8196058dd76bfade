#include "cli/run_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

hp_status run_log_open(const cli_rundir *dir, run_log *log, hp_error *error)
{
    char path[CLI_PATH];
    *log = (run_log){.in = -1};
    if (!cli_rundir_path(dir, "log.txt", path)) {
        return hp_fail(error, HP_EINVAL, "%s: path too long", dir->path);
    }
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    log->out = fd >= 0 ? fdopen(fd, "a") : NULL;
    log->in = open(path, O_RDONLY | O_CLOEXEC);
    if (log->out == NULL || log->in < 0) {
        const int why = errno;
        if (log->out == NULL && fd >= 0) {
            (void)close(fd);
        }
        run_log_close(log);
        return hp_fail(error, HP_EIO, "%s: cannot write: %s", path, strerror(why));
    }
    log->own = (hp_log){.program = "run", .out = log->out};
    return HP_OK;
}

void run_log_close(run_log *log)
{
    if (log->in >= 0) {
        run_log_repeat(log);
        (void)close(log->in);
        log->in = -1;
    }
    if (log->out != NULL) {
        (void)fclose(log->out);
        log->out = NULL;
    }
}

/** "TIME error PROGRAM ..." of a log, or "PROGRAM: error: ..." of one that could not begin. */
static void finish_line(run_log *log)
{
    log->line[log->len] = '\0';
    log->len = 0;
    const char *second = strchr(log->line, ' ');
    if (second == NULL) {
        return;
    }
    if (strncmp(second, " error ", 7) == 0) {
        (void)fprintf(stderr, "hyplan run: error: %s\n", second + 7);
    } else if (strncmp(second, " warn ", 6) == 0 && strstr(second, " degraded: ") != NULL) {
        (void)fprintf(stderr, "hyplan run: warning: %s\n", second + 6); /* not what was asked for */
    } else if (strncmp(second, " error: ", 8) == 0) {
        (void)fprintf(stderr, "%s\n", log->line);
    }
}

void run_log_repeat(run_log *log)
{
    char chunk[1024];
    ssize_t n = 0;
    while ((n = read(log->in, chunk, sizeof chunk)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (chunk[i] == '\n') {
                finish_line(log);
            } else if (log->len + 1 < sizeof log->line) {
                log->line[log->len++] = chunk[i];
            }
        }
    }
}
