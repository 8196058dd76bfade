#include "policy/policy_encoder.h"

policy_shape policy_encoder_shape(policy_encoder encoder)
{
    if (encoder == POLICY_ENCODER_IMAGE) {
        return (policy_shape){.n_plain = POLICY_IMAGE_LOOK,
                              .n_slots = POLICY_IMAGE_PATCHES,
                              .n_slot = POLICY_IMAGE_NUMBERS,
                              .n_merge = POLICY_IMAGE_MERGE};
    }
    return (policy_shape){.n_plain = POLICY_PLAIN, .n_slots = POLICY_SLOTS, .n_slot = POLICY_SLOT};
}

bool policy_encoder_of(const policy_shape *shape, policy_encoder *out)
{
    for (int i = POLICY_ENCODER_AGENTS; i <= POLICY_ENCODER_IMAGE; i++) {
        const policy_shape s = policy_encoder_shape((policy_encoder)i);
        if (s.n_plain == shape->n_plain && s.n_slots == shape->n_slots &&
            s.n_slot == shape->n_slot && s.n_merge == shape->n_merge) {
            *out = (policy_encoder)i;
            return true;
        }
    }
    return false;
}

void policy_encode_scene(policy_encoder encoder, const policy_scene *scene, float *picture)
{
    if (encoder == POLICY_ENCODER_IMAGE) {
        policy_image_draw(scene, picture);
    }
}

void policy_encode_look(policy_encoder encoder, const policy_scene *scene, const policy_look *look,
                        float *numbers)
{
    if (encoder == POLICY_ENCODER_IMAGE) {
        policy_image_look(scene, look, numbers);
    } else {
        policy_features(scene, look, numbers);
    }
}

void policy_encode_age(policy_encoder encoder, double age_s, double way_m, float *numbers)
{
    if (encoder == POLICY_ENCODER_IMAGE) {
        policy_image_date(numbers, age_s, way_m);
    }
}

void policy_encode(policy_encoder encoder, const policy_scene *scene, float row[POLICY_MOST_ROW])
{
    const policy_shape shape = policy_encoder_shape(encoder);
    policy_encode_look(encoder, scene, &scene->root, row);
    policy_encode_scene(encoder, scene, row + policy_shape_look(&shape));
}
