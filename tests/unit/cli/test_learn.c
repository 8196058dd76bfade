/* hyplan train predictor and hyplan eval predictor, as users run them, on people made up here. */
#include "tests/support/shell.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char dir[] = "/tmp/hp_learn_XXXXXX";

/** Twenty walkers for forty frames, each on a line of his own. */
static void write_file(const char *scene, const char *split, int salt)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/eth-ucy/%s/%s/a.txt", dir, scene, split);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int frame = 0; frame < 40; ++frame) {
        for (int id = 1; id <= 20; ++id) {
            const double speed = 0.2 + 0.02 * ((id * 7 + salt) % 20);
            (void)fprintf(file, "%d\t%d\t%.4f\t%.4f\n", frame * 10, id, speed * frame,
                          id + 0.01 * (id % 3) * frame);
        }
    }
    assert_int_equal(fclose(file), 0);
}

static int make_data(void **state)
{
    static const char *const SCENES[] = {"eth", "hotel", "univ", "zara1", "zara2"};
    static const char *const SPLITS[] = {"train", "val", "test"};
    char path[160];
    (void)state;
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof path, "%s/eth-ucy", dir);
    (void)mkdir(path, 0700);
    for (int s = 0; s < 5; ++s) {
        (void)snprintf(path, sizeof path, "%s/eth-ucy/%s", dir, SCENES[s]);
        (void)mkdir(path, 0700);
        for (int k = 0; k < 3; ++k) {
            (void)snprintf(path, sizeof path, "%s/eth-ucy/%s/%s", dir, SCENES[s], SPLITS[k]);
            (void)mkdir(path, 0700);
            write_file(SCENES[s], SPLITS[k], s + 3 * k);
        }
    }
    return 0;
}

static int drop_data(void **state)
{
    (void)state;
    return shell_remove(dir);
}

/** Runs the program; what it prints goes into out. Returns its exit status. */
static int run(const char *words, char *out, size_t size)
{
    return shell_hear(out, size, "'%s' %s --data-dir '%s' 2>'%s/stderr'", HYPLAN_PROGRAM, words,
                      dir, dir);
}

static void test_train_predictor_writes_a_model_that_eval_reads(void **state)
{
    (void)state;
    static char out[1 << 16];
    char words[512];
    (void)snprintf(words, sizeof words,
                   "train predictor --data eth-ucy --fold eth --epochs 2 -q --out '%s/run'", dir);
    assert_int_equal(run(words, out, sizeof out), 0);
    (void)strcat(words, " --resume"); /* nothing is left to do: the same model again */
    assert_int_equal(run(words, out, sizeof out), 0);
    (void)snprintf(words, sizeof words,
                   "eval predictor --json --model '%s/run/predictor.safetensors'", dir);
    assert_int_equal(run(words, out, sizeof out), 0);
    json_t *json = json_loads(out, 0, NULL);
    assert_non_null(json);
    const json_t *zara1 = json_object_get(json_object_get(json, "scenes"), "zara1");
    static const char *const KEYS[] = {
        "best20_ade_m",  "best20_fde_m",  "single_ade_m", "single_fde_m", "top_ade_m", "top_fde_m",
        "joint20_ade_m", "joint20_fde_m", "nll",          "collision",    "cover50",   "cover90"};
    assert_int_equal(json_integer_value(json_object_get(zara1, "trajectories")), 21 * 20);
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; ++i) {
        assert_true(json_is_real(json_object_get(zara1, KEYS[i])));
        assert_true(json_is_real(json_object_get(json_object_get(json, "average"), KEYS[i])));
    }
    assert_true(json_is_real(json_object_get(json_object_get(json, "latency_ms"), "p99")));
    json_decref(json);
}

static void
test_train_predictor_refuses_to_resume_when_the_clock_was_not_believed_before(void **state)
{
    (void)state;
    static char out[1 << 12];
    char words[512];
    (void)snprintf(words, sizeof words,
                   "train predictor --data eth-ucy --fold eth --epochs 2 -q --out '%s/run' "
                   "--resume --as-stamped",
                   dir);
    assert_int_equal(run(words, out, sizeof out), 2);
    (void)snprintf(words, sizeof words, "%s/stderr", dir);
    FILE *told = fopen(words, "r");
    assert_non_null(told);
    assert_non_null(fgets(out, sizeof out, told));
    (void)fclose(told);
    assert_non_null(strstr(out, "--as-stamped (give the same as then, or leave --resume away)"));
}

static void test_eval_predictor_fails_unless_its_model_is_likelier_in_every_scene(void **state)
{
    (void)state;
    static char out[1 << 16];
    char words[512];
    static const char FORMAT[] = "eval predictor --json --model %s%s --against %s%s";
    static const char MODEL[] = "/run/predictor.safetensors";
    /* Where all walk straight, both say so; calibration leaves the network a little surer. */
    (void)snprintf(words, sizeof words, FORMAT, dir, MODEL, "fan", "");
    assert_int_equal(run(words, out, sizeof out), 0);
    json_t *json = json_loads(out, 0, NULL);
    const json_t *eth = json_object_get(json_object_get(json, "scenes"), "eth");
    const double fan = json_real_value(json_object_get(eth, "rival_nll"));
    assert_true(fan > json_real_value(json_object_get(eth, "nll")));
    json_decref(json);
    (void)snprintf(words, sizeof words, FORMAT, "fan", "", dir, MODEL);
    assert_int_equal(run(words, out, sizeof out), 1);
    (void)snprintf(words, sizeof words, FORMAT, "fan", "", "fan", "");
    assert_int_equal(run(words, out, sizeof out), 1); /* as likely is not likelier */
    (void)snprintf(words, sizeof words, FORMAT, "cv", "", "fan", "");
    assert_int_equal(run(words, out, sizeof out), 2); /* a rule has no likelihood */
}

static void test_eval_predictor_finds_no_error_when_all_walk_straight(void **state)
{
    (void)state;
    static char out[1 << 16];
    assert_int_equal(run("eval predictor --json --model cv", out, sizeof out), 0);
    json_t *json = json_loads(out, 0, NULL);
    const json_t *average = json_object_get(json, "average");
    hp_assert_near(json_real_value(json_object_get(average, "single_fde_m")), 0.0, 2e-3);
    assert_true(json_is_null(json_object_get(average, "nll"))); /* one path has no density */
    json_decref(json);
}

static void test_eval_predictor_says_what_is_missing(void **state)
{
    (void)state;
    static char out[1 << 16];
    assert_int_equal(run("eval predictor --data dut", out, sizeof out), 3);
    assert_int_equal(run("eval predictor --model /nowhere.safetensors", out, sizeof out), 3);
    assert_int_equal(run("eval nothing", out, sizeof out), 2);
    assert_int_equal(run("train predictor --resume", out, sizeof out), 2);
    assert_int_equal(run("bench cts --set predictor.model=nowhere.safetensors", out, sizeof out),
                     2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_predictor_writes_a_model_that_eval_reads),
        cmocka_unit_test(
            test_train_predictor_refuses_to_resume_when_the_clock_was_not_believed_before),
        cmocka_unit_test(test_eval_predictor_fails_unless_its_model_is_likelier_in_every_scene),
        cmocka_unit_test(test_eval_predictor_finds_no_error_when_all_walk_straight),
        cmocka_unit_test(test_eval_predictor_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, make_data, drop_data);
}
