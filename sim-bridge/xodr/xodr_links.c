/* Who follows whom: along a road's sections, from road to road, and through junctions. */
#include "common/hp_search.h"
#include "sim-bridge/xodr/xodr_internal.h"

#include <stdlib.h>

#define GAP_M 2.0 /* ends of linked lanes lie at most this far apart */

typedef struct linker {
    xodr_map *map;
    xodr_list next; /* of uint32_t */
    bool full;
} linker;

static const xodr_road *road_by_id(const xodr_map *map, uint32_t id)
{
    const xodr_list *all = &map->roads;
    const uint32_t i =
        (uint32_t)hp_search_id(all->items, all->n, sizeof(xodr_road), offsetof(xodr_road, id), id);
    return i < all->n && xodr_road_of(map, i)->id == id ? xodr_road_of(map, i) : NULL;
}

/** Takes up lane `id` of a road's first or last section as one that follows, if one enters it
 *  there in its direction of travel and the ends meet. */
static void follow(linker *l, xodr_lane *lane, const xodr_road *road, uint32_t section, int32_t id,
                   bool at_end)
{
    const xodr_section *there = xodr_section_of(l->map, road->sections.first + section);
    for (uint32_t i = 0; i < there->strips.n; ++i) {
        const xodr_strip *strip = xodr_strip_of(l->map, there->strips.first + i);
        if (strip->id != id || strip->lane < 0 || strip->kind != XODR_DRIVING ||
            (id > 0) != at_end) {
            continue;
        }
        const xodr_lane *other = &l->map->lanes[strip->lane];
        if (hp_dist(lane->centre[lane->n - 1], other->centre[0]) > GAP_M) {
            l->map->facts.n_gaps += 1;
            continue;
        }
        uint32_t *item = xodr_push(&l->next, sizeof *item, XODR_MAX_RECORDS);
        if (item == NULL) {
            l->full = true;
            return;
        }
        *item = (uint32_t)strip->lane;
        lane->n_next += 1;
    }
}

static void follow_at(linker *l, xodr_lane *lane, const xodr_road *road, bool at_end, int32_t id)
{
    follow(l, lane, road, at_end ? road->sections.n - 1 : 0, id, at_end);
}

static void through_junction(linker *l, xodr_lane *lane, uint32_t junction, int32_t id)
{
    const xodr_connection *all = l->map->connections.items;
    const xodr_lane_link *links = l->map->lane_links.items;
    const size_t n = l->map->connections.n;
    for (size_t i =
             hp_search_id(all, n, sizeof *all, offsetof(xodr_connection, incoming), lane->road);
         i < n && all[i].incoming == lane->road; ++i) {
        const xodr_road *road = road_by_id(l->map, all[i].connecting);
        for (uint32_t k = 0; k < all[i].links.n && road != NULL; ++k) {
            const xodr_lane_link *link = &links[all[i].links.first + k];
            if (all[i].junction == junction && link->from == id) {
                follow_at(l, lane, road, all[i].at_end, link->to);
            }
        }
    }
}

static void link_lane(linker *l, const xodr_road *road, const xodr_strip *strip)
{
    xodr_lane *lane = &l->map->lanes[strip->lane];
    const bool against = strip->id > 0;
    const bool named = against ? strip->has_before : strip->has_after;
    const int32_t id = against ? strip->before : strip->after;
    const xodr_link *link = against ? &road->before : &road->after;
    lane->first_next = l->next.n;
    if (against ? lane->section > 0 : lane->section + 1 < road->sections.n) {
        if (named) {
            follow(l, lane, road, against ? lane->section - 1 : lane->section + 1, id, against);
        }
    } else if (link->target == XODR_TO_JUNCTION) {
        through_junction(l, lane, link->id, strip->id);
    } else if (link->target == XODR_TO_ROAD && named) {
        const xodr_road *other = road_by_id(l->map, link->id);
        if (other != NULL) {
            follow_at(l, lane, other, link->at_end, id);
        }
    }
}

static int by_incoming(const void *a, const void *b)
{
    const xodr_connection *x = a;
    const xodr_connection *y = b;
    if (x->incoming != y->incoming) {
        return x->incoming < y->incoming ? -1 : 1;
    }
    return (x->links.first > y->links.first) - (x->links.first < y->links.first);
}

hp_status xodr_connect(xodr_map *map, hp_error *error)
{
    linker l = {.map = map};
    if (map->connections.n > 1) {
        qsort(map->connections.items, map->connections.n, sizeof(xodr_connection), by_incoming);
    }
    for (uint32_t i = 0; i < map->roads.n; ++i) {
        const xodr_road *road = xodr_road_of(map, i);
        for (uint32_t k = 0; k < road->sections.n; ++k) {
            const xodr_section *section = xodr_section_of(map, road->sections.first + k);
            for (uint32_t j = 0; j < section->strips.n && !l.full; ++j) {
                const xodr_strip *strip = xodr_strip_of(map, section->strips.first + j);
                if (strip->lane >= 0 && strip->kind == XODR_DRIVING) {
                    link_lane(&l, road, strip);
                }
            }
        }
    }
    map->next = l.next.items;
    return l.full ? hp_fail(error, HP_EFULL, "more links between lanes than a map may have")
                  : HP_OK;
}
