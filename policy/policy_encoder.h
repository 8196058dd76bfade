/** @file policy_encoder.h The two ways to show a scene to a network, behind one interface.
 *
 *  What is shown has two parts: of the scene, once per decision, and of every look (the root, and
 *  each tree node) what has changed since. Trainer, root and nodes all come through here.
 *   - agents: a look is ego, path and a slot for each other (policy_features.h); all of a slot is
 *     about where he will be when the ego is there, so nothing is left for the scene.
 *   - intention_image: the scene is a picture, encoded once; a look is a small vector beside it
 *     (policy_image.h).
 *  Ownership: plain data. Threads: pure. Determinism: bit-identical. Allocation: none. */
#ifndef POLICY_ENCODER_H
#define POLICY_ENCODER_H

#include "policy/policy_image.h"
#include "policy/policy_shape.h"

#include <stdbool.h>

typedef enum policy_encoder {
    POLICY_ENCODER_AGENTS,
    POLICY_ENCODER_IMAGE,
} policy_encoder;

enum {
    POLICY_MOST_LOOK = POLICY_ROW,
    POLICY_MOST_PICTURE = POLICY_IMAGE_PICTURE,
    POLICY_MOST_ROW = POLICY_IMAGE_LOOK + POLICY_IMAGE_PICTURE,
};
_Static_assert((int)POLICY_IMAGE_LOOK <= (int)POLICY_MOST_LOOK &&
                   (int)POLICY_ROW <= (int)POLICY_MOST_ROW,
               "the most of both");

/** The shape's row of such networks; all else is 0. */
policy_shape policy_encoder_shape(policy_encoder encoder);
/** Which encoder a network was trained with; false: none of ours. */
bool policy_encoder_of(const policy_shape *shape, policy_encoder *out);

/** picture [policy_shape_scene]. */
void policy_encode_scene(policy_encoder encoder, const policy_scene *scene, float *picture);
/** numbers [policy_shape_look]. */
void policy_encode_look(policy_encoder encoder, const policy_scene *scene, const policy_look *look,
                        float *numbers);
/** Says of a look that its scene is so old, and so far back. */
void policy_encode_age(policy_encoder encoder, double age_s, double way_m, float *numbers);
/** A whole row of the scene's root. */
void policy_encode(policy_encoder encoder, const policy_scene *scene, float row[POLICY_MOST_ROW]);

#endif
