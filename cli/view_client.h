/** @file view_client.h One viewer at a WebSocket: what it has subscribed to, what waits for it, and
 * the text of the protocol.
 *
 *  Protocol (both sub-protocol names): JSON texts with "op" from either side; data as binary frames
 *  [1][u32 subscription][u64 ns][payload].
 *  Ownership: a client owns its queue. Threads: one. Allocation: while queueing. */
#ifndef VIEW_CLIENT_H
#define VIEW_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VIEW_CHANNELS = 128,        /* channel ids are below */
    VIEW_QUEUE = 64,            /* messages that wait */
    VIEW_QUEUE_BYTES = 4 << 20, /* and their bytes */
    VIEW_MAX_TEXT = 16 * 1024,  /* of what a viewer says */
    VIEW_ROOM = 16,             /* bytes in front of each message, for the library */
};

typedef struct view_letter {
    uint8_t *bytes; /* VIEW_ROOM bytes of room, then the message */
    size_t len;
    bool text;
} view_letter;

typedef struct view_client {
    bool subscribed[VIEW_CHANNELS];
    uint32_t subscription[VIEW_CHANNELS]; /* the viewer's own number of it */
    view_letter queue[VIEW_QUEUE];        /* ring */
    size_t first, n, bytes;
    uint64_t dropped;
    char said[VIEW_MAX_TEXT]; /* a text that comes in pieces */
    size_t n_said;
} view_client;

void view_client_init(view_client *c);
void view_client_fini(view_client *c);
/** What a viewer is told first: who we are, and every channel. */
void view_client_greet(view_client *c);
/** Queues; when there is no room the oldest data go. */
void view_client_send_data(view_client *c, uint32_t channel, int64_t time_ns, const void *payload,
                           size_t len);
/** The next letter, NULL: none. view_client_sent takes it off the queue. */
view_letter *view_client_next(view_client *c);
void view_client_sent(view_client *c);
/** A piece of a text from the viewer; whole: it is the last. False: cut this viewer, it talks
 *  nonsense at length. */
bool view_client_hear(view_client *c, const void *text, size_t len, bool whole);

#endif
