/* The planner alone, against a scripted bridge and without workers. */
#include "tests/pipeline/node_fixture.h"

#include "planner/planner_node.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

typedef struct planner_fixture {
    fixture base;
    hp_socket *state;
    hp_peer peer;
    planner_node *planner;
    hp_world_info *info;
    hp_frame *frame;
} planner_fixture;

static const hp_message *hear_planner(planner_fixture *p, hp_msg_type type)
{
    fixture *f = &p->base;
    for (int i = 0; i < TRIES; i++) {
        bool ready = false;
        assert_int_equal(planner_node_step(p->planner, 0), HP_OK);
        (void)!hp_bus_poll(&f->link, &ready, 1, PATIENCE_MS);
        while (hp_mail_receive(&f->mail, f->link, &p->peer) == HP_OK) {
            if (f->mail.envelope.type == type) {
                return f->mail.in;
            }
        }
    }
    fail_msg("the planner never sent %s", hp_msg_name(type));
    return NULL;
}

static void tell(planner_fixture *p, hp_msg_type type, uint64_t sequence, const void *message)
{
    const hp_envelope e = {.type = type, .sequence = sequence};
    assert_int_equal(hp_mail_send(&p->base.mail, p->base.link, &p->peer, &e, message), HP_OK);
}

/** What is not as usual. */
typedef struct odd {
    const plan_change *change; /* one threshold that changes by itself */
    const char *link;          /* decides where all of them are: see fixture_open_by */
    uint32_t generation;
    int64_t patience_ms; /* with which workers are waited for that never come */
} odd;

static void planner_open_with(planner_fixture *p, const odd *o)
{
    planner_setup setup = {.seed = 1};
    hp_error error;
    fixture *f = &p->base;
    const plan_change *change = o->change;
    *p = (planner_fixture){.planner = NULL};
    fixture_open_by(f, HP_ROLE_PLANNER, HP_ROLE_BRIDGE, o->link);
    f->node.generation = o->generation;
    p->info = calloc(1, sizeof *p->info);
    p->frame = calloc(1, sizeof *p->frame);
    assert_non_null(p->info);
    assert_non_null(p->frame);
    assert_int_equal(hp_node_open(&f->other, HP_SOCKET_ROUTER, HP_LINK_BRIDGE, &f->link, &error),
                     HP_OK);
    assert_int_equal(hp_node_open(&f->other, HP_SOCKET_PUB, HP_LINK_STATE, &p->state, &error),
                     HP_OK);
    setup.run_dir = f->dir;
    plan_live_default(&setup.config);
    if (change != NULL) {
        setup.config.plan.changes[setup.config.plan.n_changes++] = *change;
    }
    assert_int_equal(planner_node_create(&setup, &f->node, &p->planner, &error), HP_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(planner_node_step(p->planner, 0), HP_OK); /* waits for its workers */
    }
    fixture_advance_ms(f, o->patience_ms + 1); /* none comes */
    (void)hear_planner(p, HP_MSG_HELLO);
    *p->info = (hp_world_info){.world_id = 77,
                               .synchronous = true,
                               .tick_s = 0.05,
                               .ego_length_m = 4.2,
                               .ego_width_m = 2.0,
                               .ego_wheelbase_m = 2.5,
                               .speed_limit_mps = 13.9,
                               .max_steer_rad = 0.6,
                               .sensor_range_m = 50.0,
                               .goal = {.x_m = 100.0},
                               .goal_radius_m = 3.0,
                               .n_route = 2,
                               .route = {{0.0, 0.0}, {120.0, 0.0}}};
    *p->frame = (hp_frame){.world_id = 77, .ego = {.speed_mps = 5.0}};
}

static const odd NOTHING_ODD = {NULL, HP_LINK_TAP, 1, 10000};

static void planner_open(planner_fixture *p)
{
    planner_open_with(p, &NOTHING_ODD);
}

static void planner_close(planner_fixture *p)
{
    planner_node_destroy(&p->planner);
    hp_socket_close(&p->state);
    free(p->frame);
    free(p->info);
    fixture_close(&p->base);
}

static void tell_world(planner_fixture *p, uint64_t sequence)
{
    tell(p, HP_MSG_WORLD_INFO, sequence, p->info);
    (void)hear_planner(p, HP_MSG_HEALTH);
    assert_true(p->base.mail.envelope.sequence == sequence);
}

static json_t *planner_json(const planner_fixture *p)
{
    char path[64];
    json_error_t why;
    (void)snprintf(path, sizeof path, "%s/planner.json", p->base.dir);
    json_t *json = json_load_file(path, 0, &why);
    assert_non_null(json);
    return json;
}

static void test_planner_brakes_when_no_worker_answers(void **state)
{
    planner_fixture p;
    (void)state;
    planner_open(&p);
    tell_world(&p, 5);
    tell(&p, HP_MSG_FRAME, 6, p.frame);
    const hp_command *c = &hear_planner(&p, HP_MSG_COMMAND)->as_hp_command;
    assert_int_equal(c->tick, 0);
    assert_true(c->world_id == 77);
    assert_int_equal(c->source, HP_SOURCE_COMFORT_BRAKE);
    assert_true(c->accel_mps2 < 0.0);
    planner_close(&p);
}

static void test_planner_repeats_its_command_when_a_frame_comes_again(void **state)
{
    planner_fixture p;
    (void)state;
    planner_open(&p);
    tell_world(&p, 5);
    tell(&p, HP_MSG_FRAME, 6, p.frame);
    const hp_command first = hear_planner(&p, HP_MSG_COMMAND)->as_hp_command;
    tell(&p, HP_MSG_FRAME, 7, p.frame);
    const hp_command second = hear_planner(&p, HP_MSG_COMMAND)->as_hp_command;
    assert_int_equal(second.tick, first.tick);
    hp_assert_near(second.accel_mps2, first.accel_mps2, 0.0);
    hp_assert_near(second.steer_rad, first.steer_rad, 0.0);
    planner_node_destroy(&p.planner); /* writes what it has counted */
    json_t *json = planner_json(&p);
    assert_int_equal(json_integer_value(json_object_get(json, "ticks")), 1); /* planned once */
    json_decref(json);
    planner_close(&p);
}

static void test_planner_asks_when_it_does_not_know_the_world(void **state)
{
    planner_fixture p;
    (void)state;
    planner_open(&p);
    tell_world(&p, 5);
    fixture_advance_ms(&p.base, 1000);
    p.frame->world_id = 78;
    tell(&p, HP_MSG_FRAME, 6, p.frame);
    (void)hear_planner(&p, HP_MSG_HELLO);
    p.info->world_id = 78;
    tell_world(&p, 7);
    tell(&p, HP_MSG_FRAME, 8, p.frame);
    assert_true(hear_planner(&p, HP_MSG_COMMAND)->as_hp_command.world_id == 78);
    planner_close(&p);
}

/** Frames get lost in real time, and a restarted planner begins somewhere: decisions go on. */
static void test_planner_decides_when_the_frame_of_a_decision_is_lost(void **state)
{
    static const uint32_t TICKS[] = {3, 4, 5, 7, 12, 14}; /* decided at 3, 5 and 12 */
    planner_fixture p;
    (void)state;
    planner_open(&p);
    tell_world(&p, 5);
    for (size_t i = 0; i < HP_ARRAY_LEN(TICKS); i++) {
        p.frame->tick = TICKS[i];
        tell(&p, HP_MSG_FRAME, 6 + i, p.frame);
        assert_int_equal(hear_planner(&p, HP_MSG_COMMAND)->as_hp_command.tick, TICKS[i]);
    }
    planner_node_destroy(&p.planner);
    json_t *json = planner_json(&p);
    assert_int_equal(json_integer_value(json_object_get(json, "ticks")), 6);
    assert_int_equal(json_integer_value(json_object_get(json, "decisions")), 3);
    json_decref(json);
    planner_close(&p);
}

/** The first frame that is driven with a change is the first that comes from its tick on. */
static void test_planner_makes_a_change_when_the_frame_of_its_tick_is_lost(void **state)
{
    static const uint32_t TICKS[] = {0, 4, 6, 7};
    const plan_change change = {.tick = 5, .key = "planner.guard.comfort_mps2", .value = 2.0};
    planner_fixture p;
    (void)state;
    odd o = NOTHING_ODD;
    o.change = &change;
    planner_open_with(&p, &o);
    tell_world(&p, 5);
    for (size_t i = 0; i < HP_ARRAY_LEN(TICKS); i++) {
        p.frame->tick = TICKS[i];
        p.frame->stamp_ns = TICKS[i] * INT64_C(50000000);
        tell(&p, HP_MSG_FRAME, 6 + i, p.frame);
        const hp_command *c = &hear_planner(&p, HP_MSG_COMMAND)->as_hp_command;
        assert_int_equal(c->source, HP_SOURCE_COMFORT_BRAKE);
        hp_assert_near(c->accel_mps2, TICKS[i] < 5 ? -3.0 : -2.0, 1e-12);
    }
    planner_close(&p);
}

static void test_planner_acknowledges_an_end_as_often_as_it_is_told(void **state)
{
    planner_fixture p;
    const hp_episode_end end = {
        .world_id = 77, .ticks = 1, .verdict = HP_VERDICT_GOAL, .last = true};
    (void)state;
    planner_open(&p);
    tell_world(&p, 5);
    for (uint64_t sequence = 9; sequence < 12; sequence++) {
        tell(&p, HP_MSG_EPISODE_END, sequence, &end);
        (void)hear_planner(&p, HP_MSG_HEALTH);
        assert_true(p.base.mail.envelope.sequence == sequence);
    }
    planner_close(&p);
}

/** Letters of a former world that were long under way change nothing: the running one goes on where
 * it was. */
static void test_planner_keeps_its_world_when_letters_of_a_former_one_come_late(void **state)
{
    planner_fixture p;
    (void)state;
    planner_open(&p);
    const hp_clock past = p.base.clock;
    tell_world(&p, 5);
    fixture_advance_ms(&p.base, 1000);
    p.info->world_id = 78;
    p.frame->world_id = 78;
    tell_world(&p, 6);
    hp_source sources[2];
    for (uint32_t i = 0; i < 12; i++) { /* comfortably at first, then hard: it remembers */
        p.frame->tick = i;
        tell(&p, HP_MSG_FRAME, 7 + i, p.frame);
        sources[i > 0] = hear_planner(&p, HP_MSG_COMMAND)->as_hp_command.source;
    }
    assert_int_equal(sources[0], HP_SOURCE_COMFORT_BRAKE);
    assert_int_equal(sources[1], HP_SOURCE_HARD_BRAKE);
    const hp_episode_end end = {
        .world_id = 77, .ticks = 9, .verdict = HP_VERDICT_GOAL, .last = true};
    p.base.other.clock = &past;
    p.info->world_id = 77;
    tell(&p, HP_MSG_WORLD_INFO, 4, p.info);
    tell(&p, HP_MSG_EPISODE_END, 4, &end);
    p.base.other.clock = &p.base.clock;
    for (uint32_t again = 0; again < 2; again++) {
        p.frame->tick = 11 + again;
        tell(&p, HP_MSG_FRAME, 30 + again, p.frame);
        assert_int_equal(hear_planner(&p, HP_MSG_COMMAND)->as_hp_command.source,
                         HP_SOURCE_HARD_BRAKE);
    }
    planner_close(&p);
}

/** Next message of the tap on this topic; message gets its payload. */
static void hear_tap(planner_fixture *p, hp_socket *tap, hp_msg_type type, hp_message *message)
{
    static unsigned char bytes[HP_BUS_MAX_MESSAGE];
    char topic[HP_TEXT];
    size_t len = 0;
    for (int i = 0; i < TRIES; i++) {
        bool ready = false;
        assert_int_equal(planner_node_step(p->planner, 0), HP_OK);
        fixture_advance_ms(&p->base, 100);
        (void)!hp_bus_poll(&tap, &ready, 1, PATIENCE_MS);
        while (hp_socket_receive_topic(tap, topic, sizeof topic, bytes, sizeof bytes, &len) ==
               HP_OK) {
            if (strcmp(topic, hp_msg_name(type)) == 0) {
                assert_int_equal(
                    hp_decode_payload(p->base.mail.codec, type, bytes, len, message, NULL), HP_OK);
                return;
            }
        }
    }
    fail_msg("the planner never told %s", hp_msg_name(type));
}

/** A file's words may be of any alphabet; the tap's are not. */
static void test_planner_tells_why_a_change_was_refused_in_any_alphabet(void **state)
{
    planner_fixture p;
    hp_socket *tap = NULL;
    hp_message *message = calloc(1, sizeof *message);
    hp_error error;
    (void)state;
    assert_non_null(message);
    planner_open(&p);
    assert_int_equal(hp_node_open(&p.base.other, HP_SOCKET_SUB, HP_LINK_TAP, &tap, &error), HP_OK);
    hear_tap(&p, tap, HP_MSG_CONFIGURATION, message);
    assert_int_equal(message->as_hp_configuration.refused, 0);
    planner_node_refuse(p.planner, "unknown key 'gr\xc3\xb6\xc3\x9f"
                                   "e'\tin 'planner'");
    do {
        hear_tap(&p, tap, HP_MSG_CONFIGURATION, message);
    } while (message->as_hp_configuration.refused == 0);
    assert_string_equal(message->as_hp_configuration.complaint,
                        "unknown key 'gr????e'?in 'planner'");
    hp_socket_close(&tap);
    planner_close(&p);
    free(message);
}

/** One that comes back in the middle finds those workers that are there; a drive does not wait for
 * the others. */
static void test_planner_waits_less_for_workers_when_it_comes_back(void **state)
{
    planner_fixture p;
    odd o = NOTHING_ODD;
    (void)state;
    o.generation = 2;
    o.patience_ms = 1000;
    planner_open_with(&p, &o); /* and calls the bridge */
    planner_close(&p);
}

/** A worker that says hello, and then hangs. */
typedef struct sleeper {
    hp_node node;
    hp_mail mail;
    hp_socket *router;
} sleeper;

static void sleeper_open(fixture *f, hp_role role, const char *link, sleeper *s)
{
    hp_error error;
    s->node = f->other;
    s->node.role = role;
    assert_int_equal(hp_mail_create(&s->node, &s->mail), HP_OK);
    assert_int_equal(hp_node_open(&s->node, HP_SOCKET_ROUTER, link, &s->router, &error), HP_OK);
}

static void sleeper_close(sleeper *s)
{
    hp_socket_close(&s->router);
    hp_mail_destroy(&s->mail);
}

/** Answers a first word or a question for its health. True: it did. */
static bool sleeper_answers(sleeper *s)
{
    hp_peer peer;
    bool any = false;
    while (hp_mail_receive(&s->mail, s->router, &peer) == HP_OK) {
        const hp_envelope e = {.type = HP_MSG_HEALTH, .sequence = s->mail.envelope.sequence};
        assert_int_equal(hp_mail_send(&s->mail, s->router, &peer, &e, &s->mail.health), HP_OK);
        any = true;
    }
    return any;
}

/** A clock that goes on by half a second whenever somebody looks. */
static int64_t hasty_now_ns(const hp_clock *clock)
{
    union { /* a clock does not change by being read; this one does */
        const hp_clock *in;
        hp_clock *out;
    } self = {clock};
    self.out->virtual_ns += 500 * MS;
    return clock->virtual_ns;
}

/** A bridge that waits for a command waits for 90 s. */
static void test_planner_commands_in_time_when_two_workers_hang_at_once(void **state)
{
    planner_fixture p;
    sleeper predictor;
    sleeper pomdp;
    (void)state;
    planner_open(&p);
    fixture *f = &p.base;
    sleeper_open(f, HP_ROLE_PREDICTOR, HP_LINK_PREDICTOR, &predictor);
    sleeper_open(f, HP_ROLE_POMDP, HP_LINK_POMDP, &pomdp);
    int met = 0;
    for (int i = 0; i < TRIES && met != 3; i++) {
        assert_int_equal(planner_node_step(p.planner, PATIENCE_MS), HP_OK);
        met |= (sleeper_answers(&predictor) ? 1 : 0) | (sleeper_answers(&pomdp) ? 2 : 0);
        fixture_advance_ms(f, 100);
    }
    assert_int_equal(met, 3);
    tell_world(&p, 5);
    tell(&p, HP_MSG_FRAME, 6, p.frame);
    f->clock.now_ns = hasty_now_ns;
    const int64_t begin_ns = f->clock.virtual_ns;
    const hp_command *c = &hear_planner(&p, HP_MSG_COMMAND)->as_hp_command;
    const int64_t waited_ns = f->clock.virtual_ns - begin_ns;
    assert_int_equal(c->source, HP_SOURCE_COMFORT_BRAKE);
    assert_true(waited_ns > 30000 * MS); /* it has trusted them for long */
    assert_true(waited_ns < 80000 * MS);
    planner_node_destroy(&p.planner);
    json_t *json = planner_json(&p);
    const json_t *workers = json_object_get(json, "workers");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(workers, "predictor"), "lost")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(workers, "pomdp"), "lost")),
                     1);
    json_decref(json);
    sleeper_close(&predictor);
    sleeper_close(&pomdp);
    planner_close(&p);
}

/** The planner's next word about itself, while its workers answer. */
static void hear_health(planner_fixture *p, hp_socket *tap, sleeper workers[2], hp_message *message)
{
    do {
        (void)sleeper_answers(&workers[0]);
        (void)sleeper_answers(&workers[1]);
        hear_tap(p, tap, HP_MSG_HEALTH, message);
    } while (strcmp(message->as_hp_health.role, "planner") != 0);
}

/** Onlookers that were there before hear that those who come now find somebody else. */
static void test_planner_counts_as_degraded_while_its_tap_is_squatted(void **state)
{
    planner_fixture p;
    odd o = NOTHING_ODD;
    hp_socket *tap = NULL;
    hp_socket *squatter = NULL;
    sleeper workers[2];
    hp_message *message = calloc(1, sizeof *message);
    hp_error error;
    char path[64];
    (void)state;
    assert_non_null(message);
    o.link = HP_LINK_POLICY_DIRECT; /* in files */
    planner_open_with(&p, &o);
    fixture *f = &p.base;
    sleeper_open(f, HP_ROLE_PREDICTOR, HP_LINK_PREDICTOR, &workers[0]);
    sleeper_open(f, HP_ROLE_POMDP, HP_LINK_POMDP, &workers[1]);
    assert_int_equal(hp_node_open(&f->other, HP_SOCKET_SUB, HP_LINK_TAP, &tap, &error), HP_OK);
    hear_health(&p, tap, workers, message);
    while (message->as_hp_health.degraded) {
        hear_health(&p, tap, workers, message);
    }
    (void)snprintf(path, sizeof path, "%s/%s", f->dir, HP_LINK_TAP);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(hp_node_open(&f->other, HP_SOCKET_PUB, HP_LINK_TAP, &squatter, &error), HP_OK);
    while (message->as_hp_health.note[0] == '\0') {
        hear_health(&p, tap, workers, message);
    }
    assert_string_equal(message->as_hp_health.note, "its endpoint is taken");
    assert_true(message->as_hp_health.degraded);
    hp_socket_close(&squatter);
    hp_socket_close(&tap);
    sleeper_close(&workers[0]);
    sleeper_close(&workers[1]);
    planner_close(&p);
    free(message);
}

/** A viewer that knows nothing of us has one axis of time for all of the tap. */
static void test_planner_stamps_all_of_the_tap_with_the_worlds_time(void **state)
{
    planner_fixture p;
    odd o = NOTHING_ODD;
    char endpoint[64];
    char text[64];
    (void)state;
    o.link = HP_LINK_POLICY_DIRECT; /* in files, for who is not on our bus */
    planner_open_with(&p, &o);
    void *context = zmq_ctx_new();
    void *viewer = zmq_socket(context, ZMQ_SUB);
    assert_int_equal(zmq_setsockopt(viewer, ZMQ_SUBSCRIBE, "", 0), 0);
    (void)snprintf(endpoint, sizeof endpoint, "ipc://%s/%s", p.base.dir, HP_LINK_TAP);
    assert_int_equal(zmq_connect(viewer, endpoint), 0);
    tell_world(&p, 5);
    p.frame->tick = 40;
    p.frame->stamp_ns = 2000 * MS;
    tell(&p, HP_MSG_FRAME, 6, p.frame);
    (void)hear_planner(&p, HP_MSG_COMMAND);
    int heard = 0;
    for (int i = 0; i < TRIES && heard < 20; i++) {
        assert_int_equal(planner_node_step(p.planner, PATIENCE_MS), HP_OK);
        fixture_advance_ms(&p.base, 100);
        while (zmq_recv(viewer, NULL, 0, ZMQ_DONTWAIT) >= 0) {
            memset(text, 0, sizeof text);
            (void)!zmq_recv(viewer, NULL, 0, 0); /* after the topic: the message */
            assert_true(zmq_recv(viewer, text, sizeof text - 1, 0) > 0);
            assert_true(strcmp(text, "0.000000000") == 0 || strcmp(text, "2.000000000") == 0);
            heard++;
        }
    }
    assert_true(heard >= 20);
    (void)zmq_close(viewer);
    (void)zmq_ctx_term(context);
    planner_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planner_brakes_when_no_worker_answers),
        cmocka_unit_test(test_planner_repeats_its_command_when_a_frame_comes_again),
        cmocka_unit_test(test_planner_asks_when_it_does_not_know_the_world),
        cmocka_unit_test(test_planner_decides_when_the_frame_of_a_decision_is_lost),
        cmocka_unit_test(test_planner_makes_a_change_when_the_frame_of_its_tick_is_lost),
        cmocka_unit_test(test_planner_tells_why_a_change_was_refused_in_any_alphabet),
        cmocka_unit_test(test_planner_waits_less_for_workers_when_it_comes_back),
        cmocka_unit_test(test_planner_counts_as_degraded_while_its_tap_is_squatted),
        cmocka_unit_test(test_planner_stamps_all_of_the_tap_with_the_worlds_time),
        cmocka_unit_test(test_planner_commands_in_time_when_two_workers_hang_at_once),
        cmocka_unit_test(test_planner_acknowledges_an_end_as_often_as_it_is_told),
        cmocka_unit_test(test_planner_keeps_its_world_when_letters_of_a_former_one_come_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
