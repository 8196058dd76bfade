/** @file codec_random.h Legal messages with random contents, and bytes sealed after tampering.
 *  Threads: pure. Allocation: none. */
#ifndef CODEC_RANDOM_H
#define CODEC_RANDOM_H

#include "common/hp_rng.h"
#include "proto/hp_fields_internal.h"

typedef enum codec_size {
    CODEC_ANY,  /* lists of any legal length, mostly short; special values among the numbers */
    CODEC_TWO,  /* two entries in every list, so that every field occurs; plain numbers */
    CODEC_FULL, /* every list full; plain numbers, none of them 0 */
} codec_size;

/** Clears the struct of the type and fills it. */
void codec_random(hp_msg_type type, codec_size size, hp_rng stream, hp_message *message);
/** Sets length and hash of the envelope to those of the len bytes. */
void codec_seal(unsigned char *bytes, size_t len);

#endif
