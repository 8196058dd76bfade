#include "tests/support/hp_test.h"
#include "tests/unit/sim-bridge/clip_text.h"

#include <string.h>

#define PED "id,frame,label,x_est,y_est,vx_est,vy_est\n"
#define VEH "id,frame,label,x_est,y_est,psi_est,vel_est\n"

static hp_status parse(const char *ped, const char *veh, sim_clip_kind kind, sim_clip **clip,
                       hp_error *error)
{
    const sim_clip_text walkers = {"p.csv", ped, strlen(ped)};
    const sim_clip_text vehicles = {"v.csv", veh, strlen(veh)};
    return sim_clip_parse(&walkers, &vehicles, kind, clip, error);
}

static void test_clip_turns_axes_and_clock(void **state)
{
    (void)state;
    const clip_motion walker = {7, 20, 30, 1.0, 2.0, 0.5, 1.5};
    const clip_motion car = {7, 10, 60, -3.0, 4.0, 3.0, 4.0};
    const sim_track *tracks = NULL;
    sim_clip_row row;
    sim_clip *clip = clip_make(&walker, 1, &car, 1);

    assert_int_equal(sim_clip_tracks(clip, &tracks), 2);
    assert_int_equal(tracks[0].kind, HP_CLASS_WALKER);
    assert_int_equal(tracks[1].kind, HP_CLASS_CAR);
    assert_ptr_equal(sim_clip_car(clip, 7), &tracks[1]);
    assert_null(sim_clip_car(clip, 8));
    /* Frames 10 to 69 in all; ten frames (0.4 s) of each track are dropped. */
    hp_assert_near(sim_clip_duration_s(clip), 59.0 / CLIP_DUT_HZ, 1e-12);
    hp_assert_near(tracks[0].start_s, 20.0 / CLIP_DUT_HZ, 1e-12);
    hp_assert_near(tracks[1].start_s, 10.0 / CLIP_DUT_HZ, 1e-12);
    assert_int_equal(tracks[0].n_rows, 20);
    assert_false(sim_track_at(&tracks[0], tracks[0].start_s - 0.01, &row));
    assert_false(sim_track_at(&tracks[0], tracks[0].end_s + 0.01, &row));
    /* Clip time t is frame 10 + t * 23.98. Between frames it is interpolated: exact, for even
     * motion. */
    const double t = 1.2345;
    const double since_frame_0 = t + 10.0 / CLIP_DUT_HZ;
    assert_true(sim_track_at(&tracks[0], t, &row));
    hp_assert_near(row.pose.x_m, 1.0 + 0.5 * since_frame_0, 1e-9);
    hp_assert_near(row.pose.y_m, -(2.0 + 1.5 * since_frame_0), 1e-9);
    hp_assert_near(row.vy_mps, -1.5, 1e-12);
    hp_assert_near(row.pose.yaw_rad, atan2(-1.5, 0.5), 1e-9);
    assert_true(sim_track_at(&tracks[1], t, &row));
    hp_assert_near(row.pose.y_m, -(4.0 + 4.0 * since_frame_0), 1e-9);
    hp_assert_near(row.pose.yaw_rad, atan2(-4.0, 3.0), 1e-9);
    hp_assert_near(row.vx_mps, 3.0, 1e-9);
    hp_assert_near(row.vy_mps, -4.0, 1e-9);
    sim_clip_destroy(&clip);
    assert_null(clip);
}

static void test_clip_moves_the_carts_point_to_its_centre(void **state)
{
    (void)state;
    clip_writer veh = {NULL, 0, 0};
    clip_writer ped = {NULL, 0, 0};
    sim_clip *clip = NULL;
    hp_error error;
    const sim_track *tracks = NULL;
    clip_write(&veh, VEH);
    clip_write(&ped, PED);
    for (int i = 0; i < 20; ++i) { /* heads down the image: along our -y */
        clip_write(&veh, "1,%d,veh,5,6,1.5707963267948966,0\n", i);
        clip_write(&ped, "1,%d,ped,0,0,0,0\n", i);
    }
    const sim_clip_text a = {"p", ped.bytes, ped.len};
    const sim_clip_text b = {"v", veh.bytes, veh.len};
    assert_int_equal(sim_clip_parse(&a, &b, SIM_CLIP_CITR, &clip, &error), HP_OK);
    assert_int_equal(sim_clip_tracks(clip, &tracks), 2);
    hp_assert_near(tracks[1].rows[0].pose.x_m, 5.0, 1e-9);
    hp_assert_near(tracks[1].rows[0].pose.y_m, -6.0 + 0.1, 1e-9);
    hp_assert_near(tracks[1].length_m, 2.2, 0.0);
    assert_int_equal(tracks[1].n_rows, 20 - 12); /* 0.4 s at 29.97 Hz */
    sim_clip_destroy(&clip);
    clip_writer_free(&ped);
    clip_writer_free(&veh);
}

static void test_clip_refuses_what_is_malformed(void **state)
{
    (void)state;
    static const char GOOD_PED[] = PED "1,5,ped,0,0,0,0\n";
    static const char GOOD_VEH[] = VEH "1,5,veh,0,0,0,0\n";
    static const struct {
        const char *ped, *veh, *error;
    } CASES[] = {
        {"", GOOD_VEH, "p.csv:1:1: error: wrong header"},
        {VEH, GOOD_VEH, "p.csv:1:1: error: wrong header"},
        {PED, GOOD_VEH, "p.csv:1:1: error: no rows"},
        {GOOD_PED, PED "1,5,veh,0,0,0,0\n", "v.csv:1:1: error: wrong header"},
        {GOOD_PED, VEH "1,5,ped,0,0,0,0\n", "v.csv:2:5: error: wrong label"},
        {PED "1,5,ped,0,0,0,0\n1,6,ped,0,0,0", GOOD_VEH, "p.csv:3:13: error: the file ends"},
        {PED "1,5,ped,0,0,0\n", GOOD_VEH, "p.csv:2:13: error: too few columns"},
        {PED "1,5,ped,0,0,0,0,0\n", GOOD_VEH, "p.csv:2:15: error: too many columns"},
        {PED "\n", GOOD_VEH, "p.csv:2:1: error: too few columns"},
        {PED "x,5,ped,0,0,0,0\n", GOOD_VEH, "p.csv:2:1: error: 'id' is not a whole number"},
        {PED "-1,5,ped,0,0,0,0\n", GOOD_VEH, "p.csv:2:1: error: 'id' is not"},
        {PED "1,99999999,ped,0,0,0,0\n", GOOD_VEH, "p.csv:2:3: error: 'frame' is not"},
        {PED "1,5.0,ped,0,0,0,0\n", GOOD_VEH, "p.csv:2:3: error: 'frame' is not"},
        {PED "1,5,ped,nan,0,0,0\n", GOOD_VEH, "p.csv:2:9: error: 'x_est' is not a number"},
        {PED "1,5,ped,0,inf,0,0\n", GOOD_VEH, "p.csv:2:11: error: 'y_est' is not"},
        {PED "1,5,ped,0,0,0x1,0\n", GOOD_VEH, "p.csv:2:13: error: 'vx_est' is not"},
        {PED "1,5,ped,0,0,0,\n", GOOD_VEH, "p.csv:2:15: error: 'vy_est' is not"},
        {PED "1,5,ped,1e5,0,0,0\n", GOOD_VEH, "p.csv:2:9: error: 'x_est' is not"},
        {PED "1,5,ped,1e999,0,0,0\n", GOOD_VEH, "p.csv:2:9: error: 'x_est' is not"},
        {PED "1,5,ped,1-1,0,0,0\n", GOOD_VEH, "p.csv:2:9: error: 'x_est' is not"},
        {GOOD_PED, VEH "1,5,veh,0,0,0,101\n", "v.csv:2:15: error: 'vel_est' is not"},
        {PED "1,5,ped,0,0,0,0\n1,5,ped,0,0,0,0\n", GOOD_VEH,
         "p.csv:3:1: error: frame 5 of id 1 is "
         "given twice"},
        {PED "1,5,ped,0,0,0,0\n1,7,ped,0,0,0,0\n", GOOD_VEH, "is after a gap (the one before is 5"},
        {PED "1,5,ped,0,0,0,0\n1,4,ped,0,0,0,0\n", GOOD_VEH, "is out of order"},
    };
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); ++i) {
        sim_clip *clip = NULL;
        hp_error error = {""};
        const hp_status st = parse(CASES[i].ped, CASES[i].veh, SIM_CLIP_DUT, &clip, &error);
        if (st != HP_ECONFIG || clip != NULL || strstr(error.text, CASES[i].error) == NULL) {
            fail_msg("case %zu: status %d, '%s', wanted '%s'", i, (int)st, error.text,
                     CASES[i].error);
        }
    }
}

static void test_clip_takes_carriage_returns(void **state)
{
    (void)state;
    sim_clip *clip = NULL;
    hp_error error;
    assert_int_equal(parse("id,frame,label,x_est,y_est,vx_est,vy_est\r\n1,5,ped,0,0,0,0\r\n",
                           VEH "1,5,veh,0,0,0,0\n", SIM_CLIP_DUT, &clip, &error),
                     HP_OK);
    const sim_track *tracks = NULL;
    assert_int_equal(sim_clip_tracks(clip, &tracks), 0); /* too short to keep anything */
    sim_clip_destroy(&clip);
}

static void test_clip_is_bounded(void **state)
{
    (void)state;
    clip_writer many = {NULL, 0, 0};
    sim_clip *clip = NULL;
    hp_error error;
    clip_write(&many, PED);
    for (int i = 0; i <= SIM_CLIP_MAX_TRACKS; ++i) {
        clip_write(&many, "%d,5,ped,0,0,0,0\n", i);
    }
    const sim_clip_text veh = {"v.csv", VEH "1,5,veh,0,0,0,0\n", sizeof VEH + 15};
    const sim_clip_text tracks = {"p.csv", many.bytes, many.len};
    assert_int_equal(sim_clip_parse(&tracks, &veh, SIM_CLIP_DUT, &clip, &error), HP_EFULL);
    assert_non_null(strstr(error.text, "p.csv:4098:1: error: more than 4096 tracks"));
    clip_writer_free(&many);

    clip_write(&many, PED);
    for (int i = 0; i <= SIM_CLIP_MAX_ROWS; ++i) {
        clip_write(&many, "1,%d,ped,0,0,0,0\n", i);
    }
    const sim_clip_text rows = {"p.csv", many.bytes, many.len};
    assert_int_equal(sim_clip_parse(&rows, &veh, SIM_CLIP_DUT, &clip, &error), HP_EFULL);
    assert_non_null(strstr(error.text, "p.csv:1000002:1: error: more than 1000000 rows"));
    assert_null(clip);
    clip_writer_free(&many);
}

static void test_clip_knows_who_moves_enough(void **state)
{
    (void)state;
    const clip_motion walker = {1, 0, 100, 0.0, 0.0, 4.0, 0.0};
    const clip_motion cars[] = {{5, 0, 100, 0.0, 5.0, 3.0, 0.0},
                                {2, 0, 100, 0.0, 9.0, 0.0, 4.0},
                                {3, 0, 100, 0.0, 15.0, 2.0, 0.0}, /* 7.4 m after the transient */
                                {4, 0, 100, 0.0, 20.0, 0.0, 0.0}};
    uint32_t ids[4] = {0};
    sim_clip *clip = clip_make(&walker, 1, cars, 4);
    assert_int_equal(sim_clip_eligible(clip, ids, 4), 2);
    assert_int_equal(ids[0], 2);
    assert_int_equal(ids[1], 5);
    ids[1] = 0;
    assert_int_equal(sim_clip_eligible(clip, ids, 1), 2);
    assert_int_equal(ids[1], 0);
    sim_clip_destroy(&clip);
}

static void test_clip_read_names_what_is_not_there(void **state)
{
    (void)state;
    sim_clip *clip = NULL;
    hp_error error;
    assert_int_equal(sim_clip_read("no/such", SIM_CLIP_DUT, &clip, &error), HP_ENOENT);
    assert_non_null(strstr(error.text, "no/such_traj_ped_filtered.csv"));
    assert_null(clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip_turns_axes_and_clock),
        cmocka_unit_test(test_clip_moves_the_carts_point_to_its_centre),
        cmocka_unit_test(test_clip_refuses_what_is_malformed),
        cmocka_unit_test(test_clip_takes_carriage_returns),
        cmocka_unit_test(test_clip_is_bounded),
        cmocka_unit_test(test_clip_knows_who_moves_enough),
        cmocka_unit_test(test_clip_read_names_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
