/** @file tune_space.h Which configurations a tuning tries: axes over keys of the YAML file, and the
 *  points of a sweep or a random search in them.
 *  Ownership: plain data; keys and words point into the texts given. Threads: pure. Allocation:
 *  none. Determinism: a point is a function of (space, seed, index). */
#ifndef TUNE_SPACE_H
#define TUNE_SPACE_H

#include "cli/options.h"

enum { TUNE_MAX_AXES = 6, TUNE_MAX_WORDS = 16, TUNE_SET = 160 };

/** One key and what it may be: words, or a range. */
typedef struct tune_axis {
    char key[96];
    uint32_t n_words; /* 0: a range */
    char words[TUNE_MAX_WORDS][32];
    double lo, hi;
    bool log;   /* even in proportions */
    bool whole; /* whole numbers only */
} tune_axis;

typedef struct tune_space {
    tune_axis axes[TUNE_MAX_AXES];
    uint32_t n_axes;
    uint32_t steps; /* of a range in a sweep */
} tune_space;

/** "--set" texts of a point. */
typedef struct tune_point {
    char sets[TUNE_MAX_AXES][TUNE_SET];
    double values[TUNE_MAX_AXES]; /* of ranges; of words: their number from 0 */
} tune_point;

/** Reads "KEY=A|B|C", "KEY=LO..HI", with ":log" or ":int" or ":log:int" behind. HP_EINVAL says what
 *  is wrong with which. */
HP_NODISCARD hp_status tune_space_parse(const cli_texts *varies, uint32_t steps, tune_space *out,
                                        hp_error *error);
/** Points of the full sweep: the product over all axes. */
uint64_t tune_space_sweep_size(const tune_space *space);
/** The index-th point of the sweep; the first axis changes slowest. */
void tune_space_sweep(const tune_space *space, uint64_t index, tune_point *out);
/** The index-th point drawn by a seed. */
void tune_space_draw(const tune_space *space, uint64_t seed, uint64_t index, tune_point *out);

#endif
