/** @file carla_client.h A session with a simulator: version, episode, snapshots, actors.
 *  Ownership: a client owns its connections. Threads: one client, one thread. Allocation: in
 *  connect; answers that are longer than any before grow the connection's buffers. */
#ifndef CARLA_CLIENT_H
#define CARLA_CLIENT_H

#include "sim-bridge/carla/carla_command.h"
#include "sim-bridge/carla/carla_config.h"
#include "sim-bridge/carla/carla_observer.h"
#include "sim-bridge/carla/carla_rpc.h"

struct carla_stream;
typedef struct carla_client carla_client;

typedef struct carla_endpoint {
    const char *host;
    uint16_t port;
    double connect_s; /* tries again so long, with growing pauses */
    double timeout_s; /* for an answer or a snapshot */
} carla_endpoint;

/** Connects as its configuration says, loads the map that it names, and takes over the clock:
 *  synchronous, with this step. *before: the settings as they were, to be put back. HP_EBUSY:
 *  somebody else has the clock. Whatever fails, the settings are as they were. */
HP_NODISCARD hp_status carla_client_open(const carla_config *config, double tick_s,
                                         const hp_clock *clock, carla_client **out,
                                         carla_settings *before, hp_error *error);
/** Connects, reads the version, opens the world's stream. HP_EVERSION: not a release that we know.
 *  clock must outlive the client. */
HP_NODISCARD hp_status carla_client_connect(const carla_endpoint *endpoint, const hp_clock *clock,
                                            carla_client **out, hp_error *error);
void carla_client_close(carla_client **client);
carla_version carla_client_version(const carla_client *client);

HP_NODISCARD hp_status carla_client_settings(carla_client *client, carla_settings *out,
                                             hp_error *error);
HP_NODISCARD hp_status carla_client_set(carla_client *client, const carla_settings *settings,
                                        hp_error *error);
/** Name of the loaded map, after the last slash. */
HP_NODISCARD hp_status carla_client_map(carla_client *client, char *name, size_t cap,
                                        hp_error *error);
/** Loads a town and waits for its episode. Ids and settings of before are void. */
HP_NODISCARD hp_status carla_client_load(carla_client *client, const char *map, hp_error *error);

/** The loaded map's OpenDRIVE; points into the last answer. */
HP_NODISCARD hp_status carla_client_map_text(carla_client *client, carla_text *out,
                                             hp_error *error);

/** Told of each actor of a list; false: enough. */
typedef bool (*carla_visit)(void *ctx, const carla_actor *actor);
/** Asks for the snapshot's actors, all at once, and visits them. */
HP_NODISCARD hp_status carla_client_list(carla_client *client, const carla_snapshot *snapshot,
                                         carla_visit visit, void *ctx, hp_error *error);
/** Starts the server's recorder; the file is the server's. Stops it: name NULL. */
HP_NODISCARD hp_status carla_client_record(carla_client *client, const char *name, hp_error *error);

/** Spawns an actor by its blueprint's name; parent 0: none. *out points into the last answer. */
HP_NODISCARD hp_status carla_client_spawn(carla_client *client, const char *blueprint,
                                          const char *role, const carla_transform *at,
                                          carla_actor *out, hp_error *error);
/** Attaches a sensor rigidly and opens its stream. */
HP_NODISCARD hp_status carla_client_attach(carla_client *client, const char *blueprint,
                                           uint32_t parent, uint32_t *id, struct carla_stream **out,
                                           hp_error *error);
/** Runs commands [n]; HP_EINVAL: some failed, *error has the first complaint. */
HP_NODISCARD hp_status carla_client_batch(carla_client *client, const carla_command *commands,
                                          uint32_t n, hp_error *error);
/** Vehicles only: drives at this speed along its heading from now on. */
HP_NODISCARD hp_status carla_client_cruise(carla_client *client, uint32_t id, double speed_mps,
                                           hp_error *error);
HP_NODISCARD hp_status carla_client_physics(carla_client *client, uint32_t id, carla_physics *out,
                                            hp_error *error);

/** Advances a synchronous world by a frame and gives the snapshot of just that frame. HP_ENOENT:
 * the episode has changed meanwhile. If the server has closed the stream it is opened again, with
 * patience, and one more frame is asked for. */
HP_NODISCARD hp_status carla_client_tick(carla_client *client, carla_snapshot *out,
                                         hp_error *error);
/** The next snapshot, whoever made the world go on. A closed stream is opened again. */
HP_NODISCARD hp_status carla_client_wait(carla_client *client, carla_snapshot *out,
                                         hp_error *error);

/** Gives a server back after a client of ours has died: its own clock, and without the actors that
 *  we left, told by the role that we give them; the ego by our sensor on it. before: the settings
 * to put back, NULL: its own clock is all that is known. *n: how many. */
HP_NODISCARD hp_status carla_client_rescue(const carla_endpoint *endpoint, const hp_clock *clock,
                                           const carla_settings *before, uint32_t *n,
                                           hp_error *error);
#define CARLA_OUR_ROLE "hyplan"

#endif
