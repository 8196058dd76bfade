#include "sim-bridge/sim_sensor.h"

#include <assert.h>
#include <string.h>

/* With the benchmark's own rule, a parked car hides walkers within this distance of it. */
#define BENCHMARK_REACH_M 10.0

_Static_assert((int)SIM_SENSOR_BODIES <= (int)HP_MAX_AGENTS, "a sight has room for every body");

const hp_field SIM_SENSOR_FIELDS[] = {
    HP_F_DOUBLE(sim_sensor_config, range_m, 1.0, 500.0, "m", "farthest that the sensor sees"),
    HP_F_DOUBLE(sim_sensor_config, position_noise_m, 0.0, 5.0, "m",
                "standard deviation of positions, per axis"),
    HP_F_DOUBLE(sim_sensor_config, speed_noise_mps, 0.0, 5.0, "m/s",
                "standard deviation of velocities, per axis"),
    HP_F_DOUBLE(sim_sensor_config, miss_p, 0.0, 1.0, NULL,
                "chance per tick that a visible agent is not reported"),
    HP_F_UINT(sim_sensor_config, delay_ticks, 0, SIM_MAX_DELAY, "ticks",
              "age of what is reported about others"),
    HP_F_BOOL(sim_sensor_config, benchmark_rule,
              "walkers are hidden until they have passed the parked car's centre line"),
    HP_F_END};

void sim_sensor_config_default(sim_sensor_config *config)
{
    *config = (sim_sensor_config){.range_m = 50.0};
}

void sim_sensor_reset(sim_sensor *sensor, uint64_t seed)
{
    sensor->stream = hp_rng_lane(hp_rng_seed(seed), 0);
    memset(sensor->ids, 0, sizeof sensor->ids);
    sensor->last_id = 0;
    sensor->n_looks = 0;
}

/** True if the body's circle keeps clear of the segment, so that the exact test can be spared. */
static bool clear_of_segment(const hp_box *box, hp_vec2 a, hp_vec2 b)
{
    const hp_vec2 d = hp_vec2_sub(b, a);
    const hp_vec2 p = {box->centre.x_m - a.x_m, box->centre.y_m - a.y_m};
    const double r2 = 0.25 * (box->length_m * box->length_m + box->width_m * box->width_m) + 1e-6;
    const double len2 = d.x_m * d.x_m + d.y_m * d.y_m;
    const double along = p.x_m * d.x_m + p.y_m * d.y_m;
    const double cross = d.x_m * p.y_m - d.y_m * p.x_m;
    if (cross * cross > r2 * len2) {
        return true;
    }
    /* Beside the line's ends: compare with the nearer end. */
    const double q2 = p.x_m * p.x_m + p.y_m * p.y_m;
    return (along < 0.0 && q2 > r2) || (along > len2 && q2 - 2.0 * along + len2 > r2);
}

static bool free_line(hp_vec2 eye, hp_vec2 point, const sim_body *bodies, uint32_t n,
                      uint32_t target)
{
    for (uint32_t i = 0; i < n; ++i) {
        if (i != target && bodies[i].kind == HP_CLASS_CAR &&
            !clear_of_segment(&bodies[i].box, eye, point) &&
            hp_box_cuts_segment(&bodies[i].box, eye, point)) {
            return false;
        }
    }
    return true;
}

bool sim_sensor_sees(hp_vec2 eye, const sim_body *bodies, uint32_t n, uint32_t target)
{
    const hp_box *box = &bodies[target].box;
    const hp_vec2 centre = {box->centre.x_m, box->centre.y_m};
    if (free_line(eye, centre, bodies, n, target)) {
        return true;
    }
    hp_vec2 corners[4];
    hp_box_corners(box, corners);
    for (int i = 0; i < 4; ++i) {
        if (free_line(eye, corners[i], bodies, n, target)) {
            return true;
        }
    }
    return false;
}

/** How far left of the car's long axis p lies. */
static double beside(const hp_box *car, double x_m, double y_m)
{
    return cos(car->centre.yaw_rad) * (y_m - car->centre.y_m) -
           sin(car->centre.yaw_rad) * (x_m - car->centre.x_m);
}

/** The benchmark's own rule: a walker near a parked car is hidden while the car's long axis divides
 *  him from the ego. */
static bool hidden_by_rule(hp_vec2 eye, const sim_body *bodies, uint32_t n, const sim_body *walker)
{
    const hp_pose *at = &walker->box.centre;
    for (uint32_t i = 0; i < n; ++i) {
        const hp_box *car = &bodies[i].box;
        const double dx = car->centre.x_m - at->x_m;
        const double dy = car->centre.y_m - at->y_m;
        if (bodies[i].standing && bodies[i].kind == HP_CLASS_CAR &&
            dx * dx + dy * dy < BENCHMARK_REACH_M * BENCHMARK_REACH_M &&
            beside(car, at->x_m, at->y_m) * beside(car, eye.x_m, eye.y_m) < 0.0) {
            return true;
        }
    }
    return false;
}

static bool is_seen(const sim_sensor_config *config, const hp_ego_state *ego, hp_vec2 eye,
                    const sim_body *bodies, uint32_t n, uint32_t i)
{
    const double dx = bodies[i].box.centre.x_m - ego->pose.x_m;
    const double dy = bodies[i].box.centre.y_m - ego->pose.y_m;
    if (dx * dx + dy * dy > config->range_m * config->range_m) {
        return false;
    }
    if (config->benchmark_rule && bodies[i].kind == HP_CLASS_WALKER) {
        return !hidden_by_rule(eye, bodies, n, &bodies[i]);
    }
    return sim_sensor_sees(eye, bodies, n, i);
}

static hp_agent agent_of(const sim_sensor_config *config, hp_rng stream, const sim_body *body,
                         uint32_t id)
{
    hp_agent agent = {.id = id,
                      .kind = body->kind,
                      .pose = body->box.centre,
                      .vx_mps = body->vx_mps,
                      .vy_mps = body->vy_mps,
                      .length_m = body->box.length_m,
                      .width_m = body->box.width_m,
                      .looks_at_ego = body->looks};
    if (config->position_noise_m > 0.0) {
        agent.pose.x_m += config->position_noise_m * hp_rng_normal(stream, 0);
        agent.pose.y_m += config->position_noise_m * hp_rng_normal(stream, 1);
    }
    if (config->speed_noise_mps > 0.0) {
        agent.vx_mps += config->speed_noise_mps * hp_rng_normal(stream, 2);
        agent.vy_mps += config->speed_noise_mps * hp_rng_normal(stream, 3);
    }
    return agent;
}

/** Where a ranks among occluders: nearer to the ego, then seen earlier. */
static bool is_nearer(const hp_pose *ego, const hp_occluder *a, const hp_occluder *b)
{
    const hp_pose *p = &a->box.centre;
    const hp_pose *q = &b->box.centre;
    const double a2 =
        (p->x_m - ego->x_m) * (p->x_m - ego->x_m) + (p->y_m - ego->y_m) * (p->y_m - ego->y_m);
    const double b2 =
        (q->x_m - ego->x_m) * (q->x_m - ego->x_m) + (q->y_m - ego->y_m) * (q->y_m - ego->y_m);
    return a2 < b2 || (a2 == b2 && a->id < b->id);
}

/** Where there are too many, the nearest are reported. */
static void report_occluder(const hp_pose *ego, const hp_occluder *one, sim_sight *sight)
{
    if (sight->n_occluders < HP_MAX_OCCLUDERS) {
        sight->occluders[sight->n_occluders++] = *one;
        return;
    }
    hp_occluder *farthest = &sight->occluders[0];
    for (uint32_t i = 1; i < HP_MAX_OCCLUDERS; ++i) {
        farthest = is_nearer(ego, &sight->occluders[i], farthest) ? farthest : &sight->occluders[i];
    }
    if (is_nearer(ego, one, farthest)) {
        *farthest = *one;
    }
}

static void report(const sim_sensor_config *config, hp_rng stream, const hp_pose *ego,
                   const sim_body *body, uint32_t id, sim_sight *sight)
{
    if (body->standing) {
        report_occluder(ego, &(hp_occluder){id, body->box}, sight);
    } else {
        sight->agents[sight->n_agents++] = agent_of(config, stream, body, id);
    }
}

/* NOLINTNEXTLINE(readability-function-size): a flat list spares callers a struct per look */
void sim_sensor_look(const sim_sensor_config *config, sim_sensor *sensor, uint32_t tick,
                     const hp_ego_state *ego, double wheelbase_m, const sim_body *bodies,
                     uint32_t n)
{
    assert(n <= SIM_SENSOR_BODIES);
    const hp_vec2 eye = {ego->pose.x_m + 0.5 * wheelbase_m * cos(ego->pose.yaw_rad),
                         ego->pose.y_m + 0.5 * wheelbase_m * sin(ego->pose.yaw_rad)};
    const hp_rng now = hp_rng_lane(sensor->stream, tick);
    sim_sight *sight = &sensor->sights[sensor->n_looks % (SIM_MAX_DELAY + 1)];
    sight->n_agents = 0;
    sight->n_occluders = 0;
    sensor->n_looks += 1;
    for (uint32_t i = 0; i < n; ++i) {
        if (!is_seen(config, ego, eye, bodies, n, i)) {
            continue;
        }
        const hp_rng stream = hp_rng_lane(now, i);
        if (config->miss_p > 0.0 && hp_rng_unit(stream, 16) < config->miss_p) {
            continue;
        }
        if (sensor->ids[i] == 0) {
            sensor->ids[i] = ++sensor->last_id;
        }
        report(config, stream, &ego->pose, &bodies[i], sensor->ids[i], sight);
    }
}

void sim_sensor_report(const sim_sensor_config *config, const sim_sensor *sensor, hp_frame *frame)
{
    frame->n_agents = 0;
    frame->n_occluders = 0;
    if (sensor->n_looks <= config->delay_ticks) {
        return;
    }
    const uint32_t look = sensor->n_looks - 1 - config->delay_ticks;
    const sim_sight *sight = &sensor->sights[look % (SIM_MAX_DELAY + 1)];
    frame->n_agents = sight->n_agents;
    frame->n_occluders = sight->n_occluders;
    memcpy(frame->agents, sight->agents, sight->n_agents * sizeof *sight->agents);
    memcpy(frame->occluders, sight->occluders, sight->n_occluders * sizeof *sight->occluders);
}
