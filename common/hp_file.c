#include "common/hp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 1200 };

/** Why a file cannot be read, in words that say what to do. */
static hp_status load_failure(const char *path, int code, hp_error *error)
{
    char why[128] = "cannot be read";
    switch (code) {
    case ENOENT:
        return hp_fail(error, HP_ENOENT, "%.160s: error: no such file", path);
    case EACCES:
        return hp_fail(error, HP_EIO, "%.160s: error: no permission to read it", path);
    case ENOMEM:
        return hp_fail(error, HP_ENOMEM, "%.160s: error: out of memory", path);
    default:
        (void)snprintf(why, sizeof why, "%s", strerror(code));
        return hp_fail(error, HP_EIO, "%.160s: error: %s", path, why);
    }
}

static hp_status check_file(int fd, const char *path, size_t most, size_t *size, hp_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return load_failure(path, errno, error);
    }
    if (!S_ISREG(about.st_mode)) {
        return hp_fail(error, HP_EIO, "%.160s: error: %s", path,
                       S_ISDIR(about.st_mode) ? "is a directory, wanted a file"
                                              : "is not a regular file");
    }
    if (about.st_size < 0 || (uintmax_t)about.st_size > most) {
        return hp_fail(error, HP_ECONFIG, "%.160s: error: larger than %zu KiB", path, most / 1024);
    }
    *size = (size_t)about.st_size;
    return HP_OK;
}

/** Fills bytes up to capacity or the end of the file, which may shrink meanwhile. */
static int read_all(int fd, char *bytes, size_t capacity, size_t *len)
{
    while (*len < capacity) {
        const ssize_t got = read(fd, bytes + *len, capacity - *len);
        if (got == 0) {
            break;
        }
        if (got > 0) {
            *len += (size_t)got;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

hp_status hp_file_read(const char *path, size_t most, char **bytes, size_t *len, hp_error *error)
{
    size_t size = 0;
    *bytes = NULL;
    *len = 0;
    /* A pipe without a writer would block the opening: check_file refuses it instead. */
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return load_failure(path, errno, error);
    }
    hp_status st = check_file(fd, path, most, &size, error);
    if (st == HP_OK) {
        char *buffer = malloc(size + 1);
        const int code = buffer == NULL ? ENOMEM : read_all(fd, buffer, size, len);
        if (code == 0) {
            buffer[*len] = '\0';
            *bytes = buffer;
        } else {
            free(buffer);
            st = load_failure(path, code, error);
        }
    }
    (void)close(fd);
    return st;
}

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

static bool fill(int fd, const void *bytes, size_t len)
{
    const bool good = write_all(fd, bytes, len);
    return fsync(fd) == 0 && good;
}

/** Gives a file without a name this one; what a process of the same number has left goes. */
static bool give_name(int fd, const char *path)
{
    char self[64];
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    (void)unlink(path);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
}

/** Writes a file beside its place. As long as it is not whole it has no name, so that nothing is
 *  left of a process that is killed; where the file system knows no such files (NFS), it has. */
static bool write_beside(const char *dir, const char *temporary, const void *bytes, size_t len)
{
    int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (fd >= 0) {
        bool good = fill(fd, bytes, len);
        const bool named = good && give_name(fd, temporary);
        good = close(fd) == 0 && good;
        if (named || !good) {
            return good;
        }
    }
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const bool good = fd >= 0 && fill(fd, bytes, len);
    return fd >= 0 && close(fd) == 0 && good;
}

hp_status hp_file_write(const char *dir, const char *name, const void *bytes, size_t len,
                        hp_error *error)
{
    char path[PATH_BYTES];
    char temporary[PATH_BYTES + 32];
    const int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        return hp_fail(error, HP_EINVAL, "%s/%s: path too long", dir, name);
    }
    (void)snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
    if (!write_beside(dir, temporary, bytes, len) || rename(temporary, path) != 0) {
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
