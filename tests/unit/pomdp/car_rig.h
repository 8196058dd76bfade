/** @file car_rig.h One scene, its model and a batch of states, for tests of the driving model. */
#ifndef CAR_RIG_H
#define CAR_RIG_H

#include "pomdp/car/car_kernel.h"
#include "tests/support/hp_test.h"
#include "tests/unit/pomdp/car_fixture.h"

static car_config config;
static car_scene scene;
static hp_plan_request request;
static pomdp_model model;
static car_state state_of[4096];
static double weight_of[4096];

/** Results of a batch. */
static double reward[4096], weight[4096];
static uint64_t obs[4096], keys[4096];
static uint8_t terminal[4096];
static uint32_t actions[4096];

static inline int setup(void **state)
{
    (void)state;
    car_config_default(&config);
    fixture_request(10.0, 10.0, &request);
    return 0;
}

static inline void build(void)
{
    assert_true(car_scene_build(&config, &request, &scene));
    model = car_model_make(&config, &scene);
}

static inline void step(uint32_t n, uint32_t action, uint64_t seed, bool proposal)
{
    pomdp_steps out = {reward, proposal ? weight : NULL, obs, terminal};
    for (uint32_t i = 0; i < n; ++i) {
        actions[i] = action;
        keys[i] = hp_rng_u64(hp_rng_seed(seed), i);
    }
    (proposal ? model.step_proposal : model.step)(&scene, state_of, n, actions, keys, &out);
}

static inline void sample(uint32_t n)
{
    car_model_sample(&scene, hp_rng_seed(4), n, state_of, weight_of);
}

#endif
