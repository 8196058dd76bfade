/* Memory that runs out while networks and searches are set up. See test_memory_fails. */
#include "cli/policy_play.h"
#include "cli/prune_lab.h"
#include "cli/train_tasks.h"
#include "common/hp_crew.h"
#include "policy/envs/classic.h"
#include "policy/policy_adam.h"
#include "policy/policy_ppo.h"
#include "pomdp/car/car_leaf.h"
#include "pomdp/car/car_planner.h"
#include "pomdp/models/problem.h"
#include "pomdp/models/tiger.h"
#include "pomdp/pomdp_team.h"
#include "predictor/pred_grad.h"
#include "predictor/pred_net.h"
#include "predictor/pred_train.h"
#include "predictor/predictor_net.h"
#include "tests/support/heap_doors.h"
#include "tests/unit/predictor/pred_people.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "models/policy.safetensors"

static cli_config config;
static drive_setting setting;
static pred_samples people;
static char dir[64], trained[80];

/* ---- Networks ---- */

static hp_status make_infer(hp_error *error)
{
    policy_model model = {.params = NULL};
    policy_infer *infer = NULL;
    hp_status st = policy_model_read(MODEL, &model, error);
    if (st == HP_OK) {
        st = policy_infer_create(&model, "auto", 8, &infer, error);
        policy_model_destroy(&model);
    }
    policy_infer_destroy(&infer);
    return st;
}

static hp_status make_tape(hp_error *error)
{
    policy_model model = {.params = NULL};
    policy_tape tape = {0};
    hp_status st = policy_model_read(MODEL, &model, error);
    if (st == HP_OK) {
        st = policy_tape_create(&model.actor, 8, &tape);
        policy_tape_destroy(&tape);
        policy_model_destroy(&model);
    }
    return st;
}

static hp_status make_adam(hp_error *error)
{
    policy_adam adam = {0};
    (void)error;
    const hp_status st = policy_adam_create(100, &adam);
    policy_adam_destroy(&adam);
    return st;
}

static hp_status make_crew(hp_error *error)
{
    hp_crew *crew = NULL;
    (void)error;
    const hp_status st = hp_crew_create(3, &crew);
    hp_crew_destroy(&crew);
    return st;
}

static hp_status make_ppo(hp_error *error)
{
    policy_ppo_config ppo_config = TRAIN_TASKS[1].config;
    policy_ppo *ppo = NULL;
    ppo_config.n_threads = 1;
    const hp_status st = policy_ppo_create(&ppo_config, &CARTPOLE_TASK, 1, &ppo, error);
    policy_ppo_destroy(&ppo);
    return st;
}

static hp_status make_pilot(hp_error *error)
{
    policy_pilot pilot = {.infer = NULL};
    const hp_status st = policy_open(&config, 1, &pilot, error);
    policy_infer_destroy(&pilot.infer);
    return st;
}

static hp_status make_grads(hp_error *error)
{
    pred_grads grads = {0};
    pred_acts acts = {0};
    (void)error;
    hp_status st = pred_grads_create(4, &grads);
    if (st == HP_OK) {
        st = pred_acts_create(4, &acts);
        pred_acts_destroy(&acts);
    }
    pred_grads_destroy(&grads);
    return st;
}

static hp_status make_net(hp_error *error)
{
    predictor_config with_model = config.predictor;
    predictor_net *net = NULL;
    (void)snprintf(with_model.model, sizeof with_model.model, "models/predictor.safetensors");
    const hp_status st = predictor_net_create(&with_model, &net, error);
    predictor_net_destroy(&net);
    return st;
}

static hp_status make_trainer(hp_error *error)
{
    pred_train_config train;
    pred_trainer *trainer = NULL;
    pred_train_config_default(&train);
    hp_status st = pred_trainer_create(&train, &people, &people, &trainer, error);
    if (st == HP_OK) {
        st = pred_trainer_read(trainer, trained, error);
    }
    pred_trainer_destroy(&trainer);
    return st;
}

/* ---- Searches ---- */
static hp_status make_problems(hp_error *error)
{
    hp_status st = HP_OK;
    for (const char *const *name = POMDP_PROBLEM_NAMES; *name != NULL && st == HP_OK; name++) {
        pomdp_problem problem = {.ctx = NULL};
        st = pomdp_problem_open(strchr(*name, ':') != NULL ? "rocksample:7x8" : *name, 1, &problem,
                                error);
        pomdp_problem_close(&problem);
    }
    return st;
}

static hp_status make_team(hp_error *error)
{
    const pomdp_model model = tiger_model();
    pomdp_config small;
    pomdp_team *team = NULL;
    (void)error;
    pomdp_config_default(&small);
    const hp_status st = pomdp_team_create(&model, &small, 3, &team);
    pomdp_team_destroy(&team);
    return st;
}

static hp_status make_car_planner(hp_error *error)
{
    car_planner *planner = NULL;
    (void)error;
    const hp_status st = car_planner_create(&config.car, &planner);
    car_planner_destroy(&planner);
    return st;
}

static hp_status make_leaf(hp_error *error)
{
    const car_leaf_setup leaf_setup = {&config.car, &config.policy, NULL};
    car_leaf *leaf = NULL;
    (void)error;
    const hp_status st = car_leaf_create(&leaf_setup, &leaf);
    car_leaf_destroy(&leaf);
    return st;
}

static hp_status make_lab(hp_error *error)
{
    prune_lab *lab = NULL;
    const hp_status st = prune_lab_create(&setting, &lab, error);
    prune_lab_destroy(&lab);
    return st;
}

static const maker MAKERS[] = {
    {"inference", make_infer, false},
    {"tape", make_tape, false},
    {"Adam", make_adam, false},
    {"crew", make_crew, false},
    {"PPO", make_ppo, false},
    {"pilot", make_pilot, false},
    {"gradients", make_grads, false},
    {"predictor network", make_net, false},
    {"predictor trainer", make_trainer, false},
    {"problems", make_problems, false},
    {"team", make_team, false},
    {"car planner", make_car_planner, false},
    {"leaf", make_leaf, false},
    {"laboratory", make_lab, false},
};

static void write_trainer(void)
{
    hp_error error = {{0}};
    pred_train_config train;
    pred_trainer *trainer = NULL;
    pred_make_people(1, 600, &people);
    pred_train_config_default(&train);
    if (pred_trainer_create(&train, &people, &people, &trainer, &error) != HP_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(pred_trainer_write(trainer, dir, "trainer", &error), HP_OK);
    pred_trainer_destroy(&trainer);
}

static int set_up(void **state)
{
    static const char *const IDS[] = {"01", "03"};
    hp_error error = {{0}};
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/hp_memory_XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    (void)snprintf(trained, sizeof trained, "%s/trainer", dir);
    cli_config_default(&config);
    config.car.max_nodes = 5000; /* their size is not the point */
    config.car.max_particles = 100000;
    (void)snprintf(config.policy.model, sizeof config.policy.model, MODEL);
    write_trainer();
    return drive_setting_load(&config, IDS, 2, SIM_GRID_VALIDATION, &setting, &error) == HP_OK ? 0
                                                                                               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    pred_samples_free(&people);
    (void)unlink(trained);
    return rmdir(dir);
}

static void test_learners_say_so_when_any_allocation_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(MAKERS); i++) {
        heap_doors_try(&MAKERS[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learners_say_so_when_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
