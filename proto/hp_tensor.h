/** @file hp_tensor.h Tensors of messages: numbers of one type, row after row, as bytes.
 *
 *  Their bytes are as the machine holds them, which is as the wire wants them (little-endian).
 *  Ownership: the caller's. Threads: pure. Allocation: none. */
#ifndef HP_TENSOR_H
#define HP_TENSOR_H

#include "proto/hp_msgs.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors travel as they lie in memory");

static inline uint32_t hp_number_bytes(hp_number_type dtype)
{
    return dtype == HP_NUMBER_F64 ? 8 : 4;
}

static inline uint32_t hp_tensor_rows(const hp_tensor_head *head)
{
    return head->n_dims == 2 ? (uint32_t)head->shape[0] : 0;
}

static inline uint32_t hp_tensor_columns(const hp_tensor_head *head)
{
    return head->n_dims == 2 ? (uint32_t)head->shape[1] : 0;
}

/** Whether it is that matrix; one without rows or columns is an empty tensor. */
static inline bool hp_tensor_is(const hp_tensor_head *head, hp_number_type dtype, uint32_t rows,
                                uint32_t columns)
{
    return rows * columns == 0 ? head->n_dims == 0
                               : head->dtype == dtype && hp_tensor_rows(head) == rows &&
                                     hp_tensor_columns(head) == columns;
}

/** Makes it that matrix, to which there must be room at data. The bytes behind are left alone. */
static inline void hp_tensor_put(hp_tensor_head *head, unsigned char *data, hp_number_type dtype,
                                 const uint32_t shape[HP_MAX_DIMS], const void *numbers)
{
    const uint32_t n_bytes = shape[0] * shape[1] * hp_number_bytes(dtype);
    *head = (hp_tensor_head){.dtype = dtype};
    if (n_bytes > 0) {
        head->n_dims = HP_MAX_DIMS;
        head->shape[0] = shape[0];
        head->shape[1] = shape[1];
        head->n_bytes = n_bytes;
        memcpy(data, numbers, n_bytes);
    }
}

#endif
