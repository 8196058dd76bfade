/** @file node_fixture.h One part of HyPlan against a scripted other side, in one thread, under a
 * clock that the test moves. */
#ifndef NODE_FIXTURE_H
#define NODE_FIXTURE_H

#include "tests/support/hp_test.h"

#include "proto/hp_node.h"

#define MS INT64_C(1000000)

enum { TRIES = 20000, PATIENCE_MS = 5 }; /* waits of the other side's letters, each that long */

typedef struct fixture {
    char dir[32];
    hp_bus *bus;
    hp_clock clock; /* virtual */
    hp_log log;     /* silent */
    hp_node node;   /* of the part under test */
    hp_node other;  /* of the scripted side */
    hp_mail mail;   /* of the scripted side */
    hp_socket *link;
} fixture;

void fixture_open(fixture *f, hp_role role, hp_role other);
/** The same, where link is to be opened: in the directory for a direct line, else in process. */
void fixture_open_by(fixture *f, hp_role role, hp_role other, const char *link);
void fixture_close(fixture *f);
void fixture_advance_ms(fixture *f, int64_t ms);

/** A test of both of policy's links, which it finds in its state. */
#define BY_BOTH(name)                                                                              \
    {#name " (ZeroMQ)", name, NULL, NULL, (char[]){HP_LINK_POLICY}},                               \
    {                                                                                              \
#name " (direct)", name, NULL, NULL, (char[])                                              \
        {                                                                                          \
            HP_LINK_POLICY_DIRECT                                                                  \
        }                                                                                          \
    }

#endif
