/** @file sim_clip_csv.h Reads the rows of a recorded track file, checked field by field.
 *  Ownership: the reader borrows the text. Threads: pure. Allocation: none. */
#ifndef SIM_CLIP_CSV_H
#define SIM_CLIP_CSV_H

#include "sim-bridge/sim_clip.h"

/** A row as it stands in the file. */
typedef struct sim_csv_row {
    uint32_t id, frame, line;
    double value[4]; /* x, y, then vx, vy or heading, speed */
} sim_csv_row;

typedef struct sim_csv {
    const sim_clip_text *text;
    size_t pos, line_start;
    uint32_t line; /* from 1 */
} sim_csv;

/** Checks the header; vehicles tells which of the two it must be. */
HP_NODISCARD hp_status sim_csv_begin(const sim_clip_text *text, bool vehicles, sim_csv *csv,
                                     hp_error *error);
/** The next row: HP_OK, HP_EAGAIN after the last, HP_ECONFIG if it is malformed. */
HP_NODISCARD hp_status sim_csv_next(sim_csv *csv, bool vehicles, sim_csv_row *row, hp_error *error);

#endif
