/** @file scene.h Our messages as foxglove.* ones, which viewers draw without plug-ins: the map,
 * what is seen, what is believed, where the ego is, what happened.
 *
 *  Scene entities: "world" (road, pavement, route, goal), "seen" (ego, agents, occluders) and
 * "belief" (futures with their probability as opacity, path, phantoms); each replaces the one
 * before. Ownership: writes into the caller's bytes. Threads: pure. Allocation: none. */
#ifndef SCENE_H
#define SCENE_H

#include "cli/pb_out.h"
#include "proto/hp_msgs.h"

#define SCENE_UPDATE "foxglove.SceneUpdate"
#define SCENE_TRANSFORM "foxglove.FrameTransform"
#define SCENE_LOG "foxglove.Log"

/** As foxglove.Log numbers them. */
typedef enum scene_level { SCENE_INFO = 2, SCENE_WARNING = 3, SCENE_ERROR = 4 } scene_level;

/** Clears whatever an earlier world has left, then draws the map. */
void scene_world(const hp_world_info *info, int64_t time_ns, pb_out *out);
void scene_seen(const hp_world_info *info, const hp_frame *frame, int64_t time_ns, pb_out *out);
void scene_belief(const hp_plan_request *belief, int64_t time_ns, pb_out *out);
/** map to ego. */
void scene_transform(const hp_pose *ego, int64_t time_ns, pb_out *out);
void scene_log(scene_level level, const char *name, const char *text, int64_t time_ns, pb_out *out);

#endif
