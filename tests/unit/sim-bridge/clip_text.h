/** @file clip_text.h Writes recordings for tests, in the format that sim_clip.h reads. */
#ifndef CLIP_TEXT_H
#define CLIP_TEXT_H

#include "sim-bridge/sim_clip.h"

#define CLIP_DUT_HZ 23.98

/** A track that moves evenly, in the file's axes (y down). */
typedef struct clip_motion {
    uint32_t id, first_frame, n_frames;
    double x_m, y_m;       /* at frame 0 of the clip */
    double vx_mps, vy_mps; /* a standing vehicle heads along x */
} clip_motion;

typedef struct clip_writer {
    char *bytes;
    size_t len, cap;
} clip_writer;

/** Adds text; the writer aborts the test when memory is short. */
void clip_write(clip_writer *writer, const char *format, ...) HP_PRINTF(2, 3);
/** Header and all rows of the tracks, frame by frame as the recordings have them. */
void clip_write_file(clip_writer *writer, bool vehicles, const clip_motion *tracks, uint32_t n);
void clip_writer_free(clip_writer *writer);
/** A DUT clip of these tracks. */
sim_clip *clip_make(const clip_motion *walkers, uint32_t n_walkers, const clip_motion *cars,
                    uint32_t n_cars);

#endif
