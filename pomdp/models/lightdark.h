/** @file lightdark.h Light-Dark in one dimension: walk to the origin and say "here", 100 if that is
 *  true and -100 if not; a step costs 1. One starts anywhere within 30 of the origin, walls are at
 *  60. Where one is shows with an error of |y - 10|, so that the way to the origin leads through
 *  the light at 10. Sunberg, Kochenderfer, "Online algorithms for POMDPs with continuous state,
 *  action, and observation spaces", ICAPS (2018); its numbers, as the program behind its table has
 *  them.
 *
 *  Observations are told apart by cells, narrow near the light. The state carries Bayes'
 *  filter over where one started: the default policy goes to the light until it is sure, then home.
 */
#ifndef POMDP_MODELS_LIGHTDARK_H
#define POMDP_MODELS_LIGHTDARK_H

#include "pomdp/models/problem.h"

enum { LIGHTDARK_HERE, LIGHTDARK_LEFT, LIGHTDARK_RIGHT, LIGHTDARK_LEFT_10, LIGHTDARK_RIGHT_10 };
enum { LIGHTDARK_N_ACTIONS = 5, LIGHTDARK_START_MAX = 30 /* cells from the origin */ };

typedef struct lightdark_state {
    int8_t y;     /* cell */
    int8_t shift; /* sum of the moves, as far as the filter follows them */
    uint8_t cost[2 * LIGHTDARK_START_MAX + 1]; /* of each start, by what was seen; 0: likeliest */
    uint8_t unused;                            /* zero: whole words */
} lightdark_state;

/** HP_OK or HP_ENOMEM. */
HP_NODISCARD hp_status lightdark_open(uint64_t seed, pomdp_problem *out);

#endif
