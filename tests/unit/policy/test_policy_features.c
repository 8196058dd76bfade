/* Features: sides are mirrored away, empty slots are empty, and nodes look like roots. */
#include "policy/policy_encoder.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>

enum { PATH = 200, STEPS = 8 };

/** A straight path to the north, and a walker side_m to the right of it who walks towards it. */
static hp_plan_request *scene_with(double side_m)
{
    hp_plan_request *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->ego_s_m = 10.0;
    r->ego_speed_mps = 8.0;
    r->ego_length_m = 4.2;
    r->ego_width_m = 2.0;
    r->speed_limit_mps = 13.9;
    r->goal_s_m = 90.0;
    r->step_s = 0.5;
    r->n_steps = STEPS;
    r->n_path = PATH;
    for (uint32_t i = 0; i < PATH; i++) {
        r->path[i] = (hp_vec2){0.0, 0.5 * i};
        r->path_speed_mps[i] = 13.9;
    }
    r->n_agents = 1;
    hp_belief_agent *a = &r->agents[0];
    *a = (hp_belief_agent){.kind = HP_CLASS_WALKER,
                           .pose = {side_m, 40.0, side_m > 0.0 ? HP_PI : 0.0},
                           .vx_mps = side_m > 0.0 ? -1.5 : 1.5,
                           .length_m = 0.4,
                           .width_m = 0.4,
                           .cross_hz = 0.2,
                           .n_modes = 1};
    a->modes[0].probability = 1.0;
    for (uint32_t k = 0; k < STEPS; k++) {
        a->modes[0].mean[k] = (hp_vec2){side_m + a->vx_mps * 0.5 * (k + 1), 40.0};
        a->modes[0].sigma_m[k] = 0.2 + 0.1 * k;
    }
    return r;
}

static void row_of(const hp_plan_request *r, float row[POLICY_ROW])
{
    policy_scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    policy_scene_encode(r, scene);
    policy_features(scene, &scene->root, row);
    free(scene);
}

static void test_features_are_the_same_when_the_scene_is_mirrored(void **state)
{
    float left[POLICY_ROW];
    float right[POLICY_ROW];
    hp_plan_request *l = scene_with(-5.0);
    hp_plan_request *r = scene_with(5.0);
    (void)state;
    row_of(l, left);
    row_of(r, right);
    for (int i = 0; i < POLICY_ROW; i++) {
        hp_assert_near((double)left[i], (double)right[i], 1e-6);
    }
    assert_true(left[POLICY_PLAIN] == 1.0F);
    assert_true(left[POLICY_PLAIN + POLICY_SLOT] == 0.0F);
    free(l);
    free(r);
}

static void test_features_see_the_crossing_coming(void **state)
{
    float row[POLICY_ROW];
    hp_plan_request *r = scene_with(5.0);
    (void)state;
    row_of(r, row);
    const float *slot = row + POLICY_PLAIN;
    assert_true(slot[16] < 0.05F); /* not on the path after half a second */
    assert_true(slot[19] > 0.8F);  /* but after three */
    free(r);
}

/** What a tree node sees after a second is what a root would see there. */
static void test_node_looks_like_a_root_when_all_went_as_foreseen(void **state)
{
    float node_row[POLICY_ROW];
    float root_row[POLICY_ROW];
    hp_plan_request *r = scene_with(5.0);
    policy_scene *scene = calloc(1, sizeof *scene);
    (void)state;
    assert_non_null(scene);
    policy_scene_encode(r, scene);
    policy_look look = scene->root;
    look.time_s = 1.0;
    look.ego_s_m += 8.0;
    look.places[0].lateral_m += 1.5; /* left is positive: towards the path */
    policy_features(scene, &look, node_row);
    r->ego_s_m += 8.0;
    r->agents[0].pose.x_m -= 1.5;
    memmove(r->agents[0].modes[0].mean, r->agents[0].modes[0].mean + 2,
            (STEPS - 2) * sizeof r->agents[0].modes[0].mean[0]);
    r->n_steps = STEPS - 2;
    row_of(r, root_row);
    for (int i = 0; i < POLICY_PLAIN + POLICY_SLOT; i++) {
        const bool starts = i == POLICY_PLAIN + 16; /* a root knows the place now to 0.1 m */
        hp_assert_near((double)node_row[i], (double)root_row[i], starts ? 0.05 : 1e-5);
    }
    free(scene);
    free(r);
}

/** Sum of a channel's cells. */
static double inked(const float *picture, int channel)
{
    double sum = 0.0;
    for (uint32_t i = (uint32_t)channel; i < POLICY_IMAGE_PICTURE; i += 2) {
        sum += (double)picture[i];
    }
    return sum;
}

static void image_of(const hp_plan_request *r, float picture[POLICY_IMAGE_PICTURE])
{
    policy_scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    policy_scene_encode(r, scene);
    policy_image_draw(scene, picture);
    free(scene);
}

static void test_image_shows_path_bodies_and_futures(void **state)
{
    static float empty[POLICY_IMAGE_PICTURE];
    static float full[POLICY_IMAGE_PICTURE];
    hp_plan_request *r = scene_with(5.0);
    (void)state;
    image_of(r, full);
    r->n_agents = 0;
    image_of(r, empty);
    assert_true(inked(empty, 0) > 1.0); /* the path */
    assert_true(inked(full, 0) > inked(empty, 0) + 0.5);
    hp_assert_near(inked(empty, 1), 0.0, 0.0);
    assert_true(inked(full, 1) > 1.0);
    for (int i = 0; i < POLICY_IMAGE_PICTURE; i++) {
        assert_true(isfinite(full[i]) && fabsf(full[i]) <= 2.0F);
    }
    free(r);
}

static void test_image_moves_when_the_walker_does(void **state)
{
    static float here[POLICY_IMAGE_PICTURE];
    static float there[POLICY_IMAGE_PICTURE];
    hp_plan_request *r = scene_with(5.0);
    (void)state;
    image_of(r, here);
    r->agents[0].pose.x_m += 0.3; /* less than a cell */
    image_of(r, there);
    assert_memory_not_equal(here, there, sizeof here);
    r->agents[0].pose.y_m = 1e9; /* out of the picture, and no crash */
    image_of(r, there);
    free(r);
}

/** The root's own look says that the picture is new; a node's, how old it is, and what moved. */
static void test_image_look_is_dated_and_follows_the_walker(void **state)
{
    float root[POLICY_IMAGE_LOOK];
    float node[POLICY_IMAGE_LOOK];
    hp_plan_request *r = scene_with(5.0);
    policy_scene *scene = calloc(1, sizeof *scene);
    (void)state;
    assert_non_null(scene);
    policy_scene_encode(r, scene);
    policy_image_look(scene, &scene->root, root);
    policy_look look = scene->root;
    look.time_s = 1.0;
    look.ego_s_m += 8.0;
    look.places[0].lateral_m += 1.5;
    policy_image_look(scene, &look, node);
    hp_assert_near((double)root[POLICY_IMAGE_AGE], 0.0, 0.0);
    hp_assert_near((double)root[POLICY_IMAGE_AGE + 1], 0.0, 0.0);
    hp_assert_near((double)node[POLICY_IMAGE_AGE], 0.5, 1e-6);
    hp_assert_near((double)node[POLICY_IMAGE_AGE + 1], 0.4, 1e-6);
    hp_assert_near((double)root[POLICY_IMAGE_OTHERS], 1.0, 0.0);
    hp_assert_near((double)(root[POLICY_IMAGE_OTHERS + 1] - node[POLICY_IMAGE_OTHERS + 1]),
                   8.0 / 40.0, 1e-6);
    hp_assert_near((double)(root[POLICY_IMAGE_OTHERS + 2] - node[POLICY_IMAGE_OTHERS + 2]),
                   1.5 / 6.0, 1e-6);
    hp_assert_near((double)root[POLICY_IMAGE_OTHERS + POLICY_IMAGE_OTHER], 0.0, 0.0);
    free(scene);
    free(r);
}

/** A whole row is a look and a scene, for either encoder, and its shape tells which. */
static void test_row_is_look_and_scene(void **state)
{
    static float row[POLICY_MOST_ROW];
    static float look[POLICY_MOST_LOOK];
    static float picture[POLICY_MOST_PICTURE];
    hp_plan_request *r = scene_with(5.0);
    policy_scene *scene = calloc(1, sizeof *scene);
    (void)state;
    assert_non_null(scene);
    policy_scene_encode(r, scene);
    for (int i = POLICY_ENCODER_AGENTS; i <= POLICY_ENCODER_IMAGE; i++) {
        const policy_shape shape = policy_encoder_shape((policy_encoder)i);
        const uint32_t n = policy_shape_look(&shape);
        policy_encoder found = POLICY_ENCODER_AGENTS;
        assert_true(policy_encoder_of(&shape, &found) && (int)found == i);
        policy_encode((policy_encoder)i, scene, row);
        policy_encode_look((policy_encoder)i, scene, &scene->root, look);
        policy_encode_scene((policy_encoder)i, scene, picture);
        assert_memory_equal(row, look, n * sizeof *row);
        assert_memory_equal(row + n, picture, policy_shape_scene(&shape) * sizeof *row);
    }
    free(scene);
    free(r);
}

static void test_features_stay_finite_when_nobody_is_there(void **state)
{
    float row[POLICY_ROW];
    hp_plan_request *r = scene_with(5.0);
    (void)state;
    r->n_agents = 0;
    r->ego_speed_mps = -0.1;
    r->ego_s_m = 500.0;
    row_of(r, row);
    for (int i = 0; i < POLICY_ROW; i++) {
        assert_true(isfinite(row[i]));
    }
    free(r);
}

static void test_features_tell_every_last_choice_apart(void **state)
{
    float row[POLICY_ROW];
    hp_plan_request *r = scene_with(5.0);
    (void)state;
    for (uint32_t a = 0; a < HP_MAX_ACTIONS; a++) {
        r->last_action = a;
        row_of(r, row);
        for (uint32_t i = 0; i < HP_MAX_ACTIONS; i++) {
            assert_true(row[POLICY_LAST + i] == (i == a ? 1.0F : 0.0F));
        }
    }
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_are_the_same_when_the_scene_is_mirrored),
        cmocka_unit_test(test_features_see_the_crossing_coming),
        cmocka_unit_test(test_node_looks_like_a_root_when_all_went_as_foreseen),
        cmocka_unit_test(test_features_tell_every_last_choice_apart),
        cmocka_unit_test(test_image_shows_path_bodies_and_futures),
        cmocka_unit_test(test_image_moves_when_the_walker_does),
        cmocka_unit_test(test_image_look_is_dated_and_follows_the_walker),
        cmocka_unit_test(test_row_is_look_and_scene),
        cmocka_unit_test(test_features_stay_finite_when_nobody_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
