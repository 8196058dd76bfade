/** @file predictor_cv.h Constant velocity and constant turn rate with several modes: the predictor
 *  that is always there, and the fallback of every other one.
 *  Walkers: keeps on, stops, turns left, turns right. Cars and cyclists: keeps on (turn rate),
 * brakes to a stop, goes straight. Spread grows with time, per class. Ownership: fills the caller's
 * reply. Threads: pure. Allocation: none. Determinism: bit-identical. */
#ifndef PREDICTOR_CV_H
#define PREDICTOR_CV_H

#include "proto/hp_msgs.h"

typedef struct predictor_cv_config {
    double horizon_s; /* length of a predicted path; n_steps = horizon_s / step_s <= HP_MAX_STEPS */
    double step_s;
    double walker_stop_p,
        walker_turn_p;      /* prior of stopping, and of turning (both sides together) */
    double walker_turn_rad; /* how far a turning walker turns */
    double walker_stop_s;   /* a stopping walker stands after this time */
    double car_brake_p, car_brake_mps2;
    double sigma0_m, walker_sigma_mps, car_sigma_mps; /* sigma = sigma0 + rate * t */
} predictor_cv_config;

void predictor_cv_config_default(predictor_cv_config *config);

/** Number of points of a predicted path. */
uint32_t predictor_cv_steps(const predictor_cv_config *config);
/** One agent's futures. */
void predictor_cv_forecast(const predictor_cv_config *config, const hp_track *track,
                           hp_forecast *forecast);
void predictor_cv_predict(const predictor_cv_config *config, const hp_predict_request *request,
                          hp_predict_reply *reply);

#endif
