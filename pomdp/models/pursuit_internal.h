/** @file pursuit_internal.h What can be known of a floor before the game: shared by the model and
 * by the code that builds it, and their tests. */
#ifndef POMDP_MODELS_PURSUIT_INTERNAL_H
#define POMDP_MODELS_PURSUIT_INTERNAL_H

#include "common/hp_rng.h"
#include "pomdp/models/pursuit.h"

#define PURSUIT_DISCOUNT 0.95
#define PURSUIT_REWARD_MOVE (-1.0)
#define PURSUIT_REWARD_TAG 10.0
enum {
    PURSUIT_MAX_SIDE = 11,
    PURSUIT_FLIGHTS = 5, /* equally likely moves of the target */
    PURSUIT_BEAMS = 8,
    PURSUIT_READINGS = 16,
    PURSUIT_OFF_BEAM = PURSUIT_BEAMS,
    PURSUIT_FAR = 255,
};

typedef struct pursuit {
    uint32_t n_cells, start;
    uint8_t x[PURSUIT_MAX_CELLS], y[PURSUIT_MAX_CELLS];
    uint8_t move[PURSUIT_MAX_CELLS][PURSUIT_N_ACTIONS]; /* the robot's next cell */
    /* by robot's cell, then the target's */
    uint8_t flight[PURSUIT_MAX_CELLS][PURSUIT_MAX_CELLS][PURSUIT_FLIGHTS];
    uint8_t toward[PURSUIT_MAX_CELLS][PURSUIT_MAX_CELLS];   /* first move of a shortest way */
    uint8_t distance[PURSUIT_MAX_CELLS][PURSUIT_MAX_CELLS]; /* steps; PURSUIT_FAR: no way */
    uint8_t farthest[PURSUIT_MAX_CELLS];                    /* of the cells that can be reached */
    /* of the game with a visible target, and of who begins it with an action */
    double value[PURSUIT_MAX_CELLS][PURSUIT_MAX_CELLS];
    double action_value[PURSUIT_MAX_CELLS][PURSUIT_MAX_CELLS][PURSUIT_N_ACTIONS];
    /* of the patrol to a goal, [robot][target][goal] */
    double patrol[PURSUIT_MAX_CELLS][PURSUIT_MAX_CELLS][PURSUIT_MAX_CELLS];
    /* laser */
    uint8_t wall_steps[PURSUIT_MAX_CELLS][PURSUIT_BEAMS]; /* to the first cell that is none */
    /* the beam that meets the target, or PURSUIT_OFF_BEAM, and the steps along it */
    uint8_t beam[PURSUIT_MAX_CELLS][PURSUIT_MAX_CELLS];
    uint8_t steps[PURSUIT_MAX_CELLS][PURSUIT_MAX_CELLS];
    double cumulated[2][PURSUIT_MAX_SIDE + 1][PURSUIT_READINGS]; /* [diagonal][steps][reading] */
} pursuit;

/** The goal of who is at robot and was on the way to goal. */
static inline uint8_t pursuit_next_goal(const pursuit *p, uint32_t robot, uint8_t goal)
{
    return robot == goal ? p->farthest[goal] : goal;
}

/** The patrol's value for who has not met the target. */
double pursuit_patrol_value(const pursuit *p, uint32_t robot, uint32_t target, uint8_t goal);

/** The robot's first cell. */
static inline uint32_t pursuit_start(const pursuit *p, uint64_t seed)
{
    return (uint32_t)(hp_rng_u64(hp_rng_seed(seed), 0) % p->n_cells);
}

/** The target's next cell. */
static inline uint8_t pursuit_flee(const pursuit *p, uint32_t robot, uint32_t target, hp_rng draw)
{
    return p->flight[robot][target][(uint32_t)(hp_rng_unit(draw, 0) * PURSUIT_FLIGHTS)];
}

static inline double pursuit_reward(uint32_t action, bool caught)
{
    return action != PURSUIT_TAG ? PURSUIT_REWARD_MOVE
           : caught              ? PURSUIT_REWARD_TAG
                                 : -PURSUIT_REWARD_TAG;
}

/** Builds all tables but the patrols' from rows of equal length, '.' being floor. */
void pursuit_build(pursuit *p, const char *const *rows, uint32_t n_rows);
/** Values the patrols. */
void pursuit_solve_patrols(pursuit *p);

#endif
