#include "planner/plan_guard.h"

#define STEP_S 0.05
#define MAX_STEPS 800    /* 40 s: from any speed in range, braking ends sooner */
#define STEADY_MPS2 0.01 /* bounds of those who keep their velocities */
#define PASS_S 2.0       /* in which somebody is passed or not */
#define FOLLOWS_RAD 0.2
#define STANDING_MPS 0.05 /* below this the ego counts as standing */

/** What is judged: a frame, on a path. */
typedef struct scene {
    const plan_guard_config *config;
    const hp_world_info *info;
    const plan_path *path;
    const hp_frame *frame;
    const bool *waits; /* of each agent; NULL: nobody */
    hp_projection ego;
} scene;

/** Where the ego may be during one step of the manoeuvre under test: between two drives, of which
 * one brakes as soon and one as late as the car may. All of the step counts, not its ends alone:
 * who crosses at 12 m/s meets and leaves a corner within it. */
typedef struct span {
    double from_s, to_s;
    double back_m, back_mps;   /* the one that braked first, at the end of the step */
    double front_m, front_mps; /* the one that braked last */
    double rear_m;             /* the first, at the step's beginning */
} span;

/** How far a walker can have come in some direction after t seconds, if his velocity's part in that
 * direction is v now: it grows by his acceleration, up to his top speed. */
static double walker_reach(const plan_guard_config *config, double v_mps, double top_mps,
                           double t_s)
{
    const double t_full = fmin((top_mps - v_mps) / config->walker_accel_mps2, t_s);
    return v_mps * t_full + 0.5 * config->walker_accel_mps2 * t_full * t_full +
           top_mps * (t_s - t_full);
}

/** From a point to the nearest of a box. */
static hp_vec2 way_to_box(const hp_box *box, hp_vec2 p)
{
    const double c = cos(box->centre.yaw_rad);
    const double s = sin(box->centre.yaw_rad);
    const double dx = p.x_m - box->centre.x_m;
    const double dy = p.y_m - box->centre.y_m;
    const double along = dx * c + dy * s;
    const double aside = dy * c - dx * s;
    const double x = hp_clamp(along, -0.5 * box->length_m, 0.5 * box->length_m) - along;
    const double y = hp_clamp(aside, -0.5 * box->width_m, 0.5 * box->width_m) - aside;
    return (hp_vec2){x * c - y * s, x * s + y * c};
}

/** He is within what his acceleration changes of where his velocity takes him, from one time to
 * another; and to touch the ego he must come as far towards it as it is away. */
static bool walker_touches(const plan_guard_config *config, const hp_agent *agent,
                           const hp_box *ego, double from_s, double to_s)
{
    const double v = hypot(agent->vx_mps, agent->vy_mps);
    const double top = fmax(config->walker_speed_mps, v + config->walker_speed_over_mps);
    const double body = 0.5 * hypot(agent->length_m, agent->width_m) + config->margin_m;
    const double t_mid = 0.5 * (from_s + to_s);
    const hp_vec2 here = {agent->pose.x_m, agent->pose.y_m};
    const hp_vec2 there = {here.x_m + agent->vx_mps * t_mid, here.y_m + agent->vy_mps * t_mid};
    const double swerve = 0.5 * config->walker_accel_mps2 * to_s * to_s + 0.5 * v * (to_s - from_s);
    const hp_vec2 way = way_to_box(ego, here);
    const double far = hypot(way.x_m, way.y_m);
    const double toward = agent->vx_mps * way.x_m + agent->vy_mps * way.y_m; /* times far */
    const double v_toward = far > 0.0 ? toward / far : 0.0;
    /* Convex in time, so that its ends bound it: who walks away comes back only by and by. */
    const double reach = fmax(walker_reach(config, v_toward, top, from_s),
                              walker_reach(config, v_toward, top, to_s));
    return far <= reach + body && hp_box_distance(ego, there) <= swerve + body;
}

/** The strip that a vehicle may occupy from one time to another: from braking fully to accelerating
 * fully, the way it goes, which is backwards for some. */
static bool car_touches(const plan_guard_config *config, const hp_agent *agent, const hp_box *ego,
                        double from_s, double to_s)
{
    const double c = cos(agent->pose.yaw_rad);
    const double s = sin(agent->pose.yaw_rad);
    const double along = agent->vx_mps * c + agent->vy_mps * s;
    const double v = fabs(along);
    const double t_brake = fmin(from_s, v / config->car_brake_mps2);
    const double least = v * t_brake - 0.5 * config->car_brake_mps2 * t_brake * t_brake;
    const double most = v * to_s + 0.5 * config->car_accel_mps2 * to_s * to_s;
    const double middle = copysign(0.5 * (least + most), along);
    const hp_box strip = {
        {agent->pose.x_m + middle * c, agent->pose.y_m + middle * s, agent->pose.yaw_rad},
        agent->length_m + (most - least),
        agent->width_m};
    return hp_box_overlap(&strip, ego);
}

/** The ego's box on its path, anywhere between the two drives; or of it what lies before the place
 * where its front is now: what it drives upon. */
static hp_box ego_box(const scene *now, const span *at, bool fresh)
{
    const double half_m = 0.5 * now->info->ego_length_m;
    const double front_m = at->front_m + half_m;
    const double rear_m =
        fresh ? fmax(at->rear_m - half_m, now->ego.s_m + half_m) : at->rear_m - half_m;
    const hp_pose foot = plan_path_at(now->path, 0.5 * (rear_m + front_m));
    const double aside = now->ego.lateral_m;
    const hp_pose pose = {foot.x_m - aside * sin(foot.yaw_rad),
                          foot.y_m + aside * cos(foot.yaw_rad), foot.yaw_rad};
    return (hp_box){pose, front_m - rear_m, now->info->ego_width_m};
}

/** A walker behind the rear bumper. */
static bool is_behind(const scene *now, const hp_agent *agent)
{
    const hp_pose *ego = &now->frame->ego.pose;
    const double ahead = (agent->pose.x_m - ego->x_m) * cos(ego->yaw_rad) +
                         (agent->pose.y_m - ego->y_m) * sin(ego->yaw_rad);
    return agent->kind != HP_CLASS_CAR &&
           ahead < -0.5 * (now->info->ego_length_m + hypot(agent->length_m, agent->width_m));
}

/** A vehicle headed as the ego is, behind it and in line with it: it meets the ego's rear before
 * anything else, and to keep its distance is its affair. Braking for it would only call it nearer.
 */
static bool follows(const scene *now, const hp_agent *agent)
{
    const hp_pose *ego = &now->frame->ego.pose;
    const double c = cos(ego->yaw_rad);
    const double s = sin(ego->yaw_rad);
    const double dx = agent->pose.x_m - ego->x_m;
    const double dy = agent->pose.y_m - ego->y_m;
    return agent->kind == HP_CLASS_CAR &&
           fabs(hp_angle_wrap(agent->pose.yaw_rad - ego->yaw_rad)) < FOLLOWS_RAD &&
           dx * c + dy * s < -0.5 * (now->info->ego_length_m + agent->length_m) &&
           fabs(dy * c - dx * s) < 0.5 * (now->info->ego_width_m + agent->width_m);
}

/** The ego has passed him, or he has stood beside it and lets it leave: then he may be met only by
 * what it drives upon. Whoever comes to its rear, or to its flank while it leaves, comes by
 * himself.
 */
static bool is_past(const scene *now, uint32_t i, double speed_mps)
{
    const bool waits = now->waits != NULL && now->waits[i];
    return (waits && speed_mps <= now->config->leave_mps) || is_behind(now, &now->frame->agents[i]);
}

/** Whether this one may touch the ego's box, between so long and so long after he was observed. */
static bool agent_touches(const plan_guard_config *config, const hp_agent *agent,
                          const hp_box *bare, double from_s, double to_s)
{
    const hp_box grown = {bare->centre, bare->length_m + 2.0 * config->margin_m,
                          bare->width_m + 2.0 * config->margin_m};
    return agent->kind == HP_CLASS_CAR ? car_touches(config, agent, &grown, from_s, to_s)
                                       : walker_touches(config, agent, bare, from_s, to_s);
}

static bool anybody_touches(const scene *now, const span *at)
{
    const hp_frame *frame = now->frame;
    const hp_box all = ego_box(now, at, false);
    const hp_box fresh = ego_box(now, at, true);
    const double age_s = now->config->observed_s;
    for (uint32_t i = 0; i < frame->n_agents; ++i) {
        const hp_box *box = is_past(now, i, at->front_mps) ? &fresh : &all;
        if (!follows(now, &frame->agents[i]) &&
            agent_touches(now->config, &frame->agents[i], box, at->from_s + age_s,
                          at->to_s + age_s)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < frame->n_occluders; ++i) {
        if (hp_box_overlap(&frame->occluders[i].box, &all)) {
            return true;
        }
    }
    return false;
}

/** One step of a drive that obeys until it brakes. */
static void drive_on(double accel_mps2, double *s_m, double *speed_mps)
{
    const double v_next = fmax(*speed_mps + accel_mps2 * STEP_S, 0.0);
    *s_m += 0.5 * (*speed_mps + v_next) * STEP_S;
    *speed_mps = v_next;
}

/** Drives the manoeuvre: what is asked, or what the car is still doing, for at most so long, then
 * full braking; at the soonest the hardest braking after one step. */
static bool passes(const scene *now, double accel_mps2, double obey_s)
{
    const plan_guard_config *config = now->config;
    const hp_ego_state *ego = &now->frame->ego;
    const double v = fmax(ego->speed_mps, 0.0);
    const double late_mps2 = fmax(accel_mps2, fmin(ego->accel_mps2, config->car_accel_mps2));
    const double soon_mps2 = fmin(accel_mps2, fmax(ego->accel_mps2, -config->car_brake_mps2));
    const double s_m = now->ego.s_m;
    const bool keeps = obey_s > config->response_s; /* to drive on is meant, not to respond late */
    span at = {.back_m = s_m, .back_mps = v, .front_m = s_m, .front_mps = v, .rear_m = s_m};
    if (v >= STANDING_MPS && anybody_touches(now, &at)) {
        return false;
    }
    for (int step = 0; step < MAX_STEPS; ++step) {
        const bool obeys = at.to_s < obey_s - 1e-9;
        const double then_mps2 = obeys && keeps ? accel_mps2 : -config->car_brake_mps2;
        if (at.front_mps < STANDING_MPS && (!obeys || late_mps2 <= 0.0)) {
            return true;
        }
        at.from_s = at.to_s;
        at.rear_m = at.back_m;
        drive_on(step == 0 ? soon_mps2 : then_mps2, &at.back_m, &at.back_mps);
        drive_on(obeys ? late_mps2 : -config->hard_mps2, &at.front_m, &at.front_mps);
        at.to_s += STEP_S;
        if (anybody_touches(now, &at)) {
            return false;
        }
    }
    return false;
}

/** Where nothing passes, somebody broke his bounds, and what is left is to guess: if all keep their
 * velocities, is he met by braking at once, and passed by what is asked? */
static bool better_pass(const scene *now, double accel_mps2)
{
    plan_guard_config steady = *now->config;
    steady.walker_accel_mps2 = steady.car_accel_mps2 = STEADY_MPS2;
    steady.margin_m = 0.0;
    scene likely = *now;
    likely.config = &steady;
    return accel_mps2 > -steady.comfort_mps2 && !passes(&likely, -steady.hard_mps2, 0.0) &&
           passes(&likely, accel_mps2, PASS_S);
}

plan_guard_verdict plan_guard_check(const plan_guard_config *config, const hp_world_info *info,
                                    const plan_path *path, const hp_frame *frame, const bool *waits,
                                    double accel_mps2)
{
    const hp_vec2 here = {frame->ego.pose.x_m, frame->ego.pose.y_m};
    const scene now = {config, info, path, frame, waits, plan_path_project(path, here)};
    /* Gentler ones first: what passes is safe, however little it gives way. */
    const double others[] = {0.0, -config->comfort_mps2};
    if (passes(&now, accel_mps2, config->response_s)) {
        return (plan_guard_verdict){.accel_mps2 = accel_mps2};
    }
    for (size_t i = 0; i < HP_ARRAY_LEN(others); ++i) {
        if (others[i] < accel_mps2 && passes(&now, others[i], config->response_s)) {
            return (plan_guard_verdict){.accel_mps2 = others[i], .intervened = true};
        }
    }
    if (better_pass(&now, accel_mps2)) {
        return (plan_guard_verdict){.accel_mps2 = accel_mps2, .unsafe = true};
    }
    return (plan_guard_verdict){.accel_mps2 = fmin(-config->hard_mps2, accel_mps2),
                                .intervened = -config->hard_mps2 < accel_mps2,
                                .hard = true,
                                .unsafe = true};
}
