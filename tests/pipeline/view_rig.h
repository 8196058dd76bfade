/** @file view_rig.h The real hyplan-view at a tap without a planner, and HTTP to speak with it. */
#ifndef VIEW_RIG_H
#define VIEW_RIG_H

#include "tests/pipeline/fake_tap.h"

#include <sys/types.h>

enum { VIEW_ANSWER = 256 * 1024, VIEW_PATIENCE_S = 120 };

typedef struct view_rig {
    fake_tap tap;
    pid_t view;
    uint16_t port;
    char key[64]; /* for changes */
    char answer[VIEW_ANSWER];
    size_t len; /* of the last answer or frame */
    hp_configuration told;
} view_rig;

/** A tap, and hyplan-view DIR at it; for cmocka. */
int view_rig_set_up(void **state);
/** Ends it, which must be in order whatever was done to it. */
int view_rig_tear_down(void **state);
/** Starts hyplan-view with this directory. */
void view_rig_start(view_rig *f, const char *dir);

/** A connection. */
int view_rig_dial(const view_rig *f);
void view_rig_say(int fd, const void *bytes, size_t len);
/** Sends a request; the whole answer is then in f->answer. Returns the status. */
int view_rig_ask(view_rig *f, const char *request);
int view_rig_get(view_rig *f, const char *path, const char *host);
/** Of the last answer. */
const char *view_rig_body(const view_rig *f);

#endif
