#include "cli/baselines.h"

#include "planner/plan_path.h"
#include "planner/plan_phantom.h"
#include "planner/plan_steer.h"
#include "planner/plan_track.h"

#include <stdlib.h>

enum { SWEEP_STEPS = 80 };
static const double SWEEP_STEP_S = 0.05;

const baseline_params BASELINE_PARAMS = {
    .accel_mps2 = 3.0,
    .brake_mps2 = 8.0,
    .ttc_s = 1.6,
    .decel_mps2 = 3.0,
    .clear_s = 1.0,
    .margin_m = 0.1,
    .least_mps = 1.5,
    .crawl_mps = 25.0 / 3.6,
    .hidden_speed_mps = 2.0,
    .hidden_decel_mps2 = 3.0,
    .hidden_floor_mps = 3.0,
};

typedef struct baseline {
    driver base;
    baseline_kind kind;
    plan_config config;
    hp_world_info info;
    plan_path path;
    plan_tracks tracks;
    double s_m;                /* of the ego's centre along the path */
    double clear_from_s;       /* world time from which the brake may be released */
    hp_box sweep[SWEEP_STEPS]; /* the ego's box along the path, SWEEP_STEP_S apart */
} baseline;

void baseline_describe(char *text, size_t cap)
{
    const baseline_params *p = &BASELINE_PARAMS;
    (void)snprintf(
        text, cap,
        "baselines brake with %.1f m/s^2 at TTC < %.2f s or needed > %.1f m/s^2, until "
        "clear for %.1f s, margin %.2f m;\nwho may be hidden walks %.1f m/s, slowed down "
        "for with %.1f m/s^2 to no less than %.1f m/s",
        p->brake_mps2, p->ttc_s, p->decel_mps2, p->clear_s, p->margin_m, p->hidden_speed_mps,
        p->hidden_decel_mps2, p->hidden_floor_mps);
}

static void begin(driver *self, const hp_world_info *info, uint64_t seed)
{
    baseline *b = (baseline *)self;
    (void)seed; /* nothing random here */
    b->info = *info;
    plan_path_follow_route(&b->config.path, info, &b->path);
    plan_tracks_reset(&b->tracks);
    b->clear_from_s = -INFINITY;
}

/* Where the ego's box will be if it drives on at this speed. */
static void sweep_fill(baseline *b, double speed_mps)
{
    for (int i = 0; i < SWEEP_STEPS; i++) {
        b->sweep[i] = (hp_box){plan_path_at(&b->path, b->s_m + speed_mps * SWEEP_STEP_S * i),
                               b->info.ego_length_m, b->info.ego_width_m};
    }
}

/* First time at which a moving box meets the sweep; INFINITY if it does not. */
static double sweep_ttc_s(const baseline *b, hp_box box, double vx_mps, double vy_mps)
{
    const hp_pose start = box.centre;
    box.length_m += 2.0 * BASELINE_PARAMS.margin_m;
    box.width_m += 2.0 * BASELINE_PARAMS.margin_m;
    for (int i = 0; i < SWEEP_STEPS; i++) {
        const double t = SWEEP_STEP_S * i;
        box.centre.x_m = start.x_m + vx_mps * t;
        box.centre.y_m = start.y_m + vy_mps * t;
        if (hp_box_overlap(&b->sweep[i], &box)) {
            return t;
        }
    }
    return INFINITY;
}

/* True if somebody's box asks for braking now. */
static bool threatened(baseline *b, const hp_frame *frame)
{
    const double v = frame->ego.speed_mps;
    const double speed = fmax(v, BASELINE_PARAMS.least_mps);
    double ttc = INFINITY;
    sweep_fill(b, speed);
    for (uint32_t i = 0; i < frame->n_agents; i++) {
        const hp_agent *a = &frame->agents[i];
        const hp_box box = {a->pose, a->length_m, a->width_m};
        ttc = fmin(ttc, sweep_ttc_s(b, box, a->vx_mps, a->vy_mps));
    }
    for (uint32_t i = 0; i < frame->n_occluders; i++) {
        ttc = fmin(ttc, sweep_ttc_s(b, frame->occluders[i].box, 0.0, 0.0));
    }
    const double way = fmax(speed * ttc, 0.1);
    return ttc < BASELINE_PARAMS.ttc_s || v * v > 2.0 * BASELINE_PARAMS.decel_mps2 * way;
}

/* Highest speed with which one may approach a place from which somebody hidden may step on to the
 * path: the limit where one can, at the last point from which one could still stop, be past before
 * he arrives; else slow enough to stop, but never slower than the floor. */
static double hidden_speed_mps(const baseline *b, hp_vec2 place, double walk_mps)
{
    const baseline_params *p = &BASELINE_PARAMS;
    const hp_projection at = plan_path_project(&b->path, place);
    const double ahead = at.s_m - b->s_m - 0.5 * b->info.ego_length_m;
    const double gap = fmax(fabs(at.lateral_m) - 0.5 * b->info.ego_width_m, 0.0);
    const double limit = b->info.speed_limit_mps;
    const double stop_m = limit * limit / (2.0 * p->brake_mps2);
    if (ahead < 0.0 || stop_m + b->info.ego_length_m < limit * gap / walk_mps) {
        return INFINITY;
    }
    return fmax(p->hidden_floor_mps, sqrt(2.0 * p->hidden_decel_mps2 * ahead));
}

static double cautious_speed_mps(baseline *b, const hp_frame *frame)
{
    hp_phantom phantoms[HP_MAX_PHANTOMS];
    double speed = INFINITY;
    plan_tracks_update(&b->config.belief, &b->info, frame, &b->tracks);
    const uint32_t n = plan_phantom_find(&b->config.phantom, &b->info, &b->path, frame, phantoms);
    for (uint32_t i = 0; i < n; i++) {
        speed =
            fmin(speed, hidden_speed_mps(b, phantoms[i].corner, BASELINE_PARAMS.hidden_speed_mps));
    }
    for (uint32_t i = 0; i < b->tracks.n; i++) {
        const hp_track *t = &b->tracks.items[i].track;
        if (!t->visible && t->kind == HP_CLASS_WALKER) {
            const double walk = fmax(BASELINE_PARAMS.hidden_speed_mps, hypot(t->vx_mps, t->vy_mps));
            const hp_vec2 place = {t->pose.x_m, t->pose.y_m};
            speed = fmin(speed, hidden_speed_mps(b, place, walk));
        }
    }
    return speed;
}

static double accelerate_mps2(baseline *b, const hp_frame *frame)
{
    const double now_s = 1e-9 * (double)frame->stamp_ns;
    double speed = plan_path_speed(&b->path, b->s_m);
    if (b->kind == BASELINE_STAND) {
        return -BASELINE_PARAMS.brake_mps2;
    }
    if (b->kind != BASELINE_CONST && threatened(b, frame)) {
        b->clear_from_s = now_s + BASELINE_PARAMS.clear_s;
    }
    if (b->kind == BASELINE_CRAWL25) {
        speed = fmin(speed, BASELINE_PARAMS.crawl_mps);
    }
    if (b->kind == BASELINE_CAUTIOUS) {
        speed = fmin(speed, cautious_speed_mps(b, frame));
    }
    if (now_s < b->clear_from_s) {
        return -BASELINE_PARAMS.brake_mps2;
    }
    /* Half a second to the wanted speed: firm, without hunting around it. */
    return hp_clamp((speed - frame->ego.speed_mps) / 0.5, -BASELINE_PARAMS.brake_mps2,
                    BASELINE_PARAMS.accel_mps2);
}

static void tick(driver *self, const hp_frame *frame, hp_command *command, hp_decision *decision)
{
    baseline *b = (baseline *)self;
    const hp_vec2 centre = {frame->ego.pose.x_m, frame->ego.pose.y_m};
    b->s_m = plan_path_project(&b->path, centre).s_m;
    *command = (hp_command){
        .world_id = frame->world_id,
        .tick = frame->tick,
        .accel_mps2 = accelerate_mps2(b, frame),
        .steer_rad = plan_steer_angle(&b->config.steer, &b->path, &frame->ego,
                                      b->info.ego_wheelbase_m, b->info.max_steer_rad),
        .source = HP_SOURCE_SEARCH,
    };
    if (decision != NULL) {
        *decision = (hp_decision){
            .world_id = frame->world_id,
            .tick = frame->tick,
            .decided = true,
            .command = *command,
            .n_agents = frame->n_agents,
        };
    }
}

static void destroy(driver *self)
{
    free(self);
}

static const driver_ops OPS = {
    .begin = begin,
    .tick = tick,
    .destroy = destroy,
};

hp_status baseline_create(baseline_kind kind, driver **out)
{
    baseline *b = calloc(1, sizeof *b);
    *out = NULL;
    if (b == NULL) {
        return HP_ENOMEM;
    }
    b->base.ops = &OPS;
    b->kind = kind;
    plan_config_default(&b->config); /* a yardstick: no key of the planner under test moves it */
    *out = &b->base;
    return HP_OK;
}
