/** @file car_kernel.h The driving model's hot hooks, eight or sixteen particles at a time.
 * car_step.c and car_rollout.c are built once for every instruction set; all of them give the same
 * bits. Ownership: the caller's arrays. Threads: pure. Allocation: none. */
#ifndef CAR_KERNEL_H
#define CAR_KERNEL_H

#include "pomdp/car/car_model.h"

enum { CAR_MAX_KERNELS = 3 };

/** A name of this kernel's own; and of the one of half its width, where CAR_NARROW is defined. */
#define CAR_JOIN_NOW(name, isa) name##_##isa
#define CAR_JOIN(name, isa) CAR_JOIN_NOW(name, isa)
#define CAR_OWN(name) CAR_JOIN(name, CAR_ISA)
#ifdef CAR_NARROW_ISA
#define CAR_NARROW(name) CAR_JOIN(name, CAR_NARROW_ISA)
#endif

struct car_rollout_job;
struct car_stop_job;

/** The parts of a kernel that files share: whole calls (car_step: by the proposal where weights are
 * wanted), and one step of those from a place on, who are written back behind kept; gives how many
 * are kept then. */
#define CAR_KERNEL_PARTS(isa)                                                                      \
    void car_step_##isa(const car_scene *scene, void *states, uint32_t n, const uint32_t *actions, \
                        const uint64_t *keys, const pomdp_steps *out);                             \
    void car_free_road_##isa(const void *scene, const void *states, uint32_t n, double *values);   \
    uint64_t car_rollout_##isa(const void *scene, const void *states, uint32_t n,                  \
                               const pomdp_draws *draws, uint32_t n_steps, double *returned);      \
    uint64_t car_stop_##isa(const void *scene, const pomdp_beliefs *beliefs, double *lower);       \
    uint32_t car_rollout_step_##isa(struct car_rollout_job *j, uint32_t from, uint32_t kept);      \
    uint32_t car_stop_step_##isa(struct car_stop_job *j, uint32_t from, uint32_t kept)
CAR_KERNEL_PARTS(base);
CAR_KERNEL_PARTS(avx2);
CAR_KERNEL_PARTS(avx512);

typedef struct car_kernel {
    void (*step)(const void *scene, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out);
    void (*step_proposal)(const void *scene, void *states, uint32_t n, const uint32_t *actions,
                          const uint64_t *keys, pomdp_steps *out);
    void (*default_policy)(const void *scene, const void *states, uint32_t n, uint32_t *actions);
    uint64_t (*rollout)(const void *scene, const void *states, uint32_t n, const pomdp_draws *draws,
                        uint32_t n_steps, double *returned);
    void (*free_road)(const void *scene, const void *states, uint32_t n, double *values);
    /** What braking to a stop and waiting there is surely worth: whatever else the default policy
     *  runs into, that can be done as well. A belief's egos drive alike, so that it is a policy for
     *  the belief. As pomdp_model.beliefs_lower. */
    uint64_t (*stop)(const void *scene, const pomdp_beliefs *beliefs, double *lower);
} car_kernel;

extern const car_kernel CAR_KERNEL_BASE; /* runs on every machine */
#ifdef CAR_HAS_X86
extern const car_kernel CAR_KERNEL_AVX2;
extern const car_kernel CAR_KERNEL_AVX512; /* sixteen particles at a time */
#endif

/** Those that this machine runs, the fastest first, CAR_KERNEL_BASE last; how many. */
uint32_t car_kernel_list(const car_kernel *kernels[CAR_MAX_KERNELS]);
/** The fastest. */
const car_kernel *car_kernel_best(void);

/** The model with a kernel of choice; car_model_make takes the fastest. */
pomdp_model car_kernel_model(const car_kernel *kernel, const car_config *config,
                             const car_scene *scene);

#endif
