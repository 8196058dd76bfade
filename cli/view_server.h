/** @file view_server.h The live view: a page, /status, /metrics and /scene over HTTP, and the scene
 * for Lichtblick, Foxglove and PlotJuggler over WebSocket (both sub-protocols), on one port of this
 * machine.
 *
 *  Reads only, but for POST /config, which changes thresholds (view_tuner.h) and is for our own
 * page alone. HTTP requests must name this machine (127.0.0.1 or localhost) as their host, so that
 * no foreign page can read along by a trick with names; WebSockets are open to every page, for the
 * viewers are pages too: they can change nothing. A viewer that
 * is slow loses its oldest messages: at most 64 messages and 4 MiB wait for each; at most 16
 * viewers are served. Ownership: borrows the state. Threads: one. Allocation: while serving. */
#ifndef VIEW_SERVER_H
#define VIEW_SERVER_H

#include "cli/tap_state.h"

typedef struct view_server view_server;

/** Listens on 127.0.0.1:port; 0: any free one. run_dir: of the run that is shown, NULL if it is not
 *  known; then thresholds cannot be changed. */
HP_NODISCARD hp_status view_server_create(const tap_state *state, const char *run_dir,
                                          uint16_t port, view_server **out, hp_error *error);
void view_server_destroy(view_server **server);
uint16_t view_server_port(const view_server *server);
/** What a request for a change must bear as "Authorization: Bearer KEY"; drawn anew each time. */
const char *view_server_key(const view_server *server);
/** Does what is due, without waiting. */
void view_server_step(view_server *server);
/** Hands a message of the tap to the viewers that subscribed to it, and what is drawn from it; a
 *  tap_listener, with the server as ctx. */
void view_server_hear(void *server, hp_msg_type type, const void *payload, size_t len,
                      const hp_message *message);

#endif
