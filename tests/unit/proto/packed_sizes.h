/** @file packed_sizes.h Bytes of a message's struct without its padding; 0 if there is none. */
#ifndef PACKED_SIZES_H
#define PACKED_SIZES_H

#include <stddef.h>

size_t packed_size(const char *structure);

#endif
