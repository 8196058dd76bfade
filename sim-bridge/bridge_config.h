/** @file bridge_config.h Section "bridge" of the configuration: which world, how often, how
 * patient. Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef BRIDGE_CONFIG_H
#define BRIDGE_CONFIG_H

#include "common/hp_yaml.h"
#include "sim-bridge/carla/carla_config.h"

typedef enum bridge_world_kind {
    BRIDGE_WORLD_SIM,
    BRIDGE_WORLD_REPLAY,
    BRIDGE_WORLD_CARLA
} bridge_world_kind;

typedef struct bridge_config {
    uint32_t world;       /* bridge_world_kind */
    char scenario[512];   /* sim, carla: path of a scenario's YAML */
    char scene[128];      /* sim: "speed=1.2,distance=20"; empty: the middle of the training grid */
    char clip[512];       /* replay: prefix of a recorded clip, or a file of CARLA's recorder */
    char map[512];        /* replay: OpenDRIVE of the town, for CARLA's recordings; empty: none */
    uint32_t clip_format; /* replay: sim_clip_kind */
    char car[16];         /* replay: id of the recorded car; empty: the first that moves */
    uint32_t first_episode; /* number of the first: noise depends on it */
    uint32_t episodes;      /* played one after the other */
    bool realtime;          /* paced by the clock; else the world waits for each command */
    double planner_wait_s;  /* at the start: until the planner must have called */
    double planner_lost_s;  /* synchronous: until a command must have come */
    double resend_ms;       /* synchronous: an unanswered frame goes out again */
    carla_config carla;
    uint32_t watchdog_ticks; /* real time: this many ticks without a command, then brakes */
} bridge_config;

extern const char *const BRIDGE_WORLD_NAMES[];
extern const hp_field BRIDGE_FIELDS[];
void bridge_config_default(bridge_config *config);

#endif
