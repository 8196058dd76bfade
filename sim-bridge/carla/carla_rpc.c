#include "sim-bridge/carla/carla_rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE = 65536, STRAY = 64 };

struct carla_rpc {
    const hp_clock *clock;
    int fd;
    uint32_t last_id;
    const char *method;
    msgpack_sbuffer out;
    bool cut; /* out lacks something for want of memory: it must not be sent */
    msgpack_packer packer;
    carla_inbox in;
    size_t used; /* bytes of the last answer, still at the head of in */
    carla_doc doc;
};

hp_status carla_rpc_open(const char *host, uint16_t port, const hp_clock *clock, double timeout_s,
                         carla_rpc **out, hp_error *error)
{
    const carla_wait wait = carla_wait_for(clock, timeout_s, "the connection to CARLA");
    carla_rpc *rpc = calloc(1, sizeof *rpc);
    *out = NULL;
    if (rpc == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the connection to CARLA");
    }
    rpc->fd = -1;
    rpc->clock = clock;
    msgpack_sbuffer_init(&rpc->out);
    hp_status st = carla_inbox_create((size_t)CARLA_MAX_MESSAGE + SPARE, &rpc->in);
    if (st != HP_OK) {
        st = hp_fail(error, st, "no memory for the connection to CARLA");
    } else {
        st = carla_net_connect(host, port, &wait, &rpc->fd, error);
    }
    if (st != HP_OK) {
        carla_rpc_close(&rpc);
    }
    *out = rpc;
    return st;
}

void carla_rpc_close(carla_rpc **rpc)
{
    carla_rpc *r = *rpc;
    if (r != NULL) {
        carla_net_close(&r->fd);
        carla_inbox_destroy(&r->in);
        msgpack_sbuffer_destroy(&r->out);
        carla_doc_clear(&r->doc);
        free(r);
        *rpc = NULL;
    }
}

void carla_rpc_head(msgpack_packer *out, uint32_t id, const char *method, bool wait, uint32_t n)
{
    (void)msgpack_pack_array(out, 4);
    (void)msgpack_pack_uint32(out, 0);
    (void)msgpack_pack_uint32(out, id);
    carla_pack_text(out, method);
    (void)msgpack_pack_array(out, (size_t)n + 1);
    (void)msgpack_pack_array(out, 1);
    (void)(wait ? msgpack_pack_false(out) : msgpack_pack_true(out));
}

static int write_out(void *ctx, const char *bytes, size_t len)
{
    carla_rpc *rpc = ctx;
    const int rc = msgpack_sbuffer_write(&rpc->out, bytes, len);
    rpc->cut = rpc->cut || rc != 0;
    return rc;
}

msgpack_packer *carla_rpc_begin(carla_rpc *rpc, const char *method, bool wait, uint32_t n)
{
    rpc->method = method;
    msgpack_sbuffer_clear(&rpc->out);
    rpc->cut = false;
    msgpack_packer_init(&rpc->packer, rpc, write_out);
    carla_rpc_head(&rpc->packer, ++rpc->last_id, method, wait, n);
    return &rpc->packer;
}

/** The next whole message at the head of the inbox, unpacked. */
static hp_status next_message(carla_rpc *rpc, const carla_wait *wait, hp_error *error)
{
    carla_inbox_use(&rpc->in, rpc->used);
    rpc->used = 0;
    for (;;) {
        const uint8_t *head = rpc->in.bytes + rpc->in.begin;
        hp_status st = carla_pack_scan(head, rpc->in.end - rpc->in.begin, &rpc->used, error);
        if (st == HP_OK) {
            return carla_doc_read(&rpc->doc, head, rpc->used, error);
        }
        if (st == HP_EAGAIN) {
            st = carla_inbox_fill(&rpc->in, rpc->fd, wait, error);
        }
        if (st != HP_OK) {
            return st;
        }
    }
}

static bool contains(carla_text text, const char *part)
{
    const size_t n = strlen(part);
    for (size_t i = 0; i + n <= text.len; ++i) {
        if (memcmp(text.p + i, part, n) == 0) {
            return true;
        }
    }
    return false;
}

/** rpclib's own complaints are texts. */
static hp_status complaint(const carla_rpc *rpc, const msgpack_object *what, hp_error *error)
{
    carla_text text = {"", 0};
    (void)carla_get_text(what, &text);
    const int len = (int)(text.len < 300 ? text.len : 300);
    const bool unknown =
        contains(text, "could not find function") || contains(text, "number of arguments");
    return hp_fail(error, unknown ? HP_EVERSION : HP_EINVAL, "%s: %.*s", rpc->method, len, text.p);
}

static bool answers(const carla_rpc *rpc)
{
    uint64_t type = 0;
    uint32_t id = 0;
    const msgpack_object *top = &rpc->doc.unpacked.data;
    return carla_items(top) == 4 && carla_get_u64(carla_item(top, 0), &type) && type == 1 &&
           carla_get_u32(carla_item(top, 1), &id) && id == rpc->last_id;
}

hp_status carla_rpc_end_raw(carla_rpc *rpc, double timeout_s, const msgpack_object **result,
                            hp_error *error)
{
    char what[96];
    (void)snprintf(what, sizeof what, "CARLA's answer to %s", rpc->method);
    const carla_wait wait = carla_wait_for(rpc->clock, timeout_s, what);
    *result = NULL;
    if (rpc->cut) {
        return hp_fail(error, HP_ENOMEM, "%s: no memory for the request", rpc->method);
    }
    hp_status st = carla_net_send(rpc->fd, rpc->out.data, rpc->out.size, &wait, error);
    for (int i = 0; st == HP_OK; ++i) {
        st = next_message(rpc, &wait, error);
        if (st == HP_OK && answers(rpc)) {
            break;
        }
        if (st == HP_OK && i == STRAY) {
            st = hp_fail(error, HP_EWIRE, "nothing but answers to other calls");
        }
    }
    if (st == HP_EWIRE) {
        const hp_error inner = *error;
        return hp_fail(error, st, "%s is none: %.300s", what, inner.text);
    }
    if (st != HP_OK) {
        return st;
    }
    const msgpack_object *top = &rpc->doc.unpacked.data;
    const msgpack_object *failure = carla_item(top, 2);
    if (failure->type != MSGPACK_OBJECT_NIL) {
        return complaint(rpc, failure, error);
    }
    *result = carla_item(top, 3);
    return HP_OK;
}

/** "Error" is an array with a text. */
static hp_status failed(const msgpack_object *object, hp_error *error)
{
    carla_text text = {"it failed without a word", 24};
    (void)carla_get_text(carla_item(object, 0), &text);
    const bool loading = carla_text_is(text, "episode not ready");
    return hp_fail(error, loading ? HP_EUNAVAILABLE : HP_EINVAL, "CARLA says: %.*s",
                   (int)(text.len < 300 ? text.len : 300), text.p);
}

hp_status carla_rpc_value(const msgpack_object *response, const msgpack_object **value,
                          hp_error *error)
{
    const msgpack_object *variant = carla_item(response, 0);
    uint64_t index = 0;
    if (carla_items(variant) != 2 || !carla_get_u64(carla_item(variant, 0), &index) || index > 1) {
        return hp_fail(error, HP_EWIRE, "an answer that is neither a value nor a failure");
    }
    *value = carla_item(variant, 1);
    return index == 1 ? HP_OK : failed(*value, error);
}

/** Puts the method's name before what went wrong. */
static hp_status named(const carla_rpc *rpc, hp_status st, const hp_error *inner, hp_error *error)
{
    return st == HP_OK ? HP_OK : hp_fail(error, st, "%s: %s", rpc->method, inner->text);
}

hp_status carla_rpc_end(carla_rpc *rpc, double timeout_s, const msgpack_object **value,
                        hp_error *error)
{
    hp_error inner = {{0}};
    const msgpack_object *result = NULL;
    const hp_status st = carla_rpc_end_raw(rpc, timeout_s, &result, error);
    return st == HP_OK ? named(rpc, carla_rpc_value(result, value, &inner), &inner, error) : st;
}

hp_status carla_rpc_end_void(carla_rpc *rpc, double timeout_s, hp_error *error)
{
    hp_error inner = {{0}};
    const msgpack_object *result = NULL;
    bool bad = false;
    hp_status st = carla_rpc_end_raw(rpc, timeout_s, &result, error);
    if (st != HP_OK) {
        return st;
    }
    const msgpack_object *optional = carla_item(result, 0);
    if (!carla_get_bool(carla_item(optional, 0), &bad)) {
        return hp_fail(error, HP_EWIRE, "%s: an answer that says neither yes nor no", rpc->method);
    }
    st = bad ? failed(carla_item(optional, 1), &inner) : HP_OK;
    return named(rpc, st, &inner, error);
}

hp_status carla_rpc_end_queued(carla_rpc *rpc, double timeout_s, hp_error *error)
{
    const msgpack_object *result = NULL;
    return carla_rpc_end_raw(rpc, timeout_s, &result, error);
}

bool carla_rpc_post(carla_rpc *rpc)
{
    const carla_wait wait = carla_wait_for(rpc->clock, 0.0, "nothing");
    hp_error ignored;
    return carla_net_send(rpc->fd, rpc->out.data, rpc->out.size, &wait, &ignored) == HP_OK;
}
