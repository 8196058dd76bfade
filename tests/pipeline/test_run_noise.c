/* Strange bytes on every socket while a run goes on: counted, refused, and nothing else happens. */
#include "tests/pipeline/run_rig.h"

#include "common/hp_rng.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

enum { ROUNDS = 40, MAX_NOISE = 2048 };

static const char *const LINKS[] = {HP_LINK_BRIDGE, HP_LINK_PREDICTOR, HP_LINK_POLICY,
                                    HP_LINK_POMDP,  HP_LINK_STATE,     HP_LINK_TAP};
enum { ROUTERS = 4 }; /* the first of LINKS take messages */

static const char *const ARGS[] = {"--scenario", "cts/03", "--set", "pomdp.budget.trials=8",
                                   "--episodes", "12",     "-q",    NULL};

static void fill(unsigned char *bytes, size_t n, uint64_t lane)
{
    const hp_rng stream = hp_rng_lane(hp_rng_seed(11), lane);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (unsigned char)hp_rng_u64(stream, i);
    }
}

/** Bytes that are no ZeroMQ at all, written to the socket file; the far end hangs up on them. */
static void write_raw(const rig *r, const char *link, uint64_t lane)
{
    unsigned char bytes[MAX_NOISE];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    const int n = snprintf(address.sun_path, sizeof address.sun_path, "%.80s/%s", r->sockets, link);
    assert_true(n > 0 && (size_t)n < sizeof address.sun_path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        fill(bytes, sizeof bytes, lane);
        (void)!send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
    }
    (void)close(fd);
}

/** A good letter of the wrong kind, from the wrong sender, or of a former life. */
static void write_letter(rig *r, hp_socket *socket, int which)
{
    unsigned char bytes[1024];
    size_t len = 0;
    const hp_hello hello = {.role = "planner", .version = "0"};
    const hp_episode_end end = {.world_id = 1, .last = true};
    const hp_envelope letters[] = {
        {.type = HP_MSG_HELLO, .sender = HP_ROLE_PLANNER, .generation = 0},
        {.type = HP_MSG_HELLO, .sender = HP_ROLE_CLI, .generation = 9},
        {.type = HP_MSG_EPISODE_END, .sender = HP_ROLE_BRIDGE, .generation = 1},
    };
    const hp_envelope *e = &letters[which % 3];
    const void *message = e->type == HP_MSG_HELLO ? (const void *)&hello : (const void *)&end;
    assert_int_equal(hp_encode(r->codec, e, message, bytes, sizeof bytes, &len), HP_OK);
    (void)!hp_socket_send(socket, bytes, len);
    bytes[which % (int)len] ^= 0x10; /* and the same with one bit turned */
    (void)!hp_socket_send(socket, bytes, len);
}

/** Messages of many parts, and one that is larger than any may be. */
static void write_odd(void *zmq, unsigned char *large)
{
    (void)zmq_send(zmq, "a", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    (void)zmq_send(zmq, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    (void)zmq_send(zmq, "bc", 2, ZMQ_DONTWAIT);
    (void)zmq_send(zmq, "", 0, ZMQ_DONTWAIT);
    (void)zmq_send(zmq, large, HP_BUS_MAX_MESSAGE + 1, ZMQ_DONTWAIT);
}

/** A DEALER below the bus's own guards; it comes back after having been cut. */
static void *open_bare(void *context, const char *endpoint)
{
    const int none = 0;
    void *zmq = zmq_socket(context, ZMQ_DEALER);
    assert_non_null(zmq);
    assert_int_equal(zmq_setsockopt(zmq, ZMQ_LINGER, &none, sizeof none), 0);
    assert_int_equal(zmq_connect(zmq, endpoint), 0);
    return zmq;
}

static void make_noise(rig *r)
{
    unsigned char bytes[MAX_NOISE];
    unsigned char *large = calloc(1, HP_BUS_MAX_MESSAGE + 1);
    hp_socket *sockets[ROUTERS] = {NULL};
    void *bare[ROUTERS] = {NULL};
    void *context = zmq_ctx_new();
    assert_non_null(large);
    for (int i = 0; i < ROUTERS; i++) {
        char endpoint[RIG_PATH + 32];
        hp_error error;
        (void)snprintf(endpoint, sizeof endpoint, "ipc://%s/%s", r->sockets, LINKS[i]);
        bare[i] = open_bare(context, endpoint);
        assert_int_equal(hp_socket_open(r->bus, HP_SOCKET_DEALER, endpoint, &sockets[i], &error),
                         HP_OK);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ROUTERS; i++) {
            const uint64_t lane = (uint64_t)round * ROUTERS + (uint64_t)i;
            const size_t n = (size_t)hp_rng_u64(hp_rng_seed(5), lane) % sizeof bytes;
            fill(bytes, n, lane);
            (void)!hp_socket_send(sockets[i], bytes, n);
            write_letter(r, sockets[i], round);
            write_odd(bare[i], large);
        }
        for (size_t i = 0; i < HP_ARRAY_LEN(LINKS); i++) {
            write_raw(r, LINKS[i], (uint64_t)round);
        }
        rig_wait_ticks(r, 2); /* the run goes on all the while */
    }
    for (int i = 0; i < ROUTERS; i++) {
        hp_socket_close(&sockets[i]);
        assert_int_equal(zmq_close(bare[i]), 0);
    }
    assert_int_equal(zmq_ctx_term(context), 0);
    free(large);
}

static void test_run_is_not_disturbed_when_noise_is_on_every_socket(void **state)
{
    rig r;
    char quiet[20];
    char noisy[20];
    (void)state;
    rig_set_up(&r);
    const int quiet_status = rig_run(&r, ARGS);
    json_t *summary = rig_json(&r, "summary.json");
    rig_text(summary, "command_hash", quiet, sizeof quiet);
    json_decref(summary);
    rig_tear_down(&r);

    rig_set_up(&r);
    rig_start(&r, NULL, ARGS);
    rig_look(&r);
    rig_wait_ticks(&r, 1);
    make_noise(&r);
    assert_int_equal(rig_wait(&r), quiet_status);
    summary = rig_json(&r, "summary.json");
    rig_text(summary, "command_hash", noisy, sizeof noisy);
    assert_string_equal(quiet, noisy);
    assert_true(rig_number(summary, "fallbacks/predictor") <= 0.0);
    assert_true(rig_number(summary, "fallbacks/search") <= 0.0);
    assert_true(rig_number(summary, "workers/predictor/refused") >= 1.0);
    assert_true(rig_number(summary, "workers/policy/refused") >= 1.0);
    assert_true(rig_number(summary, "workers/pomdp/refused") >= 1.0);
    assert_true(rig_number(summary, "episodes/11/refused") >= 1.0); /* the bridge */
    assert_true(rig_number(summary, "episodes/11/planner_generation") <= 1.0);
    assert_true(rig_number(summary, "parts/bridge/restarts") <= 0.0);
    assert_true(rig_number(summary, "parts/planner/restarts") <= 0.0);
    assert_true(rig_number(summary, "parts/predictor/restarts") <= 0.0);
    assert_true(rig_number(summary, "parts/policy/restarts") <= 0.0);
    assert_true(rig_number(summary, "parts/pomdp/restarts") <= 0.0);
    json_decref(summary);
    rig_tear_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_is_not_disturbed_when_noise_is_on_every_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
