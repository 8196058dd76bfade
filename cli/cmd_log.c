/* hyplan log: looks into recordings. */
#include "cli/commands.h"
#include "cli/log_carla.h"
#include "cli/log_export.h"
#include "cli/table.h"
#include "common/hp_text.h"
#include "sim-bridge/carla/carla_drive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_usage USAGE = {
    .command = "log",
    .synopsis = "log info|ls|cat|trace TICK|export|recover FILE [options]",
    .summary =
        "Looks into an MCAP recording: what is in it (info), its messages line by line (ls) or as\n"
        "JSON lines (cat), everything about one tick (trace TICK FILE), one topic as a table\n"
        "(export --to csv --topic decision), all as JSON, or the frames as an ASAM OSI trace\n"
        "(export --to osi --out FILE.osi); recover writes what can still be read\n"
        "of a damaged file into --out NEW.mcap.",
    .example = "hyplan log cat --topic decision runs/x/run.mcap",
    .out = "FILE        recover, export --to osi: what to write",
    .without = CLI_NO_CONFIG | CLI_NO_SEED | CLI_NO_DATA | CLI_NO_JOBS,
};

enum { MAX_TOPICS = 256 };
static const char *const FORMATS[] = {"csv", "json", "osi", NULL};

/* ---- info ---- */

typedef struct topic_count {
    char topic[128], schema[128];
    uint64_t messages, bytes;
} topic_count;

typedef struct info {
    topic_count topics[MAX_TOPICS];
    size_t n_topics;
    uint64_t messages, first_ns, last_ns, chunks, compressed, uncompressed;
    json_t *attachments, *metadata;
} info;

static void count_message(info *i, const log_message *m)
{
    size_t k = 0;
    while (k < i->n_topics && strcmp(i->topics[k].topic, m->topic) != 0) {
        k++;
    }
    i->first_ns = i->messages == 0 || m->time_ns < i->first_ns ? m->time_ns : i->first_ns;
    i->last_ns = m->time_ns > i->last_ns ? m->time_ns : i->last_ns;
    i->messages++;
    if (k == MAX_TOPICS) {
        return; /* counted in the sum only */
    }
    topic_count *t = &i->topics[k];
    if (k == i->n_topics) {
        i->n_topics++;
        (void)snprintf(t->topic, sizeof t->topic, "%s", m->topic);
        (void)snprintf(t->schema, sizeof t->schema, "%s", m->schema);
    }
    t->messages++;
    t->bytes += m->data.len;
}

static json_t *bytes_text(hp_mcap_bytes b)
{
    json_t *text = json_stringn((const char *)b.data, (size_t)b.len);
    return text != NULL ? text : json_string("?"); /* not UTF-8 */
}

static void count_record(info *i, const log_file *file, const hp_mcap_record *r)
{
    log_message m;
    hp_mcap_bytes key;
    hp_mcap_bytes value;
    if (r->op == HP_MCAP_MESSAGE && log_file_resolve(file, &r->as.message, &m)) {
        count_message(i, &m);
    } else if (r->op == HP_MCAP_CHUNK) {
        i->chunks++;
        i->compressed += r->as.chunk.records.len;
        i->uncompressed += r->as.chunk.uncompressed_size;
    } else if (r->op == HP_MCAP_ATTACHMENT) {
        (void)json_array_append_new(
            i->attachments, json_pack("{s:o, s:o, s:I}", "name", bytes_text(r->as.attachment.name),
                                      "type", bytes_text(r->as.attachment.media_type), "bytes",
                                      (json_int_t)r->as.attachment.data.len));
    } else if (r->op == HP_MCAP_METADATA) {
        hp_mcap_bytes map = r->as.metadata.entries;
        json_t *entries = json_object();
        while (hp_mcap_next_text(&map, &key, &value)) {
            (void)json_object_setn_new(entries, (const char *)key.data, (size_t)key.len,
                                       bytes_text(value));
        }
        (void)json_array_append_new(
            i->metadata,
            json_pack("{s:o, s:o}", "name", bytes_text(r->as.metadata.name), "entries", entries));
    }
}

static json_t *info_json(const info *i, const char *path, bool complete)
{
    json_t *topics = json_array();
    for (size_t k = 0; k < i->n_topics; k++) {
        (void)json_array_append_new(
            topics, json_pack("{s:s, s:s, s:I, s:I}", "topic", i->topics[k].topic, "schema",
                              i->topics[k].schema, "messages", (json_int_t)i->topics[k].messages,
                              "bytes", (json_int_t)i->topics[k].bytes));
    }
    return json_pack("{s:s, s:b, s:I, s:f, s:I, s:I, s:I, s:o, s:O, s:O}", "file", path, "complete",
                     complete, "messages", (json_int_t)i->messages, "duration_s",
                     (double)(i->last_ns - i->first_ns) * 1e-9, "chunks", (json_int_t)i->chunks,
                     "compressed_bytes", (json_int_t)i->compressed, "uncompressed_bytes",
                     (json_int_t)i->uncompressed, "topics", topics, "attachments", i->attachments,
                     "metadata", i->metadata);
}

/** A text of the file for people: without orders to their terminals. */
static void print_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        (void)putchar(hp_text_is_control(*text) ? '.' : *text);
    }
}

static void print_info(const info *i, const char *path)
{
    table t;
    size_t k;
    json_t *item;
    (void)printf("%s: %" PRIu64 " messages in %.2f s, %" PRIu64 " chunks, %.2f MB of %.2f MB\n\n",
                 path, i->messages, (double)(i->last_ns - i->first_ns) * 1e-9, i->chunks,
                 (double)i->compressed * 1e-6, (double)i->uncompressed * 1e-6);
    table_init(&t, 4);
    table_cell(&t, "topic");
    table_cell(&t, "messages");
    table_cell(&t, "kB");
    table_cell(&t, "schema");
    for (k = 0; k < i->n_topics; k++) {
        table_cell(&t, "%s", i->topics[k].topic);
        table_cell(&t, "%" PRIu64, i->topics[k].messages);
        table_cell(&t, "%.1f", (double)i->topics[k].bytes * 1e-3);
        table_cell(&t, "%s", i->topics[k].schema);
    }
    table_print(&t, stdout);
    table_free(&t);
    json_array_foreach(i->attachments, k, item)
    {
        (void)fputs(k == 0 ? "\nattached: " : ", ", stdout);
        print_plain(json_string_value(json_object_get(item, "name")));
        (void)printf(" (%" JSON_INTEGER_FORMAT " bytes)",
                     json_integer_value(json_object_get(item, "bytes")));
    }
    json_array_foreach(i->metadata, k, item)
    {
        char *text = json_dumps(json_object_get(item, "entries"), JSON_COMPACT);
        (void)putchar('\n');
        print_plain(json_string_value(json_object_get(item, "name")));
        (void)printf(": %s", text != NULL ? text : "");
        free(text);
    }
    (void)putchar('\n');
}

static int run_info(const log_options *o)
{
    if (carla_drive_is_log(o->path)) {
        return log_carla_info(&USAGE, o->path, o->common.json);
    }
    log_file *file = NULL;
    hp_mcap_record r;
    hp_error error = {{0}};
    info *i = calloc(1, sizeof *i);
    if (i == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    hp_status st = log_file_open(o->path, &file, &error);
    if (st != HP_OK) {
        free(i);
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "%s", error.text);
    }
    i->attachments = json_array();
    i->metadata = json_array();
    while ((st = log_file_record(file, &r, &error)) == HP_OK) {
        count_record(i, file, &r);
    }
    log_file_close(&file);
    if (o->common.json) {
        json_t *json = info_json(i, o->path, st == HP_ENOENT);
        (void)json_dumpf(json, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(json);
    } else {
        print_info(i, o->path);
    }
    json_decref(i->attachments);
    json_decref(i->metadata);
    free(i);
    return st == HP_ENOENT ? CLI_DONE : cli_fail(&USAGE, CLI_FAILED, "%s", error.text);
}

/* ---- ls, cat, trace ---- */

static void print_line(void *ctx, const log_message *m)
{
    (void)ctx;
    (void)printf("%.6f %-16s %6" PRIu32 " %8" PRIu64 " bytes %s\n", (double)m->time_ns * 1e-9,
                 m->topic, m->sequence, m->data.len, m->schema);
}

static void dump(json_t *json, size_t flags)
{
    (void)json_dumpf(json, stdout, flags | JSON_REAL_PRECISION(17));
    (void)putchar('\n');
    json_decref(json);
}

static void print_json(void *ctx, const log_message *m)
{
    (void)ctx;
    dump(log_line_json(m), JSON_COMPACT);
}

typedef struct trace {
    uint64_t tick;
    uint32_t found;
} trace;

static void print_tick(void *ctx, const log_message *m)
{
    trace *t = ctx;
    json_t *line = log_line_json(m);
    const json_t *tick = json_object_get(json_object_get(line, "message"), "tick");
    if (json_is_integer(tick) && (uint64_t)json_integer_value(tick) == t->tick) {
        t->found++;
        dump(line, JSON_INDENT(2));
    } else {
        json_decref(line);
    }
}

static int run_trace(const log_options *o)
{
    trace t = {.tick = o->tick};
    const int status = log_each(o, print_tick, &t);
    return status == CLI_DONE && t.found == 0
               ? cli_fail(&USAGE, CLI_FAILED, "%s: nothing is recorded about tick %" PRIu64,
                          o->path, o->tick)
               : status;
}

static int run_attachment(const log_options *o)
{
    char *text = NULL;
    size_t len = 0;
    hp_error error = {{0}};
    if (log_file_attachment(o->path, o->attachment, &text, &len, &error) != HP_OK) {
        return cli_fail(&USAGE, CLI_FAILED, "%s", error.text);
    }
    (void)fwrite(text, 1, len, stdout);
    free(text);
    return CLI_DONE;
}

/* ---- recover ---- */

static int say_recovered(const log_options *o, const hp_mcap_recovered *r)
{
    if (r->complete) {
        (void)printf("%s: nothing was wrong with it; %" PRIu64 " messages copied\n", o->path,
                     r->messages);
        return CLI_DONE;
    }
    (void)printf("%s\n%" PRIu64 " messages, %" PRIu32 " attachments saved; %" PRIu32
                 " records lost, %" PRIu64 " messages without a channel\n",
                 r->first.text, r->messages, r->attachments, r->damaged, r->orphans);
    return r->messages > 0 ? CLI_DONE : CLI_FAILED;
}

static int run_recover(const log_options *o)
{
    hp_mcap_source source;
    hp_mcap_recovered r;
    hp_error error = {{0}};
    if (o->common.out == NULL || strcmp(o->common.out, o->path) == 0) {
        return cli_fail(&USAGE, CLI_USAGE, "recover: where to? (--out NEW.mcap)");
    }
    int in = open(o->path, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "%s: %s", o->path, strerror(errno));
    }
    const int out = open(o->common.out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (out < 0) {
        const int why = errno;
        (void)close(in);
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "%s: %s", o->common.out, strerror(why));
    }
    hp_mcap_file_sink file = {.fd = out, .path = o->common.out};
    const hp_mcap_sink sink = {hp_mcap_file_append, &file};
    const hp_mcap_options options = hp_mcap_options_default();
    hp_status st = hp_mcap_source_file(&in, o->path, &source, &error);
    if (st == HP_OK) {
        st = hp_mcap_recover(&source, &options, &sink, &r, &error);
    }
    (void)close(in);
    if (close(out) != 0 && st == HP_OK) {
        st = hp_fail(&error, HP_EIO, "%s: %s", o->common.out, strerror(errno));
    }
    if (st != HP_OK) {
        (void)unlink(o->common.out);
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "%s", error.text);
    }
    return say_recovered(o, &r);
}

/* ---- Which ---- */

static int run_verb(const char *verb, const log_options *o)
{
    if (strcmp(verb, "info") == 0) {
        return run_info(o);
    }
    if (strcmp(verb, "ls") == 0) {
        return log_each(o, print_line, NULL);
    }
    if (strcmp(verb, "cat") == 0) {
        return o->attachment != NULL ? run_attachment(o) : log_each(o, print_json, NULL);
    }
    if (strcmp(verb, "trace") == 0) {
        return run_trace(o);
    }
    return strcmp(verb, "export") == 0 ? log_export(o) : run_recover(o);
}

int cmd_log(int argc, char **argv)
{
    static const char *const VERBS[] = {"info", "ls", "cat", "trace", "export", "recover"};
    log_options o = {.usage = &USAGE, .to = LOG_CSV};
    cli_texts rest;
    const cli_flag flags[] = {
        {.name = "topic",
         .type = CLI_FLAG_TEXT,
         .target = &o.topic,
         .arg = "NAME",
         .help = "this topic only"},
        {.name = "to",
         .type = CLI_FLAG_WORD,
         .target = &o.to,
         .arg = "csv|json|osi",
         .help = "export: one topic's scalars as a table, everything, or ground truth",
         .words = FORMATS},
        {.name = "attachment",
         .type = CLI_FLAG_TEXT,
         .target = &o.attachment,
         .arg = "NAME",
         .help = "cat: an attached file, as it was"},
        {.name = NULL},
    };
    const int status = cli_parse(&USAGE, flags, argc, argv, &o.common, &rest);
    if (status != CLI_GO) {
        return status;
    }
    const char *verb = rest.n > 0 ? rest.items[0] : "";
    const char *near = cli_nearest(verb, VERBS, HP_ARRAY_LEN(VERBS));
    char hint[CLI_HINT];
    if (rest.n == 0) {
        return cli_fail(&USAGE, CLI_USAGE, "which? hyplan %s", USAGE.synopsis);
    }
    if (near == NULL || strcmp(near, verb) != 0) {
        return cli_fail(&USAGE, CLI_USAGE,
                        "'%s' is none of info, ls, cat, trace, export, recover%s", verb,
                        cli_hint(verb, VERBS, HP_ARRAY_LEN(VERBS), hint));
    }
    const bool traces = strcmp(verb, "trace") == 0;
    if (rest.n != (traces ? 3u : 2u)) {
        return cli_fail(&USAGE, CLI_USAGE, "usage: hyplan log %s%s FILE", verb,
                        traces ? " TICK" : "");
    }
    if (traces && !cli_read_u64(rest.items[1], 0, UINT32_MAX, &o.tick)) {
        return cli_fail(&USAGE, CLI_USAGE,
                        "trace: '%s' is no tick; usage: hyplan log trace TICK FILE", rest.items[1]);
    }
    o.path = rest.items[rest.n - 1];
    const bool writes =
        strcmp(verb, "recover") == 0 || (strcmp(verb, "export") == 0 && o.to == LOG_OSI);
    return o.common.out == NULL || writes
               ? run_verb(verb, &o)
               : cli_fail(&USAGE, CLI_USAGE,
                          "--out: this goes to standard output; write > %s instead", o.common.out);
}
