/* OpenDRIVE's XML into lists. Elements that are not named here are passed over. */
#include "sim-bridge/xodr/xodr_internal.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, FEED_BYTES = 1 << 16, MAX_NUMBER = 64, MAX_SECTION_LANES = 256 };
#define MPH 0.44704
#define KMH (1.0 / 3.6)

typedef struct reader {
    const char *name;
    XML_Parser parser;
    xodr_map *map;
    hp_error *error;
    hp_status status;
    uint32_t depth;
    bool in_junction;
    bool has_root;
    xodr_road *road;
    xodr_geometry *geometry;
    xodr_section *section;
    xodr_strip *strip;
    xodr_connection *connection;
    uint32_t junction;
} reader;

void *xodr_push(xodr_list *list, size_t size, uint32_t most)
{
    if (list->n == list->cap) {
        const uint32_t cap = list->cap == 0 ? 64 : 2 * list->cap;
        void *grown = list->n >= most ? NULL : realloc(list->items, cap * size);
        if (grown == NULL) {
            return NULL;
        }
        list->items = grown;
        list->cap = cap;
    }
    void *item = (char *)list->items + (size_t)list->n * size;
    list->n += 1;
    return memset(item, 0, size);
}

static void refuse(reader *r, const char *what, const char *value)
{
    if (r->status == HP_OK) {
        r->status = hp_fail(r->error, HP_EWIRE, "%s:%lu: error: %s%s%.60s%s", r->name,
                            XML_GetCurrentLineNumber(r->parser), what, value != NULL ? " '" : "",
                            value != NULL ? value : "", value != NULL ? "'" : "");
        (void)XML_StopParser(r->parser, XML_FALSE);
    }
}

/** A new item, or NULL with the parser stopped. */
static void *push(reader *r, xodr_list *list, size_t size, uint32_t most)
{
    void *item = xodr_push(list, size, most);
    if (item == NULL) {
        refuse(r, "too much of this for a map", NULL);
    }
    return item;
}

/* ---- Attributes ---- */

static const char *text_of(const XML_Char **attributes, const char *key)
{
    for (; attributes[0] != NULL; attributes += 2) {
        if (strcmp(attributes[0], key) == 0) {
            return attributes[1];
        }
    }
    return NULL;
}

/** A finite decimal number within +-most; otherwise if the attribute is missing. */
static double number_or(reader *r, const XML_Char **attributes, const char *key, double most,
                        double otherwise)
{
    const char *text = text_of(attributes, key);
    char *end = NULL;
    if (text == NULL) {
        return otherwise;
    }
    if (strlen(text) > MAX_NUMBER || text[0] == '\0' ||
        text[strspn(text, "+-.0123456789eE")] != '\0') {
        refuse(r, "this is no number:", text);
        return otherwise;
    }
    const double value = strtod(text, &end);
    if (*end != '\0' || !(fabs(value) <= most)) {
        refuse(r, "no number, or too large a one:", text);
        return otherwise;
    }
    return value;
}

static double number(reader *r, const XML_Char **attributes, const char *key, double most)
{
    if (text_of(attributes, key) == NULL) {
        refuse(r, "an attribute is missing:", key);
    }
    return number_or(r, attributes, key, most, 0.0);
}

static long integer(reader *r, const XML_Char **attributes, const char *key)
{
    const char *text = text_of(attributes, key);
    char *end = NULL;
    if (text == NULL) {
        refuse(r, "an attribute is missing:", key);
        return 0;
    }
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value > INT32_MAX || value < INT32_MIN) {
        refuse(r, "must be a whole number:", text);
        return 0;
    }
    return value;
}

static uint32_t id_of(reader *r, const XML_Char **attributes, const char *key)
{
    const long value = integer(r, attributes, key);
    if (value < 0) {
        refuse(r, "an id must not be negative:", text_of(attributes, key));
    }
    return value < 0 ? 0 : (uint32_t)value;
}

static bool is(const XML_Char *name, const char *wanted)
{
    return strcmp(name, wanted) == 0;
}

/** Coefficients of a cubic, with the given names. */
static void coefficients(reader *r, const XML_Char **attributes, const char *const keys[4],
                         double *k)
{
    for (int i = 0; i < 4; ++i) {
        k[i] = number(r, attributes, keys[i], 1e9);
    }
}

static const char *const ABCD[4] = {"a", "b", "c", "d"};

/* ---- Elements ---- */

static xodr_kind kind_of(const char *type)
{
    static const struct {
        const char *type;
        xodr_kind kind;
    } KINDS[] = {
        {"driving", XODR_DRIVING},    {"entry", XODR_DRIVING},  {"exit", XODR_DRIVING},
        {"offRamp", XODR_DRIVING},    {"onRamp", XODR_DRIVING}, {"connectingRamp", XODR_DRIVING},
        {"bidirectional", XODR_ROAD}, {"parking", XODR_ROAD},   {"shoulder", XODR_ROAD},
        {"stop", XODR_ROAD},          {"biking", XODR_ROAD},    {"sidewalk", XODR_PAVEMENT},
        {"walking", XODR_PAVEMENT}};
    for (size_t i = 0; type != NULL && i < HP_ARRAY_LEN(KINDS); ++i) {
        if (strcmp(type, KINDS[i].type) == 0) {
            return KINDS[i].kind;
        }
    }
    return XODR_OTHER;
}

static double speed_of(reader *r, const XML_Char **attributes)
{
    const char *max = text_of(attributes, "max");
    const char *unit = text_of(attributes, "unit");
    if (max != NULL && (is(max, "no limit") || is(max, "undefined"))) {
        return 0.0;
    }
    double scale = 1.0;
    if (unit != NULL && is(unit, "mph")) {
        scale = MPH;
    } else if (unit != NULL && is(unit, "km/h")) {
        scale = KMH;
    }
    return scale * fmax(number(r, attributes, "max", 1000.0), 0.0);
}

static void begin_road(reader *r, const XML_Char **attributes)
{
    r->road = push(r, &r->map->roads, sizeof *r->road, XODR_MAX_ROADS);
    if (r->road == NULL) {
        return;
    }
    *r->road = (xodr_road){.id = id_of(r, attributes, "id"),
                           .length_m = number(r, attributes, "length", XODR_MAX_ROAD_M),
                           .geometries = {r->map->geometries.n, 0},
                           .offsets = {r->map->offsets.n, 0},
                           .sections = {r->map->sections.n, 0},
                           .line = (uint32_t)XML_GetCurrentLineNumber(r->parser)};
    if (!(r->road->length_m > 0.0)) {
        refuse(r, "a road without length", NULL);
    }
    const char *rule = text_of(attributes, "rule");
    if (rule != NULL && is(rule, "LHT")) { /* lanes would lead the wrong way, without a word */
        refuse(r, "traffic on the left is not supported: rule", rule);
    }
    r->section = NULL;
}

static void road_link(reader *r, const XML_Char **attributes, xodr_link *link)
{
    const char *type = text_of(attributes, "elementType");
    const char *contact = text_of(attributes, "contactPoint");
    link->target = type != NULL && is(type, "junction") ? XODR_TO_JUNCTION : XODR_TO_ROAD;
    link->id = id_of(r, attributes, "elementId");
    link->at_end = contact != NULL && is(contact, "end");
}

static void lane_neighbour(reader *r, const XML_Char **attributes, bool after)
{
    const int32_t id = (int32_t)integer(r, attributes, "id");
    if (after) {
        r->strip->has_after = true;
        r->strip->after = id;
    } else {
        r->strip->has_before = true;
        r->strip->before = id;
    }
}

static void begin_geometry(reader *r, const XML_Char **attributes)
{
    xodr_geometry *g = push(r, &r->map->geometries, sizeof *g, XODR_MAX_RECORDS);
    if (g == NULL) {
        return;
    }
    *g = (xodr_geometry){.s_m = number(r, attributes, "s", XODR_MAX_ROAD_M),
                         .x_m = number(r, attributes, "x", XODR_MAX_PLACE_M),
                         .y_m = number(r, attributes, "y", XODR_MAX_PLACE_M),
                         .yaw_rad = number(r, attributes, "hdg", 1e6),
                         .length_m = number(r, attributes, "length", XODR_MAX_ROAD_M)};
    const uint32_t n = r->road->geometries.n;
    if (g->length_m < 0.0 || (n > 0 && g->s_m < g[-1].s_m)) {
        refuse(r, "a geometry of negative length, or out of order", NULL);
    }
    r->road->geometries.n = n + 1;
    r->geometry = g;
}

/** The shape within <geometry>. */
static void shape(reader *r, const XML_Char *name, const XML_Char **attributes)
{
    static const char *const U[4] = {"aU", "bU", "cU", "dU"};
    static const char *const V[4] = {"aV", "bV", "cV", "dV"};
    xodr_geometry *g = r->geometry;
    double bend = 0.0;
    if (is(name, "arc")) {
        g->shape = XODR_ARC;
        bend = g->k[0] = number(r, attributes, "curvature", 1e3);
    } else if (is(name, "spiral")) {
        g->shape = XODR_SPIRAL;
        g->k[0] = number(r, attributes, "curvStart", 1e3);
        g->k[1] = number(r, attributes, "curvEnd", 1e3);
        bend = fmax(fabs(g->k[0]), fabs(g->k[1]));
    } else if (is(name, "poly3")) {
        g->shape = XODR_POLY3;
        coefficients(r, attributes, ABCD, g->k);
    } else if (is(name, "paramPoly3")) {
        const char *range = text_of(attributes, "pRange");
        g->shape = XODR_PARAM;
        g->by_length = range != NULL && is(range, "arcLength");
        coefficients(r, attributes, U, g->k);
        coefficients(r, attributes, V, g->k + 4);
    }
    if (fabs(bend) * g->length_m > XODR_MAX_TURN_RAD) {
        refuse(r, "a geometry that winds round and round", NULL);
    }
}

static void cubic(reader *r, const XML_Char **attributes, const char *start, xodr_list *list,
                  xodr_span *span)
{
    xodr_cubic *c = push(r, list, sizeof *c, XODR_MAX_RECORDS);
    if (c == NULL) {
        return;
    }
    c->s_m = number(r, attributes, start, XODR_MAX_ROAD_M);
    coefficients(r, attributes, ABCD, c->k);
    if (span->n > 0 && c->s_m < c[-1].s_m) {
        refuse(r, "out of order: its place is before the one above:", text_of(attributes, start));
    }
    span->n += 1;
}

static void begin_section(reader *r, const XML_Char **attributes)
{
    r->section = push(r, &r->map->sections, sizeof *r->section, XODR_MAX_LANES);
    if (r->section == NULL) {
        return;
    }
    r->section->s_m = number(r, attributes, "s", XODR_MAX_ROAD_M);
    r->section->strips.first = r->map->strips.n;
    if (r->section->s_m < 0.0 || r->section->s_m >= r->road->length_m ||
        (r->road->sections.n > 0 && r->section->s_m < r->section[-1].s_m)) {
        refuse(r, "a lane section out of order, or beyond the road's end", NULL);
    }
    r->road->sections.n += 1;
}

static void begin_lane(reader *r, const XML_Char **attributes)
{
    const long id = integer(r, attributes, "id");
    r->strip = push(r, &r->map->strips, sizeof *r->strip, XODR_MAX_LANES);
    if (r->strip == NULL) {
        return;
    }
    *r->strip = (xodr_strip){.id = (int32_t)id,
                             .kind = kind_of(text_of(attributes, "type")),
                             .widths = {r->map->widths.n, 0},
                             .lane = -1};
    r->section->strips.n += 1;
    if (r->section->strips.n > MAX_SECTION_LANES) {
        refuse(r, "more lanes beside each other than a road has", NULL);
    }
}

static void begin_connection(reader *r, const XML_Char **attributes)
{
    const char *contact = text_of(attributes, "contactPoint");
    xodr_connection *c = push(r, &r->map->connections, sizeof *c, XODR_MAX_RECORDS);
    if (c != NULL) {
        *c = (xodr_connection){.junction = r->junction,
                               .incoming = id_of(r, attributes, "incomingRoad"),
                               .connecting = id_of(r, attributes, "connectingRoad"),
                               .at_end = contact != NULL && is(contact, "end"),
                               .links = {r->map->lane_links.n, 0}};
    }
    r->connection = c;
}

static void junction_element(reader *r, const XML_Char *name, const XML_Char **attributes)
{
    if (is(name, "connection")) {
        begin_connection(r, attributes);
    } else if (is(name, "laneLink") && r->connection != NULL) {
        xodr_lane_link *l = push(r, &r->map->lane_links, sizeof *l, XODR_MAX_RECORDS);
        if (l != NULL) {
            *l = (xodr_lane_link){(int32_t)integer(r, attributes, "from"),
                                  (int32_t)integer(r, attributes, "to")};
            r->connection->links.n += 1;
        }
    }
}

static void lane_element(reader *r, const XML_Char *name, const XML_Char **attributes)
{
    if (is(name, "width")) {
        cubic(r, attributes, "sOffset", &r->map->widths, &r->strip->widths);
    } else if (is(name, "predecessor")) {
        lane_neighbour(r, attributes, false);
    } else if (is(name, "successor")) {
        lane_neighbour(r, attributes, true);
    } else if (is(name, "speed")) {
        r->strip->limit_mps = speed_of(r, attributes);
    }
}

static void road_element(reader *r, const XML_Char *name, const XML_Char **attributes)
{
    if (r->strip != NULL) {
        lane_element(r, name, attributes);
    } else if (r->geometry != NULL) {
        shape(r, name, attributes);
    } else if (is(name, "predecessor")) {
        road_link(r, attributes, &r->road->before);
    } else if (is(name, "successor")) {
        road_link(r, attributes, &r->road->after);
    } else if (is(name, "speed")) {
        r->road->limit_mps = speed_of(r, attributes);
    } else if (is(name, "geometry")) {
        begin_geometry(r, attributes);
    } else if (is(name, "laneOffset")) {
        cubic(r, attributes, "s", &r->map->offsets, &r->road->offsets);
    } else if (is(name, "laneSection")) {
        begin_section(r, attributes);
    } else if (is(name, "lane") && r->section != NULL) {
        begin_lane(r, attributes);
    }
}

static void on_begin(void *self, const XML_Char *name, const XML_Char **attributes)
{
    reader *r = self;
    r->depth += 1;
    if (r->depth > MAX_DEPTH) {
        refuse(r, "elements within elements without end", NULL);
    } else if (r->depth == 1) {
        r->has_root = is(name, "OpenDRIVE");
        if (!r->has_root) {
            refuse(r, "not a map in OpenDRIVE: it begins with", name);
        }
    } else if (is(name, "header") && r->depth == 2) {
        const char *title = text_of(attributes, "name");
        (void)snprintf(r->map->facts.name, sizeof r->map->facts.name, "%s",
                       title != NULL ? title : "");
    } else if (is(name, "road") && r->depth == 2) {
        begin_road(r, attributes);
    } else if (is(name, "junction") && r->depth == 2) {
        r->in_junction = true;
        r->junction = id_of(r, attributes, "id");
        r->map->facts.n_junctions += 1;
    } else if (r->in_junction) {
        junction_element(r, name, attributes);
    } else if (r->road != NULL && !is(name, "userData")) {
        road_element(r, name, attributes);
    }
}

static void on_end(void *self, const XML_Char *name)
{
    reader *r = self;
    r->depth -= 1;
    if (is(name, "road") && r->depth == 1) {
        r->road = NULL;
        r->section = NULL;
    } else if (is(name, "junction") && r->depth == 1) {
        r->in_junction = false;
        r->connection = NULL;
    } else if (is(name, "geometry")) {
        r->geometry = NULL;
    } else if (is(name, "lane")) {
        r->strip = NULL;
    }
}

/** A document type could define entities that grow without end; maps have none. */
static void on_doctype(void *self, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int internal)
{
    (void)system;
    (void)public;
    (void)internal;
    refuse(self, "a document type is not taken:", name);
}

static hp_status feed(reader *r, const char *text, size_t len)
{
    size_t at = 0;
    while (r->status == HP_OK) {
        const size_t n = len - at < FEED_BYTES ? len - at : FEED_BYTES;
        const bool last = at + n == len;
        if (XML_Parse(r->parser, text + at, (int)n, last) != XML_STATUS_OK && r->status == HP_OK) {
            return hp_fail(r->error, HP_EWIRE, "%s:%lu: error: %s", r->name,
                           XML_GetCurrentLineNumber(r->parser),
                           XML_ErrorString(XML_GetErrorCode(r->parser)));
        }
        at += n;
        if (last) {
            break;
        }
    }
    return r->status;
}

/* ---- What must hold before anything is made of it ---- */

static int by_id(const void *a, const void *b)
{
    const uint32_t x = ((const xodr_road *)a)->id;
    const uint32_t y = ((const xodr_road *)b)->id;
    return (x > y) - (x < y);
}

static int by_falling_id(const void *a, const void *b)
{
    const int32_t x = ((const xodr_strip *)a)->id;
    const int32_t y = ((const xodr_strip *)b)->id;
    return (x < y) - (x > y);
}

static hp_status check_section(const reader *r, const xodr_road *road, const xodr_section *section)
{
    xodr_strip *strips = xodr_strip_of(r->map, section->strips.first);
    if (section->strips.n > 1) {
        qsort(strips, section->strips.n, sizeof *strips, by_falling_id);
    }
    for (uint32_t i = 1; i < section->strips.n; ++i) {
        if (strips[i].id == strips[i - 1].id) {
            return hp_fail(r->error, HP_EWIRE, "%s:%u: error: road %u has lane %d twice", r->name,
                           road->line, road->id, strips[i].id);
        }
    }
    return HP_OK;
}

static hp_status check_roads(const reader *r)
{
    xodr_list *roads = &r->map->roads;
    if (roads->n == 0) {
        return hp_fail(r->error, HP_EWIRE, "%s: error: a map without roads", r->name);
    }
    qsort(roads->items, roads->n, sizeof(xodr_road), by_id);
    for (uint32_t i = 0; i < roads->n; ++i) {
        const xodr_road *road = xodr_road_of(r->map, i);
        if (road->geometries.n == 0 || road->sections.n == 0 ||
            (i > 0 && road[-1].id == road->id)) {
            return hp_fail(r->error, HP_EWIRE,
                           "%s:%u: error: road %u is there twice, or has no line or no lanes",
                           r->name, road->line, road->id);
        }
        for (uint32_t k = 0; k < road->sections.n; ++k) {
            const hp_status st =
                check_section(r, road, xodr_section_of(r->map, road->sections.first + k));
            if (st != HP_OK) {
                return st;
            }
        }
    }
    return HP_OK;
}

hp_status xodr_document(const char *name, const char *text, size_t len, xodr_map *map,
                        hp_error *error)
{
    reader r = {.name = name, .map = map, .error = error, .parser = XML_ParserCreate(NULL)};
    if (r.parser == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: error: out of memory", name);
    }
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_begin, on_end);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    const hp_status st = feed(&r, text, len);
    XML_ParserFree(r.parser);
    return st == HP_OK ? check_roads(&r) : st;
}
