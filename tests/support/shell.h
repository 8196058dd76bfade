/** @file shell.h Shell lines, for tests that start programs as users do, and the files that those
 * need. Lines are a test's own words. */
#ifndef SHELL_H
#define SHELL_H

#include "common/hp_status.h"
#include "tests/support/hp_test.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { SHELL_LINE = 2048 };

/** Runs a line. Returns its exit status. */
static inline int shell_run(const char *format, ...) HP_PRINTF(1, 2);
static inline int shell_run(const char *format, ...)
{
    char line[SHELL_LINE];
    va_list args;
    va_start(args, format);
    assert_true(vsnprintf(line, sizeof line, format, args) < SHELL_LINE);
    va_end(args);
    const int status = system(line); /* NOLINT(cert-env33-c) */
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/** The same; what it prints, cut to cap - 1 bytes, goes into text. */
static inline int shell_hear(char *text, size_t cap, const char *format, ...) HP_PRINTF(3, 4);
static inline int shell_hear(char *text, size_t cap, const char *format, ...)
{
    char line[SHELL_LINE];
    va_list args;
    va_start(args, format);
    assert_true(vsnprintf(line, sizeof line, format, args) < SHELL_LINE);
    va_end(args);
    FILE *out = popen(line, "r"); /* NOLINT(cert-env33-c) */
    assert_non_null(out);
    text[fread(text, 1, cap - 1, out)] = '\0';
    const int status = pclose(out);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/** Removes a directory and all that is in it; 0, or not. */
static inline int shell_remove(const char *dir)
{
    return shell_run("rm -r '%s'", dir);
}

static inline void shell_write(const char *path, const char *text)
{
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

#endif
