/* Training as users start it: a classic task within its budget, and going on with a checkpoint. */
#include "cli/options.h"
#include "policy/policy_kernel.h"
#include "policy/policy_model.h"
#include "tests/support/shell.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char place[] = "/tmp/hyplan-train-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(place) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return shell_remove(place);
}

static int train(const char *args)
{
    return shell_run("%s train policy -q --json %s > %s/out.json 2> %s/err.txt", HYPLAN_PROGRAM,
                     args, place, place);
}

static double mean_return(void)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/out.json", place);
    json_t *all = json_load_file(path, 0, NULL);
    assert_non_null(all);
    const double mean = json_number_value(
        json_object_get(json_array_get(json_object_get(all, "seeds"), 0), "return"));
    json_decref(all);
    return mean;
}

static void test_cartpole_is_learned_within_60000_steps(void **state)
{
    char args[256];
    (void)state;
    (void)snprintf(args, sizeof args, "--env cartpole --steps 60000 --seed 2 --out %s/a", place);
    const int status = train(args);
    assert_true(status == CLI_DONE || status == CLI_FAILED);
    assert_true(mean_return() >= 400.0); /* random actions give 22 */
    (void)snprintf(args, sizeof args, "%s/a/policy.safetensors", place);
    assert_int_equal(access(args, R_OK), 0);
    (void)snprintf(args, sizeof args, "%s/a/curves.svg", place);
    assert_int_equal(access(args, R_OK), 0);
}

static void test_resume_goes_on_and_refuses_another_task(void **state)
{
    char args[256];
    (void)state;
    (void)snprintf(args, sizeof args, "--env pendulum --steps 8192 --out %s/b", place);
    assert_int_equal(train(args), CLI_FAILED); /* far too little to learn it */
    (void)snprintf(args, sizeof args, "--env pendulum --steps 16384 --resume --out %s/b", place);
    assert_int_equal(train(args), CLI_FAILED);
    (void)snprintf(args, sizeof args, "--env acrobot --resume --out %s/b", place);
    assert_int_equal(train(args), CLI_USAGE);
}

static void test_driving_runs_over_the_simulator(void **state)
{
    char args[256];
    (void)state;
    (void)snprintf(args, sizeof args, "--env driving --steps 8192 --out %s/c", place);
    assert_int_equal(train(args), CLI_DONE);
    assert_true(mean_return() > -3.0 && mean_return() < 1.1);
}

static uint64_t hash_of(const char *run)
{
    char path[64];
    policy_model model;
    hp_error error;
    (void)snprintf(path, sizeof path, "%s/%s/policy.safetensors", place, run);
    assert_int_equal(policy_model_read(path, &model, &error), HP_OK);
    const uint64_t hash = policy_model_hash(&model);
    policy_model_destroy(&model);
    return hash;
}

/** Whether the last training used the kernels for which hashes are pinned. */
static bool is_pinned_machine(void)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/out.json", place);
    json_t *all = json_load_file(path, 0, NULL);
    assert_non_null(all);
    const char *blas = json_string_value(json_object_get(all, "blas"));
    const char *own = json_string_value(json_object_get(all, "kernel"));
    const bool same = strcmp(blas, "SkylakeX") == 0 && strcmp(own, "avx512") == 0;
    json_decref(all);
    return same;
}

/** The recipe of models/policy.safetensors, as far as 16,384 steps: the same bits each time and
 * with any number of threads; and the pinned ones, so that a change of them does not go unnoticed:
 * then a training anew may give a better network, and the card of the shipped one says which tree
 * made it. */
static void test_driving_recipe_gives_the_same_bits(void **state)
{
    static const struct {
        const char *encoder;
        uint64_t hash;
    } PINNED[] = {{"agents", UINT64_C(0x0fe1b9aaeeed0fa0)},
                  {"intention_image", UINT64_C(0xef7cf7586953b062)}};
    char args[256];
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(PINNED); i++) {
        for (int threads = i == 0 ? 1 : 2; threads <= 2; threads++) {
            (void)snprintf(args, sizeof args,
                           "--steps 16384 --seed 1 --threads %d --set policy.encoder=%s "
                           "--out %s/t%d%zu",
                           threads, PINNED[i].encoder, place, threads, i);
            assert_int_equal(train(args), CLI_DONE);
        }
        char once[16];
        char again[16];
        (void)snprintf(once, sizeof once, "t1%zu", i);
        (void)snprintf(again, sizeof again, "t2%zu", i);
        const uint64_t hash = hash_of(again);
        assert_true(i > 0 || hash_of(once) == hash);
#if defined(__GNUC__) && !defined(__clang__) /* other compilers fuse other operations */
        if (is_pinned_machine() && hash != PINNED[i].hash) {
            fail_msg("%s: %016" PRIx64, PINNED[i].encoder, hash);
        }
#else
        (void)is_pinned_machine;
#endif
    }
}

static void test_eval_refuses_accelerations_that_the_policy_did_not_learn(void **state)
{
    char text[1024];
    (void)state;
    const int status = shell_hear(
        text, sizeof text, "%s eval policy --episodes 100 --set pomdp.actions_mps2=[3,0,-5.5] 2>&1",
        HYPLAN_PROGRAM);
    assert_int_equal(status, CLI_USAGE);
    assert_non_null(strstr(text, "[3, 0, -5.5, -8]")); /* what it did learn */
    assert_non_null(strstr(text, "pomdp.actions_mps2 is [3, 0, -5.5]"));
}

/** Reads a text of the last training. */
static void read_text(const char *file, char *text, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", place, file);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    text[fread(text, 1, size - 1, in)] = '\0';
    (void)fclose(in);
}

static void test_old_kernels_are_named_and_warned_of(void **state)
{
    char args[256];
    char text[4096];
    (void)state;
    (void)snprintf(args, sizeof args, "--env cartpole --steps 2048 --out %s/k", place);
    assert_int_equal(setenv("OPENBLAS_CORETYPE", "Prescott", 1), 0);
    const int status = train(args);
    assert_int_equal(unsetenv("OPENBLAS_CORETYPE"), 0);
    assert_int_equal(status, CLI_FAILED); /* far too little to learn it */
    read_text("out.json", text, sizeof text);
    assert_non_null(strstr(text, policy_kernel_best()->name));
    if (strcmp(policy_kernel_best()->name, "scalar") == 0 || strstr(text, "Prescott") == NULL) {
        skip(); /* no better ones, or an OpenBLAS that cannot be told */
    }
    read_text("err.txt", text, sizeof text);
    assert_non_null(strstr(text, "uses its Prescott kernels, which are slow on this processor"));
}

static void test_unknown_task_is_a_usage_error(void **state)
{
    (void)state;
    assert_int_equal(train("--env chess"), CLI_USAGE);
    assert_int_equal(train("--resume"), CLI_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cartpole_is_learned_within_60000_steps),
        cmocka_unit_test(test_resume_goes_on_and_refuses_another_task),
        cmocka_unit_test(test_driving_runs_over_the_simulator),
        cmocka_unit_test(test_driving_recipe_gives_the_same_bits),
        cmocka_unit_test(test_eval_refuses_accelerations_that_the_policy_did_not_learn),
        cmocka_unit_test(test_old_kernels_are_named_and_warned_of),
        cmocka_unit_test(test_unknown_task_is_a_usage_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
