#include "sim-bridge/sim_brakes.h"

#include "sim-bridge/sim_judge.h"

#include <string.h>

#define BRAKE_MPS2 (-3.0)
#define LEAST_S 0.5
#define WATCH_S 4.0
#define MARGIN_M 2.0
#define SAME_S 1e-9

/** Distance of a point from the route between two lengths along it. */
static double from_route(const sim_brakes_view *v, const sim_braking *braking, hp_vec2 p)
{
    double least = INFINITY;
    for (uint32_t i = 0; i + 1 < v->info->n_route; ++i) {
        const hp_vec2 a = v->info->route[i];
        const hp_vec2 d = hp_vec2_sub(v->info->route[i + 1], a);
        const double length = v->route_s_m[i + 1] - v->route_s_m[i];
        const double from = fmax(braking->rear_m - v->route_s_m[i], 0.0);
        const double end = fmin(braking->front_m - v->route_s_m[i], length);
        if (!(length > 0.0) || from > end) {
            continue;
        }
        const hp_vec2 off = hp_vec2_sub(p, a);
        const double along = (off.x_m * d.x_m + off.y_m * d.y_m) / length;
        const double u = hp_clamp(along, from, end) / length;
        least = fmin(least, hypot(off.x_m - u * d.x_m, off.y_m - u * d.y_m));
    }
    return least;
}

static bool has_reason(const sim_brakes_view *v, const sim_braking *braking)
{
    for (uint32_t i = 0; i < v->n_bodies; ++i) {
        const sim_body *body = &v->bodies[i];
        const hp_vec2 p = {body->box.centre.x_m, body->box.centre.y_m};
        const double reach = 0.5 * (v->info->ego_width_m + body->box.width_m);
        if (from_route(v, braking, p) <= reach + (body->standing ? 0.0 : MARGIN_M)) {
            return true;
        }
    }
    return false;
}

static void begin(sim_brakes *b, const sim_brakes_view *v)
{
    const double half_m = 0.5 * v->info->ego_length_m;
    if (b->n < SIM_WATCHED_BRAKINGS) {
        b->watched[b->n++] =
            (sim_braking){.rear_m = fmax(v->progress_m - half_m, 0.0),
                          .front_m = v->progress_m + half_m + WATCH_S * fmax(v->speed_mps, 0.0)};
    }
}

static void drop(sim_brakes *b, uint32_t i)
{
    memmove(&b->watched[i], &b->watched[i + 1], (b->n - i - 1) * sizeof b->watched[0]);
    --b->n;
}

/** Begins, confirms or forgets the newest braking. */
static void follow(sim_brakes *b, const sim_brakes_view *v)
{
    if (v->accel_mps2 < BRAKE_MPS2) {
        if (b->below_s == 0.0) {
            begin(b, v);
        }
        b->below_s += v->info->tick_s;
        sim_braking *newest = b->n > 0 ? &b->watched[b->n - 1] : NULL;
        if (newest != NULL && !newest->confirmed && b->below_s >= LEAST_S - SAME_S) {
            newest->confirmed = true;
            ++b->brakings;
        }
        return;
    }
    if (b->n > 0 && !b->watched[b->n - 1].confirmed) {
        drop(b, b->n - 1);
    }
    b->below_s = 0.0;
}

void sim_brakes_tick(sim_brakes *b, const sim_brakes_view *v)
{
    follow(b, v);
    for (uint32_t i = b->n; i-- > 0;) {
        sim_braking *braking = &b->watched[i];
        braking->excused = braking->excused || has_reason(v, braking);
        braking->age_s += v->info->tick_s;
        if (braking->age_s >= WATCH_S - SAME_S) {
            b->false_brakings += braking->confirmed && !braking->excused ? 1 : 0;
            drop(b, i);
        }
    }
}
