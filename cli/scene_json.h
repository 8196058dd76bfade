/** @file scene_json.h The same scene as JSON for our own pages: the map, a tick, a belief. Lengths
 * are rounded to millimetres: enough for a picture. Ownership: JSON is the caller's. Threads: pure.
 * Allocation: JSON. */
#ifndef SCENE_JSON_H
#define SCENE_JSON_H

#include "proto/hp_msgs.h"

#include <jansson.h>

/** Three decimals; null unless finite. */
json_t *scene_rounded_json(double value);
json_t *scene_world_json(const hp_world_info *info);
/** Ego, agents, boxes, command, and what is derived: time to collision (both going on as they do,
 *  null beyond 5 s) and clearance. */
json_t *scene_tick_json(const hp_world_info *info, const hp_frame *frame,
                        const hp_decision *decision);
/** Futures and phantoms; the path too, or null for it. */
json_t *scene_belief_json(const hp_plan_request *belief, bool with_path);

#endif
