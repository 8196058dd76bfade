/** @file pursuit.h Two games of catching somebody who runs away, on a floor of cells.
 *
 *  Tag: the robot feels only whether the target is in its own cell. Pineau, Gordon, Thrun,
 * "Point-based value iteration", IJCAI (2003). LaserTag: eight beams give noisy distances to the
 * nearest wall or target, on a random floor. Somani, Ye, Hsu, Lee, NIPS (2013). A move costs 1, a
 * tag earns 10, a tag of an empty cell costs 10. The robot knows where it is.
 *
 *  Bounds without a rollout. Upper: the game with a visible target, by value iteration. Lower: for
 *  each cell g, the policy "go to g, from there to the cell farthest from it, and so on; tag when
 * the target is here" has a value for every place of robot and target, by policy evaluation; a
 * belief is worth the best of these policies for it. */
#ifndef POMDP_MODELS_PURSUIT_H
#define POMDP_MODELS_PURSUIT_H

#include "pomdp/models/problem.h"

enum { PURSUIT_MAX_CELLS = 77 };
enum { PURSUIT_NORTH, PURSUIT_EAST, PURSUIT_SOUTH, PURSUIT_WEST, PURSUIT_TAG, PURSUIT_N_ACTIONS };

typedef struct pursuit_state {
    uint8_t robot, target; /* cells */
    uint8_t goal;          /* cell that the default policy is on its way to */
    uint8_t met;           /* 1: the target was felt here with the last step */
    uint8_t unused[4];     /* zero: a whole word */
} pursuit_state;

/** The floor of 29 cells; the robot starts where the seed says. HP_OK or HP_ENOMEM. */
HP_NODISCARD hp_status tag_open(uint64_t seed, pomdp_problem *out);
#endif
