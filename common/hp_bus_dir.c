#include "common/hp_bus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static hp_status open_private_dir(const char *dir, int *out, hp_error *error)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return hp_fail(error, HP_EIO, "%s: cannot make the run directory: %s", dir,
                       strerror(errno));
    }
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return hp_fail(error, HP_EIO, "%s: not a directory of ours (links are refused): %s", dir,
                       strerror(errno));
    }
    struct stat st;
    hp_status status = HP_OK;
    if (fstat(fd, &st) != 0) {
        status = hp_fail(error, HP_EIO, "%s: %s", dir, strerror(errno));
    } else if (st.st_uid != geteuid()) {
        status = hp_fail(error, HP_EIO, "%s: belongs to user %lu, not to us (%lu)", dir,
                         (unsigned long)st.st_uid, (unsigned long)geteuid());
    } else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        status = hp_fail(error, HP_EIO, "%s: others may write there; chmod go-w it", dir);
    }
    if (status != HP_OK) {
        (void)close(fd);
        return status;
    }
    *out = fd;
    return HP_OK;
}

/** Fails with the pid that the holder wrote into its lock file. */
static hp_status fail_locked(int fd, const char *dir, const char *name, hp_error *error)
{
    char pid[24] = "";
    const ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    return hp_fail(error, HP_EBUSY, "%s: another %s runs here (pid %s)", dir, name,
                   pid[0] != '\0' ? pid : "not yet known");
}

static hp_status write_pid(int fd)
{
    char pid[24];
    const int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)n, 0) == n ? HP_OK : HP_EIO;
}

hp_status hp_bus_lock_dir(const char *dir, const char *name, int *lock_fd, hp_error *error)
{
    char file[80];
    const int n = snprintf(file, sizeof file, "%s.lock", name);
    if (n < 0 || (size_t)n >= sizeof file || strchr(name, '/') != NULL) {
        return hp_fail(error, HP_EINVAL, "'%s': no name for a lock", name);
    }
    int dir_fd = -1;
    const hp_status status = open_private_dir(dir, &dir_fd, error);
    if (status != HP_OK) {
        return status;
    }
    const int fd = openat(dir_fd, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    const int open_errno = errno;
    (void)close(dir_fd);
    if (fd < 0) {
        return hp_fail(error, HP_EIO, "%s/%s: %s", dir, file, strerror(open_errno));
    }
    hp_status locked = HP_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        locked = errno == EWOULDBLOCK
                     ? fail_locked(fd, dir, name, error)
                     : hp_fail(error, HP_EIO, "%s/%s: %s", dir, file, strerror(errno));
    } else if (write_pid(fd) != HP_OK) {
        locked = hp_fail(error, HP_EIO, "%s/%s: cannot write: %s", dir, file, strerror(errno));
    }
    if (locked != HP_OK) {
        (void)close(fd);
        return locked;
    }
    *lock_fd = fd;
    return HP_OK;
}
