#include "tests/pipeline/fake_tap.h"

#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void fake_tap_open(fake_tap *f)
{
    hp_error error = {{0}};
    *f = (fake_tap){0};
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/hyplan-tap-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    const hp_place place = {f->dir, NULL};
    assert_int_equal(hp_host_open(&f->host, HP_ROLE_PLANNER, 1, &place, stderr, &error), HP_OK);
    assert_int_equal(hp_mail_create(&f->host.node, &f->mail), HP_OK);
    assert_int_equal(hp_node_open(&f->host.node, HP_SOCKET_PUB, HP_LINK_TAP, &f->tap, &error),
                     HP_OK);
}

void fake_tap_close(fake_tap *f, const char *const *files, size_t n)
{
    char path[128];
    hp_socket_close(&f->tap);
    hp_mail_destroy(&f->mail);
    hp_host_close(&f->host);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->dir, files[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/tap", f->dir);
    (void)unlink(path);
    (void)rmdir(f->dir);
}

void fake_tap_publish(fake_tap *f, hp_msg_type type, const void *message)
{
    f->published++;
    hp_mail_publish(&f->mail, f->tap, type, message, f->tick, (int64_t)f->tick * 50000000);
}

void fake_tap_world(fake_tap *f)
{
    static const hp_world_info WORLD = {.world_id = 7,
                                        .n_route = 2,
                                        .route = {{0.0, 0.0}, {0.0, 100.0}},
                                        .tick_s = 0.05,
                                        .ego_length_m = 4.0,
                                        .ego_width_m = 2.0,
                                        .ego_wheelbase_m = 2.5};
    fake_tap_publish(f, HP_MSG_WORLD_INFO, &WORLD);
}

/* What differs from tick to tick keeps a recording's chunks from shrinking to nothing. */
void fake_tap_tick(fake_tap *f)
{
    hp_frame *frame = calloc(1, sizeof *frame);
    assert_non_null(frame);
    *frame = (hp_frame){.world_id = 7, .tick = f->tick, .stamp_ns = (int64_t)f->tick * 50000000};
    frame->n_agents = 40;
    for (uint32_t i = 0; i < frame->n_agents; i++) {
        frame->agents[i] = (hp_agent){.id = i,
                                      .pose = {sin(f->tick + 0.1 * i), cos(f->tick * 0.3 + i), 0.1},
                                      .length_m = 0.5,
                                      .width_m = 0.5};
    }
    fake_tap_publish(f, HP_MSG_FRAME, frame);
    const hp_decision decision = {.world_id = 7, .tick = f->tick, .published = f->published + 1};
    fake_tap_publish(f, HP_MSG_DECISION, &decision);
    f->tick++;
    free(frame);
}

void fake_tap_pause_ms(long ms)
{
    const struct timespec span = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&span, NULL);
}
