/* Any bytes as a message, and, after a first byte that picks the type, as a payload in a good
 * envelope. What is refused leaves the caller's message alone; what is accepted obeys its table and
 * survives a round trip to the bit. */
#include "common/hp_bus.h"
#include "tests/support/fuzz_target.h"
#include "tests/unit/proto/codec_random.h"

#include <string.h>

typedef struct bench {
    hp_codec *codec;
    hp_message before, first, second;
    unsigned char bytes[HP_BUS_MAX_MESSAGE + 1];
} bench;

static void check_accepted(bench *b, const hp_envelope *envelope)
{
    const size_t size = hp_msg_size(envelope->type);
    hp_envelope again;
    size_t len = 0;
    b->second = b->before; /* the room behind bytes stays as it was, in both */
    fuzz_must(hp_message_check(envelope->type, &b->first, NULL) == HP_OK);
    fuzz_must(hp_encode(b->codec, envelope, &b->first, b->bytes, HP_BUS_MAX_MESSAGE, &len) ==
              HP_OK);
    fuzz_must(hp_decode(b->codec, b->bytes, len, &again, &b->second, NULL) == HP_OK);
    fuzz_must(again.type == envelope->type && again.sequence == envelope->sequence);
    fuzz_must(memcmp(&b->first, &b->second, size) == 0);
}

static void check_error(const hp_error *error)
{
    fuzz_must(memchr(error->text, '\0', sizeof error->text) != NULL);
    fuzz_must(error->text[0] != '\0' && strchr(error->text, '\n') == NULL);
}

static void try_message(bench *b, const uint8_t *data, size_t size)
{
    hp_envelope envelope;
    hp_error error = {{0}};
    b->first = b->before;
    const hp_status status = hp_decode(b->codec, data, size, &envelope, &b->first, &error);
    if (status == HP_OK) {
        check_accepted(b, &envelope);
    } else {
        fuzz_must(status == HP_EWIRE || status == HP_EVERSION);
        fuzz_must(memcmp(&b->first, &b->before, sizeof b->first) == 0);
        check_error(&error);
    }
}

static void try_payload(bench *b, const uint8_t *data, size_t size)
{
    const hp_episode_end empty = {0};
    const hp_envelope envelope = {.type = HP_MSG_EPISODE_END};
    size_t len = 0;
    if (size == 0 || size - 1 > HP_BUS_MAX_MESSAGE - HP_ENVELOPE_BYTES) {
        return;
    }
    fuzz_must(hp_encode(b->codec, &envelope, &empty, b->bytes, HP_BUS_MAX_MESSAGE, &len) == HP_OK);
    b->bytes[6] = data[0] % HP_MSG_COUNT;
    memcpy(b->bytes + HP_ENVELOPE_BYTES, data + 1, size - 1);
    len = HP_ENVELOPE_BYTES + size - 1;
    codec_seal(b->bytes, len);
    try_message(b, b->bytes, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bench *b; /* made once: the codec is to serve message after message */
    if (b == NULL) {
        b = calloc(1, sizeof *b);
        fuzz_must(b != NULL && hp_codec_create(&b->codec) == HP_OK);
        memset(&b->before, 0xa5, sizeof b->before);
    }
    try_message(b, data, size);
    try_payload(b, data, size);
    return 0;
}
