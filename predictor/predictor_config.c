#include "predictor/predictor_config.h"

#include <stddef.h>
#include <string.h>

/** A row for a number of the constant-velocity predictor, which stands in the same section. */
#define CV(M, LO, HI, UNIT, HELP)                                                                  \
    {                                                                                              \
        .key = #M, .type = HP_FIELD_DOUBLE, .offset = offsetof(predictor_config, cv.M),            \
        .min = (LO), .max = (HI), .unit = (UNIT), .help = (HELP)                                   \
    }

const hp_field PREDICTOR_FIELDS[] = {
    HP_F_STRING(predictor_config, model,
                "file of the network; empty: constant velocity with several futures"),
    CV(horizon_s, 0.5, 9.6, "s", "length of a predicted path"),
    CV(step_s, 0.05, 1.0, "s", "time between the points of a predicted path"),
    CV(walker_stop_p, 0.0, 0.5, NULL, "prior probability that a walker stops"),
    CV(walker_turn_p, 0.0, 0.5, NULL, "prior probability that a walker turns, both sides together"),
    CV(walker_turn_rad, 0.1, 3.2, "rad", "how far a turning walker turns"),
    CV(walker_stop_s, 0.1, 5.0, "s", "a stopping walker stands after this time"),
    CV(car_brake_p, 0.0, 0.5, NULL, "prior probability that a vehicle brakes"),
    CV(car_brake_mps2, 0.5, 9.0, "m/s^2", "deceleration of a vehicle that brakes"),
    CV(sigma0_m, 0.0, 2.0, "m", "spread at the start"),
    CV(walker_sigma_mps, 0.0, 3.0, "m/s", "growth of a walker's spread"),
    CV(car_sigma_mps, 0.0, 5.0, "m/s", "growth of a vehicle's spread"),
    HP_F_END,
};

void predictor_config_default(predictor_config *config)
{
    memset(config, 0, sizeof *config);
    predictor_cv_config_default(&config->cv);
}
