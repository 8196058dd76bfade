#include "cli/log_export.h"

#include "cli/osi_export.h"
#include "proto/hp_schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OSI_BYTES = 64 * 1024, MAX_COLUMNS = 128, COLUMN = 96 };

static bool wanted(const log_options *o, const char *topic)
{
    return o->topic == NULL || strcmp(o->topic, topic) == 0;
}

json_t *log_message_json(const log_message *m)
{
    json_t *json = NULL;
    if (strcmp(m->encoding, "protobuf") == 0 &&
        hp_schema_json(m->schema, m->data.data, (size_t)m->data.len, &json) == HP_OK) {
        return json;
    }
    return json_pack("{s:s, s:s, s:I}", "schema", m->schema, "encoding", m->encoding, "bytes",
                     (json_int_t)m->data.len);
}

json_t *log_line_json(const log_message *m)
{
    return json_pack("{s:I, s:s, s:o}", "time_ns", (json_int_t)m->time_ns, "topic", m->topic,
                     "message", log_message_json(m));
}

int log_each(const log_options *o, void (*use)(void *ctx, const log_message *m), void *ctx)
{
    log_file *file = NULL;
    log_message m;
    hp_error error = {{0}};
    hp_status st = log_file_open(o->path, &file, &error);
    if (st != HP_OK) {
        return cli_fail(o->usage, CLI_ENVIRONMENT, "%s", error.text);
    }
    while ((st = log_file_next(file, &m, &error)) == HP_OK) {
        if (wanted(o, m.topic)) {
            use(ctx, &m);
        }
    }
    log_file_close(&file);
    return st == HP_ENOENT ? CLI_DONE : cli_fail(o->usage, CLI_FAILED, "%s", error.text);
}

typedef struct csv {
    char columns[MAX_COLUMNS][COLUMN]; /* as the first message has them */
    size_t n;
} csv;

/** Numbers, texts and flags become columns; of lists, which have none, only the length is told. */
static void flatten(json_t *object, const char *prefix, json_t *flat)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        char name[COLUMN];
        (void)snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", key);
        if (json_is_object(value)) {
            flatten(value, name, flat);
        } else if (json_is_array(value)) {
            char count[COLUMN + 8];
            (void)snprintf(count, sizeof count, "%s.count", name);
            (void)json_object_set_new(flat, count,
                                      json_integer((json_int_t)json_array_size(value)));
        } else {
            (void)json_object_set(flat, name, value);
        }
    }
}

static void print_cell(const json_t *value)
{
    if (json_is_string(value)) {
        (void)putchar('"');
        for (const char *c = json_string_value(value); *c != '\0'; c++) {
            (void)fputs(*c == '"' ? "\"\"" : (char[]){*c, '\0'}, stdout);
        }
        (void)putchar('"');
    } else if (json_is_real(value)) {
        (void)printf("%.17g", json_real_value(value));
    } else if (json_is_integer(value)) {
        (void)printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        (void)putchar(json_is_true(value) ? '1' : '0');
    }
}

static void print_row(void *ctx, const log_message *m)
{
    csv *c = ctx;
    json_t *message = log_message_json(m);
    json_t *flat = json_object();
    const char *key;
    json_t *value;
    flatten(message, "", flat);
    if (c->n == 0) {
        (void)fputs("time_s", stdout);
        json_object_foreach(flat, key, value)
        {
            if (c->n < MAX_COLUMNS) {
                (void)snprintf(c->columns[c->n++], COLUMN, "%s", key);
                (void)printf(",%s", key);
            }
        }
        (void)putchar('\n');
    }
    (void)printf("%.6f", (double)m->time_ns * 1e-9);
    for (size_t i = 0; i < c->n; i++) {
        (void)putchar(',');
        print_cell(json_object_get(flat, c->columns[i]));
    }
    (void)putchar('\n');
    json_decref(flat);
    json_decref(message);
}

static void print_element(void *ctx, const log_message *m)
{
    bool *first = ctx;
    (void)fputs(*first ? "[\n" : ",\n", stdout);
    *first = false;
    json_t *line = log_line_json(m);
    (void)json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(line);
}

/** Frames become ground truth as soon as their world is known. */
typedef struct osi_trace {
    hp_codec *codec;
    hp_message *message;
    hp_world_info world;
    uint8_t *bytes;
    FILE *out;
    bool has_world;
    uint32_t frames, left_out;
} osi_trace;

static void write_frame(osi_trace *t, const hp_frame *frame)
{
    pb_out out = {.bytes = t->bytes + 4, .cap = OSI_BYTES - 4};
    if (!t->has_world || frame->world_id != t->world.world_id) {
        t->left_out++;
        return;
    }
    osi_ground_truth(&t->world, frame, &out);
    if (out.full) {
        t->left_out++;
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        t->bytes[i] = (uint8_t)(out.len >> (8 * i));
    }
    (void)fwrite(t->bytes, 1, out.len + 4, t->out);
    t->frames++;
}

static void trace_message(void *ctx, const log_message *m)
{
    osi_trace *t = ctx;
    const bool world = strcmp(m->schema, hp_schema_name(HP_MSG_WORLD_INFO)) == 0;
    const bool frame = strcmp(m->schema, hp_schema_name(HP_MSG_FRAME)) == 0;
    if ((!world && !frame) ||
        hp_decode_payload(t->codec, world ? HP_MSG_WORLD_INFO : HP_MSG_FRAME, m->data.data,
                          (size_t)m->data.len, t->message, NULL) != HP_OK) {
        return;
    }
    if (world) {
        t->world = t->message->as_hp_world_info;
        t->has_world = true;
    } else {
        write_frame(t, &t->message->as_hp_frame);
    }
}

static int run_osi(const log_options *o)
{
    if (o->common.out == NULL) {
        return cli_fail(o->usage, CLI_USAGE, "--to osi: where to? (--out FILE.osi)");
    }
    osi_trace *t = calloc(1, sizeof *t);
    int status = CLI_ENVIRONMENT;
    if (t != NULL && (t->message = malloc(sizeof *t->message)) != NULL &&
        (t->bytes = malloc(OSI_BYTES)) != NULL && hp_codec_create(&t->codec) == HP_OK &&
        (t->out = fopen(o->common.out, "we")) != NULL) {
        status = log_each(o, trace_message, t);
        const bool bad = ferror(t->out) != 0;
        if (fclose(t->out) != 0 || bad) {
            status = cli_fail(o->usage, CLI_ENVIRONMENT, "%s: cannot write", o->common.out);
        } else {
            (void)printf("%s: %" PRIu32 " frames, %" PRIu32 " left out for want of their world\n",
                         o->common.out, t->frames, t->left_out);
        }
    } else {
        (void)cli_fail(o->usage, status, "%s: %s", o->common.out, strerror(errno));
    }
    if (t != NULL) {
        hp_codec_destroy(&t->codec);
        free(t->bytes);
        free(t->message);
    }
    free(t);
    return status;
}

int log_export(const log_options *o)
{
    if (o->to == LOG_OSI) {
        return run_osi(o);
    }
    if (o->to == LOG_JSON) {
        bool first = true;
        const int status = log_each(o, print_element, &first);
        (void)fputs(first ? "[]\n" : "\n]\n", stdout);
        return status;
    }
    if (o->topic == NULL) {
        return cli_fail(o->usage, CLI_USAGE,
                        "--to csv: of which topic? (--topic frame, decision, ...; see log info)");
    }
    csv *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return cli_fail(o->usage, CLI_ENVIRONMENT, "out of memory");
    }
    const int status = log_each(o, print_row, c);
    free(c);
    return status;
}
