#include "proto/hp_fields_internal.h"

#include "proto/hp_tensor.h"

#include "plan.pb-c.h"
#include "predict.pb-c.h"
#include "run.pb-c.h"
#include "world.pb-c.h"

#include <float.h>

/* ---- How a row is written ---- */

#define MEMBER(S, m) (((S *)0)->m)
#define KIND_OF(S, m)                                                                              \
    _Generic(MEMBER(S, m), double                                                                  \
             : HP_KIND_DOUBLE, uint32_t                                                            \
             : HP_KIND_U32, uint64_t                                                               \
             : HP_KIND_U64, int64_t                                                                \
             : HP_KIND_I64, bool                                                                   \
             : HP_KIND_BOOL)

/* A single number, named by hand or after its member; the range comes last. */
#define NUMBER_AS(S, m, n, ...)                                                                    \
    {                                                                                              \
        .name = n, .kind = KIND_OF(S, m), .offset = offsetof(S, m), .cap = 1, .range = {           \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define NUMBER(S, m, ...) NUMBER_AS(S, m, #m, __VA_ARGS__)
#define ENUM(S, m, last)                                                                           \
    {                                                                                              \
        .name = #m, .kind = HP_KIND_ENUM, .offset = offsetof(S, m), .cap = 1, .range = {           \
            0.0,                                                                                   \
            last                                                                                   \
        }                                                                                          \
    }
#define TEXT(S, m)                                                                                 \
    {                                                                                              \
        .name = #m, .kind = HP_KIND_TEXT, .offset = offsetof(S, m), .cap = 1                       \
    }
#define STRUCT(S, m, l)                                                                            \
    {                                                                                              \
        .name = #m, .kind = HP_KIND_STRUCT, .offset = offsetof(S, m), .cap = 1, .layout = &(l)     \
    }

/* Lists: m is the array, part the member of an element that goes into this row (or nothing). */
#define LIST_OF(S, n, m, part)                                                                     \
    .name = n, .offset = offsetof(S, m[0] part), .stride = sizeof MEMBER(S, m[0]),                 \
    .cap = HP_ARRAY_LEN(MEMBER(S, m))
#define COUNT_OF(S, how, count_m, min)                                                             \
    .count = how, .count_offset = offsetof(S, count_m), .count_min = min
#define STRUCTS(S, m, count_m, min, l)                                                             \
    {                                                                                              \
        LIST_OF(S, #m, m, ), COUNT_OF(S, HP_COUNT_MEMBER, count_m, min), .kind = HP_KIND_STRUCT,   \
                                                                         .layout = &(l)            \
    }
#define NUMBERS(S, n, m, part, how, count_m, min, ...)                                             \
    {                                                                                              \
        LIST_OF(S, n, m, part), COUNT_OF(S, how, count_m, min), .kind = KIND_OF(S, m[0] part),     \
                                                                .range = {                         \
                                                                    __VA_ARGS__                    \
                                                                }                                  \
    }
#define STEPS(S, n, m, part, ...)                                                                  \
    {                                                                                              \
        LIST_OF(S, n, m, part), .count = HP_COUNT_STEPS, .kind = KIND_OF(S, m[0] part), .range = { \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define FULL(S, m, ...)                                                                            \
    {                                                                                              \
        LIST_OF(S, #m, m, ), .count = HP_COUNT_ALL, .kind = KIND_OF(S, m[0]), .range = {           \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* Ranges, as "low, high". */
#define ANY_WORD 0.0, 0x1p64
#define ANY_REAL -DBL_MAX, DBL_MAX
#define FLAG 0.0, 1.0
#define PLACE_M -1e6, 1e6
#define LENGTH_M 0.0, 1e6
#define EXTENT_M 1e-3, 100.0
#define SPEED_MPS -200.0, 200.0
#define LIMIT_MPS 0.0, 200.0
#define ACCEL_MPS2 -1e3, 1e3
#define STEER_RAD -1.6, 1.6
#define YAW_RATE_RADPS -1e3, 1e3
#define SHARE_P 0.0, 1.0
#define RETURN_VALUE -1e9, 1e9
#define INSTANT_NS 0.0, 0x1p62 /* a world begins at 0; differences do not overflow */
#define SPAN_NS 0.0, 0x1p62

/* Places and poses are rows of their own in the message that holds them. */
#define PLACE(S, m, prefix)                                                                        \
    NUMBER_AS(S, m.x_m, prefix "x_m", PLACE_M), NUMBER_AS(S, m.y_m, prefix "y_m", PLACE_M)
#define POSE(S, m, prefix) PLACE(S, m, prefix), NUMBER_AS(S, m.yaw_rad, prefix "yaw_rad", ANY_REAL)
#define POINTS(S, m, count_m, min)                                                                 \
    NUMBERS(S, #m "_x_m", m, .x_m, HP_COUNT_MEMBER, count_m, min, PLACE_M),                        \
        NUMBERS(S, #m "_y_m", m, .y_m, HP_COUNT_SAME, count_m, min, PLACE_M)
#define RECTS(S, m, count_m)                                                                       \
    NUMBERS(S, #m "_x_min_m", m, .x_min_m, HP_COUNT_MEMBER, count_m, 0, PLACE_M),                  \
        NUMBERS(S, #m "_y_min_m", m, .y_min_m, HP_COUNT_SAME, count_m, 0, PLACE_M),                \
        NUMBERS(S, #m "_x_max_m", m, .x_max_m, HP_COUNT_SAME, count_m, 0, PLACE_M),                \
        NUMBERS(S, #m "_y_max_m", m, .y_max_m, HP_COUNT_SAME, count_m, 0, PLACE_M)

/* What a message's layout begins with. */
#define LAYOUT(S, d, rows)                                                                         \
    .name = #S, .descriptor = &hyplan__##d##__descriptor, .size = sizeof(S), .fields = rows,       \
    .n_fields = HP_ARRAY_LEN(rows)

/* ---- Rules across fields ---- */

static const char *rects_rule(const hp_rect *rects, uint32_t n)
{
    for (uint32_t i = 0; i < n; ++i) {
        if (rects[i].x_min_m > rects[i].x_max_m || rects[i].y_min_m > rects[i].y_max_m) {
            return "a rectangle of road or pavement has min above max";
        }
    }
    return NULL;
}

static const char *world_info_rule(const void *message)
{
    const hp_world_info *w = message;
    if (w->n_edges != 0 && w->n_edges != w->n_route) {
        return "edges are given for some points of the route only";
    }
    const char *broken = rects_rule(w->road, w->n_road);
    return broken != NULL ? broken : rects_rule(w->pavement, w->n_pavement);
}

static const char *forecast_rule(const void *message)
{
    const hp_forecast *f = message;
    double sum = 0.0;
    for (uint32_t i = 0; i < f->n_modes; ++i) {
        sum += f->modes[i].probability;
    }
    return fabs(sum - 1.0) <= 1e-6 ? NULL : "the probabilities of the modes do not sum to 1";
}

/** A number is finite if not all bits of its exponent are set; then adding the lowest of them sets
 * its sign. Eight bytes at a time, for there are thousands of numbers in a request. */
static bool are_finite(hp_number_type dtype, const unsigned char *data, size_t n_bytes)
{
    const bool narrow = dtype == HP_NUMBER_F32;
    const uint64_t exponent = narrow ? UINT64_C(0x7f8000007f800000) : UINT64_C(0x7ff0000000000000);
    const uint64_t lowest = narrow ? UINT64_C(0x0080000000800000) : UINT64_C(0x0010000000000000);
    const uint64_t sign = narrow ? UINT64_C(0x8000000080000000) : UINT64_C(0x8000000000000000);
    uint64_t all = 0;
    uint64_t word = 0;
    size_t at = 0;
    for (; at + sizeof word <= n_bytes; at += sizeof word) {
        memcpy(&word, data + at, sizeof word);
        all |= (word & exponent) + lowest;
    }
    word = 0;
    memcpy(&word, data + at, n_bytes - at);
    all |= (word & exponent) + lowest;
    return (all & sign) == 0;
}

/** Shape and bytes belong together, and every number is finite. */
static const char *tensor_rule(const hp_tensor_head *head, const unsigned char *data)
{
    uint64_t n = head->n_dims > 0 ? 1 : 0;
    for (uint32_t i = 0; i < head->n_dims; ++i) {
        n *= head->shape[i]; /* at most 2^20 each: no overflow */
    }
    if (head->n_bytes != n * hp_number_bytes(head->dtype)) {
        return "shape and data differ in size";
    }
    return are_finite(head->dtype, data, head->n_bytes) ? NULL : "a number is not finite";
}

static const char *big_tensor_rule(const void *message)
{
    const hp_big_tensor *t = message;
    return tensor_rule(&t->head, t->data);
}

static const char *small_tensor_rule(const void *message)
{
    const hp_small_tensor *t = message;
    return tensor_rule(&t->head, t->data);
}

/** Empty, or numbers of this type in no more rows and columns. */
static bool is_within(const hp_tensor_head *head, hp_number_type type, uint32_t rows,
                      uint32_t columns)
{
    return head->n_dims == 0 || (head->n_dims == 2 && head->dtype == type &&
                                 head->shape[0] <= rows && head->shape[1] <= columns);
}

static const char *evaluate_request_rule(const void *message)
{
    const hp_evaluate_request *q = message;
    if (!is_within(&q->scene.head, HP_NUMBER_F32, 1, HP_MAX_SCENE)) {
        return "the scene is not one row of at most 1024 F32";
    }
    return is_within(&q->looks.head, HP_NUMBER_F32, HP_MAX_LOOKS, HP_MAX_FEATURES)
               ? NULL
               : "the looks are not at most 64 rows of at most 256 F32";
}

static bool is_share(double x)
{
    return x >= 0.0 && x <= 1.0;
}

static bool is_answer(const double *said, uint32_t n)
{
    bool good = (said[HP_SAID_VALID] == 0.0 || said[HP_SAID_VALID] == 1.0) &&
                fabs(said[HP_SAID_VALUE]) <= 1e9 && said[HP_SAID_SPREAD] >= 0.0 &&
                said[HP_SAID_SPREAD] <= 1e6 && said[HP_SAID_WIDTH] >= 0.0 &&
                said[HP_SAID_WIDTH] <= 1e6;
    for (uint32_t k = HP_SAID_CRASH_P; k < n; ++k) {
        good = good && is_share(said[k]);
    }
    return good;
}

static const char *evaluate_reply_rule(const void *message)
{
    const hp_evaluate_reply *r = message;
    const uint32_t n = hp_tensor_columns(&r->answers.head);
    if (!is_within(&r->answers.head, HP_NUMBER_F64, HP_MAX_LOOKS, HP_MAX_SAID) ||
        (n > 0 && n <= HP_SAID_CHOICES)) {
        return "the answers are not at most 64 rows of 6 to 13 F64";
    }
    for (uint32_t i = 0; i < hp_tensor_rows(&r->answers.head); ++i) {
        double said[HP_MAX_SAID];
        memcpy(said, r->answers.data + (size_t)i * n * sizeof *said, n * sizeof *said);
        if (!is_answer(said, n)) {
            return "an answer has a number out of range";
        }
    }
    return NULL;
}

/* ---- The rows ---- */

static const hp_field EGO_STATE_ROWS[] = {
    POSE(hp_ego_state, pose, ""),
    NUMBER(hp_ego_state, speed_mps, SPEED_MPS),
    NUMBER(hp_ego_state, accel_mps2, ACCEL_MPS2),
    NUMBER(hp_ego_state, steer_rad, STEER_RAD),
    NUMBER(hp_ego_state, yaw_rate_radps, YAW_RATE_RADPS),
};
static const hp_layout EGO_STATE = {LAYOUT(hp_ego_state, ego_state, EGO_STATE_ROWS)};

static const hp_field AGENT_ROWS[] = {
    NUMBER(hp_agent, id, ANY_WORD),
    ENUM(hp_agent, kind, HP_CLASS_COUNT - 1),
    POSE(hp_agent, pose, ""),
    NUMBER(hp_agent, vx_mps, SPEED_MPS),
    NUMBER(hp_agent, vy_mps, SPEED_MPS),
    NUMBER(hp_agent, length_m, EXTENT_M),
    NUMBER(hp_agent, width_m, EXTENT_M),
    NUMBER(hp_agent, looks_at_ego, FLAG),
};
static const hp_layout AGENT = {LAYOUT(hp_agent, agent, AGENT_ROWS)};

static const hp_field OCCLUDER_ROWS[] = {
    NUMBER(hp_occluder, id, ANY_WORD),
    POSE(hp_occluder, box.centre, ""),
    NUMBER_AS(hp_occluder, box.length_m, "length_m", EXTENT_M),
    NUMBER_AS(hp_occluder, box.width_m, "width_m", EXTENT_M),
};
static const hp_layout OCCLUDER = {LAYOUT(hp_occluder, occluder, OCCLUDER_ROWS)};

static const hp_field WORLD_INFO_ROWS[] = {
    NUMBER(hp_world_info, world_id, ANY_WORD),
    NUMBER(hp_world_info, episode, ANY_WORD),
    NUMBER(hp_world_info, synchronous, FLAG),
    NUMBER(hp_world_info, tick_s, 1e-4, 10.0),
    NUMBER(hp_world_info, ego_length_m, EXTENT_M),
    NUMBER(hp_world_info, ego_width_m, EXTENT_M),
    NUMBER(hp_world_info, ego_wheelbase_m, EXTENT_M),
    NUMBER(hp_world_info, speed_limit_mps, LIMIT_MPS),
    NUMBER(hp_world_info, speed_floor_mps, LIMIT_MPS),
    NUMBER(hp_world_info, max_steer_rad, 0.0, 1.6),
    NUMBER(hp_world_info, sensor_range_m, LENGTH_M),
    POSE(hp_world_info, goal, "goal_"),
    NUMBER(hp_world_info, goal_radius_m, LENGTH_M),
    POINTS(hp_world_info, route, n_route, 2),
    RECTS(hp_world_info, road, n_road),
    RECTS(hp_world_info, pavement, n_pavement),
    NUMBERS(hp_world_info, "road_left_m", edges, .road_left_m, HP_COUNT_MEMBER, n_edges, 0,
            LENGTH_M),
    NUMBERS(hp_world_info, "road_right_m", edges, .road_right_m, HP_COUNT_SAME, n_edges, 0,
            LENGTH_M),
    NUMBERS(hp_world_info, "pavement_left_m", edges, .pavement_left_m, HP_COUNT_SAME, n_edges, 0,
            LENGTH_M),
    NUMBERS(hp_world_info, "pavement_right_m", edges, .pavement_right_m, HP_COUNT_SAME, n_edges, 0,
            LENGTH_M),
};
static const hp_layout WORLD_INFO = {LAYOUT(hp_world_info, world_info, WORLD_INFO_ROWS),
                                     .rule = world_info_rule};

static const hp_field FRAME_ROWS[] = {
    NUMBER(hp_frame, world_id, ANY_WORD),
    NUMBER(hp_frame, episode, ANY_WORD),
    NUMBER(hp_frame, tick, ANY_WORD),
    NUMBER(hp_frame, stamp_ns, INSTANT_NS),
    STRUCT(hp_frame, ego, EGO_STATE),
    STRUCTS(hp_frame, agents, n_agents, 0, AGENT),
    STRUCTS(hp_frame, occluders, n_occluders, 0, OCCLUDER),
};
static const hp_layout FRAME = {LAYOUT(hp_frame, frame, FRAME_ROWS)};

static const hp_field TRACK_ROWS[] = {
    NUMBER(hp_track, id, ANY_WORD),
    ENUM(hp_track, kind, HP_CLASS_COUNT - 1),
    NUMBER(hp_track, length_m, EXTENT_M),
    NUMBER(hp_track, width_m, EXTENT_M),
    POSE(hp_track, pose, ""),
    NUMBER(hp_track, vx_mps, SPEED_MPS),
    NUMBER(hp_track, vy_mps, SPEED_MPS),
    NUMBER(hp_track, yaw_rate_radps, YAW_RATE_RADPS),
    NUMBER(hp_track, visible, FLAG),
    NUMBERS(hp_track, "history_t_s", history_t_s, , HP_COUNT_MEMBER, n_history, 0, -1e6, 0.0),
    NUMBERS(hp_track, "history_x_m", history, .x_m, HP_COUNT_SAME, n_history, 0, PLACE_M),
    NUMBERS(hp_track, "history_y_m", history, .y_m, HP_COUNT_SAME, n_history, 0, PLACE_M),
};
static const hp_layout TRACK = {LAYOUT(hp_track, track, TRACK_ROWS)};

static const hp_field PREDICT_REQUEST_ROWS[] = {
    NUMBER(hp_predict_request, world_id, ANY_WORD),
    NUMBER(hp_predict_request, tick, ANY_WORD),
    NUMBER(hp_predict_request, deadline_ns, SPAN_NS),
    STRUCT(hp_predict_request, ego, EGO_STATE),
    STRUCTS(hp_predict_request, tracks, n_tracks, 0, TRACK),
    NUMBER(hp_predict_request, stamp_ns, INSTANT_NS),
};
static const hp_layout PREDICT_REQUEST = {
    LAYOUT(hp_predict_request, predict_request, PREDICT_REQUEST_ROWS)};

static const hp_field MODE_ROWS[] = {
    NUMBER(hp_mode, probability, SHARE_P),
    STEPS(hp_mode, "mean_x_m", mean, .x_m, PLACE_M),
    STEPS(hp_mode, "mean_y_m", mean, .y_m, PLACE_M),
    STEPS(hp_mode, "sigma_m", sigma_m, , LENGTH_M),
};
static const hp_layout MODE = {LAYOUT(hp_mode, mode, MODE_ROWS)};

static const hp_field FORECAST_ROWS[] = {
    NUMBER(hp_forecast, id, ANY_WORD),
    STRUCTS(hp_forecast, modes, n_modes, 1, MODE),
};
static const hp_layout FORECAST = {LAYOUT(hp_forecast, forecast, FORECAST_ROWS),
                                   .rule = forecast_rule};

static const hp_field PREDICT_REPLY_ROWS[] = {
    NUMBER(hp_predict_reply, world_id, ANY_WORD),
    NUMBER(hp_predict_reply, tick, ANY_WORD),
    NUMBER(hp_predict_reply, step_s, 1e-3, 10.0),
    NUMBER(hp_predict_reply, n_steps, 1, HP_MAX_STEPS),
    NUMBER(hp_predict_reply, from_model, FLAG),
    STRUCTS(hp_predict_reply, forecasts, n_forecasts, 0, FORECAST),
};
static const hp_layout PREDICT_REPLY = {LAYOUT(hp_predict_reply, predict_reply, PREDICT_REPLY_ROWS),
                                        .has_steps = true,
                                        .steps_offset = offsetof(hp_predict_reply, n_steps)};

static const hp_field BELIEF_AGENT_ROWS[] = {
    NUMBER(hp_belief_agent, id, ANY_WORD),
    ENUM(hp_belief_agent, kind, HP_CLASS_COUNT - 1),
    POSE(hp_belief_agent, pose, ""),
    NUMBER(hp_belief_agent, vx_mps, SPEED_MPS),
    NUMBER(hp_belief_agent, vy_mps, SPEED_MPS),
    NUMBER(hp_belief_agent, length_m, EXTENT_M),
    NUMBER(hp_belief_agent, width_m, EXTENT_M),
    NUMBER(hp_belief_agent, age_s, 0.0, 1e6),
    NUMBER(hp_belief_agent, cross_hz, 0.0, 1e3),
    STRUCTS(hp_belief_agent, modes, n_modes, 0, MODE),
};
static const hp_layout BELIEF_AGENT = {LAYOUT(hp_belief_agent, belief_agent, BELIEF_AGENT_ROWS)};

static const hp_field PHANTOM_ROWS[] = {
    PLACE(hp_phantom, edge, "edge_"),         NUMBER(hp_phantom, heading_rad, ANY_REAL),
    NUMBER(hp_phantom, speed_mps, LIMIT_MPS), NUMBER(hp_phantom, rate_hz, 0.0, 1e3),
    PLACE(hp_phantom, corner, "corner_"),
};
static const hp_layout PHANTOM = {LAYOUT(hp_phantom, phantom, PHANTOM_ROWS)};

static const hp_field SETTING_ROWS[] = {TEXT(hp_setting, key), NUMBER(hp_setting, value, ANY_REAL)};
static const hp_layout SETTING = {LAYOUT(hp_setting, setting, SETTING_ROWS)};

static const hp_field PLAN_REQUEST_ROWS[] = {
    NUMBER(hp_plan_request, world_id, ANY_WORD),
    NUMBER(hp_plan_request, tick, ANY_WORD),
    NUMBER(hp_plan_request, deadline_ns, SPAN_NS),
    NUMBER(hp_plan_request, max_trials, ANY_WORD),
    NUMBER(hp_plan_request, stream, ANY_WORD),
    NUMBER(hp_plan_request, ego_s_m, PLACE_M),
    NUMBER(hp_plan_request, ego_speed_mps, SPEED_MPS),
    NUMBER(hp_plan_request, ego_accel_mps2, ACCEL_MPS2),
    NUMBER(hp_plan_request, ego_length_m, EXTENT_M),
    NUMBER(hp_plan_request, ego_width_m, EXTENT_M),
    NUMBER(hp_plan_request, ego_wheelbase_m, EXTENT_M),
    NUMBER(hp_plan_request, speed_limit_mps, LIMIT_MPS),
    NUMBER(hp_plan_request, speed_floor_mps, LIMIT_MPS),
    NUMBER(hp_plan_request, goal_s_m, PLACE_M),
    NUMBER(hp_plan_request, last_action, 0.0, HP_MAX_ACTIONS - 1),
    NUMBER(hp_plan_request, sensor_range_m, LENGTH_M),
    POINTS(hp_plan_request, path, n_path, 2),
    NUMBERS(hp_plan_request, "path_speed_mps", path_speed_mps, , HP_COUNT_SAME, n_path, 2,
            LIMIT_MPS),
    NUMBER(hp_plan_request, step_s, 0.0, 10.0),
    NUMBER(hp_plan_request, n_steps, 0.0, HP_MAX_STEPS),
    STRUCTS(hp_plan_request, agents, n_agents, 0, BELIEF_AGENT),
    STRUCTS(hp_plan_request, occluders, n_occluders, 0, OCCLUDER),
    STRUCTS(hp_plan_request, phantoms, n_phantoms, 0, PHANTOM),
    STRUCTS(hp_plan_request, settings, n_settings, 0, SETTING),
};
static const hp_layout PLAN_REQUEST = {LAYOUT(hp_plan_request, plan_request, PLAN_REQUEST_ROWS),
                                       .has_steps = true,
                                       .steps_offset = offsetof(hp_plan_request, n_steps)};

static const hp_field PLAN_REPLY_ROWS[] = {
    NUMBER(hp_plan_reply, world_id, ANY_WORD),
    NUMBER(hp_plan_reply, tick, ANY_WORD),
    NUMBER(hp_plan_reply, found, FLAG),
    NUMBER(hp_plan_reply, action, 0.0, HP_MAX_ACTIONS - 1),
    NUMBER(hp_plan_reply, accel_mps2, ACCEL_MPS2),
    NUMBER(hp_plan_reply, value_lower, RETURN_VALUE),
    NUMBER(hp_plan_reply, value_upper, RETURN_VALUE),
    NUMBER(hp_plan_reply, trials, ANY_WORD),
    NUMBER(hp_plan_reply, nodes, ANY_WORD),
    NUMBER(hp_plan_reply, expansions, ANY_WORD),
    NUMBER(hp_plan_reply, pruned, ANY_WORD),
    NUMBER(hp_plan_reply, depth, ANY_WORD),
    NUMBER(hp_plan_reply, pool_used_permille, 0.0, 1000.0),
    NUMBER(hp_plan_reply, search_ns, SPAN_NS),
    NUMBER(hp_plan_reply, evaluated, ANY_WORD),
    NUMBER(hp_plan_reply, refused, ANY_WORD),
    NUMBER(hp_plan_reply, reopened, ANY_WORD),
    NUMBER(hp_plan_reply, batches, ANY_WORD),
    FULL(hp_plan_reply, pruned_at, 0.0, 0x1p32),
    NUMBER(hp_plan_reply, network_ns, SPAN_NS),
    NUMBER(hp_plan_reply, transport_ns, SPAN_NS),
};
static const hp_layout PLAN_REPLY = {LAYOUT(hp_plan_reply, plan_reply, PLAN_REPLY_ROWS)};

#define TENSOR_SHAPE(S)                                                                            \
    NUMBERS(S, "shape", head.shape, , HP_COUNT_MEMBER, head.n_dims, 0, 1.0, 0x1p20)
#define TENSOR_DTYPE(S)                                                                            \
    {                                                                                              \
        .name = "dtype", .kind = HP_KIND_ENUM, .offset = offsetof(S, head.dtype), .cap = 1,        \
        .range = {                                                                                 \
            0.0,                                                                                   \
            HP_NUMBER_COUNT - 1                                                                    \
        }                                                                                          \
    }
#define TENSOR_DATA(S)                                                                             \
    {                                                                                              \
        LIST_OF(S, "data", data, ), COUNT_OF(S, HP_COUNT_MEMBER, head.n_bytes, 0),                 \
            .kind = HP_KIND_BYTES                                                                  \
    }
static const hp_field BIG_TENSOR_ROWS[] = {TENSOR_SHAPE(hp_big_tensor), TENSOR_DTYPE(hp_big_tensor),
                                           TENSOR_DATA(hp_big_tensor)};
static const hp_layout BIG_TENSOR = {LAYOUT(hp_big_tensor, tensor, BIG_TENSOR_ROWS),
                                     .rule = big_tensor_rule};
static const hp_field SMALL_TENSOR_ROWS[] = {
    TENSOR_SHAPE(hp_small_tensor), TENSOR_DTYPE(hp_small_tensor), TENSOR_DATA(hp_small_tensor)};
static const hp_layout SMALL_TENSOR = {LAYOUT(hp_small_tensor, tensor, SMALL_TENSOR_ROWS),
                                       .rule = small_tensor_rule};

static const hp_field EVALUATE_REQUEST_ROWS[] = {
    NUMBER(hp_evaluate_request, world_id, ANY_WORD),
    NUMBER(hp_evaluate_request, tick, ANY_WORD),
    STRUCT(hp_evaluate_request, scene, SMALL_TENSOR),
    STRUCT(hp_evaluate_request, looks, BIG_TENSOR),
};
#define TENSOR_ROOM(S, m)                                                                          \
    {                                                                                              \
        offsetof(S, m.data), sizeof(((S *)0)->m.data), offsetof(S, m.head.n_bytes)                 \
    }
static const hp_room EVALUATE_REQUEST_ROOMS[] = {TENSOR_ROOM(hp_evaluate_request, scene),
                                                 TENSOR_ROOM(hp_evaluate_request, looks)};
static const hp_layout EVALUATE_REQUEST = {
    LAYOUT(hp_evaluate_request, evaluate_request, EVALUATE_REQUEST_ROWS),
    .rule = evaluate_request_rule, .rooms = EVALUATE_REQUEST_ROOMS,
    .n_rooms = HP_ARRAY_LEN(EVALUATE_REQUEST_ROOMS)};

static const hp_field EVALUATE_REPLY_ROWS[] = {
    NUMBER(hp_evaluate_reply, world_id, ANY_WORD),
    NUMBER(hp_evaluate_reply, tick, ANY_WORD),
    NUMBER(hp_evaluate_reply, has_model, FLAG),
    STRUCT(hp_evaluate_reply, answers, SMALL_TENSOR),
    NUMBER(hp_evaluate_reply, model_hash, ANY_WORD),
    NUMBER(hp_evaluate_reply, network_ns, SPAN_NS),
};
static const hp_room EVALUATE_REPLY_ROOMS[] = {TENSOR_ROOM(hp_evaluate_reply, answers)};
static const hp_layout EVALUATE_REPLY = {
    LAYOUT(hp_evaluate_reply, evaluate_reply, EVALUATE_REPLY_ROWS), .rule = evaluate_reply_rule,
    .rooms = EVALUATE_REPLY_ROOMS, .n_rooms = HP_ARRAY_LEN(EVALUATE_REPLY_ROOMS)};

static const hp_field HELLO_ROWS[] = {
    TEXT(hp_hello, role),
    TEXT(hp_hello, version),
    NUMBER(hp_hello, generation, ANY_WORD),
    NUMBER(hp_hello, has_model, FLAG),
};
static const hp_layout HELLO = {LAYOUT(hp_hello, hello, HELLO_ROWS)};

static const hp_field COMMAND_ROWS[] = {
    NUMBER(hp_command, world_id, ANY_WORD),        NUMBER(hp_command, tick, ANY_WORD),
    NUMBER(hp_command, accel_mps2, -100.0, 100.0), NUMBER(hp_command, steer_rad, STEER_RAD),
    ENUM(hp_command, source, HP_SOURCE_COUNT - 1), NUMBER(hp_command, guarded, FLAG),
};
static const hp_layout COMMAND = {LAYOUT(hp_command, command, COMMAND_ROWS)};

static const hp_field DECISION_ROWS[] = {
    NUMBER(hp_decision, world_id, ANY_WORD),
    NUMBER(hp_decision, tick, ANY_WORD),
    NUMBER(hp_decision, decided, FLAG),
    STRUCT(hp_decision, plan, PLAN_REPLY),
    STRUCT(hp_decision, command, COMMAND),
    NUMBER(hp_decision, n_agents, 0.0, HP_MAX_AGENTS),
    NUMBER(hp_decision, n_phantoms, 0.0, HP_MAX_PHANTOMS),
    NUMBER(hp_decision, predictor_fallback, FLAG),
    FULL(hp_decision, stage_ns, SPAN_NS),
    NUMBER(hp_decision, total_ns, SPAN_NS),
    NUMBER(hp_decision, search_failed, FLAG),
    NUMBER(hp_decision, published, ANY_WORD),
    NUMBER(hp_decision, config_version, ANY_WORD),
};
static const hp_layout DECISION = {LAYOUT(hp_decision, decision, DECISION_ROWS)};

static const hp_field HEALTH_ROWS[] = {
    TEXT(hp_health, role),
    NUMBER(hp_health, generation, ANY_WORD),
    NUMBER(hp_health, requests, ANY_WORD),
    NUMBER(hp_health, refused, ANY_WORD),
    NUMBER(hp_health, late, ANY_WORD),
    NUMBER(hp_health, fallbacks, ANY_WORD),
    NUMBER(hp_health, degraded, FLAG),
    TEXT(hp_health, note),
};
static const hp_layout HEALTH = {LAYOUT(hp_health, health, HEALTH_ROWS)};

static const hp_field EPISODE_END_ROWS[] = {
    NUMBER(hp_episode_end, world_id, ANY_WORD), NUMBER(hp_episode_end, episode, ANY_WORD),
    NUMBER(hp_episode_end, ticks, ANY_WORD),    ENUM(hp_episode_end, verdict, HP_VERDICT_STOPPED),
    NUMBER(hp_episode_end, last, FLAG),
};
static const hp_layout EPISODE_END = {LAYOUT(hp_episode_end, episode_end, EPISODE_END_ROWS)};

static const hp_field CONFIGURATION_ROWS[] = {
    NUMBER(hp_configuration, version, ANY_WORD),
    NUMBER(hp_configuration, pid, ANY_WORD),
    NUMBER(hp_configuration, refused, ANY_WORD),
    TEXT(hp_configuration, complaint),
    STRUCTS(hp_configuration, settings, n_settings, 0, SETTING),
};
static const hp_layout CONFIGURATION = {
    LAYOUT(hp_configuration, configuration, CONFIGURATION_ROWS)};

const hp_layout *hp_layout_of(hp_msg_type type)
{
    static const hp_layout *const LAYOUTS[] = {
        [HP_MSG_HELLO] = &HELLO,
        [HP_MSG_WORLD_INFO] = &WORLD_INFO,
        [HP_MSG_FRAME] = &FRAME,
        [HP_MSG_PREDICT_REQUEST] = &PREDICT_REQUEST,
        [HP_MSG_PREDICT_REPLY] = &PREDICT_REPLY,
        [HP_MSG_PLAN_REQUEST] = &PLAN_REQUEST,
        [HP_MSG_PLAN_REPLY] = &PLAN_REPLY,
        [HP_MSG_EVALUATE_REQUEST] = &EVALUATE_REQUEST,
        [HP_MSG_EVALUATE_REPLY] = &EVALUATE_REPLY,
        [HP_MSG_COMMAND] = &COMMAND,
        [HP_MSG_DECISION] = &DECISION,
        [HP_MSG_HEALTH] = &HEALTH,
        [HP_MSG_EPISODE_END] = &EPISODE_END,
        [HP_MSG_CONFIGURATION] = &CONFIGURATION,
    };
    _Static_assert(HP_ARRAY_LEN(LAYOUTS) == HP_MSG_COUNT, "every message has a table");
    return LAYOUTS[type];
}
