/** @file carla_pack.h MessagePack from strangers: how long a message is and whether it is harmless,
 *  before anything is reserved for it; then msgpack-c.
 *
 *  A header of five bytes may announce millions of elements. Each element needs at least one byte,
 *  so what does not fit into the largest message is refused when it is announced.
 *  Ownership: a document owns what it was unpacked into and borrows the bytes. Threads: pure.
 *  Allocation: in carla_doc_read. */
#ifndef CARLA_PACK_H
#define CARLA_PACK_H

#include "common/hp_status.h"

#include <msgpack.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CARLA_MAX_MESSAGE = 16 << 20, /* bytes of one message; a town's map has 2 to 8 million */
    CARLA_MAX_DEPTH = 24,         /* msgpack-c itself ends at 32 */
    CARLA_MAX_ELEMENTS = 1 << 20, /* of all arrays and maps of a message together */
};

/** Length of the first value in bytes [len]: HP_OK and *used; HP_EAGAIN if more bytes are needed;
 *  HP_EWIRE if it can never be a message that we take. */
HP_NODISCARD hp_status carla_pack_scan(const void *bytes, size_t len, size_t *used,
                                       hp_error *error);

typedef struct carla_doc {
    msgpack_unpacked unpacked;
} carla_doc;

/** Unpacks one value that carla_pack_scan has measured. bytes must outlive the document. */
HP_NODISCARD hp_status carla_doc_read(carla_doc *doc, const void *bytes, size_t used,
                                      hp_error *error);
/** A zeroed document is fine. */
void carla_doc_clear(carla_doc *doc);

/** Element i of an array; NULL if it is none, or shorter. */
const msgpack_object *carla_item(const msgpack_object *array, uint32_t i);
/** Number of elements; 0 if it is no array. */
uint32_t carla_items(const msgpack_object *array);

#endif
