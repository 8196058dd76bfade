/** @file sim_clip.h Recorded tracks of one clip, as sim_replay.h plays them.
 *
 *  Two comma-separated files: pedestrians (id,frame,label,x_est,y_est,vx_est,vy_est) and vehicles
 *  (id,frame,label,x_est,y_est,psi_est,vel_est), metres and radians in image axes (y down), one row
 * per video frame. The two files count ids apart and frames together. Input is untrusted:
 * everything that is not exactly this is refused with FILE:LINE:COL. Ownership: a clip owns its
 * rows. Threads: read only after reading. Allocation: while reading. */
#ifndef SIM_CLIP_H
#define SIM_CLIP_H

#include "sim-bridge/sim_replay.h"

#include <stddef.h>

enum {
    SIM_CLIP_MAX_ROWS = 1000000, /* of both files together */
    SIM_CLIP_MAX_TRACKS = 4096,
    SIM_CLIP_MAX_FRAME = 10000000,
};

/** One file in memory. */
typedef struct sim_clip_text {
    const char *name; /* stands for the file in errors */
    const char *bytes;
    size_t len;
} sim_clip_text;

/** One frame of one track, in our frame: y up, yaw counter-clockwise, centre of the box. */
typedef struct sim_clip_row {
    hp_pose pose; /* a pedestrian's yaw is the direction in which he walks */
    double vx_mps, vy_mps;
} sim_clip_row;

typedef struct sim_track {
    uint32_t id; /* as in its file */
    hp_agent_class kind;
    double length_m, width_m;
    double start_s, end_s; /* from the clip's first frame on */
    uint32_t n_rows;       /* >= 2, one per video frame */
    const sim_clip_row *rows;
} sim_track;

/** The same as sim_clip_read from memory. */
HP_NODISCARD hp_status sim_clip_parse(const sim_clip_text *walkers, const sim_clip_text *vehicles,
                                      sim_clip_kind kind, sim_clip **out, hp_error *error);
/** A clip of tracks that somebody else has read, walkers first, their rows evenly spaced. Takes
 *  over both arrays (of malloc), also when it fails: HP_ENOMEM, also if one of them is NULL. */
HP_NODISCARD hp_status sim_clip_adopt(sim_track *tracks, uint32_t n_tracks, sim_clip_row *rows,
                                      double duration_s, sim_clip **out);
/** Tracks in the order of kind (walkers first) and id. */
uint32_t sim_clip_tracks(const sim_clip *clip, const sim_track **tracks);
/** The car with this id, or NULL. */
const sim_track *sim_clip_car(const sim_clip *clip, uint32_t car_id);
/** Where a track is at a time of the clip, between its frames by linear interpolation; false while
 *  it is not there. */
bool sim_track_at(const sim_track *track, double clip_s, sim_clip_row *row);

#endif
