/* Recordings that have lost frames: what is found of it, by whom, and what is made of it. */
#include "predictor/pred_clock.h"

#include "predictor/pred_sample.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_STEPS = 60 };

/** People who walk evenly, as a recorder with a clock of its own sees them. */
typedef struct street {
    uint32_t n_steps, n_walkers;
    double time_s[MAX_STEPS]; /* of its frames, in truth */
    double speed_mps;         /* of the first; the others are faster by a tenth each */
    uint32_t leaper;          /* from 1: leaps along his way, by 3 m, at frame 8; 0: nobody */
} street;

static void even(uint32_t n_steps, uint32_t n_walkers, street *out)
{
    *out = (street){.n_steps = n_steps, .n_walkers = n_walkers, .speed_mps = 1.2};
    for (uint32_t k = 0; k < n_steps; ++k) {
        out->time_s[k] = 0.5 * k;
    }
}

/** Frames are lost for so long in the step after frame k. */
static void lose(street *s, uint32_t k, double lost_s)
{
    for (uint32_t j = k + 1; j < s->n_steps; ++j) {
        s->time_s[j] += lost_s;
    }
}

static void record(const street *s, pred_recording *out)
{
    char path[] = "/tmp/hp_pred_clock_XXXXXX";
    hp_error error = {{0}};
    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    for (uint32_t k = 0; k < s->n_steps; ++k) {
        for (uint32_t i = 0; i < s->n_walkers; ++i) {
            const double speed = s->speed_mps * (1.0 + 0.1 * i);
            const double leap = i + 1 == s->leaper && k >= 8 ? 3.0 : 0.0;
            const double x = speed * s->time_s[k] + leap;
            (void)fprintf(file, "%u %u 3 %.6f %.6f 0 0.5 0.5 1.7 0\n", k, i + 1, x, 3.0 * i);
        }
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(pred_read_apollo(path, out, &error), HP_OK);
    assert_int_equal(pred_clock_mend(out, &error), HP_OK);
    (void)unlink(path);
}

static void test_pred_clock_finds_the_lost_time_when_all_come_further(void **state)
{
    (void)state;
    street s;
    pred_recording r;
    even(30, 4, &s);
    lose(&s, 7, 0.5);
    lose(&s, 15, 1.1);
    record(&s, &r);
    for (uint32_t k = 0; k < s.n_steps; ++k) {
        hp_assert_near(pred_recording_between_s(&r, 0, k), s.time_s[k] - s.time_s[0], 1e-4);
    }
    pred_recording_free(&r);
}

static void test_pred_clock_is_believed_when_too_few_can_tell(void **state)
{
    (void)state;
    street streets[4];
    even(20, 2, &streets[0]); /* two are no witnesses */
    lose(&streets[0], 7, 0.5);
    even(20, 4, &streets[1]); /* standing, all but: they tell no time */
    streets[1].speed_mps = 0.4;
    lose(&streets[1], 7, 0.5);
    even(20, 4, &streets[2]); /* one leaps, three do not */
    streets[2].leaper = 2;
    even(20, 4, &streets[3]); /* nobody was there before */
    lose(&streets[3], 0, 0.5);
    for (size_t i = 0; i < HP_ARRAY_LEN(streets); ++i) {
        pred_recording r;
        record(&streets[i], &r);
        for (uint32_t k = 0; k < r.n_steps; ++k) {
            hp_assert_near(r.late_s[k], 0.0, 0.0);
        }
        pred_recording_free(&r);
    }
}

static void test_pred_clock_of_the_past_is_the_same_bits_whatever_the_future(void **state)
{
    (void)state;
    street s;
    pred_recording r[2];
    double ahead_s[2][PRED_FUTURE];
    pred_samples samples[2] = {{0}};
    hp_error error;
    even(24, 4, &s);
    lose(&s, 3, 0.5);
    lose(&s, 9, 0.5);
    record(&s, &r[0]);
    lose(&s, 12, 0.7); /* after frame 12, which is the last that is known below */
    s.time_s[18] += 0.1;
    record(&s, &r[1]);
    assert_memory_equal(r[0].late_s, r[1].late_s, 13 * sizeof(double));
    assert_memory_not_equal(r[0].late_s, r[1].late_s, 14 * sizeof(double));
    for (int i = 0; i < 2; ++i) {
        pred_clock_ahead(&r[i], 12, PRED_FUTURE, ahead_s[i]);
        assert_int_equal(pred_samples_add(&samples[i], &r[i], &PRED_6_6, &error), HP_OK);
    }
    assert_memory_equal(ahead_s[0], ahead_s[1], sizeof ahead_s[0]);
    for (size_t i = 0; i < samples[0].n; ++i) {
        const pred_sample *a = &samples[0].items[i];
        const pred_sample *b = &samples[1].items[i];
        if (a->step <= 12) {
            assert_memory_equal(&a->input, &b->input, sizeof a->input);
            assert_memory_equal(a->truth_s, b->truth_s, sizeof a->truth_s);
        }
    }
    for (int i = 0; i < 2; ++i) {
        pred_samples_free(&samples[i]);
        pred_recording_free(&r[i]);
    }
}

static void test_pred_clock_expects_a_loss_when_there_is_a_rhythm(void **state)
{
    (void)state;
    street s;
    pred_recording r;
    double ahead_s[6];
    even(60, 4, &s);
    lose(&s, 4, 0.4);
    lose(&s, 12, 0.6);
    lose(&s, 20, 0.5);
    lose(&s, 28, 0.5);
    record(&s, &r);
    static const struct {
        uint32_t now, even; /* how many of the next six steps are early enough */
    } CASES[] = {{24, 4}, {25, 3}, {26, 2}, {28, 0}, {32, 4}, {36, 0}};
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); ++i) {
        pred_clock_ahead(&r, CASES[i].now, 6, ahead_s);
        for (uint32_t k = 0; k < 6; ++k) {
            const double late_s = ahead_s[k] - 0.5 * (k + 1);
            assert_true(k < CASES[i].even ? late_s >= 0.0 && late_s < 0.2
                                          : late_s > 0.3 && late_s < 0.6);
        }
    }
    /* It has not come for long: it is no longer waited for. */
    pred_clock_ahead(&r, 36 + 4, 6, ahead_s);
    assert_true(ahead_s[5] - 3.0 < 0.3);
    pred_recording_free(&r);
}

static void test_pred_clock_expects_even_steps_when_nothing_was_lost(void **state)
{
    (void)state;
    street s;
    pred_recording r;
    double ahead_s[PRED_FUTURE];
    even(20, 4, &s);
    lose(&s, 12, 0.5); /* to come */
    record(&s, &r);
    pred_clock_ahead(&r, 11, PRED_FUTURE, ahead_s);
    for (uint32_t k = 0; k < PRED_FUTURE; ++k) {
        hp_assert_near(ahead_s[k], 0.5 * (k + 1), 0.0);
    }
    pred_recording_free(&r);
}

static void test_pred_samples_show_the_usual_velocity_when_frames_are_lost(void **state)
{
    (void)state;
    street s;
    pred_recording r;
    pred_samples samples = {0};
    hp_error error;
    even(16, 4, &s);
    lose(&s, 8, 1.5); /* a step of 2 s: too long a gap for one and the same person, were it none */
    record(&s, &r);
    assert_int_equal(pred_samples_add(&samples, &r, &PRED_6_6, &error), HP_OK);
    assert_true(samples.n > 0);
    for (size_t i = 0; i < samples.n; ++i) {
        const pred_sample *p = &samples.items[i];
        const double step_m = 0.4 * 1.2 * (1.0 + 0.1 * (p->id - 1));
        assert_true(p->input.n_past >= 7);
        hp_assert_near(p->mean_step_m[0], step_m, 1e-3);
        for (uint32_t k = 0; k < PRED_PAST; ++k) {
            hp_assert_near(p->input.past[k][0], -step_m * (PRED_PAST - 1 - k), 1e-3);
        }
        for (uint32_t k = 0; k < p->n_future; ++k) {
            hp_assert_near(p->future[k][0], step_m * (k + 1), 1e-3);
        }
        for (uint32_t j = 0; j < p->input.n_neighbours; ++j) {
            assert_true(p->input.neighbours[j].vx_m < 0.4F * 1.2F * 1.31F);
        }
    }
    pred_samples_free(&samples);
    pred_recording_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pred_clock_finds_the_lost_time_when_all_come_further),
        cmocka_unit_test(test_pred_clock_is_believed_when_too_few_can_tell),
        cmocka_unit_test(test_pred_clock_of_the_past_is_the_same_bits_whatever_the_future),
        cmocka_unit_test(test_pred_clock_expects_a_loss_when_there_is_a_rhythm),
        cmocka_unit_test(test_pred_clock_expects_even_steps_when_nothing_was_lost),
        cmocka_unit_test(test_pred_samples_show_the_usual_velocity_when_frames_are_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
