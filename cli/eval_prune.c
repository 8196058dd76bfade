/* hyplan eval prune: what pruning costs and saves, on root beliefs that were drawn from episodes.
 */
#include "cli/eval.h"
#include "cli/options.h"
#include "cli/policy_grid.h"
#include "cli/prune_draw.h"
#include "cli/rundir.h"
#include "common/hp_crew.h"
#include "common/hp_file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static const cli_usage USAGE = {
    .command = "eval prune",
    .synopsis = "eval prune [options]",
    .summary = "pruned searches against longer ones alone, on the same root beliefs",
    .example = "hyplan eval prune --beliefs 500 --set pomdp.prune.method=crude",
    .without = CLI_NO_DATA,
};

enum { LANE_RISK = 12 };

static const char BELIEFS[] = "beliefs.csv";
static const char *const GRIDS[] = {"validation", "evaluation", NULL};

typedef struct study {
    uint32_t beliefs, trials, resamples, grid;
    cli_config *config;
    drive_setting *setting;
    prune_lab *labs[HP_CREW_MAX_THREADS];
    uint32_t n_labs;
    cli_rundir dir;
    FILE *csv;
    prune_case *cases; /* [prune_draw_episodes(beliefs)] */
    uint32_t n, hard;
    uint32_t audited, off; /* pruned nodes that were searched, and off by more than the tolerance */
    prune_risk risk;
} study;

static hp_status create_labs(study *s, hp_error *error)
{
    hp_status st = HP_OK;
    for (uint32_t i = 0; i < s->n_labs && st == HP_OK; i++) {
        st = prune_lab_create(s->setting, &s->labs[i], error);
    }
    return st;
}

static hp_status open_study(const cli_common *common, study *s, hp_error *error)
{
    char path[CLI_PATH];
    s->config = calloc(1, sizeof *s->config);
    s->setting = calloc(1, sizeof *s->setting);
    s->cases = calloc(prune_draw_episodes(s->beliefs), sizeof *s->cases);
    s->n_labs = common->jobs < HP_CREW_MAX_THREADS ? common->jobs : HP_CREW_MAX_THREADS;
    if (s->config == NULL || s->setting == NULL || s->cases == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for %u beliefs", s->beliefs);
    }
    hp_status st = cli_config_load(common, s->config, error);
    if (st == HP_OK) {
        policy_grid_stamp(s->config);
        st = policy_grid_setting(s->config,
                                 s->grid == 0 ? POLICY_PART_VALIDATION : POLICY_PART_EVALUATION,
                                 s->setting, error);
    }
    if (st == HP_OK) {
        st = create_labs(s, error);
    }
    if (st == HP_OK && s->config->car.prune.rule.method == POMDP_PRUNE_OFF) {
        return hp_fail(error, HP_ECONFIG, "pomdp.prune.method is off: there is nothing to judge");
    }
    if (st == HP_OK && prune_lab_note(s->labs[0]) != NULL) {
        return hp_fail(error, HP_ECONFIG, "%s", prune_lab_note(s->labs[0]));
    }
    if (st == HP_OK) {
        st = cli_rundir_open(common, "eval-prune", &s->dir, error);
    }
    if (st == HP_OK && cli_rundir_path(&s->dir, BELIEFS, path)) {
        s->csv = fopen(path, "w");
        st = s->csv != NULL ? HP_OK : hp_fail(error, HP_EIO, "%s: cannot write", path);
    }
    return st;
}

static void close_study(study *s)
{
    (void)!hp_file_close(&s->csv, BELIEFS, NULL); /* after a fault that was told */
    for (uint32_t i = 0; i < s->n_labs; i++) {
        prune_lab_destroy(&s->labs[i]);
    }
    free(s->cases);
    free(s->setting);
    free(s->config);
}

static double gap_of(const pomdp_plan *p)
{
    return p->value_upper - p->value_lower;
}

static const char COLUMNS[] =
    "episode,scenario,hard,glanced,action_alone,action_live,action_plain,action_longest,nodes_"
    "alone,"
    "nodes_to_gap,nodes_live,nodes_plain,pruned,reopened,loss_alone,loss_live,loss_plain,gap_alone,"
    "gap_to_gap,gap_live,gap_plain,ms_alone,ms_to_gap,ms_live,ms_plain\n";

static void write_case(FILE *csv, const prune_case *c)
{
    const double losses[] = {prune_case_loss(c, c->alone.action),
                             prune_case_loss(c, c->live.action),
                             prune_case_loss(c, c->plain.action)};
    (void)fprintf(csv, "%u,%u,%d,%d,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%.6g,%.6g,%.6g,", c->episode,
                  c->scenario, c->hard ? 1 : 0, c->glanced ? 1 : 0, c->alone.action, c->live.action,
                  c->plain.action, c->longest.action, c->alone.nodes, c->to_gap.nodes,
                  c->live.nodes, c->plain.nodes, c->live.pruned, c->live.reopened, losses[0],
                  losses[1], losses[2]);
    (void)fprintf(csv, "%.6g,%.6g,%.6g,%.6g,%.3f,%.3f,%.3f,%.3f\n", gap_of(&c->alone),
                  gap_of(&c->to_gap), gap_of(&c->live), gap_of(&c->plain),
                  (double)c->alone_ns * 1e-6, (double)c->to_gap_ns * 1e-6,
                  (double)c->live_ns * 1e-6, (double)c->plain_ns * 1e-6);
}

static void take(void *ctx, const prune_case *c)
{
    study *s = ctx;
    s->cases[s->n++] = *c;
    s->hard += c->hard ? 1 : 0;
    s->audited += c->audited ? 1 : 0;
    s->off += c->off ? 1 : 0;
    write_case(s->csv, c);
}

static hp_status draw_cases(const cli_common *common, study *s, hp_error *error)
{
    const prune_draw_task task = {.labs = s->labs,
                                  .n_labs = s->n_labs,
                                  .wanted = s->beliefs,
                                  .trials = s->trials,
                                  .target_gap = s->config->car.budget.target_gap,
                                  .stream = hp_rng_seed(common->seed + 2000),
                                  .quiet = common->quiet,
                                  .take = take,
                                  .ctx = s};
    (void)fputs(COLUMNS, s->csv);
    const hp_status st = prune_draw_run(&task);
    if (st == HP_OK && s->hard < s->beliefs) {
        return hp_fail(error, HP_EINVAL,
                       "only %u beliefs of %u episodes need a search, of %u asked", s->hard,
                       prune_draw_episodes(s->beliefs), s->beliefs);
    }
    return st;
}

static hp_status judge_risk(const cli_common *common, study *s)
{
    const car_prune_config *prune = &s->config->car.prune;
    const policy_calib_config rules = {prune->alpha, prune->rule.value_tolerance, prune->risk,
                                       prune->delta};
    uint32_t n = 0;
    policy_sample *samples = prune_lab_samples(s->labs[0], &n);
    const hp_status st =
        n >= 2 ? prune_risk_run(&rules, samples, n, s->resamples,
                                hp_rng_lane(hp_rng_seed(common->seed), LANE_RISK), &s->risk)
               : HP_ENOMEM;
    free(samples);
    return st;
}

/** What the cases come to. */
typedef struct figures {
    uint32_t n, agree, agree_plain;
    double loss, worst, loss_plain, worst_plain;
    double node_ratio, expanded_ratio, time_ratio, live_ms, plain_ms;
    stats_interval nodes, expanded, times, live, plain;
} figures;

static void measure(const study *s, bool hard_only, double *values, figures *f)
{
    *f = (figures){0};
    for (uint32_t i = 0; i < s->n; i++) {
        const prune_case *c = &s->cases[i];
        if (hard_only && !c->hard) {
            continue;
        }
        const double loss = prune_case_loss(c, c->live.action);
        const double plain = prune_case_loss(c, c->plain.action);
        values[f->n] = (double)c->alone.nodes / c->to_gap.nodes;
        values[s->n + f->n] = (double)c->alone_ns / (double)c->to_gap_ns;
        values[2 * s->n + f->n] = (double)c->live_ns * 1e-6;
        values[3 * s->n + f->n] = (double)c->plain_ns * 1e-6;
        values[4 * s->n + f->n++] = (double)c->alone.expansions / c->to_gap.expansions;
        f->agree += c->live.action == c->longest.action ? 1 : 0;
        f->agree_plain += c->plain.action == c->longest.action ? 1 : 0;
        f->loss += loss;
        f->loss_plain += plain;
        f->worst = fmax(f->worst, loss);
        f->worst_plain = fmax(f->worst_plain, plain);
    }
    f->loss /= f->n;
    f->loss_plain /= f->n;
    f->node_ratio = prune_median(values, f->n, &f->nodes);
    f->time_ratio = prune_median(values + s->n, f->n, &f->times);
    f->expanded_ratio = prune_median(values + 4 * (size_t)s->n, f->n, &f->expanded);
    f->live_ms = prune_median(values + 2 * (size_t)s->n, f->n, &f->live);
    f->plain_ms = prune_median(values + 3 * (size_t)s->n, f->n, &f->plain);
}

/** How the glance does among the cases that it settles. */
typedef struct glances {
    uint32_t n, wide; /* settled; of those, with first bounds of all futures over the target gap */
    double loss, worst, wide_loss, wide_worst;
} glances;

static glances measure_glances(const study *s)
{
    glances g = {0};
    for (uint32_t i = 0; i < s->n; i++) {
        const prune_case *c = &s->cases[i];
        if (!c->glanced) {
            continue;
        }
        const double loss = prune_case_loss(c, c->glance.action);
        g.n++;
        g.loss += loss;
        g.worst = fmax(g.worst, loss);
        if (c->hard) {
            g.wide++;
            g.wide_loss += loss;
            g.wide_worst = fmax(g.wide_worst, loss);
        }
    }
    g.loss /= fmax(g.n, 1.0);
    g.wide_loss /= fmax(g.wide, 1.0);
    return g;
}

static double bound_of(const study *s)
{
    const car_config *car = &s->config->car;
    return 2.0 * pow(car->discount, car->prune.rule.min_depth) * car->prune.rule.value_tolerance;
}

static void print_figures(const study *s, const char *title, const figures *f)
{
    const stats_interval agree = stats_wilson(f->agree, f->n);
    const double n = f->n;
    (void)printf("%s: %u beliefs\n", title, f->n);
    (void)printf("  on the road's budget, same action as 10x the trials alone: %.1f %% [%.1f, "
                 "%.1f]; not pruned: %.1f %%\n",
                 100.0 * f->agree / n, 100.0 * agree.lo, 100.0 * agree.hi,
                 100.0 * f->agree_plain / n);
    (void)printf(
        "  value lost: mean %.4f, worst %.4f (bound %.4f); not pruned: mean %.4f, worst %.4f\n",
        f->loss, f->worst, bound_of(s), f->loss_plain, f->worst_plain);
    (void)printf("  to the same root gap, medians: %.2f times fewer nodes expanded [%.2f, %.2f], "
                 "%.2f fewer made [%.2f, %.2f], %.2f times less CPU time [%.2f, %.2f]\n",
                 f->expanded_ratio, f->expanded.lo, f->expanded.hi, f->node_ratio, f->nodes.lo,
                 f->nodes.hi, f->time_ratio, f->times.lo, f->times.hi);
    (void)printf("  median search: %.2f ms [%.2f, %.2f]; not pruned %.2f ms [%.2f, %.2f]\n",
                 f->live_ms, f->live.lo, f->live.hi, f->plain_ms, f->plain.lo, f->plain.hi);
}

static void print_glances(const study *s)
{
    const glances g = measure_glances(s);
    const stats_interval wide = stats_wilson(g.wide, g.n);
    (void)printf("a glance settles %u of %u beliefs; of those, all futures say otherwise of %u "
                 "(%.2f %% [%.2f, %.2f])\n"
                 "  value lost: mean %.5f, worst %.4f; where all say otherwise: mean %.5f, worst "
                 "%.4f\n",
                 g.n, s->n, g.wide, 100.0 * g.wide / fmax(g.n, 1.0), 100.0 * wide.lo,
                 100.0 * wide.hi, g.loss, g.worst, g.wide_loss, g.wide_worst);
}

static void print_depths(const study *s)
{
    uint64_t at[POMDP_PLAN_DEPTHS] = {0};
    uint64_t evaluated = 0;
    uint64_t pruned = 0;
    uint64_t refused = 0;
    uint64_t reopened = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const pomdp_plan *p = &s->cases[i].live;
        evaluated += p->evaluated;
        pruned += p->pruned;
        refused += p->refused;
        reopened += p->reopened;
        for (uint32_t d = 0; d < POMDP_PLAN_DEPTHS; d++) {
            at[d] += p->pruned_at[d];
        }
    }
    (void)printf("a search values %.1f nodes, prunes %.1f, opens %.1f again; refused %.2f\n"
                 "pruned by depth:",
                 (double)evaluated / s->n, (double)pruned / s->n, (double)reopened / s->n,
                 (double)refused / s->n);
    for (uint32_t d = 1; d < POMDP_PLAN_DEPTHS; d++) {
        (void)printf(" %.2f", (double)at[d] / s->n);
    }
    (void)putchar('\n');
}

static void print_risk(const study *s)
{
    const prune_risk *r = &s->risk;
    const stats_interval off = stats_wilson(s->off, s->audited);
    (void)printf("pruned nodes searched after all: %u of %u off by more than %g (%.2f %% [%.2f, "
                 "%.2f])\n",
                 s->off, s->audited, s->config->car.prune.rule.value_tolerance,
                 100.0 * s->off / fmax(s->audited, 1.0), 100.0 * off.lo, 100.0 * off.hi);
    (void)printf("selective rule: risk %g kept by the other half in %u of %u halvings of the "
                 "calibration; accepts "
                 "%.1f %%, of them %.2f %% off\n",
                 s->config->car.prune.risk, r->kept, r->resamples,
                 100.0 * (double)r->accepted / fmax((double)r->judged, 1.0),
                 100.0 * (double)r->wrong / fmax((double)r->accepted, 1.0));
}

static json_t *figures_json(const figures *f)
{
    return json_pack("{s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:[f, f], s:f, s:[f, f], s:f, s:[f, "
                     "f], s:f, s:f}",
                     "beliefs", (int)f->n, "agree", (double)f->agree / f->n, "agree_plain",
                     (double)f->agree_plain / f->n, "loss_mean", f->loss, "loss_worst", f->worst,
                     "loss_plain_mean", f->loss_plain, "loss_plain_worst", f->worst_plain,
                     "node_ratio", f->node_ratio, "node_ratio_95", f->nodes.lo, f->nodes.hi,
                     "expanded_ratio", f->expanded_ratio, "expanded_ratio_95", f->expanded.lo,
                     f->expanded.hi, "time_ratio", f->time_ratio, "time_ratio_95", f->times.lo,
                     f->times.hi, "search_ms", f->live_ms, "search_plain_ms", f->plain_ms);
}

static void print_json(const study *s, const figures *all, const figures *hard)
{
    const glances g = measure_glances(s);
    json_t *json = json_pack(
        "{s:s, s:i, s:o, s:o, s:{s:i, s:i, s:f, s:f, s:f, s:f}, s:f, s:i, s:i, s:{s:i, s:i, s:I, "
        "s:I, s:I}}",
        "method", POMDP_PRUNE_WORDS[s->config->car.prune.rule.method], "trials", (int)s->trials,
        "all", figures_json(all), "hard", figures_json(hard), "glance", "settled", (int)g.n,
        "all_say_otherwise", (int)g.wide, "loss_mean", g.loss, "loss_worst", g.worst,
        "otherwise_loss_mean", g.wide_loss, "otherwise_loss_worst", g.wide_worst, "bound",
        bound_of(s), "audited", (int)s->audited, "audited_off", (int)s->off, "risk", "resamples",
        (int)s->risk.resamples, "kept", (int)s->risk.kept, "accepted", (json_int_t)s->risk.accepted,
        "wrong", (json_int_t)s->risk.wrong, "judged", (json_int_t)s->risk.judged);
    (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    (void)putchar('\n');
    json_decref(json);
}

static hp_status report(const cli_common *common, study *s)
{
    figures all;
    figures hard;
    double *values = calloc(5 * (size_t)s->n + 1, sizeof *values);
    if (values == NULL || s->n == 0) {
        free(values);
        return HP_ENOMEM;
    }
    measure(s, false, values, &all);
    measure(s, true, values, &hard);
    free(values);
    if (common->json) {
        print_json(s, &all, &hard);
        return HP_OK;
    }
    (void)printf("%s, %u trials, %s grid\n", POMDP_PRUNE_WORDS[s->config->car.prune.rule.method],
                 s->trials, GRIDS[s->grid]);
    print_figures(s, "those that need a search", &hard);
    print_figures(s, "those and the others met on the way", &all);
    print_glances(s);
    print_depths(s);
    print_risk(s);
    (void)printf("written to %s\n", s->dir.path);
    return HP_OK;
}

int eval_prune(int argc, char **argv)
{
    cli_common common;
    hp_error error = {{0}};
    study s = {.beliefs = 200, .trials = CLI_DEFAULT_TRIALS, .resamples = 100};
    const cli_flag flags[] = {
        {"beliefs", 0, CLI_FLAG_UINT, &s.beliefs, "N",
         "root beliefs that need a search, of an episode each (200)", 1, 100000, NULL},
        {"trials", 0, CLI_FLAG_UINT, &s.trials, "N", "of a search (300)", 10, 100000, NULL},
        {"resamples", 0, CLI_FLAG_UINT, &s.resamples, "N", "halvings of the calibration (100)", 1,
         10000, NULL},
        {"grid", 0, CLI_FLAG_WORD, &s.grid, "GRID", "validation (default), or evaluation", 0, 0,
         GRIDS},
        {NULL, 0, CLI_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, NULL},
    };
    const int status = cli_parse(&USAGE, flags, argc, argv, &common, NULL);
    if (status != CLI_GO) {
        return status;
    }
    hp_status st = open_study(&common, &s, &error);
    if (st == HP_OK) {
        st = draw_cases(&common, &s, &error);
    }
    if (st == HP_OK) {
        st = hp_file_close(&s.csv, BELIEFS, &error);
    }
    if (st == HP_OK) {
        st = judge_risk(&common, &s);
    }
    if (st == HP_OK) {
        st = report(&common, &s);
    }
    close_study(&s);
    return cli_end(&USAGE, st, &error);
}
