/** @file rocksample.h RockSample(size, rocks): a rover among rocks, some worth 10 and the others
 * -10, which a long-range sensor tells apart the better the nearer it is; leaving eastwards
 * earns 10. Smith, Simmons, "Heuristic Search Value Iteration for POMDPs", UAI (2004).
 *
 *  The state carries what the sensor said of each rock, as log-odds, so that the default policy can
 *  collect the rocks that are probably good in the best order, and visit those that may be, where
 * the sensor is always right: it checks them on the spot and samples the good ones. Whichever of
 * the two ways promises more. Orders, for every set of rocks, are found once by dynamic
 * programming; that also gives the upper bound (who knows the rocks), and what a way earns is
 * summed up in closed form, by the tail hook, without a rollout. */
#ifndef POMDP_MODELS_ROCKSAMPLE_H
#define POMDP_MODELS_ROCKSAMPLE_H

#include "pomdp/models/problem.h"

enum { ROCK_MAX_ROCKS = 15, ROCK_MAX_SIZE = 15 };
enum { ROCK_NORTH, ROCK_EAST, ROCK_SOUTH, ROCK_WEST, ROCK_SAMPLE, ROCK_CHECK }; /* + rock */
enum { ROCK_SEEN_BAD, ROCK_SEEN_GOOD, ROCK_SEEN_NOTHING };

typedef struct rocksample_state {
    uint8_t x, y;
    uint16_t good;    /* bit per rock */
    uint16_t trusted; /* bit per rock: its log-odds speak for it */
    int8_t odds[18];  /* log-odds of being good, in sixteenths; filled up to whole words */
} rocksample_state;

/** size x size cells: (7, 8) and (11, 11) are the published maps, others are random by seed.
 *  HP_OK, HP_EINVAL or HP_ENOMEM. */
HP_NODISCARD hp_status rocksample_open(uint32_t size, uint32_t n_rocks, uint64_t seed,
                                       pomdp_problem *out);

#endif
