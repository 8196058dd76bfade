/* Kernels against plain loops, inference against the trainer's forward pass, and equal bits. */
#include "policy/policy_infer.h"
#include "policy/policy_net.h"
#include "tests/unit/policy/policy_fixture.h"

#include <string.h>

static const char *const KERNELS[] = {"scalar", "avx2", "avx512"};
enum { N_KERNELS = 3, MANY = 64, N_IN = 37, PANELS = 5, MOST_ROWS = 19 };

static void test_dense_is_its_definition_when_rows_do_not_fill_tiles(void **state)
{
    enum { WIDTH = PANELS * POLICY_PANEL };
    static float w[N_IN * WIDTH];
    static float b[WIDTH];
    static float x[MOST_ROWS * N_IN];
    static float y[MOST_ROWS * WIDTH];
    (void)state;
    fixture_fill(w, N_IN * WIDTH, 2);
    fixture_fill(b, WIDTH, 3);
    fixture_fill(x, MOST_ROWS * N_IN, 4);
    for (int k = 0; k < N_KERNELS; k++) {
        const policy_kernel *kernel = policy_kernel_find(KERNELS[k]);
        if (kernel == NULL) {
            continue;
        }
        for (uint32_t relu = 0; relu < 2; relu++) {
            const policy_dense l = {N_IN, PANELS, relu != 0, w, b, N_IN, WIDTH};
            kernel->dense(&l, x, MOST_ROWS, y);
            for (uint32_t i = 0; i < MOST_ROWS; i++) {
                for (uint32_t j = 0; j < WIDTH; j++) {
                    double sum = (double)b[j];
                    for (uint32_t n = 0; n < N_IN; n++) {
                        sum += (double)x[i * N_IN + n] *
                               (double)w[j / 16 * N_IN * 16 + n * 16 + j % 16];
                    }
                    hp_assert_near((double)y[i * WIDTH + j], relu != 0 ? fmax(sum, 0.0) : sum,
                                   1e-5);
                }
            }
        }
    }
}

static void test_tanh_is_close_over_its_whole_range(void **state)
{
    (void)state;
    for (int k = 0; k < N_KERNELS; k++) {
        const policy_kernel *kernel = policy_kernel_find(KERNELS[k]);
        for (int i = -4000; kernel != NULL && i <= 4000; i++) {
            float x = (float)i / 200.0F;
            const double wanted = tanh((double)x);
            kernel->tanh(&x, 1);
            hp_assert_near((double)x, wanted, 4e-7);
        }
    }
}

enum { ROWS = 7, WIDE = 75 }; /* whole vectors and a rest */

static void test_training_kernels_are_their_definitions(void **state)
{
    static float b[WIDE];
    static float x[ROWS * WIDE];
    static float y[ROWS * WIDE];
    static float sum[WIDE];
    (void)state;
    fixture_fill(b, WIDE, 2);
    fixture_fill(x, ROWS * WIDE, 3);
    for (int k = 0; k < N_KERNELS; k++) {
        const policy_kernel *kernel = policy_kernel_find(KERNELS[k]);
        if (kernel == NULL) {
            continue;
        }
        memcpy(y, x, sizeof y);
        memcpy(sum, b, sizeof sum);
        kernel->tanh_biased(b, ROWS, WIDE, y);
        kernel->add_rows(x, ROWS, WIDE, sum);
        for (int j = 0; j < WIDE; j++) {
            double column = (double)b[j];
            for (int i = 0; i < ROWS; i++) {
                const double in = (double)x[i * WIDE + j];
                hp_assert_near((double)y[i * WIDE + j], tanh(in + (double)b[j]), 4e-7);
                column += in;
            }
            hp_assert_near((double)sum[j], column, 1e-5);
        }
        memcpy(y, x, sizeof y);
        kernel->tanh_back(x, y, ROWS * WIDE);
        for (int i = 0; i < ROWS * WIDE; i++) {
            const double v = (double)x[i];
            hp_assert_near((double)y[i], v * (1.0 - v * v), 1e-6);
        }
    }
}

static void test_adam_kernel_is_the_common_step_but_for_rounding(void **state)
{
    const hp_adam_rule r = {0.5F, 0.9F, 0.1F, 0.999F, 0.001F, 1e-3F, 1.0F, 1e-5F};
    float g[WIDE];
    float m[2][WIDE]; /* of the kernel, of the common step */
    float v[2][WIDE];
    float params[2][WIDE];
    (void)state;
    fixture_fill(g, WIDE, 2);
    for (int k = 0; k < N_KERNELS; k++) {
        const policy_kernel *kernel = policy_kernel_find(KERNELS[k]);
        for (int j = 0; j < 2; j++) {
            fixture_fill(m[j], WIDE, 3);
            for (int i = 0; i < WIDE; i++) {
                v[j][i] = 0.01F * (float)i;
                params[j][i] = 1.0F;
            }
        }
        if (kernel == NULL) {
            continue;
        }
        kernel->adam(&r, WIDE, g, m[0], v[0], params[0]);
        hp_adam_step(&r, WIDE, g, m[1], v[1], params[1]);
        for (int i = 0; i < WIDE; i++) {
            hp_assert_near((double)m[0][i], (double)m[1][i], 1e-6);
            hp_assert_near((double)v[0][i], (double)v[1][i], 1e-6);
            hp_assert_near((double)params[0][i], (double)params[1][i], 1e-5);
        }
    }
}

static policy_infer *infer_of(const policy_model *m, const char *kernel)
{
    policy_infer *infer = NULL;
    hp_error error;
    if (policy_kernel_find(kernel) == NULL) {
        return NULL;
    }
    assert_int_equal(policy_infer_create(m, kernel, MANY, &infer, &error), HP_OK);
    return infer;
}

static void check_alone_and_in_a_batch(policy_model m)
{
    float *rows = fixture_rows(&m.actor, MANY);
    const uint32_t width = policy_shape_row(&m.actor);
    policy_answer all[MANY];
    policy_answer one;
    for (int k = 0; k < N_KERNELS; k++) {
        policy_infer *infer = infer_of(&m, KERNELS[k]);
        for (uint32_t n = 1; infer != NULL && n <= MANY; n += 7) {
            policy_infer_run(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, rows, n, all);
            for (uint32_t i = 0; i < n; i++) {
                policy_infer_run(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE,
                                 rows + (size_t)i * width, 1, &one);
                assert_true(one.valid && all[i].valid);
                assert_true(one.value == all[i].value && one.spread == all[i].spread &&
                            one.width == all[i].width && one.crash_p == all[i].crash_p &&
                            one.best == all[i].best);
                assert_memory_equal(one.choice_p, all[i].choice_p, sizeof one.choice_p);
            }
        }
        policy_infer_destroy(&infer);
    }
    free(rows);
    policy_model_destroy(&m);
}

static void test_row_has_the_same_bits_alone_and_in_a_batch(void **state)
{
    (void)state;
    check_alone_and_in_a_batch(fixture_model(POLICY_TANH));
    check_alone_and_in_a_batch(fixture_image());
}

/** An image that is encoded once and looked at again and again gives the bits of whole rows. */
static void test_looks_have_the_bits_of_whole_rows(void **state)
{
    policy_model models[] = {fixture_image(), fixture_model(POLICY_RELU)};
    (void)state;
    for (int m = 0; m < 2; m++) {
        const policy_shape *shape = &models[m].actor;
        const uint32_t width = policy_shape_row(shape);
        const uint32_t n_look = policy_shape_look(shape);
        float *rows = fixture_rows(shape, MANY);
        float *looks = calloc((size_t)MANY * n_look, sizeof *looks);
        static policy_answer by_rows[MANY];
        static policy_answer by_looks[MANY];
        assert_non_null(looks);
        for (uint32_t i = 0; i < MANY; i++) { /* all of the first one's scene */
            memcpy(rows + (size_t)i * width + n_look, rows + n_look,
                   (width - n_look) * sizeof *rows);
            memcpy(looks + (size_t)i * n_look, rows + (size_t)i * width, n_look * sizeof *looks);
        }
        for (int k = 0; k < N_KERNELS; k++) {
            policy_infer *infer = infer_of(&models[m], KERNELS[k]);
            if (infer == NULL) {
                continue;
            }
            policy_infer_run(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, rows, MANY, by_rows);
            policy_infer_see(infer, rows + n_look);
            policy_infer_look(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, looks, MANY, by_looks);
            for (int i = 0; i < MANY; i++) {
                assert_true(by_looks[i].valid);
                assert_true(by_looks[i].value == by_rows[i].value &&
                            by_looks[i].crash_p == by_rows[i].crash_p);
                assert_memory_equal(by_looks[i].choice_p, by_rows[i].choice_p,
                                    sizeof by_rows[i].choice_p);
            }
            policy_infer_destroy(&infer);
        }
        free(looks);
        free(rows);
        policy_model_destroy(&models[m]);
    }
}

static void test_look_is_invalid_when_the_scene_is_not_finite(void **state)
{
    policy_model m = fixture_image();
    float *rows = fixture_rows(&m.actor, 1);
    policy_answer answer;
    (void)state;
    policy_infer *infer = infer_of(&m, "auto");
    const uint32_t n_look = policy_shape_look(&m.actor);
    const float good = rows[n_look + 3];
    rows[n_look + 3] = NAN;
    policy_infer_see(infer, rows + n_look);
    policy_infer_look(infer, POLICY_ASK_VALUE, rows, 1, &answer);
    assert_false(answer.valid);
    hp_assert_near(answer.value, 0.0, 0.0);
    rows[n_look + 3] = good;
    policy_infer_see(infer, rows + n_look);
    policy_infer_look(infer, POLICY_ASK_VALUE, rows, 1, &answer);
    assert_true(answer.valid);
    policy_infer_destroy(&infer);
    free(rows);
    policy_model_destroy(&m);
}

static void check_as_trained(policy_model m)
{
    float *rows = fixture_rows(&m.actor, MANY);
    policy_tape tape;
    policy_answer answers[MANY];
    assert_int_equal(policy_tape_create(&m.critic, MANY, &tape), HP_OK);
    const float *out = policy_net_forward(&tape, m.params + m.critic_at, rows, MANY);
    for (int k = 0; k < N_KERNELS; k++) {
        policy_infer *infer = infer_of(&m, KERNELS[k]);
        if (infer == NULL) {
            continue;
        }
        policy_infer_run(infer, POLICY_ASK_VALUE, rows, MANY, answers);
        for (uint32_t i = 0; i < MANY; i++) {
            const float *o = out + (size_t)i * m.critic.n_out;
            hp_assert_near(answers[i].value, 0.5 * ((double)o[0] + (double)o[4]), 1e-5);
            hp_assert_near(answers[i].spread, 0.5 * fabs((double)o[0] - (double)o[4]), 1e-5);
            hp_assert_near(answers[i].crash_p, 1.0 / (1.0 + exp(-(double)o[8])), 1e-5);
        }
        policy_infer_destroy(&infer);
    }
    policy_tape_destroy(&tape);
    free(rows);
    policy_model_destroy(&m);
}

static void test_answers_are_the_trained_networks(void **state)
{
    (void)state;
    check_as_trained(fixture_model(POLICY_TANH));
    check_as_trained(fixture_model(POLICY_RELU));
    check_as_trained(fixture_image());
}

static void test_answer_is_invalid_when_a_number_is_not_finite(void **state)
{
    policy_model m = fixture_model(POLICY_RELU);
    float *rows = fixture_rows(&m.actor, 4);
    policy_answer answers[4];
    (void)state;
    policy_infer *infer = infer_of(&m, "auto");
    rows[policy_shape_row(&m.actor) + 2] = NAN;
    rows[2 * policy_shape_row(&m.actor)] = 3e38F; /* overflows on the way */
    m.params[0] = 1.0F;
    policy_infer_run(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, rows, 4, answers);
    assert_true(answers[0].valid && answers[3].valid);
    assert_false(answers[1].valid);
    hp_assert_near(answers[1].value, 0.0, 0.0);
    for (int i = 0; i < 4; i++) {
        assert_true(isfinite(answers[i].value) && isfinite(answers[i].crash_p));
    }
    policy_infer_destroy(&infer);
    free(rows);
    policy_model_destroy(&m);
}

static void test_create_refuses_when_the_kernel_is_unknown(void **state)
{
    policy_model m = fixture_model(POLICY_RELU);
    policy_infer *infer = NULL;
    hp_error error;
    (void)state;
    assert_int_equal(policy_infer_create(&m, "sse9", 1, &infer, &error), HP_EUNAVAILABLE);
    assert_null(infer);
    assert_non_null(strstr(error.text, "sse9"));
    m.actor.n_out = POLICY_MOST_CHOICES + 1;
    assert_int_equal(policy_infer_create(&m, "auto", 1, &infer, &error), HP_ECONFIG);
    assert_null(infer);
    policy_model_destroy(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_is_its_definition_when_rows_do_not_fill_tiles),
        cmocka_unit_test(test_tanh_is_close_over_its_whole_range),
        cmocka_unit_test(test_training_kernels_are_their_definitions),
        cmocka_unit_test(test_adam_kernel_is_the_common_step_but_for_rounding),
        cmocka_unit_test(test_row_has_the_same_bits_alone_and_in_a_batch),
        cmocka_unit_test(test_looks_have_the_bits_of_whole_rows),
        cmocka_unit_test(test_look_is_invalid_when_the_scene_is_not_finite),
        cmocka_unit_test(test_answers_are_the_trained_networks),
        cmocka_unit_test(test_answer_is_invalid_when_a_number_is_not_finite),
        cmocka_unit_test(test_create_refuses_when_the_kernel_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
