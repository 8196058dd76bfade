/* hyplan eval predictor: a network or a rule on recordings, by the protocols of published tables.
 */
#include "cli/eval.h"
#include "cli/eval_predictor.h"
#include "cli/options.h"
#include "cli/rundir.h"
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 5 };

static const char *const DATA[] = {"eth-ucy", "dut", "citr", "apolloscape", NULL};
static const char *const SPLITS[] = {"train", "val", "test", NULL};
static const char *const PROTOCOLS[] = {
    "8 observed, 12 predicted at 0.4 s; leave one scene out; stride 1",
    "8 observed, 12 predicted at 0.4 s on each clip's clock; clips i mod 4 = 3",
    "8 observed, 12 predicted at 0.4 s on each clip's clock; clips i mod 4 = 3",
    "6 observed, 6 predicted at 0.5 s; files i mod 5 = 4",
};
/** Rules that need no file, by the word for --model. */
static const char *const RIVALS[PRED_RIVALS] = {"cv", "cv3", "cv-turn", "cv-sampled"};

static const cli_usage USAGE = {
    .command = "eval predictor",
    .synopsis = "eval predictor [options]",
    .summary = "errors, likelihood, calibration and latency of a predictor on recordings",
    .example = "hyplan eval predictor --data eth-ucy --model fan",
    .without = CLI_NO_CONFIG | CLI_NO_OUT | CLI_NO_JOBS,
};

typedef struct job {
    cli_common common;
    uint32_t data, split, min_agents;
    const char *model_name; /* a rule, "fan", or a path in which {scene} stands for the fold */
    const char *against;    /* NULL, or what must be less likely in every row */
    bool no_vehicles, drop_jumps, adapt, as_stamped;
    uint32_t n_rows;
    const char *names[MAX_ROWS];
    pred_scores scores[MAX_ROWS];
    double rival_nll[MAX_ROWS]; /* with --against */
    size_t n[MAX_ROWS];
    uint32_t n_windows[MAX_ROWS];
    stats_times times;
} job;

static bool everybody(const pred_sample *s)
{
    (void)s;
    return true;
}

static bool walks(const pred_sample *s)
{
    return s->input.kind == PRED_WALKER;
}

static bool walks_near_car(const pred_sample *s)
{
    return walks(s) && s->near_car;
}

static bool drives(const pred_sample *s)
{
    return pred_is_vehicle(s->input.kind);
}

static bool cycles(const pred_sample *s)
{
    return s->input.kind == PRED_CYCLIST;
}

static const eval_group ALL[] = {{"all", everybody}};
static const eval_group CROSSING[] = {
    {"pedestrians", walks}, {"near_car", walks_near_car}, {"cars", drives}};
static const eval_group TRAFFIC[] = {{"vehicle", drives}, {"pedestrian", walks}, {"bike", cycles}};

/** The path with the fold's name in it. */
static void model_path(const char *name, const char *scene, char path[CLI_PATH])
{
    const char *at = strstr(name, "{scene}");
    if (at == NULL) {
        (void)snprintf(path, CLI_PATH, "%s", name);
    } else {
        (void)snprintf(path, CLI_PATH, "%.*s%s%s", (int)(at - name), name, scene,
                       at + strlen("{scene}"));
    }
}

static hp_status load(const job *j, const char *scene, pred_split split, pred_samples *out,
                      hp_error *error)
{
    const pred_choice choice = {.data_dir = j->common.data_dir,
                                .kind = (pred_data_kind)j->data,
                                .scene = scene,
                                .split = split,
                                .min_agents = j->min_agents,
                                .no_vehicles = j->no_vehicles,
                                .as_stamped = j->as_stamped};
    return pred_samples_load(&choice, out, error);
}

/** The scene and what is asked about it. */
typedef struct exam {
    const char *scene, *model_name;
} exam;

/** Fills *model and says whether there is one: rules have none. */
static hp_status find_model(const job *j, const exam *e, pred_model *model, eval_job *to,
                            hp_error *error)
{
    char path[CLI_PATH];
    for (uint32_t i = 0; i < PRED_RIVALS; ++i) {
        if (strcmp(e->model_name, RIVALS[i]) == 0) {
            to->rival = (pred_rival)i;
            return HP_OK;
        }
    }
    to->model = model;
    if (strcmp(e->model_name, "fan") == 0) {
        pred_samples train = {0};
        hp_status st = load(j, e->scene, PRED_TRAIN, &train, error);
        st = st == HP_OK ? pred_fan_fit(&train, j->common.seed, model, error) : st;
        pred_samples_free(&train);
        return st;
    }
    model_path(e->model_name, e->scene, path);
    return pred_model_read(path, model, error);
}

static hp_status examine(const job *j, const exam *e, eval_job *to, eval_result *out,
                         hp_error *error)
{
    static pred_model model;
    to->model = NULL;
    const hp_status st = find_model(j, e, &model, to, error);
    return st == HP_OK ? eval_predictor_run(to, out, error) : st;
}

/** One scene's or one set's groups. */
static hp_status judge(job *j, const char *scene, const eval_group *groups, uint32_t n_groups,
                       hp_error *error)
{
    static eval_result result;
    static eval_result other;
    const exam own = {scene, j->model_name};
    const exam rival = {scene, j->against};
    pred_samples samples = {0};
    eval_job to = {.samples = &samples,
                   .groups = groups,
                   .n_groups = n_groups,
                   .drop_jumps = j->drop_jumps,
                   .adapt = j->adapt,
                   .seed = j->common.seed};
    hp_status st = load(j, scene, (pred_split)j->split, &samples, error);
    st = st == HP_OK ? examine(j, &own, &to, &result, error) : st;
    st = st == HP_OK && j->against != NULL ? examine(j, &rival, &to, &other, error) : st;
    for (uint32_t g = 0; st == HP_OK && g < n_groups; ++g) {
        const uint32_t row = j->n_rows++;
        j->names[row] = groups == ALL ? scene : groups[g].name;
        j->scores[row] = result.scores[g];
        j->rival_nll[row] = other.scores[g].nll;
        j->n[row] = result.n[g];
        j->n_windows[row] = result.n_windows;
    }
    if (st == HP_OK) {
        stats_times_merge(&j->times, &result.times);
    }
    pred_samples_free(&samples);
    return st;
}

static hp_status judge_all(job *j, hp_error *error)
{
    if (j->data == PRED_APOLLO) {
        return judge(j, "", TRAFFIC, HP_ARRAY_LEN(TRAFFIC), error);
    }
    if (j->data != PRED_ETH_UCY) {
        return judge(j, "", CROSSING, HP_ARRAY_LEN(CROSSING), error);
    }
    hp_status st = HP_OK;
    for (uint32_t i = 0; st == HP_OK && i < PRED_SCENES; ++i) {
        st = judge(j, PRED_SCENE[i], ALL, 1, error);
    }
    return st;
}

/** Rows whose truth the model finds likelier than its rival does. */
static uint32_t rows_won(const job *j)
{
    uint32_t won = 0;
    for (uint32_t r = 0; r < j->n_rows; ++r) {
        won += j->scores[r].nll < j->rival_nll[r] ? 1 : 0;
    }
    return won;
}

/** Figures of a row in one order, for the table, the JSON and their mean. */
enum { N_FIGURES = 12 };
static const char *const FIGURES[N_FIGURES] = {
    "best20_ade_m",  "best20_fde_m",  "single_ade_m", "single_fde_m", "top_ade_m", "top_fde_m",
    "joint20_ade_m", "joint20_fde_m", "nll",          "collision",    "cover50",   "cover90"};

static void figures_of(const pred_scores *s, double out[N_FIGURES])
{
    const double figures[N_FIGURES] = {s->best.ade, s->best.fde,  s->single.ade, s->single.fde,
                                       s->top.ade,  s->top.fde,   s->joint.ade,  s->joint.fde,
                                       s->nll,      s->collision, s->cover[0],   s->cover[1]};
    memcpy(out, figures, sizeof figures);
}

/** Mean over the rows, not weighted. */
static void mean_figures(const job *j, double out[N_FIGURES])
{
    memset(out, 0, N_FIGURES * sizeof *out);
    for (uint32_t r = 0; r < j->n_rows; ++r) {
        double row[N_FIGURES];
        figures_of(&j->scores[r], row);
        for (uint32_t i = 0; i < N_FIGURES; ++i) {
            out[i] += row[i] / j->n_rows;
        }
    }
}

/** Share of the points of all rows together in their regions. */
static void pooled(const job *j, double out[2])
{
    double n = 0.0;
    out[0] = out[1] = 0.0;
    for (uint32_t r = 0; r < j->n_rows; ++r) {
        n += (double)j->n[r];
        out[0] += (double)j->n[r] * j->scores[r].cover[0];
        out[1] += (double)j->n[r] * j->scores[r].cover[1];
    }
    out[0] /= n;
    out[1] /= n;
}

static const double WS[] = {0.20, 0.58, 0.22}; /* ApolloScape's weights, in the order of TRAFFIC */

static json_t *figures_json(const double figures[N_FIGURES])
{
    json_t *json = json_object();
    for (uint32_t i = 0; i < N_FIGURES; ++i) {
        (void)json_object_set_new(json, FIGURES[i], cli_json_real(figures[i]));
    }
    return json;
}

static json_t *times_json(const stats_times *t)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "mean", cli_json_real(stats_times_mean_ms(t)), "p50",
                     cli_json_real(stats_times_percentile_ms(t, 0.5)), "p99",
                     cli_json_real(stats_times_percentile_ms(t, 0.99)), "max",
                     cli_json_real(stats_times_max_ms(t)));
}

static void print_json(const job *j)
{
    json_t *json = json_object();
    json_t *scenes = json_object();
    double figures[N_FIGURES];
    double wsade = 0.0;
    double wsfde = 0.0;
    for (uint32_t r = 0; r < j->n_rows; ++r) {
        figures_of(&j->scores[r], figures);
        json_t *row = figures_json(figures);
        (void)json_object_set_new(row, "trajectories", json_integer((json_int_t)j->n[r]));
        (void)json_object_set_new(row, "windows", json_integer(j->n_windows[r]));
        if (j->against != NULL) {
            (void)json_object_set_new(row, "rival_nll", cli_json_real(j->rival_nll[r]));
        }
        (void)json_object_set_new(scenes, j->names[r], row);
        wsade += r < 3 ? WS[r] * j->scores[r].single.ade : 0.0;
        wsfde += r < 3 ? WS[r] * j->scores[r].single.fde : 0.0;
    }
    mean_figures(j, figures);
    (void)json_object_set_new(json, "data", json_string(DATA[j->data]));
    (void)json_object_set_new(json, "protocol", json_string(PROTOCOLS[j->data]));
    (void)json_object_set_new(json, "split", json_string(SPLITS[j->split]));
    (void)json_object_set_new(json, "model", json_string(j->model_name));
    (void)json_object_set_new(json, "adapt", json_boolean(j->adapt));
    (void)json_object_set_new(json, "as_stamped", json_boolean(j->as_stamped));
    (void)json_object_set_new(json, "seed", json_integer((json_int_t)j->common.seed));
    (void)json_object_set_new(json, "scenes", scenes);
    (void)json_object_set_new(json, "average", figures_json(figures));
    if (j->data != PRED_DUT && j->data != PRED_CITR) { /* there, rows overlap */
        double cover[2];
        pooled(j, cover);
        (void)json_object_set_new(json, "cover50_of_all_points", cli_json_real(cover[0]));
        (void)json_object_set_new(json, "cover90_of_all_points", cli_json_real(cover[1]));
    }
    (void)json_object_set_new(json, "latency_ms", times_json(&j->times));
    if (j->data == PRED_APOLLO) {
        (void)json_object_set_new(json, "wsade_m", cli_json_real(wsade));
        (void)json_object_set_new(json, "wsfde_m", cli_json_real(wsfde));
    }
    (void)json_dumpf(json, stdout, JSON_REAL_PRECISION(9) | JSON_INDENT(2));
    (void)fputc('\n', stdout);
    json_decref(json);
}

static void table_row(table *t, const char *name, const double f[N_FIGURES])
{
    table_cell(t, "%s", name);
    for (uint32_t i = 0; i < 8; i += 2) {
        table_cell(t, "%.3f/%.3f", f[i], f[i + 1]);
    }
    table_cell(t, "%.3f", f[8]);
    for (uint32_t i = 9; i < N_FIGURES; ++i) {
        table_cell(t, "%.1f %%", 100.0 * f[i]);
    }
}

static void print_table(const job *j)
{
    static const char *const HEADS[] = {
        "",    "best of 20", "single",  "most likely", "joint of 20",
        "NLL", "collision",  "in 50 %", "in 90 %"};
    table t;
    double figures[N_FIGURES];
    table_init(&t, HP_ARRAY_LEN(HEADS));
    for (size_t i = 0; i < HP_ARRAY_LEN(HEADS); ++i) {
        table_cell(&t, "%s", HEADS[i]);
    }
    (void)printf("%s, %s split: %s\nmodel %s%s; ADE/FDE in m, NLL in nats per point\n",
                 DATA[j->data], SPLITS[j->split], PROTOCOLS[j->data], j->model_name,
                 j->adapt ? ", spread adapted on the way" : "");
    double wsade = 0.0;
    double wsfde = 0.0;
    for (uint32_t r = 0; r < j->n_rows; ++r) {
        figures_of(&j->scores[r], figures);
        table_row(&t, j->names[r], figures);
        (void)printf("%s: %u windows, %zu trajectories\n", j->names[r], j->n_windows[r], j->n[r]);
        wsade += r < 3 ? WS[r] * j->scores[r].single.ade : 0.0;
        wsfde += r < 3 ? WS[r] * j->scores[r].single.fde : 0.0;
    }
    mean_figures(j, figures);
    if (j->data == PRED_ETH_UCY) {
        table_row(&t, "average", figures);
    }
    table_print(&t, stdout);
    table_free(&t);
    if (j->data == PRED_APOLLO) {
        (void)printf("weighted sum of the classes, single path: %.3f/%.3f\n", wsade, wsfde);
    }
    if (j->data != PRED_DUT && j->data != PRED_CITR) { /* there, rows overlap */
        double cover[2];
        pooled(j, cover);
        (void)printf(
            "of all points %.1f %% in their 50 %% regions, %.1f %% in their 90 %% regions\n",
            100.0 * cover[0], 100.0 * cover[1]);
    }
    for (uint32_t r = 0; j->against != NULL && r < j->n_rows; ++r) {
        (void)printf("NLL of %s, %s: %.3f\n", j->names[r], j->against, j->rival_nll[r]);
    }
    if (j->against != NULL) {
        (void)printf("likelier than by %s in %u of %u\n", j->against, rows_won(j), j->n_rows);
    }
    (void)printf("CPU time of a window: median %.3f ms, p99 %.3f ms\n",
                 stats_times_percentile_ms(&j->times, 0.5),
                 stats_times_percentile_ms(&j->times, 0.99));
}

/** Rules are single paths: they have no likelihood. */
static int check_against(const job *j)
{
    for (uint32_t i = 0; j->against != NULL && i < PRED_RIVALS; ++i) {
        if (strcmp(RIVALS[i], j->against) == 0 || strcmp(RIVALS[i], j->model_name) == 0) {
            return cli_fail(&USAGE, CLI_USAGE, "%s has no likelihood to compare (--against)",
                            RIVALS[i]);
        }
    }
    return CLI_GO;
}

static int read_options(int argc, char **argv, job *j)
{
    const cli_flag flags[] = {
        {.name = "data",
         .type = CLI_FLAG_WORD,
         .target = &j->data,
         .arg = "SET",
         .help = "eth-ucy, dut, citr or apolloscape (eth-ucy)",
         .words = DATA},
        {.name = "model",
         .type = CLI_FLAG_TEXT,
         .target = &j->model_name,
         .arg = "MODEL",
         .help = "a file ({scene} in it stands for the fold), or cv, cv3, cv-turn, cv-sampled, fan "
                 "(cv)"},
        {.name = "against",
         .type = CLI_FLAG_TEXT,
         .target = &j->against,
         .arg = "MODEL",
         .help = "a file or fan; exit 1 unless the truth is likelier by --model in every row"},
        {.name = "split",
         .type = CLI_FLAG_WORD,
         .target = &j->split,
         .arg = "SPLIT",
         .help = "train, val or test (test); recipes are decided on val",
         .words = SPLITS},
        {.name = "min-agents",
         .type = CLI_FLAG_UINT,
         .target = &j->min_agents,
         .arg = "N",
         .help = "windows with fewer agents are left out (1; older papers: 2)",
         .min = 1,
         .max = 100},
        {.name = "no-vehicles",
         .type = CLI_FLAG_SWITCH,
         .target = &j->no_vehicles,
         .help = "vehicles are no neighbours, for comparison"},
        {.name = "drop-jumps",
         .type = CLI_FLAG_SWITCH,
         .target = &j->drop_jumps,
         .help = "leave out windows with steps that nobody can make"},
        {.name = "as-stamped",
         .type = CLI_FLAG_SWITCH,
         .target = &j->as_stamped,
         .help = "apolloscape: believe its clock, though frames are missing"},
        {.name = "adapt",
         .type = CLI_FLAG_SWITCH,
         .target = &j->adapt,
         .help = "a network's spread follows what came of its earlier answers, as on the road"},
        {.name = NULL},
    };
    j->model_name = "cv";
    j->split = PRED_TEST;
    j->min_agents = 1;
    const int status = cli_parse(&USAGE, flags, argc, argv, &j->common, NULL);
    return status == CLI_GO ? check_against(j) : status;
}

int eval_predictor(int argc, char **argv)
{
    hp_error error = {{0}};
    job *j = calloc(1, sizeof *j);
    if (j == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "no memory");
    }
    int status = read_options(argc, argv, j);
    if (status == CLI_GO) {
        const hp_status st = judge_all(j, &error);
        if (st == HP_OK) {
            (j->common.json ? print_json : print_table)(j);
        }
        const bool passed = j->against == NULL || rows_won(j) == j->n_rows;
        status = st == HP_OK ? (passed ? CLI_DONE : CLI_FAILED) : cli_end(&USAGE, st, &error);
    }
    free(j);
    return status;
}
