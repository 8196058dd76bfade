/** @file sim_scenario.h Scripted scenarios: YAML to struct, and the grids of scenes played in them.
 *  In YAML and here everything is in our frame (x east, y north, yaw counter-clockwise); the public
 *  benchmark's left-handed figures were converted when the files were written.
 *  Angles are degrees and speeds km/h in YAML, radians and m/s here.
 *  Ownership: plain data. Threads: pure. Allocation: while reading only. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "common/hp_yaml.h"
#include "proto/hp_msgs.h"

enum { SIM_MAX_WALKERS = 24, SIM_MAX_CARS = 24, SIM_MAX_SCENES = 2048 };

/** How a walker takes notice of others. */
typedef enum sim_character {
    SIM_SCRIPTED, /* not at all, once he is triggered */
    SIM_YIELDING, /* stops or steps back on the first metres of his way across for a fast near car
                   */
    SIM_FORCING,  /* crosses whatever comes, and may come back on to the road */
    SIM_SOCIAL,   /* walks to his goal and keeps away from others (sim_crowd.h) */
} sim_character;

/** A walker: strolls or stands, is triggered by the ego's approach, crosses, stops. */
typedef struct sim_walker_spec {
    hp_vec2 start;
    hp_vec2 before;       /* unit direction before the trigger; (0, 0): stands */
    hp_vec2 after;        /* unit direction from the trigger on */
    hp_vec2 trigger_axis; /* unit: the trigger watches |axis . (ego - walker)| < distance */
    hp_vec2 stop_normal;  /* once triggered, stops where stop_normal . position > stop_offset */
    double stop_offset_m;
    double length_m, width_m;
    sim_character character;
    /* What staging a scene draws (sim_scenario_stage); all 0 in files. */
    double walk_m;   /* crosses after so long a way instead of by the trigger; 0: by the trigger */
    double decide_m; /* SIM_YIELDING: gives way up to here on his way across */
    bool steps_back; /* and goes back to where he set out; else: stands where he is */
    double return_m; /* SIM_FORCING: comes back so far after he has arrived; 0: does not */
    double look_share; /* looks at the car from this share of walk_m on; others than SIM_SCRIPTED */
    double speed_mps;  /* his own; 0: the scene's */
    hp_vec2 goal;      /* SIM_SOCIAL */
    double accel_mps2; /* changes his velocity by no more; 0: at once. From sim_config */
    bool patient;      /* SIM_SOCIAL: leaves cars more time before he steps on to a road */
} sim_walker_spec;

/** Another vehicle: parked, or driving straight. */
typedef struct sim_car_spec {
    hp_pose pose;
    double length_m, width_m;
    bool parked;
    double speed_mps;  /* NAN: the scene's car speed */
    double decel_mps2; /* braking when a rule stops it; 0: at once */
    double
        stop_gap_m; /* stops for good when its centre is nearer than this to the ego's; 0: never */
    double yield_gap_m;   /* waits while a walker's centre is within this ahead of its own ... */
    hp_vec2 yield_normal; /* ... and yield_normal . walker > yield_offset_m; zero: no such rule */
    double yield_offset_m;
    hp_vec2
        stop_normal; /* stops for good where stop_normal . position > stop_offset_m; zero: never */
    double stop_offset_m;
    bool follows; /* keeps a distance to whatever is ahead of it in its lane (sim_crowd.h) */
} sim_car_spec;

/** What tells the scenes of a scenario from each other. */
typedef enum sim_varies {
    SIM_VARIES_CAR,      /* the other car's speed */
    SIM_VARIES_WALKER,   /* walker's speed and trigger distance */
    SIM_VARIES_APPROACH, /* walker's speed, how far ahead of the ego he is at first, and a draw */
    SIM_VARIES_DRAW,     /* a draw only: everybody is placed by it */
} sim_varies;

typedef struct sim_scenario {
    char id[HP_TEXT]; /* "01" */
    char title[128];
    hp_pose ego_start, goal;
    double ego_speed_mps, goal_radius_m;
    double time_limit_s;
    double speed_limit_mps;
    /* Overrides of the benchmark, stronger than any driver; 0: none. */
    double force_throttle_below_mps, force_brake_above_mps;
    bool near_miss_applies;
    bool route_from_map; /* none is given: in CARLA along the lanes, elsewhere straight on */
    uint32_t n_route;
    double route_xy[2 * HP_MAX_ROUTE]; /* x, y, x, y, ... in m */
    uint32_t n_road,
        n_pavement; /* the rectangles of road and pavement do not overlap each other's */
    hp_rect road[HP_MAX_RECTS], pavement[HP_MAX_RECTS];
    uint32_t n_walkers, n_cars;
    sim_walker_spec walkers[SIM_MAX_WALKERS];
    sim_car_spec cars[SIM_MAX_CARS];
    sim_varies varies;
    uint32_t crowd_walkers, crowd_cars; /* SIM_VARIES_DRAW: so many are placed */
} sim_scenario;

/** One point of a grid. */
typedef struct sim_scene {
    double speed_mps;     /* walker */
    double distance_m;    /* of the trigger; SIM_VARIES_APPROACH: from the ego to the walker */
    double car_speed_mps; /* scenarios 11 and 12 */
    uint32_t draw;        /* seed of what else differs; 0 in cts: nothing */
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
/** The same from memory; name stands for the file in errors. */
HP_NODISCARD hp_status sim_scenario_parse(const char *text, size_t len, const char *name,
                                          sim_scenario *out, hp_error *error);
/** The scenario seen in a mirror: x becomes -x. */
void sim_scenario_mirror(sim_scenario *scenario);
/** Gives each car the size of some model by seed, as one variant of the benchmark does. */
void sim_scenario_vary_cars(sim_scenario *scenario, uint64_t seed);
/** A scenario that nobody was tuned on: mirrored, the ego starting 5 m nearer or farther, other
 *  sizes of walkers and cars, and a companion to each walker. */
void sim_scenario_alter(sim_scenario *scenario, uint64_t seed);

/** The scenario as it is played in a scene: a fixed script if draw is 0; altered as above by the
 * draw where speeds vary; walkers placed and tempered by it where scenes say so. */
void sim_scenario_stage(const sim_scenario *scenario, const sim_scene *scene, sim_scenario *out);

/** A middling scene: 1.4 m/s, 20 m, 15 km/h. */
sim_scene sim_scene_default(void);
/** Every scene of a grid in order; returns how many (at most SIM_MAX_SCENES written). */
uint32_t sim_grid_scenes(const sim_scenario *scenario, sim_grid grid, sim_scene *scenes);
/** A fixed sample of n scenes by scene hash, stratified over both axes of the grid; the sample of n
 *  is the beginning of that of m > n. Returns how many (the whole grid if n is larger); 0: no
 * memory. */
uint32_t sim_grid_sample(const sim_scenario *scenario, sim_grid grid, uint32_t n,
                         sim_scene *scenes);
/** "speed=1.2,distance=20" or "car_speed=12.5" (km/h as in the benchmark), and "draw=7", into
 *  *scene; what the text does not name stays as it is. */
HP_NODISCARD hp_status sim_scene_parse(const char *text, sim_scene *scene, hp_error *error);
/** The same text back, into buf: what the scenario's scenes vary. */
void sim_scene_print(const sim_scenario *scenario, const sim_scene *scene, char *buf, size_t cap);

#endif
