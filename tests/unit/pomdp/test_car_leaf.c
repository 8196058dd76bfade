/* The driving network as evaluator: nodes look like roots, near meetings are seen, only errors that
 * belong to the network and the search are trusted, and it does not matter where the network runs.
 */
#include "policy/policy_model.h"
#include "pomdp/car/car_leaf.h"
#include "pomdp/car/car_planner.h"
#include "tests/support/hp_test.h"
#include "tests/unit/pomdp/car_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NODES = 400, TRIALS = 60 };

/** A network of random numbers, and errors that would fit it. */
typedef struct rig {
    char dir[64];
    car_config config;
    policy_config policy;
    uint64_t hash;
    policy_infer *infer; /* for the far end */
    uint32_t asked;
    uint64_t said_hash;
    hp_status status;
    hp_plan_request request;
    car_scene scene;
} rig;

static void write_model(rig *r)
{
    hp_error error;
    policy_model m = {.actor = {.n_plain = POLICY_PLAIN,
                                .n_slots = POLICY_SLOTS,
                                .n_slot = POLICY_SLOT,
                                .n_encode = 8,
                                .n_hidden = 1,
                                .hidden = {16},
                                .n_out = 3,
                                .activation = POLICY_RELU},
                      .n_heads = 2,
                      .n_quantiles = 3};
    const hp_tensor_list none = {0};
    m.critic = m.actor;
    m.critic.n_out = 2 * (1 + 3) + 1;
    assert_int_equal(policy_model_lay_out(&m), HP_OK);
    m.params = calloc(m.n_params, sizeof *m.params);
    assert_non_null(m.params);
    for (size_t i = 0; i < m.n_params; i++) {
        m.params[i] = (float)(0.1 * hp_rng_normal(hp_rng_seed(5), i));
    }
    r->hash = policy_model_hash(&m);
    assert_int_equal(policy_model_write(&m, r->dir, "m.safetensors", &none, &error), HP_OK);
    assert_int_equal(policy_infer_create(&m, "scalar", POMDP_MAX_WAITING, &r->infer, &error),
                     HP_OK);
    policy_model_destroy(&m);
}

static void write_nodes(const rig *r, uint64_t model_hash, uint64_t search_hash, uint64_t mix_hash)
{
    hp_error error;
    policy_nodes nodes = {.model_hash = model_hash,
                          .search_hash = search_hash,
                          .mix_hash = mix_hash,
                          .n_fit = NODES / 2,
                          .n = NODES};
    nodes.items = calloc(NODES, sizeof *nodes.items);
    assert_non_null(nodes.items);
    for (uint32_t i = 0; i < NODES; i++) {
        const hp_rng s = hp_rng_lane(hp_rng_seed(9), i);
        nodes.items[i] = (policy_node_sample){.value = hp_rng_range(s, 0, 0.0, 1.0),
                                              .spread = hp_rng_range(s, 1, 0.0, 0.1),
                                              .width = hp_rng_range(s, 2, 0.0, 0.3),
                                              .crash_p = hp_rng_range(s, 3, 0.0, 0.01),
                                              .lower = hp_rng_range(s, 4, -0.2, 0.4),
                                              .upper = hp_rng_range(s, 5, 0.5, 1.0),
                                              .depth = 1.0 + (double)(i % 5),
                                              .ttc_s = 10.0,
                                              .particles = 20.0};
        nodes.items[i].outcome =
            nodes.items[i].lower + 0.4 * (nodes.items[i].upper - nodes.items[i].lower);
    }
    assert_int_equal(policy_nodes_write(&nodes, r->dir, "n.safetensors", &error), HP_OK);
    policy_nodes_destroy(&nodes);
}

static int set_up(void **state)
{
    rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    (void)snprintf(r->dir, sizeof r->dir, "/tmp/hyplan-leaf-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    car_config_default(&r->config);
    policy_config_default(&r->policy);
    r->config.scenarios = 200;
    r->config.budget.trials = TRIALS;
    r->config.prune.rule.method = POMDP_PRUNE_CRUDE;
    r->config.prune.rule.value_tolerance = 0.5;
    r->config.prune.rule.max_collision_probability = 1.0;
    r->policy.isa = 1; /* scalar */
    (void)snprintf(r->policy.model, sizeof r->policy.model, "%s/m.safetensors", r->dir);
    (void)snprintf(r->config.prune.calibration, sizeof r->config.prune.calibration,
                   "%s/n.safetensors", r->dir);
    write_model(r);
    write_nodes(r, r->hash, car_leaf_search_hash(&r->config), 77);
    r->said_hash = r->hash;
    fixture_request(20.0, 8.0, &r->request);
    (void)fixture_walker(&r->request, 55.0, 4.0, 0.0, -1.0);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    rig *r = *state;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/m.safetensors", r->dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/n.safetensors", r->dir);
    (void)unlink(path);
    (void)rmdir(r->dir);
    policy_infer_destroy(&r->infer);
    free(r);
    return 0;
}

static car_planner *planner_of(const rig *r, const car_remote *remote)
{
    car_planner *p = NULL;
    assert_int_equal(car_planner_create(&r->config, &p), HP_OK);
    assert_int_equal(car_planner_value_leaves(p, &r->policy, remote), HP_OK);
    return p;
}

static hp_plan_reply plan_of(rig *r, car_planner *p)
{
    static const hp_clock *const NONE = NULL;
    hp_plan_reply reply;
    car_planner_plan(p, &r->request, NONE, &reply);
    assert_true(reply.found);
    reply.search_ns = reply.network_ns = reply.transport_ns = 0;
    return reply;
}

/** What decides, bit by bit. */
static void assert_same(const hp_plan_reply *a, const hp_plan_reply *b)
{
    assert_int_equal(a->action, b->action);
    assert_int_equal(a->nodes, b->nodes);
    assert_int_equal(a->trials, b->trials);
    assert_int_equal(a->pruned, b->pruned);
    assert_memory_equal(&a->value_lower, &b->value_lower, sizeof a->value_lower);
    assert_memory_equal(&a->value_upper, &b->value_upper, sizeof a->value_upper);
}

static hp_status far_end(void *ctx, const car_question *question, int64_t deadline_ns,
                         car_values *out)
{
    rig *r = ctx;
    (void)deadline_ns;
    r->asked += question->n;
    out->model_hash = r->said_hash;
    policy_infer_see(r->infer, question->scene);
    policy_infer_look(r->infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, question->looks, question->n,
                      out->answers);
    return r->status;
}

static void test_pruned_search_is_the_same_wherever_the_network_runs(void **state)
{
    rig *r = *state;
    const car_remote remote = {far_end, r};
    car_planner *here = planner_of(r, NULL);
    car_planner *there = planner_of(r, &remote);
    assert_null(car_planner_note(here));
    const hp_plan_reply a = plan_of(r, here);
    const hp_plan_reply b = plan_of(r, there);
    assert_true(a.pruned > 0 && r->asked > 0);
    assert_same(&a, &b);
    const hp_plan_reply again = plan_of(r, here);
    assert_same(&a, &again);
    car_planner_destroy(&here);
    car_planner_destroy(&there);
}

static void test_search_is_as_without_a_network_when_pruning_is_off(void **state)
{
    rig *r = *state;
    car_planner *alone = NULL;
    r->config.prune.rule.method = POMDP_PRUNE_OFF;
    assert_int_equal(car_planner_create(&r->config, &alone), HP_OK);
    car_planner *off = planner_of(r, NULL);
    const hp_plan_reply a = plan_of(r, alone);
    const hp_plan_reply b = plan_of(r, off);
    assert_same(&a, &b);
    assert_int_equal(b.evaluated, 0);
    assert_null(car_planner_note(off));
    /* Switched on while driving, and off again. */
    r->request.n_settings = 1;
    r->request.settings[0] = (hp_setting){.key = "pomdp.prune.method", .value = POMDP_PRUNE_CRUDE};
    const hp_plan_reply on = plan_of(r, off);
    assert_true(on.pruned > 0);
    r->request.n_settings = 0;
    const hp_plan_reply back = plan_of(r, off);
    assert_same(&a, &back);
    car_planner_destroy(&alone);
    car_planner_destroy(&off);
}

static void assert_doubted(rig *r, const car_remote *remote, const char *why)
{
    car_planner *alone = NULL;
    car_planner *p = planner_of(r, remote);
    const hp_plan_reply doubted = plan_of(r, p);
    assert_non_null(car_planner_note(p));
    if (strstr(car_planner_note(p), why) == NULL) {
        fail_msg("'%s' says nothing of '%s'", car_planner_note(p), why);
    }
    assert_int_equal(doubted.pruned, 0);
    assert_int_equal(car_planner_create(&r->config, &alone), HP_OK);
    const hp_plan_reply b = plan_of(r, alone);
    const hp_plan_reply next = plan_of(r, p); /* a remote network is known by its first answer */
    assert_same(&next, &b);
    car_planner_destroy(&alone);
    car_planner_destroy(&p);
}

static void test_nothing_is_pruned_when_errors_belong_to_something_else(void **state)
{
    rig *r = *state;
    const uint64_t search = car_leaf_search_hash(&r->config);
    write_nodes(r, r->hash + 1, search, 77);
    assert_doubted(r, NULL, "another network");
    write_nodes(r, r->hash, search + 1, 77);
    assert_doubted(r, NULL, "another search");
    write_nodes(r, r->hash, search, 77);
    (void)snprintf(r->config.prune.mix, sizeof r->config.prune.mix, "%016x", 78);
    assert_doubted(r, NULL, "another mix");
    (void)snprintf(r->config.prune.mix, sizeof r->config.prune.mix, "%016x", 77);
    r->config.scenarios = 100; /* another budget */
    assert_doubted(r, NULL, "another search");
    r->config.scenarios = 200;
    car_planner *fine = planner_of(r, NULL);
    assert_null(car_planner_note(fine));
    car_planner_destroy(&fine);
    r->config.prune.calibration[0] = '\0';
    assert_doubted(r, NULL, "no calibration");
}

static void test_nothing_is_pruned_when_the_network_is_missing_or_another(void **state)
{
    rig *r = *state;
    const car_remote remote = {far_end, r};
    r->said_hash = r->hash + 1;
    assert_doubted(r, &remote, "another network");
    r->said_hash = r->hash;
    r->status = HP_EDEADLINE;
    car_planner *deaf = planner_of(r, &remote);
    const hp_plan_reply reply = plan_of(r, deaf);
    assert_int_equal(reply.pruned, 0);
    assert_true(reply.refused > 0);
    car_planner_destroy(&deaf);
    r->policy.model[0] = '\0';
    assert_doubted(r, NULL, "no network");
}

/** What is said of pruning under one threshold that comes with the request. */
static const char *note_under(rig *r, car_planner *p, const char *key, double value)
{
    r->request.n_settings = 1;
    r->request.settings[0] = (hp_setting){.value = value};
    (void)snprintf(r->request.settings[0].key, sizeof r->request.settings[0].key, "%s", key);
    const hp_plan_reply reply = plan_of(r, p);
    const char *note = car_planner_note(p);
    assert_true(note == NULL || reply.pruned == 0);
    return note;
}

static void test_pruning_comes_back_when_thresholds_do(void **state)
{
    rig *r = *state;
    static const char *const KEYS[] = {"pomdp.prune.min_depth", "pomdp.traffic.stop_hz"};
    const double odd[] = {64.0, 0.5};
    const double own[] = {r->config.prune.rule.min_depth, r->config.traffic.stop_hz};
    const char *const why[] = {"nothing to calibrate with", "another search"};
    for (int i = 0; i < 2; i++) {
        car_planner *p = planner_of(r, NULL);
        assert_null(note_under(r, p, KEYS[i], own[i]));
        const char *note = note_under(r, p, KEYS[i], odd[i]);
        assert_non_null(note);
        assert_non_null(strstr(note, why[i]));
        assert_null(note_under(r, p, KEYS[i], own[i]));
        assert_true(plan_of(r, p).pruned > 0);
        car_planner_destroy(&p);
    }
}

/** The network knows walkers; a vehicle beside the path is one thing, one in the way another. */
static void test_nothing_is_pruned_when_a_vehicle_may_be_in_the_way(void **state)
{
    rig *r = *state;
    hp_belief_agent *car = fixture_walker(&r->request, 80.0, 4.0, -5.0, 0.0);
    car->kind = HP_CLASS_CAR;
    car->length_m = 4.5;
    car->width_m = 1.8;
    car_planner *p = planner_of(r, NULL);
    const hp_plan_reply beside = plan_of(r, p);
    assert_true(beside.pruned > 0);
    for (uint32_t k = 0; k < r->request.n_steps; k++) {
        car->modes[0].mean[k].y_m -= 0.2 * (k + 1); /* comes over */
    }
    const hp_plan_reply across = plan_of(r, p);
    assert_int_equal(across.batches, 0);
    assert_null(car_planner_note(p));
    car_planner_destroy(&p);
}

static void test_nothing_is_pruned_when_the_speed_limit_is_another(void **state)
{
    rig *r = *state;
    car_planner *p = planner_of(r, NULL);
    assert_true(plan_of(r, p).pruned > 0);
    r->request.speed_limit_mps = 30.0 / 3.6;
    const hp_plan_reply elsewhere = plan_of(r, p);
    assert_true(elsewhere.trials > 0);
    assert_int_equal(elsewhere.batches, 0);
    r->request.n_settings = 1;
    r->request.settings[0] = (hp_setting){.key = "pomdp.prune.limit_mps", .value = 0.0};
    assert_true(plan_of(r, p).batches > 0);
    car_planner_destroy(&p);
}

/** Who stands and waits on a network's word would wait for ever. */
static void test_nothing_is_pruned_when_the_ego_stands_or_creeps(void **state)
{
    rig *r = *state;
    car_planner *p = planner_of(r, NULL);
    assert_true(plan_of(r, p).batches > 0);
    r->request.ego_speed_mps = 0.9;
    assert_int_equal(plan_of(r, p).batches, 0);
    r->request.ego_speed_mps = 0.0;
    const hp_plan_reply reply = plan_of(r, p);
    assert_int_equal(reply.batches, 0);
    assert_true(reply.trials > 0);
    car_planner_destroy(&p);
}

/** Somebody far from the path walks on along it: nothing to find, but for whom a vehicle may be in
 * the way, who does not prune, or who is told to look closer. */
static void test_search_is_left_out_when_a_glance_finds_nothing(void **state)
{
    rig *r = *state;
    car_planner *p = planner_of(r, NULL);
    assert_true(plan_of(r, p).nodes > 1);
    fixture_request(20.0, 13.9, &r->request);
    (void)fixture_walker(&r->request, 55.0, 25.0, 1.0, 0.0);
    const hp_plan_reply glanced = plan_of(r, p);
    assert_int_equal(glanced.nodes, 1);
    assert_int_equal(glanced.trials, 0);
    r->request.n_settings = 1;
    r->request.settings[0] = (hp_setting){.key = "pomdp.prune.glance", .value = 0.0};
    const hp_plan_reply searched = plan_of(r, p);
    assert_true(searched.nodes > 1);
    assert_int_equal(searched.action, glanced.action);
    r->request.settings[0] = (hp_setting){.key = "pomdp.prune.method", .value = POMDP_PRUNE_OFF};
    assert_true(plan_of(r, p).nodes > 1);
    r->request.n_settings = 0;
    hp_belief_agent *car = fixture_walker(&r->request, 60.0, 0.0, 8.0, 0.0);
    car->kind = HP_CLASS_CAR;
    assert_true(plan_of(r, p).nodes > 1);
    car_planner_destroy(&p);
}

static pomdp_leaf root_leaf(rig *r, car_state *states, double *weights)
{
    r->config.traffic.stop_hz = 0.0;
    assert_true(car_scene_build(&r->config, &r->request, &r->scene));
    r->scene.state_bytes = sizeof *states;
    car_model_sample(&r->scene, hp_rng_seed(1), r->config.scenarios, states, weights);
    return (pomdp_leaf){.states = states,
                        .weights = weights,
                        .n = r->config.scenarios,
                        .depth = 1,
                        .weight = 1.0,
                        .lower = 0.0,
                        .upper = 1.0};
}

/** The root as a leaf gets the same answer as the root's own row. */
static void test_leaf_at_the_root_looks_like_the_root(void **state)
{
    rig *r = *state;
    car_leaf *leaf = NULL;
    policy_answer by_leaf;
    policy_answer by_row;
    float row[POLICY_ROW];
    car_state *states = calloc(r->config.scenarios, sizeof *states);
    double *weights = calloc(r->config.scenarios, sizeof *weights);
    policy_scene *seen = calloc(1, sizeof *seen);
    assert_non_null(states);
    assert_non_null(weights);
    assert_non_null(seen);
    const pomdp_leaf root = root_leaf(r, states, weights);
    const car_leaf_setup setup = {&r->config, &r->policy, NULL};
    assert_int_equal(car_leaf_create(&setup, &leaf), HP_OK);
    (void)car_leaf_begin(leaf, &r->request, &r->scene);
    assert_int_equal(car_leaf_ask(leaf, &root, 1, 0, &by_leaf), HP_OK);
    policy_scene_encode(&r->request, seen);
    policy_features(seen, &seen->root, row);
    policy_infer_run(r->infer, POLICY_ASK_VALUE, row, 1, &by_row);
    hp_assert_near(by_leaf.value, by_row.value, 1e-5);
    hp_assert_near(by_leaf.crash_p, by_row.crash_p, 1e-5);
    car_leaf_destroy(&leaf);
    free(states);
    free(weights);
    free(seen);
}

static void test_time_to_a_meeting_is_distance_over_speed(void **state)
{
    rig *r = *state;
    car_state *states = calloc(r->config.scenarios, sizeof *states);
    double *weights = calloc(r->config.scenarios, sizeof *weights);
    assert_non_null(states);
    assert_non_null(weights);
    r->request.n_agents = 0;
    (void)fixture_walker(&r->request, 60.0, 0.0, 0.0, 0.0); /* stands on the path, 40 m ahead */
    const pomdp_leaf root = root_leaf(r, states, weights);
    const double gap_m = 40.0 - (double)r->scene.lane_others[0].reach_x_m;
    hp_assert_near(car_leaf_ttc_s(&r->scene, &root), gap_m / 8.0, 0.05);
    for (uint32_t i = 0; i < r->config.scenarios; i++) {
        states[i].others[0].y_m += 10.0F;
    }
    assert_true(isinf(car_leaf_ttc_s(&r->scene, &root)));
    states[7].others[0].y_m -= 10.0F; /* one particle is enough */
    hp_assert_near(car_leaf_ttc_s(&r->scene, &root), gap_m / 8.0, 0.05);
    for (uint32_t i = 0; i < r->config.scenarios; i++) {
        states[i].speed_mps = 0.0F; /* who stands hits nobody */
    }
    assert_true(isinf(car_leaf_ttc_s(&r->scene, &root)));
    free(states);
    free(weights);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_pruned_search_is_the_same_wherever_the_network_runs),
        CASE(test_search_is_as_without_a_network_when_pruning_is_off),
        CASE(test_nothing_is_pruned_when_errors_belong_to_something_else),
        CASE(test_nothing_is_pruned_when_the_network_is_missing_or_another),
        CASE(test_pruning_comes_back_when_thresholds_do),
        CASE(test_nothing_is_pruned_when_a_vehicle_may_be_in_the_way),
        CASE(test_nothing_is_pruned_when_the_speed_limit_is_another),
        CASE(test_nothing_is_pruned_when_the_ego_stands_or_creeps),
        CASE(test_search_is_left_out_when_a_glance_finds_nothing),
        CASE(test_leaf_at_the_root_looks_like_the_root),
        CASE(test_time_to_a_meeting_is_distance_over_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
