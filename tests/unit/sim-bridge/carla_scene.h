/** @file carla_scene.h A server, a proxy before it, and a world that is driven through it, for
 *  tests. */
#ifndef CARLA_SCENE_H
#define CARLA_SCENE_H

#include "sim-bridge/carla/carla_world.h"
#include "tests/unit/sim-bridge/carla_proxy.h"

#include <stdio.h>

#define PATIENCE_S 10.0

typedef struct scene {
    rig *r;
    proxy *p;
    uint16_t own_port;
    counted_clock counted;
    bridge_world world;
    char *log_text;
    size_t log_len;
    FILE *log_file;
    hp_log log;
} scene;

/** last_id: as many ids has the server given before. */
void scene_open_aged(scene *s, uint32_t last_id);
void scene_open(scene *s);
void scene_close(scene *s);
/** Creates the world, of scenario 01, through the server's own port or the proxy's. */
hp_status scene_begin(scene *s, uint16_t port, uint32_t episode, const hp_clock *clock,
                      hp_error *error);
bool scene_logged(const scene *s, const char *text);
void scene_assert_says(const char *text, const char *wanted);

#endif
