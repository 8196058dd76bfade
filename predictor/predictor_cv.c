#include "predictor/predictor_cv.h"

#include <stddef.h>
#include <string.h>

/** A future as a rule: speed factor over time, heading over time. */
typedef struct motion {
    double probability;
    double decel_mps2; /* along the track until it stands; 0: none */
    double turn_rad;   /* heading change, reached after turn_s */
    double turn_s;
    double yaw_rate_radps; /* constant turn rate for the whole horizon */
} motion;

void predictor_cv_config_default(predictor_cv_config *config)
{
    *config = (predictor_cv_config){
        .horizon_s = 4.8,
        .step_s = 0.25,
        .walker_stop_p = 0.08,
        .walker_turn_p = 0.08,
        .walker_turn_rad = 1.5707963267948966,
        .walker_stop_s = 0.7,
        .car_brake_p = 0.15,
        .car_brake_mps2 = 3.0,
        .sigma0_m = 0.05,
        .walker_sigma_mps = 0.15,
        .car_sigma_mps = 0.3,
    };
}

/** Fills the mean path of one rule by small steps. */
static void roll_out(const hp_track *track, const motion *rule, double step_s, uint32_t n_steps,
                     hp_vec2 *mean)
{
    enum { SUBSTEPS = 5 };
    const double dt = step_s / SUBSTEPS;
    const double speed0 = hypot(track->vx_mps, track->vy_mps);
    const double heading0 =
        speed0 > 0.05 ? atan2(track->vy_mps, track->vx_mps) : track->pose.yaw_rad;
    hp_vec2 p = {track->pose.x_m, track->pose.y_m};
    for (uint32_t k = 0; k < n_steps; ++k) {
        for (uint32_t i = 0; i < SUBSTEPS; ++i) {
            const double t = (k * SUBSTEPS + i + 0.5) * dt;
            const double speed = fmax(speed0 - rule->decel_mps2 * t, 0.0);
            const double turned =
                rule->turn_s > 0.0 ? rule->turn_rad * fmin(t / rule->turn_s, 1.0) : 0.0;
            const double heading = heading0 + turned + rule->yaw_rate_radps * t;
            p.x_m += speed * cos(heading) * dt;
            p.y_m += speed * sin(heading) * dt;
        }
        mean[k] = p;
    }
}

/** Rules for a walker: keeps on, stops, turns left, turns right. */
static uint32_t walker_rules(const predictor_cv_config *config, const hp_track *track,
                             motion rules[HP_MAX_MODES])
{
    const double speed = hypot(track->vx_mps, track->vy_mps);
    const double turn_s = 0.25;
    if (speed < 0.05) { /* standing: all rules coincide */
        rules[0] = (motion){.probability = 1.0};
        return 1;
    }
    rules[0] = (motion){.probability = 1.0 - config->walker_stop_p - config->walker_turn_p};
    rules[1] =
        (motion){.probability = config->walker_stop_p, .decel_mps2 = speed / config->walker_stop_s};
    rules[2] = (motion){.probability = 0.5 * config->walker_turn_p,
                        .turn_rad = config->walker_turn_rad,
                        .turn_s = turn_s};
    rules[3] = (motion){.probability = 0.5 * config->walker_turn_p,
                        .turn_rad = -config->walker_turn_rad,
                        .turn_s = turn_s};
    return 4;
}

/** Rules for a vehicle: keeps its turn rate, brakes, straightens out. */
static uint32_t car_rules(const predictor_cv_config *config, const hp_track *track,
                          motion rules[HP_MAX_MODES])
{
    const bool turning = fabs(track->yaw_rate_radps) > 0.02;
    const double straight_p = turning ? 0.25 : 0.0;
    uint32_t n = 0;
    rules[n++] = (motion){.probability = 1.0 - config->car_brake_p - straight_p,
                          .yaw_rate_radps = track->yaw_rate_radps};
    rules[n++] = (motion){.probability = config->car_brake_p,
                          .decel_mps2 = config->car_brake_mps2,
                          .yaw_rate_radps = track->yaw_rate_radps};
    if (turning) {
        rules[n++] = (motion){.probability = straight_p};
    }
    return n;
}

uint32_t predictor_cv_steps(const predictor_cv_config *config)
{
    const double steps = floor(config->horizon_s / config->step_s + 1e-9);
    return (uint32_t)hp_clamp(steps, 1.0, HP_MAX_STEPS);
}

void predictor_cv_forecast(const predictor_cv_config *config, const hp_track *track,
                           hp_forecast *forecast)
{
    motion rules[HP_MAX_MODES];
    const uint32_t n_steps = predictor_cv_steps(config);
    const bool walks = track->kind == HP_CLASS_WALKER;
    const double rate = walks ? config->walker_sigma_mps : config->car_sigma_mps;
    const uint32_t n = walks ? walker_rules(config, track, rules) : car_rules(config, track, rules);
    forecast->id = track->id;
    forecast->n_modes = n;
    for (uint32_t m = 0; m < n; ++m) {
        hp_mode *mode = &forecast->modes[m];
        mode->probability = rules[m].probability;
        roll_out(track, &rules[m], config->step_s, n_steps, mode->mean);
        for (uint32_t k = 0; k < n_steps; ++k) {
            mode->sigma_m[k] = config->sigma0_m + rate * config->step_s * (k + 1);
        }
    }
}

void predictor_cv_predict(const predictor_cv_config *config, const hp_predict_request *request,
                          hp_predict_reply *reply)
{
    memset(reply, 0, offsetof(hp_predict_reply, forecasts)); /* the rest is large and seldom used */
    reply->world_id = request->world_id;
    reply->tick = request->tick;
    reply->step_s = config->step_s;
    reply->n_steps = predictor_cv_steps(config);
    reply->n_forecasts = request->n_tracks;
    for (uint32_t i = 0; i < request->n_tracks; ++i) {
        memset(&reply->forecasts[i], 0, sizeof reply->forecasts[i]);
        predictor_cv_forecast(config, &request->tracks[i], &reply->forecasts[i]);
    }
}
