/** @file sim_replay.h Recorded traffic as a world: the ego takes the place of one recorded car,
 *  everybody else moves as recorded and does not react.
 *  Reads the trajectory CSVs of DUT and CITR (vehicle-crowd recordings, docs/RECORDINGS.md). Input
 * is untrusted. Ownership: a clip owns its rows; worlds borrow the clip. Threads: a clip may be
 * shared, read only. Allocation: while reading and in create. */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include "sim-bridge/bridge_world.h"
#include "sim-bridge/sim_world.h"

typedef struct sim_clip sim_clip;

typedef enum sim_clip_kind { SIM_CLIP_DUT, SIM_CLIP_CITR } sim_clip_kind;

/** Reads one clip: PREFIX_traj_ped_filtered.csv and PREFIX_traj_veh_filtered.csv. Converts to our
 *  frame (y up), drops each track's first 0.4 s (the filter's transient). */
HP_NODISCARD hp_status sim_clip_read(const char *prefix, sim_clip_kind kind, sim_clip **out,
                                     hp_error *error);
void sim_clip_destroy(sim_clip **clip);
/** Cars that move at least 10 m: their ids; returns how many (at most cap written). */
uint32_t sim_clip_eligible(const sim_clip *clip, uint32_t *car_ids, uint32_t cap);
double sim_clip_duration_s(const sim_clip *clip);

/** What the ego touched, each recorded agent counted at its first contact. The agents cannot react,
 * so only a front contact is the ego's doing: it is the judge's crash and ends the episode. Those
 * who walk into its flank or rear, or touch it while it stands, are counted and the episode goes
 * on; but to move off into one who touches the standing ego is a crash. */
typedef struct sim_contacts {
    uint32_t front, side, rear, standing;
} sim_contacts;

/** Creates the world in which the ego drives car_id's recorded path: starts where and as fast as
 * the recorded car, follows its path as route (and 30 m straight on beyond it). The goal is the
 * recorded path's end; the time limit is the clip's end; the speed limit is the larger of 20 km/h
 * and 1.2 times the recorded maximum. No drivable area: everything is. The ego's size is the
 * recorded vehicle's, the rest of its body is config's. At most 64 other agents are there at a
 * time, the nearest. human: replays the recorded driver himself through the same judge (commands
 * are ignored); his contacts, front ones too, are counted only, since he drove on. */
HP_NODISCARD hp_status sim_replay_create(const sim_clip *clip, uint32_t car_id, bool human,
                                         const sim_config *config, bridge_world *out,
                                         hp_error *error);
/** What the world tells of itself, to be completed (ground, speed limit) before the first step. */
hp_world_info *sim_replay_info(bridge_world *world);
/** Contacts so far; world is one made by sim_replay_create. */
sim_contacts sim_replay_contacts(const bridge_world *world);

/** A recorded scene that the suite plays. */
typedef struct sim_replay_case {
    char prefix[512];
    char name[HP_TEXT]; /* "dut/intersection_01" */
    sim_clip_kind kind;
    uint32_t car_id;
} sim_replay_case;

/** Every eligible car under data_dir (dut/trajectories_filtered/, citr/FOLDER/), sorted by name and
 *  id; up to cap. A clip without its pedestrian file is left out: with HP_OK, *error (not NULL)
 * names those, or is empty. HP_ENOENT if there is neither folder. */
HP_NODISCARD hp_status sim_replay_list(const char *data_dir, sim_replay_case *cases, uint32_t cap,
                                       uint32_t *n, hp_error *error);

#endif
