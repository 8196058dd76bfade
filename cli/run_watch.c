#include "cli/run_watch.h"

#include "cli/progress.h"
#include "proto/hp_node.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_LETTERS = 4096, /* per poll */
    LINE = 160,
};

struct run_watch {
    hp_socket *tap;
    hp_codec *codec;
    hp_message *message;
    unsigned char *bytes;
    progress shown;
    /* what was last heard */
    run_seen seen;
    bool known[HP_ROLE_COUNT]; /* its health was heard */
    bool heard;
    uint32_t episode, n_agents;
    double t_s, speed_mps, accel_mps2, decision_ms;
    hp_source source;
    uint64_t fallbacks; /* ticks driven by anything but search and policy */
};

hp_status run_watch_create(hp_bus *bus, const char *base, bool quiet, run_watch **self,
                           hp_error *error)
{
    char endpoint[HP_BUS_ENDPOINT];
    run_watch *w = calloc(1, sizeof *w);
    *self = NULL;
    if (w == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the onlooker");
    }
    w->shown = progress_start(quiet, NULL, 0, 0);
    w->bytes = malloc(HP_BUS_MAX_MESSAGE);
    w->message = malloc(sizeof *w->message);
    hp_status st = w->bytes != NULL && w->message != NULL ? hp_codec_create(&w->codec) : HP_ENOMEM;
    if (st == HP_OK) {
        st = hp_link_endpoint(base, HP_LINK_TAP, endpoint, sizeof endpoint);
    }
    if (st != HP_OK) {
        st = hp_fail(error, st, "cannot look on: %s", hp_status_text(st));
    } else {
        st = hp_socket_open(bus, HP_SOCKET_SUB, endpoint, &w->tap, error);
    }
    if (st != HP_OK) {
        run_watch_destroy(&w);
        return st;
    }
    *self = w;
    return HP_OK;
}

void run_watch_destroy(run_watch **self)
{
    run_watch *w = *self;
    if (w == NULL) {
        return;
    }
    progress_end(&w->shown);
    hp_socket_close(&w->tap);
    hp_codec_destroy(&w->codec);
    free(w->message);
    free(w->bytes);
    free(w);
    *self = NULL;
}

static void hear_frame(run_watch *w, const hp_frame *frame)
{
    w->heard = true;
    w->episode = frame->episode;
    w->n_agents = frame->n_agents;
    w->t_s = (double)frame->stamp_ns * 1e-9;
    w->speed_mps = frame->ego.speed_mps;
}

static void hear_decision(run_watch *w, const hp_decision *decision)
{
    w->seen.decisions++;
    w->accel_mps2 = decision->command.accel_mps2;
    w->source = decision->command.source;
    w->fallbacks += w->source >= HP_SOURCE_COMFORT_BRAKE ? 1 : 0;
    if (decision->decided) {
        w->decision_ms = (double)decision->total_ns * 1e-6;
    }
}

static void hear_health(run_watch *w, const hp_health *health)
{
    for (int role = 0; role < HP_ROLE_COUNT; role++) {
        const bool its = strcmp(health->role, hp_role_name((hp_role)role)) == 0;
        if (its && role == HP_ROLE_PLANNER) {
            w->seen.degraded = health->degraded;
            for (int i = 0; i < HP_ROLE_COUNT; i++) {
                w->seen.silent[i] += w->known[i] ? 1 : 0;
            }
        } else if (its) {
            w->known[role] = true;
            w->seen.silent[role] = 0;
        }
    }
}

/** A message of the tap, if it is one that matters here. */
static void take(run_watch *w, const char *topic, size_t len)
{
    static const hp_msg_type HEARD[] = {HP_MSG_FRAME, HP_MSG_DECISION, HP_MSG_CONFIGURATION,
                                        HP_MSG_HEALTH};
    for (size_t i = 0; i < HP_ARRAY_LEN(HEARD); i++) {
        if (strcmp(topic, hp_msg_name(HEARD[i])) != 0 ||
            hp_decode_payload(w->codec, HEARD[i], w->bytes, len, w->message, NULL) != HP_OK) {
            continue;
        }
        if (HEARD[i] == HP_MSG_FRAME) {
            hear_frame(w, &w->message->as_hp_frame);
        } else if (HEARD[i] == HP_MSG_DECISION) {
            hear_decision(w, &w->message->as_hp_decision);
        } else if (HEARD[i] == HP_MSG_CONFIGURATION) {
            const hp_configuration *c = &w->message->as_hp_configuration;
            w->seen.settings = (c->pid << 32) + c->version + c->refused;
        } else {
            hear_health(w, &w->message->as_hp_health);
        }
    }
}

/** One letter of the tap; false: none is there. */
static bool hear(run_watch *w)
{
    char topic[HP_TEXT];
    size_t len = 0;
    const hp_status st =
        hp_socket_receive_topic(w->tap, topic, sizeof topic, w->bytes, HP_BUS_MAX_MESSAGE, &len);
    if (st != HP_OK) {
        return st == HP_EFULL || st == HP_EWIRE;
    }
    take(w, topic, len);
    return true;
}

const run_seen *run_watch_seen(const run_watch *self)
{
    return &self->seen;
}

void run_watch_forget(run_watch *self, hp_role role)
{
    self->known[role] = false;
    self->seen.silent[role] = 0;
}

void run_watch_line(const run_watch *self, char *line, size_t cap)
{
    line[0] = '\0';
    if (self->heard) {
        (void)snprintf(line, cap,
                       "episode %" PRIu32 "  t %6.2f s  %5.1f km/h  agents %2" PRIu32
                       "  decision %6.1f ms  %+.1f m/s^2 (%s)  fallbacks %" PRIu64,
                       self->episode, self->t_s, self->speed_mps * 3.6, self->n_agents,
                       self->decision_ms, self->accel_mps2, hp_source_name(self->source),
                       self->fallbacks);
    }
}

void run_watch_poll(run_watch *self, int64_t wait_ms)
{
    bool ready = false;
    if (hp_bus_poll(&self->tap, &ready, 1, wait_ms) == HP_OK) {
        for (int i = 0; i < MAX_LETTERS && hear(self); i++) {
        }
    }
    if (self->heard) {
        char line[LINE];
        run_watch_line(self, line, sizeof line);
        progress_show(&self->shown, 0, "%s", line);
    }
}
