#include "planner/plan_astar.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_M 0.5
#define LEG_M 2            /* way of one expansion */
#define SIDE_CURVES 2      /* curvatures tried to each side, relative to the route's */
#define TURN_CELL_RAD 0.15 /* heading against the route */
#define WEIGHT 1.2         /* of the guide: bounded suboptimality for speed */
#define ASIDE_PRICE 1.0    /* per metre of way and metre of offset */
#define SLOPE_PRICE 1.0    /* coarse problem: per metre of offset changed */
#define BEND_PRICE 20.0    /* per metre of way and unit of curvature beyond the route's */
#define END_PRICE 2.0      /* per metre of offset at the end */
#define PURSUIT_M 7.0      /* how far ahead the return aims */
#define RETURN_EVERY 6     /* expansions between two tries to return */
#define PATIENCE 32        /* expansions between two looks at the clock */
#define GOAL_SHARE 0.7     /* of its radius, beside it */
#define GENTLE_SHARE 0.6   /* of max_lateral_mps2, for the steering to keep up */

static hp_pose advance(hp_pose p, double curvature, double way_m)
{
    const double half = 0.5 * curvature * way_m;
    const double chord = fabs(half) < 1e-6 ? way_m : way_m * sin(half) / half;
    return (hp_pose){p.x_m + chord * cos(p.yaw_rad + half), p.y_m + chord * sin(p.yaw_rad + half),
                     p.yaw_rad + 2.0 * half};
}

/** Foot on the route near a guess, by the nearest frame. */
static void locate(const plan_astar *a, const hp_pose *p, double guess_m, double *s_m,
                   double *lateral_m, const plan_astar_frame **at)
{
    double s = guess_m;
    for (int pass = 0; pass < 2; ++pass) {
        const double k = hp_clamp((s - a->start_s_m) / FRAME_M + 0.5, 0.0, a->n_frames - 1.0);
        const plan_astar_frame *frame = &a->frames[(uint32_t)k];
        const double dx = p->x_m - frame->pose.x_m;
        const double dy = p->y_m - frame->pose.y_m;
        s = a->start_s_m + (uint32_t)k * FRAME_M + dx * frame->cos_yaw + dy * frame->sin_yaw;
        *lateral_m = dy * frame->cos_yaw - dx * frame->sin_yaw;
        *at = frame;
    }
    *s_m = s;
}

static void build_frames(plan_astar *a, const plan_path *route)
{
    const double last = route->s_m[route->n - 1];
    a->n_frames = (uint32_t)HP_ARRAY_LEN(a->frames);
    for (uint32_t k = 0; k < a->n_frames; ++k) {
        const double s = fmin(a->start_s_m + k * FRAME_M, last);
        const hp_pose pose = plan_path_at(route, s);
        const double turned = plan_path_at(route, fmin(s + 2.0, last)).yaw_rad -
                              plan_path_at(route, fmax(s - 2.0, 0.0)).yaw_rad;
        a->frames[k] = (plan_astar_frame){pose, cos(pose.yaw_rad), sin(pose.yaw_rad),
                                          hp_angle_wrap(turned) / 4.0};
    }
}

/** When the car is how far along its way, no faster than the route allows there, and how much more
 * sharply than the route it can turn. */
static void build_times(plan_astar *a, const plan_astar_task *task)
{
    const plan_path_config *config = task->map->config;
    const plan_pace *pace = &task->pace;
    const double sharpest = 1.0 / config->min_radius_m;
    double v = pace->from_mps;
    double t = 0.0;
    for (uint32_t i = 0; i < PLAN_ASTAR_WAY; ++i) {
        a->time_s[i] = t;
        a->max_curvature[i] =
            fmin(sharpest, GENTLE_SHARE * config->max_lateral_mps2 / fmax(v * v, 0.1));
        const double v2 = fmax(v * v + 2.0 * pace->accel_mps2, 0.0);
        const double allowed = plan_path_speed(task->route, a->start_s_m + i + 1.0);
        const double top = fmax(fmin(pace->top_mps, allowed),
                                sqrt(fmax(v * v - 2.0 * config->slow_down_mps2, 0.0)));
        const double next =
            pace->accel_mps2 >= 0.0 ? fmin(sqrt(v2), top) : fmax(sqrt(v2), fmin(pace->top_mps, v));
        t += 2.0 / fmax(v + next, 0.5);
        v = next;
    }
}

/** A place beside the route. */
typedef struct place {
    double s_m, lateral_m;
} place;

/** Price of a metre of way at a node of the coarse or the fine problem. Who passes the goal at more
 * than its radius has not arrived, and never will. */
static double price_at(const plan_astar *a, const plan_astar_task *task, const hp_pose *pose,
                       place at, uint32_t depth_m)
{
    const double radius_m = task->map->info->goal_radius_m;
    const double lateral_m = at.lateral_m;
    if (at.s_m > task->route->goal_s_m + radius_m && fabs(lateral_m) > GOAL_SHARE * radius_m) {
        return INFINITY;
    }
    const double t = a->time_s[depth_m < PLAN_ASTAR_WAY ? depth_m : PLAN_ASTAR_WAY - 1];
    return plan_map_price(task->map, pose, t) + ASIDE_PRICE * fabs(lateral_m);
}

static double offset_of(uint32_t column)
{
    return ((double)column - (PLAN_ASTAR_ASIDE - 1) / 2.0) * PLAN_ASTAR_SIDE_M;
}

/** Costs to go without regard to steering, backwards from the end. But a column a metre is as much
 * as a car gets aside: with more, the guide would see ways through gaps that no car can take, and
 * the search would look for them until its nodes are used up. */
static void build_guide(plan_astar *a, const plan_astar_task *task)
{
    const uint32_t layers = (uint32_t)(a->end_s_m - a->start_s_m);
    for (uint32_t j = 0; j < PLAN_ASTAR_ASIDE; ++j) {
        a->to_go[layers][j] = (float)(END_PRICE * fabs(offset_of(j)));
    }
    for (uint32_t i = layers; i-- > 0;) {
        const plan_astar_frame *frame = &a->frames[(size_t)2 * i];
        for (uint32_t j = 0; j < PLAN_ASTAR_ASIDE; ++j) {
            const double lateral = offset_of(j);
            const hp_pose pose = {frame->pose.x_m - lateral * frame->sin_yaw,
                                  frame->pose.y_m + lateral * frame->cos_yaw, frame->pose.yaw_rad};
            const place at = {a->start_s_m + i, lateral};
            double least = INFINITY;
            for (int32_t d = -1; d <= 1; ++d) {
                const int32_t next = (int32_t)j + d;
                if (next >= 0 && next < PLAN_ASTAR_ASIDE) {
                    const double slope = SLOPE_PRICE * PLAN_ASTAR_SIDE_M * abs(d);
                    least = fmin(least, (double)a->to_go[i + 1][next] + slope);
                }
            }
            a->to_go[i][j] =
                isinf(least) ? INFINITY : (float)(least + price_at(a, task, &pose, at, i));
        }
    }
}

static uint32_t column_of(double lateral_m)
{
    const double j = lateral_m / PLAN_ASTAR_SIDE_M + 0.5 * (PLAN_ASTAR_ASIDE - 1) + 0.5;
    return (uint32_t)hp_clamp(j, 0.0, PLAN_ASTAR_ASIDE - 1.0);
}

/** Costs to go from about there: the cheapest of the neighbours, for cells are coarse. */
static double guide(const plan_astar *a, double s_m, double lateral_m)
{
    const double layers = a->end_s_m - a->start_s_m;
    const double i = hp_clamp(s_m - a->start_s_m + 0.5, 0.0, layers);
    const float *row = a->to_go[(uint32_t)i];
    const uint32_t j = column_of(lateral_m);
    const float least = fminf(row[j], row[j > 0 ? j - 1 : j]);
    return (double)fminf(least, row[j + 1 < PLAN_ASTAR_ASIDE ? j + 1 : j]);
}

void plan_astar_begin(plan_astar *a, const plan_astar_task *task)
{
    const plan_path *route = task->route;
    const double last = route->s_m[route->n - 1];
    a->start_s_m = plan_path_project(route, (hp_vec2){task->start.x_m, task->start.y_m}).s_m;
    a->end_s_m = a->start_s_m + fmax(floor(fmin(PLAN_ASTAR_AHEAD, last - a->start_s_m)), 1.0);
    build_frames(a, route);
    build_times(a, task);
}

double plan_astar_price(const plan_astar *a, const plan_astar_task *task, const hp_pose *poses,
                        uint32_t n)
{
    double sum = 0.0;
    double s = a->start_s_m;
    double lateral = 0.0;
    for (uint32_t i = 1; i < n && !isinf(sum); ++i) {
        const plan_astar_frame *frame;
        locate(a, &poses[i], s + 1.0, &s, &lateral, &frame);
        const double turned = hp_angle_wrap(poses[i].yaw_rad - poses[i - 1].yaw_rad);
        sum += price_at(a, task, &poses[i], (place){s, lateral}, i) +
               BEND_PRICE * fabs(turned - frame->curvature);
    }
    return sum + END_PRICE * fabs(lateral);
}

/** Drives from a pose back to the route and along it to the end, a metre at a time. */
static double drive_back(const plan_astar *a, const plan_astar_task *task, hp_pose *poses,
                         uint32_t *n)
{
    double s = a->start_s_m;
    double lateral;
    double cost = 0.0;
    const plan_astar_frame *frame;
    locate(a, &poses[*n - 1], s + (*n - 1), &s, &lateral, &frame);
    while (s < a->end_s_m && *n < PLAN_ASTAR_WAY) {
        const hp_pose *p = &poses[*n - 1];
        const uint32_t ahead =
            (uint32_t)hp_clamp((s + PURSUIT_M - a->start_s_m) / FRAME_M, 0.0, a->n_frames - 1.0);
        const double dx = a->frames[ahead].pose.x_m - p->x_m;
        const double dy = a->frames[ahead].pose.y_m - p->y_m;
        const double alpha = hp_angle_wrap(atan2(dy, dx) - p->yaw_rad);
        const double most = a->max_curvature[*n] + fabs(frame->curvature);
        const double bend = hp_clamp(2.0 * sin(alpha) / fmax(hypot(dx, dy), 0.1), -most, most);
        poses[*n] = advance(*p, bend, 1.0);
        locate(a, &poses[*n], s + 1.0, &s, &lateral, &frame);
        cost += price_at(a, task, &poses[*n], (place){s, lateral}, *n) +
                BEND_PRICE * fabs(bend - frame->curvature);
        if (isinf(cost)) {
            return INFINITY;
        }
        ++*n;
    }
    return cost + END_PRICE * fabs(lateral);
}

bool plan_astar_return(plan_astar *a, const plan_astar_task *task, plan_way *way)
{
    way->n = 1;
    way->poses[0] = task->start;
    way->cost = drive_back(a, task, way->poses, &way->n);
    return !isinf(way->cost);
}

static void push(plan_astar *a, double f, int32_t node)
{
    uint32_t i = a->n_heap++;
    while (i > 0) {
        const uint32_t up = (i - 1) / 2;
        if (a->heap[up].f < f || (a->heap[up].f == f && a->heap[up].node < node)) {
            break;
        }
        a->heap[i] = a->heap[up];
        i = up;
    }
    a->heap[i].f = f;
    a->heap[i].node = node;
}

static bool before(const plan_astar *a, uint32_t i, uint32_t k)
{
    return a->heap[i].f < a->heap[k].f ||
           (a->heap[i].f == a->heap[k].f && a->heap[i].node < a->heap[k].node);
}

static int32_t pop(plan_astar *a, double *f)
{
    const int32_t top = a->heap[0].node;
    *f = a->heap[0].f;
    const uint32_t last = --a->n_heap;
    a->heap[0] = a->heap[last];
    for (uint32_t i = 0;;) {
        uint32_t least = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < last; ++child) {
            least = before(a, child, least) ? child : least;
        }
        if (least == i) {
            return top;
        }
        const double held_f = a->heap[i].f;
        const int32_t held = a->heap[i].node;
        a->heap[i] = a->heap[least];
        a->heap[least].f = held_f;
        a->heap[least].node = held;
        i = least;
    }
}

/** The cell's best cost so far; NULL outside the search's region. */
static float *cell_of(plan_astar *a, const plan_astar_node *node, const plan_astar_frame *frame)
{
    const double i = node->s_m - a->start_s_m;
    const double turned = hp_angle_wrap(node->pose.yaw_rad - frame->pose.yaw_rad);
    const double k = turned / TURN_CELL_RAD + 0.5 * PLAN_ASTAR_TURNS;
    const double edge_m = 0.5 * PLAN_ASTAR_ASIDE * PLAN_ASTAR_SIDE_M;
    if (i < 0.0 || i >= PLAN_ASTAR_AHEAD + 12 || fabs(node->lateral_m) >= edge_m || k < 0.0 ||
        k >= PLAN_ASTAR_TURNS) {
        return NULL;
    }
    return &a->best[(uint32_t)i][column_of(node->lateral_m)][(uint32_t)k];
}

/** Adds a node unless its cell was reached cheaper. */
static void offer(plan_astar *a, const plan_astar_node *node, const plan_astar_frame *frame)
{
    float *cell = cell_of(a, node, frame);
    const double rest = guide(a, node->s_m, node->lateral_m);
    if (cell == NULL || isinf(rest) || (double)*cell <= node->cost ||
        a->n_nodes == PLAN_ASTAR_NODES) {
        return;
    }
    *cell = (float)node->cost;
    a->nodes[a->n_nodes] = *node;
    push(a, node->cost + WEIGHT * rest, (int32_t)a->n_nodes++);
}

/** One leg from a node with a curvature; false if it meets a standing box. */
static bool drive_leg(const plan_astar *a, const plan_astar_task *task, double curvature,
                      plan_astar_node *node, const plan_astar_frame **frame)
{
    for (uint32_t step = 0; step < LEG_M; ++step) {
        node->pose = advance(node->pose, curvature, 1.0);
        ++node->depth_m;
        locate(a, &node->pose, node->s_m + 1.0, &node->s_m, &node->lateral_m, frame);
        const place at = {node->s_m, node->lateral_m};
        node->cost += price_at(a, task, &node->pose, at, node->depth_m) +
                      BEND_PRICE * fabs(curvature - (*frame)->curvature);
        if (isinf(node->cost)) {
            return false;
        }
    }
    return true;
}

static void expand(plan_astar *a, const plan_astar_task *task, int32_t index)
{
    const plan_astar_node from = a->nodes[index];
    const plan_astar_frame *frame;
    double s;
    double lateral;
    if (from.depth_m + LEG_M >= PLAN_ASTAR_WAY) {
        return;
    }
    locate(a, &from.pose, from.s_m, &s, &lateral, &frame);
    const double most = a->max_curvature[from.depth_m];
    const double base = frame->curvature;
    for (int32_t c = 0; c <= 2 * SIDE_CURVES; ++c) {
        const double curvature = base + most * (c - SIDE_CURVES) / (double)SIDE_CURVES;
        plan_astar_node node = from;
        node.parent = index;
        node.curvature = curvature;
        if (fabs(curvature - from.curvature) <= most + 1e-9 &&
            drive_leg(a, task, curvature, &node, &frame)) {
            offer(a, &node, frame);
        }
    }
}

/** Poses from the start to a node; returns how many. */
static uint32_t trace(const plan_astar *a, int32_t index, hp_pose *poses)
{
    const uint32_t n = a->nodes[index].depth_m + 1;
    for (int32_t i = index; i >= 0; i = a->nodes[i].parent) {
        const plan_astar_node *node = &a->nodes[i];
        poses[node->depth_m] = node->pose;
        if (node->parent >= 0) {
            poses[node->depth_m - 1] = advance(a->nodes[node->parent].pose, node->curvature, 1.0);
        }
    }
    return n;
}

/** Completes the way from a node and keeps it if it is the best so far. */
static void complete(const plan_astar *a, const plan_astar_task *task, int32_t index,
                     plan_way *best)
{
    plan_way way;
    way.n = trace(a, index, way.poses);
    way.cost = a->nodes[index].cost + drive_back(a, task, way.poses, &way.n);
    if (way.cost < best->cost) {
        best->cost = way.cost;
        best->n = way.n;
        memcpy(best->poses, way.poses, way.n * sizeof way.poses[0]);
    }
}

static bool out_of_time(const plan_astar *a, const plan_astar_task *task)
{
    return task->deadline_ns > 0 && a->expanded % PATIENCE == 0 &&
           hp_clock_now_ns(task->clock) >= task->deadline_ns;
}

static void start(plan_astar *a, const plan_astar_task *task)
{
    const plan_astar_frame *frame;
    plan_astar_node first = {.pose = task->start, .parent = -1};
    a->n_nodes = 0;
    a->n_heap = 0;
    a->expanded = 0;
    for (size_t i = 0; i < sizeof a->best / sizeof(float); ++i) {
        (&a->best[0][0][0])[i] = INFINITY;
    }
    build_guide(a, task);
    locate(a, &first.pose, a->start_s_m, &first.s_m, &first.lateral_m, &frame);
    first.curvature = frame->curvature;
    a->nodes[0] = first;
    a->n_nodes = 1;
    push(a, 0.0, 0);
}

void plan_astar_search(plan_astar *a, const plan_astar_task *task, plan_way *way)
{
    way->cost = INFINITY;
    way->n = 0;
    start(a, task);
    while (a->n_heap > 0 && a->expanded < task->max_nodes && !out_of_time(a, task)) {
        double f;
        const int32_t index = pop(a, &f);
        if (f >= way->cost) {
            break;
        }
        const bool arrived = a->nodes[index].s_m >= a->end_s_m;
        if (arrived || a->expanded % RETURN_EVERY == 0) {
            complete(a, task, index, way);
        }
        ++a->expanded;
        if (!arrived) {
            expand(a, task, index);
        }
    }
}
