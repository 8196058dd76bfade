/** @file plan_live.h The configuration of a running planner: its own sections, the search's, and
 * the predictor's, for which it stands in; read together, checked together, and what of it may
 * change while the run goes on.
 *
 *  The search is told its thresholds with each request (hp_plan_request.settings), so both change
 * at the same tick or not at all. Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef PLAN_LIVE_H
#define PLAN_LIVE_H

#include "planner/plan_config.h"
#include "pomdp/car/car_config.h"
#include "predictor/predictor_config.h"
#include "proto/hp_msgs.h"

enum { PLAN_LIVE_SECTIONS = 4 };

typedef struct plan_live {
    plan_config plan; /* control and planner */
    car_config car;   /* pomdp */
    predictor_config predictor;
} plan_live;

/** Paths of what may change in a run; see common/hp_setting.h. */
extern const char *const PLAN_LIVE_PATHS[];

void plan_live_default(plan_live *live);
void plan_live_sections(plan_live *live, hp_section sections[PLAN_LIVE_SECTIONS]);
/** Rules between keys, and that planner.changes could be made. HP_ECONFIG with a text. */
HP_NODISCARD hp_status plan_live_check(const plan_live *live, hp_error *error);
/** HP_ECONFIG if fresh differs from live in what holds for a whole run. */
HP_NODISCARD hp_status plan_live_may_follow(const plan_live *live, const plan_live *fresh,
                                            hp_error *error);
/** Sets one value; rules between keys are left to plan_live_check. */
HP_NODISCARD hp_status plan_live_set(plan_live *live, const hp_setting *setting, hp_error *error);
/** All values that may change; returns their number. */
uint32_t plan_live_settings(const plan_live *live, hp_setting out[HP_MAX_SETTINGS]);
/** Those of the search. */
uint32_t plan_live_search_settings(const plan_live *live, hp_setting out[HP_MAX_TUNING]);

#endif
