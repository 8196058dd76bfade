/** @file pred_train.h Training of the network: Adam over shuffled, turned, stretched and mirrored
 * samples; the epoch that does best on the validation cuts is kept. Ownership: borrows the samples.
 * Threads: one trainer at a time. Determinism: by seed, on one machine; a run that was stopped and
 * resumed gives the same bits. Allocation: in create, read and write. */
#ifndef PRED_TRAIN_H
#define PRED_TRAIN_H

#include "predictor/pred_grad.h"
#include "predictor/pred_model.h"
#include "predictor/pred_sample.h"

typedef struct pred_train_config {
    uint32_t epochs;
    uint64_t seed;
    double rate;               /* largest step of Adam */
    double size_min, size_max; /* samples are stretched by a factor between these */
    double turn_rad;           /* and turned by this much noise */
    double forget_p;           /* chance that some of the past is withheld */
    /* How the samples were read, see pred_choice: a state of others is refused. */
    bool no_vehicles, as_stamped;
} pred_train_config;

void pred_train_config_default(pred_train_config *config);

enum { PRED_BATCH = 256 };

typedef struct pred_trainer pred_trainer;

/** What an epoch gave. Errors in units: metres for walkers. */
typedef struct pred_epoch {
    uint32_t epoch; /* from 1 */
    pred_loss train, val;
    bool best; /* so far */
} pred_epoch;

/** Starts at the fan of the training samples. */
HP_NODISCARD hp_status pred_trainer_create(const pred_train_config *config,
                                           const pred_samples *train, const pred_samples *val,
                                           pred_trainer **out, hp_error *error);
void pred_trainer_destroy(pred_trainer **trainer);
/** Steps of an epoch. */
uint32_t pred_trainer_steps(const pred_trainer *trainer);
/** One step of the current epoch; true with the last one, which also fills *epoch. */
bool pred_trainer_step(pred_trainer *trainer, pred_epoch *epoch);
uint32_t pred_trainer_epochs_done(const pred_trainer *trainer);
const pred_weights *pred_trainer_best(const pred_trainer *trainer);
/** Between epochs: all that a resumed run needs. Reading refuses a state of another configuration
 *  and says what to give instead. */
HP_NODISCARD hp_status pred_trainer_write(const pred_trainer *trainer, const char *dir,
                                          const char *file, hp_error *error);
HP_NODISCARD hp_status pred_trainer_read(pred_trainer *trainer, const char *path, hp_error *error);

/** Finds temperature and spread on validation samples: the temperature by likelihood, then the
 * spread by how many points the 90 % regions cover. */
HP_NODISCARD hp_status pred_calibrate(const pred_samples *val, pred_model *model, hp_error *error);

#endif
