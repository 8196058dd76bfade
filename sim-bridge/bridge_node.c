#include "sim-bridge/bridge_node.h"

#include "common/hp_rng.h"
#include "sim-bridge/bridge_report.h"
#include "sim-bridge/bridge_stage.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    RESEND_MAX_MS = 1000,
    GOODBYE_MS = 2000,       /* patience for the acknowledgement of an episode's end */
    BRAKE_MAX_TICKS = 20000, /* a world that does not end by itself is left after this */
    MAX_LETTERS = 64,        /* per step */
};

typedef enum phase {
    PHASE_GREET, /* the episode is set up; the planner does not know it yet */
    PHASE_DRIVE,
    PHASE_END, /* the verdict is out; the planner does not know it yet */
    PHASE_DONE,
} phase;

/** A letter that must be answered: sent again until it is. */
typedef struct pending {
    uint64_t sequence; /* 0: nothing is pending */
    int64_t due_ns;    /* when it is sent again */
    int64_t wait_ms;   /* doubles with each time */
} pending;

struct bridge_node {
    const hp_node *identity;
    bridge_config config;
    hp_mail mail;
    hp_socket *control, *state;
    bridge_stage *stage;
    bridge_report *report;
    phase phase;
    int64_t phase_ns; /* when it began; in synchronous driving, when the frame went out first */
    /* the planner */
    hp_peer planner;
    uint32_t planner_generation; /* 0: none has called */
    bool informed;               /* it has acknowledged this world */
    bool lost;
    pending letter; /* WorldInfo, Frame or EpisodeEnd */
    /* the episode */
    bridge_world world;
    hp_world_info info;
    hp_frame frame;
    hp_command command; /* the newest */
    bool commanded;     /* command holds */
    int64_t tick_ns;    /* real time: when the next tick is due */
    bridge_outcome outcome;
};

static int64_t now_ns(const bridge_node *n)
{
    return hp_clock_now_ns(n->identity->clock);
}

static int64_t tick_ns(const bridge_node *n)
{
    return (int64_t)(n->info.tick_s * 1e9);
}

static const sim_result *result(const bridge_node *n)
{
    return n->world.ops->result(n->world.self);
}

static void observe(bridge_node *n)
{
    n->world.ops->observe(n->world.self, &n->frame);
    n->frame.world_id = n->info.world_id;
}

static void enter(bridge_node *n, phase next)
{
    n->phase = next;
    n->phase_ns = now_ns(n);
    n->letter = (pending){.due_ns = n->phase_ns};
}

/* ---- Life ---- */

static bool is_last(const bridge_node *n)
{
    return n->outcome.episode + 1 >= n->config.first_episode + n->config.episodes;
}

static hp_status begin_episode(bridge_node *n, uint32_t episode, hp_error *error)
{
    const hp_status st = bridge_stage_begin(n->stage, episode, &n->world, error);
    if (st != HP_OK) {
        return st;
    }
    n->world.ops->info(n->world.self, &n->info);
    n->info.synchronous = !n->config.realtime;
    n->info.world_id ^= hp_mix64(episode); /* a recording played again is another world */
    observe(n);
    n->outcome = (bridge_outcome){.episode = episode};
    n->informed = false;
    n->commanded = false;
    enter(n, PHASE_GREET);
    return HP_OK;
}

static hp_status open_all(bridge_node *n, const bridge_setup *setup, hp_error *error)
{
    const char *world = BRIDGE_WORLD_NAMES[n->config.world];
    hp_status st = hp_mail_create(n->identity, &n->mail);
    if (st != HP_OK) {
        return hp_fail(error, st, "no memory for the bridge");
    }
    const bridge_stage_setup stage = {&setup->bridge, &setup->sim, setup->seed, n->identity->clock,
                                      n->identity->log};
    st = bridge_stage_open(&stage, &n->stage, error);
    if (st == HP_OK) {
        const char *title = bridge_stage_title(n->stage);
        st = bridge_report_open(setup->run_dir, world, title, setup->seed, &n->report, error);
    }
    if (st == HP_OK) {
        st = hp_node_open(n->identity, HP_SOCKET_ROUTER, HP_LINK_BRIDGE, &n->control, error);
    }
    if (st == HP_OK) {
        st = hp_node_open(n->identity, HP_SOCKET_PUB, HP_LINK_STATE, &n->state, error);
    }
    return st == HP_OK ? begin_episode(n, n->config.first_episode, error) : st;
}

hp_status bridge_node_create(const bridge_setup *setup, const hp_node *identity, bridge_node **out,
                             hp_error *error)
{
    bridge_node *n = calloc(1, sizeof *n);
    *out = NULL;
    if (n == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the bridge");
    }
    n->identity = identity;
    n->config = setup->bridge;
    const hp_status st = open_all(n, setup, error);
    if (st != HP_OK) {
        n->phase = PHASE_DONE; /* nothing to book */
        bridge_node_destroy(&n);
        return st;
    }
    hp_log_info(identity->log, "world: %s", bridge_stage_title(n->stage));
    *out = n;
    return HP_OK;
}

static void book_episode(bridge_node *n)
{
    hp_error error = {{0}};
    n->outcome.planners = n->planner_generation;
    n->outcome.refused = n->mail.health.refused;
    if (bridge_report_episode(n->report, &n->outcome, result(n), &error) != HP_OK) {
        hp_log_error(n->identity->log, "%s", error.text);
    }
}

void bridge_node_destroy(bridge_node **node)
{
    bridge_node *n = *node;
    hp_error error = {{0}};
    if (n == NULL) {
        return;
    }
    if (n->phase == PHASE_GREET || n->phase == PHASE_DRIVE) {
        n->outcome.stopped = true;
        book_episode(n);
    }
    if (bridge_report_close(&n->report, &error) != HP_OK) {
        hp_log_error(n->identity->log, "%s", error.text);
    }
    hp_socket_close(&n->state);
    hp_socket_close(&n->control);
    bridge_stage_close(&n->stage);
    hp_mail_destroy(&n->mail);
    free(n);
    *node = NULL;
}

bool bridge_node_done(const bridge_node *node)
{
    return node->phase == PHASE_DONE;
}

bool bridge_node_lost(const bridge_node *node)
{
    return node->lost;
}

/* ---- Sending ---- */

static void post(bridge_node *n, hp_msg_type type, uint64_t sequence, uint64_t tick,
                 const void *message)
{
    const hp_envelope e = {.type = type, .sequence = sequence, .tick = tick};
    (void)!hp_mail_send(&n->mail, n->control, &n->planner, &e, message); /* sent again if lost */
}

/** Sends the letter that is due; it keeps its sequence from time to time. */
static void send_pending(bridge_node *n, hp_msg_type type, uint64_t tick, const void *message)
{
    const int64_t now = now_ns(n);
    if (now < n->letter.due_ns || n->planner_generation == 0) {
        return;
    }
    if (n->letter.sequence == 0) {
        n->letter.sequence = hp_mail_next_sequence(&n->mail);
        n->letter.wait_ms = (int64_t)n->config.resend_ms;
    } else {
        n->letter.wait_ms =
            n->letter.wait_ms * 2 > RESEND_MAX_MS ? RESEND_MAX_MS : n->letter.wait_ms * 2;
        n->outcome.resent += type == HP_MSG_FRAME ? 1 : 0;
    }
    n->letter.due_ns = now + n->letter.wait_ms * HP_MS_NS;
    post(n, type, n->letter.sequence, tick, message);
}

static void send_end(bridge_node *n)
{
    const bool last = is_last(n) || n->lost;
    const hp_episode_end end = {.world_id = n->info.world_id,
                                .episode = n->outcome.episode,
                                .ticks = result(n)->ticks,
                                .verdict = result(n)->verdict,
                                .last = last};
    send_pending(n, HP_MSG_EPISODE_END, end.ticks, &end);
}

/* ---- Driving ---- */

/** Real time: publishes the frame. Synchronous: makes it the letter to be answered. */
static void show_frame(bridge_node *n)
{
    if (n->config.realtime) {
        const hp_envelope e = {.type = HP_MSG_FRAME,
                               .sequence = hp_mail_next_sequence(&n->mail),
                               .tick = n->frame.tick};
        (void)!hp_mail_send(&n->mail, n->state, NULL, &e, &n->frame); /* the next one follows */
    } else {
        enter(n, PHASE_DRIVE);
    }
}

/** A world that cannot go on says why, once. */
static void tell_trouble(const bridge_node *n)
{
    const bridge_world_ops *ops = n->world.ops;
    const char *text = ops->trouble != NULL ? ops->trouble(n->world.self) : NULL;
    if (text != NULL) {
        hp_log_error(n->identity->log, "world %s: %s", ops->name, text);
    }
}

/** Advances the world by one tick and shows what came of it. */
static void advance(bridge_node *n, const hp_command *command)
{
    bridge_report_tick(n->report, n->outcome.episode, &n->frame, command);
    n->world.ops->step(n->world.self, command);
    if (result(n)->verdict != HP_VERDICT_RUNNING) {
        tell_trouble(n);
        book_episode(n);
        enter(n, PHASE_END);
        return;
    }
    observe(n);
    show_frame(n);
}

/** Real time: one tick when it is due, with the newest command if it is fresh. */
static void drive_by_clock(bridge_node *n)
{
    if (now_ns(n) < n->tick_ns) {
        return;
    }
    n->tick_ns += tick_ns(n);
    const bool fresh = n->commanded && n->frame.tick - n->command.tick < n->config.watchdog_ticks;
    n->outcome.watchdog += fresh ? 0 : 1;
    advance(n, fresh ? &n->command : NULL);
}

/** The planner is gone: brakes to the end of the episode, which is the last. */
static void give_up(bridge_node *n, const char *what)
{
    hp_log_error(n->identity->log, "planner lost: %s; braking to the end of the episode", what);
    n->lost = true;
    n->outcome.planner_lost = true;
    n->informed = false;
    for (int i = 0; i < BRAKE_MAX_TICKS && result(n)->verdict == HP_VERDICT_RUNNING; i++) {
        bridge_report_tick(n->report, n->outcome.episode, &n->frame, NULL);
        n->world.ops->step(n->world.self, NULL);
        observe(n);
    }
    book_episode(n);
    enter(n, PHASE_DONE);
}

static bool waited(const bridge_node *n, double limit_s)
{
    return (double)(now_ns(n) - n->phase_ns) > limit_s * 1e9;
}

static hp_status next_episode(bridge_node *n)
{
    hp_error error = {{0}};
    const uint32_t next = n->outcome.episode + 1;
    if (is_last(n)) {
        enter(n, PHASE_DONE);
        return HP_OK;
    }
    const hp_status st = begin_episode(n, next, &error);
    if (st != HP_OK) {
        hp_log_error(n->identity->log, "%s", error.text);
        enter(n, PHASE_DONE);
    }
    return st;
}

/** Does what is due now. */
static hp_status act(bridge_node *n)
{
    const bool clocked = n->phase == PHASE_DRIVE && n->config.realtime;
    if (n->phase == PHASE_GREET || (n->phase == PHASE_DRIVE && !n->informed)) {
        send_pending(n, HP_MSG_WORLD_INFO, 0, &n->info);
    }
    if (n->phase == PHASE_GREET && waited(n, n->config.planner_wait_s)) {
        give_up(n, "it has not called (bridge.planner_wait_s)");
    } else if (clocked) {
        drive_by_clock(n);
    } else if (n->phase == PHASE_DRIVE && waited(n, n->config.planner_lost_s)) {
        give_up(n, "no command came (bridge.planner_lost_s)");
    } else if (n->phase == PHASE_DRIVE && n->informed) {
        send_pending(n, HP_MSG_FRAME, n->frame.tick, &n->frame);
    } else if (n->phase == PHASE_END) {
        send_end(n);
        return waited(n, GOODBYE_MS * 1e-3) ? next_episode(n) : HP_OK;
    }
    return HP_OK;
}

/* ---- Receiving ---- */

/** A planner calls, for the first time or again: it is told where it is. */
static void take_hello(bridge_node *n, const hp_peer *peer)
{
    if (n->mail.envelope.generation < n->planner_generation) {
        n->mail.health.refused++; /* one of a former life */
        return;
    }
    if (n->mail.envelope.generation != n->planner_generation) {
        hp_log_info(n->identity->log, "planner calls (generation %" PRIu32 ")",
                    n->mail.envelope.generation);
    }
    n->planner = *peer;
    n->planner_generation = n->mail.envelope.generation;
    if (n->phase == PHASE_GREET || n->phase == PHASE_DRIVE) {
        n->informed = false;
        n->letter = (pending){.due_ns = now_ns(n)};
    }
}

static hp_status take_acknowledgement(bridge_node *n)
{
    if (n->letter.sequence == 0 || n->mail.envelope.sequence != n->letter.sequence) {
        return HP_OK; /* of something that is settled */
    }
    if (n->phase == PHASE_END) {
        return next_episode(n);
    }
    if (n->phase == PHASE_GREET || !n->informed) {
        const bool first = n->phase == PHASE_GREET;
        n->informed = true;
        n->letter = (pending){.due_ns = now_ns(n)};
        if (first) {
            enter(n, PHASE_DRIVE);
            n->tick_ns = now_ns(n) + tick_ns(n);
            show_frame(n);
        }
    }
    return HP_OK;
}

/** Real time: the newest holds. Synchronous: the answer to the frame that is out moves the world.
 */
static void take_command(bridge_node *n, const hp_command *command)
{
    const bool ours = n->phase == PHASE_DRIVE && command->world_id == n->info.world_id;
    const bool newest = !n->commanded || command->tick > n->command.tick;
    if (ours && n->config.realtime && newest) {
        n->command = *command;
        n->commanded = true;
    } else if (ours && !n->config.realtime && command->tick == n->frame.tick) {
        n->command = *command;
        advance(n, &n->command);
    } else {
        n->mail.health.late++; /* an answer to something settled, or to a frame sent twice */
    }
}

static hp_status take_letter(bridge_node *n, const hp_peer *peer)
{
    const hp_envelope *e = &n->mail.envelope;
    const bool known = e->generation == n->planner_generation;
    const bool planner = e->sender == HP_ROLE_PLANNER && (known || e->type == HP_MSG_HELLO);
    const hp_msg_type type = planner ? e->type : HP_MSG_COUNT;
    if (type == HP_MSG_HELLO) {
        take_hello(n, peer);
    } else if (type == HP_MSG_HEALTH) {
        return take_acknowledgement(n);
    } else if (type == HP_MSG_COMMAND) {
        take_command(n, &n->mail.in->as_hp_command);
    } else {
        n->mail.health.refused++;
    }
    return HP_OK;
}

/** Time until something is due by itself, at most wait_ms. */
static int64_t until_due_ms(const bridge_node *n, int64_t wait_ms)
{
    const bool clocked = n->phase == PHASE_DRIVE && n->config.realtime;
    const bool unsent = n->planner_generation != 0 && !(clocked && n->informed);
    int64_t due_ns = now_ns(n) + wait_ms * HP_MS_NS;
    if (clocked && n->tick_ns < due_ns) {
        due_ns = n->tick_ns;
    }
    if (unsent && n->letter.due_ns < due_ns) {
        due_ns = n->letter.due_ns;
    }
    const int64_t left_ms = (due_ns - now_ns(n) + HP_MS_NS - 1) / HP_MS_NS;
    return left_ms > 0 ? left_ms : 0;
}

hp_status bridge_node_step(bridge_node *node, int64_t wait_ms)
{
    hp_peer peer;
    bool ready = false;
    hp_socket *const bound[] = {node->control, node->state};
    hp_mail_watch(&node->mail, bound, HP_ARRAY_LEN(bound));
    hp_status st = act(node);
    if (st != HP_OK || node->phase == PHASE_DONE) {
        return st;
    }
    st = hp_bus_poll(&node->control, &ready, 1, until_due_ms(node, wait_ms));
    for (int i = 0; i < MAX_LETTERS && st == HP_OK && node->phase != PHASE_DONE; i++) {
        st = hp_mail_receive(&node->mail, node->control, &peer);
        if (st == HP_OK) {
            st = take_letter(node, &peer);
        }
    }
    return st == HP_EAGAIN ? HP_OK : st;
}
