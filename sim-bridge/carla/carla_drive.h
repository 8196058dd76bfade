/** @file carla_drive.h A drive in a file of CARLA's recorder as a world: our ego in the hero's
 * place, everybody else as recorded, the ground from the town's OpenDRIVE.
 *
 *  Vehicles and walkers are taken; lights, signs and props are not. Positions are brought to even
 *  steps of 0.05 s; velocities are their differences. Actors without a sensible recorded box get
 *  the size of their kind. Input is untrusted.
 *  Ownership: a drive owns its tracks and its map; worlds borrow the drive. Threads: read only
 *  after reading. Allocation: while reading. */
#ifndef CARLA_DRIVE_H
#define CARLA_DRIVE_H

#include "sim-bridge/sim_replay.h"
#include "sim-bridge/xodr/xodr.h"

typedef struct carla_drive carla_drive;

/** True for names that end in .log. */
bool carla_drive_is_log(const char *path);

/** map: path of the town's OpenDRIVE; empty: none, everything is drivable. */
HP_NODISCARD hp_status carla_drive_read(const char *path, const char *map, carla_drive **out,
                                        hp_error *error);
/** The same from memory. */
HP_NODISCARD hp_status carla_drive_parse(const char *name, const void *bytes, size_t len,
                                         carla_drive **out, hp_error *error);
void carla_drive_destroy(carla_drive **drive);

const sim_clip *carla_drive_clip(const carla_drive *drive);
/** Name of the town, for finding its map. */
const char *carla_drive_town(const carla_drive *drive);
/** The vehicle whose role is hero, or the first that moves; HP_ENOENT: there is none. */
HP_NODISCARD hp_status carla_drive_hero(const carla_drive *drive, uint32_t *id, hp_error *error);
/** Reads just the town's name of a file. */
HP_NODISCARD hp_status carla_drive_town_of(const char *path, char *town, size_t cap,
                                           hp_error *error);

/** As sim_replay_create; with a map, the ground beside the route is the map's, and the speed limit
 *  is the highest along it, or sim_replay's if that is more. The ego may take half as long again as
 *  the recording, and 5 s; the others vanish at its end. */
HP_NODISCARD hp_status carla_drive_world(const carla_drive *drive, uint32_t car_id, bool human,
                                         const sim_config *config, bridge_world *out,
                                         hp_error *error);

#endif
