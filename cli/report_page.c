#include "cli/report.h"
#include "common/hp_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cli/page/report.html, built in. */
extern const unsigned char HP_REPORT_HTML[];
extern const unsigned HP_REPORT_HTML_LEN;

static const char MARK[] = "/*DATA*/";

/** JSON without '<', which a page could take for the end of its script. */
static void print_json(const json_t *json, FILE *out)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9));
    for (const char *c = text; c != NULL && *c != '\0'; c++) {
        if (*c == '<') {
            (void)fputs("\\u003c", out);
        } else {
            (void)fputc(*c, out);
        }
    }
    free(text);
}

json_t *report_seed(const json_t *object)
{
    char text[24];
    const json_t *seed = json_object_get(object, "seed");
    (void)snprintf(text, sizeof text, "%" PRIu64, (uint64_t)json_integer_value(seed));
    return json_is_integer(seed) ? json_string(text) : json_null();
}

json_t *report_name(const char *path)
{
    json_t *name = json_string(path);
    char *plain = name == NULL ? strdup(path) : NULL;
    if (plain != NULL) {
        hp_text_plain(plain, '?');
        name = json_string(plain);
        free(plain);
    }
    return name;
}

hp_status report_page(const json_t *data, const json_t *other, char **html, size_t *len,
                      hp_error *error)
{
    const char *page = (const char *)HP_REPORT_HTML;
    const char *mark = NULL;
    for (size_t i = 0; i + sizeof MARK - 1 <= HP_REPORT_HTML_LEN && mark == NULL; i++) {
        mark = memcmp(page + i, MARK, sizeof MARK - 1) == 0 ? page + i : NULL;
    }
    *html = NULL;
    FILE *out = open_memstream(html, len);
    if (out == NULL || mark == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the page");
    }
    const size_t head = (size_t)(mark - page);
    (void)fwrite(page, 1, head, out);
    (void)fputs("{\"data\":", out);
    print_json(data, out);
    if (other != NULL) {
        (void)fputs(",\"other\":", out);
        print_json(other, out);
    }
    (void)fputc('}', out);
    (void)fwrite(mark + sizeof MARK - 1, 1, HP_REPORT_HTML_LEN - head - (sizeof MARK - 1), out);
    const bool bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad) {
        free(*html);
        *html = NULL;
        return hp_fail(error, HP_ENOMEM, "no memory for the page");
    }
    return HP_OK;
}
