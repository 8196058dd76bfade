#include "sim-bridge/sim_world.h"

#include "sim-bridge/sim_actors.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Overrides of the benchmark: its throttle 0.6 and brake 0.6. */
#define FORCED_ACCEL_MPS2 3.0
#define FORCED_BRAKE_MPS2 (-5.5)

struct sim_world {
    sim_config config;
    sim_scenario scenario;
    sim_scene scene;
    hp_world_info info;
    sim_vehicle vehicle;
    sim_actors actors;
    sim_judge judge;
    sim_sensor sensor;
    uint32_t n_bodies;
    sim_body bodies[SIM_MAX_BODIES];
    uint32_t n_looked; /* ticks that the sensor has looked at */
};

_Static_assert((int)SIM_SENSOR_BODIES >= (int)SIM_MAX_BODIES, "the sensor has a slot per body");

const hp_field SIM_FIELDS[] = {
    HP_F_DOUBLE(sim_config, tick_s, 0.005, 0.5, "s", "step of the world"),
    HP_F_DOUBLE(
        sim_config, walker_accel_mps2, 0.0, 20.0, "m/s^2",
        "scripted walkers change their velocity by no more; 0: at once, as in the benchmark"),
    HP_F_STRUCT(sim_config, vehicle, SIM_VEHICLE_FIELDS, "the ego's body"),
    HP_F_STRUCT(sim_config, sensor, SIM_SENSOR_FIELDS, "what the ego sees"), HP_F_END};

void sim_config_default(sim_config *config)
{
    config->tick_s = 0.05;
    config->walker_accel_mps2 = 0.0;
    sim_vehicle_config_default(&config->vehicle);
    sim_sensor_config_default(&config->sensor);
}

hp_status sim_world_create(const sim_config *config, sim_world **out)
{
    sim_world *world = calloc(1, sizeof *world);
    *out = world;
    if (world == NULL) {
        return HP_ENOMEM;
    }
    world->config = *config;
    return HP_OK;
}

void sim_world_destroy(sim_world **world)
{
    free(*world);
    *world = NULL;
}

static void fill_info(sim_world *world, uint32_t episode, uint64_t seed)
{
    const sim_scenario *s = &world->scenario;
    const sim_vehicle_config *vehicle = &world->config.vehicle;
    hp_world_info *info = &world->info;
    memset(info, 0, sizeof *info);
    info->world_id = hp_rng_u64(hp_rng_seed(seed), episode);
    info->episode = episode;
    info->synchronous = true;
    info->tick_s = world->config.tick_s;
    info->ego_length_m = vehicle->length_m;
    info->ego_width_m = vehicle->width_m;
    info->ego_wheelbase_m = vehicle->wheelbase_m;
    info->speed_limit_mps = s->speed_limit_mps;
    info->speed_floor_mps = s->force_throttle_below_mps;
    info->max_steer_rad = vehicle->max_steer_rad;
    info->sensor_range_m = world->config.sensor.range_m;
    info->goal = s->goal;
    info->goal_radius_m = s->goal_radius_m;
    info->n_route = s->n_route;
    for (uint32_t i = 0; i < s->n_route; ++i) {
        info->route[i] = (hp_vec2){s->route_xy[2 * (size_t)i], s->route_xy[2 * (size_t)i + 1]};
    }
    info->n_road = s->n_road;
    info->n_pavement = s->n_pavement;
    memcpy(info->road, s->road, sizeof info->road);
    memcpy(info->pavement, s->pavement, sizeof info->pavement);
}

void sim_world_stage(const sim_config *config, const sim_scenario *scenario, const sim_scene *scene,
                     sim_scenario *out)
{
    sim_scenario_stage(scenario, scene, out);
    for (uint32_t i = 0; i < out->n_walkers; ++i) {
        out->walkers[i].accel_mps2 = config->walker_accel_mps2;
    }
}

void sim_world_load(sim_world *world, const sim_scenario *scenario, const sim_scene *scene,
                    uint32_t episode, uint64_t seed)
{
    sim_world_stage(&world->config, scenario, scene, &world->scenario);
    world->scene = *scene;
    fill_info(world, episode, seed);
    sim_vehicle_reset(&world->vehicle, world->scenario.ego_start, scenario->ego_speed_mps);
    sim_actors_reset(&world->scenario, &world->scene, &world->actors);
    world->n_bodies = sim_actors_bodies(&world->scenario, &world->actors, world->bodies);
    sim_judge_init(&world->info, scenario->time_limit_s, scenario->near_miss_applies,
                   &world->judge);
    sim_sensor_reset(&world->sensor, hp_rng_u64(hp_rng_seed(seed), ~(uint64_t)episode));
    world->n_looked = 0;
}

void sim_world_info(const sim_world *world, hp_world_info *info)
{
    *info = world->info;
}

/** Lets the sensor look at the present tick, once. */
static void look(sim_world *world)
{
    const uint32_t tick = world->judge.result.ticks;
    if (world->n_looked > tick) {
        return;
    }
    world->n_looked = tick + 1;
    sim_sensor_look(&world->config.sensor, &world->sensor, tick, &world->vehicle.state,
                    world->config.vehicle.wheelbase_m, world->bodies, world->n_bodies);
}

void sim_world_observe(sim_world *world, hp_frame *frame)
{
    look(world);
    sim_sensor_report(&world->config.sensor, &world->sensor, frame);
    sim_judge_frame(&world->judge, &world->vehicle.state, frame);
}

double sim_world_overridden(const sim_scenario *scenario, double speed_mps, double accel_mps2)
{
    if (scenario->force_throttle_below_mps > 0.0 &&
        speed_mps < scenario->force_throttle_below_mps) {
        return FORCED_ACCEL_MPS2;
    }
    if (scenario->force_brake_above_mps > 0.0 && speed_mps > scenario->force_brake_above_mps) {
        return FORCED_BRAKE_MPS2;
    }
    return accel_mps2;
}

void sim_world_step(sim_world *world, const hp_command *command)
{
    if (world->judge.result.verdict != HP_VERDICT_RUNNING) {
        return;
    }
    if (world->config.sensor.delay_ticks > 0) {
        look(world); /* what is reported later must have been seen now */
    }
    const sim_vehicle_config *config = &world->config.vehicle;
    const hp_ego_state before = world->vehicle.state;
    /* No command: NaN makes the vehicle brake and keep its wheels. */
    const double wish_mps2 = command != NULL ? command->accel_mps2 : (double)NAN;
    const double steer_rad = command != NULL ? command->steer_rad : (double)NAN;
    sim_vehicle_step(config, &world->vehicle,
                     sim_world_overridden(&world->scenario, before.speed_mps, wish_mps2), steer_rad,
                     world->config.tick_s);
    const hp_box ego = {world->vehicle.state.pose, config->length_m, config->width_m};
    sim_actors_step(&world->scenario, &world->scene, (hp_vec2){before.pose.x_m, before.pose.y_m},
                    &ego, world->vehicle.state.speed_mps, world->config.tick_s, &world->actors);
    (void)sim_actors_bodies(&world->scenario, &world->actors, world->bodies);
    sim_judge_tick(&world->judge, command, &before, &world->vehicle.state, world->bodies,
                   world->n_bodies);
}

const sim_result *sim_world_result(const sim_world *world)
{
    return &world->judge.result;
}

uint32_t sim_world_truth(const sim_world *world, hp_ego_state *ego, sim_body *bodies)
{
    *ego = world->vehicle.state;
    memcpy(bodies, world->bodies, world->n_bodies * sizeof *bodies);
    return world->n_bodies;
}

uint64_t sim_world_hash(const sim_world *world)
{
    const hp_ego_state *ego = &world->vehicle.state;
    const sim_result *result = &world->judge.result;
    /* Field by field: padding is nobody's state. */
    const double head[] = {ego->pose.x_m,
                           ego->pose.y_m,
                           ego->pose.yaw_rad,
                           ego->speed_mps,
                           ego->accel_mps2,
                           ego->steer_rad,
                           ego->yaw_rate_radps,
                           world->vehicle.drive_mps2,
                           world->vehicle.brake_mps2,
                           result->progress_m,
                           result->min_ttc_s,
                           result->min_gap_m,
                           result->rms_jerk_mps3,
                           (double)result->ticks,
                           (double)result->verdict,
                           (double)result->crash};
    uint64_t hash = XXH3_64bits_withSeed(head, sizeof head, result->command_hash);
    for (uint32_t i = 0; i < world->n_bodies; ++i) {
        const sim_body *body = &world->bodies[i];
        const double numbers[] = {body->box.centre.x_m, body->box.centre.y_m,
                                  body->box.centre.yaw_rad, body->vx_mps, body->vy_mps};
        hash = XXH3_64bits_withSeed(numbers, sizeof numbers, hash);
    }
    for (uint32_t i = 0; i < world->scenario.n_walkers; ++i) {
        const sim_walker *walker = &world->actors.walkers[i];
        const uint8_t flags[] = {walker->triggered, walker->arrived, walker->waiting};
        hash = XXH3_64bits_withSeed(flags, sizeof flags, hash);
    }
    return hash;
}

static void bridge_info(const void *self, hp_world_info *info)
{
    sim_world_info(self, info);
}

static void bridge_observe(void *self, hp_frame *frame)
{
    sim_world_observe(self, frame);
}

static void bridge_step(void *self, const hp_command *command)
{
    sim_world_step(self, command);
}

static const sim_result *bridge_result(const void *self)
{
    return sim_world_result(self);
}

static void bridge_destroy(void *self)
{
    sim_world *world = self;
    sim_world_destroy(&world);
}

bridge_world sim_world_as_bridge(sim_world *world)
{
    static const bridge_world_ops OPS = {.name = "sim",
                                         .info = bridge_info,
                                         .observe = bridge_observe,
                                         .step = bridge_step,
                                         .result = bridge_result,
                                         .destroy = bridge_destroy};
    return (bridge_world){&OPS, world};
}
