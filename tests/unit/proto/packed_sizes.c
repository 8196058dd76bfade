/* The messages' structs without padding. Where a table's rows add up to these sizes, no member is
 * without a row, not even one that hides in what was padding. */
#include "common/hp_geom.h"

#pragma pack(push, 1)
#include "proto/hp_msgs.h"
#pragma pack(pop)

#include "tests/unit/proto/packed_sizes.h"

#include <string.h>

size_t packed_size(const char *message)
{
    static const struct {
        const char *name;
        size_t size;
    } SIZES[] = {
        {"EgoState", sizeof(hp_ego_state)},
        {"Agent", sizeof(hp_agent)},
        {"Occluder", sizeof(hp_occluder)},
        {"WorldInfo", sizeof(hp_world_info)},
        {"Frame", sizeof(hp_frame)},
        {"Track", sizeof(hp_track)},
        {"PredictRequest", sizeof(hp_predict_request)},
        {"Mode", sizeof(hp_mode)},
        {"Forecast", sizeof(hp_forecast)},
        {"PredictReply", sizeof(hp_predict_reply)},
        {"BeliefAgent", sizeof(hp_belief_agent)},
        {"Phantom", sizeof(hp_phantom)},
        {"PlanRequest", sizeof(hp_plan_request)},
        {"PlanReply", sizeof(hp_plan_reply)},
        {"EvaluateRequest", sizeof(hp_evaluate_request)},
        {"Evaluation", sizeof(hp_evaluation)},
        {"EvaluateReply", sizeof(hp_evaluate_reply)},
        {"Hello", sizeof(hp_hello)},
        {"Command", sizeof(hp_command)},
        {"Decision", sizeof(hp_decision)},
        {"Health", sizeof(hp_health)},
        {"EpisodeEnd", sizeof(hp_episode_end)},
        {"Setting", sizeof(hp_setting)},
        {"Configuration", sizeof(hp_configuration)},
    };
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; ++i) {
        if (strcmp(SIZES[i].name, message) == 0) {
            return SIZES[i].size;
        }
    }
    return 0;
}
