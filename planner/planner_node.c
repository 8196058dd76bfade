#include "planner/planner_node.h"

#include "common/hp_text.h"
#include "planner/plan_cycle.h"
#include "planner/planner_stats.h"
#include "proto/hp_client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    START_WAIT_MS = 10000, /* for all workers together, once ... */
    AGAIN_WAIT_MS = 1000,  /* ... by a planner that comes back: those that live are there */
    /* Longest waits in a world that waits, from the frame on: bridge.planner_lost_s covers them. */
    PREDICT_MS = 15000,
    PLAN_MS = 60000,
    HELLO_MS = 100, /* between two calls to the bridge */
    HEALTH_MS = 1000,
    LAST_WORD_MS = 200,
};

enum { PREDICTOR, POLICY, POMDP, WORKERS };

static const char *const LINKS[WORKERS] = {HP_LINK_PREDICTOR, HP_LINK_POLICY, HP_LINK_POMDP};

struct planner_node {
    const hp_node *identity;
    planner_setup setup;   /* config is the one in force */
    uint32_t changes_from; /* planner.changes of earlier ticks are made */
    hp_configuration told, told_before;
    hp_mail mail;
    hp_socket *bridge, *state, *tap;
    hp_client *workers[WORKERS];
    plan_workers calls;
    plan_cycle *cycle;
    planner_stats stats;
    uint64_t published;   /* messages on the tap */
    bool started;         /* workers were greeted */
    int64_t start_ns;     /* when the greeting began */
    int64_t hello_ns;     /* when the bridge was last called */
    int64_t health_ns;    /* when health was last published */
    bool has_world;       /* info holds, and its episode runs */
    bool over;            /* the last episode has ended */
    bool answered;        /* command answers the frame of tick command.tick */
    bool searched;        /* this tick's search answered */
    bool interrupted;     /* a signal cut this tick short: it does not count */
    uint64_t ended_world; /* whose EpisodeEnd was booked */
    hp_world_info info;
    int64_t info_ns; /* when its letter was sent, by the bridge's clock */
    hp_frame frame;
    int64_t frame_ns; /* when it was taken */
    hp_command command;
    hp_decision decision;
};

static int64_t now_ns(const planner_node *n)
{
    return hp_clock_now_ns(n->identity->clock);
}

/* ---- Workers behind plan_cycle's table ---- */

static int64_t wait_until_ns(const planner_node *n, int64_t deadline_ns, int64_t most_ms)
{
    return deadline_ns > 0 ? deadline_ns : n->frame_ns + most_ms * HP_MS_NS;
}

static hp_status call_predict(void *ctx, const hp_predict_request *request, hp_predict_reply *reply)
{
    planner_node *n = ctx;
    const hp_envelope e = {.type = HP_MSG_PREDICT_REQUEST, .tick = request->tick};
    const hp_status st = hp_client_call(n->workers[PREDICTOR], &e, request,
                                        wait_until_ns(n, request->deadline_ns, PREDICT_MS),
                                        HP_MSG_PREDICT_REPLY, reply);
    n->interrupted = n->interrupted || st == HP_EINTERRUPTED;
    const bool fits =
        st == HP_OK && reply->world_id == request->world_id && reply->tick == request->tick;
    return st == HP_OK && !fits ? HP_EWIRE : st;
}

static hp_status call_plan(void *ctx, const hp_plan_request *request, hp_plan_reply *reply)
{
    planner_node *n = ctx;
    const hp_envelope e = {.type = HP_MSG_PLAN_REQUEST, .tick = request->tick};
    const hp_status st =
        hp_client_call(n->workers[POMDP], &e, request,
                       wait_until_ns(n, request->deadline_ns, PLAN_MS), HP_MSG_PLAN_REPLY, reply);
    n->interrupted = n->interrupted || st == HP_EINTERRUPTED;
    const bool fits =
        st == HP_OK && reply->world_id == request->world_id && reply->tick == request->tick;
    n->searched = fits && reply->found;
    return st == HP_OK && !fits ? HP_EWIRE : st;
}

/* ---- Life ---- */

static hp_status open_all(planner_node *n, hp_error *error)
{
    const hp_node *id = n->identity;
    hp_status st = hp_node_open(id, HP_SOCKET_DEALER, HP_LINK_BRIDGE, &n->bridge, error);
    if (st == HP_OK) {
        st = hp_node_open(id, HP_SOCKET_LATEST, HP_LINK_STATE, &n->state, error);
    }
    if (st == HP_OK) {
        st = hp_node_open(id, HP_SOCKET_PUB, HP_LINK_TAP, &n->tap, error);
    }
    for (int i = 0; i < WORKERS && st == HP_OK; i++) {
        st = hp_client_create(&n->mail, LINKS[i], &n->workers[i], error);
    }
    return st;
}

/** Puts the thresholds in force, and what is told about them. */
static void settle(planner_node *n)
{
    hp_setting search[HP_MAX_TUNING];
    const uint32_t n_search = plan_live_search_settings(&n->setup.config, search);
    n->told.version++;
    n->told.pid = (uint64_t)n->setup.pid;
    n->told.n_settings = plan_live_settings(&n->setup.config, n->told.settings);
    plan_cycle_settings(n->cycle, n->told.version, search, n_search);
}

hp_status planner_node_create(const planner_setup *setup, const hp_node *identity,
                              planner_node **out, hp_error *error)
{
    planner_node *n = calloc(1, sizeof *n);
    *out = NULL;
    if (n == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the planner");
    }
    n->identity = identity;
    n->setup = *setup;
    n->calls = (plan_workers){call_predict, call_plan, n};
    hp_status st = hp_mail_create(identity, &n->mail);
    if (st == HP_OK) {
        st = plan_cycle_create(&setup->config.plan, &setup->config.predictor.cv, &n->calls,
                               identity->clock, &n->cycle);
    }
    if (st != HP_OK) {
        st = hp_fail(error, st, "cannot set up the planner: %s", hp_status_text(st));
    } else {
        settle(n);
        st = open_all(n, error);
    }
    if (st != HP_OK) {
        planner_node_destroy(&n);
        return st;
    }
    n->start_ns = now_ns(n);
    *out = n;
    return HP_OK;
}

void planner_node_note(planner_node *node, const char *note)
{
    (void)snprintf(node->mail.health.note, sizeof node->mail.health.note, "%.*s",
                   (int)sizeof node->mail.health.note - 1, note);
}

static void write_stats(planner_node *n)
{
    const hp_client_info *infos[WORKERS];
    hp_error error = {{0}};
    for (int i = 0; i < WORKERS; i++) {
        infos[i] = hp_client_get(n->workers[i]);
    }
    if (planner_stats_write(&n->stats, &n->mail.health, infos, WORKERS, n->setup.run_dir, &error) !=
        HP_OK) {
        hp_log_error(n->identity->log, "%s", error.text);
    }
}

void planner_node_destroy(planner_node **node)
{
    planner_node *n = *node;
    if (n == NULL) {
        return;
    }
    if (n->stats.ticks > 0) {
        write_stats(n);
    }
    for (int i = 0; i < WORKERS; i++) {
        hp_client_destroy(&n->workers[i]);
    }
    hp_socket_close(&n->tap);
    hp_socket_close(&n->state);
    hp_socket_close(&n->bridge);
    if (n->cycle != NULL) {
        plan_cycle_destroy(&n->cycle);
    }
    hp_mail_destroy(&n->mail);
    free(n);
    *node = NULL;
}

/* ---- Talking to the bridge ---- */

static void send_to_bridge(planner_node *n, hp_msg_type type, uint64_t sequence, uint64_t tick,
                           const void *message)
{
    const hp_envelope e = {.type = type, .sequence = sequence, .tick = tick};
    (void)!hp_mail_send(&n->mail, n->bridge, NULL, &e, message); /* it asks again if it is lost */
}

static void call_bridge(planner_node *n)
{
    hp_hello hello;
    if (n->hello_ns != 0 && now_ns(n) - n->hello_ns < HELLO_MS * HP_MS_NS) {
        return;
    }
    n->hello_ns = now_ns(n);
    hp_node_hello(n->identity, false, &hello);
    send_to_bridge(n, HP_MSG_HELLO, hp_mail_next_sequence(&n->mail), 0, &hello);
}

/** An acknowledgement is our health under the sequence of what is acknowledged. */
static void acknowledge(planner_node *n, uint64_t sequence)
{
    send_to_bridge(n, HP_MSG_HEALTH, sequence, 0, &n->mail.health);
}

/** On the tap, counted: onlookers see from the count what they have missed. */
static void publish(planner_node *n, hp_msg_type type, const void *message, uint64_t tick,
                    int64_t stamp_ns)
{
    n->published++;
    hp_mail_publish(&n->mail, n->tap, type, message, tick, stamp_ns);
}

static void tell_configuration(planner_node *n)
{
    publish(n, HP_MSG_CONFIGURATION, &n->told, 0, n->frame.stamp_ns);
}

static void log_change(planner_node *n, const hp_setting *old, const hp_setting *new)
{
    hp_log_warn(n->identity->log, "version %" PRIu32 ": %s %g -> %g", n->told.version, new->key,
                old->value, new->value);
}

hp_status planner_node_configure(planner_node *n, const plan_live *config, hp_error *error)
{
    hp_status st = plan_live_may_follow(&n->setup.config, config, error);
    if (st == HP_OK) {
        st = plan_live_check(config, error);
    }
    if (st == HP_OK && plan_cycle_configure(n->cycle, &config->plan) != HP_OK) {
        st = hp_fail(error, HP_ECONFIG, "section 'control' cannot change while running");
    }
    if (st != HP_OK) {
        return st;
    }
    n->setup.config = *config;
    n->told_before = n->told;
    settle(n);
    for (uint32_t i = 0; i < n->told.n_settings; i++) { /* of the same tables: in the same order */
        if (n->told.settings[i].value != n->told_before.settings[i].value) {
            log_change(n, &n->told_before.settings[i], &n->told.settings[i]);
        }
    }
    tell_configuration(n);
    return HP_OK;
}

void planner_node_refuse(planner_node *n, const char *why)
{
    n->told.refused++;
    (void)snprintf(n->told.complaint, sizeof n->told.complaint, "%.*s",
                   (int)sizeof n->told.complaint - 1, why);
    hp_text_plain(n->told.complaint, '?'); /* a letter with anything else would be refused */
    tell_configuration(n);
}

/** What planner.changes has up to this tick: frames may have been lost, or a planner has come back
 * in the middle. */
static void make_changes(planner_node *n)
{
    const plan_config *plan = &n->setup.config.plan;
    if (plan->n_changes == 0 || n->info.episode != 0) {
        return;
    }
    plan_live fresh = n->setup.config;
    hp_error error = {{0}};
    hp_status st = HP_OK;
    bool any = false;
    for (uint32_t i = 0; i < plan->n_changes && st == HP_OK; i++) {
        const uint32_t tick = plan->changes[i].tick;
        if (tick >= n->changes_from && tick <= n->frame.tick) {
            hp_setting s = {.value = plan->changes[i].value};
            memcpy(s.key, plan->changes[i].key, sizeof s.key);
            st = plan_live_set(&fresh, &s, &error);
            any = true;
        }
    }
    n->changes_from = n->frame.tick + 1;
    st = any && st == HP_OK ? planner_node_configure(n, &fresh, &error) : st;
    if (st != HP_OK) {
        planner_node_refuse(n, error.text);
        hp_log_error(n->identity->log, "tick %" PRIu32 ": %s", n->frame.tick, error.text);
    }
}

/** The letter in the mail is about another world than the one that runs, and was sent before that
 * one began: it is settled, and heeding it would cost all memory. */
static bool overtaken(planner_node *n, uint64_t world_id)
{
    const bool is =
        n->has_world && n->info.world_id != world_id && n->mail.envelope.monotonic_ns < n->info_ns;
    n->mail.health.late += is ? 1 : 0;
    return is;
}

static void take_world(planner_node *n, const hp_world_info *info, uint64_t sequence)
{
    if (overtaken(n, info->world_id)) {
        return;
    }
    if (!n->has_world || n->info.world_id != info->world_id) {
        n->info = *info;
        n->info_ns = n->mail.envelope.monotonic_ns;
        n->has_world = true;
        n->over = false;
        n->answered = false;
        plan_cycle_begin(n->cycle, info, n->setup.seed);
        publish(n, HP_MSG_WORLD_INFO, info, 0, 0);
        tell_configuration(n);
        hp_log_info(n->identity->log, "episode %" PRIu32 " begins", info->episode);
    }
    acknowledge(n, sequence);
}

/** The summary counts the whole run. Once acknowledged, the bridge ends, and all with it. */
static void hear_last_words(planner_node *n)
{
    for (int i = 0; i < WORKERS; i++) {
        hp_client_refresh(n->workers[i], LAST_WORD_MS);
    }
}

static void take_end(planner_node *n, hp_episode_end end, uint64_t sequence)
{
    const bool old = overtaken(n, end.world_id);
    const bool news = !old && (n->ended_world != end.world_id || n->has_world);
    if (news && end.last) {
        hear_last_words(n);
    }
    if (news) { /* before the acknowledgement: what comes after it may come after the run's end */
        publish(n, HP_MSG_EPISODE_END, &end, end.ticks, n->frame.stamp_ns);
    }
    acknowledge(n, sequence);
    if (news) {
        n->ended_world = end.world_id;
        n->has_world = false;
        n->over = end.last;
        hp_log_info(n->identity->log, "episode %" PRIu32 " ended after %" PRIu32 " ticks",
                    end.episode, end.ticks);
        write_stats(n);
    }
}

/* ---- A frame ---- */

static void publish_tick(planner_node *n)
{
    const uint64_t tick = n->frame.tick;
    const int64_t stamp_ns = n->frame.stamp_ns;
    publish(n, HP_MSG_FRAME, &n->frame, tick, stamp_ns);
    if (n->decision.decided) {
        publish(n, HP_MSG_PREDICT_REPLY, plan_cycle_prediction(n->cycle), tick, stamp_ns);
        publish(n, HP_MSG_PLAN_REQUEST, plan_cycle_belief(n->cycle), tick, stamp_ns);
    }
    n->decision.published = n->published + 1;
    publish(n, HP_MSG_DECISION, &n->decision, tick, stamp_ns);
    publish(n, HP_MSG_COMMAND, &n->command, tick, stamp_ns);
}

/** A command that no wire carries must not leave the car without one. */
static void brake_instead(planner_node *n)
{
    hp_log_error(n->identity->log, "tick %" PRIu32 ": the command is out of range; braking",
                 n->frame.tick);
    n->command = (hp_command){.world_id = n->frame.world_id,
                              .tick = n->frame.tick,
                              .accel_mps2 = -n->setup.config.plan.guard.hard_mps2,
                              .source = HP_SOURCE_HARD_BRAKE,
                              .guarded = true};
    n->decision.command = n->command;
}

static void answer_frame(planner_node *n)
{
    n->frame_ns = now_ns(n);
    n->searched = false;
    n->interrupted = false;
    plan_cycle_tick(n->cycle, &n->frame, &n->command, &n->decision);
    if (n->interrupted) {
        return; /* we are to end; should we not, the frame comes again */
    }
    n->answered = true;
    if (hp_message_check(HP_MSG_COMMAND, &n->command, NULL) != HP_OK) {
        brake_instead(n);
    }
    send_to_bridge(n, HP_MSG_COMMAND, hp_mail_next_sequence(&n->mail), n->command.tick,
                   &n->command);
    planner_stats_tick(&n->stats, &n->decision, n->searched,
                       n->info.synchronous ? 0.0 : n->setup.config.plan.control.deadline_ms);
    n->mail.health.requests++;
    n->mail.health.fallbacks = n->stats.predictor_fallbacks + n->stats.search_fallbacks;
    publish_tick(n);
}

static void take_frame(planner_node *n, const hp_frame *frame)
{
    if (!n->has_world || frame->world_id != n->info.world_id) {
        call_bridge(n); /* who are you? */
    } else if (n->answered && frame->tick == n->command.tick) {
        send_to_bridge(n, HP_MSG_COMMAND, hp_mail_next_sequence(&n->mail), n->command.tick,
                       &n->command); /* it asks again: the same answer */
    } else if (n->answered && frame->tick < n->command.tick) {
        n->mail.health.late++;
    } else {
        n->frame = *frame; /* workers' letters will overwrite the mail */
        make_changes(n);
        answer_frame(n);
    }
}

/** Reads what has come on a socket; HP_OK when nothing is left. */
static hp_status read_letters(planner_node *n, hp_socket *socket)
{
    const hp_status st = hp_mail_receive(&n->mail, socket, NULL);
    if (st != HP_OK) {
        return st == HP_EAGAIN ? HP_OK : st;
    }
    const uint64_t sequence = n->mail.envelope.sequence;
    const hp_msg_type type =
        n->mail.envelope.sender == HP_ROLE_BRIDGE ? n->mail.envelope.type : HP_MSG_COUNT;
    if (type == HP_MSG_FRAME) {
        take_frame(n, &n->mail.in->as_hp_frame);
    } else if (type == HP_MSG_WORLD_INFO) {
        take_world(n, &n->mail.in->as_hp_world_info, sequence);
    } else if (type == HP_MSG_EPISODE_END) {
        take_end(n, n->mail.in->as_hp_episode_end, sequence);
    } else {
        n->mail.health.refused++;
    }
    return HP_OK;
}

/* ---- Step ---- */

/** Greets the workers, one after the other; those that do not answer in time are done without. */
static hp_status start(planner_node *n, int64_t wait_ms)
{
    const int64_t most_ms = n->identity->generation > 1 ? AGAIN_WAIT_MS : START_WAIT_MS;
    const bool patient = now_ns(n) - n->start_ns < most_ms * HP_MS_NS;
    for (int i = 0; i < WORKERS; i++) {
        const hp_status st = hp_client_greet(n->workers[i], patient ? wait_ms : 0);
        if (st == HP_EUNAVAILABLE && patient) {
            return HP_OK; /* goes on in the next step */
        }
        if (st != HP_OK && st != HP_EUNAVAILABLE) {
            return st;
        }
        if (st == HP_EUNAVAILABLE) {
            hp_log_warn(n->identity->log, "%s does not answer: going on without it", LINKS[i]);
        }
    }
    n->started = true;
    return HP_OK;
}

/** Once a second: own health, the world for onlookers that came late; the workers' health as it
 *  comes in. */
static void tend(planner_node *n)
{
    const int64_t now = now_ns(n);
    hp_mail_watch(&n->mail, &n->tap, 1);
    for (int i = 0; i < WORKERS; i++) {
        if (hp_client_tend(n->workers[i])) {
            publish(n, HP_MSG_HEALTH, &hp_client_get(n->workers[i])->health, 0, n->frame.stamp_ns);
        }
    }
    if (now - n->health_ns >= HEALTH_MS * HP_MS_NS) {
        n->health_ns = now;
        n->mail.health.degraded = n->mail.taken ||
                                  !hp_client_get(n->workers[PREDICTOR])->answering ||
                                  !hp_client_get(n->workers[POMDP])->answering;
        publish(n, HP_MSG_HEALTH, &n->mail.health, 0, n->frame.stamp_ns);
        if (n->has_world) {
            publish(n, HP_MSG_WORLD_INFO, &n->info, 0, n->frame.stamp_ns);
        }
        tell_configuration(n);
    }
}

hp_status planner_node_step(planner_node *node, int64_t wait_ms)
{
    hp_socket *const sockets[] = {node->bridge, node->state};
    bool ready[HP_ARRAY_LEN(sockets)] = {false};
    if (!node->started) {
        return start(node, wait_ms);
    }
    if (!node->has_world && !node->over) {
        call_bridge(node);
        wait_ms = wait_ms < HELLO_MS ? wait_ms : HELLO_MS;
    }
    hp_status st = hp_bus_poll(sockets, ready, HP_ARRAY_LEN(sockets), wait_ms);
    st = st == HP_EAGAIN ? HP_OK : st;
    for (size_t i = 0; i < HP_ARRAY_LEN(sockets) && st == HP_OK; i++) {
        st = ready[i] ? read_letters(node, sockets[i]) : HP_OK;
    }
    tend(node);
    return st;
}
