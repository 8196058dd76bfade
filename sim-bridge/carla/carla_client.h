/** @file carla_client.h A session with a simulator: version, episode, snapshots, actors.
 *  Ownership: a client owns its connections. Threads: one client, one thread. Allocation: in
 *  connect; answers that are longer than any before grow the connection's buffers. */
#ifndef CARLA_CLIENT_H
#define CARLA_CLIENT_H

#include "common/hp_log.h"
#include "sim-bridge/carla/carla_command.h"
#include "sim-bridge/carla/carla_config.h"
#include "sim-bridge/carla/carla_observer.h"
#include "sim-bridge/carla/carla_owner.h"
#include "sim-bridge/carla/carla_rpc.h"

struct carla_stream;
typedef struct carla_client carla_client;

typedef struct carla_endpoint {
    const char *host;
    uint16_t port;
    double connect_s;  /* tries again so long, with growing pauses */
    double timeout_s;  /* for an answer or a snapshot */
    const hp_log *log; /* told when it has to try again; NULL: nobody */
} carla_endpoint;

/** The server that a configuration names; connect_s: how long to try. */
carla_endpoint carla_endpoint_of(const carla_config *config, double connect_s, const hp_log *log);

/** How a server is taken over. */
typedef struct carla_takeover {
    const carla_config *config;
    double tick_s;
    const hp_clock *clock;
    const hp_log *log; /* NULL: none */
    const char *mark;  /* ours, carla_owner_mark */
} carla_takeover;

/** What was there before a takeover. */
typedef struct carla_before {
    carla_settings settings; /* to be put back */
    uint32_t newest_id;      /* of all actors: who is spawned later has a higher one */
} carla_before;

/** Actors whose spawning the server did not confirm. */
typedef struct carla_strays {
    const char *role;  /* that of all but the ego */
    const char *ego;   /* the ego's blueprint; NULL: it is not among them */
    uint32_t after_id; /* all have higher ones */
} carla_strays;

/** Connects as its configuration says, loads the map that it names, and takes over the clock:
 *  synchronous, with this step. A server that a process of ours held which has ended is freed
 *  first, and whatever such a process has left is destroyed. HP_EBUSY: somebody else has the clock.
 *  Whatever fails, the settings are as they were. */
HP_NODISCARD hp_status carla_client_open(const carla_takeover *how, carla_client **out,
                                         carla_before *before, hp_error *error);
/** Destroys the strays that the server has. *n: how many. */
HP_NODISCARD hp_status carla_client_sweep(carla_client *client, const carla_strays *strays,
                                          uint32_t *n, hp_error *error);
/** Puts the settings back that were before a takeover, unless somebody has changed ours since. */
HP_NODISCARD hp_status carla_client_give_back(carla_client *client, double tick_s,
                                              const carla_settings *before, hp_error *error);
/** Connects, reads the version, opens the world's stream. HP_EVERSION: not a release that we know.
 *  clock must outlive the client. */
HP_NODISCARD hp_status carla_client_connect(const carla_endpoint *endpoint, const hp_clock *clock,
                                            carla_client **out, hp_error *error);
void carla_client_close(carla_client **client);
carla_version carla_client_version(const carla_client *client);
/** The episode that we connected to, or loaded. */
uint64_t carla_client_episode(const carla_client *client);
/** The one that the server has now: another one after somebody loaded a map or the server
 *  restarted, and then all ids of before are void. */
HP_NODISCARD hp_status carla_client_ask_episode(carla_client *client, uint64_t *now,
                                                hp_error *error);

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
/** Visits actors without a snapshot, as a world that stands still gives none: those with some ten
 *  thousand ids from the first on. */
HP_NODISCARD hp_status carla_client_search(carla_client *client, uint32_t first, carla_visit visit,
                                           void *ctx, hp_error *error);
/** No actor of this episode has a lower id: ids are counted on as long as a server lives. */
HP_NODISCARD hp_status carla_client_first_id(carla_client *client, uint32_t *id, hp_error *error);
/** Starts the server's recorder; the file is the server's. Stops it: name NULL. */
HP_NODISCARD hp_status carla_client_record(carla_client *client, const char *name, hp_error *error);

/** Spawns an actor by its blueprint's name; parent 0: none. *out points into the last answer. */
HP_NODISCARD hp_status carla_client_spawn(carla_client *client, const char *blueprint,
                                          const char *role, const carla_transform *at,
                                          carla_actor *out, hp_error *error);
/** Attaches a collision sensor and opens its stream. */
HP_NODISCARD hp_status carla_client_watch(carla_client *client, const char *role, uint32_t parent,
                                          uint32_t *id, struct carla_stream **out, hp_error *error);
/** Opens the stream of a sensor that is there. */
HP_NODISCARD hp_status carla_client_watch_again(carla_client *client, uint32_t id,
                                                struct carla_stream **out, hp_error *error);
/** Runs commands [n]; HP_EINVAL: some failed, *error has the first complaint. */
HP_NODISCARD hp_status carla_client_batch(carla_client *client, const carla_command *commands,
                                          uint32_t n, hp_error *error);
/** Sends a vehicle's control over a connection that does not answer any more, in the hope that it
 *  still carries that far. False: it does not. */
bool carla_client_post_control(carla_client *client, uint32_t id, const carla_control *control);
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
/** The next one, if it has come already; HP_EAGAIN if not. Whatever comes, the last one is void. */
HP_NODISCARD hp_status carla_client_take(carla_client *client, carla_snapshot *out,
                                         hp_error *error);

/** Gives a server back after a client of ours has died: its own clock, and without the actors that
 *  bear our mark, and the ego that a marked sensor sits on. *n: how many. */
HP_NODISCARD hp_status carla_client_rescue(const carla_endpoint *endpoint, const hp_clock *clock,
                                           uint32_t *n, hp_error *error);
/** Lets somebody else's egos brake that clients of ours drove which have died, and takes our
 * sensors away. *n: how many. */
HP_NODISCARD hp_status carla_client_release(const carla_endpoint *endpoint, const hp_clock *clock,
                                            uint32_t *n, hp_error *error);

#endif
