#include "tests/unit/sim-bridge/carla_scene.h"

#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/sim_drive.h"

#include <stdlib.h>
#include <string.h>

hp_status scene_begin(scene *s, uint16_t port, uint32_t episode, const hp_clock *clock,
                      hp_error *error)
{
    sim_drive_read("01", &s->r->scenario);
    s->r->carla.port = port;
    const carla_world_setup setup = {.carla = &s->r->carla,
                                     .sim = &s->r->sim,
                                     .scenario = &s->r->scenario,
                                     .scene = sim_scene_default(),
                                     .episode = episode,
                                     .seed = 7,
                                     .clock = clock,
                                     .log = &s->log};
    const hp_status st = carla_world_create(&setup, &s->world, error);
    s->r->carla.port = s->own_port; /* the test's own clients go the straight way */
    return st;
}

void scene_open_aged(scene *s, uint32_t last_id)
{
    *s = (scene){.r = rig_open_aged(CARLA_0_9_16, NULL, 1.0, last_id)};
    s->own_port = (uint16_t)s->r->carla.port;
    s->p = proxy_open(s->r);
    s->r->carla.timeout_s = PATIENCE_S;
    s->log_file = open_memstream(&s->log_text, &s->log_len);
    s->log = (hp_log){.program = "test", .out = s->log_file};
    counted_clock_open(&s->counted);
}

void scene_open(scene *s)
{
    scene_open_aged(s, 0);
}

void scene_close(scene *s)
{
    proxy_close(s->p);
    rig_close(s->r);
    (void)fclose(s->log_file);
    free(s->log_text);
}

bool scene_logged(const scene *s, const char *text)
{
    (void)fflush(s->log_file);
    return strstr(s->log_text, text) != NULL;
}

void scene_assert_says(const char *text, const char *wanted)
{
    if (text == NULL || strstr(text, wanted) == NULL) {
        fail_msg("said: %s\nwithout: %s", text, wanted);
    }
}
