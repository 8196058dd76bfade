/* Training, measures, products and files, on people made up here. */
#include "predictor/pred_fan.h"
#include "predictor/pred_measure.h"
#include "predictor/pred_merge.h"
#include "predictor/pred_train.h"
#include "tests/support/hp_test.h"
#include "tests/unit/predictor/pred_fixture.h"
#include "tests/unit/predictor/pred_people.h"

#include <stdlib.h>
#include <unistd.h>

enum { N_TRAIN = 600, N_VAL = 100 };

static char dir[] = "/tmp/hp_pred_learn_XXXXXX";
static pred_samples train;
static pred_samples val;

static int set_up(void **state)
{
    (void)state;
    pred_make_people(1, N_TRAIN, &train);
    pred_make_people(2, N_VAL, &val);
    return mkdtemp(dir) == NULL;
}

static int tear_down(void **state)
{
    char path[64];
    (void)state;
    pred_samples_free(&train);
    pred_samples_free(&val);
    (void)snprintf(path, sizeof path, "%s/state.safetensors", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/m.safetensors", dir);
    (void)unlink(path);
    return rmdir(dir);
}

static pred_train_config config_of(uint32_t epochs)
{
    pred_train_config config;
    pred_train_config_default(&config);
    config.epochs = epochs;
    return config;
}

static pred_trainer *make_trainer_of(const pred_train_config *config, const pred_samples *samples)
{
    pred_trainer *trainer = NULL;
    hp_error error = {{0}};
    if (pred_trainer_create(config, samples, &val, &trainer, &error) != HP_OK) {
        print_error("%s\n", error.text);
        fail();
    }
    return trainer;
}

static pred_trainer *make_trainer(uint32_t epochs)
{
    const pred_train_config config = config_of(epochs);
    return make_trainer_of(&config, &train);
}

static pred_epoch run_epoch(pred_trainer *trainer)
{
    pred_epoch epoch;
    while (!pred_trainer_step(trainer, &epoch)) {
    }
    return epoch;
}

static void test_pred_trainer_learns_what_constant_velocity_does_not_know(void **state)
{
    (void)state;
    pred_trainer *trainer = make_trainer(40);
    pred_epoch first = run_epoch(trainer);
    pred_epoch last = first;
    while (pred_trainer_epochs_done(trainer) < 40) {
        last = run_epoch(trainer);
    }
    assert_true(last.val.single < 0.5 * first.val.single);
    assert_true(last.val.nll < first.val.nll);
    pred_trainer_destroy(&trainer);
}

static void test_pred_trainer_gives_the_same_bits_when_it_was_stopped_between(void **state)
{
    (void)state;
    char path[64];
    hp_error error;
    pred_trainer *whole = make_trainer(4);
    for (int i = 0; i < 4; ++i) {
        (void)run_epoch(whole);
    }
    pred_trainer *stopped = make_trainer(4);
    (void)run_epoch(stopped);
    (void)run_epoch(stopped);
    assert_int_equal(pred_trainer_write(stopped, dir, "state.safetensors", &error), HP_OK);
    pred_trainer_destroy(&stopped);
    stopped = make_trainer(4);
    (void)snprintf(path, sizeof path, "%s/state.safetensors", dir);
    assert_int_equal(pred_trainer_read(stopped, path, &error), HP_OK);
    assert_int_equal(pred_trainer_epochs_done(stopped), 2);
    (void)run_epoch(stopped);
    (void)run_epoch(stopped);
    assert_memory_equal(pred_trainer_best(stopped), pred_trainer_best(whole), sizeof(pred_weights));
    pred_trainer_destroy(&stopped);
    pred_trainer_destroy(&whole);
}

static void
test_pred_trainer_refuses_a_state_and_names_the_flag_when_it_was_another_training(void **state)
{
    (void)state;
    char path[64];
    hp_error error;
    enum { OTHERS = 6 };
    pred_train_config others[OTHERS];
    static const char *const SAID[OTHERS] = {"--epochs",     "--seed", "--no-vehicles",
                                             "--as-stamped", "--data", "--as-stamped"};
    pred_samples fewer = train;
    fewer.n -= 10;
    (void)snprintf(path, sizeof path, "%s/state.safetensors", dir);
    pred_trainer *trainer = make_trainer(4);
    assert_int_equal(pred_trainer_write(trainer, dir, "state.safetensors", &error), HP_OK);
    assert_int_equal(pred_trainer_read(trainer, path, &error), HP_OK);
    pred_trainer_destroy(&trainer);
    for (size_t i = 0; i < OTHERS; ++i) {
        others[i] = config_of(4);
    }
    others[0].epochs = 5;
    others[1].seed = 2;
    others[2].no_vehicles = true;
    others[3].as_stamped = others[5].as_stamped = true; /* which may change the samples, too */
    for (size_t i = 0; i < OTHERS; ++i) {
        trainer = make_trainer_of(&others[i], i < 4 ? &train : &fewer);
        assert_int_equal(pred_trainer_read(trainer, path, &error), HP_ECONFIG);
        assert_non_null(strstr(error.text, SAID[i]));
        assert_non_null(strstr(error.text, "leave --resume away"));
        pred_trainer_destroy(&trainer);
    }
}

static void
test_pred_fan_covers_more_with_twenty_paths_than_constant_velocity_with_one(void **state)
{
    (void)state;
    static pred_model fan;
    static pred_answer answer;
    pred_acts acts;
    hp_error error;
    pred_tally tally = {0};
    assert_int_equal(pred_fan_fit(&train, 3, &fan, &error), HP_OK);
    assert_int_equal(pred_acts_create(1, &acts), HP_OK);
    for (size_t i = 0; i < val.n; ++i) {
        const pred_sample *s = &val.items[i];
        const pred_answer *a = &answer;
        pred_model_answer(&fan, &acts, &s->input, 0, 1, &answer);
        pred_tally_add(&tally, &s, &a, 1, hp_rng_seed(i));
    }
    const pred_scores scores = pred_tally_scores(&tally);
    assert_true(scores.best.fde < 0.4 * scores.single.fde);
    assert_true(scores.cover[1] > 0.75 && scores.cover[0] < scores.cover[1]);
    pred_acts_destroy(&acts);
}

static void test_pred_tally_counts_as_published_tables_do(void **state)
{
    (void)state;
    /* Two people, two modes: one is right about the first person, the other about the second. */
    static pred_answer answers[2];
    static pred_sample samples[2];
    const pred_sample *s[2] = {&samples[0], &samples[1]};
    const pred_answer *a[2] = {&answers[0], &answers[1]};
    pred_tally tally = {0};
    for (int i = 0; i < 2; ++i) {
        samples[i].n_truth = PRED_FUTURE;
        pred_even_truth(&samples[i]);
        samples[i].here.y_m = i == 0 ? 0.0 : 0.1; /* their single paths, both still, touch */
        answers[i].n_modes = 2;
        answers[i].has_scales = true;
        answers[i].frame = (pred_frame){.cos = 1.0, .flip = 1.0, .scale = 1.0};
        answers[i].p[0] = 0.75F;
        answers[i].p[1] = 0.25F;
        for (int k = 0; k < PRED_FUTURE; ++k) {
            samples[i].truth[k][0] = i == 0 ? 0.0F : 2.0F;
            answers[i].path[1][2 * k] = 2.0F;
        }
        for (int c = 0; c < PRED_PATH; ++c) {
            answers[i].scale[0][c] = 0.5F;
            answers[i].scale[1][c] = 0.01F; /* counts as 0.05 */
        }
    }
    pred_tally_add(&tally, s, a, 2, hp_rng_seed(1));
    const pred_scores scores = pred_tally_scores(&tally);
    hp_assert_near(scores.best.ade, 0.0, 1e-6);
    hp_assert_near(scores.top.ade, 1.0, 1e-6);
    hp_assert_near(scores.joint.fde, 1.0, 1e-6);
    hp_assert_near(scores.single.fde, 1.0, 1e-6);
    hp_assert_near(scores.collision, 1.0, 0.0);
    const double first = -log(0.75 / (4 * 0.25));
    const double second = -log(0.25 / (4 * 0.0025) + 0.75 / (4 * 0.25) * exp(-4.0));
    hp_assert_near(scores.nll, 0.5 * (first + second), 1e-4);
}

static void test_pred_products_give_the_same_bits_for_every_row_and_machine(void **state)
{
    (void)state;
    enum { M = 7, K = 36, N = 49 };
    static float x[M * K];
    static float w[K * N];
    static float all[M * N];
    static float one[N];
    static float blas[M * N];
    for (int i = 0; i < M * K; ++i) {
        x[i] = (float)hp_rng_normal(hp_rng_seed(1), (uint64_t)i);
    }
    for (int i = 0; i < K * N; ++i) {
        w[i] = (float)hp_rng_normal(hp_rng_seed(2), (uint64_t)i);
    }
    pred_product_best()(M, N, K, x, w, all);
    pred_product_blas(M, N, K, x, w, blas);
    for (int r = 0; r < M; ++r) {
        pred_product_base(1, N, K, &x[r * K], w, one);
        assert_memory_equal(one, &all[r * N], sizeof one);
    }
    for (int i = 0; i < M * N; ++i) {
        hp_assert_near((double)all[i], (double)blas[i], 1e-4);
    }
}

static void test_pred_model_comes_back_from_its_file_and_foreign_files_are_refused(void **state)
{
    (void)state;
    static pred_model model;
    static pred_model back;
    const pred_notes notes = {"people made up", "none"};
    char path[64];
    hp_error error;
    pred_draw_model(9, &model);
    (void)snprintf(path, sizeof path, "%s/m.safetensors", dir);
    assert_int_equal(pred_model_write(dir, "m.safetensors", &model, &notes, &error), HP_OK);
    assert_int_equal(pred_model_read(path, &back, &error), HP_OK);
    assert_memory_equal(&back, &model, sizeof model);
    (void)snprintf(path, sizeof path, "%s/state.safetensors", dir);
    pred_trainer *trainer = make_trainer(1);
    assert_int_equal(pred_trainer_write(trainer, dir, "state.safetensors", &error), HP_OK);
    pred_trainer_destroy(&trainer);
    assert_int_equal(pred_model_read(path, &back, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "format"));
}

static void test_pred_merge_keeps_probability_and_the_far_ends(void **state)
{
    (void)state;
    /* Eighteen modes close together, one far left, one far right with little probability. */
    static pred_answer a;
    static hp_forecast f;
    static pred_merge_room room;
    double sum = 0.0;
    bool left = false;
    bool right = false;
    a.n_modes = PRED_MODES;
    a.frame = (pred_frame){.cos = 1.0, .flip = 1.0, .scale = 1.0};
    for (int k = 0; k < PRED_MODES; ++k) {
        a.p[k] = 0.05F;
        for (int t = 0; t < PRED_FUTURE; ++t) {
            const float share = (float)(t + 1) / PRED_FUTURE;
            a.path[k][2 * t] = share * (k < 18 ? 5.0F + 0.05F * (float)k : 3.0F);
            a.path[k][2 * t + 1] = share * (k == 18 ? 6.0F : k == 19 ? -6.0F : 0.0F);
            a.scale[k][2 * t] = 0.2F;
            a.scale[k][2 * t + 1] = 0.2F;
        }
    }
    pred_merge(&a, &room, &f);
    assert_in_range(f.n_modes, 3, HP_MAX_MODES);
    for (uint32_t m = 0; m < f.n_modes; ++m) {
        sum += f.modes[m].probability;
        left |= fabs(f.modes[m].mean[PRED_FUTURE - 1].y_m - 6.0) < 1e-5;
        right |= fabs(f.modes[m].mean[PRED_FUTURE - 1].y_m + 6.0) < 1e-5;
        assert_true(f.modes[m].sigma_m[0] >= 0.28);
    }
    hp_assert_near(sum, 1.0, 1e-9);
    assert_true(left && right);
}

/** A network whose numbers overflow gives modes that no distance tells apart. */
static void
test_pred_merge_leaves_no_more_modes_than_there_is_room_when_none_is_a_number(void **state)
{
    (void)state;
    static pred_answer a;
    static hp_forecast f[PRED_MODES]; /* room for what must not be written */
    static pred_merge_room room;
    static const float ODD[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < HP_ARRAY_LEN(ODD); ++i) {
        a.n_modes = PRED_MODES;
        a.frame = (pred_frame){.cos = 1.0, .flip = 1.0, .scale = 1.0};
        for (uint32_t k = 0; k < PRED_MODES; ++k) {
            a.p[k] = 1.0F / PRED_MODES;
            for (uint32_t c = 0; c < PRED_PATH; ++c) {
                a.path[k][c] = ODD[i];
                a.scale[k][c] = 0.2F;
            }
        }
        pred_merge(&a, &room, &f[0]);
        assert_in_range(f[0].n_modes, 1, HP_MAX_MODES);
        assert_int_equal(f[1].n_modes, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pred_trainer_learns_what_constant_velocity_does_not_know),
        cmocka_unit_test(test_pred_trainer_gives_the_same_bits_when_it_was_stopped_between),
        cmocka_unit_test(
            test_pred_trainer_refuses_a_state_and_names_the_flag_when_it_was_another_training),
        cmocka_unit_test(
            test_pred_fan_covers_more_with_twenty_paths_than_constant_velocity_with_one),
        cmocka_unit_test(test_pred_tally_counts_as_published_tables_do),
        cmocka_unit_test(test_pred_products_give_the_same_bits_for_every_row_and_machine),
        cmocka_unit_test(test_pred_model_comes_back_from_its_file_and_foreign_files_are_refused),
        cmocka_unit_test(test_pred_merge_keeps_probability_and_the_far_ends),
        cmocka_unit_test(
            test_pred_merge_leaves_no_more_modes_than_there_is_room_when_none_is_a_number),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
