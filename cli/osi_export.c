#include "cli/osi_export.h"

#include <math.h>

#define NS_PER_S INT64_C(1000000000)
#define VEHICLE_HEIGHT_M 1.5
#define WALKER_HEIGHT_M 1.75

static const uint64_t OSI_VERSION[3] = {3, 6, 0}; /* every field written is at least as old */

enum { EGO_ID = 1, AGENT_ID = 1000, BOX_ID = 1000000 };
enum { TYPE_VEHICLE = 2, TYPE_PEDESTRIAN = 3, TYPE_BICYCLE = 11, STATIONARY_OTHER = 1 };

/** A body in motion. */
typedef struct body {
    uint64_t id;
    hp_box box;
    double height_m;
    hp_vec2 velocity_mps, accel_mps2;
    hp_agent_class kind;
} body;

static void put_id(pb_out *out, uint32_t field, uint64_t id)
{
    const size_t at = pb_begin(out, field);
    pb_varint(out, 1, id);
    pb_end(out, at);
}

/** The first three fields of a base: dimension, position, orientation. */
static void put_box(pb_out *out, const hp_box *box, double height_m)
{
    pb_three(out, 1, box->length_m, box->width_m, height_m);
    pb_three(out, 2, box->centre.x_m, box->centre.y_m, height_m / 2.0);
    pb_three(out, 3, 0.0, 0.0, box->centre.yaw_rad);
}

/** OSI tells cars apart by their length. */
static uint64_t vehicle_type(const body *b)
{
    const double length_m = b->box.length_m;
    if (b->kind == HP_CLASS_CYCLIST) {
        return TYPE_BICYCLE;
    }
    return 2 + (length_m > 4.0 ? 1u : 0u) + (length_m > 4.5 ? 1u : 0u) + (length_m > 5.0 ? 1u : 0u);
}

static void put_moving(pb_out *out, const body *b)
{
    const bool walks = b->kind == HP_CLASS_WALKER;
    const size_t object = pb_begin(out, 5);
    put_id(out, 1, b->id);
    const size_t base = pb_begin(out, 2);
    put_box(out, &b->box, b->height_m);
    pb_three(out, 4, b->velocity_mps.x_m, b->velocity_mps.y_m, 0.0);
    pb_three(out, 5, b->accel_mps2.x_m, b->accel_mps2.y_m, 0.0);
    pb_end(out, base);
    pb_varint(out, 3, walks ? TYPE_PEDESTRIAN : TYPE_VEHICLE);
    if (!walks) {
        const size_t classification = pb_begin(out, 6);
        pb_varint(out, 1, vehicle_type(b));
        pb_end(out, classification);
    }
    pb_end(out, object);
}

static void put_stationary(pb_out *out, const hp_occluder *o)
{
    const size_t object = pb_begin(out, 4);
    put_id(out, 1, BOX_ID + (uint64_t)o->id);
    const size_t base = pb_begin(out, 2);
    put_box(out, &o->box, VEHICLE_HEIGHT_M);
    pb_end(out, base);
    const size_t classification = pb_begin(out, 3);
    pb_varint(out, 1, STATIONARY_OTHER);
    pb_end(out, classification);
    pb_end(out, object);
}

static body ego_body(const hp_world_info *info, const hp_ego_state *e)
{
    const hp_vec2 ahead = {cos(e->pose.yaw_rad), sin(e->pose.yaw_rad)};
    return (body){.id = EGO_ID,
                  .box = {e->pose, info->ego_length_m, info->ego_width_m},
                  .height_m = VEHICLE_HEIGHT_M,
                  .velocity_mps = {e->speed_mps * ahead.x_m, e->speed_mps * ahead.y_m},
                  .accel_mps2 = {e->accel_mps2 * ahead.x_m, e->accel_mps2 * ahead.y_m},
                  .kind = HP_CLASS_CAR};
}

void osi_ground_truth(const hp_world_info *info, const hp_frame *f, pb_out *out)
{
    out->zeros =
        true; /* in OSI a field that is zero and one that is not told are different things */
    const size_t version = pb_begin(out, 1);
    for (uint32_t i = 0; i < 3; i++) {
        pb_varint(out, i + 1, OSI_VERSION[i]);
    }
    pb_end(out, version);
    const size_t time = pb_begin(out, 2);
    pb_varint(out, 1, (uint64_t)(f->stamp_ns / NS_PER_S));
    pb_varint(out, 2, (uint64_t)(f->stamp_ns % NS_PER_S));
    pb_end(out, time);
    put_id(out, 3, EGO_ID);
    for (uint32_t i = 0; i < f->n_occluders; i++) {
        put_stationary(out, &f->occluders[i]);
    }
    const body ego = ego_body(info, &f->ego);
    put_moving(out, &ego);
    for (uint32_t i = 0; i < f->n_agents; i++) {
        const hp_agent *a = &f->agents[i];
        const body b = {.id = AGENT_ID + (uint64_t)a->id,
                        .box = {a->pose, a->length_m, a->width_m},
                        .height_m = a->kind == HP_CLASS_CAR ? VEHICLE_HEIGHT_M : WALKER_HEIGHT_M,
                        .velocity_mps = {a->vx_mps, a->vy_mps},
                        .kind = a->kind};
        put_moving(out, &b);
    }
}
