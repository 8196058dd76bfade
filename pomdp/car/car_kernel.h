/** @file car_kernel.h The driving model's hot hooks, eight particles at a time. car_step.c and
 *  car_rollout.c are built once for every instruction set; all of them give the same bits.
 * Ownership: the caller's arrays. Threads: pure. Allocation: none. */
#ifndef CAR_KERNEL_H
#define CAR_KERNEL_H

#include "pomdp/car/car_model.h"

typedef struct car_kernel {
    void (*step)(const void *scene, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out);
    void (*step_proposal)(const void *scene, void *states, uint32_t n, const uint32_t *actions,
                          const uint64_t *keys, pomdp_steps *out);
    void (*default_policy)(const void *scene, const void *states, uint32_t n, uint32_t *actions);
    uint64_t (*rollout)(const void *scene, const void *states, uint32_t n, const pomdp_draws *draws,
                        uint32_t n_steps, double *returned);
    void (*free_road)(const void *scene, const void *states, uint32_t n, double *values);
    double (*stop_for_good)(const void *scene, const void *states, const double *weights,
                            uint32_t n, double known, uint32_t *action);
} car_kernel;

extern const car_kernel CAR_KERNEL_BASE; /* runs on every machine */
uint64_t car_rollout_base(const void *ctx, const void *states, uint32_t n, const pomdp_draws *draws,
                          uint32_t n_steps, double *returned);
uint64_t car_rollout_avx2(const void *ctx, const void *states, uint32_t n, const pomdp_draws *draws,
                          uint32_t n_steps, double *returned);
#ifdef CAR_HAS_AVX2
extern const car_kernel CAR_KERNEL_AVX2;
#endif

/** The fastest that this machine runs. */
const car_kernel *car_kernel_best(void);

/** The model with a kernel of choice; car_model_make takes the fastest. */
pomdp_model car_kernel_model(const car_kernel *kernel, const car_config *config,
                             const car_scene *scene);

#endif
