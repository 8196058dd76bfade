/* hyplan eval policy: returns and crashes of the greedy policy, and what its calibration is worth.
 */
#include "cli/eval.h"
#include "cli/options.h"
#include "cli/policy_grid.h"
#include "cli/stats.h"
#include "cli/table.h"

#include <jansson.h>
#include <math.h>

static const cli_usage USAGE = {
    .command = "eval policy",
    .synopsis = "eval policy [options]",
    .summary = "returns and crashes of the greedy policy, coverage of its calibrated intervals",
    .example = "hyplan eval policy --episodes 4000",
    .without = CLI_NO_OUT | CLI_NO_DATA | CLI_NO_JOBS,
};

static const char *const GRIDS[] = {"calibration", "evaluation", NULL};
enum { LEVELS = 19 };

/** What the intervals of one group did. */
typedef struct figures {
    uint32_t n, inside, crude_inside, accepted, wrong;
    double width;
} figures;

typedef struct judgement {
    figures groups[POLICY_GROUPS + 1]; /* the last one: all */
    double error, raw_error;           /* calibration error: by groups, and uncalibrated */
} judgement;

/** Quantile of the standard normal distribution, by halving. */
static double normal_quantile(double p)
{
    double lo = -8.0;
    double hi = 8.0;
    for (int i = 0; i < 60; i++) {
        const double z = 0.5 * (lo + hi);
        if (0.5 * erfc(-z / sqrt(2.0)) < p) {
            lo = z;
        } else {
            hi = z;
        }
    }
    return lo;
}

static void count(const policy_calib *c, const policy_sample *s, figures *f)
{
    const double error = fabs(s->outcome - s->value);
    const double half = policy_calib_half_width(c, s);
    const double tail = 0.5 * c->config.alpha;
    const bool accepted = policy_calib_accepts(c, s);
    f->n++;
    f->inside += error <= half ? 1 : 0;
    f->width += isfinite(half) ? half : 0.0;
    f->crude_inside += s->outcome >= policy_calib_quantile(c, s, true, tail) &&
                               s->outcome <= policy_calib_quantile(c, s, true, 1.0 - tail)
                           ? 1
                           : 0;
    f->accepted += accepted ? 1 : 0;
    f->wrong += accepted && error > c->config.epsilon ? 1 : 0;
}

/** Mean gap between asked and found shares below quantiles, in 19 steps. */
static double calibration_error(const policy_calib *c, const policy_sample *samples, uint32_t n)
{
    double sum = 0.0;
    for (int j = 1; j <= LEVELS; j++) {
        const double p = (double)j / (LEVELS + 1);
        const double z = normal_quantile(p);
        uint32_t below = 0;
        for (uint32_t i = 0; i < n; i++) {
            const policy_sample *s = &samples[i];
            const double q =
                c != NULL ? policy_calib_quantile(c, s, false, p) : s->value + z * s->score;
            below += s->outcome <= q ? 1 : 0;
        }
        sum += fabs(p - (double)below / n);
    }
    return sum / LEVELS;
}

static void judge(const policy_calib *c, const policy_sample *samples, uint32_t n, judgement *out)
{
    *out = (judgement){.error = calibration_error(c, samples, n),
                       .raw_error = calibration_error(NULL, samples, n)};
    for (uint32_t i = 0; i < n; i++) {
        count(c, &samples[i], &out->groups[policy_calib_group(c, samples[i].crash_p)]);
        count(c, &samples[i], &out->groups[POLICY_GROUPS]);
    }
}

static double share(uint32_t k, uint32_t n)
{
    return n > 0 ? (double)k / n : (double)NAN;
}

static void print_crashes(const policy_play *play)
{
    (void)printf("%u episodes: mean return %.3f, %u crashes (%.2f%%), %u arrivals (%.2f%%)\n",
                 play->episodes, play->mean_return, play->crashes,
                 100.0 * share(play->crashes, play->episodes), play->goals,
                 100.0 * share(play->goals, play->episodes));
    for (int i = 0; POLICY_GRID_SCENARIOS[i] != NULL; i++) {
        const stats_interval w =
            stats_wilson(play->scenario_crashes[i], play->scenario_episodes[i]);
        (void)printf("  %s: %5.2f%% crash [%.2f-%.2f] of %u\n", POLICY_GRID_SCENARIOS[i],
                     100.0 * share(play->scenario_crashes[i], play->scenario_episodes[i]),
                     100.0 * w.lo, 100.0 * w.hi, play->scenario_episodes[i]);
    }
}

static void print_judgement(const policy_calib *c, const judgement *j)
{
    static const char *const HEAD[] = {"crash_p",    "samples", "inside",   "[95 %]",
                                       "half width", "crude",   "accepted", "of them wrong"};
    table t;
    table_init(&t, HP_ARRAY_LEN(HEAD));
    for (size_t i = 0; i < HP_ARRAY_LEN(HEAD); i++) {
        table_cell(&t, "%s", HEAD[i]);
    }
    for (int g = 0; g <= POLICY_GROUPS; g++) {
        const figures *f = &j->groups[g];
        const stats_interval w = stats_wilson(f->inside, f->n);
        if (g == POLICY_GROUPS) {
            table_cell(&t, "all");
        } else if (g + 1 < POLICY_GROUPS) {
            table_cell(&t, "< %g", c->edges[g]);
        } else {
            table_cell(&t, ">= %g", c->edges[g - 1]);
        }
        table_cell(&t, "%u", f->n);
        table_cell(&t, "%.3f", share(f->inside, f->n));
        table_cell(&t, "%.3f-%.3f", w.lo, w.hi);
        table_cell(&t, "%.3f", f->n > 0 ? f->width / f->n : (double)NAN);
        table_cell(&t, "%.3f", share(f->crude_inside, f->n));
        table_cell(&t, "%.3f", share(f->accepted, f->n));
        table_cell(&t, "%.4f", share(f->wrong, f->accepted));
    }
    (void)printf("\nIntervals for %.0f%%, tolerated error %g, risk %g:\n",
                 100.0 * (1.0 - c->config.alpha), c->config.epsilon, c->config.risk);
    table_print(&t, stdout);
    table_free(&t);
    (void)printf("calibration error %.4f (uncalibrated %.4f)\n", j->error, j->raw_error);
}

static void print_json(const policy_play *play, const judgement *j)
{
    json_t *groups = json_array();
    for (int g = 0; g <= POLICY_GROUPS; g++) {
        const figures *f = &j->groups[g];
        json_array_append_new(groups,
                              json_pack("{s:i, s:i, s:i, s:i, s:i}", "n", (int)f->n, "inside",
                                        (int)f->inside, "crude_inside", (int)f->crude_inside,
                                        "accepted", (int)f->accepted, "wrong", (int)f->wrong));
    }
    json_t *all = json_pack("{s:i, s:i, s:i, s:f, s:f, s:f, s:o}", "episodes", (int)play->episodes,
                            "crashes", (int)play->crashes, "goals", (int)play->goals, "mean_return",
                            play->mean_return, "calibration_error", j->error, "uncalibrated_error",
                            j->raw_error, "groups", groups);
    (void)json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    (void)putchar('\n');
    json_decref(all);
}

static hp_status read_calibration(const char *given, const policy_grid *grid, policy_calib *calib,
                                  hp_error *error)
{
    char path[CLI_PATH];
    if (given == NULL && cli_find("models/" POLICY_CALIB_FILE, path)) {
        given = path;
    }
    if (given == NULL) {
        return hp_fail(error, HP_ENOENT,
                       "no calibration found; make one with hyplan calibrate "
                       "policy and name it by --calibration FILE");
    }
    return policy_calib_read(given, grid->pilot.hash, grid->mix_hash, calib, error);
}

int eval_policy(int argc, char **argv)
{
    cli_common common;
    hp_error error = {{0}};
    uint32_t episodes = 4000;
    uint32_t which = 0;
    const char *given = NULL;
    policy_grid grid = {0};
    policy_calib calib;
    judgement j;
    const cli_flag flags[] = {
        {"episodes", 0, CLI_FLAG_UINT, &episodes, "N", "episodes to play (4000)", 100, 1000000,
         NULL},
        {"grid", 0, CLI_FLAG_WORD, &which, "GRID",
         "calibration (default; scenes held out there) or evaluation", 0, 0, GRIDS},
        {"calibration", 0, CLI_FLAG_TEXT, &given, "FILE",
         "calibration to judge (default: the shipped one)", 0, 0, NULL},
        {NULL, 0, CLI_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, NULL},
    };
    const int status = cli_parse(&USAGE, flags, argc, argv, &common, NULL);
    if (status != CLI_GO) {
        return status;
    }
    hp_status st = policy_grid_play(
        &common, which == 0 ? POLICY_PART_CHECK : POLICY_PART_EVALUATION, episodes, &grid, &error);
    if (st == HP_OK) {
        st = read_calibration(given, &grid, &calib, &error);
    }
    if (st == HP_OK) {
        judge(&calib, grid.samples, episodes, &j);
        if (common.json) {
            print_json(&grid.play, &j);
        } else {
            print_crashes(&grid.play);
            print_judgement(&calib, &j);
        }
    }
    policy_grid_close(&grid);
    return cli_end(&USAGE, st, &error);
}
