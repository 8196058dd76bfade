/* Maps: reading, and what is told of them. */
#include "common/hp_file.h"
#include "sim-bridge/xodr/xodr_internal.h"

#include <stdlib.h>

void xodr_destroy(xodr_map **map)
{
    xodr_map *m = *map;
    if (m == NULL) {
        return;
    }
    xodr_list *lists[] = {&m->roads,  &m->sections, &m->strips,      &m->geometries,
                          &m->widths, &m->offsets,  &m->connections, &m->lane_links};
    for (size_t i = 0; i < HP_ARRAY_LEN(lists); ++i) {
        free(lists[i]->items);
    }
    free(m->lanes);
    free(m->next);
    free(m->points);
    free(m->lengths);
    free(m->cell_first);
    free(m->cell_piece);
    free(m->piece_lane);
    free(m);
    *map = NULL;
}

static hp_status build(const char *name, xodr_map *map, hp_error *error)
{
    hp_error why = {{0}};
    hp_status st = xodr_sample(map, &why);
    if (st == HP_OK) {
        st = xodr_connect(map, &why);
    }
    if (st == HP_OK && map->n_samples > 0) {
        st = xodr_file_pieces(map, &why);
    } else if (st == HP_OK) {
        st = hp_fail(&why, HP_EWIRE, "a map without lanes for cars or walkers");
    }
    return st == HP_OK ? HP_OK : hp_fail(error, st, "%s: error: %.400s", name, why.text);
}

hp_status xodr_parse(const char *name, const char *text, size_t len, xodr_map **out,
                     hp_error *error)
{
    *out = NULL;
    if (len > XODR_MAX_BYTES) {
        return hp_fail(error, HP_EFULL, "%s: error: a map of more than %d bytes", name,
                       XODR_MAX_BYTES);
    }
    xodr_map *map = calloc(1, sizeof *map);
    if (map == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: error: out of memory", name);
    }
    hp_status st = xodr_document(name, text, len, map, error);
    if (st == HP_OK) {
        st = build(name, map, error);
    }
    if (st != HP_OK) {
        xodr_destroy(&map);
        return st;
    }
    *out = map;
    return HP_OK;
}

hp_status xodr_read(const char *path, xodr_map **out, hp_error *error)
{
    *out = NULL;
    char *text = NULL;
    size_t len = 0;
    hp_status st = hp_file_read(path, XODR_MAX_BYTES, &text, &len, error);
    if (st == HP_OK) {
        st = xodr_parse(path, text, len, out, error);
    }
    free(text);
    return st;
}

xodr_facts xodr_facts_of(const xodr_map *map)
{
    return map->facts;
}

const xodr_lane *xodr_lane_at(const xodr_map *map, uint32_t i)
{
    return &map->lanes[i];
}

uint32_t xodr_next(const xodr_map *map, const xodr_lane *lane, uint32_t k)
{
    return map->next[lane->first_next + k];
}
