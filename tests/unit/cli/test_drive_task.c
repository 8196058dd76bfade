/* The task that networks learn from is the loop that they drive in: with the same choices the car
 * does the same, tick by tick, and the planner hears the same of it. */
#include "cli/drive_task.h"
#include "planner/plan_cycle.h"
#include "tests/support/hp_test.h"

#include <string.h>

enum { MOST_DECISIONS = 400 };

static cli_config config;
static drive_setting setting;

/** Speeds up, coasts and brakes in turn. */
static uint32_t choice_of(uint32_t decision)
{
    static const uint32_t CHOICES[] = {0, 0, 0, 1, 0, 0, 2, 0};
    return CHOICES[decision % HP_ARRAY_LEN(CHOICES)];
}

typedef struct loop {
    uint32_t n; /* decisions */
    double ego_s_m[MOST_DECISIONS], speed_mps[MOST_DECISIONS];
} loop;

static hp_status predict(void *ctx, const hp_predict_request *request, hp_predict_reply *reply)
{
    (void)ctx;
    predictor_cv_predict(&config.predictor.cv, request, reply);
    return HP_OK;
}

static hp_status plan(void *ctx, const hp_plan_request *request, hp_plan_reply *reply)
{
    loop *l = ctx;
    assert_true(l->n < MOST_DECISIONS);
    l->ego_s_m[l->n] = request->ego_s_m;
    l->speed_mps[l->n] = request->ego_speed_mps;
    *reply = (hp_plan_reply){.found = true, .accel_mps2 = config.car.actions_mps2[choice_of(l->n)]};
    l->n++;
    return HP_OK;
}

/** The scene that an episode of the task plays, driven by the planner itself. */
static void drive(const sim_scene *scene, uint64_t seed, loop *l)
{
    const plan_workers workers = {predict, plan, l};
    const hp_clock clock = hp_clock_virtual(0);
    plan_config planner = config.plan;
    sim_world *world = NULL;
    plan_cycle *cycle = NULL;
    static hp_world_info info;
    planner.guard.enabled = false;
    assert_int_equal(sim_world_create(&config.sim, &world), HP_OK);
    assert_int_equal(plan_cycle_create(&planner, &config.predictor.cv, &workers, &clock, &cycle),
                     HP_OK);
    sim_world_load(world, &setting.scenarios[0], scene, 1, seed);
    sim_world_info(world, &info);
    plan_cycle_begin(cycle, &info, seed);
    l->n = 0;
    while (sim_world_result(world)->verdict == HP_VERDICT_RUNNING) {
        static hp_frame frame;
        static hp_decision decision;
        hp_command command;
        sim_world_observe(world, &frame);
        plan_cycle_tick(cycle, &frame, &command, &decision);
        sim_world_step(world, &command);
    }
    plan_cycle_destroy(&cycle);
    sim_world_destroy(&world);
}

static void test_drive_task_does_as_the_loop_does_when_choices_are_the_same(void **state)
{
    static loop l;
    const policy_task task = drive_task_of(&setting);
    const hp_rng stream = hp_rng_seed(5);
    policy_step last = {0};
    float row[POLICY_MOST_ROW];
    void *env = NULL;
    hp_error error = {{0}};
    (void)state;
    setting.n_scenes[0] = 1; /* so that it is known which one is drawn */
    drive(&setting.scenes[0][0], stream.key, &l);
    assert_true(l.n > 40);
    assert_int_equal(task.create(task.ctx, 0, &env, &error), HP_OK);
    task.reset(env, stream, row);
    for (uint32_t i = 0; i < l.n; i++) {
        const hp_plan_request *request = drive_task_request(env);
        const float action = (float)choice_of(i);
        assert_false(last.terminated || last.truncated);
        hp_assert_near(request->ego_speed_mps, l.speed_mps[i], 0.0);
        hp_assert_near(request->ego_s_m, l.ego_s_m[i], 0.0);
        task.step(env, &action, &last, row);
    }
    assert_true(last.terminated || last.truncated);
    task.destroy(env);
}

static int set_up(void **state)
{
    static const char *const IDS[] = {"03"};
    hp_error error = {{0}};
    (void)state;
    cli_config_default(&config);
    return drive_setting_load(&config, IDS, 1, SIM_GRID_TRAINING, &setting, &error) == HP_OK ? 0
                                                                                             : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drive_task_does_as_the_loop_does_when_choices_are_the_same),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
