/* The predictor on the road, with a network of drawn weights: what must hold of any network. */
#include "predictor/predictor_net.h"

#include "tests/support/hp_test.h"
#include "tests/unit/predictor/pred_fixture.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* Counts allocations; the linker sends them here. */
static size_t n_allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_malloc(size_t size)
{
    ++n_allocations;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    ++n_allocations;
    return __real_calloc(n, size);
}

static char dir[] = "/tmp/hp_predictor_XXXXXX";
static predictor_config config;
static predictor_net *net;
static hp_predict_request request;
static hp_predict_reply reply;

static int set_up(void **state)
{
    static pred_model model;
    const pred_notes notes = {"drawn numbers", "none"};
    hp_error error;
    (void)state;
    pred_draw_model(5, &model);
    predictor_config_default(&config);
    if (mkdtemp(dir) == NULL ||
        pred_model_write(dir, "m.safetensors", &model, &notes, &error) != HP_OK) {
        return 1;
    }
    (void)snprintf(config.model, sizeof config.model, "%s/m.safetensors", dir);
    return predictor_net_create(&config, &net, &error) != HP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    predictor_net_destroy(&net);
    (void)unlink(config.model);
    return rmdir(dir);
}

static void assert_sound(const hp_predict_reply *r)
{
    for (uint32_t i = 0; i < r->n_forecasts; ++i) {
        const hp_forecast *f = &r->forecasts[i];
        double sum = 0.0;
        assert_in_range(f->n_modes, 1, HP_MAX_MODES);
        for (uint32_t m = 0; m < f->n_modes; ++m) {
            sum += f->modes[m].probability;
            assert_true(m == 0 || f->modes[m].probability <= f->modes[m - 1].probability);
            for (uint32_t k = 0; k < r->n_steps; ++k) {
                assert_true(isfinite(f->modes[m].mean[k].x_m));
                assert_true(isfinite(f->modes[m].mean[k].y_m));
                assert_true(f->modes[m].sigma_m[k] > 0.0);
            }
        }
        hp_assert_near(sum, 1.0, 1e-9);
    }
}

static void test_predictor_net_answers_for_every_agent(void **state)
{
    (void)state;
    pred_draw_request(1, HP_MAX_AGENTS, &request);
    predictor_net_predict(net, &request, &reply);
    assert_true(predictor_net_has_model(net));
    assert_true(reply.from_model);
    assert_int_equal(reply.n_forecasts, HP_MAX_AGENTS);
    assert_int_equal(reply.n_steps, 19);
    assert_sound(&reply);
}

static void test_predictor_net_gives_the_same_bits_when_agents_are_listed_otherwise(void **state)
{
    (void)state;
    static hp_predict_reply other;
    enum { N = 37 };
    pred_draw_request(2, N, &request);
    predictor_net_predict(net, &request, &reply);
    static hp_predict_request turned;
    turned = request;
    for (uint32_t i = 0; i < N; ++i) {
        turned.tracks[i] = request.tracks[(i * 11 + 5) % N];
    }
    predictor_net_predict(net, &turned, &other);
    for (uint32_t i = 0; i < N; ++i) {
        assert_memory_equal(&other.forecasts[i], &reply.forecasts[(i * 11 + 5) % N],
                            sizeof other.forecasts[0]);
    }
}

static void test_predictor_net_does_not_change_for_an_agent_when_far_ones_come_and_go(void **state)
{
    (void)state;
    pred_draw_request(3, 9, &request);
    predictor_net_predict(net, &request, &reply);
    static hp_forecast before;
    before = reply.forecasts[4];
    request.tracks[8].pose.x_m += 500.0;
    request.tracks[8].n_history = 0;
    predictor_net_predict(net, &request, &reply);
    static hp_predict_reply without;
    request.n_tracks = 8;
    predictor_net_predict(net, &request, &without);
    assert_memory_equal(&reply.forecasts[4], &without.forecasts[4], sizeof before);
}

static void test_predictor_net_knows_nothing_of_whom_an_id_belonged_to(void **state)
{
    (void)state;
    static hp_predict_reply fresh;
    pred_draw_request(4, 3, &request);
    hp_track *t = &request.tracks[0];
    t->n_history = 3; /* two points of somebody else, long ago and far away; then a newcomer */
    t->history_t_s[0] = -3.0;
    t->history_t_s[1] = -2.6;
    t->history_t_s[2] = 0.0;
    t->history[0] = (hp_vec2){50.0, 50.0};
    t->history[1] = (hp_vec2){51.0, 50.0};
    t->history[2] = (hp_vec2){t->pose.x_m, t->pose.y_m};
    predictor_net_predict(net, &request, &reply);
    t->n_history = 1;
    t->history_t_s[0] = 0.0;
    t->history[0] = t->history[2];
    predictor_net_predict(net, &request, &fresh);
    assert_memory_equal(&reply.forecasts[0], &fresh.forecasts[0], sizeof fresh.forecasts[0]);
}

static void test_predictor_net_stays_finite_when_all_stand_in_one_place(void **state)
{
    (void)state;
    pred_draw_request(5, HP_MAX_AGENTS, &request);
    for (uint32_t i = 0; i < request.n_tracks; ++i) {
        hp_track *t = &request.tracks[i];
        t->pose = (hp_pose){1.0, 2.0, 0.0};
        t->vx_mps = 0.0;
        t->vy_mps = 0.0;
        for (uint32_t k = 0; k < t->n_history; ++k) {
            t->history[k] = (hp_vec2){1.0, 2.0};
        }
    }
    predictor_net_predict(net, &request, &reply);
    assert_sound(&reply);
}

static void test_pred_model_stays_finite_among_two_hundred_neighbours(void **state)
{
    (void)state;
    enum { N = 201 };
    static pred_model model;
    static pred_other others[N];
    static pred_answer answers[2];
    pred_input inputs[2] = {{.kind = PRED_WALKER, .n_past = 1}, {.kind = PRED_CAR, .n_past = 1}};
    pred_acts acts;
    pred_draw_model(5, &model);
    assert_int_equal(pred_acts_create(2, &acts), HP_OK);
    for (uint32_t i = 0; i < N; ++i) { /* half of them in one place, some fast as nobody is */
        others[i] = (pred_other){.id = i,
                                 .kind = (pred_class)(i % PRED_CLASSES),
                                 .p = {i % 2 == 0 ? 0.0 : 0.05 * i, 0.0},
                                 .step_m = {i % 3 == 0 ? 1e3 : 0.0, 0.0}};
    }
    for (uint32_t a = 0; a < 2; ++a) {
        pred_input_neighbours(others, N, 100 * a, &inputs[a]);
        assert_int_equal(inputs[a].n_neighbours, PRED_NEIGHBOURS);
    }
    pred_model_answer(&model, &acts, inputs, sizeof inputs[0], 2, answers);
    for (uint32_t a = 0; a < 2; ++a) {
        for (uint32_t i = 0; i < PRED_MODES * PRED_PATH; ++i) {
            const float scale = answers[a].scale[i / PRED_PATH][i % PRED_PATH];
            assert_true(isfinite(answers[a].path[i / PRED_PATH][i % PRED_PATH]));
            assert_true(isfinite(scale) && scale > 0.0F);
        }
    }
    pred_acts_destroy(&acts);
}

static void test_predictor_net_takes_constant_velocity_when_an_agent_is_out_of_sight(void **state)
{
    (void)state;
    static hp_predict_reply plain;
    pred_draw_request(6, 4, &request);
    request.tracks[1].visible = false;
    predictor_net_predict(net, &request, &reply);
    predictor_cv_predict(&config.cv, &request, &plain);
    assert_memory_equal(&reply.forecasts[1], &plain.forecasts[1], sizeof plain.forecasts[1]);
    assert_memory_not_equal(&reply.forecasts[0], &plain.forecasts[0], sizeof plain.forecasts[0]);
}

static void test_predictor_net_counts_the_ego_among_the_neighbours(void **state)
{
    (void)state;
    static hp_predict_reply far;
    pred_draw_request(9, 3, &request);
    predictor_net_predict(net, &request, &reply);
    request.ego.speed_mps = 0.0; /* at the same place */
    predictor_net_predict(net, &request, &far);
    for (uint32_t i = 0; i < 3; ++i) {
        assert_memory_not_equal(&reply.forecasts[i], &far.forecasts[i], sizeof far.forecasts[i]);
    }
    request.ego.pose.x_m -= 1000.0;
    predictor_net_predict(net, &request, &reply);
    assert_memory_not_equal(&reply.forecasts[0], &far.forecasts[0], sizeof far.forecasts[0]);
}

/** Ten seconds at ten requests a second of walkers who leap by so much every time; returns the
 *  spread of the first one's first future at the end. */
static double leap_about(double by_m, bool turned)
{
    enum { N = 6 };
    pred_draw_request(10, N, &request);
    for (uint32_t k = 0; k < 100; ++k) {
        request.stamp_ns = (int64_t)k * 100000000;
        for (uint32_t i = 0; i < N; ++i) {
            request.tracks[i].pose.y_m += k % 2 == 0 ? by_m : -by_m;
        }
        static hp_predict_request listed;
        listed = request;
        for (uint32_t i = 0; turned && i < N; ++i) {
            listed.tracks[i] = request.tracks[N - 1 - i];
        }
        predictor_net_predict(net, &listed, &reply);
    }
    return reply.forecasts[turned ? N - 1 : 0].modes[0].sigma_m[reply.n_steps - 1];
}

static void test_predictor_net_spreads_more_when_its_answers_came_out_wrong(void **state)
{
    (void)state;
    static hp_forecast wild;
    pred_draw_request(10, 6, &request);
    predictor_net_predict(net, &request, &reply); /* time runs back: all is forgotten */
    const double calm = reply.forecasts[0].modes[0].sigma_m[reply.n_steps - 1];
    const double after = leap_about(40.0, false);
    wild = reply.forecasts[0];
    assert_true(after > 1.5 * calm);
    /* In whatever order they are listed. */
    hp_assert_near(leap_about(40.0, true), after, 0.0);
    assert_memory_equal(&reply.forecasts[5], &wild, sizeof wild);
    /* In another world it knows as much as at first. */
    pred_draw_request(10, 6, &request);
    request.stamp_ns = 20000000000;
    request.world_id = 77;
    predictor_net_predict(net, &request, &reply);
    hp_assert_near(reply.forecasts[0].modes[0].sigma_m[reply.n_steps - 1], calm, 0.0);
}

static void test_predictor_net_allocates_nothing_when_it_predicts(void **state)
{
    (void)state;
    pred_draw_request(7, HP_MAX_AGENTS, &request);
    const size_t before = n_allocations;
    predictor_net_predict(net, &request, &reply);
    assert_int_equal(n_allocations, before);
}

static void test_predictor_net_is_constant_velocity_when_no_model_is_named(void **state)
{
    (void)state;
    static hp_predict_reply plain;
    predictor_net *bare = NULL;
    predictor_config none;
    hp_error error;
    predictor_config_default(&none);
    assert_int_equal(predictor_net_create(&none, &bare, &error), HP_OK);
    pred_draw_request(8, 6, &request);
    predictor_net_predict(bare, &request, &reply);
    predictor_cv_predict(&none.cv, &request, &plain);
    assert_memory_equal(&reply, &plain, offsetof(hp_predict_reply, forecasts[0]));
    assert_memory_equal(reply.forecasts, plain.forecasts,
                        plain.n_forecasts * sizeof plain.forecasts[0]);
    predictor_net_destroy(&bare);
}

static void test_predictor_net_refuses_a_model_that_is_not_there(void **state)
{
    (void)state;
    predictor_net *bare = NULL;
    predictor_config none = config;
    hp_error error;
    (void)snprintf(none.model, sizeof none.model, "/nowhere/m.safetensors");
    assert_int_equal(predictor_net_create(&none, &bare, &error), HP_ENOENT);
    assert_null(bare);
    assert_non_null(strstr(error.text, "/nowhere/m.safetensors"));
}

static void test_predictor_net_reads_the_shipped_model_and_sends_a_walker_ahead(void **state)
{
    (void)state;
    predictor_net *shipped = NULL;
    predictor_config own;
    hp_error error = {{0}};
    predictor_config_default(&own);
    (void)snprintf(own.model, sizeof own.model, "models/predictor.safetensors");
    if (predictor_net_create(&own, &shipped, &error) != HP_OK) {
        print_error("%s\n", error.text);
        fail();
    }
    memset(&request, 0, sizeof request);
    request.ego.pose.x_m = -100.0;
    request.n_tracks = 1;
    hp_track *t = &request.tracks[0];
    *t = (hp_track){.id = 1, .vx_mps = 1.3, .visible = true, .n_history = HP_MAX_HISTORY};
    for (uint32_t k = 0; k < HP_MAX_HISTORY; ++k) {
        t->history_t_s[k] = -0.25 * (HP_MAX_HISTORY - 1 - k);
        t->history[k].x_m = 1.3 * t->history_t_s[k];
    }
    predictor_net_predict(shipped, &request, &reply);
    double x_m = 0.0;
    double y_m = 0.0;
    for (uint32_t m = 0; m < reply.forecasts[0].n_modes; ++m) {
        const hp_mode *mode = &reply.forecasts[0].modes[m];
        x_m += mode->probability * mode->mean[reply.n_steps - 1].x_m;
        y_m += mode->probability * mode->mean[reply.n_steps - 1].y_m;
    }
    hp_assert_near(x_m, 1.3 * 4.75, 1.0);
    hp_assert_near(y_m, 0.0, 0.5);
    predictor_net_destroy(&shipped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_predictor_net_answers_for_every_agent),
        cmocka_unit_test(test_predictor_net_gives_the_same_bits_when_agents_are_listed_otherwise),
        cmocka_unit_test(test_predictor_net_does_not_change_for_an_agent_when_far_ones_come_and_go),
        cmocka_unit_test(test_predictor_net_knows_nothing_of_whom_an_id_belonged_to),
        cmocka_unit_test(test_predictor_net_stays_finite_when_all_stand_in_one_place),
        cmocka_unit_test(test_pred_model_stays_finite_among_two_hundred_neighbours),
        cmocka_unit_test(test_predictor_net_takes_constant_velocity_when_an_agent_is_out_of_sight),
        cmocka_unit_test(test_predictor_net_counts_the_ego_among_the_neighbours),
        cmocka_unit_test(test_predictor_net_spreads_more_when_its_answers_came_out_wrong),
        cmocka_unit_test(test_predictor_net_allocates_nothing_when_it_predicts),
        cmocka_unit_test(test_predictor_net_is_constant_velocity_when_no_model_is_named),
        cmocka_unit_test(test_predictor_net_reads_the_shipped_model_and_sends_a_walker_ahead),
        cmocka_unit_test(test_predictor_net_refuses_a_model_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
