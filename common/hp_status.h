/** @file hp_status.h The one list of status codes, shared by every folder.
 *  Threads: pure. Allocation: none. */
#ifndef HP_STATUS_H
#define HP_STATUS_H

/** X-macro: code, text for people. Enum and text cannot drift apart. */
#define HP_STATUS_LIST(X)                                                                          \
    X(HP_OK, "ok")                                                                                 \
    X(HP_EINVAL, "invalid argument")                                                               \
    X(HP_ENOMEM, "out of memory")                                                                  \
    X(HP_EFULL, "a fixed-size buffer or pool is full")                                             \
    X(HP_EWIRE, "malformed message")                                                               \
    X(HP_EVERSION, "message from another version")                                                 \
    X(HP_ECONFIG, "bad configuration")                                                             \
    X(HP_EIO, "input/output error")                                                                \
    X(HP_ENOENT, "no such file or entry")                                                          \
    X(HP_EAGAIN, "nothing there yet")                                                              \
    X(HP_EDEADLINE, "deadline passed")                                                             \
    X(HP_EBUSY, "in use by another instance")                                                      \
    X(HP_EUNAVAILABLE, "service not available")                                                    \
    X(HP_EINTERRUPTED, "interrupted by a signal")

typedef enum hp_status {
#define HP_STATUS_ENUM(code, text) code,
    HP_STATUS_LIST(HP_STATUS_ENUM)
#undef HP_STATUS_ENUM
        HP_STATUS_COUNT
} hp_status;

#define HP_NODISCARD __attribute__((warn_unused_result))
#define HP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define HP_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/** Static text of a status; "unknown status" for anything outside the list. */
const char *hp_status_text(hp_status status);

/** Where an outside input went wrong and how to mend it: "FILE:LINE:COL: text". */
typedef struct hp_error {
    char text[512]; /* one line, no newline, always terminated */
} hp_error;

/** Formats into *error (which may be NULL) and returns status, so callers can `return
 * hp_fail(...)`. */
hp_status hp_fail(hp_error *error, hp_status status, const char *format, ...) HP_PRINTF(3, 4);

#endif
