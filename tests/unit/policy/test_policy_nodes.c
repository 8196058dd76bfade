/* Nodes and what follows from them: files come back to the bit and are refused when spoilt; the
 * scale finds a shift that a network's word has, and its score tells large errors from small ones.
 */
#include "common/hp_rng.h"
#include "policy/policy_nodes.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 3000 };

/** A word that is too high by 0.15, or mere noise where crash_p is high. */
static policy_node_sample *make_nodes(void)
{
    policy_node_sample *nodes = calloc(N, sizeof *nodes);
    assert_non_null(nodes);
    for (uint32_t i = 0; i < N; i++) {
        const hp_rng s = hp_rng_lane(hp_rng_seed(3), i);
        policy_node_sample *n = &nodes[i];
        const bool noisy = hp_rng_unit(s, 0) < 0.3;
        n->lower = hp_rng_range(s, 1, -0.5, 0.3);
        n->upper = n->lower + hp_rng_range(s, 2, 0.3, 0.8);
        n->outcome = n->lower + (n->upper - n->lower) * hp_rng_range(s, 3, 0.1, 0.6);
        n->value = n->outcome + 0.15 * (n->upper - n->lower) +
                   (noisy ? 0.15 : 0.01) * hp_rng_normal(s, 10);
        n->spread = 0.02;
        n->width = 0.05;
        n->crash_p = noisy ? 0.04 : 0.001;
        n->depth = 1.0 + (double)(i % 6);
        n->ttc_s = 5.0;
        n->particles = 1.0 + (double)(i % 50);
    }
    return nodes;
}

static void test_scale_takes_a_shift_out_and_tells_noise(void **state)
{
    policy_scale scale;
    policy_node_sample *nodes = make_nodes();
    double bias = 0.0;
    double raw = 0.0;
    double calm = 0.0;
    double noisy = 0.0;
    double calm_score = 0.0;
    double noisy_score = 0.0;
    uint32_t n_noisy = 0;
    (void)state;
    assert_int_equal(policy_scale_fit(nodes, N / 2, &scale), HP_OK);
    for (uint32_t i = N / 2; i < N; i++) {
        const policy_sample s = policy_scale_apply(&scale, &nodes[i]);
        assert_true(s.value >= nodes[i].lower && s.value <= nodes[i].upper && s.score > 0.0);
        bias += s.value - s.outcome;
        raw += nodes[i].value - s.outcome;
        if (nodes[i].crash_p > 0.01) {
            n_noisy++;
            noisy += fabs(s.value - s.outcome);
            noisy_score += s.score;
        } else {
            calm += fabs(s.value - s.outcome);
            calm_score += s.score;
        }
    }
    const double n_calm = N - N / 2 - n_noisy;
    assert_true(raw / (N / 2) > 0.06);
    assert_true(fabs(bias / (N / 2)) < 0.01);
    assert_true(noisy / n_noisy > 2.0 * calm / n_calm);
    assert_true(noisy_score / n_noisy > 2.0 * calm_score / n_calm);
    free(nodes);
}

static void test_scale_is_refused_when_nodes_are_too_few(void **state)
{
    policy_scale scale;
    policy_node_sample *nodes = make_nodes();
    (void)state;
    assert_int_equal(policy_scale_fit(nodes, POLICY_BASIS - 1, &scale), HP_EINVAL);
    assert_int_equal(policy_scale_fit(nodes, POLICY_BASIS, &scale), HP_OK);
    free(nodes);
}

static void test_file_comes_back_to_the_bit_and_is_refused_when_spoilt(void **state)
{
    char dir[] = "/tmp/hyplan-nodes-XXXXXX";
    char path[sizeof dir + 16];
    policy_nodes read;
    hp_error error;
    policy_nodes nodes = {.model_hash = 1, .search_hash = 2, .mix_hash = 3, .n_fit = 40, .n = 100};
    (void)state;
    nodes.items = make_nodes();
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/n.safetensors", dir);
    assert_int_equal(policy_nodes_read(path, &read, &error), HP_ENOENT);
    assert_int_equal(policy_nodes_write(&nodes, dir, "n.safetensors", &error), HP_OK);
    assert_int_equal(policy_nodes_read(path, &read, &error), HP_OK);
    assert_int_equal(read.n, 100);
    assert_int_equal(read.n_fit, 40);
    assert_int_equal(read.mix_hash, 3);
    assert_memory_equal(read.items, nodes.items, 100 * sizeof *nodes.items);
    policy_nodes_destroy(&read);
    nodes.items[57].crash_p = 1.5;
    assert_int_equal(policy_nodes_write(&nodes, dir, "n.safetensors", &error), HP_OK);
    assert_int_equal(policy_nodes_read(path, &read, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "node 57"));
    nodes.items[57].crash_p = 0.5;
    nodes.n_fit = 101;
    assert_int_equal(policy_nodes_write(&nodes, dir, "n.safetensors", &error), HP_OK);
    assert_int_equal(policy_nodes_read(path, &read, &error), HP_ECONFIG);
    assert_null(read.items);
    (void)unlink(path);
    (void)rmdir(dir);
    policy_nodes_destroy(&nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale_takes_a_shift_out_and_tells_noise),
        cmocka_unit_test(test_scale_is_refused_when_nodes_are_too_few),
        cmocka_unit_test(test_file_comes_back_to_the_bit_and_is_refused_when_spoilt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
