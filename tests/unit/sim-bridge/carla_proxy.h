/** @file carla_proxy.h Stands between a client and a stand-in and makes faults, for tests; and a
 *  clock that counts how often it is read, so that patience does not depend on a machine's speed.
 */
#ifndef CARLA_PROXY_H
#define CARLA_PROXY_H

#include "sim-bridge/carla/carla_seat.h"
#include "tests/unit/sim-bridge/carla_rig.h"

/** What the proxy does to the server's answers. Requests pass, but for KEEP_MAP. */
typedef enum fault {
    NONE,
    SILENT,      /* no answer */
    HALF,        /* half of one, then none */
    HOSTILE,     /* msgpack that announces gigabytes */
    ALIEN,       /* msgpack that answers nothing */
    GONE,        /* closes the connection, once */
    SLOW,        /* late answers */
    CUT_STREAMS, /* closes the streams, once */
    OTHER_TYPE,  /* snapshots of a sensor type of another release */
    LOSE,        /* loses the next answer */
    FUTURE,      /* says yes to a tick, of a frame that will not come */
    ODD_BOX,     /* walkers and an audi a2 have no length that is a number */
    KEEP_MAP,    /* says yes to a map that is to be loaded, and does nothing */
} fault;

enum { PROXY_STREAMS = 8 };

typedef struct proxy {
    int listener, client, server;
    uint16_t port, server_port;
    int stream_listener, readers[PROXY_STREAMS], sources[PROXY_STREAMS];
    uint16_t stream_port, server_stream_port;
    pthread_t thread;
    atomic_int fault;
    const char *call; /* what is waited for; of then: NONE, nothing is */
    uint32_t calls;
    atomic_int then;
    atomic_uint loading; /* so many questions after the episode are answered: not ready */
    atomic_uint refuse;  /* so many connections are closed at once */
    atomic_uint tries;   /* connections that came */
    atomic_bool stop;
    hp_clock clock;
} proxy;

proxy *proxy_open(const rig *r);
void proxy_close(proxy *p);
/** The fault begins when a call passes whose name begins so, after so many others. */
void proxy_await(proxy *p, const char *call, uint32_t calls, fault then);

/** Each reading moves it on by step_s, and nothing else does: where answers come, let it be short,
 *  so that a slow machine has time; where none comes, long. */
typedef struct counted_clock {
    hp_clock clock; /* first */
    int64_t at_ns;
    struct counted_clock *self; /* as clocks are read through const */
    double step_s;
} counted_clock;

#define COUNTED_SHORT_S 0.001
#define COUNTED_LONG_S 0.2

void counted_clock_open(counted_clock *c);
double counted_clock_s(const counted_clock *c);

/** True if the vehicle called hero stands on the brake, as the server itself has it. tick: its
 *  clock waits for us. */
bool proxy_hero_brakes(const rig *r, bool tick);
/** True if the stand-in has its clock back and nobody but n actors in it. */
bool proxy_server_is_free(const rig *r, uint32_t n);

#endif
