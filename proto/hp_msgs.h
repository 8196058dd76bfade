/** @file hp_msgs.h What the processes say to each other, as plain C structs.
 *
 *  One right-handed frame: x east, y north, yaw counter-clockwise; SI units, radians. The reference
 *  point of every body is the centre of its box. Time stamps are nanoseconds of the world's clock
 *  unless named otherwise. Everything is fixed-size, so a message needs no allocation; hp_codec.h
 *  turns each into bytes and back, bit for bit (doubles stay doubles on the wire). */
#ifndef HP_MSGS_H
#define HP_MSGS_H

#include "common/hp_geom.h"
#include "common/hp_setting.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HP_MAX_AGENTS = 64,    /* observed moving bodies in a frame */
    HP_MAX_OCCLUDERS = 32, /* observed standing boxes in a frame */
    HP_MAX_ROUTE = 256,    /* points of the route */
    HP_MAX_RECTS = 16,     /* rectangles of road, and of pavement */
    HP_MAX_HISTORY = 8,    /* past points of a track */
    HP_MAX_MODES = 6,      /* futures of an agent */
    HP_MAX_STEPS = 24,     /* points of a predicted path */
    HP_MAX_PATH = 512,     /* points of the planned path */
    HP_MAX_PHANTOMS = 16,  /* places where somebody hidden may step out */
    HP_MAX_ACTIONS = 8,    /* accelerations that the search chooses from */
    HP_MAX_DEPTHS = 16,    /* depths that pruned nodes are told apart by */
    HP_MAX_LOOKS = 64,     /* in a request to the policy */
    HP_MAX_FEATURES = 256, /* of a look */
    HP_MAX_SCENE = 1024,   /* numbers of the scene that they share */
    HP_MAX_DIMS = 2,       /* of a tensor */
    HP_MAX_SETTINGS = 128, /* thresholds that may change */
    HP_MAX_TUNING = 48,    /* of them the search's */
    HP_TEXT = 64,          /* bytes of a short text, with its zero */
};
_Static_assert((int)HP_TEXT == (int)HP_SETTING_KEY, "a key is a short text");

typedef enum hp_agent_class {
    HP_CLASS_WALKER,
    HP_CLASS_CYCLIST,
    HP_CLASS_CAR,
    HP_CLASS_COUNT
} hp_agent_class;

/** First word on every link, and answer to it. */
typedef struct hp_hello {
    char role[HP_TEXT]; /* "planner", "bridge", ... */
    char version[HP_TEXT];
    uint32_t generation; /* counts restarts of this role */
    bool has_model;      /* policy, predictor: a network is loaded */
} hp_hello;

/** How wide the ground is beside a point of the route: road, and pavement beyond it. */
typedef struct hp_edges {
    double road_left_m, road_right_m;         /* from the route to the road's edge */
    double pavement_left_m, pavement_right_m; /* from there on; 0: none */
} hp_edges;

/** What a map and a rule book say; once per episode, bridge -> planner. */
typedef struct hp_world_info {
    uint64_t world_id; /* changes with every episode */
    uint32_t episode;
    bool synchronous; /* the world waits for each command */
    double tick_s;
    double ego_length_m, ego_width_m, ego_wheelbase_m;
    double speed_limit_mps;
    double speed_floor_mps; /* the vehicle cannot be held below this once above it; 0: it can */
    double max_steer_rad;
    double sensor_range_m;
    hp_pose goal;
    double goal_radius_m;
    uint32_t n_route; /* [2, HP_MAX_ROUTE] */
    hp_vec2 route[HP_MAX_ROUTE];
    uint32_t n_road, n_pavement;
    hp_rect road[HP_MAX_RECTS], pavement[HP_MAX_RECTS];
    uint32_t n_edges; /* n_route, and then no rectangles count; 0: none */
    hp_edges edges[HP_MAX_ROUTE];
    /* Neither rectangles nor edges: everything is drivable. */
} hp_world_info;

typedef struct hp_ego_state {
    hp_pose pose;
    double speed_mps; /* along yaw; negative is backwards */
    double accel_mps2;
    double steer_rad; /* front wheel angle, left positive */
    double yaw_rate_radps;
} hp_ego_state;

/** A moving (or momentarily standing) body that the sensor sees. */
typedef struct hp_agent {
    uint32_t id; /* stable while seen */
    hp_agent_class kind;
    hp_pose pose;
    double vx_mps, vy_mps;
    double length_m, width_m;
    bool looks_at_ego;
} hp_agent;

/** A standing box that the sensor or the map knows: a parked car, a wall. */
typedef struct hp_occluder {
    uint32_t id;
    hp_box box;
} hp_occluder;

/** What the sensors say at one tick, bridge -> planner. */
typedef struct hp_frame {
    uint64_t world_id;
    uint32_t episode;
    uint32_t tick;    /* 0, 1, ... within the episode */
    int64_t stamp_ns; /* world time of the observation */
    hp_ego_state ego;
    uint32_t n_agents, n_occluders;
    hp_agent agents[HP_MAX_AGENTS];
    hp_occluder occluders[HP_MAX_OCCLUDERS];
} hp_frame;

/** Past of one agent, for the predictor. history[n_history - 1] is the newest point. */
typedef struct hp_track {
    uint32_t id;
    hp_agent_class kind;
    double length_m, width_m;
    hp_pose pose; /* current estimate */
    double vx_mps, vy_mps, yaw_rate_radps;
    bool visible; /* seen in this frame; else carried on */
    uint32_t n_history;
    double history_t_s[HP_MAX_HISTORY]; /* <= 0, relative to the frame */
    hp_vec2 history[HP_MAX_HISTORY];
} hp_track;

typedef struct hp_predict_request {
    uint64_t world_id;
    uint32_t tick;
    int64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
    hp_ego_state ego;
    uint32_t n_tracks;
    hp_track tracks[HP_MAX_AGENTS];
    int64_t stamp_ns; /* the frame's: world time of the observation */
} hp_predict_request;

/** One future of one agent: a Gaussian around each point. */
typedef struct hp_mode {
    double probability;
    hp_vec2 mean[HP_MAX_STEPS];
    double sigma_m[HP_MAX_STEPS]; /* standard deviation per axis */
} hp_mode;

typedef struct hp_forecast {
    uint32_t id;
    uint32_t n_modes; /* [1, HP_MAX_MODES]; probabilities sum to 1 */
    hp_mode modes[HP_MAX_MODES];
} hp_forecast;

/** Point k of every mode lies (k + 1) step_s after the frame. */
typedef struct hp_predict_reply {
    uint64_t world_id;
    uint32_t tick;
    double step_s;
    uint32_t n_steps; /* [1, HP_MAX_STEPS] */
    bool from_model;  /* false: constant velocity */
    uint32_t n_forecasts;
    hp_forecast forecasts[HP_MAX_AGENTS];
} hp_predict_reply;

/** An agent in the belief: a box with weights over futures. */
typedef struct hp_belief_agent {
    uint32_t id;
    hp_agent_class kind;
    hp_pose pose;
    double vx_mps, vy_mps;
    double length_m, width_m;
    double age_s;    /* since last seen; 0 while visible */
    double cross_hz; /* rate at which it may suddenly start to cross the path */
    uint32_t n_modes;
    hp_mode modes[HP_MAX_MODES]; /* weights after Bayes' rule */
} hp_belief_agent;

/** Somebody who may step out from behind something. */
typedef struct hp_phantom {
    hp_vec2 edge;       /* where he would come into view */
    double heading_rad; /* where he would walk */
    double speed_mps;   /* mean of the assumed speed */
    double rate_hz;     /* emergences per second */
    hp_vec2 corner;     /* of the occluder, that hides him */
} hp_phantom;

/** planner -> pomdp: search over this belief. */
typedef struct hp_plan_request {
    uint64_t world_id;
    uint32_t tick;
    int64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none, trials decide */
    uint32_t max_trials; /* 0: the deadline decides */
    uint64_t stream;     /* key of this decision's random stream */
    double ego_s_m;      /* arc length along path of the ego's centre */
    double ego_speed_mps, ego_accel_mps2;
    double ego_length_m, ego_width_m, ego_wheelbase_m;
    double speed_limit_mps, speed_floor_mps;
    double goal_s_m; /* arc length at which the goal counts as reached */
    uint32_t last_action;
    double sensor_range_m;
    uint32_t n_path; /* [2, HP_MAX_PATH] */
    hp_vec2 path[HP_MAX_PATH];
    double path_speed_mps[HP_MAX_PATH]; /* highest speed there (curvature, rules) */
    double step_s;                      /* of the modes' points, as in hp_predict_reply */
    uint32_t n_steps;
    uint32_t n_agents;
    hp_belief_agent agents[HP_MAX_AGENTS];
    uint32_t n_occluders;
    hp_occluder occluders[HP_MAX_OCCLUDERS];
    uint32_t n_phantoms;
    hp_phantom phantoms[HP_MAX_PHANTOMS];
    uint32_t n_settings; /* the search's thresholds; 0: those it started with */
    hp_setting settings[HP_MAX_TUNING];
} hp_plan_request;

/** pomdp -> planner. */
typedef struct hp_plan_reply {
    uint64_t world_id;
    uint32_t tick;
    bool found; /* false: no answer, use a fallback */
    uint32_t action;
    double accel_mps2;
    double value_lower, value_upper; /* discounted return, reward units */
    uint32_t trials, nodes, expansions, pruned, depth;
    uint32_t pool_used_permille;
    int64_t search_ns; /* CPU time of the search */
    /* leaves valued by the network, those of whom its word could not be used, pruned ones that were
     * searched after all, and calls of the network */
    uint32_t evaluated, refused, reopened, batches;
    int64_t pruned_at[HP_MAX_DEPTHS]; /* by depth 0, 1, ...; the last takes the deeper ones */
    int64_t network_ns, transport_ns; /* wall time in the network, and on the way to it and back */
} hp_plan_reply;

typedef enum hp_number_type { HP_NUMBER_F32, HP_NUMBER_F64, HP_NUMBER_COUNT } hp_number_type;

/** What the bytes of a tensor are; hp_tensor.h reads and writes both. */
typedef struct hp_tensor_head {
    uint32_t n_dims; /* 0: no numbers */
    uint64_t shape[HP_MAX_DIMS];
    hp_number_type dtype;
    uint32_t n_bytes;
} hp_tensor_head;

typedef struct hp_big_tensor {
    hp_tensor_head head;
    unsigned char data[sizeof(float) * HP_MAX_LOOKS * HP_MAX_FEATURES];
} hp_big_tensor;

/** What the answer's columns say of a look. All are 0 where the first one is. */
enum {
    HP_SAID_VALID,   /* 1: the rest is good */
    HP_SAID_VALUE,   /* expected discounted return */
    HP_SAID_SPREAD,  /* standard deviation between the network's heads */
    HP_SAID_WIDTH,   /* from its lowest to its highest quantile of the return */
    HP_SAID_CRASH_P, /* of ending in a crash */
    HP_SAID_CHOICES, /* probability of each action, from here on */
    HP_MAX_SAID = HP_SAID_CHOICES + HP_MAX_ACTIONS,
};

typedef struct hp_small_tensor {
    hp_tensor_head head;
    unsigned char data[sizeof(double) * HP_MAX_LOOKS * HP_MAX_SAID];
} hp_small_tensor;
_Static_assert(sizeof(float) * HP_MAX_SCENE <= sizeof(double) * HP_MAX_LOOKS * HP_MAX_SAID,
               "a scene is a small tensor");

/** planner, pomdp -> policy: looks at one scene, to be valued. */
typedef struct hp_evaluate_request {
    uint64_t world_id;
    uint32_t tick;
    hp_small_tensor scene; /* F32 [1][numbers]; empty where the network sees nothing but looks */
    hp_big_tensor looks;   /* F32 [looks][features] */
} hp_evaluate_request;

typedef struct hp_evaluate_reply {
    uint64_t world_id;
    uint32_t tick;
    bool has_model;          /* false: the rest is empty, heuristic bounds serve */
    hp_small_tensor answers; /* F64 [looks][columns]; empty: the request does not fit the network */
    uint64_t model_hash;     /* of the network */
    int64_t network_ns;      /* wall time that it took */
} hp_evaluate_reply;

typedef enum hp_source {
    HP_SOURCE_SEARCH,        /* the search's action */
    HP_SOURCE_POLICY,        /* the network's action */
    HP_SOURCE_COMFORT_BRAKE, /* no decision in time: brake comfortably */
    HP_SOURCE_HARD_BRAKE,    /* still none, or the guard: brake hard */
    HP_SOURCE_COUNT
} hp_source;

/** planner -> bridge, one per frame. */
typedef struct hp_command {
    uint64_t world_id;
    uint32_t tick; /* of the frame that it answers */
    double accel_mps2;
    double steer_rad;
    hp_source source;
    bool guarded; /* the guard changed it */
} hp_command;

typedef enum hp_stage {
    HP_STAGE_TRACK,
    HP_STAGE_PREDICT,
    HP_STAGE_BELIEF,
    HP_STAGE_PATH,
    HP_STAGE_SEARCH,
    HP_STAGE_GUARD,
    HP_STAGE_COMMAND,
    HP_STAGE_COUNT
} hp_stage;

/** What was decided at a tick and why: all that a replay must inject. planner -> tap. */
typedef struct hp_decision {
    uint64_t world_id;
    uint32_t tick;
    bool decided; /* false: between decisions the last action goes on */
    hp_plan_reply plan;
    hp_command command;
    uint32_t n_agents, n_phantoms;
    bool predictor_fallback;          /* constant velocity stood in */
    int64_t stage_ns[HP_STAGE_COUNT]; /* wall time per part */
    int64_t total_ns;
    bool search_failed;      /* it was asked at this tick, and gave no answer */
    uint64_t published;      /* messages on the tap since the planner's start, up to this one */
    uint32_t config_version; /* of the thresholds that it was taken with */
} hp_decision;

/** Thresholds in force from the next decision on. planner -> tap, when they change, when an episode
 * begins, and once a second. */
typedef struct hp_configuration {
    uint32_t version;        /* 1 at the planner's start, raised by each change */
    uint64_t pid;            /* of the process that reads its files again on SIGHUP; 0: none does */
    uint32_t refused;        /* changes that were refused since the start */
    char complaint[HP_TEXT]; /* the last one's fault, cut short */
    uint32_t n_settings;
    hp_setting settings[HP_MAX_SETTINGS];
} hp_configuration;

/** Sent once a second, and as answer to a request for it. */
typedef struct hp_health {
    char role[HP_TEXT];
    uint32_t generation;
    uint64_t requests, refused, late, fallbacks;
    bool degraded; /* works without something it would like to have */
    char note[HP_TEXT];
} hp_health;

typedef enum hp_verdict {
    HP_VERDICT_RUNNING,
    HP_VERDICT_GOAL,
    HP_VERDICT_CRASH,
    HP_VERDICT_TIMEOUT,
    HP_VERDICT_STOPPED, /* ended from outside */
} hp_verdict;

/** bridge -> planner, acknowledged. */
typedef struct hp_episode_end {
    uint64_t world_id;
    uint32_t episode, ticks;
    hp_verdict verdict;
    bool last; /* no episode follows */
} hp_episode_end;

#endif
