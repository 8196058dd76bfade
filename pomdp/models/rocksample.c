#include "pomdp/models/rocksample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DISCOUNT 0.95
#define REWARD_ROCK 10.0
#define REWARD_EXIT 10.0
#define REWARD_FORBIDDEN (-100.0)
#define HALF_EFFICIENCY_CELLS 20.0
enum { ODDS_PER_UNIT = 16, ODDS_MAX = 127, ODDS_TRUSTED = 14, MAX_MOVES = 2 * ROCK_MAX_SIZE };
enum { MAX_TABLE = 1 << 18 }; /* entries */

typedef struct rocksample {
    uint32_t size, n_rocks;
    uint8_t x[ROCK_MAX_ROCKS], y[ROCK_MAX_ROCKS], start_y;
    uint8_t rock_at[ROCK_MAX_SIZE][ROCK_MAX_SIZE]; /* [y][x] n_rocks: none */
    double discount[MAX_MOVES + 1];
    double p_right[ROCK_MAX_ROCKS][ROCK_MAX_SIZE][ROCK_MAX_SIZE]; /* of the sensor from [y][x] */
    int8_t odds[ROCK_MAX_ROCKS][ROCK_MAX_SIZE][ROCK_MAX_SIZE];    /* what one reading is worth */
    double *from_cell; /* [size * size][2^n_rocks] best return from a cell; NULL on large maps */
    double *value; /* [2^n_rocks][n_rocks] best return from that rock, with those left to collect */
    uint8_t *target; /* the same: where to go next; n_rocks: to the exit */
    double *
        visit_value; /* the same where nothing is known of the rocks: each is checked on the spot */
    uint8_t *visit_target;
    double p_good[2 * ODDS_MAX + 1]; /* by log-odds */
} rocksample;

/** A way past rocks that was chosen by what the sensor said, whatever they turn out to be. */
typedef struct visit_plan {
    uint32_t n;
    uint8_t rock[ROCK_MAX_ROCKS];
    bool checks[ROCK_MAX_ROCKS]; /* on the spot, where the sensor is always right */
    /* where the rock is bad, or good: the way's worth from the rock before is gain + keep * the
     * worth from this one */
    double gain[ROCK_MAX_ROCKS][2], keep[ROCK_MAX_ROCKS][2];
    double exit; /* worth of leaving after the last */
    double expected;
} visit_plan;

static uint32_t moves_between(const rocksample *r, uint32_t rock, uint32_t x, uint32_t y)
{
    return (uint32_t)(abs((int)x - r->x[rock]) + abs((int)y - r->y[rock]));
}

static double value_of_exit(const rocksample *r, uint32_t x)
{
    return r->discount[r->size - 1 - x] * REWARD_EXIT;
}

/** Best return from a cell for who may only collect the rocks of set, all good; and where to go. */
static double best_tour(const rocksample *r, uint32_t x, uint32_t y, uint32_t set, uint32_t *target)
{
    double best = value_of_exit(r, x);
    *target = r->n_rocks;
    for (uint32_t left = set; left != 0; left &= left - 1) {
        const uint32_t rock = (uint32_t)__builtin_ctz(left);
        const uint32_t rest = set & ~(UINT32_C(1) << rock);
        const double value = r->discount[moves_between(r, rock, x, y)] *
                             (REWARD_ROCK + DISCOUNT * r->value[rest * r->n_rocks + rock]);
        if (value > best) {
            best = value;
            *target = rock;
        }
    }
    return best;
}

/** What a rock is worth on arrival for who knows nothing of it, checks it and samples it if good.
 */
static double visit_worth(const rocksample *r, uint32_t rest, uint32_t rock)
{
    const double after = r->visit_value[rest * r->n_rocks + rock];
    return DISCOUNT * 0.5 * (REWARD_ROCK + DISCOUNT * after + after);
}

/** As best_tour, for who checks each rock when he is there. */
static double best_visit(const rocksample *r, uint32_t x, uint32_t y, uint32_t set,
                         uint32_t *target)
{
    double best = value_of_exit(r, x);
    *target = r->n_rocks;
    for (uint32_t left = set; left != 0; left &= left - 1) {
        const uint32_t rock = (uint32_t)__builtin_ctz(left);
        const double value = r->discount[moves_between(r, rock, x, y)] *
                             visit_worth(r, set & ~(UINT32_C(1) << rock), rock);
        if (value > best) {
            best = value;
            *target = rock;
        }
    }
    return best;
}

/** Smaller sets come first, so that each set finds what is left after its first rock solved. */
static void solve_tours(rocksample *r)
{
    for (uint32_t set = 0; set < UINT32_C(1) << r->n_rocks; set++) {
        for (uint32_t rock = 0; rock < r->n_rocks; rock++) {
            uint32_t target = 0;
            r->value[set * r->n_rocks + rock] = best_tour(r, r->x[rock], r->y[rock], set, &target);
            r->target[set * r->n_rocks + rock] = (uint8_t)target;
            r->visit_value[set * r->n_rocks + rock] =
                best_visit(r, r->x[rock], r->y[rock], set, &target);
            r->visit_target[set * r->n_rocks + rock] = (uint8_t)target;
        }
    }
}

/** best_tour from every cell, where that makes a table of a few megabytes at most. */
static void solve_cells(rocksample *r)
{
    const uint32_t n_sets = UINT32_C(1) << r->n_rocks;
    for (uint32_t cell = 0; cell < r->size * r->size && r->from_cell != NULL; cell++) {
        for (uint32_t set = 0; set < n_sets; set++) {
            uint32_t target = 0;
            r->from_cell[((size_t)cell << r->n_rocks) + set] =
                best_tour(r, cell % r->size, cell / r->size, set, &target);
        }
    }
}

static void trust_odds(rocksample_state *s, uint32_t rock, int odds)
{
    const uint32_t trusted = odds >= ODDS_TRUSTED;
    odds = odds > ODDS_MAX ? ODDS_MAX : odds;
    odds = odds < -ODDS_MAX ? -ODDS_MAX : odds;
    s->odds[rock] = (int8_t)odds;
    s->trusted = (uint16_t)((s->trusted & ~(1u << rock)) | trusted << rock);
}

static double sample_rock(const rocksample *r, rocksample_state *s)
{
    const uint32_t rock = r->rock_at[s->y][s->x];
    if (rock == r->n_rocks) {
        return REWARD_FORBIDDEN;
    }
    const bool good = (s->good >> rock & 1) != 0;
    s->good = (uint16_t)(s->good & ~(1u << rock));
    trust_odds(s, rock, -ODDS_MAX);
    return good ? REWARD_ROCK : -REWARD_ROCK;
}

static uint64_t check_rock(const rocksample *r, rocksample_state *s, uint32_t rock, hp_rng draw)
{
    const bool right = hp_rng_unit(draw, 0) < r->p_right[rock][s->y][s->x];
    const bool seen_good = ((s->good >> rock & 1) != 0) == right;
    const int8_t odds = r->odds[rock][s->y][s->x];
    trust_odds(s, rock, s->odds[rock] + (seen_good ? odds : -odds));
    return seen_good ? ROCK_SEEN_GOOD : ROCK_SEEN_BAD;
}

/** One step north, south or west; the map's edge is forbidden. */
static double move(const rocksample *r, rocksample_state *s, uint32_t action)
{
    const int x = s->x - (action == ROCK_WEST);
    const int y = s->y + (action == ROCK_NORTH) - (action == ROCK_SOUTH);
    if (x < 0 || y < 0 || y >= (int)r->size) {
        return REWARD_FORBIDDEN;
    }
    s->x = (uint8_t)x;
    s->y = (uint8_t)y;
    return 0.0;
}

static double act(const rocksample *r, rocksample_state *s, uint32_t action, uint8_t *terminal)
{
    *terminal = 0;
    if (action == ROCK_EAST) {
        *terminal = s->x + 1u == r->size;
        s->x = (uint8_t)(s->x + (*terminal == 0));
        return *terminal != 0 ? REWARD_EXIT : 0.0;
    }
    return action == ROCK_SAMPLE ? sample_rock(r, s) : move(r, s, action);
}

static void step(const void *ctx, void *states, uint32_t n, const uint32_t *actions,
                 const uint64_t *keys, pomdp_steps *out)
{
    const rocksample *r = ctx;
    rocksample_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t obs = ROCK_SEEN_NOTHING;
        if (actions[i] >= ROCK_CHECK) {
            obs = check_rock(r, &s[i], actions[i] - ROCK_CHECK, (hp_rng){keys[i]});
            out->reward[i] = 0.0;
            out->terminal[i] = 0;
        } else {
            out->reward[i] = act(r, &s[i], actions[i], &out->terminal[i]);
        }
        if (out->obs != NULL) {
            out->obs[i] = obs;
        }
    }
}

/** Rocks of which the sensor said neither good nor bad. */
static uint32_t doubtful(const rocksample *r, const rocksample_state *s)
{
    uint32_t set = 0;
    for (uint32_t rock = 0; rock < r->n_rocks; rock++) {
        set |= (uint32_t)(s->odds[rock] > -ODDS_TRUSTED) << rock;
    }
    return set & ~(uint32_t)s->trusted;
}

static void plan_way(const rocksample *r, const rocksample_state *s, uint32_t set, visit_plan *plan)
{
    const uint8_t *target = set == s->trusted ? r->target : r->visit_target;
    uint32_t x = s->x;
    uint32_t y = s->y;
    uint32_t rock = 0;
    double discount = 1.0;
    plan->n = 0;
    plan->expected = 0.0;
    (void)(set == s->trusted ? best_tour(r, x, y, set, &rock) : best_visit(r, x, y, set, &rock));
    while (rock != r->n_rocks) {
        const bool checks = (s->trusted >> rock & 1) == 0;
        const double p_good = r->p_good[s->odds[rock] + ODDS_MAX];
        const double way = r->discount[moves_between(r, rock, x, y)] * (checks ? DISCOUNT : 1.0);
        const double reward = way * REWARD_ROCK;
        plan->rock[plan->n] = (uint8_t)rock;
        plan->checks[plan->n] = checks;
        plan->gain[plan->n][0] = checks ? 0.0 : -reward;
        plan->keep[plan->n][0] = checks ? way : way * DISCOUNT;
        plan->gain[plan->n][1] = reward;
        plan->keep[plan->n++][1] = way * DISCOUNT;
        discount *= way;
        plan->expected += discount * REWARD_ROCK * (checks ? p_good : 2.0 * p_good - 1.0);
        discount *= checks ? 1.0 - p_good * (1.0 - DISCOUNT) : DISCOUNT;
        set &= ~(UINT32_C(1) << rock);
        x = r->x[rock];
        y = r->y[rock];
        rock = target[set * r->n_rocks + rock];
    }
    plan->exit = value_of_exit(r, x);
    plan->expected += discount * plan->exit;
}

/** The more promising of two ways: past the trusted rocks, or past the doubtful ones, too. */
static void choose_way(const rocksample *r, const rocksample_state *s, visit_plan *plan)
{
    const uint32_t unknown = doubtful(r, s);
    plan_way(r, s, s->trusted, plan);
    if (unknown != 0) {
        visit_plan other;
        plan_way(r, s, s->trusted | unknown, &other);
        if (other.expected > plan->expected) {
            *plan = other;
        }
    }
}

/** Towards the next rock of the way, first along x; there, check or sample; at last, leave. */
static void default_policy(const void *ctx, const void *states, uint32_t n, uint32_t *actions)
{
    const rocksample *r = ctx;
    const rocksample_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        visit_plan plan;
        choose_way(r, &s[i], &plan);
        const uint32_t rock = plan.n > 0 ? plan.rock[0] : r->n_rocks;
        if (rock == r->n_rocks || s[i].x < r->x[rock]) {
            actions[i] = ROCK_EAST;
        } else if (s[i].x > r->x[rock]) {
            actions[i] = ROCK_WEST;
        } else if (s[i].y != r->y[rock]) {
            actions[i] = s[i].y < r->y[rock] ? ROCK_NORTH : ROCK_SOUTH;
        } else {
            actions[i] = plan.checks[0] ? ROCK_CHECK + rock : ROCK_SAMPLE;
        }
    }
}

/** What the way earns where the rocks are as they are. */
static double way_return(const visit_plan *plan, uint32_t good)
{
    double value = plan->exit;
    for (uint32_t i = plan->n; i-- > 0;) {
        const uint32_t is_good = good >> plan->rock[i] & 1;
        value = plan->gain[i][is_good] + plan->keep[i][is_good] * value;
    }
    return value;
}

/** The observer of a particle knows all of it but the rocks. */
static bool look_alike(const rocksample_state *a, const rocksample_state *b)
{
    return a->x == b->x && a->y == b->y && a->trusted == b->trusted &&
           memcmp(a->odds, b->odds, sizeof(a->odds)) == 0;
}

static void tail(const void *ctx, const void *states, uint32_t n, double *values)
{
    const rocksample_state *s = states;
    visit_plan plan;
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || !look_alike(&s[i], &s[i - 1])) {
            choose_way(ctx, &s[i], &plan);
        }
        values[i] = way_return(&plan, s[i].good);
    }
}

/** Of who sees which rocks are good. */
static double value_seen(const rocksample *r, const rocksample_state *s)
{
    uint32_t target = 0;
    return r->from_cell != NULL
               ? r->from_cell[(((size_t)s->y * r->size + s->x) << r->n_rocks) + s->good]
               : best_tour(r, s->x, s->y, s->good, &target);
}

static void upper(const void *ctx, const void *states, uint32_t n, double *values)
{
    const rocksample_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = value_seen(ctx, &s[i]);
    }
}

/** The same after one action; a check only costs time. */
static void action_upper(const void *ctx, const void *states, const double *weights, uint32_t n,
                         double *values)
{
    const rocksample *r = ctx;
    const rocksample_state *s = states;
    double sums[ROCK_CHECK + 1] = {0.0};
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t a = 0; a < ROCK_CHECK; a++) {
            rocksample_state after = s[i];
            uint8_t terminal = 0;
            const double reward = act(r, &after, a, &terminal);
            sums[a] +=
                weights[i] * (terminal != 0 ? reward : reward + DISCOUNT * value_seen(r, &after));
        }
        sums[ROCK_CHECK] += weights[i] * DISCOUNT * value_seen(r, &s[i]);
    }
    for (uint32_t a = 0; a < ROCK_CHECK + r->n_rocks; a++) {
        values[a] = sums[a < ROCK_CHECK ? a : ROCK_CHECK];
    }
}

static double obs_probability(const void *ctx, const void *state, uint32_t action, uint64_t obs)
{
    const rocksample *r = ctx;
    const rocksample_state *s = state;
    if (action < ROCK_CHECK || obs == ROCK_SEEN_NOTHING) {
        return action < ROCK_CHECK && obs == ROCK_SEEN_NOTHING ? 1.0 : 0.0;
    }
    const uint32_t rock = action - ROCK_CHECK;
    const double p_right = r->p_right[rock][s->y][s->x];
    return ((s->good >> rock & 1) != 0) == (obs == ROCK_SEEN_GOOD) ? p_right : 1.0 - p_right;
}

static void remember(const void *ctx, const void *before, uint32_t action, uint64_t obs,
                     void *after)
{
    const rocksample *r = ctx;
    const rocksample_state *was = before;
    if (action >= ROCK_CHECK) {
        const uint32_t rock = action - ROCK_CHECK;
        const int8_t odds = r->odds[rock][was->y][was->x];
        trust_odds(after, rock, was->odds[rock] + (obs == ROCK_SEEN_GOOD ? odds : -odds));
    }
}

static void sample(const void *ctx, hp_rng stream, uint32_t n, void *states)
{
    const rocksample *r = ctx;
    rocksample_state *s = states;
    for (uint32_t i = 0; i < n; i++) {
        s[i] = (rocksample_state){.y = r->start_y};
        s[i].good = (uint16_t)(hp_rng_u64(stream, i) & ((UINT64_C(1) << r->n_rocks) - 1));
    }
}

static void put_rock(rocksample *r, uint32_t rock, uint32_t x, uint32_t y)
{
    r->x[rock] = (uint8_t)x;
    r->y[rock] = (uint8_t)y;
    r->rock_at[y][x] = (uint8_t)rock;
}

/** Rocks on random cells, one each. */
static void lay_random(rocksample *r, hp_rng stream)
{
    uint64_t draw = 0;
    for (uint32_t rock = 0; rock < r->n_rocks; rock++) {
        uint32_t x = 0;
        uint32_t y = 0;
        do {
            x = (uint32_t)(hp_rng_u64(stream, draw) % r->size);
            y = (uint32_t)(hp_rng_u64(stream, draw + 1) % r->size);
            draw += 2;
        } while (r->rock_at[y][x] != r->n_rocks);
        put_rock(r, rock, x, y);
    }
}

/** The published maps where there is one. */
static void lay_rocks(rocksample *r, hp_rng stream)
{
    static const uint8_t MAP_7_8[8][2] = {{2, 0}, {0, 1}, {3, 1}, {6, 3},
                                          {2, 4}, {3, 4}, {5, 5}, {1, 6}};
    static const uint8_t MAP_11_11[11][2] = {{0, 3}, {0, 7}, {1, 8}, {2, 4}, {3, 3}, {3, 8},
                                             {4, 3}, {5, 8}, {6, 1}, {9, 3}, {9, 9}};
    const uint8_t(*map)[2] = r->size == 7 && r->n_rocks == 8     ? MAP_7_8
                             : r->size == 11 && r->n_rocks == 11 ? MAP_11_11
                                                                 : NULL;
    memset(r->rock_at, (int)r->n_rocks, sizeof(r->rock_at));
    if (map == NULL) {
        lay_random(r, stream);
        return;
    }
    for (uint32_t rock = 0; rock < r->n_rocks; rock++) {
        put_rock(r, rock, map[rock][0], map[rock][1]);
    }
}

/** The sensor is right with (1 + 2^(-d / 20)) / 2; each reading adds its log-likelihood ratio. */
static void tune_sensor(rocksample *r)
{
    for (int odds = -ODDS_MAX; odds <= ODDS_MAX; odds++) {
        r->p_good[odds + ODDS_MAX] = 1.0 / (1.0 + exp(-(double)odds / ODDS_PER_UNIT));
    }
    for (uint32_t rock = 0; rock < r->n_rocks; rock++) {
        for (uint32_t y = 0; y < r->size; y++) {
            for (uint32_t x = 0; x < r->size; x++) {
                const double d = hypot((double)x - r->x[rock], (double)y - r->y[rock]);
                const double p = 0.5 * (1.0 + exp2(-d / HALF_EFFICIENCY_CELLS));
                r->p_right[rock][y][x] = p;
                r->odds[rock][y][x] =
                    (int8_t)lround(fmin(ODDS_MAX, ODDS_PER_UNIT * log(p / (1.0 - p))));
            }
        }
    }
}

static void destroy(rocksample *r)
{
    if (r != NULL) {
        free(r->from_cell);
        free(r->value);
        free(r->target);
        free(r->visit_value);
        free(r->visit_target);
        free(r);
    }
}

static rocksample *create(uint32_t size, uint32_t n_rocks, uint64_t seed)
{
    rocksample *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return NULL;
    }
    const size_t n_tours = (size_t)n_rocks << n_rocks;
    const size_t n_cells = (size_t)size * size;
    r->size = size;
    r->n_rocks = n_rocks;
    r->start_y = (uint8_t)(size / 2);
    r->value = calloc(n_tours, sizeof(*r->value));
    r->target = calloc(n_tours, sizeof(*r->target));
    r->visit_value = calloc(n_tours, sizeof(*r->visit_value));
    r->visit_target = calloc(n_tours, sizeof(*r->visit_target));
    const bool tabled = n_cells << n_rocks <= MAX_TABLE;
    if (tabled) {
        r->from_cell = calloc(n_cells << n_rocks, sizeof(*r->from_cell));
    }
    if (r->value == NULL || r->target == NULL || r->visit_value == NULL ||
        r->visit_target == NULL || (tabled && r->from_cell == NULL)) {
        destroy(r);
        return NULL;
    }
    r->discount[0] = 1.0;
    for (uint32_t i = 1; i <= MAX_MOVES; i++) {
        r->discount[i] = r->discount[i - 1] * DISCOUNT;
    }
    lay_rocks(r, hp_rng_seed(seed));
    tune_sensor(r);
    solve_tours(r);
    solve_cells(r);
    return r;
}

static void close_model(void *ctx)
{
    destroy(ctx);
}

hp_status rocksample_open(uint32_t size, uint32_t n_rocks, uint64_t seed, pomdp_problem *out)
{
    if (size < 2 || size > ROCK_MAX_SIZE || n_rocks < 1 || n_rocks > ROCK_MAX_ROCKS ||
        n_rocks > size * size) {
        return HP_EINVAL;
    }
    rocksample *r = create(size, n_rocks, seed);
    if (r == NULL) {
        return HP_ENOMEM;
    }
    *out = (pomdp_problem){.model = {.name = "rocksample",
                                     .n_actions = ROCK_CHECK + n_rocks,
                                     .state_size = sizeof(rocksample_state),
                                     .discount = DISCOUNT,
                                     .reward_max = REWARD_ROCK,
                                     .step = step,
                                     .default_policy = default_policy,
                                     .tail = tail,
                                     .upper = upper,
                                     .action_upper = action_upper,
                                     .obs_probability = obs_probability,
                                     .remember = remember,
                                     .ctx = r},
                           .sample = sample,
                           .max_steps = 90,
                           .n_belief = 20000,
                           .destroy = close_model,
                           .ctx = r};
    pomdp_config_default(&out->config);
    out->config.rollout_depth = 0; /* the tail hook knows the default policy's whole return */
    out->config.max_nodes = 1u << 19;
    out->config.max_particles = 1u << 22;
    return HP_OK;
}
