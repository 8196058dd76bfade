#include "pomdp/models/problem.h"

#include "pomdp/models/lasertag.h"
#include "pomdp/models/lightdark.h"
#include "pomdp/models/pocman.h"
#include "pomdp/models/pursuit.h"
#include "pomdp/models/rocksample.h"
#include "pomdp/models/tiger.h"

#include <string.h>

const char *const POMDP_PROBLEM_NAMES[] = {
    "tiger",
    "tag",
    "lasertag",
    "lightdark",
    "rocksample:7x8",
    "rocksample:11x11",
    "rocksample:15x15",
    "pocman",
    NULL,
};

static hp_status open_tiger(uint64_t seed, pomdp_problem *out)
{
    (void)seed;
    *out = (pomdp_problem){
        .model = tiger_model(), .sample = tiger_sample, .max_steps = 90, .n_belief = 10000};
    pomdp_config_default(&out->config);
    /* After two growls opening is worth 0.7 more than listening; what 500 scenarios say of it errs
     * by 1 or more, and would make one decision in six a growl late. */
    out->config.regularisation = 2.0;
    out->config.max_depth = 60;
    out->config.rollout_depth = 60;
    return HP_OK;
}

static hp_status open_rocksample_7_8(uint64_t seed, pomdp_problem *out)
{
    return rocksample_open(7, 8, seed, out);
}

static hp_status open_rocksample_11_11(uint64_t seed, pomdp_problem *out)
{
    return rocksample_open(11, 11, seed, out);
}

/** No map of this size is published: this one is drawn once, and results name it. */
static hp_status open_rocksample_15_15(uint64_t seed, pomdp_problem *out)
{
    (void)seed;
    return rocksample_open(15, 15, 15, out);
}

hp_status pomdp_problem_open(const char *name, uint64_t seed, pomdp_problem *out, hp_error *error)
{
    static hp_status (*const OPEN[])(uint64_t, pomdp_problem *) = {
        open_tiger,
        tag_open,
        lasertag_open,
        lightdark_open,
        open_rocksample_7_8,
        open_rocksample_11_11,
        open_rocksample_15_15,
        pocman_open,
    };
    _Static_assert(HP_ARRAY_LEN(OPEN) + 1 == HP_ARRAY_LEN(POMDP_PROBLEM_NAMES), "one each");
    char known[256] = "";

    *out = (pomdp_problem){0};
    for (size_t i = 0; POMDP_PROBLEM_NAMES[i] != NULL; i++) {
        if (strcmp(name, POMDP_PROBLEM_NAMES[i]) == 0) {
            const hp_status st = OPEN[i](seed, out);
            return st == HP_OK ? HP_OK : hp_fail(error, st, "%s: %s", name, hp_status_text(st));
        }
        (void)strncat(known, " ", sizeof(known) - strlen(known) - 1);
        (void)strncat(known, POMDP_PROBLEM_NAMES[i], sizeof(known) - strlen(known) - 1);
    }
    return hp_fail(error, HP_ENOENT, "no problem is called '%s'; there are:%s", name, known);
}

void pomdp_problem_close(pomdp_problem *problem)
{
    if (problem->destroy != NULL) {
        problem->destroy(problem->ctx);
    }
    *problem = (pomdp_problem){0};
}
