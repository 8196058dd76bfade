/** @file car_wait.h What the default policy earns once it stands before somebody who is in the way:
 * nothing changes any more but him, so that the rest of the rollout is an expectation in closed
 * form instead of steps. Ownership: the caller's lanes. Threads: pure. Allocation: none. */
#ifndef CAR_WAIT_H
#define CAR_WAIT_H

#include "pomdp/car/car_dynamics.h"

/** Expected discount, one step's to the power of the steps until somebody in the way has left it.
 * Walkers may stop, and who stands before the path's middle may set off again; who stands beyond it
 * stays. */
static inline car_f wait_discount(const car_lane_rules *r, const car_lane_other *f,
                                  const car_columns *row, const other_lanes *o)
{
    const car_f zero = {0};
    const car_f c = row->c[2];
    const car_f n = row->c[3];
    const car_f aside = (o->y_m - row->c[1]) * c - (o->x_m - row->c[0]) * n;
    const car_f v_aside = o->vy_mps * c - o->vx_mps * n;
    const car_f pace = lanes_abs(v_aside);
    const car_f side = lanes_pick(v_aside < zero, zero - aside, aside);
    const car_f reach = lanes_all(f->clear_side_m);
    const car_f steps = /* and half of one, for the ego sets off at the end of a step */
        (reach - side) / lanes_max(pace, lanes_all(WALK_MPS)) * r->per_step_s + 0.5f;
    const car_f to_go = across(f, o);
    const car_f crossing = lanes_max(to_go + reach, zero) * r->per_standing_step;
    const car_i may_start = (to_go > zero) & lanes_all_i(f->beside);
    const car_f start = lanes_exp(crossing * r->log_discount) * f->starts;
    const car_f stand = (car_f)((car_i)start & may_start);
    const car_i may_stop = o->motion == CAR_MOTION_STRAIGHT;
    const car_f per_step =
        lanes_pick(may_stop, lanes_all(f->log_goes_on), lanes_all(r->log_discount));
    const car_f walks = lanes_exp(steps * per_step);
    const car_f stops = (car_f)((car_i)((1.0f - walks) * f->stops) & may_stop);
    return lanes_pick(pace < lanes_all(WALK_MPS), stand, walks + stops * stand);
}

/** Nobody to wait for: passed, or past the path and walking on, or never seen. */
static inline car_i is_harmless(const car_lane_other *f, const car_columns *row,
                                const other_lanes *o)
{
    const car_f zero = {0};
    const car_f dx = o->x_m - row->c[0];
    const car_f dy = o->y_m - row->c[1];
    const car_f ahead = dx * row->c[2] + dy * row->c[3];
    const car_f aside = dy * row->c[2] - dx * row->c[3];
    const car_f v_aside = o->vy_mps * row->c[2] - o->vx_mps * row->c[3];
    const car_f side = lanes_pick(v_aside < zero, zero - aside, aside);
    const car_i leaves =
        (side > lanes_all(f->reach_y_m)) & (lanes_abs(v_aside) > lanes_all(WALK_MPS));
    return leaves | (ahead < lanes_all(-f->reach_x_m - PASSED_M)) |
           (o->motion == CAR_MOTION_HIDDEN);
}

/** Lanes whose ego stands and brakes for people who are all there is to wait for; *value: what they
 * earn from now on. At the horizon the road counts as free, as it does after any rollout. */
static inline car_i wait_is_decided(const car_scene *scene, const ego_lanes *e,
                                    const car_columns *row, const other_lanes *others,
                                    car_i steps_left, car_f *value)
{
    const car_lane_rules *r = &scene->rules;
    const car_f zero = {0};
    const car_f horizon = lanes_exp(lanes_to_float(steps_left) * r->log_discount);
    const car_f eye = e->s_m + r->eye_ahead_m;
    const car_i blocked = e->s_m + 1.0f > lanes_all(r->blocked_s_m);
    const car_i stands = (e->speed_mps == zero) & (e->accel_mps2 == zero);
    car_i others_wait = lanes_all_i(-1);
    car_f discount = lanes_pick(blocked, horizon, lanes_all(1.0f));
    *value = zero;
    if (!lanes_any(stands)) {
        return stands;
    }
    for (uint32_t k = 0; k < scene->n_others; ++k) {
        const car_lane_other *f = &scene->lane_others[k];
        const other_lanes *o = &others[k];
        const car_i way = in_the_way(f, row, zero, lanes_all(AHEAD_M), o) & is_seen(f, o, eye);
        if (lanes_any(way)) {
            const car_f d = lanes_max(wait_discount(r, f, row, o), horizon);
            discount = lanes_pick(way, lanes_min(discount, d), discount);
        }
        others_wait &= way | is_harmless(f, row, o);
    }
    /* who waits until the horizon does so whatever the rest do */
    const car_i decided = others_wait | (discount <= horizon);
    const car_f moving_off = lanes_pick(discount > horizon, lanes_all(r->switching), zero);
    *value = discount * (free_road_value(scene, e) - moving_off) -
             (1.0f - discount) * r->slowness_for_ever;
    return (decided | blocked) & stands;
}

#endif
