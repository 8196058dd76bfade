#include "sim-bridge/bridge_config.h"

const char *const BRIDGE_WORLD_NAMES[] = {"sim", "replay", "carla", NULL};
static const char *const CLIP_NAMES[] = {"dut", "citr", NULL};

const hp_field BRIDGE_FIELDS[] = {
    HP_F_ENUM(bridge_config, world, BRIDGE_WORLD_NAMES,
              "sim: the built-in simulator; replay: recorded traffic; carla: a CARLA server"),
    HP_F_STRING(bridge_config, scenario, "sim, carla: path of the scenario's YAML file"),
    HP_F_STRING(
        bridge_config, scene,
        "sim, carla: scene as speed=1.2,distance=20 or car_speed=12.5; empty: a middling one"),
    HP_F_STRING(bridge_config, clip,
                "replay: path of the clip up to _traj_ped_filtered.csv, or of CARLA's FILE.log"),
    HP_F_STRING(bridge_config, map,
                "replay of FILE.log: the town's OpenDRIVE file; empty: everything is drivable"),
    HP_F_ENUM(bridge_config, clip_format, CLIP_NAMES, "replay: who recorded the clip"),
    HP_F_STRING(bridge_config, car,
                "replay: id of the car whose place the ego takes; empty: the first that moves"),
    HP_F_UINT(bridge_config, first_episode, 0, 1000000, NULL,
              "number of the first episode, to repeat one of a benchmark"),
    HP_F_UINT(bridge_config, episodes, 1, 1000000, NULL, "episodes played one after the other"),
    HP_F_BOOL(bridge_config, realtime,
              "paced by the clock; otherwise the world waits for each command"),
    HP_F_DOUBLE(bridge_config, planner_wait_s, 0.1, 600.0, "s",
                "patience at the start, until the planner has called"),
    HP_F_DOUBLE(bridge_config, planner_lost_s, 0.1, 600.0, "s",
                "synchronous worlds: patience for one command; then the car brakes to the end"),
    HP_F_DOUBLE(bridge_config, resend_ms, 10.0, 10000.0, "ms",
                "synchronous worlds: an unanswered frame is sent again after this time"),
    HP_F_STRUCT(bridge_config, carla, CARLA_CONFIG_FIELDS, "the server of world carla"),
    HP_F_UINT(bridge_config, watchdog_ticks, 1, 100, NULL,
              "real time: ticks without a command after which the bridge brakes"),
    HP_F_END,
};

void bridge_config_default(bridge_config *config)
{
    *config = (bridge_config){.world = BRIDGE_WORLD_SIM,
                              .scenario = "scenarios/cts/01.yaml",
                              .episodes = 1,
                              .planner_wait_s = 20.0,
                              .planner_lost_s = 90.0,
                              .resend_ms = 100.0,
                              .watchdog_ticks = 2};
    carla_config_default(&config->carla);
}
