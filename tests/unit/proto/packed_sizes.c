/* The messages' structs without padding. Where a table's rows add up to these sizes, no member is
 * without a row, not even one that hides in what was padding. */
#include "common/hp_geom.h"

#pragma pack(push, 1)
#include "proto/hp_msgs.h"
#pragma pack(pop)

#include "tests/unit/proto/packed_sizes.h"

#include <string.h>

size_t packed_size(const char *structure)
{
#define SIZE(s)                                                                                    \
    {                                                                                              \
#s, sizeof(s)                                                                              \
    }
    static const struct {
        const char *name;
        size_t size;
    } SIZES[] = {
        SIZE(hp_ego_state),       SIZE(hp_agent),        SIZE(hp_occluder),
        SIZE(hp_world_info),      SIZE(hp_frame),        SIZE(hp_track),
        SIZE(hp_predict_request), SIZE(hp_mode),         SIZE(hp_forecast),
        SIZE(hp_predict_reply),   SIZE(hp_belief_agent), SIZE(hp_phantom),
        SIZE(hp_plan_request),    SIZE(hp_plan_reply),   SIZE(hp_evaluate_request),
        SIZE(hp_evaluate_reply),  SIZE(hp_small_tensor), SIZE(hp_big_tensor),
        SIZE(hp_hello),           SIZE(hp_command),      SIZE(hp_decision),
        SIZE(hp_health),          SIZE(hp_episode_end),  SIZE(hp_setting),
        SIZE(hp_configuration),
    };
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; ++i) {
        if (strcmp(SIZES[i].name, structure) == 0) {
            return SIZES[i].size;
        }
    }
    return 0;
}
