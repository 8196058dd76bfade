/** @file sim_scenario.h Scripted scenarios: YAML to struct, and the grids of scenes played in them.
 *  In YAML and here everything is in our frame (x east, y north, yaw counter-clockwise); the public
 *  benchmark's left-handed figures were converted when the files were written.
 *  Ownership: plain data. Threads: pure. Allocation: while reading only. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "common/hp_rng.h"
#include "common/hp_yaml.h"
#include "proto/hp_msgs.h"

enum { SIM_MAX_WALKERS = 24, SIM_MAX_CARS = 24, SIM_MAX_SCENES = 2048 };

/** A walker: strolls or stands, is triggered by the ego's approach, crosses, stops. */
typedef struct sim_walker_spec {
    hp_vec2 start;
    hp_vec2 before; /* unit direction before the trigger; (0, 0): stands */
    hp_vec2 after;  /* unit direction from the trigger on */
    hp_vec2 trigger_axis; /* unit: the trigger watches |axis . (ego - walker)| < distance */
    hp_vec2 stop_normal;  /* stops where stop_normal . position > stop_offset */
    double stop_offset_m;
    double length_m, width_m;
} sim_walker_spec;

/** Another vehicle: parked, or driving straight. */
typedef struct sim_car_spec {
    hp_pose pose;
    double length_m, width_m;
    bool parked;
    double speed_mps;      /* NAN: the scene's car speed */
    double decel_mps2;     /* braking when a stop rule holds */
    double stop_gap_m;     /* stops for good when its centre is nearer than this to the ego's; 0: never */
    double yield_gap_m;    /* waits while a walker stands within this ahead of it ... */
    hp_vec2 yield_normal;  /* ... and yield_normal . walker > yield_offset_m; zero: no such rule */
    double yield_offset_m;
    hp_vec2 stop_normal;   /* stops where stop_normal . position > stop_offset_m; zero: never */
    double stop_offset_m;
} sim_car_spec;

typedef struct sim_scenario {
    char id[HP_TEXT]; /* "01" */
    char title[128];
    hp_pose ego_start, goal;
    double ego_speed_mps, goal_radius_m;
    double time_limit_s;
    double speed_limit_mps;
    double force_throttle_below_mps, force_brake_above_mps; /* overrides of the benchmark; 0: none */
    bool near_miss_applies;
    uint32_t n_route;
    double route_xy[2 * HP_MAX_ROUTE]; /* x, y, x, y, ... in m */
    uint32_t n_road, n_pavement;
    hp_rect road[HP_MAX_RECTS], pavement[HP_MAX_RECTS];
    uint32_t n_walkers, n_cars;
    sim_walker_spec walkers[SIM_MAX_WALKERS];
    sim_car_spec cars[SIM_MAX_CARS];
    bool varies_walker; /* scenes are (speed, distance); else (car speed) */
} sim_scenario;

/** One point of a grid. */
typedef struct sim_scene {
    double speed_mps;     /* walker */
    double distance_m;    /* of the trigger */
    double car_speed_mps; /* scenarios 11 and 12 */
} sim_scene;

typedef enum sim_grid {
    SIM_GRID_EVALUATION,
    SIM_GRID_VALIDATION,
    SIM_GRID_TRAINING,
    SIM_GRID_CALIBRATION,
    SIM_GRID_COUNT
} sim_grid;

/** Reads scenarios/SUITE/ID.yaml. */
HP_NODISCARD hp_status sim_scenario_read(const char *path, sim_scenario *out, hp_error *error);
/** Every scene of a grid in order; returns how many (at most SIM_MAX_SCENES written). */
uint32_t sim_grid_scenes(const sim_scenario *scenario, sim_grid grid, sim_scene *scenes);
/** A fixed stratified sample of n scenes by scene hash; the sample of n lies in that of m > n. */
uint32_t sim_grid_sample(const sim_scenario *scenario, sim_grid grid, uint32_t n,
                         sim_scene *scenes);
/** "speed=1.2,distance=20" or "car_speed=12.5" (km/h as in the benchmark) into *scene. */
HP_NODISCARD hp_status sim_scene_parse(const char *text, sim_scene *scene, hp_error *error);
/** The same text back, into buf. */
void sim_scene_print(const sim_scenario *scenario, const sim_scene *scene, char *buf, size_t cap);

#endif
