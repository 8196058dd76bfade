#include "sim-bridge/sim_judge.h"

#include "proto/hp_ground.h"

#include <string.h>
#include <xxhash.h>

/* The benchmark's figures. */
#define NEAR_FRONT_M 1.5
#define NEAR_SIDE_M 0.5 /* and to the rear */
#define NEAR_M 1.6      /* from the ego's box to the farthest corner of both, and a little more */
#define SPEEDING_MARGIN_MPS (1.0 / 3.6)
#define SPEEDING_LIMIT_S 0.5
#define HARD_BRAKE_MPS2 (-4.0)
#define ONCOMING_M 2.0 /* this far beside the route, and still on a road */
#define SIGN_MPS2 0.05 /* commands nearer to 0 than this count as holding speed */

/** The ego as its surroundings are measured from. */
typedef struct ego_view {
    hp_box box;
    double c, s; /* of its yaw */
    double half_length_m, half_width_m;
    double speed_mps;
    bool moves;
} ego_view;

/** A body in the ego's frame: x along, y to the left. */
typedef struct relative {
    double x_m, y_m, vx_mps, vy_mps;
    double c, s;                 /* of its yaw in this frame */
    double reach_x_m, reach_y_m; /* where its bounding rectangle touches the ego's box */
    double half_length_m, half_width_m;
} relative;

const char *sim_crash_text(sim_crash crash)
{
    switch (crash) {
    case SIM_CRASH_NONE:
        return "none";
    case SIM_CRASH_FRONT:
        return "front";
    case SIM_CRASH_SIDE:
        return "side";
    case SIM_CRASH_REAR:
        return "rear";
    case SIM_CRASH_OFFROAD:
        return "offroad";
    case SIM_CRASH_COUNT:
        break;
    }
    return "unknown";
}

const char *sim_verdict_text(hp_verdict verdict)
{
    switch (verdict) {
    case HP_VERDICT_RUNNING:
        return "running";
    case HP_VERDICT_GOAL:
        return "goal";
    case HP_VERDICT_CRASH:
        return "crash";
    case HP_VERDICT_TIMEOUT:
        return "timeout";
    case HP_VERDICT_STOPPED:
        return "stopped";
    }
    return "unknown";
}

void sim_judge_init(const hp_world_info *info, double time_limit_s, bool near_miss_applies,
                    sim_judge *judge)
{
    memset(judge, 0, sizeof *judge);
    judge->info = info;
    judge->time_limit_s = time_limit_s;
    judge->result.near_miss_applies = near_miss_applies;
    judge->result.ttg_s = NAN;
    judge->result.min_ttc_s = INFINITY;
    judge->result.min_gap_m = INFINITY;
    if (info->n_route > 0) {
        (void)hp_polyline_lengths(info->route, info->n_route, judge->route_s_m);
    }
}

static ego_view view_of(const hp_world_info *info, const hp_ego_state *ego)
{
    return (ego_view){
        .box = {ego->pose, info->ego_length_m, info->ego_width_m},
        .c = cos(ego->pose.yaw_rad),
        .s = sin(ego->pose.yaw_rad),
        .half_length_m = 0.5 * info->ego_length_m,
        .half_width_m = 0.5 * info->ego_width_m,
        .speed_mps = ego->speed_mps,
        .moves = fabs(ego->speed_mps) > SIM_STANDING_MPS,
    };
}

/** Sine and cosine of body i's yaw; most bodies never turn, so the last ones are kept. */
static hp_vec2 heading_of(sim_judge *judge, const sim_body *body, uint32_t i)
{
    const double yaw_rad = body->box.centre.yaw_rad;
    if (i >= SIM_JUDGE_HEADINGS) {
        return (hp_vec2){cos(yaw_rad), sin(yaw_rad)};
    }
    if (i >= judge->n_headings || judge->heading_yaw_rad[i] != yaw_rad) {
        judge->heading_yaw_rad[i] = yaw_rad;
        judge->heading[i] = (hp_vec2){cos(yaw_rad), sin(yaw_rad)};
    }
    return judge->heading[i];
}

static relative relate(const ego_view *ego, const sim_body *body, hp_vec2 heading)
{
    const double dx = body->box.centre.x_m - ego->box.centre.x_m;
    const double dy = body->box.centre.y_m - ego->box.centre.y_m;
    const double c = ego->c * heading.x_m + ego->s * heading.y_m;
    const double s = ego->c * heading.y_m - ego->s * heading.x_m;
    const double hl = 0.5 * body->box.length_m;
    const double hw = 0.5 * body->box.width_m;
    return (relative){
        .x_m = ego->c * dx + ego->s * dy,
        .y_m = ego->c * dy - ego->s * dx,
        .vx_mps = ego->c * body->vx_mps + ego->s * body->vy_mps - ego->speed_mps,
        .vy_mps = ego->c * body->vy_mps - ego->s * body->vx_mps,
        .c = c,
        .s = s,
        .reach_x_m = ego->half_length_m + hl * fabs(c) + hw * fabs(s),
        .reach_y_m = ego->half_width_m + hl * fabs(s) + hw * fabs(c),
        .half_length_m = hl,
        .half_width_m = hw,
    };
}

/** Narrows [*from, *to] to the times at which |p + v t| <= reach. */
static void clip_time(double p, double v, double reach, double *from, double *to)
{
    if (v == 0.0) {
        if (fabs(p) > reach) {
            *to = -INFINITY;
        }
        return;
    }
    const double t0 = (-reach - p) / v;
    const double t1 = (reach - p) / v;
    *from = hp_max(*from, hp_min(t0, t1));
    *to = hp_min(*to, hp_max(t0, t1));
}

/** When the rectangles touch if both keep their velocities; INFINITY if never. */
static double time_to_collision(const relative *r)
{
    double from = 0.0;
    double to = INFINITY;
    clip_time(r->x_m, r->vx_mps, r->reach_x_m, &from, &to);
    clip_time(r->y_m, r->vy_mps, r->reach_y_m, &from, &to);
    return from <= to ? from : (double)INFINITY;
}

/** Separating axes: two of the ego (the bounding rectangle's reach) and two of the body. */
static bool overlaps(const ego_view *ego, const relative *r)
{
    const double ct = fabs(r->c);
    const double st = fabs(r->s);
    return fabs(r->x_m) <= r->reach_x_m && fabs(r->y_m) <= r->reach_y_m &&
           fabs(r->c * r->x_m + r->s * r->y_m) <=
               r->half_length_m + ego->half_length_m * ct + ego->half_width_m * st &&
           fabs(r->c * r->y_m - r->s * r->x_m) <=
               r->half_width_m + ego->half_length_m * st + ego->half_width_m * ct;
}

/** Square of the distance from p to a rectangle around the origin. */
static double rect_distance2(double x, double y, double half_x, double half_y)
{
    const double dx = hp_max(fabs(x) - half_x, 0.0);
    const double dy = hp_max(fabs(y) - half_y, 0.0);
    return dx * dx + dy * dy;
}

/** Smallest distance of the two boxes: one of its ends is a corner of one of them. */
static double gap(const ego_view *ego, const relative *r)
{
    static const double SIGNS[4][2] = {{1, 1}, {1, -1}, {-1, -1}, {-1, 1}};
    if (overlaps(ego, r)) {
        return 0.0;
    }
    double best = INFINITY;
    for (int i = 0; i < 4; ++i) {
        const double ax = SIGNS[i][0] * r->half_length_m;
        const double ay = SIGNS[i][1] * r->half_width_m;
        best = hp_min(best,
                      rect_distance2(r->x_m + r->c * ax - r->s * ay, r->y_m + r->s * ax + r->c * ay,
                                     ego->half_length_m, ego->half_width_m));
        const double bx = SIGNS[i][0] * ego->half_length_m - r->x_m;
        const double by = SIGNS[i][1] * ego->half_width_m - r->y_m;
        best = hp_min(best, rect_distance2(r->c * bx + r->s * by, r->c * by - r->s * bx,
                                           r->half_length_m, r->half_width_m));
    }
    return sqrt(best);
}

/** How long ago the bodies began to overlap along one axis, by their closing speed. */
static double since_touch(double overlap_m, double closing_mps)
{
    return closing_mps > 0.0 ? overlap_m / closing_mps : (double)INFINITY;
}

/** Boxes touch where they began to overlap last: front, rear, or a flank. */
static sim_crash crash_side(const relative *r)
{
    const double front = since_touch(r->reach_x_m - r->x_m, -r->vx_mps);
    const double rear = since_touch(r->reach_x_m + r->x_m, r->vx_mps);
    const double left = since_touch(r->reach_y_m - r->y_m, -r->vy_mps);
    const double right = since_touch(r->reach_y_m + r->y_m, r->vy_mps);
    const double flank = hp_min(left, right);
    if (front <= rear && front <= flank) {
        return SIM_CRASH_FRONT;
    }
    return rear < flank ? SIM_CRASH_REAR : SIM_CRASH_SIDE;
}

static void crash(sim_judge *judge, sim_crash kind, double speed_mps)
{
    if (judge->result.verdict == HP_VERDICT_CRASH) {
        return;
    }
    judge->result.verdict = HP_VERDICT_CRASH;
    judge->result.crash = kind;
    judge->result.impact_mps = fabs(speed_mps);
}

/** True if the body cannot lower the smallest gap, and is nowhere near a near miss or a crash. */
static bool is_far(const relative *r, double min_gap_m)
{
    const double beyond = hp_max(min_gap_m, NEAR_M);
    return rect_distance2(r->x_m, r->y_m, r->reach_x_m, r->reach_y_m) > beyond * beyond;
}

static void judge_body(sim_judge *judge, const ego_view *ego, const sim_body *body, uint32_t i)
{
    sim_result *result = &judge->result;
    const relative r = relate(ego, body, heading_of(judge, body, i));
    if (!isfinite(r.x_m + r.y_m + r.vx_mps + r.vy_mps)) {
        return; /* a body that is nowhere */
    }
    if (ego->moves) {
        result->min_ttc_s = hp_min(result->min_ttc_s, time_to_collision(&r));
    }
    if (is_far(&r, body->standing ? 0.0 : result->min_gap_m)) {
        return;
    }
    if (!body->standing) {
        result->min_gap_m = hp_min(result->min_gap_m, gap(ego, &r));
    }
    if (!ego->moves) {
        return;
    }
    if (body->kind == HP_CLASS_WALKER && r.x_m <= ego->half_length_m + NEAR_FRONT_M &&
        r.x_m >= -ego->half_length_m - NEAR_SIDE_M &&
        fabs(r.y_m) <= ego->half_width_m + NEAR_SIDE_M) {
        judge->near_miss_seen = true;
    }
    if (overlaps(ego, &r)) {
        crash(judge, crash_side(&r), ego->speed_mps);
    }
}

/** Moves along the route to the ego's foot point, a share of the way between two points of it;
 *  returns the distance to its left. */
static double follow_route(sim_judge *judge, hp_vec2 ego, double *share)
{
    const hp_world_info *info = judge->info;
    while (judge->segment + 1 < info->n_route) {
        const uint32_t i = judge->segment;
        const hp_vec2 d = hp_vec2_sub(info->route[i + 1], info->route[i]);
        const hp_vec2 p = hp_vec2_sub(ego, info->route[i]);
        const double length = judge->route_s_m[i + 1] - judge->route_s_m[i];
        const double along = p.x_m * d.x_m + p.y_m * d.y_m;
        if (along > length * length && i + 2 < info->n_route) {
            judge->segment = i + 1;
            continue;
        }
        if (length <= 0.0) {
            break;
        }
        judge->result.progress_m = judge->route_s_m[i] + hp_clamp(along / length, 0.0, length);
        *share = hp_clamp(along / (length * length), 0.0, 1.0);
        return (d.x_m * p.y_m - d.y_m * p.x_m) / length;
    }
    *share = 0.0;
    return 0.0;
}

static bool on_road(sim_judge *judge, hp_vec2 p)
{
    const hp_world_info *info = judge->info;
    if (hp_rect_contains(&info->road[judge->rect], p)) {
        return true;
    }
    for (uint32_t i = 0; i < info->n_road; ++i) {
        if (hp_rect_contains(&info->road[i], p)) {
            judge->rect = i;
            return true;
        }
    }
    return false;
}

static bool on_pavement(const hp_world_info *info, hp_vec2 p)
{
    for (uint32_t i = 0; i < info->n_pavement; ++i) {
        if (hp_rect_contains(&info->pavement[i], p)) {
            return true;
        }
    }
    return false;
}

/** Road, pavement, oncoming lane, off limits, progress. */
static void judge_place(sim_judge *judge, const hp_ego_state *ego)
{
    const hp_world_info *info = judge->info;
    const hp_vec2 p = {ego->pose.x_m, ego->pose.y_m};
    double share = 0.0;
    const double left_m = follow_route(judge, p, &share);
    hp_ground ground = HP_GROUND_OFF;
    if (info->n_edges > 0) {
        ground = hp_ground_beside(info, judge->segment, share, left_m);
    } else if (info->n_road + info->n_pavement == 0) {
        return;
    } else if (info->n_road > 0 && on_road(judge, p)) {
        ground = HP_GROUND_ROAD;
    } else if (on_pavement(info, p)) {
        ground = HP_GROUND_PAVEMENT;
    }
    if (ground == HP_GROUND_ROAD) {
        judge->result.oncoming_s += fabs(left_m) > ONCOMING_M ? info->tick_s : 0.0;
    } else if (ground == HP_GROUND_PAVEMENT) {
        judge->result.pavement_s += info->tick_s;
    } else {
        crash(judge, SIM_CRASH_OFFROAD, ego->speed_mps);
    }
}

static void judge_motion(sim_judge *judge, const hp_ego_state *before, const hp_ego_state *after)
{
    sim_result *result = &judge->result;
    const double tick_s = judge->info->tick_s;
    const double accel_mps2 = (after->speed_mps - before->speed_mps) / tick_s;
    if (judge->accel_ticks > 0) {
        const double jerk = (accel_mps2 - judge->accel_mps2) / tick_s;
        judge->jerk2_sum += jerk * jerk;
        result->max_jerk_mps3 = hp_max(result->max_jerk_mps3, fabs(jerk));
        result->rms_jerk_mps3 = sqrt(judge->jerk2_sum / judge->accel_ticks);
    }
    judge->accel_mps2 = accel_mps2;
    judge->accel_ticks += 1;
    const bool hard = accel_mps2 < HARD_BRAKE_MPS2;
    result->hard_brakes += hard && !judge->braking_hard ? 1 : 0;
    judge->braking_hard = hard;
    result->max_speed_mps = hp_max(result->max_speed_mps, fabs(after->speed_mps));
    if (fabs(after->speed_mps) > judge->info->speed_limit_mps + SPEEDING_MARGIN_MPS) {
        result->speeding_s += tick_s;
    }
}

static void judge_brakes(sim_judge *judge, const hp_ego_state *before, const sim_body *bodies,
                         uint32_t n)
{
    const sim_brakes_view view = {.info = judge->info,
                                  .route_s_m = judge->route_s_m,
                                  .progress_m = judge->result.progress_m,
                                  .speed_mps = before->speed_mps,
                                  .accel_mps2 = judge->accel_mps2,
                                  .bodies = bodies,
                                  .n_bodies = n};
    sim_brakes_tick(&judge->brakes, &view);
    judge->result.brakings = judge->brakes.brakings;
    judge->result.false_brakings = judge->brakes.false_brakings;
}

static int sign_of(double accel_mps2)
{
    return (accel_mps2 > SIGN_MPS2) - (accel_mps2 < -SIGN_MPS2);
}

static void judge_command(sim_judge *judge, const hp_command *command)
{
    sim_result *result = &judge->result;
    double numbers[2] = {NAN, NAN};
    if (command != NULL) {
        const int sign = sign_of(command->accel_mps2);
        result->switches += result->ticks > 0 && sign != judge->command_sign ? 1 : 0;
        judge->command_sign = sign;
        result->interventions += command->guarded ? 1 : 0;
        if ((unsigned)command->source < HP_SOURCE_COUNT) {
            result->sources[command->source] += 1;
        }
        numbers[0] = command->accel_mps2;
        numbers[1] = command->steer_rad;
    }
    result->command_hash = XXH3_64bits_withSeed(numbers, sizeof numbers, result->command_hash);
}

static bool is_finite(const hp_ego_state *ego)
{
    return isfinite(ego->pose.x_m) && isfinite(ego->pose.y_m) && isfinite(ego->pose.yaw_rad) &&
           isfinite(ego->speed_mps);
}

static void judge_end(sim_judge *judge, const hp_ego_state *ego)
{
    const hp_world_info *info = judge->info;
    sim_result *result = &judge->result;
    const double dx = ego->pose.x_m - info->goal.x_m;
    const double dy = ego->pose.y_m - info->goal.y_m;
    const double now_s = result->ticks * info->tick_s;
    if (result->verdict == HP_VERDICT_RUNNING) {
        if (dx * dx + dy * dy <= info->goal_radius_m * info->goal_radius_m) {
            result->verdict = HP_VERDICT_GOAL;
            result->ttg_s = now_s;
        } else if (now_s >= judge->time_limit_s - 1e-9) {
            result->verdict = HP_VERDICT_TIMEOUT;
        }
    }
    result->near_miss =
        judge->near_miss_seen && result->near_miss_applies && result->verdict != HP_VERDICT_CRASH;
    result->safe_arrival =
        result->verdict == HP_VERDICT_GOAL && result->speeding_s <= SPEEDING_LIMIT_S + 1e-9;
}

void sim_judge_tick(sim_judge *judge, const hp_command *command, const hp_ego_state *before,
                    const hp_ego_state *after, const sim_body *bodies, uint32_t n)
{
    if (judge->result.verdict != HP_VERDICT_RUNNING) {
        return;
    }
    judge_command(judge, command);
    judge->result.ticks += 1;
    if (!is_finite(before) || !is_finite(after)) {
        sim_judge_finish(judge);
        return;
    }
    const ego_view ego = view_of(judge->info, after);
    for (uint32_t i = 0; i < n; ++i) {
        judge_body(judge, &ego, &bodies[i], i);
    }
    judge->n_headings = n < SIM_JUDGE_HEADINGS ? n : SIM_JUDGE_HEADINGS;
    judge_place(judge, after);
    judge_motion(judge, before, after);
    judge_brakes(judge, before, bodies, n);
    judge_end(judge, after);
}

void sim_judge_frame(const sim_judge *judge, const hp_ego_state *ego, hp_frame *frame)
{
    frame->world_id = judge->info->world_id;
    frame->episode = judge->info->episode;
    frame->tick = judge->result.ticks;
    frame->stamp_ns = (int64_t)llround(frame->tick * judge->info->tick_s * 1e9);
    frame->ego = *ego;
}

void sim_judge_contact(sim_judge *judge, const hp_ego_state *ego, const sim_body *body)
{
    const ego_view view = view_of(judge->info, ego);
    if (!view.moves || judge->result.verdict == HP_VERDICT_STOPPED) {
        return;
    }
    if (body == NULL) {
        crash(judge, SIM_CRASH_OFFROAD, ego->speed_mps);
    } else {
        const hp_vec2 heading = {cos(body->box.centre.yaw_rad), sin(body->box.centre.yaw_rad)};
        const relative r = relate(&view, body, heading);
        crash(judge, crash_side(&r), ego->speed_mps);
    }
    judge->result.near_miss = false;
    judge->result.safe_arrival = false;
    judge->result.ttg_s = NAN;
}

void sim_judge_finish(sim_judge *judge)
{
    if (judge->result.verdict == HP_VERDICT_RUNNING) {
        judge->result.verdict = HP_VERDICT_STOPPED;
    }
}
