/* What asking the policy costs by transport: linked into the asker, or the service behind a
 * direct line, inproc, ipc or tcp (with keys). Microseconds of wall time a look, for the network in
 * models/ or those that are named; all slots of a look are full. One JSON object a line. */
#include "bench/hp_bench.h"
#include "common/hp_keys.h"
#include "common/hp_rng.h"
#include "policy/policy_infer.h"
#include "policy/policy_node.h"
#include "proto/hp_client.h"
#include "proto/hp_tensor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLS = 400, WARM_UP = 40, MOST_LOST = 20, GREET_MS = 5000 };
static const uint32_t BATCHES[] = {1, 8, 64};
static const unsigned ASK = POLICY_ASK_VALUE | POLICY_ASK_CHOICE;

typedef struct desk {
    const char *transport;
    char dir[32], keys[48];
    hp_host host, client_host;
    hp_mail mail;
    hp_client *client;
    policy_node *node;
    pthread_t thread;
    atomic_bool stop;
    bool started;
    const char *model_path;
    policy_shape shape;
    policy_infer *infer;
    policy_answer answers[HP_MAX_LOOKS];
    float scene[HP_MAX_SCENE], looks[HP_MAX_LOOKS * HP_MAX_FEATURES];
    hp_evaluate_request request;
    hp_evaluate_reply reply;
    double us[CALLS], network_us;
} desk;

static void *serve(void *arg)
{
    desk *d = arg;
    while (!d->stop) {
        (void)!policy_node_step(d->node, 20);
    }
    return NULL;
}

static hp_status open_hosts(desk *d, hp_error *error)
{
    char address[64];
    if (strcmp(d->transport, "inproc") == 0) {
        const hp_place none = {.sockets = d->dir};
        hp_status st = hp_host_open(&d->host, HP_ROLE_POLICY, 1, &none, NULL, error);
        (void)snprintf(d->host.node.base, sizeof d->host.node.base, "inproc://bench");
        return st == HP_OK ? hp_host_share(&d->client_host, HP_ROLE_POMDP, d->host.bus,
                                           d->host.node.base, NULL, error)
                           : st;
    }
    (void)snprintf(address, sizeof address, "tcp://127.0.0.1:%d", 20000 + (int)(getpid() % 8000));
    const bool tcp = strcmp(d->transport, "tcp") == 0;
    hp_status st = tcp ? hp_keys_make(d->keys, NULL, error) : HP_OK;
    const hp_place place = {.sockets = tcp ? address : d->dir, .keys = tcp ? d->keys : NULL};
    st = st == HP_OK ? hp_host_open(&d->host, HP_ROLE_POLICY, 1, &place, NULL, error) : st;
    return st == HP_OK ? hp_host_open(&d->client_host, HP_ROLE_POMDP, 1, &place, NULL, error) : st;
}

static hp_status open_desk(desk *d, hp_error *error)
{
    const bool direct = strcmp(d->transport, "direct") == 0;
    const char *link = direct ? HP_LINK_POLICY_DIRECT : HP_LINK_POLICY;
    policy_config config;
    policy_config_default(&config);
    (void)snprintf(config.model, sizeof config.model, "%s", d->model_path);
    (void)snprintf(d->dir, sizeof d->dir, "/tmp/hyplan-bench-XXXXXX");
    if (mkdtemp(d->dir) == NULL) {
        return hp_fail(error, HP_EIO, "no directory in /tmp");
    }
    (void)snprintf(d->keys, sizeof d->keys, "%s/keys", d->dir);
    hp_status st = open_hosts(d, error);
    st = st == HP_OK ? policy_node_create(&config, &d->host.node, &d->node, error) : st;
    if (st == HP_OK && pthread_create(&d->thread, NULL, serve, d) == 0) {
        d->started = true;
    }
    st = st == HP_OK ? hp_mail_create(&d->client_host.node, &d->mail) : st;
    st = st == HP_OK ? hp_client_create(&d->mail, link, &d->client, error) : st;
    st = st == HP_OK ? hp_client_greet(d->client, GREET_MS) : st;
    return st == HP_EUNAVAILABLE ? hp_fail(error, st, "the service does not greet") : st;
}

static void close_desk(desk *d)
{
    static const char *const FILES[] = {"keys/secret", "keys/public", "keys/server", "keys/allowed",
                                        "keys"};
    char path[64];
    d->stop = true;
    if (d->started) {
        (void)pthread_join(d->thread, NULL);
    }
    hp_client_destroy(&d->client);
    hp_mail_destroy(&d->mail);
    policy_node_destroy(&d->node);
    hp_host_close(&d->client_host);
    hp_host_close(&d->host);
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", d->dir, FILES[i]);
        (void)remove(path);
    }
    (void)remove(d->dir);
}

/** One question; false: no answer. */
static bool ask(desk *d, uint32_t rows, int64_t now_ns)
{
    if (d->client == NULL) {
        policy_infer_look(d->infer, ASK, d->looks, rows, d->answers);
        return d->answers[0].valid;
    }
    const hp_envelope e = {.type = HP_MSG_EVALUATE_REQUEST};
    const uint32_t n_scene = policy_shape_scene(&d->shape);
    const uint32_t scene[] = {n_scene > 0 ? 1 : 0, n_scene};
    const uint32_t looks[] = {rows, policy_shape_look(&d->shape)};
    hp_tensor_put(&d->request.scene.head, d->request.scene.data, HP_NUMBER_F32, scene, d->scene);
    hp_tensor_put(&d->request.looks.head, d->request.looks.data, HP_NUMBER_F32, looks, d->looks);
    return hp_client_call(d->client, &e, &d->request, now_ns + 5000 * HP_MS_NS,
                          HP_MSG_EVALUATE_REPLY, &d->reply) == HP_OK &&
           hp_tensor_rows(&d->reply.answers.head) == rows;
}

static bool measure(desk *d, uint32_t rows)
{
    const hp_clock clock = hp_clock_real();
    int lost = 0;
    d->network_us = 0.0;
    for (int i = -WARM_UP; i < CALLS; i++) {
        const int64_t begin_ns = hp_clock_now_ns(&clock);
        if (!ask(d, rows, begin_ns)) { /* the link may seem down where the service gets no time */
            if (d->client == NULL || ++lost > MOST_LOST ||
                hp_client_greet(d->client, GREET_MS) != HP_OK) {
                return false;
            }
            i--;
            continue;
        }
        if (i >= 0) {
            d->us[i] = 1e-3 * (double)(hp_clock_now_ns(&clock) - begin_ns);
            d->network_us += 1e-3 * (double)d->reply.network_ns / CALLS;
        }
    }
    hp_sort(d->us, CALLS);
    (void)printf("{\"bench\": \"policy_transport\", \"model\": \"%s\", \"transport\": \"%s\", "
                 "\"kernel\": \"%s\", \"batch\": %u, \"features\": %u, \"scene\": %u, "
                 "\"us_per_row\": %.3f, \"min_us_per_row\": %.3f, \"p50_us\": %.1f, "
                 "\"p99_us\": %.1f, \"network_us\": %.1f}\n",
                 d->model_path, d->transport, policy_infer_kernel(d->infer), rows,
                 policy_shape_look(&d->shape), policy_shape_scene(&d->shape),
                 d->us[CALLS / 2] / rows, d->us[0] / rows, d->us[CALLS / 2],
                 d->us[CALLS * 99 / 100], d->client != NULL ? d->network_us : d->us[CALLS / 2]);
    return true;
}

static void fill(float *x, size_t n, uint64_t lane)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(0.01 + 0.9 * hp_rng_unit(hp_rng_lane(hp_rng_seed(1), lane), i));
    }
}

static bool bench(const char *model_path, const char *transport)
{
    policy_model model;
    hp_error error = {{0}};
    bool good = false;
    desk *d = calloc(1, sizeof *d);
    if (d == NULL || policy_model_read(model_path, &model, &error) != HP_OK) {
        (void)fprintf(stderr, "bench_transport: %s\n", error.text);
        free(d);
        return false;
    }
    d->model_path = model_path;
    d->transport = transport;
    d->shape = model.actor;
    fill(d->scene, HP_MAX_SCENE, 0);
    fill(d->looks, HP_MAX_LOOKS * HP_MAX_FEATURES, 1);
    hp_status st = policy_infer_create(&model, "auto", HP_MAX_LOOKS, &d->infer, &error);
    policy_model_destroy(&model);
    if (st == HP_OK) {
        policy_infer_see(d->infer, d->scene);
    }
    if (st == HP_OK && strcmp(transport, "linked") != 0) {
        st = open_desk(d, &error);
    }
    good = st == HP_OK;
    for (size_t i = 0; good && i < sizeof BATCHES / sizeof BATCHES[0]; i++) {
        good = measure(d, BATCHES[i]);
    }
    if (!good) {
        (void)fprintf(stderr, "bench_transport: %s: no answer: %s\n", transport, error.text);
    }
    if (strcmp(transport, "linked") != 0) {
        close_desk(d);
    }
    policy_infer_destroy(&d->infer);
    free(d);
    return good;
}

int main(int argc, char **argv)
{
    static const char *const TRANSPORTS[] = {"linked", "direct", "inproc", "ipc", "tcp"};
    static const char *const SHIPPED = "models/policy.safetensors";
    bool good = true;
    for (int m = 0; m < (argc > 1 ? argc - 1 : 1); m++) {
        for (size_t t = 0; t < sizeof TRANSPORTS / sizeof TRANSPORTS[0]; t++) {
            good = bench(argc > 1 ? argv[m + 1] : SHIPPED, TRANSPORTS[t]) && good;
        }
    }
    return good ? 0 : 1;
}
