/** @file pred_data.h Recorded trajectories as the predictor's training and tests see them: who was
 * where at each step of an even clock. Readers for the text forms of ETH/UCY, DUT/CITR and
 * ApolloScape. Files are untrusted: what is not exactly as described is refused with FILE:LINE and
 * a reason. Ownership: a recording owns its rows. Threads: read only after reading. Determinism:
 * rows are sorted by step and id. Allocation: while reading. */
#ifndef PRED_DATA_H
#define PRED_DATA_H

#include "common/hp_geom.h"
#include "common/hp_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRED_STEP_S 0.4 /* of the grid that the network runs on */

/** Finer than hp_agent_class: lorries and buses move differently. */
typedef enum pred_class {
    PRED_WALKER,
    PRED_CYCLIST,
    PRED_CAR,
    PRED_LARGE,
    PRED_CLASSES,
} pred_class;

static inline bool pred_is_vehicle(pred_class kind)
{
    return kind == PRED_CAR || kind == PRED_LARGE;
}

typedef struct pred_row {
    uint32_t step, id;
    pred_class kind;
    bool scored;    /* false: context for others only */
    hp_vec2 p;      /* m; x east, y north */
    double yaw_rad; /* as reported; NAN: not reported */
} pred_row;

typedef struct pred_recording {
    char name[64];
    double step_s;
    uint32_t n_steps;
    size_t n_rows;
    double *late_s; /* [n_steps]: later than its number tells; 0 unless the clock was mended */
    pred_row *rows; /* by step, then id */
    size_t *first;  /* [n_steps + 1]: rows of step k are rows[first[k]] .. rows[first[k + 1] - 1] */
} pred_recording;

/** A table of numbers in text, row by row. */
typedef struct pred_table {
    size_t n_rows;
    double *values; /* [n_rows][PRED_COLUMNS] */
} pred_table;

enum { PRED_COLUMNS = 10, PRED_MAX_ROWS = 2000000, PRED_MAX_FILE = 1 << 27 };

/** How a text file of numbers looks. */
typedef struct pred_format {
    const char *header; /* its first line, NULL: none */
    bool commas;        /* between columns; else blanks and tabs */
    uint32_t columns;   /* at most PRED_COLUMNS */
    uint32_t word;      /* this column (from 1) holds a word and reads as 0; 0: none */
} pred_format;

HP_NODISCARD hp_status pred_table_parse(const char *text, size_t len, const char *name,
                                        const pred_format *format, pred_table *out,
                                        hp_error *error);
HP_NODISCARD hp_status pred_table_read(const char *path, const pred_format *format, pred_table *out,
                                       hp_error *error);
void pred_table_free(pred_table *table);

/** ETH/UCY: `frame id x y`; steps are the distinct frames in their order, 0.4 s apart. */
HP_NODISCARD hp_status pred_read_eth(const char *path, pred_recording *out, hp_error *error);
/** DUT and CITR: DIR/CLIP_traj_ped_filtered.csv and, where it exists,
 * DIR/CLIP_traj_veh_filtered.csv, resampled to 0.4 s on the clip's own clock. The first point of
 * each track is dropped: the filter that made them had not settled. fps: 23.98 and 29.97;
 * late: the clock starts so many steps, [0, 1), after the clip. */
HP_NODISCARD hp_status pred_read_clip(const char *stem, double fps, double late,
                                      pred_recording *out, hp_error *error);
/** ApolloScape: ten columns; steps are the distinct frames, 0.5 s apart. */
HP_NODISCARD hp_status pred_read_apollo(const char *path, pred_recording *out, hp_error *error);
void pred_recording_free(pred_recording *recording);

/** Seconds from one step to another. */
double pred_recording_between_s(const pred_recording *recording, uint32_t from, uint32_t to);
/** The row of an agent at a step, or NULL. */
const pred_row *pred_recording_find(const pred_recording *recording, uint32_t step, uint32_t id);

#endif
