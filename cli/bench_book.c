#include "cli/bench_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t n_slots(const bench_book *book)
{
    return (size_t)book->settings.n_scenes * book->settings.n_contenders;
}

hp_status bench_book_create(const bench_settings *settings, bench_book *out)
{
    memset(out, 0, sizeof *out);
    out->settings = *settings;
    out->rows = calloc(n_slots(out), sizeof *out->rows);
    out->lines = calloc(n_slots(out), sizeof *out->lines);
    out->times = calloc((size_t)settings->n_contenders * settings->n_scenarios, sizeof *out->times);
    if (out->rows == NULL || out->lines == NULL || out->times == NULL) {
        bench_book_destroy(out);
        return HP_ENOMEM;
    }
    return HP_OK;
}

void bench_book_destroy(bench_book *book)
{
    for (size_t i = 0; book->lines != NULL && i < n_slots(book); i++) {
        free(book->lines[i]);
    }
    free(book->lines);
    free(book->rows);
    free(book->times);
    memset(book, 0, sizeof *book);
}

const bench_row *bench_book_row(const bench_book *book, uint32_t index, uint32_t contender)
{
    const size_t at = bench_book_at(book, index, contender);
    return book->lines[at] == NULL ? NULL : &book->rows[at];
}

static uint32_t scenario_find(const bench_settings *s, const char *id)
{
    uint32_t i = 0;
    while (i < s->n_scenarios && strcmp(s->scenarios[i], id) != 0) {
        i++;
    }
    return i;
}

static char *row_text(const bench_row *row, const bench_times *times)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    bench_row_write(row, times, out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

hp_status bench_book_add(bench_book *book, const bench_row *row, const bench_times *times,
                         hp_error *error)
{
    const bench_settings *s = &book->settings;
    const uint32_t contender = bench_contender_find(s, row->planner);
    const uint32_t scenario = scenario_find(s, row->scenario);
    if (row->index >= s->n_scenes || contender == s->n_contenders || scenario == s->n_scenarios) {
        return hp_fail(error, HP_EINVAL, "scene %u of '%s' by '%s' is not part of this run",
                       row->index, row->scenario, row->planner);
    }
    const size_t at = bench_book_at(book, row->index, contender);
    bench_times *sum = &book->times[(size_t)contender * s->n_scenarios + scenario];
    if (book->lines[at] != NULL) {
        const bool alike = book->rows[at].command_hash == row->command_hash &&
                           book->rows[at].verdict == row->verdict;
        if (book->joined && alike) {
            return HP_OK;
        }
        return hp_fail(error, HP_EBUSY, "scene %u of '%s' by '%s' is there twice%s", row->index,
                       row->scenario, row->planner, alike ? "" : " and was driven otherwise");
    }
    book->lines[at] = row_text(row, times);
    if (book->lines[at] == NULL) {
        return hp_fail(error, HP_ENOMEM, "out of memory");
    }
    book->rows[at] = *row;
    book->n_rows++;
    stats_times_merge(&sum->decision, &times->decision);
    stats_times_merge(&sum->search, &times->search);
    return HP_OK;
}

/* A row as read, too large for the stack. */
typedef struct parsed {
    bench_row row;
    bench_times times;
} parsed;

static hp_status load_lines(bench_book *book, const char *path, FILE *in, parsed *p,
                            hp_error *error)
{
    hp_status status = HP_OK;
    char *line = NULL;
    size_t cap = 0;
    unsigned number = 0;
    for (ssize_t n = 0; status == HP_OK && (n = getline(&line, &cap, in)) > 0;) {
        hp_error why = {{0}};
        const int next = getc(in);
        const bool last = next == EOF;
        const bool whole = line[n - 1] == '\n';
        number++;
        (void)ungetc(next, in);
        if (number == 1 || !whole) {
            continue; /* the heading, or a line that an interruption tore */
        }
        line[n - 1] = '\0';
        status = bench_row_read(line, &p->row, &p->times, &why);
        if (status != HP_OK && last) {
            status = HP_OK;
            break;
        }
        if (status == HP_OK) {
            status = bench_book_add(book, &p->row, &p->times, &why);
        }
        if (status != HP_OK) {
            (void)hp_fail(error, status, "%s:%u: error: %.400s", path, number, why.text);
        }
    }
    free(line);
    return status;
}

hp_status bench_book_load(bench_book *book, const char *path, hp_error *error)
{
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return errno == ENOENT
                   ? HP_OK
                   : hp_fail(error, HP_EIO, "%s: cannot read: %s", path, strerror(errno));
    }
    parsed *p = malloc(sizeof *p);
    const hp_status status = p == NULL ? hp_fail(error, HP_ENOMEM, "out of memory")
                                       : load_lines(book, path, in, p, error);
    free(p);
    (void)fclose(in);
    return status;
}

hp_status bench_book_save(const bench_book *book, const cli_rundir *dir, hp_error *error)
{
    cli_draft draft;
    const hp_status status = cli_draft_open(&draft, error);
    if (status != HP_OK) {
        return status;
    }
    bench_row_heading(draft.out);
    for (size_t i = 0; i < n_slots(book); i++) {
        if (book->lines[i] != NULL) {
            (void)fputs(book->lines[i], draft.out);
        }
    }
    return cli_draft_write(&draft, dir, BENCH_EPISODES, error);
}
