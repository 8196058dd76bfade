#include "tests/unit/proto/codec_random.h"

#include "proto/hp_tensor.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <xxhash.h>

typedef struct filler {
    hp_rng stream;
    uint64_t next;
    codec_size size;
    const hp_layout *root;
    unsigned char *message;
} filler;

static double unit(filler *f)
{
    return hp_rng_unit(f->stream, f->next++);
}

static bool within(const hp_field *field, double x)
{
    return x >= field->range.lo && x <= field->range.hi;
}

static double random_real(filler *f, const hp_field *field)
{
    const double specials[] = {-0.0,         0.0,     field->range.lo, field->range.hi,
                               DBL_TRUE_MIN, DBL_MIN, -DBL_TRUE_MIN};
    const size_t pick = (size_t)(unit(f) * 40.0);
    if (f->size == CODEC_ANY && pick < HP_ARRAY_LEN(specials) && within(field, specials[pick])) {
        return specials[pick];
    }
    if (field->range.hi == DBL_MAX) {
        return ldexp(unit(f) - 0.5, (int)(unit(f) * 200.0) - 100);
    }
    return field->range.lo + (field->range.hi - field->range.lo) * (0.001 + 0.99 * unit(f));
}

static void random_number(filler *f, const hp_field *field, unsigned char *to)
{
    const double span = field->range.hi - field->range.lo;
    const uint64_t word = hp_rng_u64(f->stream, f->next++);
    const double inside = field->range.lo + floor(span * unit(f));
    switch (field->kind) {
    case HP_KIND_DOUBLE: {
        const double x = random_real(f, field);
        memcpy(to, &x, sizeof x);
        break;
    }
    case HP_KIND_U32:
    case HP_KIND_ENUM: {
        const uint32_t x = span > 0xffffffff ? (uint32_t)word : (uint32_t)inside;
        memcpy(to, &x, sizeof x);
        break;
    }
    case HP_KIND_U64:
        memcpy(to, &word, sizeof word);
        break;
    case HP_KIND_I64: {
        const int64_t x = (int64_t)inside;
        memcpy(to, &x, sizeof x);
        break;
    }
    case HP_KIND_BOOL: {
        const bool x = (word & 1) != 0;
        memcpy(to, &x, sizeof x);
        break;
    }
    case HP_KIND_TEXT:
    case HP_KIND_BYTES:
    case HP_KIND_STRUCT:
        break;
    }
}

static void random_text(filler *f, unsigned char *to)
{
    const size_t n = f->size == CODEC_FULL ? HP_TEXT - 1 : (size_t)(unit(f) * HP_TEXT);
    for (size_t i = 0; i < n; ++i) {
        to[i] = (unsigned char)(0x20 + (int)(unit(f) * 95.0));
    }
}

static size_t random_count(filler *f, const hp_field *field)
{
    if (f->size == CODEC_FULL) {
        return field->cap;
    }
    if (f->size == CODEC_TWO) {
        return 2;
    }
    const double most = unit(f) < 0.05 ? 1.0 : 0.08; /* of the room beyond the least */
    const double room = (double)(field->cap - field->count_min);
    return field->count_min + (size_t)(unit(f) * (most * room + 1.0));
}

/** A matrix of shares, which any tensor may hold; whatever shape there was is gone. */
static void random_tensor(filler *f, const uint32_t most[HP_MAX_DIMS], hp_number_type dtype,
                          hp_tensor_head *head, unsigned char *data)
{
    const bool full = f->size == CODEC_FULL;
    const uint32_t least[HP_MAX_DIMS] = {most[0] < 2 ? most[0] : 2, HP_SAID_CHOICES + 1};
    const double spare = f->size == CODEC_ANY ? 0.1 * unit(f) : 0.0;
    const uint32_t rows = full ? most[0] : least[0] + (uint32_t)(spare * (most[0] - least[0]));
    const uint32_t columns = full ? most[1] : least[1] + (uint32_t)(spare * (most[1] - least[1]));
    *head = (hp_tensor_head){.n_dims = 2, .shape = {rows, columns}, .dtype = dtype};
    head->n_bytes = rows * columns * hp_number_bytes(dtype);
    for (uint32_t i = 0; i < rows * columns; ++i) {
        const double x = dtype == HP_NUMBER_F64 && i % columns == HP_SAID_VALID ? 1.0 : unit(f);
        const float narrow = (float)x;
        memcpy(data + (size_t)i * hp_number_bytes(dtype),
               dtype == HP_NUMBER_F64 ? (const void *)&x : (const void *)&narrow,
               hp_number_bytes(dtype));
    }
}

static void obey_evaluate_rules(filler *f, const char *name, unsigned char *base)
{
    if (strcmp(name, "EvaluateRequest") == 0) {
        hp_evaluate_request *q = (void *)base;
        random_tensor(f, (const uint32_t[]){1, HP_MAX_SCENE}, HP_NUMBER_F32, &q->scene.head,
                      q->scene.data);
        random_tensor(f, (const uint32_t[]){HP_MAX_LOOKS, HP_MAX_FEATURES}, HP_NUMBER_F32,
                      &q->looks.head, q->looks.data);
    } else if (strcmp(name, "EvaluateReply") == 0) {
        hp_evaluate_reply *r = (void *)base;
        random_tensor(f, (const uint32_t[]){HP_MAX_LOOKS, HP_MAX_SAID}, HP_NUMBER_F64,
                      &r->answers.head, r->answers.data);
    }
}

/** What the rules across fields ask for. */
static void obey_rules(const hp_layout *layout, unsigned char *base)
{
    if (strcmp(layout->descriptor->short_name, "Forecast") == 0) {
        hp_forecast *forecast = (void *)base;
        double sum = 0.0;
        for (uint32_t i = 0; i < forecast->n_modes; ++i) {
            sum += forecast->modes[i].probability;
        }
        for (uint32_t i = 0; i < forecast->n_modes; ++i) {
            double *p = &forecast->modes[i].probability;
            *p = sum > 0.0 ? *p / sum : (i == 0 ? 1.0 : 0.0);
        }
    } else if (strcmp(layout->descriptor->short_name, "WorldInfo") == 0) {
        hp_world_info *world = (void *)base;
        world->n_edges = world->n_edges < world->n_route ? world->n_edges : world->n_route;
        memset(&world->edges[world->n_edges], 0,
               (HP_MAX_ROUTE - world->n_edges) * sizeof world->edges[0]);
        if (world->n_edges >= 2) {
            memset(&world->route[world->n_edges], 0,
                   (HP_MAX_ROUTE - world->n_edges) * sizeof world->route[0]);
            world->n_route = world->n_edges;
        } else {
            world->n_edges = 0;
            memset(world->edges, 0, sizeof world->edges);
        }
        for (size_t i = 0; i < HP_MAX_RECTS; ++i) {
            world->road[i].x_max_m = fmax(world->road[i].x_max_m, world->road[i].x_min_m);
            world->road[i].y_max_m = fmax(world->road[i].y_max_m, world->road[i].y_min_m);
            hp_rect *r = &world->pavement[i];
            r->x_max_m = fmax(r->x_max_m, r->x_min_m);
            r->y_max_m = fmax(r->y_max_m, r->y_min_m);
        }
    }
}

static void random_struct(filler *f, const hp_layout *layout, unsigned char *base)
{
    for (size_t i = 0; i < layout->n_fields; ++i) {
        const hp_field *field = &layout->fields[i];
        if (strcmp(layout->descriptor->short_name, "Tensor") == 0) {
            continue; /* filled by who holds it */
        }
        if (field->count == HP_COUNT_MEMBER) {
            const uint32_t n = (uint32_t)random_count(f, field);
            memcpy(base + field->count_offset, &n, sizeof n);
        }
        const size_t n = hp_field_count(field, base, hp_layout_steps(f->root, f->message));
        for (size_t k = 0; k < n; ++k) {
            unsigned char *to = base + field->offset + k * field->stride;
            if (field->kind == HP_KIND_STRUCT) {
                random_struct(f, field->layout, to);
            } else if (field->kind == HP_KIND_TEXT) {
                random_text(f, to);
            } else {
                random_number(f, field, to);
            }
        }
        if (f->size == CODEC_FULL && strcmp(field->name, "n_steps") == 0) {
            const uint32_t steps = HP_MAX_STEPS;
            memcpy(base + field->offset, &steps, sizeof steps);
        } else if (f->size == CODEC_TWO && strcmp(field->name, "n_steps") == 0) {
            const uint32_t steps = 2;
            memcpy(base + field->offset, &steps, sizeof steps);
        }
    }
    obey_rules(layout, base);
    obey_evaluate_rules(f, layout->descriptor->short_name, base);
}

void codec_random(hp_msg_type type, codec_size size, hp_rng stream, hp_message *message)
{
    const hp_layout *layout = hp_layout_of(type);
    memset(message, 0, hp_msg_size(type));
    filler f = {.stream = stream, .size = size, .root = layout, .message = (void *)message};
    random_struct(&f, layout, f.message);
}

void codec_seal(unsigned char *bytes, size_t len)
{
    const size_t payload_len = len - HP_ENVELOPE_BYTES;
    for (unsigned i = 0; i < 4; ++i) {
        bytes[48 + i] = (unsigned char)(payload_len >> (8 * i));
    }
    memset(bytes + 56, 0, 8);
    const uint64_t hash = XXH3_64bits(bytes, len);
    for (unsigned i = 0; i < 8; ++i) {
        bytes[56 + i] = (unsigned char)(hash >> (8 * i));
    }
}
