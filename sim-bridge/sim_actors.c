#include "sim-bridge/sim_actors.h"

#include "sim-bridge/sim_crowd.h"

/* A walker who gives way does so for a car nearer than this and faster than that, until it is past
 * or has slowed down. */
#define YIELD_NEAR_M 15.0
#define YIELD_FAST_MPS 5.0
#define YIELD_SLOW_MPS 1.0

static double dot(hp_vec2 a, hp_vec2 b)
{
    return a.x_m * b.x_m + a.y_m * b.y_m;
}

static bool is_zero(hp_vec2 a)
{
    return a.x_m == 0.0 && a.y_m == 0.0;
}

static hp_vec2 scaled(hp_vec2 a, double k)
{
    return (hp_vec2){k * a.x_m, k * a.y_m};
}

static hp_box walker_box(const sim_walker_spec *spec, hp_vec2 position, double yaw_rad)
{
    return (hp_box){{position.x_m, position.y_m, yaw_rad}, spec->length_m, spec->width_m};
}

static void walker_turn(sim_walker *walker, hp_vec2 direction)
{
    if (!is_zero(direction)) {
        walker->yaw_rad = atan2(direction.y_m, direction.x_m);
    }
}

static double walker_speed(const sim_walker_spec *spec, const sim_scene *scene)
{
    return spec->speed_mps > 0.0 ? spec->speed_mps : scene->speed_mps;
}

static double cruise_speed(const sim_car_spec *spec, const sim_scene *scene)
{
    if (spec->parked) {
        return 0.0;
    }
    return isnan(spec->speed_mps) ? scene->car_speed_mps : spec->speed_mps;
}

void sim_actors_reset(const sim_scenario *scenario, const sim_scene *scene, sim_actors *actors)
{
    for (uint32_t i = 0; i < scenario->n_walkers; ++i) {
        const sim_walker_spec *spec = &scenario->walkers[i];
        sim_walker *walker = &actors->walkers[i];
        *walker = (sim_walker){.position = spec->start,
                               .velocity = scaled(spec->before, walker_speed(spec, scene))};
        walker_turn(walker, spec->before);
    }
    for (uint32_t i = 0; i < scenario->n_cars; ++i) {
        const sim_car_spec *spec = &scenario->cars[i];
        actors->cars[i] = (sim_car){.position = {spec->pose.x_m, spec->pose.y_m},
                                    .heading = {cos(spec->pose.yaw_rad), sin(spec->pose.yaw_rad)},
                                    .speed_mps = cruise_speed(spec, scene)};
    }
}

/** True while some walker stands or walks where the car has to let him pass. */
static bool car_yields(const sim_scenario *scenario, const sim_car_spec *spec,
                       const sim_actors *actors, const sim_car *car)
{
    if (is_zero(spec->yield_normal)) {
        return false;
    }
    for (uint32_t i = 0; i < scenario->n_walkers; ++i) {
        const hp_vec2 walker = actors->walkers[i].position;
        const double ahead_m = dot(car->heading, hp_vec2_sub(walker, car->position));
        if (ahead_m > 0.0 && ahead_m < spec->yield_gap_m &&
            dot(spec->yield_normal, walker) > spec->yield_offset_m) {
            return true;
        }
    }
    return false;
}

static bool car_must_stop(const sim_car_spec *spec, hp_vec2 ego, const sim_car *car)
{
    const hp_vec2 d = hp_vec2_sub(ego, car->position);
    if (dot(d, d) < spec->stop_gap_m * spec->stop_gap_m) {
        return true;
    }
    return !is_zero(spec->stop_normal) &&
           dot(spec->stop_normal, car->position) > spec->stop_offset_m;
}

/** One step as the bodies see it. */
typedef struct moment {
    const sim_scenario *scenario;
    const sim_scene *scene;
    hp_vec2 ego_before;
    const hp_box *ego_box;
    double ego_speed_mps;
    bool ego_stands;
    double dt_s;
} moment;

/** Slows down as the rule says; the way is v^2 / 2a, also where the stop falls inside the step. */
static void car_brake(const sim_car_spec *spec, double dt_s, sim_car *car)
{
    const double before_mps = car->speed_mps;
    if (spec->decel_mps2 <= 0.0) {
        car->speed_mps = 0.0;
        return;
    }
    car->speed_mps = fmax(0.0, before_mps - spec->decel_mps2 * dt_s);
    const double way_m =
        (before_mps * before_mps - car->speed_mps * car->speed_mps) / (2.0 * spec->decel_mps2);
    car->position.x_m += car->heading.x_m * way_m;
    car->position.y_m += car->heading.y_m * way_m;
}

static void car_step(const moment *now, const sim_car_spec *spec, const sim_actors *actors,
                     sim_car *car)
{
    car->stopped = car->stopped || car_must_stop(spec, now->ego_before, car);
    if (car->stopped || car_yields(now->scenario, spec, actors, car)) {
        car_brake(spec, now->dt_s, car);
        return;
    }
    car->speed_mps = spec->follows
                         ? sim_crowd_pace(now->scenario, actors, car, spec, now->ego_box, now->dt_s)
                         : cruise_speed(spec, now->scene);
    car->position.x_m += car->heading.x_m * car->speed_mps * now->dt_s;
    car->position.y_m += car->heading.y_m * car->speed_mps * now->dt_s;
}

/** Is the ego near, ahead of the walker's crossing, and faster than this? */
static bool car_threatens(const moment *now, const sim_walker *walker, double speed_mps)
{
    const hp_pose *ego = &now->ego_box->centre;
    const hp_vec2 d = {walker->position.x_m - ego->x_m, walker->position.y_m - ego->y_m};
    return fabs(now->ego_speed_mps) > speed_mps && dot(d, d) < YIELD_NEAR_M * YIELD_NEAR_M &&
           d.x_m * cos(ego->yaw_rad) + d.y_m * sin(ego->yaw_rad) > 0.0;
}

static void decide_to_cross(const moment *now, const sim_walker_spec *spec, sim_walker *walker)
{
    const hp_vec2 to_ego = hp_vec2_sub(now->ego_before, walker->position);
    const bool sets_out = spec->walk_m > 0.0
                              ? walker->walked_m >= spec->walk_m
                              : fabs(dot(spec->trigger_axis, to_ego)) < now->scene->distance_m;
    if (!walker->triggered && sets_out) {
        walker->triggered = true;
        walker_turn(walker, spec->after);
    }
}

/** Stands for good, or comes back once. */
static void decide_to_stop(const sim_walker_spec *spec, sim_walker *walker)
{
    if (!walker->triggered || walker->returning || is_zero(spec->stop_normal) ||
        dot(spec->stop_normal, walker->position) <= spec->stop_offset_m) {
        return;
    }
    if (spec->return_m > 0.0 && !walker->returned) {
        walker->returning = true;
        walker->back_to_m = walker->crossed_m - spec->return_m;
        return;
    }
    walker->arrived = true;
}

/** Latches what holds from this step on. */
static void walker_decide(const moment *now, const sim_walker_spec *spec, sim_walker *walker)
{
    decide_to_cross(now, spec, walker);
    if (walker->returning && walker->crossed_m <= walker->back_to_m) {
        walker->returning = false;
        walker->returned = true;
    }
    decide_to_stop(spec, walker);
    if (spec->character == SIM_YIELDING && walker->triggered) {
        walker->yielding = walker->yielding ? car_threatens(now, walker, YIELD_SLOW_MPS)
                                            : walker->crossed_m <= spec->decide_m &&
                                                  car_threatens(now, walker, YIELD_FAST_MPS);
    }
    walker->looks = spec->character != SIM_SCRIPTED && spec->walk_m > 0.0 &&
                    walker->walked_m >= spec->look_share * spec->walk_m;
}

/** How he would walk if nobody touched him. */
static hp_vec2 walker_wish(const moment *now, const sim_walker_spec *spec, const sim_walker *walker)
{
    const double speed_mps = walker_speed(spec, now->scene);
    if (!walker->triggered) {
        return scaled(spec->before, speed_mps);
    }
    if (walker->yielding) {
        const bool back = spec->steps_back && walker->crossed_m > 0.0;
        return scaled(spec->after, back ? -speed_mps : 0.0);
    }
    return scaled(spec->after, walker->returning ? -speed_mps : speed_mps);
}

static void walker_move(const moment *now, const sim_walker_spec *spec, hp_vec2 velocity,
                        sim_walker *walker)
{
    const hp_vec2 next = {walker->position.x_m + velocity.x_m * now->dt_s,
                          walker->position.y_m + velocity.y_m * now->dt_s};
    if (now->ego_stands || walker->waiting) {
        const hp_box box = walker_box(spec, next, walker->yaw_rad);
        walker->waiting = hp_box_overlap(now->ego_box, &box);
    }
    if (walker->waiting) {
        walker->velocity = (hp_vec2){0.0, 0.0};
        return;
    }
    const double way_m = sqrt(dot(velocity, velocity)) * now->dt_s;
    walker->walked_m += walker->triggered ? 0.0 : way_m;
    walker->crossed_m += walker->triggered ? dot(spec->after, velocity) * now->dt_s : 0.0;
    walker->velocity = velocity;
    walker->position = next;
}

/** His velocity after a step towards the wished one. */
static hp_vec2 speed_up(const moment *now, const sim_walker_spec *spec, hp_vec2 from, hp_vec2 to)
{
    const hp_vec2 change = hp_vec2_sub(to, from);
    const double size = sqrt(dot(change, change));
    const double most = spec->accel_mps2 * now->dt_s;
    if (spec->accel_mps2 <= 0.0 || size <= most) {
        return to;
    }
    return (hp_vec2){from.x_m + change.x_m * most / size, from.y_m + change.y_m * most / size};
}

static void walker_step(const moment *now, uint32_t i, sim_actors *actors)
{
    const sim_walker_spec *spec = &now->scenario->walkers[i];
    sim_walker *walker = &actors->walkers[i];
    if (spec->character == SIM_SOCIAL) {
        const hp_vec2 velocity =
            sim_crowd_walk(now->scenario, actors, i, now->ego_box, now->ego_speed_mps, now->dt_s);
        walker_turn(walker, velocity);
        walker_move(now, spec, velocity, walker);
        return;
    }
    walker_decide(now, spec, walker);
    const hp_vec2 wish = walker->arrived ? (hp_vec2){0.0, 0.0} : walker_wish(now, spec, walker);
    const hp_vec2 velocity = speed_up(now, spec, walker->velocity, wish);
    if (walker->arrived && is_zero(velocity)) {
        walker->velocity = velocity;
        walker->waiting = false;
        return;
    }
    walker_move(now, spec, velocity, walker);
}

/* NOLINTNEXTLINE(readability-function-size): a flat list spares callers a struct per step */
void sim_actors_step(const sim_scenario *scenario, const sim_scene *scene, hp_vec2 ego_before,
                     const hp_box *ego_box, double ego_speed_mps, double dt_s, sim_actors *actors)
{
    const moment now = {scenario, scene,         ego_before,
                        ego_box,  ego_speed_mps, fabs(ego_speed_mps) <= SIM_STANDING_MPS,
                        dt_s};
    /* Cars first: they look at where the walkers were before the step. */
    for (uint32_t i = 0; i < scenario->n_cars; ++i) {
        if (!scenario->cars[i].parked) {
            car_step(&now, &scenario->cars[i], actors, &actors->cars[i]);
        }
    }
    for (uint32_t i = 0; i < scenario->n_walkers; ++i) {
        walker_step(&now, i, actors);
    }
}

uint32_t sim_actors_bodies(const sim_scenario *scenario, const sim_actors *actors, sim_body *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < scenario->n_walkers; ++i, ++n) {
        const sim_walker *walker = &actors->walkers[i];
        out[n] =
            (sim_body){.id = n,
                       .kind = HP_CLASS_WALKER,
                       .box = walker_box(&scenario->walkers[i], walker->position, walker->yaw_rad),
                       .vx_mps = walker->velocity.x_m,
                       .vy_mps = walker->velocity.y_m,
                       .looks = walker->looks};
    }
    for (uint32_t i = 0; i < scenario->n_cars; ++i, ++n) {
        const sim_car_spec *spec = &scenario->cars[i];
        const sim_car *car = &actors->cars[i];
        out[n] = (sim_body){.id = n,
                            .kind = HP_CLASS_CAR,
                            .box = {{car->position.x_m, car->position.y_m, spec->pose.yaw_rad},
                                    spec->length_m,
                                    spec->width_m},
                            .vx_mps = car->heading.x_m * car->speed_mps,
                            .vy_mps = car->heading.y_m * car->speed_mps,
                            .standing = spec->parked};
    }
    return n;
}
