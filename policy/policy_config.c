#include "policy/policy_config.h"

const hp_field POLICY_FIELDS[] = {HP_F_END};
