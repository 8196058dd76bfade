#include "sim-bridge/carla/carla_attach.h"

#include "common/hp_search.h"
#include "sim-bridge/carla/carla_frame.h"
#include "sim-bridge/carla/carla_ground.h"
#include "sim-bridge/carla/carla_puppet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = SIM_SENSOR_BODIES,
    KNOWN = CARLA_MAX_SNAPSHOT_ACTORS,
    PATIENCE_FRAMES = 100000,
    MAX_LEFT = 16
};

#define NEAR_M 100.0        /* bodies farther away are not followed */
#define LEVEL_M 3.5         /* higher or lower by more than this, and than a steep road leads: */
#define STEEPEST 0.2        /* they are on a bridge, or below one */
#define STANDING_MOVE_M 0.2 /* a vehicle that has not moved farther for STANDING_S is parked */
#define STANDING_S 1.0
#define EARLY 0.02 /* a step may be shorter by this share of a tick */

/** An actor of which the server has told once. */
typedef struct known {
    carla_puppet puppet; /* id 0: nobody; length 0: neither vehicle nor walker */
    hp_agent_class kind;
    hp_vec2 first;
    double since_s;
} known;

typedef struct carla_attach {
    carla_seat seat; /* first */
    bool has_hero;
    double now_s, height_m; /* the height: the hero's */
    uint32_t n_left;
    carla_command left[MAX_LEFT]; /* to destroy sensors whose run of ours has died */
    uint32_t n_known;
    known known[KNOWN]; /* by rising id */
} carla_attach;

/* ---- Who is there ---- */

static size_t place_of(const carla_attach *w, uint32_t id)
{
    return hp_search_id(w->known, w->n_known, sizeof *w->known, offsetof(known, puppet.id), id);
}

static known *find_known(carla_attach *w, uint32_t id)
{
    const size_t i = place_of(w, id);
    return i < w->n_known && w->known[i].puppet.id == id ? &w->known[i] : NULL;
}

static bool learn(void *ctx, const carla_actor *actor)
{
    carla_attach *w = ctx;
    const carla_text role = carla_description_value(&actor->description, "role_name");
    const bool car = carla_text_begins(actor->description.id, "vehicle.");
    const bool walker = carla_text_begins(actor->description.id, "walker.");
    if (find_known(w, actor->id) == NULL && w->n_known < KNOWN) {
        const size_t i = place_of(w, actor->id);
        known *k = &w->known[i];
        memmove(k + 1, k, (w->n_known - i) * sizeof *k);
        w->n_known += 1;
        *k = (known){.kind = HP_CLASS_CAR, .since_s = -1.0};
        const carla_text wheels = carla_description_value(&actor->description, "number_of_wheels");
        if (walker) {
            k->kind = HP_CLASS_WALKER;
        } else if (carla_text_is(wheels, "2")) {
            k->kind = HP_CLASS_CYCLIST;
        }
        k->puppet = carla_puppet_of(actor, walker ? 0.4 : 4.5, walker ? 0.4 : 1.9);
        if (!car && !walker) {
            k->puppet.length_m = 0.0;
        }
    }
    if (w->seat.ego_puppet.id == 0 && car && /* another one who comes later is not ours */
        carla_text_is(role, CARLA_EGO_ROLE)) {
        w->seat.ego_puppet.id = actor->id;
    }
    if (w->n_left < MAX_LEFT && carla_owner_claim(role, "") == CARLA_CLAIM_DEAD_GUEST) {
        w->left[w->n_left++] = (carla_command){.kind = CARLA_CMD_DESTROY, .actor = actor->id};
    }
    return true;
}

/** Who is not in a snapshot will not come back: ids are given once. */
static void forget_gone(carla_attach *w, const carla_snapshot *snapshot)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->n_known; ++i) {
        w->known[i].puppet.seen = false;
    }
    for (uint32_t i = 0; i < snapshot->n_actors; ++i) {
        known *k = find_known(w, carla_entry_id(snapshot, i));
        if (k != NULL) {
            k->puppet.seen = true;
        }
    }
    for (uint32_t i = 0; i < w->n_known; ++i) {
        if (w->known[i].puppet.seen) {
            w->known[n++] = w->known[i];
        }
    }
    w->n_known = n;
}

/** Asks about those of a snapshot who are not known yet; all at once, and seldom. */
static hp_status learn_new(carla_attach *w, const carla_snapshot *snapshot, hp_error *error)
{
    if (w->n_known > KNOWN - snapshot->n_actors) { /* there might be no room for all of them */
        forget_gone(w, snapshot);
    }
    for (uint32_t i = 0; i < snapshot->n_actors; ++i) {
        if (find_known(w, carla_entry_id(snapshot, i)) == NULL) {
            return carla_client_list(w->seat.client, snapshot, learn, w, error);
        }
    }
    return HP_OK;
}

static void slot_empty(carla_attach *w, uint32_t slot)
{
    w->seat.ids[slot] = 0;
    w->seat.sensor.ids[slot] = 0; /* whoever comes next is somebody else */
    w->seat.bodies[slot] = (sim_body){.kind = HP_CLASS_WALKER, .box = {{1e9, 1e9, 0.0}, 0.1, 0.1}};
}

static double away_m(const carla_attach *w, hp_vec2 p)
{
    return hp_dist(p, (hp_vec2){w->seat.ego.pose.x_m, w->seat.ego.pose.y_m});
}

/** The slot of whoever is farthest away, emptied for one at p, unless that is farther; SLOTS: none.
 */
static uint32_t slot_of_farthest(carla_attach *w, hp_vec2 p)
{
    double most_m = away_m(w, p);
    uint32_t farthest = SLOTS;
    for (uint32_t s = 0; s < SLOTS; ++s) {
        const hp_pose *at = &w->seat.bodies[s].box.centre;
        const double m = away_m(w, (hp_vec2){at->x_m, at->y_m});
        farthest = m > most_m ? s : farthest;
        most_m = m > most_m ? m : most_m;
    }
    if (farthest < SLOTS) {
        slot_empty(w, farthest);
    }
    return farthest;
}

/** Slot of an actor at p; a free one if it has none, or one of somebody farther; SLOTS: none. */
static uint32_t slot_of(carla_attach *w, uint32_t id, hp_vec2 p)
{
    uint32_t vacant = SLOTS;
    for (uint32_t s = 0; s < SLOTS; ++s) {
        if (w->seat.ids[s] == id) {
            return s;
        }
        vacant = w->seat.ids[s] == 0 && vacant == SLOTS ? s : vacant;
    }
    return vacant < SLOTS ? vacant : slot_of_farthest(w, p);
}

static bool is_standing(const carla_attach *w, known *k, hp_vec2 p)
{
    if (k->since_s < 0.0 || hp_dist(k->first, p) > STANDING_MOVE_M) {
        k->first = p;
        k->since_s = w->now_s;
    }
    return k->kind == HP_CLASS_CAR && w->now_s - k->since_s >= STANDING_S;
}

static void read_body(carla_attach *w, known *k, const carla_entry *e)
{
    const hp_pose pose = carla_puppet_centre(&k->puppet, &e->transform);
    const hp_vec2 p = {pose.x_m, pose.y_m};
    const double level_m = fabs((double)e->transform.location.z - w->height_m);
    if (away_m(w, p) > NEAR_M || level_m > fmax(LEVEL_M, STEEPEST * away_m(w, p))) {
        return; /* if it has a slot, it loses it at the end of the snapshot */
    }
    const uint32_t slot = slot_of(w, k->puppet.id, p);
    if (slot == SLOTS) {
        return; /* so many are nearer */
    }
    const hp_vec2 v = carla_puppet_velocity(e);
    k->puppet.seen = true;
    w->seat.ids[slot] = k->puppet.id;
    w->seat.bodies[slot] = (sim_body){.id = k->puppet.id,
                                      .kind = k->kind,
                                      .box = {pose, k->puppet.length_m, k->puppet.width_m},
                                      .vx_mps = v.x_m,
                                      .vy_mps = v.y_m,
                                      .standing = is_standing(w, k, p)};
}

static hp_status read_all(carla_attach *w, const carla_snapshot *snapshot, hp_error *error)
{
    carla_entry entry;
    bool there = false;
    const hp_status st = learn_new(w, snapshot, error);
    if (st != HP_OK) {
        return st;
    }
    w->now_s = snapshot->sensor.time_s;
    for (uint32_t i = 0; i < w->n_known; ++i) {
        w->known[i].puppet.seen = false;
    }
    for (uint32_t i = 0; i < snapshot->n_actors; ++i) { /* the ego first: distances are from it */
        const known *hero = NULL;
        if (carla_entry_id(snapshot, i) == w->seat.ego_puppet.id &&
            carla_entry_read(snapshot, i, CARLA_ENTRY_VEHICLE, &entry)) {
            hero = find_known(w, w->seat.ego_puppet.id);
        }
        if (hero != NULL) {
            there = w->has_hero = true;
            w->seat.ego_puppet = hero->puppet;
            w->seat.ego = carla_puppet_ego(&hero->puppet, &entry, w->seat.full_steer_rad);
            w->height_m = (double)entry.transform.location.z;
            break;
        }
    }
    for (uint32_t i = 0; i < snapshot->n_actors && there; ++i) {
        known *k = find_known(w, carla_entry_id(snapshot, i));
        if (k != NULL && k->puppet.length_m > 0.0 && k->puppet.id != w->seat.ego_puppet.id &&
            carla_entry_read(snapshot, i, CARLA_ENTRY_OTHER, &entry)) {
            read_body(w, k, &entry);
        }
    }
    for (uint32_t s = 0; s < SLOTS; ++s) {
        const known *k = w->seat.ids[s] != 0 ? find_known(w, w->seat.ids[s]) : NULL;
        if (w->seat.ids[s] != 0 && (k == NULL || !k->puppet.seen)) {
            slot_empty(w, s);
        }
    }
    return there ? HP_OK
                 : hp_fail(error, HP_ENOENT, "the hero (actor %u) has vanished from the world",
                           w->seat.ego_puppet.id);
}

/* ---- One step ---- */

/** Reads a snapshot, and whatever newer ones have come while the planner was thinking: else each
 *  slow step would leave some, and the car would drive on what has been. */
static hp_status read_newest(carla_attach *w, carla_snapshot *snapshot, hp_error *error)
{
    hp_status st = read_all(w, snapshot, error);
    for (uint32_t i = 0; i < PATIENCE_FRAMES && st == HP_OK; ++i) {
        hp_error inner = {{0}};
        st = carla_client_take(w->seat.client, snapshot, &inner);
        if (st == HP_EAGAIN || st == HP_EUNAVAILABLE) { /* closed: it is opened when waited for */
            return HP_OK;
        }
        st = st == HP_OK ? read_all(w, snapshot, error) : hp_fail(error, st, "%s", inner.text);
    }
    return st;
}

/** Waits until the world has gone on by a tick of ours. */
static hp_status await_tick(carla_attach *w, hp_error *error)
{
    const double due_s = w->now_s + (1.0 - EARLY) * w->seat.info.tick_s;
    const int64_t patience_ns = (int64_t)(w->seat.config.timeout_s * 1e9);
    double newest_s = w->now_s;
    int64_t give_up_ns = hp_clock_now_ns(w->seat.clock) + patience_ns;
    for (uint32_t i = 0; i < PATIENCE_FRAMES && hp_clock_now_ns(w->seat.clock) <= give_up_ns; ++i) {
        carla_snapshot snapshot;
        const hp_status st = carla_client_wait(w->seat.client, &snapshot, error);
        if (st != HP_OK) {
            return st;
        }
        if (snapshot.sensor.time_s >= due_s) {
            return read_newest(w, &snapshot, error);
        }
        if (snapshot.sensor.time_s > newest_s) { /* slowly, but it goes on */
            newest_s = snapshot.sensor.time_s;
            give_up_ns = hp_clock_now_ns(w->seat.clock) + patience_ns;
        }
    }
    return hp_fail(error, HP_EWIRE, "the server's time does not go on");
}

static hp_status advance(carla_seat *seat, const hp_command *command, hp_error *error)
{
    const double nothing = (double)NAN;
    const carla_command c = {
        .kind = CARLA_CMD_CONTROL,
        .actor = seat->ego_puppet.id,
        .control = carla_seat_control(seat, command != NULL ? command->accel_mps2 : nothing,
                                      command != NULL ? command->steer_rad : nothing)};
    const hp_status st = carla_client_batch(seat->client, &c, 1, error);
    return st == HP_OK ? await_tick((carla_attach *)seat, error) : st;
}

static void attach_step(void *self, const hp_command *command)
{
    carla_seat_step(self, command, advance);
}

/** Takes the sensor away and leaves the hero braking. */
static void attach_destroy(void *self)
{
    carla_attach *w = self;
    carla_command last[2];
    uint32_t n = 0;
    hp_error ignored;
    if (w->has_hero) {
        last[n++] = (carla_command){
            .kind = CARLA_CMD_CONTROL, .actor = w->seat.ego_puppet.id, .control = {.brake = 1.0F}};
    }
    if (w->seat.sensor_id != 0) {
        last[n++] = (carla_command){.kind = CARLA_CMD_DESTROY, .actor = w->seat.sensor_id};
    }
    if (n > 0) {
        (void)!carla_seat_insist(&w->seat, last, n, &ignored);
        carla_seat_sweep(&w->seat, w->seat.mark, NULL);
    }
    carla_seat_close(&w->seat);
    free(w);
}

/* ---- Beginning ---- */

/** Waits for somebody who is called hero. */
static hp_status find_hero(carla_attach *w, hp_error *error)
{
    const int64_t give_up_ns =
        hp_clock_now_ns(w->seat.clock) + (int64_t)(w->seat.config.connect_s * 1e9);
    for (;;) {
        carla_snapshot snapshot;
        hp_status st = carla_client_wait(w->seat.client, &snapshot, error);
        if (st == HP_OK) {
            st = learn_new(w, &snapshot, error);
        }
        if (st != HP_OK) {
            return st;
        }
        if (w->seat.ego_puppet.id != 0) {
            return read_all(w, &snapshot, error);
        }
        if (hp_clock_now_ns(w->seat.clock) > give_up_ns) {
            return hp_fail(error, HP_ENOENT,
                           "no vehicle of the server has the role_name %s: start the scenario "
                           "first, or wait longer (bridge.carla.connect_s)",
                           CARLA_EGO_ROLE);
        }
    }
}

static hp_status check_step(carla_attach *w, hp_error *error)
{
    carla_settings settings;
    const hp_status st = carla_client_settings(w->seat.client, &settings, error);
    if (st == HP_OK && settings.fixed_delta_s > w->seat.info.tick_s * (1.0 + EARLY)) {
        return hp_fail(error, HP_ECONFIG,
                       "the server's step of %g s is longer than ours of %g s: set sim.tick_s and "
                       "control.rate_hz to it",
                       settings.fixed_delta_s, w->seat.info.tick_s);
    }
    return st;
}

static hp_status begin(carla_attach *w, hp_error *error)
{
    carla_seat *seat = &w->seat;
    const carla_endpoint endpoint =
        carla_endpoint_of(&seat->config, seat->config.connect_s, seat->log);
    hp_status st = carla_client_connect(&endpoint, seat->clock, &seat->client, error);
    if (st == HP_OK) {
        seat->episode = carla_client_episode(seat->client);
        st = check_step(w, error);
    }
    if (st == HP_OK) {
        st = find_hero(w, error);
    }
    if (st == HP_OK && w->n_left > 0) {
        hp_error ignored; /* they are in nobody's way */
        (void)!carla_client_batch(seat->client, w->left, w->n_left, &ignored);
    }
    if (st == HP_OK) {
        st = carla_seat_learn_ego(seat, error);
    }
    if (st == HP_OK) {
        st = carla_ground_complete(seat->client, seat->ego.pose, seat->scenario.route_from_map,
                                   &seat->info, error);
    }
    if (st == HP_OK) {
        seat->newest_id = w->known[w->n_known - 1].puppet.id;
        st = carla_seat_watch(seat, seat->mark, error);
    }
    return st;
}

hp_status carla_attach_create(const carla_world_setup *setup, bridge_world *out, hp_error *error)
{
    static const bridge_world_ops OPS = {.name = "carla",
                                         .info = carla_seat_info,
                                         .observe = carla_seat_observe,
                                         .step = attach_step,
                                         .result = carla_seat_result,
                                         .trouble = carla_seat_trouble,
                                         .destroy = attach_destroy};
    carla_attach *w = calloc(1, sizeof *w);
    *out = (bridge_world){NULL, NULL};
    if (w == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the CARLA world");
    }
    hp_status st = carla_seat_init(&w->seat, setup, error);
    carla_owner_guest_mark(setup->episode, w->seat.mark);
    w->seat.n_bodies = SLOTS;
    for (uint32_t s = 0; s < SLOTS; ++s) {
        slot_empty(w, s);
    }
    if (st == HP_OK) {
        st = begin(w, error);
    }
    if (st != HP_OK) {
        attach_destroy(w);
        return st;
    }
    carla_seat_begin(&w->seat);
    *out = (bridge_world){&OPS, w};
    return HP_OK;
}
