/** @file pred_input.h What the network is told about one agent, the same in training and on the
 * road: his past on an even grid, who is near him, and the frame in which both are written. Only
 * the past enters: points after the last observed one have no way in. Ownership: plain data.
 * Threads: pure. Determinism: neighbours are ordered by distance and id, so the order in which
 * agents are listed does not matter. Allocation: none. */
#ifndef PRED_INPUT_H
#define PRED_INPUT_H

#include "predictor/pred_data.h"

enum {
    PRED_PAST = 8,       /* points on the grid, the last one is now */
    PRED_POINTS = 64,    /* recorded ones that are looked at, the newest */
    PRED_FUTURE = 12,    /* predicted points, the first one a step from now */
    PRED_NEIGHBOURS = 8, /* at most */
    PRED_INPUTS = 36,    /* numbers about an agent */
    PRED_PAIRS = 11,     /* numbers about a neighbour */
    PRED_PATH = 2 * PRED_FUTURE,
    PRED_AT_STEPS = 16, /* places among the inputs: the steps of the past, ... */
    PRED_AT_CLASS = 31, /* ... and a one for the class */
};

#define PRED_MIN_SCALE_M 0.05 /* no mode is surer than that */

/** A neighbour as the agent sees him, along the world's axes. */
typedef struct pred_neighbour {
    float x_m, y_m;   /* from the agent */
    float vx_m, vy_m; /* his way in one step */
    pred_class kind;
} pred_neighbour;

typedef struct pred_input {
    pred_class kind;
    uint32_t n_past; /* observed points, [1, PRED_PAST]; those before are carried back evenly */
    float past[PRED_PAST][2]; /* m from the last point, world axes, oldest first */
    float yaw_rad;            /* as reported; NAN: not */
    uint32_t n_neighbours;
    pred_neighbour neighbours[PRED_NEIGHBOURS];
} pred_input;

/** Somebody in the scene, now. */
typedef struct pred_other {
    uint32_t id;
    pred_class kind;
    hp_vec2 p;      /* m */
    hp_vec2 step_m; /* his way in one step */
} pred_other;

/** Puts a past of n >= 1 points onto the grid. times ascend and end with 0, which is now; step_m is
 * the way in one step, used where there is but one point. Points before a gap of more than a
 * second, or before a jump that nobody can make, belong to somebody else and are left out. Where a
 * walker leaps, for one step, by metres from where the median of his velocities leads, the recorder
 * slipped: the points before are moved along, if there are four or more to tell by. */
void pred_input_past(const double *times_s, const hp_vec2 *recorded, uint32_t n, hp_vec2 step_m,
                     pred_input *out);
/** Forgets all but the newest n points. */
void pred_input_forget(pred_input *input, uint32_t n);
/** Picks the neighbours of others[self]: near ones, vehicles first. */
void pred_input_neighbours(const pred_other *others, uint32_t n, uint32_t self, pred_input *out);

/** The frame in which an agent's future is written: origin at him, x the way he came, lengths in
 * the unit of his class (fast ones get a longer unit). */
typedef struct pred_frame {
    double cos, sin; /* of the direction of x */
    double flip;     /* 1, or -1: mirrored */
    double scale;    /* units per metre */
    double floor;    /* least scale of a mode: 0.05 m in units */
} pred_frame;

/** Changes for training: more turns, sizes and sides than were recorded. */
typedef struct pred_change {
    double turn_rad, size, flip;
} pred_change;

extern const pred_change PRED_AS_IT_IS;

pred_frame pred_frame_of(const pred_input *input, const pred_change *change);
/** World axes, metres -> frame, and back. */
void pred_frame_in(const pred_frame *frame, const float world[2], float out[2]);
void pred_frame_out(const pred_frame *frame, const float in[2], float world[2]);

/** Fills the network's rows: x[PRED_INPUTS], pairs[n_neighbours][PRED_PAIRS], and the path base
 * that the network corrects: constant velocity, for fast vehicles constant turn rate. */
void pred_input_write(const pred_input *input, const pred_frame *frame, double size, float *x,
                      float *pairs, float *base);

#endif
