#include "sim-bridge/carla/carla_seat.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

enum { MAX_EVENTS = 64 };

#define STEEPEST 1.4 /* rad; of a front wheel */

/* ---- Beginning and end ---- */

hp_status carla_seat_init(carla_seat *seat, const carla_world_setup *setup, hp_error *error)
{
    sim_world *twin = NULL;
    assert(setup->clock != NULL);
    const hp_status st = sim_world_create(setup->sim, &twin);
    if (st != HP_OK) {
        return hp_fail(error, st, "no memory for the CARLA world");
    }
    /* What the planner is told of a scenario: the same as by the built-in simulator. */
    sim_world_load(twin, setup->scenario, &setup->scene, setup->episode, setup->seed);
    sim_world_info(twin, &seat->info);
    sim_world_destroy(&twin);
    seat->config = *setup->carla;
    seat->full_steer_rad = seat->info.max_steer_rad; /* until it is learned */
    seat->sim = *setup->sim;
    sim_scenario_stage(setup->scenario, &setup->scene, &seat->scenario);
    seat->clock = setup->clock;
    seat->log = setup->log;
    carla_owner_mark(setup->episode, seat->mark);
    sim_sensor_reset(&seat->sensor,
                     hp_rng_u64(hp_rng_seed(setup->seed), ~(uint64_t)setup->episode));
    return HP_OK;
}

hp_status carla_seat_learn_ego(carla_seat *seat, hp_error *error)
{
    const hp_status st = carla_learn_vehicle(seat->client, &seat->ego_puppet, &seat->info, error);
    seat->full_steer_rad = seat->config.steer_gain * seat->info.max_steer_rad;
    seat->info.max_steer_rad = fmin(seat->full_steer_rad, STEEPEST);
    return st;
}

hp_status carla_seat_watch(carla_seat *seat, const char *role, hp_error *error)
{
    const hp_status st = carla_client_watch(seat->client, role, seat->ego_puppet.id,
                                            &seat->sensor_id, &seat->contacts, error);
    carla_seat_spawned(seat, st);
    return st;
}

void carla_seat_begin(carla_seat *seat)
{
    sim_judge_init(&seat->info, seat->scenario.time_limit_s, seat->scenario.near_miss_applies,
                   &seat->judge);
}

void carla_seat_close(carla_seat *seat)
{
    carla_stream_close(&seat->contacts);
    carla_client_close(&seat->client);
}

/* ---- When the server fails ---- */

static bool is_loss(hp_status st)
{
    return st == HP_EDEADLINE || st == HP_EUNAVAILABLE || st == HP_EWIRE || st == HP_EIO;
}

/** A new connection in the place of one that is of no use; the old one is kept until then, as it
 *  may still carry what was sent last. One try: whoever waits here has an ego that drives. */
static hp_status reconnect(carla_seat *seat, hp_error *error)
{
    const carla_endpoint endpoint = carla_endpoint_of(&seat->config, 0.0, seat->log);
    carla_client *fresh = NULL;
    const hp_status st = carla_client_connect(&endpoint, seat->clock, &fresh, error);
    if (st == HP_OK) {
        carla_seat_close(seat);
        seat->client = fresh;
        seat->lost = false;
    }
    return st;
}

/** Runs commands in our episode, and in no other: there, ids are those of others. */
static hp_status say(carla_seat *seat, const carla_command *commands, uint32_t n, hp_error *error)
{
    uint64_t episode = 0;
    hp_status st = carla_client_ask_episode(seat->client, &episode, error);
    if (st == HP_OK && episode != seat->episode) {
        seat->gone = true;
        st = hp_fail(error, HP_ENOENT, "the server has restarted, or has loaded a map");
    }
    if (st == HP_OK && n > 0) {
        st = carla_client_batch(seat->client, commands, n, error);
    }
    seat->lost = is_loss(st);
    return st;
}

hp_status carla_seat_insist(carla_seat *seat, const carla_command *commands, uint32_t n,
                            hp_error *error)
{
    hp_status st = HP_OK;
    if (seat->client == NULL || seat->gone) {
        return hp_fail(error, HP_ENOENT, "nobody of ours is there");
    }
    if (!seat->lost) {
        st = say(seat, commands, n, error);
    }
    if (seat->lost) {
        st = reconnect(seat, error);
        st = st == HP_OK ? say(seat, commands, n, error) : st;
    }
    return st;
}

void carla_seat_spawned(carla_seat *seat, hp_status st)
{
    const bool said = st == HP_OK || st == HP_EINVAL || st == HP_ENOENT || st == HP_EVERSION;
    seat->astray = seat->astray || !said;
    seat->lost = seat->lost || is_loss(st);
}

void carla_seat_sweep(carla_seat *seat, const char *role, const char *ego)
{
    const carla_strays strays = {.role = role, .ego = ego, .after_id = seat->newest_id};
    hp_error error = {{0}};
    uint32_t n = 0;
    if (seat->client == NULL || seat->gone || !seat->astray) {
        return;
    }
    hp_status st = HP_EUNAVAILABLE;
    if (!seat->lost) {
        st = carla_client_sweep(seat->client, &strays, &n, &error);
    }
    if (seat->log != NULL && st != HP_OK) {
        hp_log_warn(seat->log, "an actor of ours may be left in the CARLA server, which has not "
                               "said what came of its spawning");
    } else if (seat->log != NULL && n > 0) {
        hp_log_warn(seat->log,
                    "%u actors whose spawning the CARLA server had not confirmed: destroyed", n);
    }
}

/** The episode is over; the ego brakes, if it can be told by any means. */
static void give_up(carla_seat *seat, hp_status why, const hp_error *error)
{
    const carla_command brake = {
        .kind = CARLA_CMD_CONTROL, .actor = seat->ego_puppet.id, .control = {.brake = 1.0F}};
    hp_error inner = {{0}};
    sim_judge_finish(&seat->judge);
    seat->lost = is_loss(why);
    const bool was_lost = seat->lost;
    const bool posted =
        was_lost && carla_client_post_control(seat->client, brake.actor, &brake.control);
    const hp_status st = carla_seat_insist(seat, &brake, 1, &inner);
    const char *then = posted ? "the ego was told to brake; whether it heard is not known"
                              : "the ego cannot be told to brake";
    if (st == HP_OK) {
        then = was_lost ? "the ego brakes, over a new connection" : "the ego brakes";
    } else if (st == HP_ENOENT || st == HP_EINVAL) {
        then = "the ego is gone";
    }
    (void)snprintf(seat->trouble, sizeof seat->trouble, "%.270s; %s%s%.160s%s", error->text, then,
                   st == HP_OK ? "" : " (", st == HP_OK ? "" : inner.text, st == HP_OK ? "" : ")");
}

/* ---- One step ---- */

carla_control carla_seat_control(carla_seat *seat, double accel_mps2, double steer_rad)
{
    carla_control out = carla_pedals(&seat->config, seat->ego.speed_mps, accel_mps2);
    if (!isnan(steer_rad)) {
        seat->steer = (float)hp_clamp(-steer_rad / seat->full_steer_rad, -1.0, 1.0);
    }
    out.steer = seat->steer;
    return out;
}

/** Opens the sensor's stream again, as servers may close it at any time. */
static void listen_again(carla_seat *seat)
{
    hp_error error = {{0}};
    carla_stream_close(&seat->contacts);
    seat->deaf =
        carla_client_watch_again(seat->client, seat->sensor_id, &seat->contacts, &error) != HP_OK;
    if (seat->deaf && seat->log != NULL) {
        hp_log_warn(seat->log, "the collision sensor is not heard any more: %s", error.text);
    }
}

/** What the collision sensor has reported. */
static void hear_contacts(carla_seat *seat)
{
    uint32_t id = 0;
    hp_status st = seat->deaf ? HP_EAGAIN : HP_OK;
    for (int i = 0; i < MAX_EVENTS && st == HP_OK; ++i) {
        const sim_body *body = NULL;
        st = carla_next_contact(seat->contacts, &id);
        for (uint32_t k = 0; k < seat->n_bodies && st == HP_OK && id != 0; ++k) {
            body = seat->ids[k] == id ? &seat->bodies[k] : body;
        }
        if (st == HP_OK && id != seat->ego_puppet.id) {
            sim_judge_contact(&seat->judge, &seat->ego, body);
        }
    }
    if (st != HP_OK && st != HP_EAGAIN) {
        listen_again(seat);
    }
}

static void look(carla_seat *seat)
{
    const uint32_t tick = seat->judge.result.ticks;
    if (seat->n_looked <= tick) {
        seat->n_looked = tick + 1;
        sim_sensor_look(&seat->sim.sensor, &seat->sensor, tick, &seat->ego,
                        seat->info.ego_wheelbase_m, seat->bodies, seat->n_bodies);
    }
}

void carla_seat_step(carla_seat *seat, const hp_command *command, carla_advance advance)
{
    hp_error error = {{0}};
    if (seat->judge.result.verdict != HP_VERDICT_RUNNING) {
        return;
    }
    if (seat->sim.sensor.delay_ticks > 0) {
        look(seat);
    }
    const hp_ego_state before = seat->ego;
    const hp_status st = advance(seat, command, &error);
    if (st != HP_OK) {
        give_up(seat, st, &error);
        return;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < seat->n_bodies; ++i) {
        if (seat->ids[i] != 0) {
            seat->present[n++] = seat->bodies[i];
        }
    }
    sim_judge_tick(&seat->judge, command, &before, &seat->ego, seat->present, n);
    hear_contacts(seat);
}

/* ---- The bridge's table ---- */

void carla_seat_observe(void *self, hp_frame *frame)
{
    carla_seat *seat = self;
    look(seat);
    sim_sensor_report(&seat->sim.sensor, &seat->sensor, frame);
    sim_judge_frame(&seat->judge, &seat->ego, frame);
}

void carla_seat_info(const void *self, hp_world_info *info)
{
    *info = ((const carla_seat *)self)->info;
}

const sim_result *carla_seat_result(const void *self)
{
    return &((const carla_seat *)self)->judge.result;
}

const char *carla_seat_trouble(const void *self)
{
    const carla_seat *seat = self;
    return seat->trouble[0] != '\0' ? seat->trouble : NULL;
}
