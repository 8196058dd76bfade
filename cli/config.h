/** @file config.h The effective configuration: every folder's section, as its own table reads it.
 *  Ownership: plain data. Threads: pure but for reading files. Allocation: while reading only. */
#ifndef CONFIG_H
#define CONFIG_H

#include "common/hp_setting.h"
#include "common/hp_yaml.h"
#include "planner/plan_live.h"
#include "policy/policy_config.h"
#include "pomdp/car/car_config.h"
#include "predictor/predictor_config.h"
#include "sim-bridge/bridge_config.h"
#include "sim-bridge/sim_world.h"

enum { CLI_SECTIONS = 7 };

typedef struct cli_config {
    plan_config plan;           /* sections control and planner */
    predictor_config predictor; /* section predictor */
    car_config car;             /* section pomdp */
    policy_config policy;       /* section policy */
    bridge_config bridge;       /* section bridge */
    sim_config sim;             /* section sim */
} cli_config;

void cli_config_default(cli_config *config);
/** The sections of *config, in the order of the shipped file. */
void cli_config_sections(cli_config *config, hp_section sections[CLI_SECTIONS]);
/** Rules between keys, over all sections. */
HP_NODISCARD hp_status cli_config_check(const cli_config *config, hp_error *error);
/** The whole configuration as YAML in memory (with comments, or bare); free() it. NULL: no memory.
 */
char *cli_config_text(const cli_config *config, bool comments);
/** True if two of them differ; key gets the first that does. */
bool cli_config_differs(const cli_config *a, const cli_config *b, char key[HP_SETTING_KEY]);
/** Hash of the bare text: equal configurations, equal hashes. */
uint64_t cli_config_hash(const cli_config *config);

#endif
