#include "sim-bridge/carla/carla_world.h"

#include "sim-bridge/carla/carla_frame.h"
#include "sim-bridge/carla/carla_ground.h"
#include "sim-bridge/carla/carla_puppet.h"
#include "sim-bridge/sim_actors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COMMANDS = 2 * SIM_MAX_BODIES + 4 };

#define WALKER_ABOVE_M 0.5
#define WALKER_BLUEPRINT "walker.pedestrian.0001"

typedef struct carla_world {
    carla_seat seat; /* first */
    sim_scene scene;
    carla_settings settings; /* as they were */
    bool changed;            /* the settings */
    carla_puppet puppets[SIM_MAX_BODIES];
    sim_actors actors;
    bool driving; /* the first step has begun */
    carla_command commands[MAX_COMMANDS];
} carla_world;

static hp_vec2 place_of(const hp_pose *pose)
{
    return (hp_vec2){pose->x_m, pose->y_m};
}

/* ---- Reading snapshots ---- */

/** Puts body i where the server says it is; the scenario's rules go on from there. */
static void read_body(carla_world *w, uint32_t i, const carla_entry *e)
{
    carla_puppet *p = &w->puppets[i];
    const hp_pose pose = carla_puppet_centre(p, &e->transform);
    const hp_vec2 v = carla_puppet_velocity(e);
    p->seen = true;
    w->seat.bodies[i].box = (hp_box){pose, p->length_m, p->width_m};
    if (w->driving) { /* before the first step they set out, but do not move yet */
        w->seat.bodies[i].vx_mps = v.x_m;
        w->seat.bodies[i].vy_mps = v.y_m;
    }
    if (i < w->seat.scenario.n_walkers) {
        w->actors.walkers[i].position = place_of(&pose);
    } else {
        w->actors.cars[i - w->seat.scenario.n_walkers].position = place_of(&pose);
    }
}

static hp_status read_all(carla_world *w, const carla_snapshot *snapshot, hp_error *error)
{
    bool ego = false;
    for (uint32_t k = 0; k < snapshot->n_actors; ++k) {
        const uint32_t id = carla_entry_id(snapshot, k);
        carla_entry entry;
        if (id == w->seat.ego_puppet.id) {
            ego = carla_entry_read(snapshot, k, CARLA_ENTRY_VEHICLE, &entry);
            w->seat.ego = carla_puppet_ego(&w->seat.ego_puppet, &entry, w->seat.full_steer_rad);
            continue;
        }
        for (uint32_t i = 0; i < w->seat.n_bodies; ++i) {
            if (id == w->puppets[i].id &&
                carla_entry_read(snapshot, k, CARLA_ENTRY_OTHER, &entry)) {
                read_body(w, i, &entry);
            }
        }
    }
    return ego ? HP_OK
               : hp_fail(error, HP_ENOENT, "the ego (actor %u) has vanished from the world",
                         w->seat.ego_puppet.id);
}

/* ---- One step ---- */

static carla_command *add(carla_world *w, uint32_t *n, carla_command_kind kind, uint32_t actor)
{
    carla_command *c = &w->commands[(*n)++];
    *c = (carla_command){.kind = kind, .actor = actor};
    return c;
}

static void command_walker(carla_world *w, uint32_t i, hp_vec2 way, uint32_t *n)
{
    const double step_m = hypot(way.x_m, way.y_m);
    carla_command *c = add(w, n, CARLA_CMD_WALKER_CONTROL, w->puppets[i].id);
    c->walker.speed_mps = (float)(step_m / w->seat.info.tick_s);
    if (step_m > 0.0) {
        c->walker.direction = carla_from_vec2((hp_vec2){way.x_m / step_m, way.y_m / step_m}, 0.0);
    }
}

static hp_status command_car(carla_world *w, uint32_t k, hp_vec2 way, hp_error *error)
{
    carla_puppet *p = &w->puppets[w->seat.scenario.n_walkers + k];
    const hp_vec2 heading = w->actors.cars[k].heading;
    const double wanted = (way.x_m * heading.x_m + way.y_m * heading.y_m) / w->seat.info.tick_s;
    if (w->seat.scenario.cars[k].parked || p->cruise_mps == wanted) {
        return HP_OK;
    }
    p->cruise_mps = wanted;
    return carla_client_cruise(w->seat.client, p->id, wanted, error);
}

/** Lets the scenario's rules decide, and passes on where everybody shall go. */
static hp_status command_bodies(carla_world *w, uint32_t *n, hp_error *error)
{
    const hp_box ego = {w->seat.ego.pose, w->seat.info.ego_length_m, w->seat.info.ego_width_m};
    const sim_actors before = w->actors;
    hp_status st = HP_OK;
    sim_actors_step(&w->seat.scenario, &w->scene, place_of(&w->seat.ego.pose), &ego,
                    w->seat.ego.speed_mps, w->seat.info.tick_s, &w->actors);
    for (uint32_t i = 0; i < w->seat.scenario.n_walkers; ++i) {
        command_walker(w, i, hp_vec2_sub(w->actors.walkers[i].position, before.walkers[i].position),
                       n);
    }
    for (uint32_t k = 0; k < w->seat.scenario.n_cars && st == HP_OK; ++k) {
        st = command_car(w, k, hp_vec2_sub(w->actors.cars[k].position, before.cars[k].position),
                         error);
    }
    return st;
}

static hp_status advance(carla_seat *seat, const hp_command *command, hp_error *error)
{
    carla_world *w = (carla_world *)seat;
    uint32_t n = 0;
    w->driving = true;
    carla_snapshot snapshot = {0};
    const double accel = sim_world_overridden(&w->seat.scenario, w->seat.ego.speed_mps,
                                              command != NULL ? command->accel_mps2 : (double)NAN);
    const double steer = command != NULL ? command->steer_rad : (double)NAN;
    add(w, &n, CARLA_CMD_CONTROL, w->seat.ego_puppet.id)->control =
        carla_seat_control(seat, accel, steer);
    hp_status st = command_bodies(w, &n, error);
    if (st == HP_OK) {
        st = carla_client_batch(w->seat.client, w->commands, n, error);
    }
    if (st == HP_OK) {
        st = carla_client_tick(w->seat.client, &snapshot, error);
    }
    if (st != HP_OK) {
        return st;
    }
    (void)sim_actors_bodies(&w->seat.scenario, &w->actors, w->seat.bodies);
    return read_all(w, &snapshot, error);
}

static void world_step(void *self, const hp_command *command)
{
    carla_seat_step(self, command, advance);
}

/* ---- Beginning and end ---- */

/** All that we have spawned, the sensor first. */
static uint32_t destroy_commands(carla_world *w)
{
    uint32_t n = 0;
    if (w->seat.sensor_id != 0) {
        (void)add(w, &n, CARLA_CMD_DESTROY, w->seat.sensor_id);
    }
    for (uint32_t i = 0; i < w->seat.n_bodies; ++i) {
        if (w->puppets[i].id != 0) {
            (void)add(w, &n, CARLA_CMD_DESTROY, w->puppets[i].id);
        }
    }
    if (w->seat.ego_puppet.id != 0) {
        (void)add(w, &n, CARLA_CMD_DESTROY, w->seat.ego_puppet.id);
    }
    return n;
}

/** Destroys what was spawned, and puts the settings back. An episode that is gone has taken ours
 *  along; its settings may still be those that we set. */
static void world_destroy(void *self)
{
    carla_world *w = self;
    const uint32_t n = destroy_commands(w);
    hp_error ignored;
    if (w->changed) {
        (void)!carla_seat_insist(&w->seat, w->commands, n, &ignored);
        carla_seat_sweep(&w->seat, w->seat.mark, w->seat.config.ego);
    }
    if (w->seat.client != NULL && !w->seat.lost && w->changed) {
        (void)!carla_client_give_back(w->seat.client, w->seat.info.tick_s, &w->settings, &ignored);
    }
    carla_seat_close(&w->seat);
    free(w);
}

/** The blueprint whose length comes nearest. */
static const char *car_blueprint(double length_m)
{
    static const struct {
        const char *id;
        double length_m;
    } CARS[] = {
        {"vehicle.audi.tt", 4.182}, {"vehicle.audi.a2", 3.705}, {"vehicle.tesla.model3", 4.792}};
    size_t best = 0;
    for (size_t i = 1; i < HP_ARRAY_LEN(CARS); ++i) {
        if (fabs(CARS[i].length_m - length_m) < fabs(CARS[best].length_m - length_m)) {
            best = i;
        }
    }
    return CARS[best].id;
}

static hp_status spawn(carla_seat *seat, const char *blueprint, const char *role,
                       const sim_body *body, carla_puppet *out, hp_error *error)
{
    carla_actor actor;
    const double above_m = body->kind == HP_CLASS_WALKER ? WALKER_ABOVE_M : 0.0;
    const carla_transform at = carla_from_pose(body->box.centre, seat->config.spawn_z_m + above_m);
    const hp_status st = carla_client_spawn(seat->client, blueprint, role, &at, &actor, error);
    carla_seat_spawned(seat, st);
    if (st == HP_OK) {
        *out = carla_puppet_of(&actor, body->box.length_m, body->box.width_m);
    }
    return st;
}

static hp_status spawn_bodies(carla_world *w, hp_error *error)
{
    hp_status st = HP_OK;
    for (uint32_t i = 0; i < w->seat.n_bodies && st == HP_OK; ++i) {
        const bool walker = w->seat.bodies[i].kind == HP_CLASS_WALKER;
        st = spawn(&w->seat,
                   walker ? WALKER_BLUEPRINT : car_blueprint(w->seat.bodies[i].box.length_m),
                   w->seat.mark, &w->seat.bodies[i], &w->puppets[i], error);
        w->seat.ids[i] = w->puppets[i].id;
        if (st == HP_OK && w->seat.bodies[i].standing) {
            const carla_command freeze = {.kind = CARLA_CMD_SIMULATE_PHYSICS,
                                          .actor = w->puppets[i].id};
            st = carla_client_batch(w->seat.client, &freeze, 1, error);
        }
    }
    return st;
}

static hp_status settle(carla_world *w, hp_error *error)
{
    const hp_vec2 velocity = {
        w->seat.scenario.ego_speed_mps * cos(w->seat.scenario.ego_start.yaw_rad),
        w->seat.scenario.ego_speed_mps * sin(w->seat.scenario.ego_start.yaw_rad)};
    carla_snapshot snapshot = {0};
    uint32_t n = 0;
    hp_status st = HP_OK; /* no brake: it would still hold when the first step begins */
    for (uint32_t i = 0; i < w->seat.config.settle_ticks && st == HP_OK; ++i) {
        st = carla_client_tick(w->seat.client, &snapshot, error);
    }
    if (st == HP_OK) {
        st = read_all(w, &snapshot, error);
    }
    if (st == HP_OK && w->seat.scenario.ego_speed_mps > 0.0) {
        add(w, &n, CARLA_CMD_VELOCITY, w->seat.ego_puppet.id)->vector =
            carla_from_vec2(velocity, 0.0);
        st = carla_client_batch(w->seat.client, w->commands, n, error);
        w->seat.ego.speed_mps = w->seat.scenario.ego_speed_mps;
    }
    return st;
}

static hp_status begin(carla_world *w, hp_error *error)
{
    carla_seat *seat = &w->seat;
    const carla_takeover how = {.config = &seat->config,
                                .tick_s = seat->info.tick_s,
                                .clock = seat->clock,
                                .log = seat->log,
                                .mark = seat->mark};
    const sim_body ego = {
        .kind = HP_CLASS_CAR,
        .box = {seat->scenario.ego_start, seat->sim.vehicle.length_m, seat->sim.vehicle.width_m}};
    carla_before before;
    hp_status st = carla_client_open(&how, &seat->client, &before, error);
    if (st == HP_OK) {
        w->changed = true;
        w->settings = before.settings;
        seat->newest_id = before.newest_id;
        seat->episode = carla_client_episode(seat->client);
        st = carla_ground_complete(seat->client, seat->scenario.ego_start,
                                   seat->scenario.route_from_map, &seat->info, error);
    }
    if (st == HP_OK) {
        st = spawn(seat, seat->config.ego, CARLA_EGO_ROLE, &ego, &seat->ego_puppet, error);
    }
    if (st == HP_OK) { /* at once: it is what tells our ego from others' when we die */
        st = carla_seat_watch(seat, seat->mark, error);
    }
    if (st == HP_OK) {
        st = spawn_bodies(w, error);
    }
    if (st == HP_OK) {
        st = carla_seat_learn_ego(seat, error);
    }
    return st == HP_OK ? settle(w, error) : st;
}

hp_status carla_world_create(const carla_world_setup *setup, bridge_world *out, hp_error *error)
{
    static const bridge_world_ops OPS = {.name = "carla",
                                         .info = carla_seat_info,
                                         .observe = carla_seat_observe,
                                         .step = world_step,
                                         .result = carla_seat_result,
                                         .trouble = carla_seat_trouble,
                                         .destroy = world_destroy};
    carla_world *w = calloc(1, sizeof *w);
    *out = (bridge_world){NULL, NULL};
    if (w == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the CARLA world");
    }
    hp_status st = carla_seat_init(&w->seat, setup, error);
    if (st == HP_OK) {
        w->scene = setup->scene;
        sim_actors_reset(&w->seat.scenario, &w->scene, &w->actors);
        w->seat.n_bodies = sim_actors_bodies(&w->seat.scenario, &w->actors, w->seat.bodies);
        st = begin(w, error);
    }
    if (st != HP_OK) {
        world_destroy(w);
        return st;
    }
    carla_seat_begin(&w->seat);
    *out = (bridge_world){&OPS, w};
    return HP_OK;
}
