/** @file car_march.h Particles on their way, in lockstep: one column of words for each of their
 * numbers. Whoever has arrived is dropped as the others are written back, so that the lanes of the
 * next step are full. Rollouts (car_rollout.c) and stops (car_stop.c) are such marches. Their last
 * few particles go on in a kernel of half the width, where there is one, from the same columns.
 * Ownership: the caller's columns. Threads: pure. Allocation: none. */
#ifndef CAR_MARCH_H
#define CAR_MARCH_H

#include "pomdp/car/car_dynamics.h"
#include "pomdp/car/car_kernel.h"

enum {
    COL_S,
    COL_SPEED,
    COL_ACCEL,
    COL_MEMORY,
    COL_INDEX, /* whose return it is */
    COL_DRAW,  /* where his numbers come from */
    COL_OWN,   /* of the kind of march */
    OWN_COLS = 10,
    COL_OTHER = COL_OWN + OWN_COLS, /* place, velocity, code: five for each other */
    OTHER_COLS = 5,
    MAX_COLS = COL_OTHER + OTHER_COLS * CAR_MAX_AGENTS,
    LEAST_ROOM = CAR_LANES, /* particles for which there is always room */
};

/** Who is on his way. The same for every kernel's width. */
typedef struct march {
    const car_scene *scene;
    uint32_t *words; /* [columns][room] */
    uint32_t room;   /* particles; whole groups of the widest kernel */
    uint32_t alive, on_free;
    uint32_t t;
} march;

/** So many of them as there are lanes. */
typedef struct group {
    step_lanes step; /* its ego is where they are now */
    other_lanes others[CAR_MAX_AGENTS];
    car_i live;
    car_i index, draw;
} group;

/** Columns in a room of so many bytes, or in the least if that holds none. */
static inline void march_settle_in(march *m, const car_scene *scene, void *room, size_t room_bytes,
                                   uint32_t *least)
{
    const size_t bytes = (COL_OTHER + OTHER_COLS * (size_t)scene->n_others) * CAR_LANES *
                         sizeof(*least); /* of a group */
    const size_t groups = room != NULL ? room_bytes / bytes : 0;
    *m = (march){.scene = scene,
                 .words = groups > 0 ? room : least,
                 .room = groups > 0 ? (uint32_t)groups * CAR_LANES : LEAST_ROOM};
}

static inline uint32_t *march_column(const march *m, uint32_t c, uint32_t at)
{
    return &m->words[(size_t)c * m->room + at];
}

static inline car_u march_get(const march *m, uint32_t c, uint32_t at)
{
    car_u v;
    memcpy(&v, march_column(m, c, at), sizeof v);
    return v;
}

static inline void march_put(const march *m, uint32_t c, uint32_t at, car_u v)
{
    memcpy(march_column(m, c, at), &v, sizeof v);
}

static inline void march_keep(const march *m, uint32_t c, uint32_t at, car_u v, car_order order)
{
    lanes_store_ordered(v, order, march_column(m, c, at));
}

/** A block of a batch's particles, from place at on. */
static inline void march_board(const march *m, const unsigned char *states, const block *b,
                               const ego_lanes *e, uint32_t at)
{
    march_put(m, COL_S, at, (car_u)e->s_m);
    march_put(m, COL_SPEED, at, (car_u)e->speed_mps);
    march_put(m, COL_ACCEL, at, (car_u)e->accel_mps2);
    march_put(m, COL_MEMORY, at, e->memory);
    for (uint32_t k = 0; k < m->scene->n_others; ++k) {
        const other_lanes o = load_other(states, b, k);
        const uint32_t c = COL_OTHER + OTHER_COLS * k;
        march_put(m, c, at, (car_u)o.x_m);
        march_put(m, c + 1, at, (car_u)o.y_m);
        march_put(m, c + 2, at, (car_u)o.vx_mps);
        march_put(m, c + 3, at, (car_u)o.vy_mps);
        march_put(m, c + 4, at, o.code);
    }
}

static inline void march_load(const march *m, uint32_t at, group *g)
{
    ego_lanes *e = &g->step.ego;
    g->live = LANE < lanes_all_i((int32_t)(m->alive - at));
    e->s_m = (car_f)march_get(m, COL_S, at);
    e->speed_mps = (car_f)march_get(m, COL_SPEED, at);
    e->accel_mps2 = (car_f)march_get(m, COL_ACCEL, at);
    e->memory = march_get(m, COL_MEMORY, at);
    /* lanes behind the last have been somewhere else; all of a group are to be at the same step */
    const car_i first = lanes_all_i((int32_t)*march_column(m, COL_MEMORY, at));
    e->memory = (car_u)lanes_pick_i(g->live, (car_i)e->memory, first);
    g->index = (car_i)march_get(m, COL_INDEX, at);
    g->draw = (car_i)march_get(m, COL_DRAW, at);
    for (uint32_t k = 0; k < m->scene->n_others; ++k) {
        const uint32_t c = COL_OTHER + OTHER_COLS * k;
        other_lanes *o = &g->others[k];
        o->x_m = (car_f)march_get(m, c, at);
        o->y_m = (car_f)march_get(m, c + 1, at);
        o->vx_mps = (car_f)march_get(m, c + 2, at);
        o->vy_mps = (car_f)march_get(m, c + 3, at);
        o->code = march_get(m, c + 4, at);
        o->motion = (car_i)(o->code & 0xff);
    }
}

/** Writes those who go on behind the others that do. */
static inline void march_keep_group(const march *m, const group *g, car_order order, uint32_t at)
{
    const ego_lanes *e = &g->step.ego;
    march_keep(m, COL_S, at, (car_u)e->s_m, order);
    march_keep(m, COL_SPEED, at, (car_u)e->speed_mps, order);
    march_keep(m, COL_ACCEL, at, (car_u)e->accel_mps2, order);
    march_keep(m, COL_MEMORY, at, e->memory, order);
    march_keep(m, COL_INDEX, at, (car_u)g->index, order);
    march_keep(m, COL_DRAW, at, (car_u)g->draw, order);
    for (uint32_t k = 0; k < m->scene->n_others; ++k) {
        const uint32_t c = COL_OTHER + OTHER_COLS * k;
        const other_lanes *o = &g->others[k];
        march_keep(m, c, at, (car_u)o->x_m, order);
        march_keep(m, c + 1, at, (car_u)o->y_m, order);
        march_keep(m, c + 2, at, (car_u)o->vx_mps, order);
        march_keep(m, c + 3, at, (car_u)o->vy_mps, order);
        march_keep(m, c + 4, at, (o->code & ~255U) | (car_u)o->motion, order);
    }
}

#endif
