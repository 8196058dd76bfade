#include "planner/plan_live.h"

#include <string.h>

static const char *const SEARCH_PATHS[] = {CAR_LIVE_PATHS, NULL};
const char *const PLAN_LIVE_PATHS[] = {"planner", CAR_LIVE_PATHS, NULL};

void plan_live_default(plan_live *live)
{
    memset(live, 0, sizeof *live);
    plan_config_default(&live->plan);
    car_config_default(&live->car);
    predictor_config_default(&live->predictor);
}

void plan_live_sections(plan_live *live, hp_section sections[PLAN_LIVE_SECTIONS])
{
    sections[0] = (hp_section){"control", PLAN_CONTROL_FIELDS, &live->plan.control};
    sections[1] = (hp_section){"planner", PLAN_FIELDS, &live->plan};
    sections[2] = (hp_section){"pomdp", CAR_FIELDS, &live->car};
    sections[3] = (hp_section){"predictor", PREDICTOR_FIELDS, &live->predictor};
}

/** Each on top of those before it, as they will be made. */
static hp_status check_changes(const plan_live *live, hp_error *error)
{
    plan_live then = *live;
    hp_status st = HP_OK;
    for (uint32_t i = 0; i < live->plan.n_changes && st == HP_OK; i++) {
        const plan_change *change = &live->plan.changes[i];
        hp_setting setting = {.value = change->value};
        memcpy(setting.key, change->key, sizeof setting.key);
        st = plan_live_set(&then, &setting, error);
        if (st == HP_OK) {
            st = plan_config_check(&then.plan, error);
        }
        if (st == HP_OK) {
            st = car_config_check(&then.car, error);
        }
    }
    return st;
}

hp_status plan_live_check(const plan_live *live, hp_error *error)
{
    hp_status st = plan_config_check(&live->plan, error);
    if (st == HP_OK) {
        st = car_config_check(&live->car, error);
    }
    return st == HP_OK ? check_changes(live, error) : st;
}

hp_status plan_live_may_follow(const plan_live *live, const plan_live *fresh, hp_error *error)
{
    plan_live a = *live; /* sections point to what may be written */
    plan_live b = *fresh;
    hp_section old[PLAN_LIVE_SECTIONS];
    hp_section new[PLAN_LIVE_SECTIONS];
    char key[HP_SETTING_KEY];
    plan_live_sections(&a, old);
    plan_live_sections(&b, new);
    if (hp_setting_differs(old, new, PLAN_LIVE_SECTIONS, PLAN_LIVE_PATHS, key)) {
        return hp_fail(error, HP_ECONFIG,
                       "'%s' cannot change while running: end the run and start anew", key);
    }
    return HP_OK;
}

hp_status plan_live_set(plan_live *live, const hp_setting *setting, hp_error *error)
{
    hp_section sections[PLAN_LIVE_SECTIONS];
    plan_live_sections(live, sections);
    return hp_setting_set(sections, PLAN_LIVE_SECTIONS, PLAN_LIVE_PATHS, setting, error);
}

static uint32_t list(const plan_live *live, const char *const *paths, hp_setting *out, size_t cap)
{
    plan_live copy = *live;
    hp_section sections[PLAN_LIVE_SECTIONS];
    plan_live_sections(&copy, sections);
    const size_t n = hp_setting_list(sections, PLAN_LIVE_SECTIONS, paths, out, cap);
    return (uint32_t)(n < cap ? n : cap); /* a test holds the tables against the room */
}

uint32_t plan_live_settings(const plan_live *live, hp_setting out[HP_MAX_SETTINGS])
{
    return list(live, PLAN_LIVE_PATHS, out, HP_MAX_SETTINGS);
}

uint32_t plan_live_search_settings(const plan_live *live, hp_setting out[HP_MAX_TUNING])
{
    return list(live, SEARCH_PATHS, out, HP_MAX_TUNING);
}
