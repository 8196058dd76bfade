/** @file car_planner.h The search for driving: a belief comes in, an acceleration goes out.
 *  Ties the solver to the driving model; this is the core of the pomdp process.
 *  Ownership: create() reserves every byte. Threads: one planner, one thread. Allocation: in create
 *  only. Determinism: with budget.trials > 0, a function of (config, request). */
#ifndef CAR_PLANNER_H
#define CAR_PLANNER_H

#include "common/hp_clock.h"
#include "common/hp_status.h"
#include "pomdp/car/car_leaf.h"
#include "pomdp/pomdp_solver.h"

typedef struct car_planner car_planner;

/** What the configuration says of the solver, for others who search as the planner does. */
pomdp_config car_solver_config(const car_config *config);
/** Steps that the budget allows among n others: each is the dearer the more others take it, too. */
uint64_t car_budget_steps(const car_config *config, uint32_t n_others);
/** And of the solver that glances at a root before a search; in scenes of up to CAR_FEW others. */
enum { CAR_FEW = 2 };
pomdp_config car_glance_config(const car_config *config);
/** The root gap up to which a glance settles it. */
double car_glance_gap(const car_config *config);
HP_NODISCARD hp_status car_planner_create(const car_config *config, car_planner **out);
void car_planner_destroy(car_planner **planner);
/** Rules between the sections of search and network. HP_ECONFIG with a text. */
HP_NODISCARD hp_status car_planner_check(const car_config *config, const policy_config *policy,
                                         hp_error *error);
/** Lets a network value leaves, as pomdp.prune says; remote (borrowed) NULL: in this process.
 * Before the first plan. HP_ENOMEM, or HP_EINVAL: a remote one for several threads. */
HP_NODISCARD hp_status car_planner_value_leaves(car_planner *planner, const policy_config *policy,
                                                const car_remote *remote);
/** Why nothing is pruned although it should be; NULL: nothing is wrong. */
const char *car_planner_note(const car_planner *planner);
/** Always fills *reply; reply->found is false if the request cannot be searched (no path, or
 * thresholds that break a rule). A request's thresholds hold for it alone; without any, those of
 * create() hold. The budget is the request's max_trials, else the configuration's trials, else the
 * nearer of the request's deadline and the configuration's time. */
void car_planner_plan(car_planner *planner, const hp_plan_request *request, const hp_clock *clock,
                      hp_plan_reply *reply);
/** Bytes reserved. */
size_t car_planner_bytes(const car_planner *planner);

#endif
