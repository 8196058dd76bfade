/* Taking a server over, and giving it back after a client of ours has died. */
#include "sim-bridge/carla/carla_client.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LEFTOVERS = 256 };

carla_endpoint carla_endpoint_of(const carla_config *config, double connect_s, const hp_log *log)
{
    return (carla_endpoint){.host = config->host,
                            .port = (uint16_t)config->port,
                            .connect_s = connect_s,
                            .timeout_s = config->timeout_s,
                            .log = log};
}

/* ---- What was left behind ---- */

typedef struct leftovers {
    const char *mark; /* ours */
    bool dead_only;
    bool living; /* there are some whose owner may still drive them */
    bool dead;   /* and some whose owner has died, with the server's clock */
    uint32_t n;
    carla_command commands[MAX_LEFTOVERS]; /* to destroy them */
} leftovers;

static void note(leftovers *l, uint32_t id)
{
    l->commands[l->n++] = (carla_command){.kind = CARLA_CMD_DESTROY, .actor = id};
}

static bool note_leftover(void *ctx, const carla_actor *actor)
{
    leftovers *l = ctx;
    const carla_text role = carla_description_value(&actor->description, "role_name");
    const carla_claim claim = carla_owner_claim(role, l->mark);
    const bool guest = claim == CARLA_CLAIM_GUEST || claim == CARLA_CLAIM_DEAD_GUEST;
    l->living = l->living || claim == CARLA_CLAIM_OURS;
    l->dead = l->dead || claim == CARLA_CLAIM_DEAD;
    if (claim == CARLA_CLAIM_NONE ||
        (l->dead_only && (claim == CARLA_CLAIM_OURS || claim == CARLA_CLAIM_GUEST))) {
        return true;
    }
    note(l, actor->id);
    if (actor->parent_id != 0 && !guest) { /* our sensor sits on our ego */
        note(l, actor->parent_id);
    }
    return l->n + 2 <= MAX_LEFTOVERS;
}

static hp_status destroy_leftovers(carla_client *client, const leftovers *l, hp_error *error)
{
    const hp_status st = l->n > 0 ? carla_client_batch(client, l->commands, l->n, error) : HP_OK;
    return st == HP_EINVAL ? HP_OK : st; /* some went with their parent */
}

static hp_status own_clock(carla_client *client, carla_settings *settings, hp_error *error)
{
    settings->synchronous = false;
    settings->fixed_delta_s = 0.0;
    return carla_client_set(client, settings, error);
}

static leftovers *leftovers_new(const char *mark, bool dead_only, hp_error *error)
{
    leftovers *l = calloc(1, sizeof *l);
    if (l == NULL) {
        (void)hp_fail(error, HP_ENOMEM, "no memory for a CARLA client");
    } else {
        l->mark = mark;
        l->dead_only = dead_only;
    }
    return l;
}

/* ---- Spawned without the server's word for it ---- */

typedef struct sweeping {
    const carla_strays *strays;
    leftovers *found;
} sweeping;

static bool note_stray(void *ctx, const carla_actor *actor)
{
    const sweeping *s = ctx;
    const carla_text role = carla_description_value(&actor->description, "role_name");
    const bool ego = s->strays->ego != NULL && carla_text_is(role, CARLA_EGO_ROLE) &&
                     carla_text_is(actor->description.id, s->strays->ego);
    if (actor->id > s->strays->after_id && (ego || carla_text_is(role, s->strays->role))) {
        note(s->found, actor->id);
    }
    return s->found->n < MAX_LEFTOVERS;
}

hp_status carla_client_sweep(carla_client *client, const carla_strays *strays, uint32_t *n,
                             hp_error *error)
{
    leftovers *l = leftovers_new(strays->role, false, error);
    *n = 0;
    if (l == NULL) {
        return HP_ENOMEM;
    }
    sweeping s = {strays, l};
    hp_status st = carla_client_search(client, strays->after_id, note_stray, &s, error);
    if (st == HP_OK) {
        st = destroy_leftovers(client, l, error);
    }
    *n = st == HP_OK ? l->n : 0;
    free(l);
    return st;
}

/* ---- Taking over ---- */

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

/** A server in synchronous mode: frees it if none but processes of ours that have ended are in it.
 *  HP_EBUSY: it is not known to be so. */
static hp_status free_if_left(carla_client *client, const carla_takeover *how,
                              carla_settings *settings, hp_error *error)
{
    leftovers *l = leftovers_new(how->mark, true, error);
    uint32_t first = 0;
    if (l == NULL) {
        return HP_ENOMEM;
    }
    hp_status st = carla_client_first_id(client, &first, error);
    if (st == HP_OK) {
        st = carla_client_search(client, first, note_leftover, l, error);
    }
    if (st == HP_OK && (!l->dead || l->living)) {
        st = hp_fail(error, HP_EBUSY,
                     "the server is in synchronous mode already: %s drives it, or left it so; "
                     "`hyplan carla free` gives it back its own clock",
                     l->living ? "another run of ours" : "somebody else");
    }
    if (st == HP_OK) {
        st = destroy_leftovers(client, l, error);
    }
    if (st == HP_OK) {
        st = own_clock(client, settings, error);
    }
    if (st == HP_OK && how->log != NULL) {
        hp_log_warn(how->log,
                    "the CARLA server was left to us by a run that died: its clock is its own "
                    "again, %u actors destroyed",
                    l->n);
    }
    free(l);
    return st;
}

/** Who is there, in a server whose time goes on by itself; the dead's are destroyed. */
static hp_status look_round(carla_client *client, const carla_takeover *how, uint32_t *newest_id,
                            hp_error *error)
{
    carla_snapshot snapshot;
    leftovers *l = leftovers_new(how->mark, true, error);
    *newest_id = 0;
    if (l == NULL) {
        return HP_ENOMEM;
    }
    hp_status st = carla_client_wait(client, &snapshot, error);
    for (uint32_t i = 0; st == HP_OK && i < snapshot.n_actors; ++i) {
        const uint32_t id = carla_entry_id(&snapshot, i);
        *newest_id = id > *newest_id ? id : *newest_id;
    }
    if (st == HP_OK) {
        st = carla_client_list(client, &snapshot, note_leftover, l, error);
    }
    if (st == HP_OK) {
        st = destroy_leftovers(client, l, error);
    }
    if (st == HP_OK && l->n > 0 && how->log != NULL) {
        hp_log_warn(how->log,
                    "%u actors in the CARLA server were left by a run that died: destroyed", l->n);
    }
    free(l);
    return st;
}

static hp_status take_clock(carla_client *client, const carla_takeover *how, carla_before *before,
                            hp_error *error)
{
    hp_status st = carla_client_settings(client, &before->settings, error);
    if (st == HP_OK && before->settings.synchronous) {
        st = free_if_left(client, how, &before->settings, error);
    }
    if (st == HP_OK) { /* not before it is known that nobody drives there */
        st = want_map(client, how->config->map, error);
    }
    if (st == HP_OK) {
        st = look_round(client, how, &before->newest_id, error);
    }
    if (st == HP_OK) {
        st = carla_client_settings(client, &before->settings, error);
    }
    if (st != HP_OK) {
        return st;
    }
    carla_settings ours = before->settings;
    ours.synchronous = true;
    ours.fixed_delta_s = how->tick_s;
    st = carla_client_set(client, &ours, error);
    if (st != HP_OK) { /* it may have been heard all the same, and nobody would tick */
        hp_error ignored;
        (void)!carla_client_set(client, &before->settings, &ignored);
    }
    return st;
}

hp_status carla_client_open(const carla_takeover *how, carla_client **out, carla_before *before,
                            hp_error *error)
{
    const carla_endpoint endpoint =
        carla_endpoint_of(how->config, how->config->connect_s, how->log);
    hp_status st = carla_client_connect(&endpoint, how->clock, out, error);
    if (st == HP_OK) {
        st = take_clock(*out, how, before, error);
    }
    if (st != HP_OK) {
        carla_client_close(out);
    }
    return st;
}

hp_status carla_client_give_back(carla_client *client, double tick_s, const carla_settings *before,
                                 hp_error *error)
{
    carla_settings now;
    const hp_status st = carla_client_settings(client, &now, error);
    const bool ours = now.synchronous && fabs(now.fixed_delta_s - tick_s) < 1e-9;
    return st == HP_OK && ours ? carla_client_set(client, before, error) : st;
}

/* ---- Rescue ---- */

static hp_status rescue(carla_client *client, leftovers *l, hp_error *error)
{
    carla_settings settings;
    carla_snapshot snapshot;
    hp_status st = carla_client_settings(client, &settings, error);
    if (st == HP_OK) {
        st = own_clock(client, &settings, error);
    }
    if (st == HP_OK) {
        st = carla_client_wait(client, &snapshot, error);
    }
    if (st == HP_OK) {
        st = carla_client_list(client, &snapshot, note_leftover, l, error);
    }
    return st == HP_OK ? destroy_leftovers(client, l, error) : st;
}

hp_status carla_client_rescue(const carla_endpoint *endpoint, const hp_clock *clock, uint32_t *n,
                              hp_error *error)
{
    carla_client *client = NULL;
    leftovers *l = leftovers_new("", false, error);
    *n = 0;
    if (l == NULL) {
        return HP_ENOMEM;
    }
    hp_status st = carla_client_connect(endpoint, clock, &client, error);
    if (st == HP_OK) {
        st = rescue(client, l, error);
    }
    *n = st == HP_OK ? l->n : 0;
    carla_client_close(&client);
    free(l);
    return st;
}

/* ---- Somebody else's ego ---- */

static bool note_guest(void *ctx, const carla_actor *actor)
{
    leftovers *l = ctx;
    const carla_text role = carla_description_value(&actor->description, "role_name");
    if (carla_owner_claim(role, "") == CARLA_CLAIM_DEAD_GUEST && actor->parent_id != 0) {
        l->commands[l->n++] = (carla_command){
            .kind = CARLA_CMD_CONTROL, .actor = actor->parent_id, .control = {.brake = 1.0F}};
        note(l, actor->id);
    }
    return l->n + 2 <= MAX_LEFTOVERS;
}

hp_status carla_client_release(const carla_endpoint *endpoint, const hp_clock *clock, uint32_t *n,
                               hp_error *error)
{
    carla_client *client = NULL;
    carla_snapshot snapshot;
    leftovers *l = leftovers_new("", true, error);
    *n = 0;
    if (l == NULL) {
        return HP_ENOMEM;
    }
    hp_status st = carla_client_connect(endpoint, clock, &client, error);
    if (st == HP_OK) {
        st = carla_client_wait(client, &snapshot, error);
    }
    if (st == HP_OK) {
        st = carla_client_list(client, &snapshot, note_guest, l, error);
    }
    if (st == HP_OK) {
        st = destroy_leftovers(client, l, error);
    }
    *n = st == HP_OK ? l->n / 2 : 0;
    carla_client_close(&client);
    free(l);
    return st;
}
