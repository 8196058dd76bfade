/** @file guard_foes.h Who threatens a guarded ego in the tests of its properties: walkers who turn
 * at will and vehicles, as badly as their bounds allow, beside an ego at x = 10 on a straight
 * street. One frame, one configuration: for the one file that includes it. */
#ifndef GUARD_FOES_H
#define GUARD_FOES_H

#include "common/hp_rng.h"
#include "planner/plan_guard.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

#define TICK_S 0.05
#define FINE_S 0.01
#define CONTACT_M 0.2 /* half a walker */
#define STANDING_MPS 0.05

static hp_world_info info;
static plan_config config;
static plan_path path;
static hp_frame frame;
static bool waits[HP_MAX_AGENTS];

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    fixture_info(&info);
    plan_path_follow_route(&config.path, &info, &path);
    memset(waits, 0, sizeof waits);
    return 0;
}

static plan_guard_verdict check(double accel_mps2)
{
    return plan_guard_check(&config.guard, &info, &path, &frame, waits, accel_mps2);
}

/** Whoever threatens the ego: a walker who may turn at will, or a vehicle that stays in its lane.
 */
typedef struct foe {
    bool walks, past; /* past: has been behind the ego, or let it leave */
    uint32_t kind;    /* of adversary */
    hp_vec2 p, v;
    double top_mps, yaw_rad;
} foe;

static foe draw_foe(hp_rng lane)
{
    foe f = {.walks = hp_rng_unit(lane, 10) < 0.7, .kind = (uint32_t)(4.0 * hp_rng_unit(lane, 11))};
    f.p = (hp_vec2){hp_rng_range(lane, 12, 0.0, 60.0), hp_rng_range(lane, 13, -9.0, 9.0)};
    f.yaw_rad = hp_rng_range(lane, 14, -HP_PI, HP_PI);
    const double speed = f.walks ? hp_rng_range(lane, 15, 0.0, 3.0) * hp_rng_unit(lane, 16)
                                 : hp_rng_range(lane, 15, 0.0, 14.0);
    f.v = (hp_vec2){speed * cos(f.yaw_rad), speed * sin(f.yaw_rad)};
    f.top_mps = fmax(config.guard.walker_speed_mps, speed + config.guard.walker_speed_over_mps);
    return f;
}

/** Steers a walker's velocity towards a place, as fast as his bounds let him. */
static void turn_to(foe *f, hp_vec2 aim, double dt)
{
    const double d = fmax(hp_dist(aim, f->p), 1e-9);
    const hp_vec2 want = {f->top_mps * (aim.x_m - f->p.x_m) / d,
                          f->top_mps * (aim.y_m - f->p.y_m) / d};
    const double change = hp_dist(want, f->v);
    const double share = fmin(1.0, config.guard.walker_accel_mps2 * dt / fmax(change, 1e-12));
    f->v.x_m += share * (want.x_m - f->v.x_m);
    f->v.y_m += share * (want.y_m - f->v.y_m);
}

/** One fine step of somebody hostile: towards the ego's middle, its nose, where it will be, or by
 * chance; a vehicle brakes fully, accelerates fully, goes on, or by chance. */
static void threaten(foe *f, hp_rng lane, uint64_t step, double ego_x, double ego_v)
{
    if (f->walks) {
        const double ahead[] = {0.0, 2.1, 2.1 + 0.5 * ego_v, hp_rng_range(lane, step, -5.0, 20.0)};
        turn_to(f, (hp_vec2){ego_x + ahead[f->kind], 0.0}, FINE_S);
    } else {
        const double speed = f->v.x_m * cos(f->yaw_rad) + f->v.y_m * sin(f->yaw_rad);
        const double choice[] = {
            -config.guard.car_brake_mps2, config.guard.car_accel_mps2, 0.0,
            hp_rng_range(lane, step, -config.guard.car_brake_mps2, config.guard.car_accel_mps2)};
        const double next = fmax(speed + choice[f->kind] * FINE_S, 0.0);
        f->v = (hp_vec2){next * cos(f->yaw_rad), next * sin(f->yaw_rad)};
    }
    f->p.x_m += f->v.x_m * FINE_S;
    f->p.y_m += f->v.y_m * FINE_S;
}

static bool meets(const foe *f, double from_x, double to_x)
{
    const hp_box ego = {{0.5 * (from_x + to_x), 0.0, 0.0}, to_x - from_x, info.ego_width_m};
    if (f->walks) {
        return hp_box_distance(&ego, f->p) <= CONTACT_M;
    }
    const hp_box other = {{f->p.x_m, f->p.y_m, f->yaw_rad}, 4.0, 1.8};
    return hp_box_overlap(&ego, &other);
}

/** A vehicle that follows an ego at x in its lane. */
static bool follows(const foe *f, double x)
{
    return !f->walks && fabs(f->yaw_rad) < 0.2 && f->p.x_m + 0.5 * (4.0 + info.ego_length_m) < x &&
           fabs(f->p.y_m) < 0.5 * (1.8 + info.ego_width_m);
}

/** A walker behind the rear bumper of an ego at x. */
static bool is_behind(const foe *f, double x)
{
    return f->walks && f->p.x_m + 0.5 * hypot(0.4, 0.4) < x - 0.5 * info.ego_length_m;
}

/** What is promised not to happen while the ego moves from before to x: that it drives upon
 * somebody; that it is touched anywhere, unless by one whom it had left behind or was leaving. */
static bool in_contact(foe *f, double before, double x)
{
    const double half = 0.5 * info.ego_length_m;
    if (!f->walks && (f->past || follows(f, x))) {
        f->past = true; /* whom it meets first is the ego's rear; the test lets it drive through */
        return false;
    }
    f->past |= is_behind(f, x);
    return meets(f, before + half, x + half) || (!f->past && meets(f, x - half, x + half));
}

static void show(foe *f, double x, double v, double accel)
{
    f->past |= follows(f, x) || is_behind(f, x); /* as the guard sees it, before anybody moves */
    fixture_frame(0, x, v, &frame);
    frame.ego.accel_mps2 = accel;
    frame.agents[frame.n_agents++] = (hp_agent){.id = 1,
                                                .kind = f->walks ? HP_CLASS_WALKER : HP_CLASS_CAR,
                                                .pose = {f->p.x_m, f->p.y_m, f->yaw_rad},
                                                .vx_mps = f->v.x_m,
                                                .vy_mps = f->v.y_m,
                                                .length_m = f->walks ? 0.4 : 4.0,
                                                .width_m = f->walks ? 0.4 : 1.8};
}

/** A walker who waits beside the ego, which is slow. Half of them stand. */
static foe draw_waiting(hp_rng lane)
{
    const double side = hp_rng_unit(lane, 20) < 0.5 ? -1.0 : 1.0;
    foe f = draw_foe(hp_rng_lane(lane, 21));
    f.walks = f.past = true;
    f.p = (hp_vec2){hp_rng_range(lane, 22, 7.0, 12.1), side * hp_rng_range(lane, 23, 1.21, 2.0)};
    const double speed = fmax(hp_rng_range(lane, 24, -0.1, 0.1), 0.0);
    f.v = (hp_vec2){speed * cos(f.yaw_rad), speed * sin(f.yaw_rad)};
    f.top_mps = config.guard.walker_speed_mps;
    return f;
}

#endif
