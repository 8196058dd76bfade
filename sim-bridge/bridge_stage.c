#include "sim-bridge/bridge_stage.h"

#include "sim-bridge/carla/carla_attach.h"
#include "sim-bridge/carla/carla_drive.h"
#include "sim-bridge/carla/carla_world.h"
#include "sim-bridge/sim_replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct bridge_stage {
    bridge_config config;
    sim_config sim_config;
    uint64_t seed;
    const hp_clock *clock;
    const hp_log *log;
    char title[600];
    sim_scenario scenario;
    sim_scene scene;
    sim_world *sim;     /* NULL in replays */
    sim_clip *clip;     /* NULL but for clips */
    carla_drive *drive; /* NULL but for CARLA's recordings */
    uint32_t car;
    bridge_world other; /* of a replay or a server; its ops are NULL if there is none */
};

static hp_status open_sim(bridge_stage *s, hp_error *error)
{
    char scene[128];
    s->scene = sim_scene_default();
    hp_status st = sim_scenario_read(s->config.scenario, &s->scenario, error);
    if (st == HP_OK && s->config.scene[0] != '\0') {
        st = sim_scene_parse(s->config.scene, &s->scene, error);
    }
    if (st != HP_OK) {
        return st;
    }
    sim_scene_print(&s->scenario, &s->scene, scene, sizeof scene);
    (void)snprintf(s->title, sizeof s->title, "%s (%s) %s", s->scenario.id, s->scenario.title,
                   scene);
    if (s->config.world == BRIDGE_WORLD_CARLA) {
        return HP_OK; /* its world is the server's */
    }
    st = sim_world_create(&s->sim_config, &s->sim);
    return st == HP_OK ? HP_OK : hp_fail(error, st, "no memory for the simulator");
}

static hp_status open_clip(bridge_stage *s, hp_error *error)
{
    const sim_clip_kind kind = (sim_clip_kind)s->config.clip_format;
    const hp_status st = sim_clip_read(s->config.clip, kind, &s->clip, error);
    if (st == HP_OK && sim_clip_eligible(s->clip, &s->car, 1) == 0) {
        return hp_fail(error, HP_ECONFIG, "%s: no car moves at least 10 m in this recording",
                       s->config.clip);
    }
    return st;
}

static hp_status open_drive(bridge_stage *s, hp_error *error)
{
    const hp_status st = carla_drive_read(s->config.clip, s->config.map, &s->drive, error);
    return st == HP_OK ? carla_drive_hero(s->drive, &s->car, error) : st;
}

static hp_status open_replay(bridge_stage *s, hp_error *error)
{
    const hp_status st =
        carla_drive_is_log(s->config.clip) ? open_drive(s, error) : open_clip(s, error);
    if (st != HP_OK) {
        return st;
    }
    if (s->config.car[0] != '\0') {
        char *end = NULL;
        const unsigned long id = strtoul(s->config.car, &end, 10);
        if (s->config.car[0] < '0' || s->config.car[0] > '9' || *end != '\0' || id > UINT32_MAX) {
            return hp_fail(error, HP_ECONFIG, "bridge.car = '%s': must be a car's id, or empty",
                           s->config.car);
        }
        s->car = (uint32_t)id;
    }
    (void)snprintf(s->title, sizeof s->title, "%.500s car %" PRIu32, s->config.clip, s->car);
    return HP_OK;
}

hp_status bridge_stage_open(const bridge_stage_setup *setup, bridge_stage **out, hp_error *error)
{
    bridge_stage *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the world");
    }
    s->config = *setup->bridge;
    s->sim_config = *setup->sim;
    s->seed = setup->seed;
    s->clock = setup->clock;
    s->log = setup->log;
    const hp_status st =
        s->config.world == BRIDGE_WORLD_REPLAY ? open_replay(s, error) : open_sim(s, error);
    if (st != HP_OK) {
        bridge_stage_close(&s);
        return st;
    }
    *out = s;
    return HP_OK;
}

void bridge_stage_close(bridge_stage **stage)
{
    bridge_stage *s = *stage;
    if (s == NULL) {
        return;
    }
    if (s->other.ops != NULL) {
        s->other.ops->destroy(s->other.self);
    }
    sim_world_destroy(&s->sim);
    sim_clip_destroy(&s->clip);
    carla_drive_destroy(&s->drive);
    free(s);
    *stage = NULL;
}

hp_status bridge_stage_begin(bridge_stage *stage, uint32_t episode, bridge_world *world,
                             hp_error *error)
{
    if (stage->sim != NULL) {
        sim_world_load(stage->sim, &stage->scenario, &stage->scene, episode, stage->seed);
        *world = sim_world_as_bridge(stage->sim);
        return HP_OK;
    }
    if (stage->other.ops != NULL) {
        stage->other.ops->destroy(stage->other.self);
        stage->other.ops = NULL;
    }
    if (stage->drive != NULL) {
        const hp_status st = carla_drive_world(stage->drive, stage->car, false, &stage->sim_config,
                                               &stage->other, error);
        *world = stage->other;
        return st;
    }
    const carla_world_setup setup = {.carla = &stage->config.carla,
                                     .sim = &stage->sim_config,
                                     .scenario = &stage->scenario,
                                     .scene = stage->scene,
                                     .episode = episode,
                                     .seed = stage->seed,
                                     .clock = stage->clock,
                                     .log = stage->log};
    hp_status st = HP_OK;
    if (stage->clip != NULL) {
        st = sim_replay_create(stage->clip, stage->car, false, &stage->sim_config, &stage->other,
                               error);
    } else if (stage->config.carla.attach) {
        st = carla_attach_create(&setup, &stage->other, error);
    } else {
        st = carla_world_create(&setup, &stage->other, error);
    }
    *world = stage->other;
    return st;
}

const char *bridge_stage_title(const bridge_stage *stage)
{
    return stage->title;
}
