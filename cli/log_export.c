#include "cli/log_export.h"

#include "cli/osi_export.h"
#include "cli/osi_mcap.h"
#include "common/hp_clock.h"
#include "common/hp_file.h"
#include "common/hp_text.h"
#include "proto/hp_schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { OSI_BYTES = 64 * 1024, MAX_COLUMNS = 128, COLUMN = 96 };

static bool wanted(const log_options *o, const char *topic)
{
    return o->topic == NULL || strcmp(o->topic, topic) == 0;
}

/** A message as JSON; what is no known schema tells its size. */
static json_t *message_json(const log_message *m)
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
                     "message", message_json(m));
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
    bool any = o->topic == NULL;
    while ((st = log_file_next(file, &m, &error)) == HP_OK) {
        if (wanted(o, m.topic)) {
            use(ctx, &m);
            any = true;
        }
    }
    log_file_close(&file);
    if (st != HP_ENOENT) {
        return cli_fail(o->usage, CLI_FAILED, "%s", error.text);
    }
    return any ? CLI_DONE
               : cli_fail(o->usage, CLI_FAILED,
                          "%s: nothing was recorded on topic '%s' (hyplan log info tells all)",
                          o->path, o->topic);
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

static void print_text(const char *value)
{
    char *line = strdup(value);
    if (line == NULL) {
        return;
    }
    hp_text_line(line, '.');
    (void)putchar('"');
    for (const char *c = line; *c != '\0'; c++) {
        (void)fputs(*c == '"' ? "\"\"" : (char[]){*c, '\0'}, stdout);
    }
    (void)putchar('"');
    free(line);
}

static void print_cell(const json_t *value)
{
    if (json_is_string(value)) {
        print_text(json_string_value(value));
    } else if (json_is_real(value)) {
        (void)printf("%.17g", json_real_value(value));
    } else if (json_is_integer(value)) {
        (void)printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        (void)putchar(json_is_true(value) ? '1' : '0');
    }
}

static void add_column(csv *c, const char *key)
{
    if (c->n < MAX_COLUMNS) { /* those beyond are left out */
        (void)snprintf(c->columns[c->n++], COLUMN, "%s", key);
        (void)printf(",%s", key);
    }
}

static void print_row(void *ctx, const log_message *m)
{
    csv *c = ctx;
    json_t *message = message_json(m);
    json_t *flat = json_object();
    const char *key;
    json_t *value;
    flatten(message, "", flat);
    if (c->n == 0) {
        (void)fputs("time_s", stdout);
        json_object_foreach(flat, key, value)
        {
            add_column(c, key);
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
    (void)json_dumpf(line, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(17));
    json_decref(line);
}

/** Frames become ground truth as soon as their world is known. Into one of two kinds of file. */
typedef struct osi_trace {
    hp_codec *codec;
    hp_message *message;
    hp_world_info world;
    uint8_t *bytes;
    FILE *out;      /* a row of messages */
    osi_mcap *mcap; /* or channels */
    bool has_world;
    uint32_t frames, left_out;
    int64_t base_ns, last_ns; /* worlds follow each other by a second */
    hp_status status;
    hp_error error;
} osi_trace;

static void put_message(osi_trace *t, int64_t stamp_ns, size_t len)
{
    for (unsigned i = 0; i < 4; i++) {
        t->bytes[i] = (uint8_t)(len >> (8 * i));
    }
    if (t->mcap == NULL) {
        (void)fwrite(t->bytes, 1, len + 4, t->out);
    } else if (t->status == HP_OK) {
        t->status = osi_mcap_put(t->mcap, stamp_ns, t->bytes + 4, len, &t->error);
    }
}

static void write_frame(osi_trace *t, const hp_frame *frame)
{
    pb_out out = {.bytes = t->bytes + 4, .cap = OSI_BYTES - 4};
    hp_frame *shifted = &t->message->as_hp_frame;
    if (!t->has_world || frame->world_id != t->world.world_id) {
        t->left_out++;
        return;
    }
    shifted->stamp_ns = hp_clock_later_ns(t->base_ns, frame->stamp_ns);
    osi_ground_truth(&t->world, shifted, &out);
    if (out.full) {
        t->left_out++;
        return;
    }
    t->last_ns = shifted->stamp_ns;
    put_message(t, shifted->stamp_ns, out.len);
    t->frames++;
}

static void take_world(osi_trace *t, const hp_world_info *world)
{
    if (t->has_world && t->world.world_id != world->world_id) {
        t->base_ns = hp_clock_later_ns(t->last_ns, HP_S_NS);
    }
    t->world = *world;
    t->has_world = true;
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
        take_world(t, &t->message->as_hp_world_info);
    } else {
        write_frame(t, &t->message->as_hp_frame);
    }
}

static bool is_mcap(const char *path)
{
    const size_t len = strlen(path);
    return len > 5 && strcmp(path + len - 5, ".mcap") == 0;
}

static hp_status open_trace(osi_trace *t, const char *path)
{
    t->message = malloc(sizeof *t->message);
    t->bytes = malloc(OSI_BYTES);
    if (t->message == NULL || t->bytes == NULL || hp_codec_create(&t->codec) != HP_OK) {
        return hp_fail(&t->error, HP_ENOMEM, "no memory for a trace");
    }
    if (is_mcap(path)) {
        return osi_mcap_open(path, &t->mcap, &t->error);
    }
    t->out = fopen(path, "we");
    return t->out != NULL ? HP_OK : hp_fail(&t->error, HP_EIO, "%s: %s", path, strerror(errno));
}

static hp_status end_trace(osi_trace *t, const char *path)
{
    hp_status st = t->status;
    if (t->mcap != NULL) {
        const hp_status closed = osi_mcap_close(&t->mcap, st == HP_OK ? &t->error : NULL);
        return st == HP_OK ? closed : st;
    }
    const hp_status closed = hp_file_close(&t->out, path, st == HP_OK ? &t->error : NULL);
    return st == HP_OK ? closed : st;
}

/** Nothing is opened to write before there is a recording, and never that itself. */
static int check_paths(const log_options *o, const char *out)
{
    struct stat from;
    struct stat to;
    log_file *file = NULL;
    hp_error error = {{0}};
    if (log_file_open(o->path, &file, &error) != HP_OK) {
        return cli_fail(o->usage, CLI_ENVIRONMENT, "%s", error.text);
    }
    log_file_close(&file);
    if (stat(o->path, &from) == 0 && stat(out, &to) == 0 && from.st_ino == to.st_ino &&
        from.st_dev == to.st_dev) {
        return cli_fail(o->usage, CLI_USAGE, "--out %s: this is the recording; choose another name",
                        out);
    }
    return CLI_DONE;
}

static int run_osi(const log_options *o)
{
    const char *path = o->common.out;
    if (path == NULL) {
        return cli_fail(o->usage, CLI_USAGE, "--to osi: where to? (--out FILE.osi or FILE.mcap)");
    }
    const int checked = check_paths(o, path);
    if (checked != CLI_DONE) {
        return checked;
    }
    osi_trace *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return cli_fail(o->usage, CLI_ENVIRONMENT, "out of memory");
    }
    hp_status st = open_trace(t, path);
    int status = st == HP_OK ? log_each(o, trace_message, t) : CLI_ENVIRONMENT;
    const hp_status ended = end_trace(t, path);
    st = st == HP_OK ? ended : st;
    if (st != HP_OK) {
        status = cli_fail(o->usage, CLI_ENVIRONMENT, "%s", t->error.text);
    } else {
        (void)printf("%s: %" PRIu32 " frames, %" PRIu32 " left out for want of their world\n", path,
                     t->frames, t->left_out);
    }
    hp_codec_destroy(&t->codec);
    free(t->bytes);
    free(t->message);
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
