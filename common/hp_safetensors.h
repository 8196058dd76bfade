/** @file hp_safetensors.h Named arrays of numbers in one file, in the safetensors form: eight bytes
 * of length, a JSON header, raw little-endian data. Python users load and save it directly.
 *
 *  Reading takes nothing on trust: sizes are bounded, every tensor's bytes must be as many as its
 *  shape says, the tensors must fill the data without hole or overlap, and floating numbers must be
 *  finite. What is not known (other types, more than four dimensions) is refused.
 *  Status: HP_ENOENT no such file, HP_EIO a file that cannot be read, HP_ECONFIG what is in it.
 *  Ownership: hp_tensors owns copies of names and data. Threads: read only after reading.
 *  Determinism: the same tensors give the same bytes. Allocation: while reading and writing only.
 */
#ifndef HP_SAFETENSORS_H
#define HP_SAFETENSORS_H

#include "common/hp_status.h"

#include <stddef.h>
#include <stdint.h>

enum {
    HP_TENSOR_DIMS = 4,
    HP_TENSOR_NAME = 64,         /* bytes of a name, with its zero */
    HP_TENSORS_MAX = 512,        /* tensors in a file */
    HP_TENSORS_NOTES = 64,       /* notes in a file */
    HP_TENSORS_HEADER = 1 << 20, /* bytes of a header */
    HP_TENSORS_BYTES = 1 << 28,  /* bytes of a file */
};

typedef enum hp_dtype { HP_DTYPE_F32, HP_DTYPE_F64, HP_DTYPE_U64, HP_DTYPE_COUNT } hp_dtype;

typedef struct hp_tensor {
    const char *name; /* shorter than HP_TENSOR_NAME, printable ASCII */
    hp_dtype dtype;
    uint32_t n_dims; /* 0: a single number */
    size_t dims[HP_TENSOR_DIMS];
    const void *data; /* row-major; aligned for its type */
} hp_tensor;

/** A text that goes with the tensors (the format's `__metadata__`). */
typedef struct hp_tensor_note {
    const char *key, *value;
} hp_tensor_note;

/** What a file holds, or is to hold. */
typedef struct hp_tensor_list {
    const hp_tensor *tensors;
    const hp_tensor_note *notes;
    uint32_t n_tensors, n_notes;
} hp_tensor_list;

typedef struct hp_tensors hp_tensors;

HP_NODISCARD hp_status hp_tensors_read(const char *path, hp_tensors **out, hp_error *error);
/** The same from memory; name stands for the file in errors. */
HP_NODISCARD hp_status hp_tensors_parse(const void *bytes, size_t len, const char *name,
                                        hp_tensors **out, hp_error *error);
void hp_tensors_destroy(hp_tensors **tensors);

/** Tensors in the order of their data. */
const hp_tensor_list *hp_tensors_list(const hp_tensors *tensors);
/** Checks that the tensor wanted->name is there with wanted's type and shape, and sets
 * wanted->data.
 */
HP_NODISCARD hp_status hp_tensors_get(const hp_tensors *tensors, hp_tensor *wanted,
                                      hp_error *error);
/** The note's text, or NULL. */
const char *hp_tensors_note(const hp_tensors *tensors, const char *key);

/** Writes DIR/FILE, whole or not at all. HP_EINVAL: a name or shape that the format cannot hold. */
HP_NODISCARD hp_status hp_tensors_write(const char *dir, const char *file,
                                        const hp_tensor_list *list, hp_error *error);

#endif
