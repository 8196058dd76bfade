#include "common/hp_yaml_internal.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_SHOWN = 160,  /* bytes of a file's name in an error; of longer ones the end */
    WORD_MAX = 40,     /* longer words have no neighbours */
    PART_MIN = 5,      /* letters of a part of a key that says something ("threshold") */
    FAR_BY_PART = 1000 /* a likeness in one part ranks after any likeness of the whole */
};

hp_status hp_yaml_fail(const hp_source *source, uint32_t line, uint32_t column, const char *format,
                       ...)
{
    char name[NAME_SHOWN + 1];
    char what[sizeof(hp_error)];
    const size_t len = strlen(source->name);
    const bool cut = len > NAME_SHOWN;
    (void)snprintf(name, sizeof name, "%s%s", cut ? "..." : "",
                   cut ? source->name + (len - NAME_SHOWN + 3) : source->name);
    for (char *c = name; *c != '\0'; ++c) {
        if (iscntrl((unsigned char)*c)) {
            *c = '?';
        }
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (!source->has_lines) {
        return hp_fail(source->error, HP_ECONFIG, "%s: error: %s", name, what);
    }
    return hp_fail(source->error, HP_ECONFIG, "%s:%u:%u: error: %s", name, line, column, what);
}

hp_status hp_yaml_out_of_memory(const char *name, hp_error *error)
{
    return hp_fail(error, HP_ENOMEM, "%.*s: error: out of memory", NAME_SHOWN, name);
}

static bool is_tail(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/** Bytes of a code point by its first byte; 0: none starts so. */
static size_t utf8_length(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xc0 || lead >= 0xf8) {
        return 0;
    }
    return lead < 0xe0 ? 2 : (lead < 0xf0 ? 3 : 4);
}

size_t hp_utf8_next(const char *text, size_t len, uint32_t *code)
{
    static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length: no padding */
    const unsigned char lead = (unsigned char)text[0];
    const size_t n = utf8_length(lead);
    if (n == 0 || n > len) {
        return 0;
    }
    if (n == 1) {
        *code = lead;
        return 1;
    }
    uint32_t value = lead & (0x7fU >> n);
    for (size_t i = 1; i < n; ++i) {
        if (!is_tail((unsigned char)text[i])) {
            return 0;
        }
        value = value << 6 | ((unsigned char)text[i] & 0x3fU);
    }
    if (value < SMALLEST[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *code = value;
    return n;
}

bool hp_utf8_allowed(uint32_t code)
{
    if (code < 0x20) {
        return code == '\t' || code == '\n' || code == '\r';
    }
    /* Next line, line and paragraph separator end lines in YAML 1.1 but not in editors. */
    return !(code >= 0x7f && code <= 0x9f) && code != 0x2028 && code != 0x2029 && code != 0xfeff &&
           code != 0xfffe && code != 0xffff;
}

const char *hp_yaml_show(const char *text, size_t len, char out[HP_YAML_SHOW_CAPACITY])
{
    static const char MORE[] = "...";
    const size_t room = HP_YAML_SHOW_CAPACITY - sizeof MORE;
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        const size_t n = hp_utf8_next(text + i, len - i, &code);
        const size_t step = n == 0 ? 1 : n;
        if (used + step > room) {
            memcpy(out + used, MORE, sizeof MORE);
            return out;
        }
        if (n == 0 || code < 0x20 || !hp_utf8_allowed(code)) {
            out[used++] = '?';
        } else {
            memcpy(out + used, text + i, n);
            used += n;
        }
        i += step;
    }
    out[used] = '\0';
    return out;
}

const char *hp_yaml_number(double value, char out[32])
{
    for (int digits = 15; digits <= 17; ++digits) {
        (void)snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value) { /* 17 digits always are */
            break;
        }
    }
    return out;
}

/** Letters compared for likeness: case and the choice of dash do not count. */
static char fold(char c)
{
    return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/** Insertions, deletions, changes and swaps of neighbours from a to b; n_a, n_b <= WORD_MAX. */
static uint32_t edit_distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    uint32_t rows[3][WORD_MAX + 1];
    uint32_t *before = rows[0];
    uint32_t *above = rows[1];
    uint32_t *row = rows[2];
    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j <= n_b; ++j) {
        above[j] = (uint32_t)j;
    }
    for (size_t i = 1; i <= n_a; ++i) {
        row[0] = (uint32_t)i;
        for (size_t j = 1; j <= n_b; ++j) {
            const bool same = fold(a[i - 1]) == fold(b[j - 1]);
            row[j] = min3(row[j - 1] + 1, above[j] + 1, above[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1])) {
                row[j] = min3(row[j], before[j - 2] + 1, row[j]);
            }
        }
        uint32_t *const spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[n_b];
}

/** Smallest distance between a telling part of a and one of b, if small enough; else UINT32_MAX. */
static uint32_t part_distance(const char *a, const char *b)
{
    uint32_t best = UINT32_MAX;
    for (const char *p = a; *p != '\0'; p += strspn(p, "_-")) {
        const size_t n_p = strcspn(p, "_-");
        for (const char *q = b; n_p >= PART_MIN && *q != '\0'; q += strspn(q, "_-")) {
            const size_t n_q = strcspn(q, "_-");
            if (n_q >= PART_MIN) {
                const uint32_t distance = edit_distance(p, n_p, q, n_q);
                best = distance <= n_p / 4 && distance < best ? distance : best;
            }
            q += n_q;
        }
        p += n_p;
    }
    return best;
}

void hp_nearest_try(hp_nearest *nearest, const char *word)
{
    const size_t n_wanted = strlen(nearest->wanted);
    const size_t n_word = strlen(word);
    if (n_wanted == 0 || n_wanted > WORD_MAX || n_word > WORD_MAX) {
        return;
    }
    const size_t shorter = n_wanted < n_word ? n_wanted : n_word;
    uint32_t distance = edit_distance(nearest->wanted, n_wanted, word, n_word);
    if (distance > (shorter + 2) / 3) {
        const bool within = shorter >= 3 && (strstr(word, nearest->wanted) != NULL ||
                                             strstr(nearest->wanted, word) != NULL);
        const uint32_t part = within ? 0 : part_distance(nearest->wanted, word);
        if (part == UINT32_MAX) {
            return;
        }
        distance += FAR_BY_PART * (part + 1);
    }
    if (nearest->word == NULL || distance < nearest->distance) {
        nearest->word = word;
        nearest->distance = distance;
    }
}

void hp_nearest_below(hp_nearest *nearest, const char *prefix, const hp_field *fields)
{
    for (const hp_field *field = fields; field->key != NULL; ++field) {
        char path[sizeof nearest->below];
        if (field->type != HP_FIELD_STRUCT || nearest->below[0] != '\0') {
            continue;
        }
        for (const hp_field *sub = field->sub; sub->key != NULL; ++sub) {
            const int n = snprintf(path, sizeof path, "%s%s.%s", prefix, field->key, sub->key);
            if (strcmp(sub->key, nearest->wanted) == 0 && n > 0 && (size_t)n < sizeof path) {
                memcpy(nearest->below, path, sizeof path);
                return;
            }
        }
        if (snprintf(path, sizeof path, "%s%s.", prefix, field->key) < (int)sizeof path) {
            hp_nearest_below(nearest, path, field->sub);
        }
    }
}

const char *hp_nearest_hint(const hp_nearest *nearest, char out[HP_YAML_SHOW_CAPACITY])
{
    out[0] = '\0';
    if (nearest->below[0] != '\0') {
        (void)snprintf(out, HP_YAML_SHOW_CAPACITY, " (did you mean '%s'?)", nearest->below);
    } else if (nearest->word != NULL) { /* at most WORD_MAX bytes: it is never cut */
        (void)snprintf(out, HP_YAML_SHOW_CAPACITY, " (did you mean '%.*s'?)", WORD_MAX,
                       nearest->word);
    }
    return out;
}

hp_status hp_c_locale_enter(hp_c_locale *scope)
{
    scope->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (scope->c == (locale_t)0) {
        return HP_ENOMEM;
    }
    scope->before = uselocale(scope->c);
    return HP_OK;
}

void hp_c_locale_leave(hp_c_locale *scope)
{
    (void)uselocale(scope->before);
    freelocale(scope->c);
}
