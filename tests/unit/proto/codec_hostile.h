/** @file codec_hostile.h A message that is spoilt, in its bytes or past the check, and must be
 * refused: a test's state. Threads: one. Allocation: in setup. */
#ifndef CODEC_HOSTILE_H
#define CODEC_HOSTILE_H

#include "tests/support/hp_test.h"
#include "tests/unit/proto/codec_random.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 2 * 1024 * 1024 };

typedef struct fixture {
    hp_codec *codec;
    hp_message in, out, before;
    hp_error error;
    unsigned char bytes[ROOM];
    size_t len;
    size_t refused; /* numbers that were spoilt and refused */
} fixture;

static inline int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL || hp_codec_create(&f->codec) != HP_OK) {
        return -1;
    }
    memset(&f->before, 0xa5, sizeof f->before);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    hp_codec_destroy(&f->codec);
    free(f);
    return 0;
}

static inline hp_status decode(fixture *f, size_t len)
{
    hp_envelope envelope;
    f->error.text[0] = '\0';
    f->out = f->before;
    return hp_decode(f->codec, f->bytes, len, &envelope, &f->out, &f->error);
}

/** Refused, with a reason, and the caller's message as it was. */
static inline void expect(fixture *f, size_t len, hp_status wanted, const char *reason)
{
    const hp_status status = decode(f, len);
    if (status != wanted || strstr(f->error.text, reason) == NULL) {
        fail_msg("status %d, wanted %d; '%s' lacks '%s'", status, wanted, f->error.text, reason);
    }
    assert_memory_equal(&f->out, &f->before, sizeof f->out);
}

/** Packs f->in as it is, past the check. */
static inline void seal_unchecked(fixture *f, hp_msg_type type)
{
    f->len = HP_ENVELOPE_BYTES +
             hp_layout_pack(hp_layout_of(type), &f->in, f->bytes + HP_ENVELOPE_BYTES);
    codec_seal(f->bytes, f->len);
}

#endif
