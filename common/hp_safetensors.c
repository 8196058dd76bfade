#include "common/hp_safetensors.h"

#include "common/hp_file.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian");

enum { LENGTH_BYTES = 8, ALIGN = 64 };

static const char *const DTYPES[HP_DTYPE_COUNT] = {"F32", "F64", "U64"};
static const size_t SIZES[HP_DTYPE_COUNT] = {4, 8, 8};
static const char NOTES_KEY[] = "__metadata__";

/** One tensor's place in the file. */
typedef struct span {
    size_t begin, end;
    uint32_t index; /* in found[] */
} span;

struct hp_tensors {
    char name[256]; /* of the file, for errors */
    json_t *header; /* owns the names and notes */
    unsigned char *data;
    hp_tensor found[HP_TENSORS_MAX]; /* in the order of the header */
    span spans[HP_TENSORS_MAX];
    hp_tensor tensors[HP_TENSORS_MAX]; /* in the order of the data */
    hp_tensor_note notes[HP_TENSORS_NOTES];
    hp_tensor_list list;
};

/** Bytes of a tensor, or 0 if they are too many. */
static size_t bytes_of(const hp_tensor *tensor)
{
    size_t bytes = SIZES[tensor->dtype];
    for (uint32_t i = 0; i < tensor->n_dims; ++i) {
        if (tensor->dims[i] == 0 || tensor->dims[i] > HP_TENSORS_BYTES / bytes) {
            return 0;
        }
        bytes *= tensor->dims[i];
    }
    return bytes;
}

static bool name_is_good(const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < n; ++i) {
        if (name[i] < 0x20 || name[i] > 0x7e) {
            return false;
        }
    }
    return n > 0 && n < HP_TENSOR_NAME;
}

/** A whole number below the size of the largest file. */
static bool take_size(const json_t *value, size_t *out)
{
    const json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
    *out = (size_t)n;
    return n >= 0 && n <= HP_TENSORS_BYTES;
}

static hp_status refuse(const hp_tensors *t, const char *tensor, hp_error *error, const char *what)
{
    return hp_fail(error, HP_ECONFIG, "%s: error: tensor '%.64s': %s", t->name, tensor, what);
}

static bool take_dtype(const json_t *entry, hp_dtype *out)
{
    const char *text = json_string_value(json_object_get(entry, "dtype"));
    for (int i = 0; text != NULL && i < HP_DTYPE_COUNT; ++i) {
        if (strcmp(text, DTYPES[i]) == 0) {
            *out = (hp_dtype)i;
            return true;
        }
    }
    return false;
}

static hp_status take_tensor(hp_tensors *t, const char *key, const json_t *entry, hp_error *error)
{
    span *at = &t->spans[t->list.n_tensors];
    hp_tensor *tensor = &t->found[t->list.n_tensors];
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (!name_is_good(key)) {
        return refuse(t, "?", error, "its name is empty, too long or not plain text");
    }
    if (json_object_size(entry) != 3 || !take_dtype(entry, &tensor->dtype)) {
        return refuse(t, key, error, "needs dtype (F32, F64 or U64), shape and data_offsets");
    }
    if (!json_is_array(shape) || json_array_size(shape) > HP_TENSOR_DIMS) {
        return refuse(t, key, error, "its shape is no list of at most four sizes");
    }
    tensor->name = key;
    tensor->n_dims = (uint32_t)json_array_size(shape);
    for (uint32_t i = 0; i < tensor->n_dims; ++i) {
        if (!take_size(json_array_get(shape, i), &tensor->dims[i])) {
            return refuse(t, key, error, "a size in its shape is out of range");
        }
    }
    if (json_array_size(offsets) != 2 || !take_size(json_array_get(offsets, 0), &at->begin) ||
        !take_size(json_array_get(offsets, 1), &at->end) || at->begin > at->end) {
        return refuse(t, key, error, "its data_offsets are no two places in the file");
    }
    const size_t bytes = bytes_of(tensor);
    if (bytes == 0 || at->end - at->begin != bytes) {
        return refuse(t, key, error, "its data has another length than its shape says");
    }
    at->index = t->list.n_tensors++;
    return HP_OK;
}

static hp_status take_notes(hp_tensors *t, json_t *entry, hp_error *error)
{
    const char *key = NULL;
    json_t *value = NULL;
    if (!json_is_object(entry) || json_object_size(entry) > HP_TENSORS_NOTES) {
        return hp_fail(error, HP_ECONFIG, "%s: error: %s is no object of at most %d texts", t->name,
                       NOTES_KEY, HP_TENSORS_NOTES);
    }
    json_object_foreach(entry, key, value)
    {
        if (!json_is_string(value)) {
            return hp_fail(error, HP_ECONFIG, "%s: error: %s holds something that is no text",
                           t->name, NOTES_KEY);
        }
        t->notes[t->list.n_notes++] = (hp_tensor_note){key, json_string_value(value)};
    }
    return HP_OK;
}

static int by_place(const void *a, const void *b)
{
    const span *x = a;
    const span *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static bool all_finite(const hp_tensor *tensor, size_t bytes)
{
    const size_t n = bytes / SIZES[tensor->dtype];
    for (size_t i = 0; i < n; ++i) {
        if (tensor->dtype == HP_DTYPE_F32 && !isfinite(((const float *)tensor->data)[i])) {
            return false;
        }
        if (tensor->dtype == HP_DTYPE_F64 && !isfinite(((const double *)tensor->data)[i])) {
            return false;
        }
    }
    return true;
}

/** Copies the data so that each tensor is aligned, in the order of the file. */
static hp_status take_data(hp_tensors *t, const unsigned char *data, size_t len, hp_error *error)
{
    const uint32_t n = t->list.n_tensors;
    size_t place = 0;
    qsort(t->spans, n, sizeof t->spans[0], by_place);
    t->data = aligned_alloc(ALIGN, (len / ALIGN + n + 1) * ALIGN);
    if (t->data == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: no memory for %zu bytes", t->name, len);
    }
    size_t used = 0;
    for (uint32_t i = 0; i < n; ++i) {
        const span *at = &t->spans[i];
        hp_tensor *tensor = &t->tensors[i];
        *tensor = t->found[at->index];
        if (at->begin != place || at->end > len) {
            return refuse(t, tensor->name, error, "its data overlaps, leaves a hole or is cut off");
        }
        const size_t bytes = at->end - at->begin;
        memcpy(t->data + used, data + place, bytes);
        tensor->data = t->data + used;
        if (!all_finite(tensor, bytes)) {
            return refuse(t, tensor->name, error, "holds a number that is not finite");
        }
        used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
        place = at->end;
    }
    if (place != len) {
        return hp_fail(error, HP_ECONFIG, "%s: error: %zu bytes belong to no tensor", t->name,
                       len - place);
    }
    return HP_OK;
}

static hp_status take_header(hp_tensors *t, hp_error *error)
{
    const char *key = NULL;
    json_t *entry = NULL;
    json_object_foreach(t->header, key, entry)
    {
        hp_status st = HP_OK;
        if (strcmp(key, NOTES_KEY) == 0) {
            st = take_notes(t, entry, error);
        } else if (t->list.n_tensors == HP_TENSORS_MAX) {
            st = hp_fail(error, HP_ECONFIG, "%s: error: more than %d tensors", t->name,
                         HP_TENSORS_MAX);
        } else {
            st = take_tensor(t, key, entry, error);
        }
        if (st != HP_OK) {
            return st;
        }
    }
    return HP_OK;
}

static hp_status parse_into(hp_tensors *t, const unsigned char *bytes, size_t len, hp_error *error)
{
    uint64_t header_len = 0;
    json_error_t why;
    if (len >= LENGTH_BYTES) {
        memcpy(&header_len, bytes, LENGTH_BYTES);
    }
    if (header_len < 2 || header_len > HP_TENSORS_HEADER || header_len > len - LENGTH_BYTES ||
        bytes[LENGTH_BYTES] != '{') {
        return hp_fail(error, HP_ECONFIG,
                       "%s: error: no safetensors file: its header is missing, cut off or too long "
                       "(fetch or train it again)",
                       t->name);
    }
    t->header =
        json_loadb((const char *)bytes + LENGTH_BYTES, header_len, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(t->header)) {
        return hp_fail(error, HP_ECONFIG, "%s: error: header is no JSON object (byte %d)", t->name,
                       why.position);
    }
    const hp_status st = take_header(t, error);
    const size_t before = LENGTH_BYTES + (size_t)header_len;
    return st != HP_OK ? st : take_data(t, bytes + before, len - before, error);
}

hp_status hp_tensors_parse(const void *bytes, size_t len, const char *name, hp_tensors **out,
                           hp_error *error)
{
    hp_tensors *t = calloc(1, sizeof *t);
    *out = NULL;
    if (t == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: no memory", name);
    }
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    t->list.tensors = t->tensors;
    t->list.notes = t->notes;
    const hp_status st = parse_into(t, bytes, len, error);
    if (st != HP_OK) {
        hp_tensors_destroy(&t);
        return st;
    }
    *out = t;
    return HP_OK;
}

hp_status hp_tensors_read(const char *path, hp_tensors **out, hp_error *error)
{
    char *bytes = NULL;
    size_t len = 0;
    *out = NULL;
    hp_status st = hp_file_read(path, HP_TENSORS_BYTES, &bytes, &len, error);
    if (st == HP_OK) {
        st = hp_tensors_parse(bytes, len, path, out, error);
    }
    free(bytes);
    return st;
}

void hp_tensors_destroy(hp_tensors **tensors)
{
    if (*tensors != NULL) {
        json_decref((*tensors)->header);
        free((*tensors)->data);
        free(*tensors);
        *tensors = NULL;
    }
}

const hp_tensor_list *hp_tensors_list(const hp_tensors *tensors)
{
    return &tensors->list;
}

hp_status hp_tensors_get(const hp_tensors *tensors, hp_tensor *wanted, hp_error *error)
{
    for (uint32_t i = 0; i < tensors->list.n_tensors; ++i) {
        const hp_tensor *t = &tensors->tensors[i];
        if (strcmp(t->name, wanted->name) != 0) {
            continue;
        }
        if (t->dtype != wanted->dtype || t->n_dims != wanted->n_dims ||
            memcmp(t->dims, wanted->dims, t->n_dims * sizeof t->dims[0]) != 0) {
            return refuse(tensors, wanted->name, error, "has another type or shape than wanted");
        }
        wanted->data = t->data;
        return HP_OK;
    }
    return refuse(tensors, wanted->name, error, "is not in the file");
}

const char *hp_tensors_note(const hp_tensors *tensors, const char *key)
{
    for (uint32_t i = 0; i < tensors->list.n_notes; ++i) {
        if (strcmp(tensors->notes[i].key, key) == 0) {
            return tensors->notes[i].value;
        }
    }
    return NULL;
}

static json_t *header_entry(const hp_tensor *tensor, size_t begin, size_t bytes)
{
    json_t *shape = json_array();
    for (uint32_t i = 0; i < tensor->n_dims; ++i) {
        (void)json_array_append_new(shape, json_integer((json_int_t)tensor->dims[i]));
    }
    const json_int_t end = (json_int_t)begin + (json_int_t)bytes;
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", DTYPES[tensor->dtype], "shape", shape,
                     "data_offsets", (json_int_t)begin, end);
}

/** The header's text, padded so that the data begins at a multiple of eight; NULL: no memory. */
static char *header_text(const hp_tensor_list *list, size_t *len)
{
    json_t *header = json_object();
    json_t *notes = json_object();
    size_t place = 0;
    for (uint32_t i = 0; i < list->n_notes; ++i) {
        (void)json_object_set_new(notes, list->notes[i].key, json_string(list->notes[i].value));
    }
    (void)json_object_set_new(header, NOTES_KEY, notes);
    for (uint32_t i = 0; i < list->n_tensors; ++i) {
        const size_t bytes = bytes_of(&list->tensors[i]);
        (void)json_object_set_new(header, list->tensors[i].name,
                                  header_entry(&list->tensors[i], place, bytes));
        place += bytes;
    }
    char *text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    if (text == NULL) {
        return NULL;
    }
    const size_t n = strlen(text);
    *len = (n + 7) / 8 * 8;
    char *padded = malloc(*len);
    if (padded != NULL) {
        memset(padded, ' ', *len);
        /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): its length is kept */
        memcpy(padded, text, n);
    }
    free(text);
    return padded;
}

/** Sum of all data, or 0 if the list is no good. */
static size_t check_list(const hp_tensor_list *list)
{
    size_t total = 0;
    for (uint32_t i = 0; i < list->n_tensors; ++i) {
        const hp_tensor *t = &list->tensors[i];
        const size_t bytes = t->n_dims <= HP_TENSOR_DIMS ? bytes_of(t) : 0;
        if (bytes == 0 || !name_is_good(t->name) || !all_finite(t, bytes)) {
            return 0;
        }
        total += bytes;
    }
    const bool fits = list->n_tensors <= HP_TENSORS_MAX && list->n_notes <= HP_TENSORS_NOTES &&
                      total <= HP_TENSORS_BYTES / 2;
    return fits ? total : 0;
}

hp_status hp_tensors_write(const char *dir, const char *file, const hp_tensor_list *list,
                           hp_error *error)
{
    const size_t total = check_list(list);
    if (total == 0) {
        return hp_fail(error, HP_EINVAL,
                       "%s/%s: tensors that the format cannot hold, or numbers that are not finite",
                       dir, file);
    }
    size_t header_len = 0;
    char *header = header_text(list, &header_len);
    unsigned char *bytes = header == NULL ? NULL : malloc(LENGTH_BYTES + header_len + total);
    if (bytes == NULL) {
        free(header);
        return hp_fail(error, HP_ENOMEM, "%s/%s: no memory", dir, file);
    }
    const uint64_t length = header_len;
    memcpy(bytes, &length, LENGTH_BYTES);
    memcpy(bytes + LENGTH_BYTES, header, header_len);
    size_t place = LENGTH_BYTES + header_len;
    for (uint32_t i = 0; i < list->n_tensors; ++i) {
        memcpy(bytes + place, list->tensors[i].data, bytes_of(&list->tensors[i]));
        place += bytes_of(&list->tensors[i]);
    }
    const hp_status st = hp_file_write(dir, file, bytes, place, error);
    free(header);
    free(bytes);
    return st;
}
