/** @file predictor_config.h Section "predictor" of the configuration.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef PREDICTOR_CONFIG_H
#define PREDICTOR_CONFIG_H

#include "common/hp_yaml.h"
#include "predictor/predictor_cv.h"

enum { PREDICTOR_PATH = 512 };

typedef struct predictor_config {
    predictor_cv_config cv;
    char model[PREDICTOR_PATH]; /* file of the network; empty: constant velocity */
} predictor_config;

extern const hp_field PREDICTOR_FIELDS[];
void predictor_config_default(predictor_config *config);

#endif
