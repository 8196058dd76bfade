#include "common/hp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 1200 };

static bool write_all(int fd, const unsigned char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

hp_status hp_file_write(const char *dir, const char *name, const void *bytes, size_t len,
                        hp_error *error)
{
    char path[PATH_BYTES];
    char temporary[PATH_BYTES + 4];
    const int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        return hp_fail(error, HP_EINVAL, "%s/%s: path too long", dir, name);
    }
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", path);
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return hp_fail(error, HP_EIO, "%s: cannot write: %s", temporary, strerror(errno));
    }
    bool good = write_all(fd, bytes, len);
    good = fsync(fd) == 0 && good;
    good = close(fd) == 0 && good;
    if (!good || rename(temporary, path) != 0) {
        const int why = errno;
        (void)unlink(temporary);
        return hp_fail(error, HP_EIO, "%s: cannot write: %s", path, strerror(why));
    }
    return HP_OK;
}

hp_status hp_file_close(FILE **out, const char *path, hp_error *error)
{
    if (*out == NULL) {
        return HP_OK;
    }
    errno = 0;
    bool good = ferror(*out) == 0;
    good = fclose(*out) == 0 && good;
    *out = NULL;
    return good ? HP_OK
                : hp_fail(error, HP_EIO, "%s: cannot write: %s", path,
                          errno != 0 ? strerror(errno) : "earlier bytes were lost");
}
