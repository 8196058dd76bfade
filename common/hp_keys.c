#include "common/hp_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum { FILE_CAPACITY = 6000, NAME_CAPACITY = 48, KEY_BYTES = 32 };

/** What others may do with a file of ours. */
typedef enum privacy { PRIVACY_SECRET, PRIVACY_OURS } privacy;

/* ---- Files ---- */

static hp_status open_dir(const char *dir, int *fd, hp_error *error)
{
    struct stat st;
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0) {
        return hp_fail(error, HP_ECONFIG,
                       "%s: no directory of keys (links are refused): %s; hyplan keys new DIR "
                       "makes one",
                       dir, strerror(errno));
    }
    if (fstat(*fd, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        (void)close(*fd);
        return hp_fail(error, HP_ECONFIG,
                       "%s: must be ours and writable by nobody else; chmod go-w it", dir);
    }
    return HP_OK;
}

static hp_status check_file(int fd, const char *path, privacy how, hp_error *error)
{
    struct stat st;
    const mode_t open_to_others = how == PRIVACY_SECRET ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
        return hp_fail(error, HP_ECONFIG, "%s: must be a regular file of ours", path);
    }
    if ((st.st_mode & open_to_others) != 0) {
        return how == PRIVACY_SECRET
                   ? hp_fail(error, HP_ECONFIG,
                             "%s: others may read or change it (mode %03o); chmod 600 it, and make "
                             "new keys if anybody else could have read it",
                             path, (unsigned)(st.st_mode & 0777))
                   : hp_fail(error, HP_ECONFIG, "%s: others may write it; chmod go-w it", path);
    }
    return HP_OK;
}

/** Reads a whole small file into text, which is terminated. */
static hp_status read_open_file(int fd, const char *path, char text[FILE_CAPACITY], hp_error *error)
{
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len < FILE_CAPACITY) {
        n = read(fd, text + len, FILE_CAPACITY - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (n < 0 || len == FILE_CAPACITY) {
        return hp_fail(error, HP_ECONFIG, "%s: %s", path,
                       n < 0 ? strerror(errno) : "too long for a file of keys");
    }
    text[len] = '\0';
    return strlen(text) == len ? HP_OK : hp_fail(error, HP_ECONFIG, "%s: no text", path);
}

static hp_status read_file(int dir_fd, const char *dir, const char *name, privacy how,
                           char text[FILE_CAPACITY], hp_error *error)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%.400s%s%s", dir, dir[0] != '\0' ? "/" : "", name);
    const int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return hp_fail(error, HP_ECONFIG, "%s: %s", path, strerror(errno));
    }
    hp_status st = check_file(fd, path, how, error);
    if (st == HP_OK) {
        st = read_open_file(fd, path, text, error);
    }
    (void)close(fd);
    return st;
}

static hp_status write_file(int dir_fd, const char *name, const char *text, hp_error *error)
{
    const size_t len = strlen(text);
    const int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST ? hp_fail(error, HP_EBUSY,
                                         "there are keys already (%s); choose another "
                                         "directory, or remove them first",
                                         name)
                               : hp_fail(error, HP_EIO, "%s: %s", name, strerror(errno));
    }
    const bool whole = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    const int why = errno;
    (void)close(fd);
    return whole ? HP_OK : hp_fail(error, HP_EIO, "%s: cannot write: %s", name, strerror(why));
}

/* ---- Keys in files ---- */

/** The key that a line starts with; what follows is for people. The text is never repeated in a
 * complaint: it may be a secret. */
static bool read_key(const char *line, char key[HP_KEY_TEXT])
{
    uint8_t bytes[KEY_BYTES];
    const size_t len = strcspn(line, " \t\r\n");
    if (len != HP_KEY_TEXT - 1) {
        return false;
    }
    memcpy(key, line, len);
    key[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        /* The 85 characters; zmq_z85_decode trusts its input more than we do. */
        if (key[i] <= ' ' || key[i] > '~' || strchr("\"'\\,;`|_~", key[i]) != NULL) {
            key[0] = '\0';
            return false;
        }
    }
    const bool good = zmq_z85_decode(bytes, key) != NULL;
    explicit_bzero(bytes, sizeof bytes);
    return good;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL ? end + 1 : line + strlen(line);
}

static hp_status read_allowed(const char *dir, const char *text, hp_keys *keys, hp_error *error)
{
    unsigned number = 1;
    for (const char *line = text; *line != '\0'; line = next_line(line), number++) {
        if (line[0] == '#' || line[0] == '\n' || line[0] == '\r') {
            continue;
        }
        if (keys->n_allowed == HP_KEYS_ALLOWED) {
            return hp_fail(error, HP_ECONFIG, "%s/allowed:%u: more than %u keys", dir, number,
                           HP_KEYS_ALLOWED);
        }
        if (!read_key(line, keys->allowed[keys->n_allowed])) {
            return hp_fail(error, HP_ECONFIG,
                           "%s/allowed:%u: starts with no key; expected 40 characters as in a "
                           "file `public`",
                           dir, number);
        }
        keys->n_allowed++;
    }
    return HP_OK;
}

static hp_status read_one(int dir_fd, const char *dir, const char *name, privacy how,
                          char key[HP_KEY_TEXT], hp_error *error)
{
    char text[FILE_CAPACITY];
    hp_status st = read_file(dir_fd, dir, name, how, text, error);
    if (st == HP_OK && !read_key(text, key)) {
        st = hp_fail(error, HP_ECONFIG, "%s%s%s: does not start with a key of 40 characters", dir,
                     dir[0] != '\0' ? "/" : "", name);
    }
    explicit_bzero(text, sizeof text);
    return st;
}

static hp_status load(int dir_fd, const char *dir, hp_keys *out, hp_error *error)
{
    char text[FILE_CAPACITY];
    hp_status st = read_one(dir_fd, dir, "secret", PRIVACY_SECRET, out->secret, error);
    if (st == HP_OK && zmq_curve_public(out->public, out->secret) != 0) {
        st = hp_fail(error, HP_ECONFIG, "%s/secret: %s", dir,
                     zmq_has("curve") ? "is no secret key" : "this libzmq knows no CURVE");
    }
    if (st == HP_OK) {
        st = read_one(dir_fd, dir, "server", PRIVACY_OURS, out->server, error);
    }
    if (st == HP_OK) {
        st = read_file(dir_fd, dir, "allowed", PRIVACY_OURS, text, error);
    }
    return st == HP_OK ? read_allowed(dir, text, out, error) : st;
}

hp_status hp_keys_load(const char *dir, hp_keys *out, hp_error *error)
{
    int fd = -1;
    *out = (hp_keys){.n_allowed = 0};
    hp_status st = open_dir(dir, &fd, error);
    if (st != HP_OK) {
        return st;
    }
    st = load(fd, dir, out, error);
    (void)close(fd);
    if (st != HP_OK) {
        hp_keys_wipe(out);
    }
    return st;
}

static hp_status make(int fd, const char *server_file, hp_error *error)
{
    hp_keys keys = {.n_allowed = 0};
    char text[HP_KEY_TEXT + NAME_CAPACITY];
    if (zmq_curve_keypair(keys.public, keys.secret) != 0) {
        return hp_fail(error, HP_EUNAVAILABLE, "this libzmq knows no CURVE");
    }
    hp_status st = HP_OK;
    if (server_file != NULL) {
        st = read_one(AT_FDCWD, "", server_file, PRIVACY_OURS, keys.server, error);
    } else {
        memcpy(keys.server, keys.public, sizeof keys.server);
    }
    (void)snprintf(text, sizeof text, "%s\n", keys.secret);
    st = st == HP_OK ? write_file(fd, "secret", text, error) : st;
    (void)snprintf(text, sizeof text, "%s\n", keys.public);
    st = st == HP_OK ? write_file(fd, "public", text, error) : st;
    (void)snprintf(text, sizeof text, "%s\n", keys.server);
    st = st == HP_OK ? write_file(fd, "server", text, error) : st;
    (void)snprintf(text, sizeof text, "%s itself\n", keys.public);
    st = st == HP_OK ? write_file(fd, "allowed", text, error) : st;
    explicit_bzero(text, sizeof text);
    hp_keys_wipe(&keys);
    return st;
}

hp_status hp_keys_make(const char *dir, const char *server_file, hp_error *error)
{
    int fd = -1;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return hp_fail(error, HP_EIO, "%s: cannot make it: %s", dir, strerror(errno));
    }
    hp_status st = open_dir(dir, &fd, error);
    if (st == HP_OK) {
        st = make(fd, server_file, error);
        (void)close(fd);
    }
    return st;
}

/** Whether what is appended begins a line: who edits by hand may leave the last one open. */
static bool is_at_line_begin(int fd)
{
    struct stat st;
    char last = '\n';
    return fstat(fd, &st) == 0 &&
           (st.st_size == 0 || (pread(fd, &last, 1, st.st_size - 1) == 1 && last == '\n'));
}

static hp_status append(const char *dir, const char *line, hp_error *error)
{
    char whole[HP_KEY_TEXT + NAME_CAPACITY + 1];
    int dir_fd = -1;
    hp_status st = open_dir(dir, &dir_fd, error);
    if (st != HP_OK) {
        return st;
    }
    const int fd = openat(dir_fd, "allowed", O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    (void)close(dir_fd);
    if (fd < 0) {
        return hp_fail(error, HP_EIO, "%s/allowed: %s", dir, strerror(errno));
    }
    const int len = snprintf(whole, sizeof whole, "%s%s", is_at_line_begin(fd) ? "" : "\n", line);
    st = write(fd, whole, (size_t)len) == len
             ? HP_OK
             : hp_fail(error, HP_EIO, "%s/allowed: cannot write: %s", dir, strerror(errno));
    (void)close(fd);
    return st;
}

hp_status hp_keys_allow(const char *dir, const char *public_file, const char *name, hp_error *error)
{
    hp_keys keys;
    char key[HP_KEY_TEXT];
    char line[HP_KEY_TEXT + NAME_CAPACITY];
    hp_status st = hp_keys_load(dir, &keys, error);
    if (st == HP_OK) {
        st = read_one(AT_FDCWD, "", public_file, PRIVACY_OURS, key, error);
    }
    if (st == HP_OK && strcmp(key, keys.secret) == 0) {
        st = hp_fail(error, HP_EINVAL, "%s: is our secret; hand out `public`", public_file);
    }
    if (st == HP_OK && hp_keys_allow_key(&keys, key)) {
        st = hp_fail(error, HP_EBUSY, "%s: is on the list of %s already", public_file, dir);
    }
    if (st == HP_OK && keys.n_allowed == HP_KEYS_ALLOWED) {
        st = hp_fail(error, HP_EFULL, "%s/allowed: holds %u keys, which is all it may", dir,
                     HP_KEYS_ALLOWED);
    }
    hp_keys_wipe(&keys);
    if (st != HP_OK) {
        return st;
    }
    if (strlen(name) >= NAME_CAPACITY - 2 || strpbrk(name, "\r\n") != NULL) {
        return hp_fail(error, HP_EINVAL, "a name on the list may have %d characters of one line",
                       NAME_CAPACITY - 3);
    }
    (void)snprintf(line, sizeof line, "%s %s\n", key, name);
    return append(dir, line, error);
}

bool hp_keys_allow_key(const hp_keys *keys, const char *public_key)
{
    for (uint32_t i = 0; i < keys->n_allowed; i++) {
        if (strcmp(keys->allowed[i], public_key) == 0) {
            return true;
        }
    }
    return false;
}

void hp_keys_wipe(hp_keys *keys)
{
    explicit_bzero(keys, sizeof *keys);
}
