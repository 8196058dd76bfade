/** @file bench_book.h All rows of a run: kept in memory, and in episodes.csv as they come.
 *  Ownership: the book owns its rows; the settings are copied. Threads: one book, one thread.
 *  Allocation: in create and per row. */
#ifndef BENCH_BOOK_H
#define BENCH_BOOK_H

#include "cli/bench_row.h"
#include "cli/bench_suite.h"
#include "cli/rundir.h"

typedef struct bench_book {
    bench_settings settings;
    bench_row *rows;    /* [n_scenes][n_contenders], all shards; see has */
    char **lines;       /* the same rows as text; NULL: not played */
    bench_times *times; /* [n_contenders][n_scenarios], merged */
    uint32_t n_rows;    /* there */
    bool joined;        /* of several runs with other planners: who drove in two of them is alike */
} bench_book;

HP_NODISCARD hp_status bench_book_create(const bench_settings *settings, bench_book *out);
void bench_book_destroy(bench_book *book);
/** Position of a scene's row; index counts over all shards. */
static inline size_t bench_book_at(const bench_book *book, uint32_t index, uint32_t contender)
{
    return (size_t)index * book->settings.n_contenders + contender;
}
/** The row, or NULL if it was not played. */
const bench_row *bench_book_row(const bench_book *book, uint32_t index, uint32_t contender);
/** Takes a row in; one that is there already is replaced nowhere: HP_EBUSY, but for a joined book
 * and a drive with the same commands, which is passed over. */
HP_NODISCARD hp_status bench_book_add(bench_book *book, const bench_row *row,
                                      const bench_times *times, hp_error *error);
/** Takes in a file's rows. A last line without its end, or no row, was torn by an interruption and
 * is dropped; any other bad line is an error with its place. A missing file holds no rows. */
HP_NODISCARD hp_status bench_book_load(bench_book *book, const char *path, hp_error *error);
/** Writes all rows in order, as a whole. */
HP_NODISCARD hp_status bench_book_save(const bench_book *book, const cli_rundir *dir,
                                       hp_error *error);

#define BENCH_EPISODES "episodes.csv"

#endif
