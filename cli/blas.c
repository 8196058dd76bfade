#include "cli/blas.h"

#include "common/hp_linalg.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_WORDS = 128, WORDS_BYTES = 4096 };

/* Starts this program again with the same words, which /proc keeps. Returns only if that fails. */
static void start_again(void)
{
    char words[WORDS_BYTES];
    char *argv[MAX_WORDS + 1];
    size_t argc = 0;
    const int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, words, sizeof words);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (n <= 0 || n == WORDS_BYTES) {
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (i == 0 || words[i - 1] == '\0') {
            if (argc == MAX_WORDS) {
                return;
            }
            argv[argc++] = &words[i];
        }
    }
    argv[argc] = NULL;
    (void)execv("/proc/self/exe", argv);
}

void blas_choose_kernels(void)
{
    const char *better = hp_linalg_better_kernels();
    if (better != NULL && getenv("OPENBLAS_CORETYPE") == NULL &&
        setenv("OPENBLAS_CORETYPE", better, 0) == 0) {
        start_again();
    }
    if (better != NULL) {
        (void)fprintf(stderr,
                      "hyplan: warning: OpenBLAS uses its %s kernels, which are slow on this "
                      "processor; set OPENBLAS_CORETYPE=%s\n",
                      hp_linalg_kernels(), better);
    }
    hp_linalg_start();
}
