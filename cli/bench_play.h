/** @file bench_play.h Plays one episode of a suite: one scene, one contender, one row.
 *  Ownership: a player owns worlds and drivers, borrows suite and configuration. Threads: one
 * player, one thread. Allocation: in create and at a contender's first episode. Determinism: a row
 * is a function of (suite, configuration, scene, contender), whatever was played before. */
#ifndef BENCH_PLAY_H
#define BENCH_PLAY_H

#include "cli/bench_row.h"
#include "cli/bench_suite.h"
#include "planner/plan_bounds.h"

typedef struct bench_player bench_player;

HP_NODISCARD hp_status bench_player_create(const bench_suite *suite, const cli_config *config,
                                           bench_player **out);
void bench_player_destroy(bench_player **player);
HP_NODISCARD hp_status bench_player_play(bench_player *player, uint32_t scene, uint32_t contender,
                                         bench_row *row, bench_times *times, hp_error *error);

/** Buffers of an episode, too large for the stack. */
typedef struct bench_buffers {
    hp_world_info info;
    hp_frame frame;
    hp_decision decision;
    plan_path route;
    plan_bounds bounds;
} bench_buffers;

/** Drives a world until its verdict is out; fills the row's figures and the times. The planner's
 * settings: of the guard whose bounds are watched, and of the route that they are watched on. */
/* NOLINTNEXTLINE(readability-function-size): a flat list spares callers a struct per episode */
void bench_drive(const bridge_world *world, driver *d, uint64_t seed, const plan_config *config,
                 bench_buffers *buffers, bench_row *row, bench_times *times);

#endif
