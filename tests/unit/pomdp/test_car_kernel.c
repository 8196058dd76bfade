/* The kernels: the same bits whichever runs, and rollouts that give what steps give. */
#define _DEFAULT_SOURCE 1 /* anonymous memory */

#include "pomdp/car/car_wait.h"
#include "tests/unit/pomdp/car_rig.h"

#include <sys/mman.h>
#include <unistd.h>

/** Eight of every kind around a bend, so that all of the kernel's branches are taken. */
static void build_crowd(void)
{
    for (uint32_t i = 0; i < request.n_path; ++i) {
        request.path[i] = (hp_vec2){60.0 * sin(0.5 * i / 60.0), 60.0 * (1.0 - cos(0.5 * i / 60.0))};
        request.path_speed_mps[i] = i < 60 ? 13.9 : 9.0;
    }
    for (uint32_t i = 0; i < 6; ++i) {
        hp_belief_agent *a = fixture_walker(&request, 14.0 + 3.0 * i, i % 2 == 0 ? 7.0 : -1.5,
                                            i % 3 == 0 ? 0.0 : 1.2, i == 4 ? 0.5 : 0.0);
        a->cross_hz = 0.3;
        a->n_modes = 1 + i % 4;
        for (uint32_t m = 0; m < a->n_modes; ++m) {
            a->modes[m] = a->modes[0];
            a->modes[m].probability = 1.0 / a->n_modes;
            a->modes[m].mean[3].y_m += 0.3 * m;
            a->modes[m].sigma_m[2] = 0.2;
        }
        a->kind = i == 5 ? HP_CLASS_CAR : HP_CLASS_WALKER;
    }
    for (uint32_t i = 0; i < 2; ++i) {
        request.phantoms[i] = (hp_phantom){
            .edge = {24.0 + 6.0 * i, 7.5}, .rate_hz = 0.5, .corner = {23.0 + 6.0 * i, 6.9}};
    }
    request.n_phantoms = 2;
    build();
}

/** What braking to a stop, step by step, and waiting there until the horizon comes to. */
static double stepped_stop(uint32_t n)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; ++i) {
        car_state s = state_of[i];
        double discount = 1.0;
        uint8_t ends = 0;
        for (uint32_t t = 0; s.speed_mps > 0.0f && ends == 0; ++t) {
            double r = 0.0;
            const uint64_t key = hp_rng_u64(hp_rng_lane(hp_rng_seed(3), i), t);
            pomdp_steps out = {.reward = &r, .terminal = &ends};
            model.step(&scene, &s, 1, &scene.slowest, &key, &out);
            sum += weight_of[i] * discount * r;
            discount *= config.discount;
        }
        double free_road = 0.0;
        const double end = pow(config.discount, config.rollout_depth);
        model.upper(&scene, &s, 1, &free_road);
        const double waits = (discount - end) * config.reward.slowness / (1.0 - config.discount);
        sum += ends == 0 ? weight_of[i] * (end * free_road - waits) : 0.0;
    }
    return sum;
}

static void test_car_model_a_stop_is_worth_what_stepping_through_it_gives(void **state)
{
    (void)state;
    enum { N = 400 };
    const double x_m[] = {60.0, 17.0}; /* far off; so near that some crash, before it stands */
    for (int near = 0; near < 2; ++near) {
        uint32_t action = 99;
        fixture_request(10.0, 10.0, &request);
        fixture_walker(&request, x_m[near], -2.5, 0.0, 1.2)->cross_hz = 0.3;
        build();
        sample(N);
        const double value = model.belief_lower(&scene, state_of, weight_of, N, -INFINITY, &action);
        assert_int_equal(action, scene.slowest);
        hp_assert_near(value, stepped_stop(N), 0.02);
        assert_true(model.belief_lower(&scene, state_of, weight_of, N, 1.0, &action) <= 1.0);
        assert_true(model.belief_lower(&scene, state_of, weight_of, N, -1e9, &action) == value);
    }
    request.speed_floor_mps = 5.0;
    build();
    uint32_t action = 0;
    assert_true(model.belief_lower(&scene, state_of, weight_of, N, 0.0, &action) < -1e30);
}

static void check_same_steps(const car_kernel *kernel)
{
    enum { N = 1001, STEPS = 24 };
    static car_state other_state[N];
    static double other_reward[N], other_weight[N];
    static uint64_t other_obs[N];
    static uint8_t other_terminal[N];
    static uint32_t other_actions[N];
    assert_int_equal(scene.n_others, CAR_MAX_AGENTS);
    sample(N);
    memcpy(other_state, state_of, sizeof other_state);
    for (uint32_t k = 0; k < STEPS; ++k) {
        pomdp_steps out = {reward, weight, obs, terminal};
        pomdp_steps other = {other_reward, other_weight, other_obs, other_terminal};
        for (uint32_t i = 0; i < N; ++i) {
            keys[i] = hp_rng_u64(hp_rng_seed(k), i);
        }
        kernel->default_policy(&scene, state_of, N, actions);
        CAR_KERNEL_BASE.default_policy(&scene, other_state, N, other_actions);
        assert_memory_equal(actions, other_actions, sizeof other_actions);
        kernel->step_proposal(&scene, state_of, N, actions, keys, &out);
        CAR_KERNEL_BASE.step_proposal(&scene, other_state, N, other_actions, keys, &other);
        assert_memory_equal(state_of, other_state, sizeof other_state);
        assert_memory_equal(reward, other_reward, sizeof other_reward);
        assert_memory_equal(weight, other_weight, sizeof other_weight);
        assert_memory_equal(obs, other_obs, sizeof other_obs);
        assert_memory_equal(terminal, other_terminal, sizeof other_terminal);
        kernel->free_road(&scene, state_of, N, reward);
        CAR_KERNEL_BASE.free_road(&scene, other_state, N, other_reward);
        assert_memory_equal(reward, other_reward, sizeof other_reward);
    }
}

static void test_car_model_kernels_give_the_same_bits(void **state)
{
    (void)state;
    const car_kernel *kernels[CAR_MAX_KERNELS];
    const uint32_t n = car_kernel_list(kernels);
    assert_ptr_equal(kernels[0], car_kernel_best());
    assert_ptr_equal(kernels[n - 1], &CAR_KERNEL_BASE);
    build_crowd();
    for (uint32_t i = 0; i + 1 < n; ++i) {
        check_same_steps(kernels[i]);
    }
}

enum { BEYOND = 1 << 20 }; /* bytes: more than any future that a byte names is away */

/** A copy of the scene, behind which nobody may read. */
static car_scene *guard_scene(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t bytes = (sizeof scene + page - 1) / page * page;
    unsigned char *at = mmap(NULL, bytes + BEYOND, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    assert_int_equal(mprotect(at, bytes, PROT_READ | PROT_WRITE), 0);
    memcpy(at, &scene, sizeof scene);
    return (car_scene *)(void *)at;
}

/** The stops of beliefs of 1, 2, ... particles in one call, in so much room, against one by one. */
static void check_stops(const car_kernel *kernel, const car_scene *guarded, size_t room_bytes)
{
    static float room[100000];
    enum { N = 40 * 41 / 2, BELIEFS = 40 };
    uint32_t n[BELIEFS];
    double lower[BELIEFS];
    sample(N);
    for (uint32_t i = 0; i < BELIEFS; ++i) {
        n[i] = i + 1;
        lower[i] = i % 5 == 4 ? 1.0 : -1e9; /* no stop is worth more than that */
    }
    const pomdp_beliefs beliefs = {state_of, weight_of, n, BELIEFS, room, room_bytes};
    assert_true(room_bytes <= sizeof room);
    memset(room, 0xff, sizeof room); /* what was there before is nobody's future */
    assert_true(kernel->stop(guarded, &beliefs, lower) > 0);
    uint32_t first = 0;
    uint32_t action = 0;
    for (uint32_t i = 0; i < BELIEFS; ++i) {
        const double want = model.belief_lower(&scene, &state_of[first], &weight_of[first], n[i],
                                               i % 5 == 4 ? 1.0 : -1e9, &action);
        assert_memory_equal(&want, &lower[i], sizeof want);
        first += n[i];
    }
}

static void test_car_model_stops_give_the_same_bits_in_any_company(void **state)
{
    (void)state;
    const car_kernel *kernels[CAR_MAX_KERNELS];
    const uint32_t n = car_kernel_list(kernels);
    build_crowd();
    car_scene *guarded = guard_scene();
    for (uint32_t i = 0; i < n; ++i) {
        check_stops(kernels[i], guarded, 400000);
        check_stops(kernels[i], guarded, 20000);
        check_stops(kernels[i], guarded, 0);
    }
    (void)munmap(guarded, sizeof scene + BEYOND);
}

/** Whether the default policy waits for what is left of a rollout, and what that earns. */
static bool waits(const car_state *one, uint32_t steps_left, double *value)
{
    block b = block_begin(&scene);
    other_lanes others[CAR_MAX_AGENTS];
    car_f v;
    block_move(&b, 1, 0);
    const ego_lanes e = load_ego(one, &b);
    const car_columns row = pose_at(&scene, e.s_m).row;
    for (uint32_t k = 0; k < scene.n_others; ++k) {
        others[k] = load_other(one, &b, k);
    }
    const car_i brakes = must_brake(&scene, &e, &row, others);
    const car_i left = lanes_all_i((int32_t)steps_left);
    const car_i decided = brakes & wait_is_decided(&scene, &e, &row, others, left, &v);
    *value = (double)v[0];
    return decided[0] != 0;
}

static uint32_t n_waited;

/** What a rollout earns, step by step with the batch hooks. */
static double rollout_by_steps(const car_kernel *kernel, car_state *one, const uint64_t *row,
                               uint32_t stride, uint32_t n_steps)
{
    double sum = 0.0;
    double discount = 1.0;
    double value = 0.0;
    uint32_t action = 0;
    uint8_t ends = 0;
    pomdp_steps out = {.reward = &value, .terminal = &ends};
    for (uint32_t t = 0; t < n_steps && ends == 0; ++t) {
        if (waits(one, n_steps - t, &value)) {
            ++n_waited;
            return sum + discount * value;
        }
        kernel->default_policy(&scene, one, 1, &action);
        kernel->step(&scene, one, 1, &action, &row[t * stride], &out);
        sum += discount * value;
        discount *= config.discount;
    }
    if (ends == 0) {
        kernel->free_road(&scene, one, 1, &value);
        sum += discount * value;
    }
    return sum;
}

/** Rollouts of n particles, from column (7 i) mod N of a table of draws, against steps; with so
 * much room. */
static void check_rollouts(const car_kernel *kernel, uint32_t n, size_t room_bytes)
{
    static float room[100000];
    enum { N = 1001, STEPS = 24 };
    static uint64_t rows[STEPS * N];
    static uint32_t column[N];
    for (uint32_t i = 0; i < STEPS * N; ++i) {
        rows[i] = hp_rng_u64(hp_rng_seed(8), i);
    }
    for (uint32_t i = 0; i < n; ++i) {
        column[i] = 7 * i % N;
    }
    sample(n);
    const pomdp_draws draws = {rows, N, column, room, room_bytes};
    assert_true(room_bytes <= sizeof room);
    const uint64_t taken = kernel->rollout(&scene, state_of, n, &draws, STEPS, reward);
    assert_true(taken >= n && taken <= (uint64_t)n * STEPS);
    for (uint32_t i = 0; i < n; ++i) {
        const double want = rollout_by_steps(kernel, &state_of[i], &rows[column[i]], N, STEPS);
        assert_memory_equal(&want, &reward[i], sizeof want);
    }
}

static void test_car_model_rollouts_give_what_steps_give(void **state)
{
    (void)state;
    const car_kernel *kernels[CAR_MAX_KERNELS];
    const uint32_t n = car_kernel_list(kernels);
    build_crowd();
    for (uint32_t i = 0; i < n; ++i) {
        check_rollouts(kernels[i], 1001, i == 0 ? 400000 : 20000);
        check_rollouts(kernels[i], 3, 0);
    }
}

static void test_car_model_rollouts_give_what_steps_give_when_few_are_there(void **state)
{
    (void)state;
    hp_belief_agent *a = fixture_walker(&request, 40.0, 3.0, 0.0, -1.2);
    a->cross_hz = 0.3;
    build();
    const car_kernel *kernels[CAR_MAX_KERNELS];
    const uint32_t n = car_kernel_list(kernels);
    for (uint32_t i = 0; i < n; ++i) {
        check_rollouts(kernels[i], 100, 400000);
        check_rollouts(kernels[i], 9, 0);
    }
}

static void test_car_model_rollouts_give_what_steps_give_when_the_ego_waits(void **state)
{
    (void)state;
    fixture_request(10.0, 3.0, &request);
    (void)fixture_walker(&request, 15.0, 1.0, 0.0, -0.4);
    build();
    n_waited = 0;
    check_rollouts(car_kernel_best(), 100, 400000);
    check_rollouts(&CAR_KERNEL_BASE, 100, 400000);
    assert_true(n_waited > 100);
}

static void test_car_lanes_exp_keeps_its_error_bound(void **state)
{
    (void)state;
    for (double x = 0.0; x > -80.0; x -= 0.0097) {
        const car_f y = lanes_exp(lanes_all((float)x));
        const double want = exp((double)(float)x);
        hp_assert_near((double)y[0], want, 4e-7 * want);
    }
    assert_true(lanes_exp(lanes_all(-1e9f))[3] >= 0.0f);
}

int main(void)
{
#define CAR_TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        CAR_TEST(test_car_model_a_stop_is_worth_what_stepping_through_it_gives),
        CAR_TEST(test_car_model_kernels_give_the_same_bits),
        CAR_TEST(test_car_model_stops_give_the_same_bits_in_any_company),
        CAR_TEST(test_car_model_rollouts_give_what_steps_give),
        CAR_TEST(test_car_model_rollouts_give_what_steps_give_when_few_are_there),
        CAR_TEST(test_car_model_rollouts_give_what_steps_give_when_the_ego_waits),
        CAR_TEST(test_car_lanes_exp_keeps_its_error_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
