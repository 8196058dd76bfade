/** @file policy_image.h The scene as a picture, the paper's way: path, bodies with where they came
 *  from, and predictions, drawn into a raster along the path.
 *
 *  The picture is drawn once per decision. Two channels: what is (path, bodies, trails, places
 * where somebody may step out) and what is expected (futures, weighed by probability, paler the
 * later); in patches, in the order that policy_shape.h merges them. A look adds a few numbers: the
 * ego and the path as everywhere, how long ago and how far back the picture was drawn, and a few of
 * what policy_features.h says of each other. Ownership: plain data. Threads: pure. Determinism:
 * bit-identical. Allocation: none. */
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
    POLICY_IMAGE_PICTURE = POLICY_IMAGE_PATCHES * POLICY_IMAGE_NUMBERS,
    POLICY_IMAGE_AGE = POLICY_PLAIN, /* of a look: age of the picture, and way since */
    POLICY_IMAGE_OTHERS = POLICY_IMAGE_AGE + 2,
    POLICY_IMAGE_OTHER = 6, /* numbers of each other */
    POLICY_IMAGE_LOOK = POLICY_IMAGE_OTHERS + POLICY_SLOTS * POLICY_IMAGE_OTHER,
};

void policy_image_draw(const policy_scene *scene, float picture[POLICY_IMAGE_PICTURE]);
void policy_image_look(const policy_scene *scene, const policy_look *look,
                       float numbers[POLICY_IMAGE_LOOK]);
/** Says of a look that its picture is an older one. */
void policy_image_date(float numbers[POLICY_IMAGE_LOOK], double age_s, double way_m);

#endif
