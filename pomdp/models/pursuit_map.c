#include "pomdp/models/pursuit_internal.h"

#include <math.h>
#include <string.h>

enum { NO_CELL = 255 };
#define LASER_SIGMA 2.5

/* North, east, south, west, then the diagonals between them: odd and even as the beams need. */
static const int DX[PURSUIT_BEAMS] = {0, 1, 0, -1, 1, 1, -1, -1};
static const int DY[PURSUIT_BEAMS] = {1, 0, -1, 0, 1, -1, -1, 1};

static uint8_t cell_at(const pursuit *p, int x, int y)
{
    for (uint32_t c = 0; c < p->n_cells; c++) {
        if (p->x[c] == x && p->y[c] == y) {
            return (uint8_t)c;
        }
    }
    return NO_CELL;
}

static void read_rows(pursuit *p, const char *const *rows, uint32_t n_rows)
{
    for (uint32_t row = 0; row < n_rows; row++) {
        for (uint32_t x = 0; rows[row][x] != '\0'; x++) {
            if (rows[row][x] == '.') {
                p->x[p->n_cells] = (uint8_t)x;
                p->y[p->n_cells] = (uint8_t)(n_rows - 1 - row);
                p->n_cells++;
            }
        }
    }
}

static void build_moves(pursuit *p)
{
    for (uint32_t c = 0; c < p->n_cells; c++) {
        for (uint32_t a = 0; a < PURSUIT_TAG; a++) {
            const uint8_t next = cell_at(p, p->x[c] + DX[a], p->y[c] + DY[a]);
            p->move[c][a] = next == NO_CELL ? (uint8_t)c : next;
        }
        p->move[c][PURSUIT_TAG] = (uint8_t)c;
    }
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

/** The target runs along either axis with 0.4, away from the robot or, in line with it, either way;
 *  it stays with 0.2, and where a wall is. */
static void build_flight(pursuit *p, uint32_t robot, uint32_t target)
{
    const int x = p->x[target];
    const int y = p->y[target];
    const int away_x = sign(x - p->x[robot]);
    const int away_y = sign(y - p->y[robot]);
    const int dx[PURSUIT_FLIGHTS] = {away_x != 0 ? away_x : 1, away_x != 0 ? away_x : -1, 0, 0, 0};
    const int dy[PURSUIT_FLIGHTS] = {0, 0, away_y != 0 ? away_y : 1, away_y != 0 ? away_y : -1, 0};
    for (uint32_t i = 0; i < PURSUIT_FLIGHTS; i++) {
        const uint8_t next = cell_at(p, x + dx[i], y + dy[i]);
        p->flight[robot][target][i] = next == NO_CELL ? (uint8_t)target : next;
    }
}

/** Breadth first from one cell: the first move towards each other, and which is the farthest. */
static void build_ways(pursuit *p, uint32_t from)
{
    bool seen[PURSUIT_MAX_CELLS] = {false};
    uint8_t queue[PURSUIT_MAX_CELLS];
    uint32_t n = 0;
    queue[n++] = (uint8_t)from;
    seen[from] = true;
    memset(p->distance[from], PURSUIT_FAR, sizeof(p->distance[from]));
    p->distance[from][from] = 0;
    for (uint32_t head = 0; head < n; head++) {
        const uint32_t c = queue[head];
        for (uint32_t a = 0; a < PURSUIT_TAG; a++) {
            const uint8_t next = p->move[c][a];
            if (!seen[next]) {
                seen[next] = true;
                queue[n++] = next;
                p->distance[from][next] = (uint8_t)(p->distance[from][c] + 1);
                p->toward[from][next] = c == from ? (uint8_t)a : p->toward[from][c];
            }
        }
    }
    p->farthest[from] = queue[n - 1];
}

static double value_after(const pursuit *p, uint32_t robot, uint32_t target, uint32_t next_robot)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < PURSUIT_FLIGHTS; i++) {
        sum += p->value[next_robot][p->flight[robot][target][i]];
    }
    return PURSUIT_DISCOUNT * sum / PURSUIT_FLIGHTS;
}

static double best_value(pursuit *p, uint32_t robot, uint32_t target)
{
    double *values = p->action_value[robot][target];
    double best = robot == target ? PURSUIT_REWARD_TAG
                                  : -PURSUIT_REWARD_TAG + value_after(p, robot, target, robot);
    values[PURSUIT_TAG] = best;
    for (uint32_t a = 0; a < PURSUIT_TAG; a++) {
        values[a] = PURSUIT_REWARD_MOVE + value_after(p, robot, target, p->move[robot][a]);
        best = fmax(best, values[a]);
    }
    return best;
}

/** Value iteration from above, so that the values are upper bounds wherever it is stopped. */
static void solve_visible(pursuit *p)
{
    double change = 1.0;
    for (uint32_t r = 0; r < p->n_cells; r++) {
        for (uint32_t t = 0; t < p->n_cells; t++) {
            p->value[r][t] = PURSUIT_REWARD_TAG;
        }
    }
    for (uint32_t sweep = 0; sweep < 500 && change > 1e-4; sweep++) {
        change = 0.0;
        for (uint32_t r = 0; r < p->n_cells; r++) {
            for (uint32_t t = 0; t < p->n_cells; t++) {
                const double value = best_value(p, r, t);
                change = fmax(change, p->value[r][t] - value);
                p->value[r][t] = value;
            }
        }
    }
}

double pursuit_patrol_value(const pursuit *p, uint32_t robot, uint32_t target, uint8_t goal)
{
    const uint8_t next_goal = pursuit_next_goal(p, robot, goal);
    const uint32_t next = p->move[robot][p->toward[robot][next_goal]];
    double sum = 0.0;
    for (uint32_t i = 0; i < PURSUIT_FLIGHTS; i++) {
        sum += p->patrol[next][p->flight[robot][target][i]][next_goal];
    }
    return PURSUIT_REWARD_MOVE + PURSUIT_DISCOUNT * sum / PURSUIT_FLIGHTS;
}

/** One sweep of policy evaluation; returns the largest change. */
static double sweep_patrols(pursuit *p)
{
    double change = 0.0;
    for (uint32_t r = 0; r < p->n_cells; r++) {
        for (uint32_t t = 0; t < p->n_cells; t++) {
            for (uint32_t g = 0; g < p->n_cells && r != t; g++) {
                const double value = pursuit_patrol_value(p, r, t, (uint8_t)g);
                change = fmax(change, value - p->patrol[r][t][g]);
                p->patrol[r][t][g] = value;
            }
        }
    }
    return change;
}

/** From below, so that the values are lower bounds wherever it is stopped. Walled-in goals are not
 *  reached: such a patrol walks on one spot. */
void pursuit_solve_patrols(pursuit *p)
{
    for (uint32_t r = 0; r < p->n_cells; r++) {
        for (uint32_t t = 0; t < p->n_cells; t++) {
            for (uint32_t g = 0; g < p->n_cells; g++) {
                p->patrol[r][t][g] =
                    r == t ? PURSUIT_REWARD_TAG : PURSUIT_REWARD_MOVE / (1.0 - PURSUIT_DISCOUNT);
            }
        }
    }
    for (uint32_t sweep = 0; sweep < 30 && sweep_patrols(p) > 0.05; sweep++) {
    }
}

/** The beams from one cell: how far to the wall, and which cells they pass. */
static void build_beams(pursuit *p, uint32_t from)
{
    memset(p->beam[from], PURSUIT_OFF_BEAM, sizeof(p->beam[from]));
    for (uint32_t d = 0; d < PURSUIT_BEAMS; d++) {
        uint8_t steps = 1;
        uint8_t c = cell_at(p, p->x[from] + DX[d], p->y[from] + DY[d]);
        for (; c != NO_CELL;
             c = cell_at(p, p->x[from] + steps * DX[d], p->y[from] + steps * DY[d])) {
            p->beam[from][c] = (uint8_t)d;
            p->steps[from][c] = steps;
            steps++;
        }
        p->wall_steps[from][d] = steps;
    }
}

/** P(reading <= k): the true distance less half a normal, in whole cells; all that lies below the
 *  robot counts as reading 0. */
static void build_readings(pursuit *p)
{
    for (uint32_t diagonal = 0; diagonal < 2; diagonal++) {
        for (uint32_t steps = 1; steps <= PURSUIT_MAX_SIDE; steps++) {
            const double distance = steps * (diagonal != 0 ? sqrt(2.0) : 1.0);
            for (uint32_t k = 0; k < PURSUIT_READINGS; k++) {
                const double shortfall = fmax(0.0, distance - (k + 1.0));
                p->cumulated[diagonal][steps][k] = erfc(shortfall / (LASER_SIGMA * sqrt(2.0)));
            }
        }
    }
}

void pursuit_build(pursuit *p, const char *const *rows, uint32_t n_rows)
{
    memset(p, 0, sizeof(*p));
    read_rows(p, rows, n_rows);
    build_moves(p);
    for (uint32_t c = 0; c < p->n_cells; c++) {
        for (uint32_t target = 0; target < p->n_cells; target++) {
            build_flight(p, c, target);
        }
        build_ways(p, c);
        build_beams(p, c);
    }
    build_readings(p);
    solve_visible(p);
}
