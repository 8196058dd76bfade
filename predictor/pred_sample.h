/** @file pred_sample.h What is trained on and tested on: agents in windows of a recording, each
 * with his past as the network sees it and his true future. And the sets that published protocols
 * name. Ownership: pred_samples owns its items. Threads: one user while adding, then read only.
 *  Determinism: order of files, windows, ids. Allocation: while adding. */
#ifndef PRED_SAMPLE_H
#define PRED_SAMPLE_H

#include "predictor/pred_data.h"
#include "predictor/pred_input.h"

typedef struct pred_sample {
    pred_input input;
    hp_vec2 here;             /* m, world */
    uint32_t recording, step; /* which one, counted, and which of its steps is now */
    uint32_t window, id;      /* agents of one window have the same number */
    uint32_t n_future;        /* steps of future that are known, up to a slip of the recording */
    float future[PRED_FUTURE][2]; /* m from here, world axes, on the network's grid */
    uint32_t n_truth;
    float truth[PRED_FUTURE][2]; /* the same at the recording's steps: what errors are taken at */
    float truth_s[PRED_FUTURE];  /* when they will be, as far as is known now */
    float mean_step_m[2];        /* mean way in one grid step over the last three recorded ones */
    bool near_car;               /* a car within 8 m, now */
    bool jumps;                  /* faster than anybody can be, somewhere in the window */
} pred_sample;

typedef struct pred_samples {
    pred_sample *items;
    size_t n, capacity;
    uint32_t n_windows, n_recordings;
} pred_samples;

/** How windows are cut. */
typedef struct pred_protocol {
    uint32_t n_past, n_future;     /* recorded steps */
    uint32_t min_past, min_future; /* whoever is there for so many of them counts */
    uint32_t min_agents;           /* windows with fewer are left out */
    bool no_vehicles;              /* vehicles are no neighbours: for comparison */
} pred_protocol;

extern const pred_protocol PRED_8_12; /* 8 observed, 12 to predict, at least one agent */
extern const pred_protocol PRED_6_6;
/** For training: whoever is seen twice and a while longer. Published protocols test on whole
 *  windows, but on the road most tracks are shorter. */
extern const pred_protocol PRED_LOOSE;
/** The same with no more past than PRED_6_6 shows. */
extern const pred_protocol PRED_LOOSE_6;

HP_NODISCARD hp_status pred_samples_add(pred_samples *samples, const pred_recording *recording,
                                        const pred_protocol *protocol, hp_error *error);
void pred_samples_free(pred_samples *samples);

typedef enum pred_data_kind {
    PRED_ETH_UCY,
    PRED_DUT,
    PRED_CITR,
    PRED_APOLLO,
    PRED_MIXED, /* train and val cuts of all of them */
    PRED_DATA_KINDS,
} pred_data_kind;

typedef enum pred_split {
    PRED_TRAIN,
    PRED_VAL,
    PRED_TEST,
} pred_split;

/** The five scenes of ETH/UCY: each is tested by a network that saw the other four. */
enum { PRED_SCENES = 5 };
extern const char *const PRED_SCENE[PRED_SCENES + 1]; /* NULL-terminated */

/** Which samples. ETH/UCY: the fold's own cuts. DUT, CITR: complete clips in the order of their
 *  names, every fourth (i mod 4 = 3) for the test, the one before it for validation. ApolloScape:
 *  files in order, i mod 5 = 4 for the test, = 3 for validation. */
typedef struct pred_choice {
    const char *data_dir;
    pred_data_kind kind;
    const char *scene; /* ETH/UCY: the fold */
    pred_split split;
    uint32_t min_agents; /* 0: as the protocol has it */
    bool no_vehicles;
    bool whole_past; /* ApolloScape, loose: eight points as tracks bring them, not the six of its
                        test */
    bool as_stamped; /* ApolloScape: its clock is believed, though frames are missing */
    bool loose;      /* short tracks, too, and clips on four clocks a tenth of a second apart */
} pred_choice;

HP_NODISCARD hp_status pred_samples_load(const pred_choice *choice, pred_samples *samples,
                                         hp_error *error);

#endif
