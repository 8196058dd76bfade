#include "sim-bridge/carla/carla_config.h"

const hp_field CARLA_CONFIG_FIELDS[] = {
    HP_F_STRING(carla_config, host, "of the simulator: name or IPv4 address"),
    HP_F_UINT(carla_config, port, 1, 65535, NULL, "of its calls; streams use the next"),
    HP_F_STRING(carla_config, map, "town to load, such as Town01; empty: what is loaded"),
    HP_F_BOOL(
        carla_config, attach,
        "drive the vehicle of role hero that is there, on its owner's clock, and spawn nobody"),
    HP_F_DOUBLE(carla_config, connect_s, 0.0, 600.0, "s", "patience until it can be reached"),
    HP_F_DOUBLE(carla_config, timeout_s, 0.1, 600.0, "s", "patience for one answer or snapshot"),
    HP_F_STRING(carla_config, ego, "blueprint of the ego"),
    HP_F_UINT(carla_config, settle_ticks, 1, 200, "ticks", "until spawned vehicles stand firmly"),
    HP_F_DOUBLE(carla_config, spawn_z_m, -1000.0, 1000.0, "m",
                "height at which vehicles are spawned; walkers half a metre above"),
    HP_F_DOUBLE(carla_config, throttle_mps2, 0.5, 20.0, "m/s^2",
                "of full throttle, without losses"),
    HP_F_DOUBLE(carla_config, brake_mps2, 0.5, 20.0, "m/s^2", "of full brake"),
    HP_F_DOUBLE(carla_config, rolling_mps2, 0.0, 5.0, "m/s^2", "lost to rolling"),
    HP_F_DOUBLE(carla_config, drag_mps2_per_mps2, 0.0, 0.1, "1/m",
                "lost to the air: this times speed squared"),
    HP_F_DOUBLE(carla_config, steer_gain, 0.1, 3.0, NULL,
                "wheel angle at full steering, as a share of the range that the server tells"),
    HP_F_END,
};

void carla_config_default(carla_config *config)
{
    *config = (carla_config){.host = "127.0.0.1",
                             .port = 2000,
                             .connect_s = 20.0,
                             .timeout_s = 10.0,
                             .ego = "vehicle.audi.tt",
                             .settle_ticks = 2,
                             .spawn_z_m = 0.5,
                             .throttle_mps2 = 5.0,
                             .brake_mps2 = 8.0,
                             .rolling_mps2 = 0.12,
                             .drag_mps2_per_mps2 = 0.00027,
                             .steer_gain = 1.0};
}
