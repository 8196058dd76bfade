/** @file view_tuner.h Thresholds of a running run, shown and changed from the live view.
 *
 *  A change takes the way of SIGHUP: it is read by the same tables into the run's config.yaml,
 * which is replaced as a whole, and the planner is told to read it again. What the planner then
 * says on the tap decides: a new version is a confirmation; a refusal puts the old file back.
 *  Ownership: borrows the state. Threads: one. Allocation: while answering. */
#ifndef VIEW_TUNER_H
#define VIEW_TUNER_H

#include "cli/tap_state.h"

enum { VIEW_TUNER_PATH = 1024 };

typedef enum view_tuner_stage {
    VIEW_TUNER_IDLE,
    VIEW_TUNER_ASKED,     /* the planner has been told and has not answered */
    VIEW_TUNER_CONFIRMED, /* the last change is in force */
    VIEW_TUNER_REFUSED,   /* the planner did not want it */
} view_tuner_stage;

typedef struct view_tuner {
    const tap_state *state;
    char run_dir[VIEW_TUNER_PATH]; /* "": not known, nothing can be changed */
    view_tuner_stage stage;
    uint32_t version, refused; /* as told when the planner was asked */
    int64_t asked_ns;
    char *before; /* the file as it was, while asked */
} view_tuner;

/** run_dir NULL: thresholds are shown only. */
void view_tuner_init(view_tuner *tuner, const tap_state *state, const char *run_dir);
void view_tuner_fini(view_tuner *tuner);
/** Makes the changes that a text asks for: {"set": {"planner.guard.margin_m": "0.4", ..}}, values
 * as one would write them in YAML. HP_ECONFIG what is wrong with it; HP_EUNAVAILABLE there is
 * nobody to tell. Nothing is changed unless HP_OK, which says: asked. */
HP_NODISCARD hp_status view_tuner_ask(view_tuner *tuner, const char *text, size_t len,
                                      hp_error *error);
/** Sees whether the planner has answered. */
void view_tuner_step(view_tuner *tuner);
/** {version, since_tick, stage, text, may_change, keys: [{key, value, ..}]} */
json_t *view_tuner_json(const view_tuner *tuner);

#endif
