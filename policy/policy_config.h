/** @file policy_config.h Section "policy" of the configuration: which network, and how it is run.
 *  Ownership: plain data. Threads: pure. Allocation: none. */
#ifndef POLICY_CONFIG_H
#define POLICY_CONFIG_H

#include "common/hp_yaml.h"

enum { POLICY_PATH = 512 };

typedef struct policy_config {
    char model[POLICY_PATH]; /* path of the model; empty: none */
    uint32_t encoder;        /* policy_encoder of what is trained */
    uint32_t isa;            /* index into POLICY_ISA_WORDS */
    uint32_t batch;          /* rows that one request may hold */
} policy_config;

extern const char *const POLICY_ISA_WORDS[]; /* "auto", "scalar", "avx2", "avx512", NULL */
extern const hp_field POLICY_FIELDS[];
void policy_config_default(policy_config *config);

#endif
