/** @file bench_suite.h What a benchmark plays: scenes, who drives through them, and the settings
 * that make two runs comparable. Ownership: a suite owns its scenes. Threads: read only once built.
 * Allocation: in create only. */
#ifndef BENCH_SUITE_H
#define BENCH_SUITE_H

#include "cli/bench_origin.h"
#include "cli/driver.h"
#include "cli/options.h"
#include "sim-bridge/sim_replay.h"
#include "sim-bridge/sim_scenario.h"

#include <jansson.h>

enum { BENCH_MAX_SCENARIOS = 16, BENCH_MAX_CONTENDERS = 24, BENCH_NAME = 32, BENCH_SUITE = 8 };

/** All that decides a run's rows; goes to settings.json, so that runs can be resumed and merged. */
typedef struct bench_settings {
    char suite[BENCH_SUITE], grid[16], scenes[16], guard[8];
    char config_hash[24]; /* of the effective configuration */
    uint64_t seed;
    uint32_t trials;
    uint32_t shard, shards; /* 1 of 1: everything */
    uint32_t n_scenes;      /* of all shards together */
    uint32_t n_scenarios, n_contenders;
    char scenarios[BENCH_MAX_SCENARIOS][16];
    char contenders[BENCH_MAX_CONTENDERS][BENCH_NAME]; /* drivers, oracles, the human */
    bool shown[BENCH_MAX_CONTENDERS]; /* const plays always, for it tells which scenes are critical
                                       */
    bench_origin origin;              /* program and files */
} bench_settings;

typedef struct bench_scene {
    uint32_t index;    /* over the whole suite, all shards */
    uint32_t scenario; /* index into the settings' scenarios */
    sim_scene scene;   /* scripted or crowd */
    uint32_t replay;   /* dut: index into cases */
} bench_scene;

typedef struct bench_suite {
    bench_settings settings;
    sim_scenario *scenarios; /* [settings.n_scenarios]; NULL for dut */
    sim_replay_case *cases;  /* [n_cases], dut */
    uint32_t n_cases;
    bench_scene *scenes; /* [n_scenes] of this shard, in order */
    uint32_t n_scenes;
} bench_suite;

/** What the user asked for. */
typedef struct bench_request {
    const char *suite, *scenarios, *scenes, *planners, *shard; /* texts as given; NULL: default */
    uint32_t grid;                                             /* sim_grid */
    uint32_t guard;                                            /* index into BENCH_GUARD_WORDS */
    bool no_oracle;
    bool mixed; /* an interrupted run of another program, network or scenes is gone on with */
} bench_request;

/** Where a suite's scenes come from. */
typedef struct bench_family {
    const char *name, *help;
    const char *folder; /* below scenarios/; NULL: recordings */
    bool altered;       /* each scene is changed by a draw of its own (sim_scenario_alter) */
    bool oracle; /* nobody reacts to the ego but by the script's rules: the best can be told */
} bench_family;

/** All of them; ended by a NULL name. */
extern const bench_family BENCH_FAMILIES[];
/** NULL: no such suite. */
const bench_family *bench_family_find(const char *name);

extern const char *const BENCH_GRID_WORDS[];
#define BENCH_RECORDED "recorded"             /* in a grid's place where there is none */
extern const char *const BENCH_GUARD_WORDS[]; /* off, on, both */
enum { BENCH_GUARD_OFF, BENCH_GUARD_ON, BENCH_GUARD_BOTH };

/** Reads scenarios or finds recordings, draws the scenes, lists the contenders. HP_EINVAL for what
 * the user should mend, HP_ENOENT if recordings or scenarios are not there. */
HP_NODISCARD hp_status bench_suite_create(const bench_request *request, const cli_common *common,
                                          const cli_config *config, bench_suite *out,
                                          hp_error *error);
void bench_suite_destroy(bench_suite *suite);
/** The driver behind a contender's name, and whether it is guarded; NULL for oracles and the human.
 */
const driver_kind *bench_contender_kind(const bench_settings *settings, uint32_t contender,
                                        bool *guard);
/** A variant of a scenario ("10a"): shown, but not part of the sums. */
bool bench_scenario_is_variant(const char *id);
/** Index of a contender by name; n_contenders if it does not play. */
uint32_t bench_contender_find(const bench_settings *settings, const char *name);
/** The scene as text, as the rows hold it. */
void bench_scene_text(const bench_suite *suite, const bench_scene *scene, char *text, size_t cap);

json_t *bench_settings_json(const bench_settings *settings);
HP_NODISCARD hp_status bench_settings_read(const char *path, bench_settings *out, hp_error *error);
/** HP_EINVAL naming the first setting that differs; if parts, which shard it was and who drove may
 * differ. What the rows come from is bench_origin_join's. */
HP_NODISCARD hp_status bench_settings_same(const bench_settings *a, const bench_settings *b,
                                           bool parts, hp_error *error);
/** For a text by bench_settings_same: where that tells of configurations, which two hashes do not
 * explain, puts the first key in its place in which those kept in a and b differ; mine, if not
 * NULL, stands for b's. */
void bench_settings_explain(const char *a, const char *b, const cli_config *mine, hp_error *why);
/** Adds the contenders of more that settings lacks, in their order. HP_EINVAL: too many. */
HP_NODISCARD hp_status bench_settings_join(bench_settings *settings, const bench_settings *more,
                                           hp_error *error);

#endif
