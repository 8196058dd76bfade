#include "cli/embedded.h"

#include "cli/recorder_node.h"
#include "planner/planner_node.h"
#include "policy/policy_node.h"
#include "pomdp/pomdp_node.h"
#include "predictor/predictor_node.h"
#include "proto/hp_node.h"
#include "sim-bridge/bridge_node.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { STEP_MS = 20, PARTS = 6 };

/** One part: its node behind two calls, so that one thread function serves all. */
typedef struct part {
    embedded *all;
    hp_role role;
    hp_status (*open)(struct part *part, hp_error *error);
    hp_status (*step)(void *node);
    void (*close)(void *node);
    hp_host host;
    void *node;
    pthread_t thread;
    bool started;
} part;

struct embedded {
    embedded_setup setup;
    hp_bus *bus;
    atomic_bool stop, done, failed;
    int n_parts;
    part parts[PARTS];
};

static const char *const BASE = "inproc://hyplan";

/* ---- The parts ---- */

static hp_status open_predictor(part *p, hp_error *error)
{
    predictor_node *node = NULL;
    const hp_status st =
        predictor_node_create(&p->all->setup.config->predictor, &p->host.node, &node, error);
    p->node = node;
    return st;
}

static hp_status step_predictor(void *node)
{
    return predictor_node_step(node, STEP_MS);
}

static void close_predictor(void *node)
{
    predictor_node *n = node;
    predictor_node_destroy(&n);
}

static hp_status open_policy(part *p, hp_error *error)
{
    policy_node *node = NULL;
    const hp_status st =
        policy_node_create(&p->all->setup.config->policy, &p->host.node, &node, error);
    p->node = node;
    return st;
}

static hp_status step_policy(void *node)
{
    return policy_node_step(node, STEP_MS);
}

static void close_policy(void *node)
{
    policy_node *n = node;
    policy_node_destroy(&n);
}

static hp_status open_pomdp(part *p, hp_error *error)
{
    pomdp_node *node = NULL;
    const cli_config *config = p->all->setup.config;
    const hp_status st =
        pomdp_node_create(&config->car, &config->policy, &p->host.node, &node, error);
    p->node = node;
    return st;
}

static hp_status step_pomdp(void *node)
{
    return pomdp_node_step(node, STEP_MS);
}

static void close_pomdp(void *node)
{
    pomdp_node *n = node;
    pomdp_node_destroy(&n);
}

static hp_status open_planner(part *p, hp_error *error)
{
    planner_node *node = NULL;
    const embedded_setup *all = &p->all->setup;
    const planner_setup setup = {
        .config = {all->config->plan, all->config->car, all->config->predictor},
        .seed = all->seed,
        .run_dir = all->run_dir};
    const hp_status st = planner_node_create(&setup, &p->host.node, &node, error);
    p->node = node;
    return st;
}

static hp_status step_planner(void *node)
{
    return planner_node_step(node, STEP_MS);
}

static void close_planner(void *node)
{
    planner_node *n = node;
    planner_node_destroy(&n);
}

static hp_status open_bridge(part *p, hp_error *error)
{
    bridge_node *node = NULL;
    const embedded_setup *all = &p->all->setup;
    const bridge_setup setup = {.bridge = all->config->bridge,
                                .sim = all->config->sim,
                                .seed = all->seed,
                                .run_dir = all->run_dir};
    const hp_status st = bridge_node_create(&setup, &p->host.node, &node, error);
    p->node = node;
    return st;
}

/** HP_EUNAVAILABLE ends its thread: there is nothing left to do. */
static hp_status step_bridge(void *node)
{
    const hp_status st = bridge_node_step(node, STEP_MS);
    return st == HP_OK && bridge_node_done(node) ? HP_EUNAVAILABLE : st;
}

static void close_bridge(void *node)
{
    bridge_node *n = node;
    bridge_node_destroy(&n);
}

static hp_status open_recorder(part *p, hp_error *error)
{
    recorder_node *node = NULL;
    const embedded_setup *all = &p->all->setup;
    const recorder_setup setup = {.run_dir = all->run_dir,
                                  .scenario = all->config->bridge.world == BRIDGE_WORLD_SIM
                                                  ? all->config->bridge.scenario
                                                  : "",
                                  .seed = all->seed};
    p->host.log.program = "recorder";
    const hp_status st = recorder_node_create(&setup, &p->host.node, &node, error);
    p->node = node;
    return st;
}

static hp_status step_recorder(void *node)
{
    return recorder_node_step(node, STEP_MS);
}

static void close_recorder(void *node)
{
    recorder_node *n = node;
    recorder_node_destroy(&n);
}

/* ---- Threads ---- */

static void *run_part(void *arg)
{
    part *p = arg;
    embedded *all = p->all;
    hp_status st = HP_OK;
    while (!atomic_load(&all->stop) && (st == HP_OK || st == HP_EINTERRUPTED)) {
        st = p->step(p->node);
    }
    const bool finished = p->role == HP_ROLE_BRIDGE && bridge_node_done(p->node);
    if (!atomic_load(&all->stop) && !finished) {
        hp_log_error(&p->host.log, "ended: %s", hp_status_text(st));
        atomic_store(&all->failed, true);
    }
    if (finished && bridge_node_lost(p->node)) {
        atomic_store(&all->failed, true);
    }
    p->close(p->node);
    p->node = NULL;
    if (!atomic_load(&all->stop)) {
        atomic_store(&all->done, true);
    }
    return NULL;
}

/** Signals are the main thread's business. */
static hp_status spawn(part *p, hp_error *error)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    p->started = pthread_create(&p->thread, NULL, run_part, p) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p->started ? HP_OK : hp_fail(error, HP_ENOMEM, "cannot start a thread");
}

static hp_status open_parts(embedded *e, hp_error *error)
{
    hp_status st = hp_bus_create(&e->bus);
    if (st != HP_OK) {
        return hp_fail(error, st, "cannot set up the bus");
    }
    for (int i = 0; i < e->n_parts && st == HP_OK; i++) {
        part *p = &e->parts[i];
        st = hp_host_share(&p->host, p->role, e->bus, BASE, e->setup.log, error);
        if (st == HP_OK) {
            st = p->open(p, error);
        }
    }
    for (int i = 0; i < e->n_parts && st == HP_OK; i++) {
        st = spawn(&e->parts[i], error);
    }
    return st;
}

hp_status embedded_create(const embedded_setup *setup, embedded **out, hp_error *error)
{
    const part parts[PARTS] = {
        {.role = HP_ROLE_PREDICTOR,
         .open = open_predictor,
         .step = step_predictor,
         .close = close_predictor},
        {.role = HP_ROLE_POLICY, .open = open_policy, .step = step_policy, .close = close_policy},
        {.role = HP_ROLE_POMDP, .open = open_pomdp, .step = step_pomdp, .close = close_pomdp},
        {.role = HP_ROLE_PLANNER,
         .open = open_planner,
         .step = step_planner,
         .close = close_planner},
        {.role = HP_ROLE_BRIDGE, .open = open_bridge, .step = step_bridge, .close = close_bridge},
        {.role = HP_ROLE_CLI,
         .open = open_recorder,
         .step = step_recorder,
         .close = close_recorder},
    };
    embedded *e = calloc(1, sizeof *e);
    *out = NULL;
    if (e == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the embedded parts");
    }
    e->setup = *setup;
    e->n_parts = setup->record ? PARTS : PARTS - 1;
    for (int i = 0; i < e->n_parts; i++) {
        e->parts[i] = parts[i];
        e->parts[i].all = e;
    }
    const hp_status st = open_parts(e, error);
    if (st != HP_OK) {
        embedded_destroy(&e);
        return st;
    }
    *out = e;
    return HP_OK;
}

void embedded_destroy(embedded **self)
{
    embedded *e = *self;
    if (e == NULL) {
        return;
    }
    atomic_store(&e->stop, true);
    for (int i = e->n_parts - 1; i >= 0; i--) {
        part *p = &e->parts[i];
        if (p->started) {
            (void)pthread_join(p->thread, NULL);
        } else if (p->node != NULL) {
            p->close(p->node);
        }
        hp_host_close(&p->host);
    }
    hp_bus_destroy(&e->bus);
    free(e);
    *self = NULL;
}

bool embedded_done(const embedded *self)
{
    return atomic_load(&self->done);
}

bool embedded_failed(const embedded *self)
{
    return atomic_load(&self->failed);
}

hp_bus *embedded_bus(embedded *self)
{
    return self->bus;
}

const char *embedded_base(const embedded *self)
{
    (void)self;
    return BASE;
}
