/* Files as the sink of a writer and the source of a reader. */
#include "common/hp_mcap_reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

hp_status hp_mcap_file_append(void *ctx, const void *data, size_t len, hp_error *error)
{
    hp_mcap_file_sink *file = ctx;
    const uint8_t *at = data;
    size_t done = 0;
    while (done < len) {
        const ssize_t n = pwrite(file->fd, at + done, len - done, (off_t)(file->offset + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            const int why = n < 0 ? errno : ENOSPC;
            (void)!ftruncate(file->fd, (off_t)file->offset);
            return hp_fail(error, HP_EIO, "%s: cannot write: %s", file->path, strerror(why));
        }
        done += (size_t)n;
    }
    file->offset += len;
    return HP_OK;
}

static hp_status read_file(void *ctx, uint64_t offset, void *data, size_t len, hp_error *error)
{
    const int fd = *(int *)ctx;
    uint8_t *at = data;
    while (len > 0) {
        const ssize_t n = pread(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return hp_fail(error, HP_EIO, "cannot read at %llu: %s", (unsigned long long)offset,
                           n < 0 ? strerror(errno) : "the file has become shorter");
        }
        at += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return HP_OK;
}

hp_status hp_mcap_source_file(int *fd, const char *name, hp_mcap_source *out, hp_error *error)
{
    struct stat st;
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return hp_fail(error, HP_EIO, "%s: not a file", name);
    }
    *out = (hp_mcap_source){.read_at = read_file, .size = (uint64_t)st.st_size, .name = name};
    out->ctx = fd;
    return HP_OK;
}
