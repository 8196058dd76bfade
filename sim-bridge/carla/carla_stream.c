#include "sim-bridge/carla/carla_stream.h"

#include "sim-bridge/carla/carla_bytes.h"

#include <stdio.h>
#include <stdlib.h>

enum { SPARE = 65536, SIZE = 4 };

struct carla_stream {
    const hp_clock *clock;
    int fd;
    carla_inbox in;
    size_t used; /* bytes of the last message, still at the head of in */
    char what[64];
};

hp_status carla_stream_open(const char *host, const carla_token *token, const hp_clock *clock,
                            double timeout_s, carla_stream **out, hp_error *error)
{
    carla_stream *s = calloc(1, sizeof *s);
    char address[16];
    uint8_t id[SIZE];
    *out = NULL;
    if (s == NULL || carla_inbox_create((size_t)CARLA_MAX_MESSAGE + SPARE, &s->in) != HP_OK) {
        free(s);
        return hp_fail(error, HP_ENOMEM, "no memory for a stream of CARLA");
    }
    s->clock = clock;
    s->fd = -1;
    (void)snprintf(s->what, sizeof s->what, "stream %u of CARLA on port %u", token->stream,
                   token->port);
    if (token->has_address) {
        (void)snprintf(address, sizeof address, "%u.%u.%u.%u", token->address[0], token->address[1],
                       token->address[2], token->address[3]);
        host = address;
    }
    const carla_wait wait = carla_wait_for(clock, timeout_s, s->what);
    hp_status st = carla_net_connect(host, token->port, &wait, &s->fd, error);
    if (st == HP_OK) {
        carla_put_uint(id, token->stream, SIZE);
        st = carla_net_send(s->fd, id, SIZE, &wait, error);
    }
    if (st != HP_OK) {
        carla_stream_close(&s);
    }
    *out = s;
    return st;
}

void carla_stream_close(carla_stream **stream)
{
    if (*stream != NULL) {
        carla_net_close(&(*stream)->fd);
        carla_inbox_destroy(&(*stream)->in);
        free(*stream);
        *stream = NULL;
    }
}

/** True if a whole message lies at the head of the inbox. */
static hp_status whole(const carla_stream *s, size_t *size, hp_error *error)
{
    carla_reader r = {.p = s->in.bytes + s->in.begin, .len = s->in.end - s->in.begin};
    *size = carla_read_u32(&r);
    if (r.short_of) {
        return HP_EAGAIN;
    }
    if (*size == 0 || *size > CARLA_MAX_MESSAGE) {
        return hp_fail(error, HP_EWIRE, "%s: a message of %zu bytes, must be 1 to %d", s->what,
                       *size, CARLA_MAX_MESSAGE);
    }
    return r.len - r.pos < *size ? HP_EAGAIN : HP_OK;
}

hp_status carla_stream_next(carla_stream *stream, double timeout_s, const uint8_t **payload,
                            size_t *len, hp_error *error)
{
    const carla_wait wait = carla_wait_for(stream->clock, timeout_s, stream->what);
    carla_inbox_use(&stream->in, stream->used);
    stream->used = 0;
    for (;;) {
        hp_status st = whole(stream, len, error);
        if (st == HP_OK) {
            *payload = stream->in.bytes + stream->in.begin + SIZE;
            stream->used = *len + SIZE;
            return HP_OK;
        }
        if (st == HP_EAGAIN) {
            st = timeout_s > 0.0 ? carla_inbox_fill(&stream->in, stream->fd, &wait, error)
                                 : carla_inbox_take(&stream->in, stream->fd, error);
        }
        if (st != HP_OK) {
            return st;
        }
    }
}
