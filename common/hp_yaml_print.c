#include "common/hp_yaml.h"

#include "common/hp_yaml_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

enum {
    COMMENT_COLUMN = 40, /* comments line up where values allow */
    INDENT = 2
};

/** A line being printed. */
typedef struct printer {
    FILE *out;
    bool comments;
    int column; /* characters of the line so far, counted as bytes */
} printer;

static void put(printer *p, const char *format, ...) HP_PRINTF(2, 3);

/** Failures stay with the stream: hp_config_print asks it once, at the end. */
static void put(printer *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vfprintf(p->out, format, args);
    va_end(args);
    p->column += n > 0 ? n : 0;
}

static hp_status put_double(printer *p, const unsigned char *at)
{
    double value = 0.0;
    char text[32];
    memcpy(&value, at, sizeof value);
    if (!isfinite(value)) {
        return HP_EINVAL; /* would not be read back */
    }
    put(p, "%s", hp_yaml_number(value, text));
    return HP_OK;
}

/** In double quotes, so that no word, number or sign in it is taken for YAML. */
static hp_status put_string(printer *p, const char *text, size_t capacity)
{
    const char *end = memchr(text, '\0', capacity);
    if (end == NULL) {
        return HP_EINVAL;
    }
    put(p, "\"");
    while (text < end) {
        uint32_t code = 0;
        const size_t n = hp_utf8_next(text, (size_t)(end - text), &code);
        if (n == 0) {
            return HP_EINVAL;
        }
        if (code == '"' || code == '\\') {
            put(p, "\\%c", (int)code);
        } else if (code >= 0x20 && hp_utf8_allowed(code)) {
            put(p, "%.*s", (int)n, text);
        } else {
            put(p, "\\u%04" PRIX32, code); /* what is not allowed lies below U+10000 */
        }
        text += n;
    }
    put(p, "\"");
    return HP_OK;
}

static hp_status put_word(printer *p, const hp_field *field, const unsigned char *at)
{
    uint32_t index = 0;
    memcpy(&index, at, sizeof index);
    for (uint32_t i = 0; field->names[i] != NULL; ++i) {
        if (i == index) {
            put(p, "%s", field->names[i]);
            return HP_OK;
        }
    }
    return HP_EINVAL;
}

static hp_status put_doubles(printer *p, const hp_field *field, const unsigned char *base)
{
    uint32_t count = 0;
    hp_status status = HP_OK;
    memcpy(&count, base + field->count_offset, sizeof count);
    if (count > field->capacity) {
        return HP_EINVAL;
    }
    put(p, "[");
    for (uint32_t i = 0; status == HP_OK && i < count; ++i) {
        put(p, "%s", i == 0 ? "" : ", ");
        status = put_double(p, base + field->offset + i * sizeof(double));
    }
    put(p, "]");
    return status;
}

static hp_status put_value(printer *p, const hp_field *field, const unsigned char *base)
{
    const unsigned char *at = base + field->offset;
    uint32_t small = 0;
    bool truth = false;
    switch (field->type) {
    case HP_FIELD_DOUBLE:
        return put_double(p, at);
    case HP_FIELD_UINT:
        memcpy(&small, at, sizeof small);
        put(p, "%" PRIu32, small);
        return HP_OK;
    case HP_FIELD_BOOL:
        memcpy(&truth, at, sizeof truth);
        put(p, "%s", truth ? "true" : "false");
        return HP_OK;
    case HP_FIELD_STRING:
        return put_string(p, (const char *)at, field->capacity);
    case HP_FIELD_ENUM:
        return put_word(p, field, at);
    case HP_FIELD_DOUBLES:
        return put_doubles(p, field, base);
    case HP_FIELD_STRUCT:
    case HP_FIELD_STRUCTS:
        break;
    }
    return HP_EINVAL;
}

static void put_range(printer *p, const hp_field *field)
{
    const bool numbers = field->type == HP_FIELD_DOUBLE || field->type == HP_FIELD_DOUBLES ||
                         field->type == HP_FIELD_UINT;
    char low[32];
    char high[32];
    if (field->unit != NULL) {
        put(p, " %s", field->unit);
    }
    if (numbers && isfinite(field->min) && isfinite(field->max)) {
        put(p, " [%s, %s]", hp_yaml_number(field->min, low), hp_yaml_number(field->max, high));
    }
    for (uint32_t i = 0; field->type == HP_FIELD_ENUM && field->names[i] != NULL; ++i) {
        put(p, "%s%s", i == 0 ? " " : " | ", field->names[i]);
    }
}

/** "# help; unit [min, max]" to the end of the line. */
static void end_line(printer *p, const hp_field *field)
{
    const bool ranged = field->type != HP_FIELD_BOOL && field->type != HP_FIELD_STRING &&
                        field->type != HP_FIELD_STRUCT && field->type != HP_FIELD_STRUCTS;
    if (p->comments && (field->help != NULL || ranged || field->unit != NULL)) {
        put(p, "%*s #", p->column < COMMENT_COLUMN ? COMMENT_COLUMN - p->column : 0, "");
        if (field->help != NULL) {
            put(p, " %s%s", field->help, ranged || field->unit != NULL ? ";" : "");
        }
        put_range(p, field);
    }
    put(p, "\n");
    p->column = 0;
}

static hp_status put_fields(printer *p, const hp_field *fields, const unsigned char *base,
                            int indent, bool entry);

static hp_status put_structs(printer *p, const hp_field *field, const unsigned char *base,
                             int indent)
{
    uint32_t count = 0;
    hp_status status = HP_OK;
    memcpy(&count, base + field->count_offset, sizeof count);
    if (count > field->capacity) {
        return HP_EINVAL;
    }
    put(p, "%s", count == 0 ? " []" : "");
    end_line(p, field);
    for (uint32_t i = 0; status == HP_OK && i < count; ++i) {
        status = put_fields(p, field->sub, base + field->offset + i * field->stride,
                            indent + 2 * INDENT, true);
    }
    return status;
}

/** One line a field; an entry of a list has its dash before the first. */
static hp_status put_fields(printer *p, const hp_field *fields, const unsigned char *base,
                            int indent, bool entry)
{
    hp_status status = HP_OK;
    for (const hp_field *field = fields; status == HP_OK && field->key != NULL; ++field) {
        const bool dash = entry && field == fields;
        put(p, "%*s%s%s:", dash ? indent - INDENT : indent, "", dash ? "- " : "", field->key);
        if (field->type == HP_FIELD_STRUCT) {
            end_line(p, field);
            status = put_fields(p, field->sub, base + field->offset, indent + INDENT, false);
        } else if (field->type == HP_FIELD_STRUCTS) {
            status = put_structs(p, field, base, indent);
        } else {
            put(p, " ");
            status = put_value(p, field, base);
            end_line(p, field);
        }
    }
    return status;
}

hp_status hp_config_print(FILE *out, const hp_section *sections, size_t n, bool comments)
{
    printer p = {.out = out, .comments = comments};
    hp_c_locale locale;
    hp_status status = hp_c_locale_enter(&locale);
    if (status != HP_OK) {
        return status;
    }
    for (size_t i = 0; status == HP_OK && i < n; ++i) {
        put(&p, "%s:\n", sections[i].name);
        p.column = 0;
        status = put_fields(&p, sections[i].fields, sections[i].target, INDENT, false);
    }
    hp_c_locale_leave(&locale);
    return status == HP_OK && (fflush(out) != 0 || ferror(out)) ? HP_EIO : status;
}
