#include "cli/log_file.h"
#include "common/hp_text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT = 128, MAX_CHANNELS = 4096 };

typedef struct log_schema {
    uint16_t id;
    char name[TEXT];
} log_schema;

typedef struct log_channel {
    uint16_t id, schema_id;
    char topic[TEXT], encoding[32];
} log_channel;

struct log_file {
    int fd;
    hp_mcap_reader *reader;
    log_schema *schemas;
    log_channel *channels;
    size_t n_schemas, n_channels;
};

static bool is_utf8(const char *text)
{
    json_t *json = json_string(text);
    const bool good = json != NULL;
    json_decref(json);
    return good;
}

/** What is longer is cut; what is not printable becomes a dot, for it goes to terminals; so does
 * what is no UTF-8, for it goes into JSON. */
static void copy_text(char *to, size_t cap, hp_mcap_bytes from)
{
    const size_t n = from.len < cap - 1 ? (size_t)from.len : cap - 1;
    if (n > 0) { /* there may be no data to point to */
        memcpy(to, from.data, n);
    }
    to[n] = '\0';
    hp_text_line(to, n, '.');
    if (!is_utf8(to)) {
        hp_text_plain(to, '.');
    }
}

hp_status log_file_open(const char *path, log_file **out, hp_error *error)
{
    hp_mcap_source source;
    struct stat about;
    log_file *f = calloc(1, sizeof *f);
    *out = NULL;
    if (f == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory to read %s", path);
    }
    f->schemas = calloc(MAX_CHANNELS, sizeof *f->schemas);
    f->channels = calloc(MAX_CHANNELS, sizeof *f->channels);
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    hp_status st = HP_OK;
    if (f->schemas == NULL || f->channels == NULL) {
        st = hp_fail(error, HP_ENOMEM, "no memory to read %s", path);
    } else if (f->fd < 0) {
        st = hp_fail(error, HP_ENOENT, "%s: %s", path, strerror(errno));
    } else if (fstat(f->fd, &about) == 0 && S_ISDIR(about.st_mode)) {
        st = hp_fail(error, HP_EIO, "%.200s: a directory; a run's recording is %.200s/run.mcap",
                     path, path);
    } else {
        st = hp_mcap_source_file(&f->fd, path, &source, error);
    }
    if (st == HP_OK) {
        st = hp_mcap_reader_create(&source, &f->reader, error);
    }
    if (st != HP_OK) {
        log_file_close(&f);
        return st;
    }
    *out = f;
    return HP_OK;
}

void log_file_close(log_file **file)
{
    log_file *f = *file;
    if (f != NULL) {
        hp_mcap_reader_destroy(&f->reader);
        if (f->fd >= 0) {
            (void)close(f->fd);
        }
        free(f->schemas);
        free(f->channels);
        free(f);
        *file = NULL;
    }
}

static const log_schema *find_schema(const log_file *f, uint16_t id)
{
    for (size_t i = 0; i < f->n_schemas; i++) {
        if (f->schemas[i].id == id) {
            return &f->schemas[i];
        }
    }
    return NULL;
}

static const log_channel *find_channel(const log_file *f, uint16_t id)
{
    for (size_t i = 0; i < f->n_channels; i++) {
        if (f->channels[i].id == id) {
            return &f->channels[i];
        }
    }
    return NULL;
}

static void learn(log_file *f, const hp_mcap_record *r)
{
    if (r->op == HP_MCAP_SCHEMA && f->n_schemas < MAX_CHANNELS &&
        find_schema(f, r->as.schema.id) == NULL) {
        log_schema *s = &f->schemas[f->n_schemas++];
        s->id = r->as.schema.id;
        copy_text(s->name, sizeof s->name, r->as.schema.name);
    }
    if (r->op == HP_MCAP_CHANNEL && f->n_channels < MAX_CHANNELS &&
        find_channel(f, r->as.channel.id) == NULL) {
        log_channel *c = &f->channels[f->n_channels++];
        c->id = r->as.channel.id;
        c->schema_id = r->as.channel.schema_id;
        copy_text(c->topic, sizeof c->topic, r->as.channel.topic);
        copy_text(c->encoding, sizeof c->encoding, r->as.channel.message_encoding);
    }
}

hp_status log_file_record(log_file *f, hp_mcap_record *out, hp_error *error)
{
    const hp_status st = hp_mcap_next(f->reader, out, error);
    if (st == HP_OK) {
        learn(f, out);
    }
    return st;
}

bool log_file_resolve(const log_file *f, const hp_mcap_message *m, log_message *out)
{
    const log_channel *c = find_channel(f, m->channel_id);
    if (c == NULL) {
        return false;
    }
    const log_schema *s = find_schema(f, c->schema_id);
    *out = (log_message){.topic = c->topic,
                         .schema = s != NULL ? s->name : "",
                         .encoding = c->encoding,
                         .time_ns = m->log_ns,
                         .sequence = m->sequence,
                         .data = m->data};
    return true;
}

hp_status log_file_next(log_file *f, log_message *out, hp_error *error)
{
    hp_mcap_record r;
    for (;;) {
        const hp_status st = log_file_record(f, &r, error);
        if (st != HP_OK || (r.op == HP_MCAP_MESSAGE && log_file_resolve(f, &r.as.message, out))) {
            return st;
        }
    }
}

hp_status log_file_attachment(const char *path, const char *name, char **text, size_t *len,
                              hp_error *error)
{
    log_file *f = NULL;
    hp_mcap_record r;
    *text = NULL;
    *len = 0;
    hp_status st = log_file_open(path, &f, error);
    if (st != HP_OK || f == NULL) {
        return st;
    }
    do {
        st = log_file_record(f, &r, error);
    } while (st == HP_OK &&
             !(r.op == HP_MCAP_ATTACHMENT && hp_mcap_is(r.as.attachment.name, name)));
    if (st == HP_OK) {
        *len = (size_t)r.as.attachment.data.len;
        *text = malloc(*len + 1);
    }
    if (st == HP_OK && *text != NULL) {
        memcpy(*text, r.as.attachment.data.data, *len);
        (*text)[*len] = '\0';
    } else if (st == HP_OK) {
        st = hp_fail(error, HP_ENOMEM, "no memory for %s of %s", name, path);
    } else if (st == HP_ENOENT) {
        (void)hp_fail(error, st, "%s: nothing called %s is attached", path, name);
    }
    log_file_close(&f);
    return st;
}
