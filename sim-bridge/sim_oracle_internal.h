/** @file sim_oracle_internal.h The parts of the oracle: paths, what bodies forbid on them, the
 * search.
 *
 *  A drive is a path (the route, or the route with a swerve) and a speed profile along it. What
 * moves does so by script; the ego changes the script at most once, at the latch (a walker's
 * trigger, a car's stop rule). Given the tick of the latch, every body's place is known at every
 * tick, so each tick allows the ego certain spans of the path, and the rest is a search over (tick,
 * speed, place). Ownership: the oracle owns all. Threads: one oracle, one thread. Allocation: none
 * but in create. */
#ifndef SIM_ORACLE_INTERNAL_H
#define SIM_ORACLE_INTERNAL_H

#include "sim-bridge/sim_actors.h"
#include "sim-bridge/sim_oracle.h"

enum {
    ORACLE_MAX_POINTS = 768,
    ORACLE_MAX_SPANS = 8,
    ORACLE_MAX_LEVELS = 64,
    ORACLE_MAX_WORDS = 256, /* of 64 places each */
    ORACLE_MAX_CAPS = 1024,
};

#define ORACLE_CAP_STEP_M 0.25
#define ORACLE_NEVER UINT32_MAX

/** What the scene allows the vehicle. */
typedef struct oracle_rules {
    double limit_mps, floor_mps; /* floor 0: it may stop */
    double length_m, width_m;
    double start_mps;
    uint32_t max_ticks;
} oracle_rules;

/** Disjoint closed spans of arc length, ascending. */
typedef struct oracle_spans {
    uint32_t n;
    struct oracle_span {
        double lo_m, hi_m;
    } at[ORACLE_MAX_SPANS];
} oracle_spans;

void oracle_spans_set(oracle_spans *spans, double lo_m, double hi_m);
/** Takes the open interval out. What would be an eighth span is given up. */
void oracle_spans_remove(oracle_spans *spans, double lo_m, double hi_m);
void oracle_spans_keep(oracle_spans *spans, double lo_m, double hi_m);
void oracle_spans_intersect(oracle_spans *spans, const oracle_spans *other);

/** A line to drive along; the ego's yaw is that of the segment it is on. */
typedef struct oracle_path {
    uint32_t n;
    hp_vec2 points[ORACLE_MAX_POINTS];
    double s_m[ORACLE_MAX_POINTS];
    hp_vec2 along[ORACLE_MAX_POINTS]; /* unit direction of segment i */
    double goal_s_m;                  /* first place within the goal's radius; NAN: none */
    bool capped;                      /* some curve cannot be driven at the limit */
    uint32_t n_caps;
    double curve_mps[ORACLE_MAX_CAPS]; /* speed that the curvature allows, each ORACLE_CAP_STEP_M */
    double fast_mps[ORACLE_MAX_CAPS];  /* the same, able to brake for what comes */
    double left_s[ORACLE_MAX_CAPS];    /* time to the goal at these speeds; <= 0 behind it */
    double fast_s_m[SIM_ORACLE_MAX_TICKS + 1]; /* the fastest drive that minds nobody */
    double fast_v_mps[SIM_ORACLE_MAX_TICKS + 1];
    double slow_s_m[SIM_ORACLE_MAX_TICKS + 1]; /* the slowest that the floor allows */
    uint32_t fast_ticks;                       /* until the goal; > max_ticks: too late */
} oracle_path;

/** A swerve: offset from the route (left positive) between two places, eased in and out. */
typedef struct oracle_swerve {
    double offset_m;
    double begin_m, in_m; /* where easing in begins, how long it takes */
    double hold_m, out_m; /* how long the offset is held; length of easing out, 0: stays */
} oracle_swerve;

/** False if the path does not reach the goal or has too many points. */
bool oracle_path_route(const sim_scenario *scenario, const oracle_rules *rules, oracle_path *path);
bool oracle_path_swerve(const sim_scenario *scenario, const oracle_rules *rules,
                        const oracle_path *route, const oracle_swerve *swerve, oracle_path *path);
/** True if the ego's centre stays on road, or on road and pavement, all along. */
bool oracle_path_drivable(const sim_scenario *scenario, const oracle_path *path, bool pavement);
/** Speed at which the curves here and ahead can still be driven. */
double oracle_path_cap(const oracle_path *path, double s_m);
hp_pose oracle_path_pose(const oracle_path *path, double s_m);
/** Takes out of *allowed (below the goal) where the ego's box on the path would meet the box. */
void oracle_path_forbid(const oracle_path *path, const oracle_rules *rules, const hp_box *box,
                        oracle_spans *allowed);
/** Where |axis . (path - centre)| < reach_m, or, for a zero axis, |path - centre| < reach_m. */
void oracle_path_near(const oracle_path *path, hp_vec2 axis, hp_vec2 centre, double reach_m,
                      oracle_spans *out);

/** The one body whose script the ego changes. */
typedef struct oracle_latch {
    bool present;
    bool is_car;
    uint32_t index; /* of the walker, or of the car */
    hp_vec2 axis;   /* as oracle_path_near takes it */
    double reach_m;
} oracle_latch;

/** Moving bodies at each tick; where a latch has fired, at the ticks behind that. */
typedef struct oracle_script {
    uint32_t n_moving;
    hp_box boxes[SIM_ORACLE_MAX_TICKS + 1][SIM_MAX_BODIES];
} oracle_script;

/** All that can happen in one scene. */
typedef struct oracle_scene {
    const sim_scenario *scenario;
    const sim_scene *scene;
    oracle_rules rules;
    oracle_latch latch;
    bool many_latches; /* more than one: the search does without them */
    uint32_t n_parked;
    hp_box parked[SIM_MAX_CARS];
    oracle_script calm;                          /* no latch */
    sim_actors before[SIM_ORACLE_MAX_TICKS + 1]; /* without latch, at each tick */
    oracle_script latched;                       /* by oracle_scene_latch */
} oracle_scene;

void oracle_scene_begin(oracle_scene *scene, const sim_scenario *scenario, const sim_scene *which);
/** Fills scene->latched with what happens if the latch fires in the step from tick on. */
void oracle_scene_latch(oracle_scene *scene, uint32_t tick);
hp_vec2 oracle_scene_latch_centre(const oracle_scene *scene, uint32_t tick);

typedef struct oracle_search oracle_search;

HP_NODISCARD hp_status oracle_search_create(oracle_search **out);
void oracle_search_destroy(oracle_search **search);
/** The fastest drive along the path that arrives before best_ticks; fills *drive, or returns false.
 *  *work: words of the lattice that may still be touched; when it is used up, the best so far
 * stands. */
bool oracle_search_run(oracle_search *search, oracle_scene *scene, const oracle_path *path,
                       uint32_t best_ticks, uint64_t *work, sim_oracle_drive *drive);

#endif
