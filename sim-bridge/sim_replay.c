#include "sim-bridge/sim_replay.h"
#include "sim-bridge/sim_clip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = SIM_SENSOR_BODIES, NO_TRACK = UINT16_MAX };

#define GOAL_RADIUS_M 1.5
#define BEYOND_M 30.0       /* route beyond the recorded path */
#define ROUTE_STEP_M 0.5    /* between points of the route, or more if it is long */
#define END_CHORD_M 2.0     /* the route goes on in the direction of its last metres */
#define STANDING_MOVE_M 0.5 /* a car that never gets farther from its first place is parked */
#define MIN_LIMIT_MPS (20.0 / 3.6)
#define LIMIT_OVER_RECORDED 1.2
#define WHEELBASE_OVER_LENGTH 0.6

_Static_assert((int)SIM_CLIP_MAX_TRACKS < (int)NO_TRACK, "a track's index fits its slot");

/** How a track and the ego came to touch, while they do. */
enum touch {
    TOUCH_NONE,
    TOUCH_WHILE_STANDING, /* of the ego */
    TOUCH_FRONT,
    TOUCH_OTHER, /* he walked into the moving ego's flank or rear */
};

typedef struct sim_replay {
    sim_config config;
    hp_world_info info;
    const sim_clip *clip;
    const sim_track *car;
    const sim_track *tracks;
    uint32_t n_tracks;
    bool human;
    double time_limit_s;
    sim_vehicle vehicle;
    sim_judge judge;
    sim_judge probe; /* fresh: tells of a single contact which side it is on */
    sim_sensor sensor;
    uint32_t n_looked;
    sim_contacts contacts;
    uint16_t slots[SLOTS];              /* track in each slot of the sensor, or NO_TRACK */
    sim_body bodies[SLOTS];             /* an empty slot's lies beyond every range */
    sim_body heard[SLOTS];              /* those of them that the judge hears of */
    bool parked[SIM_CLIP_MAX_TRACKS];   /* by track */
    bool counted[SIM_CLIP_MAX_TRACKS];  /* has touched the ego */
    uint8_t touch[SIM_CLIP_MAX_TRACKS]; /* a touch */
} sim_replay;

/** A track that is there, and how far from the ego. */
typedef struct presence {
    double distance2_m2;
    uint16_t track;
} presence;

/* ---- The route ---- */

static hp_vec2 place_of(const sim_clip_row *row)
{
    return (hp_vec2){row->pose.x_m, row->pose.y_m};
}

static double path_length(const sim_track *car)
{
    double length_m = 0.0;
    for (uint32_t i = 1; i < car->n_rows; ++i) {
        length_m += hp_dist(place_of(&car->rows[i - 1]), place_of(&car->rows[i]));
    }
    return length_m;
}

/** The recorded path, thinned, and a straight piece behind it; the goal is where the path ends. */
static void route_fill(const sim_track *car, hp_world_info *info)
{
    const double step_m = fmax(ROUTE_STEP_M, path_length(car) / (HP_MAX_ROUTE - 8));
    const hp_vec2 end = place_of(&car->rows[car->n_rows - 1]);
    info->n_route = 0;
    for (uint32_t i = 0; i < car->n_rows; ++i) {
        const hp_vec2 p = place_of(&car->rows[i]);
        /* Points too near to the last one would make the end's direction uncertain. */
        if (info->n_route == 0 ||
            (hp_dist(p, info->route[info->n_route - 1]) >= step_m && hp_dist(p, end) >= step_m)) {
            info->route[info->n_route++] = p;
        }
    }
    info->route[info->n_route++] = end;
    uint32_t k = info->n_route - 1;
    while (k > 0 && hp_dist(info->route[k], end) < END_CHORD_M) {
        --k;
    }
    const hp_vec2 chord = hp_vec2_sub(end, info->route[k]);
    const double yaw_rad = hypot(chord.x_m, chord.y_m) > 0.0
                               ? atan2(chord.y_m, chord.x_m)
                               : car->rows[car->n_rows - 1].pose.yaw_rad;
    info->route[info->n_route++] =
        (hp_vec2){end.x_m + BEYOND_M * cos(yaw_rad), end.y_m + BEYOND_M * sin(yaw_rad)};
    info->goal = (hp_pose){end.x_m, end.y_m, yaw_rad};
    info->goal_radius_m = GOAL_RADIUS_M;
}

static double speed_of(const sim_clip_row *row)
{
    return row->vx_mps * cos(row->pose.yaw_rad) + row->vy_mps * sin(row->pose.yaw_rad);
}

static double speed_limit(const sim_track *car)
{
    double max_mps = 0.0;
    for (uint32_t i = 0; i < car->n_rows; ++i) {
        max_mps = fmax(max_mps, speed_of(&car->rows[i]));
    }
    return fmax(LIMIT_OVER_RECORDED * max_mps, MIN_LIMIT_MPS);
}

static void info_fill(sim_replay *world)
{
    hp_world_info *info = &world->info;
    const sim_vehicle_config *vehicle = &world->config.vehicle;
    info->world_id = hp_rng_u64(hp_rng_seed(world->car->id), world->car->n_rows);
    info->episode = world->car->id;
    info->synchronous = true;
    info->tick_s = world->config.tick_s;
    info->ego_length_m = vehicle->length_m;
    info->ego_width_m = vehicle->width_m;
    info->ego_wheelbase_m = vehicle->wheelbase_m;
    info->max_steer_rad = vehicle->max_steer_rad;
    info->sensor_range_m = world->config.sensor.range_m;
    info->speed_limit_mps = speed_limit(world->car);
    route_fill(world->car, info);
}

/* ---- Who is there ---- */

/** Time of the clip at the present tick. */
static double clip_time(const sim_replay *world)
{
    return world->car->start_s + world->judge.result.ticks * world->config.tick_s;
}

static int by_distance(const void *a, const void *b)
{
    const presence *x = a;
    const presence *y = b;
    if (x->distance2_m2 != y->distance2_m2) {
        return x->distance2_m2 < y->distance2_m2 ? -1 : 1;
    }
    return x->track < y->track ? -1 : 1;
}

/** The nearest tracks that are there at time t; returns how many, at most SLOTS. */
static uint32_t nearest(const sim_replay *world, double t, presence out[SLOTS])
{
    uint32_t n = 0;
    sim_clip_row row;
    for (uint32_t i = 0; i < world->n_tracks; ++i) {
        if (&world->tracks[i] == world->car || !sim_track_at(&world->tracks[i], t, &row)) {
            continue;
        }
        const double dx = row.pose.x_m - world->vehicle.state.pose.x_m;
        const double dy = row.pose.y_m - world->vehicle.state.pose.y_m;
        const presence here = {dx * dx + dy * dy, (uint16_t)i};
        if (n < SLOTS) {
            out[n++] = here;
            if (n == SLOTS) {
                qsort(out, n, sizeof out[0], by_distance);
            }
        } else if (by_distance(&here, &out[SLOTS - 1]) < 0) {
            uint32_t k = SLOTS - 1;
            for (; k > 0 && by_distance(&here, &out[k - 1]) < 0; --k) {
                out[k] = out[k - 1];
            }
            out[k] = here;
        }
    }
    return n;
}

static void slot_empty(sim_replay *world, uint32_t slot)
{
    world->slots[slot] = NO_TRACK;
    world->sensor.ids[slot] = 0; /* whoever comes next is somebody else */
    world->bodies[slot] =
        (sim_body){.kind = HP_CLASS_WALKER, .box = {{1e9, 1e9, 0.0}, 0.1, 0.1}, .standing = false};
}

/** Gives every track of the list a slot; those that have one keep it. */
static void slots_assign(sim_replay *world, const presence *list, uint32_t n)
{
    bool kept[SLOTS] = {false};
    bool placed[SLOTS] = {false};
    for (uint32_t i = 0; i < n; ++i) {
        for (uint32_t s = 0; s < SLOTS && !placed[i]; ++s) {
            if (world->slots[s] == list[i].track) {
                kept[s] = placed[i] = true;
            }
        }
    }
    for (uint32_t s = 0; s < SLOTS; ++s) {
        if (!kept[s]) {
            slot_empty(world, s);
        }
    }
    uint32_t s = 0;
    for (uint32_t i = 0; i < n; ++i) {
        if (!placed[i]) {
            while (world->slots[s] != NO_TRACK) {
                ++s;
            }
            world->slots[s] = list[i].track;
        }
    }
}

/** Puts every body where it is at time t. */
static void bodies_move(sim_replay *world, double t)
{
    presence list[SLOTS];
    const uint32_t n = nearest(world, t, list);
    slots_assign(world, list, n);
    for (uint32_t s = 0; s < SLOTS; ++s) {
        sim_clip_row row;
        if (world->slots[s] == NO_TRACK) {
            continue;
        }
        const sim_track *track = &world->tracks[world->slots[s]];
        (void)sim_track_at(track, t, &row);
        world->bodies[s] = (sim_body){.id = world->slots[s],
                                      .kind = track->kind,
                                      .box = {row.pose, track->length_m, track->width_m},
                                      .vx_mps = row.vx_mps,
                                      .vy_mps = row.vy_mps,
                                      .standing = world->parked[world->slots[s]]};
    }
}

static bool is_parked(const sim_track *track)
{
    const hp_vec2 first = place_of(&track->rows[0]);
    for (uint32_t i = 1; i < track->n_rows; ++i) {
        if (hp_dist(first, place_of(&track->rows[i])) > STANDING_MOVE_M) {
            return false;
        }
    }
    return track->kind == HP_CLASS_CAR;
}

/* ---- Contacts and steps ---- */

static uint32_t *counter_of(sim_contacts *contacts, sim_crash side)
{
    switch (side) {
    case SIM_CRASH_FRONT:
        return &contacts->front;
    case SIM_CRASH_SIDE:
        return &contacts->side;
    case SIM_CRASH_REAR:
        return &contacts->rear;
    case SIM_CRASH_NONE:
    case SIM_CRASH_OFFROAD:
    case SIM_CRASH_COUNT:
        break;
    }
    return &contacts->standing;
}

/** Counts a contact by its side, and tells whether the judge shall hear of it. */
static bool contact_judged(sim_replay *world, const hp_ego_state *before, const sim_body *body)
{
    uint8_t *touch = &world->touch[body->id];
    sim_judge probe = world->probe;
    sim_judge_tick(&probe, NULL, before, &world->vehicle.state, body, 1);
    const sim_crash side = probe.result.crash;
    if (!world->counted[body->id]) {
        *counter_of(&world->contacts, side) += 1;
        world->counted[body->id] = true;
    }
    if (*touch == TOUCH_NONE) {
        *touch = TOUCH_OTHER;
        if (side == SIM_CRASH_NONE) {
            *touch = TOUCH_WHILE_STANDING;
        } else if (side == SIM_CRASH_FRONT) {
            *touch = TOUCH_FRONT;
        }
    }
    return !world->human && *touch != TOUCH_OTHER;
}

/** Tells the judge of this tick; contacts that are not the ego's doing are kept from it. */
static void judge_tick(sim_replay *world, const hp_command *command, const hp_ego_state *before)
{
    sim_body *heard = world->heard;
    uint32_t n = 0;
    const hp_box ego = {world->vehicle.state.pose, world->info.ego_length_m,
                        world->info.ego_width_m};
    for (uint32_t s = 0; s < SLOTS; ++s) {
        if (world->slots[s] == NO_TRACK) {
            continue;
        }
        const sim_body *body = &world->bodies[s];
        if (!hp_box_overlap(&ego, &body->box)) {
            world->touch[body->id] = TOUCH_NONE;
            heard[n++] = *body;
        } else if (contact_judged(world, before, body)) {
            heard[n++] = *body;
        }
    }
    sim_judge_tick(&world->judge, command, before, &world->vehicle.state, heard, n);
}

/** The recorded driver's state at a time. */
static void human_state(const sim_replay *world, double t, hp_ego_state *ego)
{
    sim_clip_row row;
    const double speed_before = ego->speed_mps;
    const double yaw_before = ego->pose.yaw_rad;
    if (!sim_track_at(world->car, t, &row)) {
        row = world->car->rows[world->car->n_rows - 1];
    }
    ego->pose = row.pose;
    ego->speed_mps = speed_of(&row);
    ego->accel_mps2 = (ego->speed_mps - speed_before) / world->config.tick_s;
    ego->yaw_rate_radps = hp_angle_wrap(row.pose.yaw_rad - yaw_before) / world->config.tick_s;
}

/** Lets the sensor look at the present tick, once. */
static void look(sim_replay *world)
{
    const uint32_t tick = world->judge.result.ticks;
    if (world->n_looked <= tick) {
        world->n_looked = tick + 1;
        sim_sensor_look(&world->config.sensor, &world->sensor, tick, &world->vehicle.state,
                        world->config.vehicle.wheelbase_m, world->bodies, SLOTS);
    }
}

static void replay_step(void *self, const hp_command *command)
{
    sim_replay *world = self;
    if (world->judge.result.verdict != HP_VERDICT_RUNNING) {
        return;
    }
    const hp_ego_state before = world->vehicle.state;
    const double next_s = clip_time(world) + world->config.tick_s;
    if (world->config.sensor.delay_ticks > 0) {
        look(world); /* what is reported later must have been seen now */
    }
    if (world->human) {
        human_state(world, next_s, &world->vehicle.state);
    } else {
        sim_vehicle_step(&world->config.vehicle, &world->vehicle,
                         command != NULL ? command->accel_mps2 : (double)NAN,
                         command != NULL ? command->steer_rad : (double)NAN, world->config.tick_s);
    }
    bodies_move(world, next_s);
    judge_tick(world, world->human ? NULL : command, &before);
}

static void replay_observe(void *self, hp_frame *frame)
{
    sim_replay *world = self;
    look(world);
    sim_sensor_report(&world->config.sensor, &world->sensor, frame);
    sim_judge_frame(&world->judge, &world->vehicle.state, frame);
}

static void replay_info(const void *self, hp_world_info *info)
{
    const sim_replay *world = self;
    *info = world->info;
}

static const sim_result *replay_result(const void *self)
{
    const sim_replay *world = self;
    return &world->judge.result;
}

static void replay_destroy(void *self)
{
    free(self);
}

hp_world_info *sim_replay_info(bridge_world *world)
{
    sim_replay *self = world->self;
    return &self->info;
}

sim_contacts sim_replay_contacts(const bridge_world *world)
{
    const sim_replay *self = world->self;
    return self->contacts;
}

/* ---- Creation ---- */

static void start(sim_replay *world)
{
    const sim_track *car = world->car;
    world->time_limit_s = sim_clip_duration_s(world->clip) - car->start_s;
    world->config.vehicle.length_m = car->length_m;
    world->config.vehicle.width_m = car->width_m;
    world->config.vehicle.wheelbase_m = WHEELBASE_OVER_LENGTH * car->length_m;
    info_fill(world);
    sim_vehicle_reset(&world->vehicle, car->rows[0].pose, speed_of(&car->rows[0]));
    sim_judge_init(&world->info, world->time_limit_s, true, &world->judge);
    sim_judge_init(&world->info, INFINITY, false, &world->probe);
    sim_sensor_reset(&world->sensor, world->info.world_id);
    for (uint32_t i = 0; i < world->n_tracks; ++i) {
        world->parked[i] = is_parked(&world->tracks[i]);
    }
    for (uint32_t s = 0; s < SLOTS; ++s) {
        slot_empty(world, s);
    }
    bodies_move(world, car->start_s);
}

/** Names cars that could be driven in the place of. */
static hp_status refuse_car(const sim_clip *clip, const sim_track *car, uint32_t car_id,
                            hp_error *error)
{
    enum { SOME = 12 };
    uint32_t ids[SOME];
    char list[SOME * 12 + 8] = "";
    const uint32_t n = sim_clip_eligible(clip, ids, SOME);
    for (uint32_t i = 0; i < n && i < SOME; ++i) {
        const size_t len = strlen(list);
        (void)snprintf(list + len, sizeof list - len, "%s%u", i > 0 ? ", " : "", ids[i]);
    }
    return hp_fail(error, HP_ENOENT, "%s %u%s; cars that move: %s%s",
                   car == NULL ? "the clip has no car" : "car", car_id,
                   car == NULL ? "" : " of the clip hardly moves", list, n > SOME ? ", ..." : "");
}

hp_status sim_replay_create(const sim_clip *clip, uint32_t car_id, bool human,
                            const sim_config *config, bridge_world *out, hp_error *error)
{
    static const bridge_world_ops OPS = {.name = "replay",
                                         .info = replay_info,
                                         .observe = replay_observe,
                                         .step = replay_step,
                                         .result = replay_result,
                                         .destroy = replay_destroy};
    *out = (bridge_world){NULL, NULL};
    const sim_track *car = sim_clip_car(clip, car_id);
    if (car == NULL || path_length(car) < END_CHORD_M) {
        return refuse_car(clip, car, car_id, error);
    }
    sim_replay *world = calloc(1, sizeof *world);
    if (world == NULL) {
        return hp_fail(error, HP_ENOMEM, "out of memory");
    }
    world->config = *config;
    world->clip = clip;
    world->car = car;
    world->human = human;
    world->n_tracks = sim_clip_tracks(clip, &world->tracks);
    start(world);
    *out = (bridge_world){&OPS, world};
    return HP_OK;
}
