/** @file carla_ground.h Route and drivable ground from a road map.
 *  Threads: pure. Allocation: while a map is read and a route is found. */
#ifndef CARLA_GROUND_H
#define CARLA_GROUND_H

#include "proto/hp_msgs.h"
#include "sim-bridge/carla/carla_client.h"
#include "sim-bridge/xodr/xodr.h"

/** Ground beside a route, as a map has it; the route itself counts as road. info: n_route and
 *  route are there. Returns the highest speed limit along it, 0 if none is given. */
double carla_ground_beside(const xodr_map *map, hp_world_info *info);
/** A route along the lanes from a place to the goal, thinned to what a message holds. */
HP_NODISCARD hp_status carla_ground_route(const xodr_map *map, hp_pose from, hp_world_info *info,
                                          hp_error *error);
/** What a scenario leaves open, from the map that the server has loaded: the route from a place to
 *  the goal if wanted, and the ground if there are no rectangles of it. */
HP_NODISCARD hp_status carla_ground_complete(carla_client *client, hp_pose from, bool route,
                                             hp_world_info *info, hp_error *error);

#endif
