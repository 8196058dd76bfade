/** @file lightdark.h Light-Dark in one dimension: walk to the origin and say "here", 100 if that is
 *  true and -100 if not; a step costs 1. How far one is shows with an error of |y - 10|, so that
 * the way to the origin leads through the light at 10. Sunberg, Kochenderfer, "Online algorithms
 * for POMDPs with continuous state, action, and observation spaces", ICAPS (2018).
 *
 *  Observations are rounded to whole cells, so that some of them agree. The state carries a Kalman
 *  filter of what was observed: the default policy goes to the light until it is sure, then home.
 */
#ifndef POMDP_MODELS_LIGHTDARK_H
#define POMDP_MODELS_LIGHTDARK_H

#include "pomdp/models/problem.h"

enum { LIGHTDARK_HERE, LIGHTDARK_LEFT, LIGHTDARK_RIGHT, LIGHTDARK_LEFT_10, LIGHTDARK_RIGHT_10 };
enum { LIGHTDARK_N_ACTIONS = 5 };

typedef struct lightdark_state {
    int32_t y;            /* cell */
    float mean, variance; /* of y, as believed by the filter */
    uint32_t unused;      /* zero: whole words */
} lightdark_state;

/** HP_OK. */
HP_NODISCARD hp_status lightdark_open(uint64_t seed, pomdp_problem *out);

#endif
