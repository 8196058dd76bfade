#include "common/hp_bus_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 100 }; /* as libzmq's own */

hp_status hp_bus_file_name(const char *endpoint, const char *path, int type, hp_bus_file *file,
                           hp_error *error)
{
    const size_t cap = sizeof file->address.sun_path;
    if (path[0] == '\0' || path[0] == '@' || path[0] == '*') {
        return hp_fail(error, HP_ECONFIG, "%s: name a file in the run directory", endpoint);
    }
    if (strlen(path) >= cap) {
        return hp_fail(
            error, HP_ECONFIG,
            "%s: path of %zu bytes, a socket's may have %zu; use a shorter run directory", endpoint,
            strlen(path), cap - 1);
    }
    *file = (hp_bus_file){.address = {.sun_family = AF_UNIX}, .type = type};
    (void)snprintf(file->address.sun_path, cap, "%s", path);
    return HP_OK;
}

static int open_socket(const hp_bus_file *file)
{
    return socket(AF_UNIX, file->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/** HP_OK if the file at path is a socket that nobody serves. */
static hp_status check_dead(const hp_bus_file *file, hp_error *error)
{
    const char *path = file->address.sun_path;
    struct stat st;
    if (lstat(path, &st) != 0) {
        return hp_fail(error, HP_EIO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISSOCK(st.st_mode)) {
        return hp_fail(error, HP_EIO, "%s: exists and is no socket; remove it", path);
    }
    const int fd = open_socket(file);
    if (fd < 0) {
        return hp_fail(error, HP_EIO, "%s: %s", path, strerror(errno));
    }
    const int rc = connect(fd, (const struct sockaddr *)&file->address, sizeof file->address);
    const bool dead = rc != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return dead ? HP_OK : hp_fail(error, HP_EBUSY, "%s: another process serves this socket", path);
}

/** Binds fd to a file of mode 0600 (which Linux takes from the socket, so that the umask, which is
 *  the whole process's, stays alone) in place of a dead socket's, if there is one. */
static hp_status bind_file(int fd, const hp_bus_file *file, hp_error *error)
{
    const char *path = file->address.sun_path;
    const struct sockaddr *generic = (const struct sockaddr *)&file->address;
    if (fchmod(fd, 0600) != 0) {
        return hp_fail(error, HP_EIO, "%s: %s", path, strerror(errno));
    }
    int rc = bind(fd, generic, sizeof file->address);
    if (rc != 0 && errno == EADDRINUSE) {
        const hp_status status = check_dead(file, error);
        if (status != HP_OK) {
            return status;
        }
        (void)unlink(path);
        rc = bind(fd, generic, sizeof file->address);
    }
    if (rc != 0 || listen(fd, BACKLOG) != 0) {
        return hp_fail(error, HP_EIO, "%s: %s", path, strerror(errno));
    }
    return HP_OK;
}

hp_status hp_bus_file_listen(hp_bus_file *file, int *fd, hp_error *error)
{
    const int made = open_socket(file);
    file->as = (struct stat){0};
    if (made < 0) {
        return hp_fail(error, HP_EIO, "%s: %s", file->address.sun_path, strerror(errno));
    }
    const hp_status status = bind_file(made, file, error);
    if (status != HP_OK) {
        (void)close(made);
        return status;
    }
    (void)lstat(file->address.sun_path, &file->as);
    *fd = made;
    return HP_OK;
}

bool hp_bus_file_is_ours(const hp_bus_file *file)
{
    struct stat now;
    return file->as.st_ino != 0 && lstat(file->address.sun_path, &now) == 0 &&
           now.st_ino == file->as.st_ino && now.st_dev == file->as.st_dev;
}

void hp_bus_file_remove(const hp_bus_file *file)
{
    if (hp_bus_file_is_ours(file)) {
        (void)unlink(file->address.sun_path);
    }
}
