/** @file policy_image.h The scene as a picture, the paper's way: path, bodies with where they came
 *  from, and predictions, drawn into a raster along the path.
 *
 *  Two channels: what is (path, bodies, trails, places where somebody may step out) and what is
 *  expected (futures, weighed by probability, paler the later). A row is [plain | patch | patch |
 *  ...], patches in the order that policy_shape.h merges them.
 *  Ownership: plain data. Threads: pure. Determinism: bit-identical. Allocation: none. */
#ifndef POLICY_IMAGE_H
#define POLICY_IMAGE_H

#include "policy/policy_features.h"

enum {
    POLICY_IMAGE_ALONG = 32,  /* cells of 2 m, from 8 m behind the ego on */
    POLICY_IMAGE_ACROSS = 16, /* cells of 1 m, the path in the middle */
    POLICY_IMAGE_PATCH = 4,   /* cells along and across */
    POLICY_IMAGE_MERGE = 4,   /* patches, two by two */
    POLICY_IMAGE_NUMBERS = 2 * POLICY_IMAGE_PATCH * POLICY_IMAGE_PATCH, /* of a patch */
    POLICY_IMAGE_PATCHES =
        POLICY_IMAGE_ALONG * POLICY_IMAGE_ACROSS / (POLICY_IMAGE_PATCH * POLICY_IMAGE_PATCH),
    POLICY_IMAGE_ROW = POLICY_PLAIN + POLICY_IMAGE_PATCHES * POLICY_IMAGE_NUMBERS,
    POLICY_MOST_ROW = POLICY_IMAGE_ROW > POLICY_ROW ? POLICY_IMAGE_ROW : POLICY_ROW,
};

typedef enum policy_encoder {
    POLICY_ENCODER_AGENTS, /* policy_features.h */
    POLICY_ENCODER_IMAGE,
} policy_encoder;

void policy_image(const policy_scene *scene, const policy_look *look, float row[POLICY_IMAGE_ROW]);

/** The row that a network of this encoder sees. */
static inline void policy_encode(policy_encoder encoder, const policy_scene *scene,
                                 const policy_look *look, float row[POLICY_MOST_ROW])
{
    if (encoder == POLICY_ENCODER_IMAGE) {
        policy_image(scene, look, row);
    } else {
        policy_features(scene, look, row);
    }
}

#endif
