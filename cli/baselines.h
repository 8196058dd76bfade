/** @file baselines.h Simple drivers to compare with. They see the frames that the planner sees,
 * follow the same path with the same steering, and decide at every tick.
 *
 *  aeb: full braking when the box of somebody meets the ego's box along the path within ttc_s at
 *  constant velocities, or stopping before that place would take more than decel_mps2; released
 * after clear_s without a threat. cautious: also slows down before edges behind which somebody may
 * be, and remembers whom it saw. Parameters were tuned on the validation grid. Ownership, threads,
 * allocation, determinism: as in driver.h. */
#ifndef BASELINES_H
#define BASELINES_H

#include "cli/driver.h"

typedef enum baseline_kind {
    BASELINE_CONST,
    BASELINE_STAND,
    BASELINE_CRAWL25,
    BASELINE_AEB,
    BASELINE_CAUTIOUS,
} baseline_kind;

typedef struct baseline_params {
    double accel_mps2, brake_mps2; /* as strong as they drive and brake */
    double ttc_s, decel_mps2, clear_s;
    double margin_m;          /* around others' boxes */
    double least_mps;         /* threats are judged at no less than this speed */
    double crawl_mps;         /* crawl25's limit */
    double hidden_speed_mps;  /* cautious: who is hidden walks this fast ... */
    double hidden_decel_mps2; /* ... the ego slows down so as to stop with this ... */
    double hidden_floor_mps;  /* ... but to no less than this */
} baseline_params;

extern const baseline_params BASELINE_PARAMS;

HP_NODISCARD hp_status baseline_create(baseline_kind kind, driver **out);
/** Two lines that say which parameters the baselines use. */
void baseline_describe(char *text, size_t cap);

#endif
