/** @file tap_state.h What an onlooker at the tap knows now: the last message of each kind, rates,
 *  latencies, fallbacks, what was missed. For hyplan-view and `hyplan status`.
 *  Ownership: owns its socket and buffers, borrows bus and clock. Threads: one. Allocation: in
 * create; JSON and texts are the caller's. */
#ifndef TAP_STATE_H
#define TAP_STATE_H

#include "proto/hp_node.h"

#include <jansson.h>

enum { TAP_TIMES = 512, TAP_ROLES = 8 };

typedef struct tap_state {
    hp_socket *tap;
    hp_codec *codec;
    unsigned char *bytes;
    hp_message *message;
    const hp_clock *clock;
    /* the last of each kind */
    bool has_world, has_frame, has_decision, has_belief, has_end, has_configuration;
    hp_world_info world;
    hp_frame frame;
    hp_decision decision;
    hp_plan_request belief;
    hp_episode_end end;
    hp_configuration configuration; /* thresholds in force; version 0: not told yet */
    uint32_t configuration_tick;    /* of the first decision that was taken with them */
    hp_health health[TAP_ROLES];
    uint32_t n_health;
    /* since the start of listening */
    uint64_t messages[HP_MSG_COUNT], refused, missed, guarded, search_failed, predictor_fallbacks;
    uint64_t sources[HP_SOURCE_COUNT];
    uint64_t received, published; /* of the present planner, to see what was missed */
    uint64_t nodes, pruned;
    double decision_ms[TAP_TIMES]; /* ring of the last decisions' times */
    uint64_t n_decisions;
    int64_t heard_ns;              /* when the last message came; 0: none yet */
    int64_t window_ns;             /* start of the second over which rates are taken */
    uint64_t window[HP_MSG_COUNT]; /* messages at that moment */
    double rate_hz[HP_MSG_COUNT];  /* over the last whole second */
} tap_state;

/** Called for every good message, before it is booked. */
typedef void tap_listener(void *ctx, hp_msg_type type, const void *payload, size_t len,
                          const hp_message *message);

HP_NODISCARD hp_status tap_state_create(const hp_node *identity, tap_state **out, hp_error *error);
void tap_state_destroy(tap_state **state);
/** Waits up to wait_ms for the first message and takes what is there. */
HP_NODISCARD hp_status tap_state_step(tap_state *state, int64_t wait_ms, tap_listener *listener,
                                      void *ctx);
/** Of the last TAP_TIMES decisions; NaN if there was none. */
double tap_state_decision_ms(const tap_state *state, double share);
/** Everything as JSON. */
json_t *tap_state_json(const tap_state *state);
/** As Prometheus reads it; for free(). NULL: no memory. */
char *tap_state_metrics(const tap_state *state);
/** {world, tick, belief} for the page; members are null until known. */
json_t *tap_state_scene(const tap_state *state);

#endif
