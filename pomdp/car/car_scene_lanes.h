/** @file car_scene_lanes.h The last part of a scene's building: what the step's kernels read.
 *  Ownership: writes into the scene. Threads: pure. Allocation: none. */
#ifndef CAR_SCENE_LANES_H
#define CAR_SCENE_LANES_H

#include "pomdp/car/car_scene.h"

#define CAR_BESIDE_M 8.0   /* walkers within this of the path may start to cross */
#define CAR_CORRIDOR_M 0.2 /* kept free beside the ego by the default policy */

/** Fills rules, lane_others and state_bytes from the rest of the scene. */
void car_lanes_build(car_scene *scene);

#endif
