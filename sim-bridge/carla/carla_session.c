/* Taking a server over, and giving it back after a client of ours has died. */
#include "sim-bridge/carla/carla_client.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RESCUED = 256 };

/** Loads the wanted town, if it is not the one that is there. */
static hp_status want_map(carla_client *client, const char *wanted, hp_error *error)
{
    char map[64] = "";
    if (wanted[0] == '\0') {
        return HP_OK;
    }
    const hp_status st = carla_client_map(client, map, sizeof map, error);
    return st == HP_OK && strcmp(map, wanted) != 0 ? carla_client_load(client, wanted, error) : st;
}

static hp_status take_clock(carla_client *client, double tick_s, carla_settings *before,
                            hp_error *error)
{
    const hp_status st = carla_client_settings(client, before, error);
    if (st != HP_OK) {
        return st;
    }
    if (before->synchronous) {
        return hp_fail(error, HP_EBUSY,
                       "the server is in synchronous mode already: somebody else drives it, or "
                       "left it so; `hyplan carla free` gives it back its own clock");
    }
    carla_settings ours = *before;
    ours.synchronous = true;
    ours.fixed_delta_s = tick_s;
    return carla_client_set(client, &ours, error);
}

hp_status carla_client_open(const carla_config *config, double tick_s, const hp_clock *clock,
                            carla_client **out, carla_settings *before, hp_error *error)
{
    const carla_endpoint endpoint = {.host = config->host,
                                     .port = (uint16_t)config->port,
                                     .connect_s = config->connect_s,
                                     .timeout_s = config->timeout_s};
    hp_status st = carla_client_connect(&endpoint, clock, out, error);
    if (st == HP_OK) {
        st = want_map(*out, config->map, error);
    }
    if (st == HP_OK) {
        st = take_clock(*out, tick_s, before, error);
    }
    if (st != HP_OK) {
        carla_client_close(out);
    }
    return st;
}

/* ---- Rescue ---- */

typedef struct leftovers {
    uint32_t n;
    carla_command destroy[MAX_RESCUED];
} leftovers;

static bool note_leftover(void *ctx, const carla_actor *actor)
{
    leftovers *l = ctx;
    const bool ours =
        carla_text_is(carla_description_value(&actor->description, "role_name"), CARLA_OUR_ROLE);
    if (ours && l->n + 2 <= MAX_RESCUED) {
        l->destroy[l->n++] = (carla_command){.kind = CARLA_CMD_DESTROY, .actor = actor->id};
        if (actor->parent_id != 0) { /* our sensor sits on our ego */
            l->destroy[l->n++] =
                (carla_command){.kind = CARLA_CMD_DESTROY, .actor = actor->parent_id};
        }
    }
    return l->n + 2 <= MAX_RESCUED;
}

static hp_status rescue(carla_client *client, const carla_settings *before, leftovers *l,
                        hp_error *error)
{
    carla_settings settings;
    carla_snapshot snapshot;
    hp_status st = carla_client_settings(client, &settings, error);
    if (st == HP_OK) {
        settings.synchronous = false;
        settings.fixed_delta_s = 0.0;
        st = carla_client_set(client, &settings, error);
    }
    if (st == HP_OK) {
        st = carla_client_wait(client, &snapshot, error);
    }
    if (st == HP_OK) {
        st = carla_client_list(client, &snapshot, note_leftover, l, error);
    }
    if (st == HP_OK && l->n > 0) {
        st = carla_client_batch(client, l->destroy, l->n, error);
    }
    return st == HP_OK && before != NULL ? carla_client_set(client, before, error) : st;
}

hp_status carla_client_rescue(const carla_endpoint *endpoint, const hp_clock *clock,
                              const carla_settings *before, uint32_t *n, hp_error *error)
{
    carla_client *client = NULL;
    leftovers *l = calloc(1, sizeof *l);
    *n = 0;
    if (l == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a CARLA client");
    }
    hp_status st = carla_client_connect(endpoint, clock, &client, error);
    if (st == HP_OK) {
        st = rescue(client, before, l, error);
    }
    *n = st == HP_OK ? l->n : 0;
    carla_client_close(&client);
    free(l);
    return st;
}
