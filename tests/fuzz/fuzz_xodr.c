/* Any bytes as a road map: refused, or a map in which places and routes can be asked for. */
#include "sim-bridge/xodr/xodr.h"
#include "tests/support/fuzz_target.h"

static void ask(const xodr_map *map)
{
    static hp_vec2 points[2000];
    const xodr_facts facts = xodr_facts_of(map);
    hp_error error;
    for (uint32_t i = 0; i < facts.n_lanes && i < 50; ++i) {
        const xodr_lane *a = xodr_lane_at(map, i);
        const xodr_lane *b = xodr_lane_at(map, facts.n_lanes - 1 - i);
        const hp_pose from = {a->centre[0].x_m, a->centre[0].y_m, (double)i};
        const hp_pose to = {b->centre[b->n - 1].x_m, b->centre[b->n - 1].y_m, 0.0};
        xodr_line line = {points, HP_ARRAY_LEN(points), 0};
        fuzz_must(a->n >= 2 && xodr_at(map, a->centre[0]) < XODR_KINDS);
        fuzz_must(xodr_limit_at(map, from) >= 0.0);
        const xodr_reach reach = xodr_reach_of(map, from);
        fuzz_must(reach.road_left_m <= reach.pavement_left_m &&
                  reach.pavement_left_m <= XODR_REACH_M);
        if (i < 3 && xodr_route(map, from, to, &line, &error) == HP_OK) {
            fuzz_must(line.n > 0 && line.n <= 2000);
        }
        for (uint32_t k = 0; k < a->n_next; ++k) {
            fuzz_must(xodr_next(map, a, k) < facts.n_lanes);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xodr_map *map = NULL;
    hp_error error;
    if (xodr_parse("f.xodr", (const char *)data, size, &map, &error) == HP_OK) {
        ask(map);
    } else {
        fuzz_must(map == NULL && error.text[0] != '\0');
    }
    xodr_destroy(&map);
    return 0;
}
