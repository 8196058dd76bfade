#include "sim-bridge/sim_crowd.h"

#include "common/hp_rng.h"

#include <math.h>

/* Walkers. */
#define RELAX_S 0.5          /* to the pace he wants */
#define PERSON_PUSH_MPS2 3.0 /* at touch, and how fast it fades */
#define PERSON_FADE_M 0.4
#define PERSON_TOUCH_M 0.5
#define BOX_PUSH_MPS2 6.0 /* of vehicles, from their box */
#define BOX_FADE_M 0.5
#define HURRY 1.3 /* nobody is pushed to more than this times his pace */
#define AT_GOAL_M 0.3
#define KERB_M 0.6        /* so far before a road they look for cars */
#define GAP_PATIENT_S 4.0 /* time until one comes that the patient want */
#define GAP_HURRIED_S 1.5 /* and the others */
/* Cars. */
#define CAR_ACCEL_MPS2 1.5
#define CAR_BRAKE_MPS2 7.0
#define CAR_PLAN_MPS2 3.0 /* the speed is such that this stops it in time */
#define CAR_GAP_M 2.0
#define CAR_SIDE_M 0.6
#define WALKER_AHEAD_S 1.0 /* who will be in the lane in this time counts as in it */

/** A road user as the crowd sees it. */
typedef struct vehicle {
    hp_box box;
    double speed_mps;
} vehicle;

static vehicle car_at(const sim_scenario *scenario, const sim_actors *actors, uint32_t i)
{
    const sim_car_spec *spec = &scenario->cars[i];
    const sim_car *car = &actors->cars[i];
    return (vehicle){
        {{car->position.x_m, car->position.y_m, spec->pose.yaw_rad}, spec->length_m, spec->width_m},
        car->speed_mps};
}

static bool is_in(const hp_rect *rects, uint32_t n, hp_vec2 p)
{
    for (uint32_t i = 0; i < n; ++i) {
        if (hp_rect_contains(&rects[i], p)) {
            return true;
        }
    }
    return false;
}

/** Along and across the vehicle's way, from its centre. */
static hp_vec2 seen_from(const hp_pose *pose, hp_vec2 p)
{
    const double c = cos(pose->yaw_rad);
    const double s = sin(pose->yaw_rad);
    const hp_vec2 d = {p.x_m - pose->x_m, p.y_m - pose->y_m};
    return (hp_vec2){c * d.x_m + s * d.y_m, c * d.y_m - s * d.x_m};
}

/** Will the vehicle be near p within gap_s? */
static bool comes_to(const vehicle *v, hp_vec2 p, double gap_s)
{
    const hp_vec2 d = seen_from(&v->box.centre, p);
    const double reach_m = 0.5 * v->box.length_m + CAR_GAP_M;
    return fabs(v->speed_mps) > SIM_STANDING_MPS && d.x_m > -reach_m &&
           d.x_m < reach_m + gap_s * v->speed_mps && fabs(d.y_m) < 2.0 * v->box.width_m;
}

static bool must_wait(const sim_scenario *scenario, const sim_actors *actors, hp_vec2 at,
                      hp_vec2 direction, const vehicle *ego, double gap_s)
{
    const hp_vec2 step = {at.x_m + KERB_M * direction.x_m, at.y_m + KERB_M * direction.y_m};
    const hp_vec2 lane = {at.x_m + 3.0 * KERB_M * direction.x_m,
                          at.y_m + 3.0 * KERB_M * direction.y_m};
    if (is_in(scenario->road, scenario->n_road, at) ||
        !is_in(scenario->road, scenario->n_road, step)) {
        return false;
    }
    bool waits = comes_to(ego, lane, gap_s);
    for (uint32_t k = 0; !waits && k < scenario->n_cars; ++k) {
        const vehicle other = car_at(scenario, actors, k);
        waits = comes_to(&other, lane, gap_s);
    }
    return waits;
}

static void push(hp_vec2 away, double strength_mps2, hp_vec2 *force)
{
    const double len = sqrt(away.x_m * away.x_m + away.y_m * away.y_m);
    if (len > 1e-9) {
        force->x_m += strength_mps2 * away.x_m / len;
        force->y_m += strength_mps2 * away.y_m / len;
    }
}

static void push_from_box(const hp_box *box, hp_vec2 at, hp_vec2 *force)
{
    const double gap_m = hp_box_distance(box, at);
    const hp_vec2 centre = {box->centre.x_m, box->centre.y_m};
    push(hp_vec2_sub(at, centre), BOX_PUSH_MPS2 * exp(-gap_m / BOX_FADE_M), force);
}

static hp_vec2 pushes(const sim_scenario *scenario, const sim_actors *actors, uint32_t i,
                      const hp_box *ego)
{
    const hp_vec2 at = actors->walkers[i].position;
    hp_vec2 force = {0.0, 0.0};
    for (uint32_t k = 0; k < scenario->n_walkers; ++k) {
        if (k != i) {
            const hp_vec2 away = hp_vec2_sub(at, actors->walkers[k].position);
            const double gap_m = hp_dist(at, actors->walkers[k].position) - PERSON_TOUCH_M;
            push(away, PERSON_PUSH_MPS2 * exp(-gap_m / PERSON_FADE_M), &force);
        }
    }
    for (uint32_t k = 0; k < scenario->n_cars; ++k) {
        const vehicle other = car_at(scenario, actors, k);
        push_from_box(&other.box, at, &force);
    }
    push_from_box(ego, at, &force);
    return force;
}

hp_vec2 sim_crowd_walk(const sim_scenario *scenario, const sim_actors *actors, uint32_t i,
                       const hp_box *ego, double ego_speed_mps, double dt_s)
{
    const sim_walker_spec *spec = &scenario->walkers[i];
    const sim_walker *walker = &actors->walkers[i];
    const vehicle ego_now = {*ego, ego_speed_mps};
    const hp_vec2 way = hp_vec2_sub(spec->goal, walker->position);
    const double way_m = hp_dist(spec->goal, walker->position);
    if (way_m < AT_GOAL_M) {
        return (hp_vec2){0.0, 0.0};
    }
    const hp_vec2 direction = {way.x_m / way_m, way.y_m / way_m};
    if (must_wait(scenario, actors, walker->position, direction, &ego_now,
                  spec->patient ? GAP_PATIENT_S : GAP_HURRIED_S)) {
        return (hp_vec2){0.0, 0.0};
    }
    const hp_vec2 force = pushes(scenario, actors, i, ego);
    const double ease = dt_s / RELAX_S;
    hp_vec2 v = {
        walker->velocity.x_m + ease * (spec->speed_mps * direction.x_m - walker->velocity.x_m) +
            dt_s * force.x_m,
        walker->velocity.y_m + ease * (spec->speed_mps * direction.y_m - walker->velocity.y_m) +
            dt_s * force.y_m};
    const double speed_mps = sqrt(v.x_m * v.x_m + v.y_m * v.y_m);
    const double most_mps = HURRY * spec->speed_mps;
    if (speed_mps > most_mps) {
        v = (hp_vec2){v.x_m * most_mps / speed_mps, v.y_m * most_mps / speed_mps};
    }
    return v;
}

/** Free way of a car up to p; INFINITY if p is not in its lane ahead. */
static double free_way(const hp_box *car, hp_vec2 p, double half_length_m)
{
    const hp_vec2 d = seen_from(&car->centre, p);
    const double gap_m = d.x_m - 0.5 * car->length_m - half_length_m;
    return d.x_m > 0.0 && fabs(d.y_m) < 0.5 * car->width_m + CAR_SIDE_M ? gap_m : (double)INFINITY;
}

static double nearest_ahead(const sim_scenario *scenario, const sim_actors *actors,
                            const hp_box *box, const hp_box *ego)
{
    double gap_m = free_way(box, (hp_vec2){ego->centre.x_m, ego->centre.y_m}, 0.5 * ego->length_m);
    for (uint32_t i = 0; i < scenario->n_walkers; ++i) {
        const sim_walker *w = &actors->walkers[i];
        const hp_vec2 soon = {w->position.x_m + WALKER_AHEAD_S * w->velocity.x_m,
                              w->position.y_m + WALKER_AHEAD_S * w->velocity.y_m};
        gap_m = hp_min(gap_m, hp_min(free_way(box, w->position, 0.3), free_way(box, soon, 0.3)));
    }
    for (uint32_t i = 0; i < scenario->n_cars; ++i) {
        gap_m = hp_min(gap_m,
                       free_way(box, actors->cars[i].position, 0.5 * scenario->cars[i].length_m));
    }
    return gap_m;
}

double sim_crowd_pace(const sim_scenario *scenario, const sim_actors *actors, const sim_car *car,
                      const sim_car_spec *spec, const hp_box *ego, double dt_s)
{
    const hp_box box = {
        {car->position.x_m, car->position.y_m, spec->pose.yaw_rad}, spec->length_m, spec->width_m};
    const double gap_m = nearest_ahead(scenario, actors, &box, ego) - CAR_GAP_M;
    const double safe_mps = gap_m > 0.0 ? sqrt(2.0 * CAR_PLAN_MPS2 * gap_m) : 0.0;
    const double wish_mps = hp_min(spec->speed_mps, safe_mps);
    return hp_max(0.0, hp_clamp(wish_mps, car->speed_mps - CAR_BRAKE_MPS2 * dt_s,
                                car->speed_mps + CAR_ACCEL_MPS2 * dt_s));
}

/* Placing. Along and across are measured from the ego's start in the direction it looks. */
enum { TRIES = 400 };
#define LEAST_AHEAD_M 18.0 /* nobody is placed nearer to the ego's start */
#define SIDE_M 8.0         /* pavements lie within this beside the route */
#define STROLL_M 30.0      /* goals are at most so far along the street */
#define LANES_M 4.0        /* from the ego's lane to the oncoming one, on its left */
#define SPACING_M 14.0     /* of cars in one lane */

static hp_vec2 place(const sim_scenario *scenario, double along_m, double left_m)
{
    const hp_pose *start = &scenario->ego_start;
    const double c = cos(start->yaw_rad);
    const double s = sin(start->yaw_rad);
    return (hp_vec2){start->x_m + c * along_m - s * left_m, start->y_m + s * along_m + c * left_m};
}

/** On a pavement, and not so near the kerb that a passing car would touch him. */
static bool may_stand(const sim_scenario *scenario, hp_vec2 p)
{
    bool clear = is_in(scenario->pavement, scenario->n_pavement, p);
    for (int k = 0; clear && k < 4; ++k) {
        const double angle_rad = 0.5 * HP_PI * k;
        clear = !is_in(scenario->road, scenario->n_road,
                       (hp_vec2){p.x_m + KERB_M * cos(angle_rad), p.y_m + KERB_M * sin(angle_rad)});
    }
    return clear;
}

/** Numbers of one body's stream, one after the other. */
typedef struct dice {
    hp_rng stream;
    uint64_t n;
} dice;

static double roll(dice *d, double lo, double hi)
{
    return hp_rng_range(d->stream, d->n++, lo, hi);
}

static void place_walker(const sim_scenario *scenario, double length_m, dice *d, sim_walker_spec *w)
{
    const bool crosses = roll(d, 0.0, 1.0) < 0.6;
    *w = (sim_walker_spec){.character = SIM_SOCIAL,
                           .length_m = roll(d, 0.3, 0.5),
                           .width_m = roll(d, 0.3, 0.6),
                           .speed_mps = roll(d, 0.7, 1.9),
                           .patient = roll(d, 0.0, 1.0) < 0.7};
    double along_m = LEAST_AHEAD_M;
    for (int i = 0; i < TRIES; ++i) {
        along_m = roll(d, LEAST_AHEAD_M, length_m);
        w->start = place(scenario, along_m, roll(d, -SIDE_M, SIDE_M));
        if (may_stand(scenario, w->start)) {
            break;
        }
    }
    for (int i = 0; i < TRIES; ++i) {
        w->goal = place(scenario, along_m + roll(d, -STROLL_M, STROLL_M), roll(d, -SIDE_M, SIDE_M));
        const hp_vec2 middle = {0.5 * (w->start.x_m + w->goal.x_m),
                                0.5 * (w->start.y_m + w->goal.y_m)};
        if (may_stand(scenario, w->goal) &&
            is_in(scenario->road, scenario->n_road, middle) == crosses) {
            return;
        }
    }
    w->goal = w->start;
}

/** Every fourth car drives ahead of the ego, the others come towards it. */
static void place_car(const sim_scenario *scenario, uint32_t i, dice *d, sim_car_spec *car)
{
    const bool ahead = i % 4 == 1;
    const uint32_t before = ahead ? i / 4 : i - (i + 2) / 4;
    const double along_m = (ahead ? 25.0 : 45.0) + SPACING_M * (2.0 * before + roll(d, 0.0, 1.0));
    const hp_vec2 at = place(scenario, along_m, ahead ? 0.0 : LANES_M);
    *car =
        (sim_car_spec){.pose = {at.x_m, at.y_m,
                                hp_angle_wrap(scenario->ego_start.yaw_rad + (ahead ? 0.0 : HP_PI))},
                       .length_m = roll(d, 3.7, 5.0),
                       .width_m = roll(d, 1.75, 2.0),
                       .speed_mps = ahead ? roll(d, 5.0, 9.0) : roll(d, 6.0, 12.0),
                       .follows = true};
}

void sim_crowd_place(sim_scenario *scenario, uint32_t draw)
{
    const hp_rng root = hp_rng_seed(draw);
    const double length_m = hp_dist((hp_vec2){scenario->ego_start.x_m, scenario->ego_start.y_m},
                                    (hp_vec2){scenario->goal.x_m, scenario->goal.y_m});
    scenario->n_walkers = scenario->crowd_walkers;
    scenario->n_cars = scenario->crowd_cars;
    for (uint32_t i = 0; i < scenario->n_walkers; ++i) {
        dice d = {hp_rng_lane(root, i), 0};
        place_walker(scenario, length_m, &d, &scenario->walkers[i]);
    }
    for (uint32_t i = 0; i < scenario->n_cars; ++i) {
        dice d = {hp_rng_lane(root, SIM_MAX_WALKERS + i), 0};
        place_car(scenario, i, &d, &scenario->cars[i]);
    }
}
