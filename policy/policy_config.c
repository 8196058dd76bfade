#include "policy/policy_config.h"

const char *const POLICY_ISA_WORDS[] = {"auto", "scalar", "avx2", "avx512", NULL};

static const char *const ENCODER_WORDS[] = {"agents", "intention_image", NULL};

const hp_field POLICY_FIELDS[] = {
    HP_F_STRING(policy_config, model, "network to load; empty: none, heuristic bounds serve"),
    HP_F_ENUM(policy_config, encoder, ENCODER_WORDS,
              "what a network sees that is trained, or asked elsewhere; a file tells its own"),
    HP_F_ENUM(policy_config, isa, POLICY_ISA_WORDS,
              "vectors of the kernels; scalar gives the same bits on every machine"),
    HP_F_UINT(policy_config, batch, 1, 256, "rows", "most rows of one request"),
    HP_F_END,
};

void policy_config_default(policy_config *config)
{
    *config = (policy_config){.model = "models/policy.safetensors", .batch = 64};
}
