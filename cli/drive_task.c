#include "cli/drive_task.h"

#include "cli/options.h"
#include "planner/plan_cycle.h"
#include "planner/plan_engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** Whatever the path allows. */
#define UNBOUND_MPS2 1000.0

typedef struct drive_env {
    const drive_setting *setting;
    sim_world *world;
    plan_cycle *cycle;
    plan_engine engine;
    hp_clock clock;
    sim_scenario scenario;
    policy_scene scene;
    uint32_t action, episode, which;
    float row[POLICY_MOST_ROW];
    /* the picture in the row */
    hp_rng holds;
    uint32_t n_looks, held; /* decisions for which it stays */
    double drawn_m, age_s;
    /* one tick */
    hp_world_info info;
    hp_frame frame;
    hp_command command;
    hp_decision decision;
} drive_env;

hp_status drive_setting_load(const cli_config *config, const char *const *ids, uint32_t n,
                             sim_grid grid, drive_setting *out, hp_error *error)
{
    if (n == 0 || n > DRIVE_MAX_SCENARIOS) {
        return hp_fail(error, HP_EINVAL, "%u scenarios, 1 to %d are possible", n,
                       DRIVE_MAX_SCENARIOS);
    }
    out->config = *config;
    out->grid = grid;
    out->n_scenarios = n;
    for (uint32_t i = 0; i < n; i++) {
        char name[CLI_PATH];
        char path[CLI_PATH];
        (void)snprintf(name, sizeof name, "scenarios/cts/%s.yaml", ids[i]);
        if (!cli_find(name, path)) {
            return hp_fail(error, HP_ENOENT, "%s: not found", name);
        }
        const hp_status st = sim_scenario_read(path, &out->scenarios[i], error);
        if (st != HP_OK) {
            return st;
        }
        out->n_scenes[i] = sim_grid_scenes(&out->scenarios[i], grid, out->scenes[i]);
    }
    return HP_OK;
}

static hp_status predict(void *ctx, const hp_predict_request *request, hp_predict_reply *reply)
{
    const drive_env *e = ctx;
    predictor_cv_predict(&e->setting->config.predictor.cv, request, reply);
    return HP_OK;
}

/** For how many decisions a picture stays: in three of four cases for none. */
static uint32_t hold_of(const drive_env *e)
{
    enum { LONGEST = 8 };
    const uint64_t draw = hp_rng_u64(e->holds, e->n_looks);
    return e->setting->varied && draw % 4 == 0 ? 1 + (uint32_t)(draw / 4 % LONGEST) : 0;
}

static void show(drive_env *e)
{
    const policy_encoder encoder = e->setting->encoder;
    const policy_shape shape = policy_encoder_shape(encoder);
    policy_encode_look(encoder, &e->scene, &e->scene.root, e->row);
    if (e->held > 0) {
        e->held--;
        e->age_s += e->setting->config.car.step_s;
        policy_encode_age(encoder, e->age_s, e->scene.root.ego_s_m - e->drawn_m, e->row);
    } else {
        policy_encode_scene(encoder, &e->scene, e->row + policy_shape_look(&shape));
        e->held = hold_of(e);
        e->age_s = 0.0;
        e->drawn_m = e->scene.root.ego_s_m;
    }
    e->n_looks++;
}

/** Stands where the search would: looks, and lets the path alone bound the acceleration. */
static hp_status plan(void *ctx, const hp_plan_request *request, hp_plan_reply *reply)
{
    drive_env *e = ctx;
    policy_scene_encode(request, &e->scene);
    e->scene.root.last_action = e->action;
    show(e);
    *reply = (hp_plan_reply){.world_id = request->world_id,
                             .tick = request->tick,
                             .found = true,
                             .accel_mps2 = UNBOUND_MPS2};
    return HP_OK;
}

static void destroy(void *env)
{
    drive_env *e = env;
    plan_cycle_destroy(&e->cycle);
    sim_world_destroy(&e->world);
    free(e);
}

/** Each environment has a car and a sensor of its own. */
static sim_config vary_body(const drive_setting *setting, uint32_t index)
{
    sim_config c = setting->config.sim;
    const hp_rng s = hp_rng_lane(hp_rng_seed(UINT64_C(0x5eed)), index);
    if (setting->varied && index % 2 == 1) {
        c.vehicle.drive_lag_s *= hp_rng_range(s, 0, 0.7, 1.5);
        c.vehicle.brake_lag_s *= hp_rng_range(s, 1, 0.7, 1.5);
        c.vehicle.max_decel_mps2 *= hp_rng_range(s, 2, 0.85, 1.1);
        c.vehicle.max_accel_mps2 *= hp_rng_range(s, 3, 0.85, 1.15);
        c.sensor.position_noise_m = hp_rng_range(s, 4, 0.0, 0.15);
        c.sensor.speed_noise_mps = hp_rng_range(s, 5, 0.0, 0.15);
        c.sensor.delay_ticks = hp_rng_unit(s, 6) < 0.3 ? 1 : 0;
    }
    return c;
}

static hp_status create(void *ctx, uint32_t index, void **env, hp_error *error)
{
    drive_setting *setting = ctx;
    drive_env *e = calloc(1, sizeof *e);
    *env = NULL;
    if (e == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a world");
    }
    const sim_config body = vary_body(setting, index);
    const plan_workers workers = {predict, plan, e};
    plan_config planner = setting->config.plan;
    planner.guard.enabled = false;
    planner.control.engine_lag_s = 0.0; /* send() makes up for it, for the cycle knows no choice */
    if (setting->varied) {
        planner.path.detours =
            false; /* looking for ways costs most, and speed is what is learned */
    }
    e->setting = setting;
    e->clock = hp_clock_virtual(0);
    hp_status st = sim_world_create(&body, &e->world);
    if (st == HP_OK) {
        st = plan_cycle_create(&planner, &setting->config.predictor.cv, &workers, &e->clock,
                               &e->cycle);
    }
    if (st != HP_OK) {
        destroy(e);
        return hp_fail(error, st, "world %u: %s", index, hp_status_text(st));
    }
    *env = e;
    return HP_OK;
}

uint32_t drive_hold(const car_config *config)
{
    uint32_t hold = 0;
    for (uint32_t i = 1; i < config->n_actions; i++) {
        hold = fabs(config->actions_mps2[i]) < fabs(config->actions_mps2[hold]) ? i : hold;
    }
    return hold;
}

static uint32_t fastest(const car_config *config)
{
    uint32_t most = 0;
    for (uint32_t i = 1; i < config->n_actions; i++) {
        most = config->actions_mps2[i] > config->actions_mps2[most] ? i : most;
    }
    return most;
}

/** Draws of one episode, by what they are for. */
enum {
    DRAW_SCENARIO,
    DRAW_SCENE,
    DRAW_VARIED,
    DRAW_SPEED,
    DRAW_DISTANCE,
    DRAW_SHIFT,
    DRAW_PARKED,
    DRAW_SIZE,
    DRAW_CRITICAL,
    DRAW_HOLDS,
    DRAW_WALKER = 16
};

static void vary_walker(sim_walker_spec *w, hp_rng s)
{
    w->start.x_m += w->after.x_m * hp_rng_range(s, 0, -1.0, 0.5);
    w->start.y_m += w->after.y_m * hp_rng_range(s, 0, -1.0, 0.5);
    if (hp_rng_unit(s, 1) < 0.2) { /* stops on the way over */
        const double start = w->stop_normal.x_m * w->start.x_m + w->stop_normal.y_m * w->start.y_m;
        w->stop_offset_m = start + hp_rng_range(s, 2, 0.1, 0.9) * (w->stop_offset_m - start);
    }
}

/** Another street of the same kind. Routes that bend (09) are not shifted. */
static void vary_scenario(sim_scenario *c, hp_rng s)
{
    const double shift = c->n_route == 2 ? hp_rng_range(s, DRAW_SHIFT, -10.0, 10.0) : 0.0;
    const bool longer = hp_rng_unit(s, DRAW_PARKED) < 0.15;
    for (uint32_t i = 0; i < c->n_walkers; i++) {
        vary_walker(&c->walkers[i], hp_rng_lane(s, DRAW_WALKER + i));
        c->walkers[i].start.y_m += shift;
    }
    for (uint32_t i = 0; i < c->n_cars; i++) {
        sim_car_spec *car = &c->cars[i];
        if (car->parked) {
            car->pose.y_m += shift;
            car->length_m *= hp_rng_range(s, DRAW_SIZE, 0.85, longer ? 2.0 : 1.25);
        }
    }
}

static sim_scene vary_scene(sim_scene scene, hp_rng s)
{
    scene.speed_mps = hp_clamp(scene.speed_mps * hp_rng_range(s, DRAW_SPEED, 0.35, 1.5), 0.2, 3.0);
    scene.distance_m =
        hp_clamp(scene.distance_m + hp_rng_range(s, DRAW_DISTANCE, -2.0, 12.0), 1.0, 50.0);
    return scene;
}

static size_t row_bytes(const drive_setting *set)
{
    const policy_shape shape = policy_encoder_shape(set->encoder);
    return policy_shape_row(&shape) * sizeof(float);
}

static void look(drive_env *e)
{
    sim_world_observe(e->world, &e->frame);
    plan_cycle_tick(e->cycle, &e->frame, &e->command, &e->decision);
}

static void begin(drive_env *e, const sim_scene *scene, hp_rng stream)
{
    sim_world_load(e->world, &e->scenario, scene, ++e->episode, stream.key);
    sim_world_info(e->world, &e->info);
    plan_cycle_begin(e->cycle, &e->info, stream.key);
    e->action = drive_hold(&e->setting->config.car);
    e->holds = hp_rng_lane(stream, DRAW_HOLDS);
    e->n_looks = e->held = 0;
    plan_engine_begin(&e->engine);
    look(e);
}

/** The scene of the setting's part that is nearest to the one drawn. */
static uint64_t in_part(const drive_setting *set, uint32_t which, uint64_t at)
{
    if (set->parts < 2) {
        return at;
    }
    const uint64_t mine = at - at % set->parts + set->part;
    return mine < set->n_scenes[which] ? mine : set->part;
}

static void reset(void *env, hp_rng stream, float *row)
{
    drive_env *e = env;
    const drive_setting *set = e->setting;
    const uint32_t which = (uint32_t)(hp_rng_u64(stream, DRAW_SCENARIO) % set->n_scenarios);
    const uint64_t draw = hp_rng_u64(stream, DRAW_SCENE);
    const bool critical =
        set->varied && set->n_critical[which] > 0 && hp_rng_unit(stream, DRAW_CRITICAL) < 0.65;
    const uint64_t at = critical ? set->critical[which][draw % set->n_critical[which]]
                                 : draw % set->n_scenes[which];
    sim_scene scene = set->scenes[which][in_part(set, which, at)];
    e->which = which;
    e->scenario = set->scenarios[which];
    if (set->varied && hp_rng_unit(stream, DRAW_VARIED) < 0.7) {
        vary_scenario(&e->scenario, stream);
        scene = vary_scene(scene, stream);
    }
    begin(e, &scene, stream);
    memcpy(row, e->row, row_bytes(e->setting));
}

/** The search's reward for one decision, once it is over. */
static double reward_of(const drive_env *e, bool switched, bool near_before)
{
    const car_reward_config *r = &e->setting->config.car.reward;
    const sim_result *result = sim_world_result(e->world);
    const double v_max = e->info.speed_limit_mps;
    double reward = r->slowness * (hp_min(e->frame.ego.speed_mps, v_max) - v_max) / v_max;
    reward -= switched ? r->switching : 0.0;
    reward -= result->near_miss && !near_before ? r->near_miss : 0.0;
    if (result->verdict == HP_VERDICT_GOAL) {
        reward += r->goal;
    } else if (result->verdict == HP_VERDICT_CRASH) {
        reward -= r->collision_base +
                  pow(r->collision_offset + result->impact_mps / v_max, r->collision_power);
    }
    return reward;
}

/** The choice as far as the path allows it, with the engine's lag made up for as in the loop. */
static void send(drive_env *e, double accel_mps2)
{
    const plan_control_config *control = &e->setting->config.plan.control;
    const double wanted_mps2 = fmin(accel_mps2, e->command.accel_mps2);
    e->command.accel_mps2 = plan_engine_lead(control, &e->engine, wanted_mps2);
    plan_engine_sent(control, e->command.accel_mps2, &e->engine);
    sim_world_step(e->world, &e->command);
}

static void step(void *env, const float *action, policy_step *out, float *row)
{
    drive_env *e = env;
    const sim_result *result = sim_world_result(e->world);
    const uint32_t chosen = (uint32_t)action[0];
    const double accel = e->setting->config.car.actions_mps2[chosen];
    const bool near_before = result->near_miss;
    const bool switched = chosen != e->action;
    e->decision.decided = false;
    e->action = chosen;
    do {
        send(e, accel);
        look(e);
    } while (result->verdict == HP_VERDICT_RUNNING && !e->decision.decided);
    *out = (policy_step){.reward = reward_of(e, switched, near_before)};
    out->cost = result->verdict == HP_VERDICT_CRASH ? 1.0 : 0.0;
    out->truncated = result->verdict == HP_VERDICT_TIMEOUT;
    out->terminated = result->verdict != HP_VERDICT_RUNNING && !out->truncated;
    memcpy(row, e->row, row_bytes(e->setting));
}

hp_status drive_setting_find_critical(drive_setting *setting, hp_error *error)
{
    void *env = NULL;
    const hp_status st = create(setting, 0, &env, error);
    if (st != HP_OK) {
        return st;
    }
    drive_env *e = env;
    for (uint32_t i = 0; i < setting->n_scenarios; i++) {
        e->scenario = setting->scenarios[i];
        setting->n_critical[i] = 0;
        for (uint32_t k = 0; k < setting->n_scenes[i]; k++) {
            const float accelerate = (float)fastest(&setting->config.car);
            policy_step out = {0};
            begin(e, &setting->scenes[i][k], hp_rng_seed(k));
            while (!out.terminated && !out.truncated) {
                float row[POLICY_MOST_ROW];
                step(e, &accelerate, &out, row);
            }
            if (out.cost > 0.0) {
                setting->critical[i][setting->n_critical[i]++] = (uint16_t)k;
            }
        }
    }
    destroy(e);
    return HP_OK;
}

void drive_task_count(void *env, uint32_t episodes)
{
    ((drive_env *)env)->episode = episodes;
}

uint32_t drive_task_scenario(const void *env)
{
    return ((const drive_env *)env)->which;
}

const hp_plan_request *drive_task_request(const void *env)
{
    return plan_cycle_belief(((const drive_env *)env)->cycle);
}

uint32_t drive_task_action(const void *env)
{
    return ((const drive_env *)env)->action;
}

policy_task drive_task_of(drive_setting *setting)
{
    const policy_shape shape = policy_encoder_shape(setting->encoder);
    return (policy_task){.name = "driving",
                         .n_plain = shape.n_plain,
                         .n_slots = shape.n_slots,
                         .n_slot = shape.n_slot,
                         .n_merge = shape.n_merge,
                         .n_actions = setting->config.car.n_actions,
                         .choices = setting->config.car.actions_mps2,
                         .ctx = setting,
                         .create = create,
                         .destroy = destroy,
                         .reset = reset,
                         .step = step};
}
