#include "planner/plan_engine.h"

#include "common/hp_geom.h"

#include <math.h>

void plan_engine_begin(plan_engine *engine)
{
    engine->drive_mps2 = 0.0;
}

/** Share of a change of command that the engine has followed after a tick. */
static double share(const plan_control_config *config)
{
    return 1.0 - exp(-1.0 / (config->rate_hz * config->engine_lag_s));
}

double plan_engine_lead(const plan_control_config *config, const plan_engine *engine,
                        double accel_mps2)
{
    if (accel_mps2 < 0.0 || config->engine_lag_s <= 0.0) {
        return accel_mps2;
    }
    const double now = engine->drive_mps2;
    const double asked = now + (accel_mps2 - now) / share(config);
    return hp_clamp(asked, 0.0, fmax(config->engine_mps2, accel_mps2));
}

void plan_engine_sent(const plan_control_config *config, double accel_mps2, plan_engine *engine)
{
    const double drive = fmax(accel_mps2, 0.0);
    if (config->engine_lag_s > 0.0) {
        engine->drive_mps2 += share(config) * (drive - engine->drive_mps2);
    }
}
