/** @file carla_recorder.h Writes what happens in the stand-in's world as CARLA's recorder does, in
 * the subset that all releases read: frames, actors added and gone, positions, boxes. Ownership: a
 * recorder owns its file. Threads: one. Allocation: in open. */
#ifndef CARLA_RECORDER_H
#define CARLA_RECORDER_H

#include "sim-bridge/carla/carla_sim.h"
#include "sim-bridge/carla/carla_version.h"

typedef struct carla_recorder carla_recorder;

/** Makes PATH anew. HP_EIO: cannot be written. */
HP_NODISCARD hp_status carla_recorder_open(const char *path, const char *map, carla_recorder **out);
/** One frame, now at time_s since whenever. */
void carla_recorder_frame(carla_recorder *recorder, const carla_sim *sim, double time_s);
void carla_recorder_close(carla_recorder **recorder);

#endif
