/* Text into recordings, and recordings into samples. */
#include "predictor/pred_sample.h"
#include "tests/support/shell.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/hp_pred_read_XXXXXX";
static char path[128];

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int drop_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

static void put(const char *name, const char *text)
{
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    shell_write(path, text);
}

static void assert_refused(const char *text, const char *reason)
{
    static const pred_format FORMAT = {.columns = 4};
    pred_table table;
    hp_error error = {{0}};
    assert_int_equal(pred_table_parse(text, strlen(text), "f.txt", &FORMAT, &table, &error),
                     HP_ECONFIG);
    if (strstr(error.text, reason) == NULL) {
        print_error("'%s' does not say '%s'\n", error.text, reason);
        fail();
    }
    assert_null(table.values);
}

static void test_pred_table_refuses_what_is_no_table(void **state)
{
    (void)state;
    assert_refused("", "f.txt:1: error: no rows");
    assert_refused("1 2 3 4\n1 2 3\n", "f.txt:2: error: column 4");
    assert_refused("1 2 3 4 5\n", "f.txt:1: error: too many columns");
    assert_refused("1 2 nan 4\n", "column 3");
    assert_refused("1 2 inf 4\n", "column 3");
    assert_refused("1 2 0x10 4\n", "column 3");
    assert_refused("1 2 1e300 4\n", "column 3");
    assert_refused("1 2 1-2 4\n", "column 3");
}

static void test_pred_read_eth_numbers_frames_in_their_order(void **state)
{
    (void)state;
    pred_recording r;
    hp_error error;
    put("a.txt", "20\t2.0\t1.5\t-2\r\n10.0\t1\t0\t0\n10\t2\t3\t4\n40\t1\t9\t9");
    assert_int_equal(pred_read_eth(path, &r, &error), HP_OK);
    assert_int_equal(r.n_steps, 3);
    assert_int_equal(r.n_rows, 4);
    hp_assert_near(pred_recording_find(&r, 1, 2)->p.y_m, -2.0, 0.0);
    assert_null(pred_recording_find(&r, 1, 1));
    assert_int_equal(pred_recording_find(&r, 2, 1)->step, 2);
    pred_recording_free(&r);
    (void)unlink(path);
}

static void test_pred_read_eth_refuses_somebody_who_is_twice_in_a_frame(void **state)
{
    (void)state;
    pred_recording r;
    hp_error error;
    put("a.txt", "10 1 0 0\n10 1 1 0\n");
    assert_int_equal(pred_read_eth(path, &r, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "id 1 twice"));
    (void)unlink(path);
}

static void test_pred_read_clip_resamples_on_one_clock(void **state)
{
    (void)state;
    /* Ten frames a second: a step is four frames. A walker from frame 0, a car from frame 2. */
    static char text[4096] = "id,frame,label,x_est,y_est,vx_est,vy_est\n";
    static char cars[4096] = "id,frame,label,x_est,y_est,psi_est,vel_est\n";
    for (int f = 0; f <= 16; ++f) {
        char line[80];
        (void)snprintf(line, sizeof line, "1,%d,ped,%.2f,%.2f,1,0\n", f, 0.1 * f, 2.0);
        (void)strcat(text, line);
        if (f >= 2) {
            (void)snprintf(line, sizeof line, "1,%d,veh,%.2f,0,0.5,5\n", f, 0.5 * f);
            (void)strcat(cars, line);
        }
    }
    pred_recording r;
    hp_error error;
    char stem[128];
    put("c_traj_veh_filtered.csv", cars);
    put("c_traj_ped_filtered.csv", text);
    (void)snprintf(stem, sizeof stem, "%s/c", dir);
    assert_int_equal(pred_read_clip(stem, 10.0, 0.0, &r, &error), HP_OK);
    /* The walker's steps 1 to 4; the car's first step (frame 4) is dropped, too. */
    assert_int_equal(r.n_rows, 4 + 3);
    assert_int_equal(r.n_steps, 4);
    hp_assert_near(pred_recording_find(&r, 0, 1)->p.x_m, 0.4, 1e-9);
    hp_assert_near(pred_recording_find(&r, 0, 1)->p.y_m, -2.0, 1e-9); /* y up */
    assert_null(pred_recording_find(&r, 0, 1000001));
    const pred_row *car = pred_recording_find(&r, 1, 1000001);
    hp_assert_near(car->p.x_m, 4.0, 1e-9);
    hp_assert_near(car->yaw_rad, -0.5, 1e-9);
    assert_int_equal(car->kind, PRED_CAR);
    pred_recording_free(&r);
    /* Half a step later. */
    assert_int_equal(pred_read_clip(stem, 10.0, 0.5, &r, &error), HP_OK);
    hp_assert_near(pred_recording_find(&r, 0, 1)->p.x_m, 0.6, 1e-9);
    hp_assert_near(pred_recording_find(&r, 1, 1)->p.x_m, 1.0, 1e-9);
    pred_recording_free(&r);
    (void)unlink(path);
    put("c_traj_veh_filtered.csv", "");
    (void)unlink(path);
}

/** Two who walk on for 20 steps, and one who comes after the last observed step. */
static void make_walk(double bend_m, pred_recording *out)
{
    hp_error error;
    static char text[4096];
    text[0] = '\0';
    for (int f = 0; f < 20; ++f) {
        char line[120];
        (void)snprintf(line, sizeof line, "%d 1 %.3f 0\n%d 2 %.3f %.3f\n", f, 0.5 * f, f,
                       3.0 - 0.4 * f, f > 7 ? 1.0 + bend_m * (f - 7) : 1.0);
        (void)strcat(text, line);
        if (f > 7) {
            (void)snprintf(line, sizeof line, "%d 3 1 %.3f\n", f, bend_m);
            (void)strcat(text, line);
        }
    }
    put("w.txt", text);
    assert_int_equal(pred_read_eth(path, out, &error), HP_OK);
    (void)unlink(path);
}

static void test_pred_samples_are_the_same_bits_whatever_the_future(void **state)
{
    (void)state;
    pred_samples samples[2] = {{0}};
    hp_error error;
    for (int i = 0; i < 2; ++i) {
        pred_recording r;
        make_walk(i == 0 ? 0.0 : 0.7, &r);
        assert_int_equal(pred_samples_add(&samples[i], &r, &PRED_8_12, &error), HP_OK);
        assert_int_equal(samples[i].n, 2);
        pred_recording_free(&r);
    }
    for (int a = 0; a < 2; ++a) {
        assert_memory_equal(&samples[0].items[a].input, &samples[1].items[a].input,
                            sizeof(pred_input));
    }
    assert_memory_not_equal(samples[0].items[1].truth, samples[1].items[1].truth,
                            sizeof samples[0].items[1].truth);
    assert_int_equal(samples[0].items[0].input.n_neighbours, 1);
    pred_samples_free(&samples[0]);
    pred_samples_free(&samples[1]);
}

/** One who is there for seven frames and then, it seems, leaps. */
static void test_pred_samples_take_short_tracks_when_they_are_to_learn_from(void **state)
{
    (void)state;
    pred_samples samples = {0};
    pred_recording r;
    hp_error error;
    put("s.txt", "0 1 0 0\n1 1 0.5 0\n2 1 1.0 0\n3 1 1.5 0\n4 1 2.0 0\n5 1 2.5 0\n6 1 9.0 0\n"
                 "7 2 0 5\n8 2 0 5\n");
    assert_int_equal(pred_read_eth(path, &r, &error), HP_OK);
    assert_int_equal(pred_samples_add(&samples, &r, &PRED_8_12, &error), HP_OK);
    assert_int_equal(samples.n, 0);
    assert_int_equal(pred_samples_add(&samples, &r, &PRED_LOOSE, &error), HP_OK);
    /* Two points seen, at least four to come: frames 1 and 2 are his last observed ones. */
    assert_int_equal(samples.n, 2);
    for (uint32_t i = 0; i < 2; ++i) {
        const pred_sample *s = &samples.items[i];
        assert_int_equal(s->step, 1 + i);
        assert_int_equal(s->recording, 1);
        assert_int_equal(s->input.n_past, 2 + i);
        assert_int_equal(s->n_truth, 5 - i);
        assert_int_equal(s->n_future, 4 - i); /* the leap is nobody's way */
        assert_true(s->jumps);
        hp_assert_near(s->future[s->n_future - 1][0], 0.5 * (4 - i), 1e-6);
        hp_assert_near(s->input.past[0][0], -3.5, 1e-6); /* carried back */
    }
    pred_samples_free(&samples);
    pred_recording_free(&r);
    (void)unlink(path);
}

/** Most points of the past that any sample of a cut shows. */
static uint32_t longest_past(bool loose)
{
    pred_samples samples = {0};
    hp_error error;
    const pred_choice choice = {
        .data_dir = dir, .kind = PRED_APOLLO, .split = PRED_TRAIN, .loose = loose};
    assert_int_equal(pred_samples_load(&choice, &samples, &error), HP_OK);
    assert_true(samples.n > 0);
    uint32_t most = 0;
    for (size_t i = 0; i < samples.n; ++i) {
        const uint32_t n = samples.items[i].input.n_past;
        most = n > most ? n : most;
    }
    pred_samples_free(&samples);
    return most;
}

static void test_pred_samples_of_apollo_teach_with_no_longer_past_than_they_test(void **state)
{
    (void)state;
    char text[2048] = "";
    char folder[2][160];
    for (int f = 0; f < 20; ++f) {
        char line[80];
        (void)snprintf(line, sizeof line, "%d 1 3 %.1f 0 0 0.5 0.5 1.7 0\n", f, 0.6 * f);
        (void)strcat(text, line);
    }
    (void)snprintf(folder[0], sizeof folder[0], "%s/apolloscape", dir);
    (void)snprintf(folder[1], sizeof folder[1], "%s/apolloscape/prediction_train", dir);
    assert_int_equal(mkdir(folder[0], 0700) | mkdir(folder[1], 0700), 0);
    put("apolloscape/prediction_train/a.txt", text);
    assert_int_equal(longest_past(false), 7); /* 2.5 s in steps of 0.4 s */
    assert_int_equal(longest_past(true), 7);
    (void)unlink(path);
    assert_int_equal(rmdir(folder[1]) | rmdir(folder[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pred_table_refuses_what_is_no_table),
        cmocka_unit_test(test_pred_read_eth_numbers_frames_in_their_order),
        cmocka_unit_test(test_pred_read_eth_refuses_somebody_who_is_twice_in_a_frame),
        cmocka_unit_test(test_pred_read_clip_resamples_on_one_clock),
        cmocka_unit_test(test_pred_samples_are_the_same_bits_whatever_the_future),
        cmocka_unit_test(test_pred_samples_take_short_tracks_when_they_are_to_learn_from),
        cmocka_unit_test(test_pred_samples_of_apollo_teach_with_no_longer_past_than_they_test),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
