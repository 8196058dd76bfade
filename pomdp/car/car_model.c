#include "pomdp/car/car_model.h"

#include "pomdp/car/car_kernel.h"

#include <string.h>

#define WALK_MPS 0.1 /* slower than this is standing */

uint32_t car_kernel_list(const car_kernel *kernels[CAR_MAX_KERNELS])
{
    uint32_t n = 0;
#ifdef CAR_HAS_X86
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
        kernels[n++] = &CAR_KERNEL_AVX512;
    }
    if (__builtin_cpu_supports("avx2")) {
        kernels[n++] = &CAR_KERNEL_AVX2;
    }
#endif
    kernels[n++] = &CAR_KERNEL_BASE;
    return n;
}

const car_kernel *car_kernel_best(void)
{
    const car_kernel *kernels[CAR_MAX_KERNELS];
    (void)car_kernel_list(kernels);
    return kernels[0];
}

size_t car_model_state_bytes(uint32_t n_others)
{
    return offsetof(car_state, others) + n_others * sizeof(car_other_state);
}

/** By the kernel that every machine has: it gives what all of them give. */
static double stop_for_good(const void *ctx, const void *states, const double *weights, uint32_t n,
                            double known, uint32_t *action)
{
    const car_scene *scene = ctx;
    const pomdp_beliefs one = {.states = states, .weights = weights, .n = &n, .n_beliefs = 1};
    double lower = known;
    *action = scene->slowest;
    if (scene->rules.speed_floor_mps > 0.0f) {
        return -INFINITY; /* it cannot stop */
    }
    (void)CAR_KERNEL_BASE.stop(scene, &one, &lower);
    return lower;
}

pomdp_model car_model_make(const car_config *config, const car_scene *scene)
{
    return car_kernel_model(car_kernel_best(), config, scene);
}

pomdp_model car_kernel_model(const car_kernel *kernel, const car_config *config,
                             const car_scene *scene)
{
    return (pomdp_model){
        .name = "car",
        .n_actions = config->n_actions,
        .state_size = sizeof(car_state),
        .discount = config->discount,
        .reward_max = config->reward.goal,
        .step = kernel->step,
        .step_proposal = kernel->step_proposal,
        .default_policy = kernel->default_policy,
        .rollout = kernel->rollout,
        .belief_lower = stop_for_good,
        .beliefs_lower = kernel->stop,
        .tail = kernel->free_road,
        .upper = kernel->free_road,
        .ctx = scene,
    };
}

/** Draws a future: half by its probability, half evenly, so that unlikely ones are not missed. */
static uint8_t draw_future(const car_other *other, bool importance, double u, double *weight)
{
    const double even = importance ? 0.5 / other->n_futures : 0.0;
    const double own = importance ? 0.5 : 1.0;
    double sum = 0.0;
    uint32_t m = 0;
    for (; m + 1 < other->n_futures; ++m) {
        sum += own * other->probability[m] + even;
        if (u < sum) {
            break;
        }
    }
    const double p = other->probability[m];
    *weight *= p / (own * p + even);
    return (uint8_t)m;
}

/** Somebody last seen standing, now hidden: may have set off already, but has not come into view.
 */
static void draw_hidden(const car_scene *scene, const car_other *other, hp_rng numbers,
                        car_other_state *o)
{
    const double eye_s = scene->ego_s_m + scene->eye_ahead_m;
    const double edge = car_scene_edge_of_sight(other, eye_s);
    const double p = hp_min(other->rate_hz * other->age_s, 0.3);
    if (!(edge < other->lateral_m) || hp_rng_unit(numbers, 3) >= p) {
        return;
    }
    const double come = (other->lateral_m - edge) * hp_rng_unit(numbers, 4);
    o->x_m += (float)(come * other->to_path_x);
    o->y_m += (float)(come * other->to_path_y);
    const car_traffic_config *traffic = &scene->config->traffic;
    const double speed =
        hp_rng_range(numbers, 5, traffic->standing_speed_min_mps, traffic->standing_speed_max_mps);
    o->motion = CAR_MOTION_STRAIGHT;
    o->vx_mps = (float)(speed * other->to_path_x);
    o->vy_mps = (float)(speed * other->to_path_y);
}

static int8_t draw_deviation(hp_rng numbers, uint64_t index)
{
    const double sigmas = hp_clamp(hp_rng_normal(numbers, index), -2.0, 2.0);
    return (int8_t)lround(sigmas / (double)CAR_DEVIATION_UNIT);
}

static void sample_other(const car_scene *scene, const car_other *other, hp_rng numbers,
                         double *weight, car_other_state *o)
{
    memset(o, 0, sizeof *o);
    o->x_m = (float)other->x_m;
    o->y_m = (float)other->y_m;
    o->vx_mps = (float)other->vx_mps;
    o->vy_mps = (float)other->vy_mps;
    if (other->phantom) {
        o->motion = CAR_MOTION_HIDDEN;
        return;
    }
    o->motion = CAR_MOTION_FUTURE;
    o->future =
        draw_future(other, scene->config->importance_sampling, hp_rng_unit(numbers, 0), weight);
    o->dx = draw_deviation(numbers, 100);
    o->dy = draw_deviation(numbers, 101);
    if (other->walks && other->may_hide && hypot(other->vx_mps, other->vy_mps) < WALK_MPS) {
        draw_hidden(scene, other, numbers, o);
    }
}

void car_model_sample(const car_scene *scene, hp_rng stream, uint32_t n, void *states,
                      double *weights)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; ++i) {
        void *at = (unsigned char *)states + i * scene->state_bytes;
        car_state *state = at;
        const hp_rng numbers = hp_rng_lane(stream, i);
        weights[i] = 1.0;
        memset(state, 0, scene->state_bytes);
        state->s_m = (float)scene->ego_s_m;
        state->speed_mps = (float)scene->ego_speed_mps;
        state->accel_mps2 = (float)scene->ego_accel_mps2;
        state->memory = scene->last_action << 8;
        for (uint32_t k = 0; k < scene->n_others; ++k) {
            sample_other(scene, &scene->others[k], hp_rng_lane(numbers, k), &weights[i],
                         &state->others[k]);
        }
        sum += weights[i];
    }
    for (uint32_t i = 0; i < n; ++i) {
        weights[i] /= sum;
    }
}
