#include "cli/policy_driver.h"

#include "cli/policy_play.h"
#include "planner/plan_cycle.h"

#include <stdlib.h>

typedef struct policy_driver {
    driver base;
    const cli_config *config;
    predictor_cv_config predictor;
    policy_pilot pilot;
    plan_cycle *cycle;
    hp_clock clock;
    policy_scene scene;
    uint32_t last_action;
} policy_driver;

static hp_status predict(void *ctx, const hp_predict_request *request, hp_predict_reply *reply)
{
    const policy_driver *d = ctx;
    predictor_cv_predict(&d->predictor, request, reply);
    return HP_OK;
}

static hp_status plan(void *ctx, const hp_plan_request *request, hp_plan_reply *reply)
{
    policy_driver *d = ctx;
    float row[POLICY_MOST_ROW];
    policy_answer answer;
    policy_scene_encode(request, &d->scene);
    d->scene.root.last_action = d->last_action;
    policy_encode(d->pilot.encoder, &d->scene, row);
    policy_infer_run(d->pilot.infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, row, 1, &answer);
    *reply = (hp_plan_reply){.world_id = request->world_id, .tick = request->tick};
    if (answer.valid) {
        d->last_action = answer.best;
        reply->found = true;
        reply->action = answer.best;
        reply->accel_mps2 = d->config->car.actions_mps2[answer.best];
        reply->value_lower = reply->value_upper = answer.value;
    }
    return HP_OK;
}

static void begin(driver *self, const hp_world_info *info, uint64_t seed)
{
    policy_driver *d = (policy_driver *)self;
    d->last_action = drive_hold(&d->config->car);
    plan_cycle_begin(d->cycle, info, seed);
}

static void tick(driver *self, const hp_frame *frame, hp_command *command, hp_decision *decision)
{
    policy_driver *d = (policy_driver *)self;
    hp_decision unused;
    plan_cycle_tick(d->cycle, frame, command, decision != NULL ? decision : &unused);
    if (command->source == HP_SOURCE_SEARCH) {
        command->source = HP_SOURCE_POLICY;
    }
}

static void destroy(driver *self)
{
    policy_driver *d = (policy_driver *)self;
    plan_cycle_destroy(&d->cycle);
    policy_infer_destroy(&d->pilot.infer);
    free(d);
}

static const driver_ops OPS = {
    .begin = begin,
    .tick = tick,
    .destroy = destroy,
};

hp_status policy_driver_create(const cli_config *config, bool guard, driver **out, hp_error *error)
{
    policy_driver *d = calloc(1, sizeof *d);
    *out = NULL;
    if (d == NULL) {
        return HP_ENOMEM;
    }
    plan_config planner = config->plan;
    planner.guard.enabled = guard;
    d->base.ops = &OPS;
    d->config = config;
    d->predictor = config->predictor.cv;
    d->clock = hp_clock_real();
    const plan_workers workers = {predict, plan, d};
    hp_status st = policy_open(config, 1, &d->pilot, error);
    if (st == HP_OK) {
        st = plan_cycle_create(&planner, &d->predictor, &workers, &d->clock, &d->cycle);
    }
    if (st != HP_OK) {
        destroy(&d->base);
        return st;
    }
    *out = &d->base;
    return HP_OK;
}
