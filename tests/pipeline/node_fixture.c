#include "tests/pipeline/node_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fixture_open(fixture *f, hp_role role, hp_role other)
{
    *f = (fixture){.dir = "/tmp/hyplan-nodes-XXXXXX"};
    assert_non_null(mkdtemp(f->dir));
    f->clock = hp_clock_virtual(1000 * MS);
    f->log = (hp_log){.program = "test", .out = NULL};
    assert_int_equal(hp_bus_create(&f->bus), HP_OK);
    f->node = (hp_node){.bus = f->bus,
                        .base = "inproc://test",
                        .role = role,
                        .generation = 1,
                        .clock = &f->clock,
                        .log = &f->log};
    f->other = f->node;
    f->other.role = other;
    assert_int_equal(hp_mail_create(&f->other, &f->mail), HP_OK);
}

void fixture_open_by(fixture *f, hp_role role, hp_role other, const char *link)
{
    fixture_open(f, role, other);
    if (strcmp(link, HP_LINK_POLICY_DIRECT) == 0) {
        (void)snprintf(f->node.base, sizeof f->node.base, "ipc://%s", f->dir);
        (void)snprintf(f->other.base, sizeof f->other.base, "ipc://%s", f->dir);
    }
}

void fixture_close(fixture *f)
{
    static const char *const FILES[] = {"steps.csv", "steps.csv.tmp", "episodes.json",
                                        "planner.json", "short.yaml"};
    hp_socket_close(&f->link);
    hp_mail_destroy(&f->mail);
    hp_bus_destroy(&f->bus);
    for (size_t i = 0; i < HP_ARRAY_LEN(FILES); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s/%s", f->dir, FILES[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(f->dir), 0);
}

void fixture_advance_ms(fixture *f, int64_t ms)
{
    f->clock.virtual_ns += ms * MS;
}
