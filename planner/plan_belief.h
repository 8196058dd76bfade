/** @file plan_belief.h What is believed about others: weights over each agent's futures, by Bayes'
 * rule. w_m ~ prior_m * prod_t N(place_t, velocity_t; forecast_m,t), where old evidence fades.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef PLAN_BELIEF_H
#define PLAN_BELIEF_H

#include "planner/plan_path.h"
#include "planner/plan_track.h"
#include "proto/hp_msgs.h"

/** What the predictor is asked about these tracks. */
void plan_belief_ask(const plan_tracks *tracks, const hp_frame *frame, hp_predict_request *request);
/** From where the belief looks. */
typedef struct plan_belief_view {
    const plan_path *path;
    hp_pose ego;
    double decision_s; /* until the next update */
} plan_belief_view;

/** Weighs the last forecasts by what was seen since, takes over the new ones, and fills the agents
 * of the search's request: those not left behind by more than pass_margin_m, at most HP_MAX_AGENTS.
 *  The rate of sudden crossings is learned per agent: Gamma-distributed, it falls with the time for
 *  which an agent was watched and did not cross: cross_hz * patience / (patience + watched). */
void plan_belief_update(const plan_belief_config *config, const plan_belief_view *view,
                        const hp_predict_reply *reply, plan_tracks *tracks,
                        hp_plan_request *request);

#endif
