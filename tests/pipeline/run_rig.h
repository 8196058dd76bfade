/** @file run_rig.h Starts `hyplan run` as a child, looks on through the tap, and reads what it
 * left. */
#ifndef RUN_RIG_H
#define RUN_RIG_H

#include "tests/support/hp_test.h"

#include "cli/options.h"
#include "proto/hp_node.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum { RIG_PATH = 512, RIG_MAX_ARGS = 32, RIG_PATIENCE_MS = 120000, RIG_CONFIG = 8000 };

typedef struct rig {
    char dir[RIG_PATH];     /* run directory, fresh below /tmp */
    char sockets[RIG_PATH]; /* where this run's sockets are, once known */
    pid_t pid;              /* of hyplan; 0: it has ended */
    int status;             /* exit status, 128 + signal */
    /* the onlooker */
    hp_bus *bus;
    hp_socket *tap;
    hp_codec *codec;
    hp_message *message;
    unsigned char *bytes;
} rig;

/** Makes the run directory. */
void rig_set_up(rig *r);
/** Ends what runs, and removes the directory. */
void rig_tear_down(rig *r);
/** Starts BIN/hyplan run --out DIR ARGS.. (NULL-terminated). bin NULL: the build's. */
void rig_start(rig *r, const char *bin, const char *const *args);
/** Waits for its end; returns the exit status. */
int rig_wait(rig *r);
void rig_signal(const rig *r, int number);
/** Starts and waits. */
int rig_run(rig *r, const char *const *args);

/** Pid of a part in its given generation, from log.txt; waits for it. */
pid_t rig_part(const rig *r, const char *name, unsigned generation);
/** True once log.txt has this text; fails the test if it does not come. */
void rig_wait_log(const rig *r, const char *text);
bool rig_log_has(const rig *r, const char *text);
/** Opens the tap of the running run. */
void rig_look(rig *r);
/** Next message of a type on the tap; fails the test if none comes. */
const hp_message *rig_hear(rig *r, hp_msg_type type);
/** Looks on until a frame later than this one of the tap's next. */
void rig_wait_ticks(rig *r, unsigned n);
/** Looks on until role reports health in this generation or a later one. */
void rig_wait_health(rig *r, const char *role, unsigned generation);
/** True when the process is gone; waits for it, and reaps it if it fell to us. */
bool rig_gone(pid_t pid);

/** A JSON file of the run directory; json_decref it. */
json_t *rig_json(const rig *r, const char *file);
/** A number or truth in it, by path: "episodes/0/ticks". Fails the test if it is not there. */
double rig_number(const json_t *json, const char *path);
/** The same for a text, copied. */
void rig_text(const json_t *json, const char *path, char *text, size_t cap);

/** The configuration that the parts were given. */
void rig_read_config(const rig *r, char text[RIG_CONFIG]);
/** Replaces it by this text. */
void rig_write_config(const rig *r, const char *text);
/** Changes old, at its first place behind a heading of text, into new, as one would edit it, and
 * replaces the configuration by the result. */
void rig_edit_config(const rig *r, char *text, const char *heading, const char *old,
                     const char *new);

#endif
