/** @file car_block.h Eight or sixteen particles of a batch as lanes: their rows loaded, stored, and
 * looked at. Ownership: the caller's states. Threads: pure. Allocation: none. */
#ifndef CAR_BLOCK_H
#define CAR_BLOCK_H

#include "pomdp/car/car_lanes.h"
#include "pomdp/car/car_model.h"

#include <math.h>

#define CORNER_M 0.3f /* an eye nearer than this to a corner looks past it */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the lanes read bytes as words");
_Static_assert(offsetof(car_state, memory) == 12, "the ego is a row of four numbers");
_Static_assert(offsetof(car_other_state, motion) == 16, "an other is such a row and a word");

/** Eight particles of a batch. Behind the end of the batch the last one is repeated. */
typedef struct block {
    uint32_t first, live;
    size_t place[CAR_LANES]; /* bytes from the block's first state */
} block;

typedef struct ego_lanes {
    car_f s_m, speed_mps, accel_mps2;
    car_u memory;
} ego_lanes;

typedef struct other_lanes {
    car_f x_m, y_m, vx_mps, vy_mps;
    car_u code; /* motion, future, dx, dy */
    car_i motion;
} other_lanes;

static inline block block_begin(const car_scene *scene)
{
    block b = {.live = CAR_LANES};
    for (uint32_t j = 0; j < CAR_LANES; ++j) {
        b.place[j] = j * scene->state_bytes;
    }
    return b;
}

/** On to the particles from first on; the batch's last block may be short. */
static inline void block_move(block *b, uint32_t n, uint32_t first)
{
    b->first = first;
    b->live = n - first < CAR_LANES ? n - first : CAR_LANES;
    for (uint32_t j = b->live; j < CAR_LANES; ++j) {
        b->place[j] = b->place[b->live - 1];
    }
}

static inline ego_lanes load_ego(const void *states, const block *b)
{
    const car_columns m = lanes_load_rows(states, b->place);
    return (ego_lanes){m.c[0], m.c[1], m.c[2], (car_u)m.c[3]};
}

static inline void store_ego(void *states, const block *b, const ego_lanes *e)
{
    lanes_store_rows(states, b->place,
                     (car_columns){{e->s_m, e->speed_mps, e->accel_mps2, (car_f)e->memory}});
}

static inline size_t other_offset(uint32_t k)
{
    return offsetof(car_state, others) + k * sizeof(car_other_state);
}

static inline other_lanes load_other(const void *states, const block *b, uint32_t k)
{
    const unsigned char *base = (const unsigned char *)states + other_offset(k);
    const car_columns m = lanes_load_rows(base, b->place);
    other_lanes o = {.x_m = m.c[0], .y_m = m.c[1], .vx_mps = m.c[2], .vy_mps = m.c[3]};
    o.code = lanes_load_fifths(base, b->place);
    o.motion = (car_i)(o.code & 0xff);
    return o;
}

static inline void store_other(void *states, const block *b, uint32_t k, const other_lanes *o)
{
    unsigned char *base = (unsigned char *)states + other_offset(k);
    lanes_store_rows(base, b->place, (car_columns){{o->x_m, o->y_m, o->vx_mps, o->vy_mps}});
}

static inline void store_motion(void *states, const block *b, uint32_t k, const other_lanes *o)
{
    unsigned char *base =
        (unsigned char *)states + other_offset(k) + offsetof(car_other_state, motion);
    uint32_t motion[CAR_LANES];
    memcpy(motion, &o->motion, sizeof motion);
    for (int j = 0; j < CAR_LANES; ++j) {
        base[b->place[j]] = (unsigned char)motion[j];
    }
}

static inline car_f toward(const car_lane_other *f, const other_lanes *o)
{
    return o->vx_mps * f->toward_x + o->vy_mps * f->toward_y;
}

/** Distance across, from the path to the walker, on the side where he began; negative beyond it. */
static inline car_f across(const car_lane_other *f, const other_lanes *o)
{
    return f->lateral_m - (o->x_m - f->x_m) * f->toward_x - (o->y_m - f->y_m) * f->toward_y;
}

/** Lateral distance up to which he is hidden from an eye; infinity if it has passed the corner. */
static inline car_f edge_of_sight(const car_lane_other *f, car_f eye_m)
{
    const car_f to_corner = f->corner_s_m - eye_m;
    const car_f near = lanes_all(CORNER_M);
    const car_f edge = f->corner_lateral_m * (1.0f + f->beyond_m / lanes_max(to_corner, near));
    return lanes_pick(to_corner <= near, lanes_all(INFINITY), edge);
}

/** A walker who may be hidden is seen once he is past the edge of sight. */
static inline car_i is_seen(const car_lane_other *f, const other_lanes *o, car_f eye_m)
{
    if (!f->may_hide) {
        return lanes_all_i(-1);
    }
    return (o->motion != CAR_MOTION_HIDDEN) & (across(f, o) <= edge_of_sight(f, eye_m));
}

#endif
