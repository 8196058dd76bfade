#include "sim-bridge/carla/carla_fit.h"

#include "sim-bridge/carla/carla_frame.h"
#include "sim-bridge/carla/carla_puppet.h"
#include "sim-bridge/xodr/xodr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWNS = 4, RUNS = 4, STAND_TICKS = 10, LEAST_SAMPLES = 50, WEAVES = 4 };

#define STRAIGHT_RAD 0.01
#define LEAST_STRAIGHT_M 60.0
#define FROM_START_M 3.0
#define SETTLE_S 0.6 /* after a change of the pedals: lags */
#define LEAST_MPS 1.0
#define THROTTLE_S 4.0
#define COAST_S 2.0
#define BRAKE_S 1.5
#define WEAVE_S 1.0

static const double THROTTLES[RUNS] = {0.3, 0.5, 0.7, 0.4};
static const double BRAKES[RUNS] = {0.2, 0.4, 0.6, 0.8};
static const double WHEELS[WEAVES] = {0.1, -0.1, -0.15, 0.15};

/** Sums of least squares. */
typedef struct sums {
    double a[UNKNOWNS][UNKNOWNS], b[UNKNOWNS], bb;
    double steer_xx, steer_xy;
    uint32_t n;
} sums;

typedef struct session {
    carla_config config;
    hp_clock clock;
    bool (*stopping)(void);
    carla_client *client;
    carla_before before;
    bool changed;
    double tick_s;
    carla_transform start;
    carla_puppet ego;
    hp_world_info info; /* wheelbase and steering range */
    hp_ego_state state;
    sums sums;
} session;

/* ---- Sums ---- */

static void add_accel(sums *s, const double x[UNKNOWNS], double accel)
{
    for (int i = 0; i < UNKNOWNS; ++i) {
        for (int k = 0; k < UNKNOWNS; ++k) {
            s->a[i][k] += x[i] * x[k];
        }
        s->b[i] += x[i] * accel;
    }
    s->bb += accel * accel;
    s->n += 1;
}

/** Solves by elimination with pivots; false: the samples do not tell. */
static bool solve(const sums *s, double out[UNKNOWNS])
{
    double m[UNKNOWNS][UNKNOWNS + 1];
    for (int i = 0; i < UNKNOWNS; ++i) {
        memcpy(m[i], s->a[i], sizeof s->a[i]);
        m[i][UNKNOWNS] = s->b[i];
    }
    for (int c = 0; c < UNKNOWNS; ++c) {
        int pivot = c;
        for (int r = c + 1; r < UNKNOWNS; ++r) {
            pivot = fabs(m[r][c]) > fabs(m[pivot][c]) ? r : pivot;
        }
        if (fabs(m[pivot][c]) < 1e-9) {
            return false;
        }
        for (int k = 0; k <= UNKNOWNS; ++k) {
            const double swap = m[c][k];
            m[c][k] = m[pivot][k];
            m[pivot][k] = swap;
        }
        for (int r = 0; r < UNKNOWNS; ++r) {
            const double share = r == c ? 0.0 : m[r][c] / m[c][c];
            for (int k = c; k <= UNKNOWNS && share != 0.0; ++k) {
                m[r][k] -= share * m[c][k];
            }
        }
    }
    for (int i = 0; i < UNKNOWNS; ++i) {
        out[i] = m[i][UNKNOWNS] / m[i][i];
    }
    return true;
}

/* ---- Driving ---- */

static hp_status tick(session *s, const carla_command *commands, uint32_t n, hp_error *error)
{
    carla_snapshot snapshot;
    carla_entry entry;
    if (s->stopping != NULL && s->stopping()) {
        return hp_fail(error, HP_EINTERRUPTED, "interrupted: nothing was found out");
    }
    hp_status st = carla_client_batch(s->client, commands, n, error);
    if (st == HP_OK) {
        st = carla_client_tick(s->client, &snapshot, error);
    }
    for (uint32_t i = 0; st == HP_OK && i < snapshot.n_actors; ++i) {
        if (carla_entry_id(&snapshot, i) == s->ego.id &&
            carla_entry_read(&snapshot, i, CARLA_ENTRY_VEHICLE, &entry)) {
            s->state = carla_puppet_ego(&s->ego, &entry, s->info.max_steer_rad);
            return HP_OK;
        }
    }
    return st == HP_OK ? hp_fail(error, HP_ENOENT, "the ego has vanished") : st;
}

/** Fixed pedals for a while; what they do once the lags are over goes into the sums. */
static hp_status hold(session *s, carla_control control, double duration_s, hp_error *error)
{
    const carla_command c = {.kind = CARLA_CMD_CONTROL, .actor = s->ego.id, .control = control};
    const uint32_t n = (uint32_t)(duration_s / s->tick_s);
    const uint32_t settled = (uint32_t)(SETTLE_S / s->tick_s);
    hp_status st = HP_OK;
    for (uint32_t i = 0; i < n && st == HP_OK; ++i) {
        const hp_ego_state before = s->state;
        st = tick(s, &c, 1, error);
        const double v = 0.5 * (before.speed_mps + s->state.speed_mps);
        if (st != HP_OK || i < settled || v < LEAST_MPS || s->state.speed_mps < LEAST_MPS) {
            continue;
        }
        if (control.steer == 0.0F) {
            const double x[UNKNOWNS] = {(double)control.throttle, -(double)control.brake, -1.0,
                                        -v * v};
            add_accel(&s->sums, x, (s->state.speed_mps - before.speed_mps) / s->tick_s);
        } else {
            const double asked = -(double)control.steer * s->info.max_steer_rad;
            const double turned =
                hp_angle_wrap(s->state.pose.yaw_rad - before.pose.yaw_rad) / s->tick_s;
            s->sums.steer_xx += asked * asked;
            s->sums.steer_xy += asked * atan(turned * s->info.ego_wheelbase_m / v);
        }
    }
    return st;
}

/** Back to the start, at rest. */
static hp_status put_back(session *s, hp_error *error)
{
    const carla_command commands[] = {
        {.kind = CARLA_CMD_TRANSFORM, .actor = s->ego.id, .transform = s->start},
        {.kind = CARLA_CMD_VELOCITY, .actor = s->ego.id},
        {.kind = CARLA_CMD_CONTROL, .actor = s->ego.id, .control = {.brake = 1.0F}}};
    hp_status st = HP_OK;
    for (uint32_t i = 0; i < STAND_TICKS && st == HP_OK; ++i) {
        const uint32_t skip = i == 0 ? 0 : 2;
        st = tick(s, commands + skip, HP_ARRAY_LEN(commands) - skip, error);
    }
    return st;
}

static hp_status drive(session *s, hp_error *error)
{
    hp_status st = HP_OK;
    for (int i = 0; i < RUNS && st == HP_OK; ++i) {
        st = put_back(s, error);
        if (st == HP_OK) {
            st = hold(s, (carla_control){.throttle = (float)THROTTLES[i]}, THROTTLE_S, error);
        }
        if (st == HP_OK) {
            st = hold(s, (carla_control){0}, COAST_S, error);
        }
        if (st == HP_OK) {
            st = hold(s, (carla_control){.brake = (float)BRAKES[i]}, BRAKE_S, error);
        }
    }
    if (st == HP_OK) {
        st = put_back(s, error);
    }
    if (st == HP_OK) {
        st = hold(s, (carla_control){.throttle = (float)THROTTLES[0]}, THROTTLE_S, error);
    }
    for (int i = 0; i < WEAVES && st == HP_OK; ++i) {
        st = hold(s, (carla_control){.steer = (float)WHEELS[i]}, WEAVE_S, error);
    }
    return st;
}

/* ---- Session ---- */

/** A pose at the beginning of the longest straight lane. */
static hp_status find_straight(session *s, double *length_m, hp_error *error)
{
    carla_text text;
    xodr_map *map = NULL;
    const xodr_lane *best = NULL;
    hp_status st = carla_client_map_text(s->client, &text, error);
    if (st == HP_OK) {
        st = xodr_parse("the server's map", text.p, text.len, &map, error);
    }
    if (st != HP_OK) {
        return st;
    }
    for (uint32_t i = 0; i < xodr_facts_of(map).n_lanes; ++i) {
        const xodr_lane *lane = xodr_lane_at(map, i);
        const double chord_m = hp_dist(lane->centre[0], lane->centre[lane->n - 1]);
        if (lane->kind == XODR_DRIVING && fabs(lane->turn_rad) < STRAIGHT_RAD &&
            lane->s_m[lane->n - 1] < 1.001 * chord_m &&
            (best == NULL || lane->s_m[lane->n - 1] > best->s_m[best->n - 1])) {
            best = lane;
        }
    }
    *length_m = best != NULL ? best->s_m[best->n - 1] : 0.0;
    if (best == NULL || *length_m < LEAST_STRAIGHT_M) {
        st = hp_fail(error, HP_ENOENT,
                     "the longest straight lane of the map has %.0f m, too short to measure on "
                     "(%.0f m): load another town (bridge.carla.map)",
                     *length_m, LEAST_STRAIGHT_M);
    } else {
        const hp_pose at = hp_polyline_at(best->centre, best->s_m, best->n, FROM_START_M);
        s->start = carla_from_pose(at, s->config.spawn_z_m);
    }
    xodr_destroy(&map);
    return st;
}

static hp_status open_session(session *s, double *straight_m, hp_error *error)
{
    carla_actor actor;
    char mark[CARLA_MARK_TEXT];
    const carla_takeover how = {
        .config = &s->config, .tick_s = s->tick_s, .clock = &s->clock, .mark = mark};
    carla_owner_mark(0, mark);
    hp_status st = carla_client_open(&how, &s->client, &s->before, error);
    s->changed = st == HP_OK;
    if (st == HP_OK) {
        st = find_straight(s, straight_m, error);
    }
    if (st == HP_OK) {
        st = carla_client_spawn(s->client, s->config.ego, mark, &s->start, &actor, error);
    }
    if (st == HP_OK) {
        s->ego = carla_puppet_of(&actor, 4.5, 1.9);
        s->info.ego_wheelbase_m = 2.5;
        s->info.max_steer_rad = 1.2;
        st = carla_learn_vehicle(s->client, &s->ego, &s->info, error);
    }
    return st;
}

static void close_session(session *s)
{
    const carla_command end = {.kind = CARLA_CMD_DESTROY, .actor = s->ego.id};
    hp_error ignored;
    if (s->client != NULL && s->ego.id != 0) {
        (void)!carla_client_batch(s->client, &end, 1, &ignored);
    }
    if (s->client != NULL && s->changed) {
        (void)!carla_client_give_back(s->client, s->tick_s, &s->before.settings, &ignored);
    }
    carla_client_close(&s->client);
}

static hp_status evaluate(const sums *s, carla_fit *out, hp_error *error)
{
    double x[UNKNOWNS];
    if (s->n < LEAST_SAMPLES || s->steer_xx <= 0.0 || !solve(s, x)) {
        return hp_fail(error, HP_EINVAL,
                       "the vehicle hardly moved: only %u samples of its acceleration", s->n);
    }
    double rest = s->bb;
    for (int i = 0; i < UNKNOWNS; ++i) {
        rest -= x[i] * s->b[i];
    }
    out->throttle_mps2 = x[0];
    out->brake_mps2 = x[1];
    out->rolling_mps2 = fmax(x[2], 0.0);
    out->drag_mps2_per_mps2 = fmax(x[3], 0.0);
    out->steer_gain = s->steer_xy / s->steer_xx;
    out->rms_mps2 = sqrt(fmax(rest, 0.0) / s->n);
    out->n_samples = s->n;
    const bool good = out->throttle_mps2 >= 0.5 && out->throttle_mps2 <= 20.0 &&
                      out->brake_mps2 >= 0.5 && out->brake_mps2 <= 20.0 &&
                      out->rolling_mps2 <= 5.0 && out->drag_mps2_per_mps2 <= 0.1 &&
                      out->steer_gain >= 0.1 && out->steer_gain <= 3.0;
    return good ? HP_OK
                : hp_fail(error, HP_EINVAL,
                          "this is no car: throttle %.2f, brake %.2f, rolling %.2f m/s^2, drag "
                          "%.4f 1/m, steering %.2f",
                          x[0], x[1], x[2], x[3], out->steer_gain);
}

hp_status carla_fit_drive(const carla_config *config, double tick_s, bool (*stopping)(void),
                          carla_fit *out, hp_error *error)
{
    session *s = calloc(1, sizeof *s);
    *out = (carla_fit){0};
    if (s == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the measurement");
    }
    s->config = *config;
    s->tick_s = tick_s;
    s->stopping = stopping;
    s->clock = hp_clock_real();
    hp_status st = open_session(s, &out->straight_m, error);
    if (st == HP_OK) {
        st = drive(s, error);
    }
    close_session(s);
    if (st == HP_OK) {
        st = evaluate(&s->sums, out, error);
    }
    free(s);
    return st;
}
