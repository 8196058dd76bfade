/** @file hp_client.h One worker as its client sees it: a request goes out, its reply comes back in
 * time or not at all.
 *
 *  A worker is *answering* or not. A call to one that is not costs nothing: it fails at once, and
 * the worker is pinged now and then; its first answer to anything makes it answering again. A
 * worker stops answering when a deadline passes without its reply, or when it is seen to be dead:
 *    - its link is down (noticed within 20 ms), or
 *    - it answers a ping that was sent after the request: servers answer in order, so the request
 * was lost with a former life of it. A worker that is merely slow is waited for until the deadline,
 * however far that is. Late replies are recognised by their sequence and dropped. Ownership:
 * borrows the mail, which one node's clients share. Threads: the node's. Allocation: in create
 * only. */
#ifndef HP_CLIENT_H
#define HP_CLIENT_H

#include "proto/hp_node.h"

typedef struct hp_client hp_client;

/** Counters and the last that was heard. */
typedef struct hp_client_info {
    const char *link;
    bool answering;
    hp_health health; /* of the worker, as it last said */
    uint64_t calls, failed, late;
    uint64_t lost;       /* times that it stopped answering */
    uint32_t generation; /* of its last letter */
} hp_client_info;

HP_NODISCARD hp_status hp_client_create(hp_mail *mail, const char *link, hp_client **out,
                                        hp_error *error);
void hp_client_destroy(hp_client **client);

/** The first word: waits up to wait_ms until the worker answers. HP_EUNAVAILABLE: it did not;
 *  HP_EINTERRUPTED on a signal. */
HP_NODISCARD hp_status hp_client_greet(hp_client *client, int64_t wait_ms);
/** @param deadline_ns monotonic; no call waits beyond it.
 *  @param envelope type and tick of the request; the sequence is filled in.
 *  @param reply gets the payload of type reply_type. HP_EUNAVAILABLE: not answering; HP_EDEADLINE.
 */
HP_NODISCARD hp_status hp_client_call(hp_client *client, const hp_envelope *envelope,
                                      const void *request, int64_t deadline_ns,
                                      hp_msg_type reply_type, void *reply);
/** For many calls in a row, see hp_socket_hold. */
void hp_client_hold(hp_client *client, uint32_t watch_us);
void hp_client_let_go(hp_client *client);
/** Takes in what has come meanwhile and asks for the worker's health once a second (oftener while
 * it is not answering). True if news of its health came. To be called now and then. */
bool hp_client_tend(hp_client *client);
/** Asks an answering worker for its health and waits for it, up to wait_ms: for the last word of a
 * run. If it does not come, what was known stays. */
void hp_client_refresh(hp_client *client, int64_t wait_ms);
const hp_client_info *hp_client_get(const hp_client *client);

#endif
