/** @file pomdp_team.h Several searches of one decision side by side, each on its own thread with
 * its own scenarios, merged at the root: an action is worth the mean of what the searches found.
 *
 *  One member is the solver itself, bit by bit. With trials as the budget (each member's), a plan
 * is a function of its arguments and of the number of members; with a deadline, members may
 * complete different numbers of trials, so that plan.trials, their sum, does not replay it.
 *
 *  Ownership: create() reserves every byte and starts the threads; plan() never allocates. Threads:
 *  a team belongs to one thread, which is a member itself; model hooks are called from all. */
#ifndef POMDP_TEAM_H
#define POMDP_TEAM_H

#include "pomdp/pomdp_evaluator.h"

enum { POMDP_MAX_THREADS = 16 };

typedef struct pomdp_team pomdp_team;

/** n_threads in [1, POMDP_MAX_THREADS]. As pomdp_solver_create, and HP_EUNAVAILABLE if a thread
 *  cannot be started. Every member has K scenarios and pools of its own. */
HP_NODISCARD hp_status pomdp_team_create(const pomdp_model *model, const pomdp_config *config,
                                         uint32_t n_threads, pomdp_team **out);
void pomdp_team_destroy(pomdp_team **team); /* clears *team; it may be NULL or half built */
/** Bytes reserved at create by all members. */
size_t pomdp_team_bytes(const pomdp_team *team);

/** As pomdp_solver_set_evaluator, for one member: it is called from any of the team's threads, but
 *  from one at a time. */
HP_NODISCARD hp_status pomdp_team_set_evaluator(pomdp_team *team, uint32_t member,
                                                const pomdp_evaluator *evaluator);

/** As pomdp_solver_plan. Bounds are means, counts are sums, depth is the deepest. */
HP_NODISCARD hp_status pomdp_team_plan(pomdp_team *team, const pomdp_particles *belief,
                                       hp_rng stream, const pomdp_budget *budget, pomdp_plan *plan);

#endif
