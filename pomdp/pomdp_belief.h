/** @file pomdp_belief.h A belief as weighted particles, kept up to date with what happened:
 * sampling, weighing by the observation, resampling (SIR). Gordon, Salmond, Smith, IEE Proceedings
 * F 140 (1993). Ownership: create() reserves every byte; model and ctx are borrowed. Threads: one
 * belief, one thread. Allocation: in create only. Determinism: a function of the calls and their
 * streams. */
#ifndef POMDP_BELIEF_H
#define POMDP_BELIEF_H

#include "common/hp_rng.h"
#include "common/hp_status.h"
#include "pomdp/pomdp_model.h"

typedef struct pomdp_belief pomdp_belief;

/** n in [1, 2^24] particles, all bytes zero, equal weights. HP_OK, HP_EINVAL or HP_ENOMEM; *out is
 *  NULL unless HP_OK. */
HP_NODISCARD hp_status pomdp_belief_create(const pomdp_model *model, uint32_t n,
                                           pomdp_belief **out);
void pomdp_belief_destroy(pomdp_belief **belief); /* clears *belief; it may be NULL */

/** The particles [n][state_size], for the caller to fill. */
void *pomdp_belief_states(pomdp_belief *belief);
const double *pomdp_belief_weights(const pomdp_belief *belief); /* [n], summing to 1 */
uint32_t pomdp_belief_size(const pomdp_belief *belief);

/** What is believed after action and obs. Without obs_probability in the model, particles that
 *  observe something else are dropped, and so are, always, those whose episode ended.
 *  Where few explain obs, the model's repair hook may mend the others; those count little.
 *  HP_OK, or HP_EAGAIN if no particle explains obs: then nothing has changed. */
HP_NODISCARD hp_status pomdp_belief_update(pomdp_belief *belief, uint32_t action, uint64_t obs,
                                           hp_rng stream);

#endif
