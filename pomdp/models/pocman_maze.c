#include "pomdp/models/pocman_internal.h"

#include <stdlib.h>
#include <string.h>

enum { HALF = POCMAN_COLUMNS / 2, PASSAGE_Y = 10, EAR = 2, RANGE = 6, FAR = 255 };

/** The western half with the middle column; the eastern one is its mirror image. '.': a pellet may
 *  lie here, 'o': a pill, ' ': neither, '#': wall. No dead ends: ghosts never turn round. */
static const char MAZE[POCMAN_ROWS][HALF + 2] = {
    ".........", /* y = 18 */
    ".###.##.#", "o........", ".#.##.###", "...##..##", "##.###.##", "##.#     ",
    "##.# #   ",                                        /* the ghosts' home ... */
    "  .# #   ",                                        /* ... and the passage */
    "##.# ####", "##.#     ", "##.#.##.#", ".........", /* the player's home in the middle */
    ".##.#.##.", "o.#.#....", "#.#.##.#.", ".......#.", ".#.###.#.", ".........", /* y = 0 */
};

static const int DX[POCMAN_N_ACTIONS] = {0, 1, 0, -1};
static const int DY[POCMAN_N_ACTIONS] = {1, 0, -1, 0};

static char at(int x, int y)
{
    if (x < 0 || y < 0 || x >= POCMAN_COLUMNS || y >= POCMAN_ROWS) {
        return '#';
    }
    return MAZE[POCMAN_ROWS - 1 - y][x <= HALF ? x : POCMAN_COLUMNS - 1 - x];
}

static uint8_t cell_at(const pocman_maze *m, int x, int y)
{
    for (uint32_t c = 0; c < m->n_cells; c++) {
        if (m->x[c] == x && m->y[c] == y) {
            return (uint8_t)c;
        }
    }
    return POCMAN_NO_CELL;
}

static void put_bit(uint64_t *words, uint32_t bit)
{
    words[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void lay_cells(pocman_maze *m)
{
    for (int y = 0; y < POCMAN_ROWS; y++) {
        for (int x = 0; x < POCMAN_COLUMNS; x++) {
            const char kind = at(x, y);
            if (kind == '#') {
                continue;
            }
            const uint32_t c = m->n_cells++;
            m->x[c] = (uint8_t)x;
            m->y[c] = (uint8_t)y;
            m->food_at[c] = POCMAN_NO_CELL;
            if (kind != ' ') {
                m->food_at[c] = (uint8_t)m->n_food;
                m->food_cell[m->n_food] = (uint8_t)c;
                put_bit(m->all_food, m->n_food);
            }
            if (kind == 'o') {
                put_bit(m->pills, m->n_food);
            }
            m->n_food += kind != ' ';
        }
    }
}

static void build_moves(pocman_maze *m)
{
    for (uint32_t c = 0; c < m->n_cells; c++) {
        for (uint32_t d = 0; d < POCMAN_N_ACTIONS; d++) {
            int x = m->x[c] + DX[d];
            const int y = m->y[c] + DY[d];
            if (y == PASSAGE_Y) {
                x = (x + POCMAN_COLUMNS) % POCMAN_COLUMNS;
            }
            m->move[c][d] = cell_at(m, x, y);
        }
    }
}

/** Whom one sees along the corridors from a cell; the passage's ends are out of sight. */
static void look_around(pocman_maze *m, uint32_t from)
{
    for (uint32_t d = 0; d < POCMAN_N_ACTIONS; d++) {
        int x = m->x[from] + DX[d];
        int y = m->y[from] + DY[d];
        while (at(x, y) != '#') {
            m->relation[from][cell_at(m, x, y)] |= (uint8_t)(1U << d);
            x += DX[d];
            y += DY[d];
        }
    }
}

static void build_relations(pocman_maze *m)
{
    for (uint32_t a = 0; a < m->n_cells; a++) {
        for (uint32_t b = 0; b < m->n_cells; b++) {
            const int dx = abs(m->x[a] - m->x[b]);
            const int dy = abs(m->y[a] - m->y[b]);
            m->relation[a][b] = (uint8_t)((dx + dy <= EAR ? POCMAN_IN_EAR : 0) |
                                          (dx + dy < RANGE ? POCMAN_IN_RANGE : 0));
            if (dx <= 1 && dy <= 1 && m->food_at[b] != POCMAN_NO_CELL) {
                put_bit(m->smell[a], m->food_at[b]);
            }
        }
        look_around(m, a);
    }
}

/** Breadth first from a cell. The first steps, too: each is that of the cell before. */
static void build_ways(pocman_maze *m, uint32_t from)
{
    uint8_t queue[POCMAN_MAX_CELLS] = {(uint8_t)from};
    uint32_t n = 1;
    memset(m->distance[from], FAR, sizeof(m->distance[from]));
    m->distance[from][from] = 0;
    m->toward[from][from] = POCMAN_N_ACTIONS;
    for (uint32_t head = 0; head < n; head++) {
        const uint32_t c = queue[head];
        for (uint32_t d = 0; d < POCMAN_N_ACTIONS; d++) {
            const uint8_t next = m->move[c][d];
            if (next != POCMAN_NO_CELL && m->distance[from][next] == FAR) {
                m->distance[from][next] = (uint8_t)(m->distance[from][c] + 1);
                m->toward[from][next] = c == from ? (uint8_t)d : m->toward[from][c];
                queue[n++] = next;
            }
        }
    }
}

static void sort_food(pocman_maze *m, uint32_t from)
{
    uint32_t n = 0;
    for (uint32_t d = 0; n < m->n_food; d++) {
        for (uint32_t f = 0; f < m->n_food; f++) {
            if (m->distance[from][m->food_cell[f]] == d) {
                m->by_distance[from][n++] = (uint8_t)f;
            }
        }
    }
}

void pocman_build(pocman_maze *m)
{
    *m = (pocman_maze){0};
    lay_cells(m);
    build_moves(m);
    build_relations(m);
    for (uint32_t c = 0; c < m->n_cells; c++) {
        build_ways(m, c);
        sort_food(m, c);
    }
    m->home = cell_at(m, HALF, 6);
    for (uint32_t g = 0; g < POCMAN_GHOSTS; g++) {
        m->ghost_home[g] = cell_at(m, HALF + (int)(g % 2), PASSAGE_Y + (int)(g / 2));
    }
}
