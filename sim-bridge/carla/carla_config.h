/** @file carla_config.h Section "bridge.carla" of the configuration.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef CARLA_CONFIG_H
#define CARLA_CONFIG_H

#include "common/hp_yaml.h"

typedef struct carla_config {
    char host[128];
    uint32_t port;
    char map[64]; /* empty: whatever is loaded */
    bool attach;  /* drives an ego that is there, in somebody else's scenario */
    double connect_s, timeout_s;
    char ego[64]; /* blueprint */
    uint32_t settle_ticks;
    double spawn_z_m; /* of vehicles; walkers are put half a metre higher */
    /* Pedals: full throttle and full brake, and what the vehicle loses without either. */
    double throttle_mps2, brake_mps2, rolling_mps2, drag_mps2_per_mps2;
    double steer_gain; /* how far the wheels turn, as a share of the range that is told */
} carla_config;

extern const hp_field CARLA_CONFIG_FIELDS[];
void carla_config_default(carla_config *config);

#endif
