/** @file hp_bus_file.h The file of a listening Unix socket: private, taken over from the dead only,
 * and removed only while it is ours. For hp_bus.c and hp_direct.c.
 *
 *  Ownership: plain data. Threads: one user. Allocation: none. */
#ifndef HP_BUS_FILE_H
#define HP_BUS_FILE_H

#include "common/hp_status.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/un.h>

typedef struct hp_bus_file {
    struct sockaddr_un address; /* sun_path "": there is none */
    struct stat as;             /* the file's identity, once it is made */
    int type;                   /* SOCK_STREAM or SOCK_SEQPACKET */
} hp_bus_file;

/** Takes the path that follows endpoint's scheme. HP_ECONFIG: none that a socket can have. */
HP_NODISCARD hp_status hp_bus_file_name(const char *endpoint, const char *path, int type,
                                        hp_bus_file *file, hp_error *error);
/** Makes the file, with mode 0600, and *fd, which listens there and is the caller's. HP_EBUSY:
 *  somebody serves it; HP_EIO: it is no socket, and the rest. */
HP_NODISCARD hp_status hp_bus_file_listen(hp_bus_file *file, int *fd, hp_error *error);
/** Whether others who look for the path still find what was made. */
bool hp_bus_file_is_ours(const hp_bus_file *file);
void hp_bus_file_remove(const hp_bus_file *file);

#endif
