/** @file yaml_sample.h A struct with every type a table knows, for the tests and the fuzzer of
 * hp_yaml. */
#ifndef YAML_SAMPLE_H
#define YAML_SAMPLE_H

#include "common/hp_yaml.h"

#include <math.h>
#include <string.h>

enum { SAMPLE_AGENTS = 3, SAMPLE_NUMBERS = 4 };

typedef struct sample_pruning {
    uint32_t method;
    double confidence_threshold, alpha;
    bool decision_aware;
} sample_pruning;

typedef struct sample_agent {
    double x_m;
    char name[8];
    double speeds_mps[SAMPLE_NUMBERS];
    uint32_t n_speeds;
} sample_agent;

typedef struct sample_solver {
    uint32_t scenarios;
    double step_s, any;
    char model[16];
    sample_pruning pruning;
    sample_agent agents[SAMPLE_AGENTS];
    uint32_t n_agents;
    double numbers[SAMPLE_NUMBERS];
    uint32_t n_numbers;
} sample_solver;

typedef struct sample_bridge {
    char host[32];
    uint32_t port;
} sample_bridge;

static const char *const SAMPLE_METHODS[] = {"off", "minmax", "crude", NULL};

static const hp_field SAMPLE_PRUNING_FIELDS[] = {
    HP_F_ENUM(sample_pruning, method, SAMPLE_METHODS, "bounds that prune"),
    HP_F_DOUBLE(sample_pruning, confidence_threshold, 0.0, 1.01, NULL, "prune above it"),
    HP_F_DOUBLE(sample_pruning, alpha, 0.0, 1.0, NULL, "interval miscoverage"),
    HP_F_BOOL(sample_pruning, decision_aware, "spare what may change the decision"), HP_F_END};

static const hp_field SAMPLE_AGENT_FIELDS[] = {{.key = "x_m",
                                                .type = HP_FIELD_DOUBLE,
                                                .offset = offsetof(sample_agent, x_m),
                                                .min = -1000.0,
                                                .max = 1000.0,
                                                .required = true,
                                                .unit = "m",
                                                .help = "where it starts"},
                                               HP_F_STRING(sample_agent, name, "what it is called"),
                                               {.key = "speeds_mps",
                                                .type = HP_FIELD_DOUBLES,
                                                .offset = offsetof(sample_agent, speeds_mps),
                                                .min = 0.0,
                                                .max = 20.0,
                                                .capacity = SAMPLE_NUMBERS,
                                                .count_offset = offsetof(sample_agent, n_speeds),
                                                .unit = "m/s"},
                                               HP_F_END};

static const hp_field SAMPLE_SOLVER_FIELDS[] = {
    HP_F_UINT(sample_solver, scenarios, 1, 4096, NULL, "sampled futures"),
    HP_F_DOUBLE(sample_solver, step_s, 0.01, 5.0, "s", "time of one ply"),
    HP_F_DOUBLE(sample_solver, any, -INFINITY, INFINITY, NULL, NULL),
    HP_F_STRING(sample_solver, model, "file of weights"),
    HP_F_STRUCT(sample_solver, pruning, SAMPLE_PRUNING_FIELDS, "what is cut"),
    {.key = "agents",
     .type = HP_FIELD_STRUCTS,
     .offset = offsetof(sample_solver, agents),
     .sub = SAMPLE_AGENT_FIELDS,
     .capacity = SAMPLE_AGENTS,
     .stride = sizeof(sample_agent),
     .count_offset = offsetof(sample_solver, n_agents),
     .help = "who is there"},
    {.key = "numbers",
     .type = HP_FIELD_DOUBLES,
     .offset = offsetof(sample_solver, numbers),
     .min = 0.0,
     .max = 9.0,
     .capacity = SAMPLE_NUMBERS,
     .min_count = 1,
     .count_offset = offsetof(sample_solver, n_numbers)},
    HP_F_END};

static const hp_field SAMPLE_BRIDGE_FIELDS[] = {
    HP_F_STRING(sample_bridge, host, "of the simulator"),
    HP_F_UINT(sample_bridge, port, 1, 65535, NULL, "of the simulator"), HP_F_END};

/** Defaults, every byte set, so that two samples compare by memcmp. */
static inline sample_solver sample_defaults(void)
{
    sample_solver s;
    memset(&s, 0, sizeof s);
    s.scenarios = 500;
    s.step_s = 0.25;
    s.any = 1.0 / 3.0;
    memcpy(s.model, "a/b.bin", 8);
    s.pruning.method = 2;
    s.pruning.confidence_threshold = 0.9;
    s.pruning.alpha = 0.1;
    s.pruning.decision_aware = true;
    s.numbers[0] = 1.0;
    s.n_numbers = 1;
    return s;
}

#endif
