#include "sim-bridge/sim_actors.h"

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
                               .velocity = scaled(spec->before, scene->speed_mps)};
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
    car->speed_mps = cruise_speed(spec, now->scene);
    car->position.x_m += car->heading.x_m * car->speed_mps * now->dt_s;
    car->position.y_m += car->heading.y_m * car->speed_mps * now->dt_s;
}

/** Latches what holds from this step on. */
static void walker_decide(const moment *now, const sim_walker_spec *spec, sim_walker *walker)
{
    const hp_vec2 to_ego = hp_vec2_sub(now->ego_before, walker->position);
    if (!walker->triggered && fabs(dot(spec->trigger_axis, to_ego)) < now->scene->distance_m) {
        walker->triggered = true;
        walker_turn(walker, spec->after);
    }
    if (walker->triggered && !is_zero(spec->stop_normal) &&
        dot(spec->stop_normal, walker->position) > spec->stop_offset_m) {
        walker->arrived = true;
    }
}

static void walker_step(const moment *now, const sim_walker_spec *spec, sim_walker *walker)
{
    walker_decide(now, spec, walker);
    if (walker->arrived) {
        walker->velocity = (hp_vec2){0.0, 0.0};
        walker->waiting = false;
        return;
    }
    const hp_vec2 velocity =
        scaled(walker->triggered ? spec->after : spec->before, now->scene->speed_mps);
    const hp_vec2 next = {walker->position.x_m + velocity.x_m * now->dt_s,
                          walker->position.y_m + velocity.y_m * now->dt_s};
    if (now->ego_stands || walker->waiting) {
        const hp_box box = walker_box(spec, next, walker->yaw_rad);
        walker->waiting = hp_box_overlap(now->ego_box, &box);
    }
    if (walker->waiting) {
        walker->velocity = (hp_vec2){0.0, 0.0};
    } else {
        walker->velocity = velocity;
        walker->position = next;
    }
}

/* NOLINTNEXTLINE(readability-function-size): a flat list spares callers a struct per step */
void sim_actors_step(const sim_scenario *scenario, const sim_scene *scene, hp_vec2 ego_before,
                     const hp_box *ego_box, double ego_speed_mps, double dt_s, sim_actors *actors)
{
    const moment now = {
        scenario, scene, ego_before, ego_box, fabs(ego_speed_mps) <= SIM_STANDING_MPS, dt_s};
    /* Cars first: they look at where the walkers were before the step. */
    for (uint32_t i = 0; i < scenario->n_cars; ++i) {
        if (!scenario->cars[i].parked) {
            car_step(&now, &scenario->cars[i], actors, &actors->cars[i]);
        }
    }
    for (uint32_t i = 0; i < scenario->n_walkers; ++i) {
        walker_step(&now, &scenario->walkers[i], &actors->walkers[i]);
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
                       .vy_mps = walker->velocity.y_m};
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
