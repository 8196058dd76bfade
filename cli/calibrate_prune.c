/* hyplan calibrate prune: what the network says of tree nodes, and what long searches find there.
 */
#include "cli/calibrate.h"
#include "cli/options.h"
#include "cli/policy_grid.h"
#include "cli/progress.h"
#include "cli/prune_lab.h"
#include "cli/rundir.h"
#include "common/hp_file.h"

#include <inttypes.h>
#include <stdlib.h>

static const cli_usage USAGE = {
    .command = "calibrate prune",
    .synopsis = "calibrate prune [options]",
    .summary =
        "measures how far the network's values of tree nodes are from those of long searches",
    .example = "hyplan calibrate prune --episodes 6000 --out models",
    .without = CLI_NO_DATA | CLI_NO_JOBS,
};

enum { FIT_NODES = 2, LANE_NODE = 7 };

static const char SAMPLES[] = "prune.samples.csv";

/** What the command is about. */
typedef struct task {
    uint32_t episodes, trials, label_trials;
    cli_config *config;
    drive_setting *setting;
    prune_lab *lab;
    policy_nodes labels;
    cli_rundir dir;
    FILE *csv;
} task;

static hp_status open_task(const cli_common *common, task *t, hp_error *error)
{
    t->config = calloc(1, sizeof *t->config);
    t->setting = calloc(1, sizeof *t->setting);
    t->labels.items = calloc((size_t)t->episodes * FIT_NODES, sizeof *t->labels.items);
    if (t->config == NULL || t->setting == NULL || t->labels.items == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for %u episodes", t->episodes);
    }
    hp_status st = cli_config_load(common, t->config, error);
    if (st == HP_OK) {
        st = policy_grid_setting(t->config, POLICY_PART_CALIBRATE, t->setting, error);
    }
    if (st == HP_OK) {
        st = prune_lab_create(t->setting, &t->lab, error);
    }
    if (st == HP_OK) {
        st = cli_rundir_open(common, "calibrate-prune", &t->dir, error);
    }
    char path[CLI_PATH];
    if (st == HP_OK && cli_rundir_path(&t->dir, SAMPLES, path)) {
        t->csv = fopen(path, "w");
    }
    return st != HP_OK || t->csv != NULL ? st
                                         : hp_fail(error, HP_EIO, "%s: cannot write", t->dir.path);
}

static void close_task(task *t)
{
    (void)!hp_file_close(&t->csv, SAMPLES, NULL); /* after a fault that was told */
    prune_lab_destroy(&t->lab);
    policy_nodes_destroy(&t->labels);
    free(t->setting);
    free(t->config);
}

static void take(task *t, const prune_node *n)
{
    const policy_node_sample *s = &n->said;
    t->labels.items[t->labels.n++] = *s;
    (void)fprintf(t->csv, "%u,%.0f,%.0f,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n",
                  prune_lab_scenario(t->lab), s->depth, s->particles, s->value, s->spread, s->width,
                  s->crash_p, s->ttc_s, s->lower, s->upper, s->outcome, n->found_upper);
}

/** Nodes of one episode. */
static void sample_episode(task *t, hp_rng stream, uint32_t episode, uint32_t n)
{
    const hp_rng lane = hp_rng_lane(stream, episode);
    prune_node node;
    if (!prune_lab_play(t->lab, stream, episode)) {
        return;
    }
    for (uint32_t k = 0; k < n; k++) {
        if (prune_lab_label(t->lab, t->trials, t->label_trials, hp_rng_lane(lane, LANE_NODE + k),
                            &node)) {
            take(t, &node);
        }
    }
}

/** Several nodes of each episode of the first half, to fit the scale; one of the others. */
static hp_status sample(const cli_common *common, task *t)
{
    const hp_rng stream = hp_rng_seed(common->seed + 1000);
    progress shown = progress_start(common->quiet, "episodes", 0, t->episodes);
    (void)fputs("scenario,depth,particles,value,spread,width,crash_p,ttc_s,lower,upper,found_lower,"
                "found_upper\n",
                t->csv);
    for (uint32_t i = 0; i < t->episodes; i++) {
        const bool fits = i < t->episodes / 2;
        sample_episode(t, stream, i, fits ? FIT_NODES : 1);
        t->labels.n_fit = fits ? t->labels.n : t->labels.n_fit;
        progress_show(&shown, i + 1, "%u nodes", t->labels.n);
    }
    return t->labels.n > t->labels.n_fit ? HP_OK : HP_EINVAL;
}

int calibrate_prune(int argc, char **argv)
{
    cli_common common;
    hp_error error = {{0}};
    task t = {.episodes = 6000, .trials = CLI_DEFAULT_TRIALS, .label_trials = 1000};
    const cli_flag flags[] = {
        {"episodes", 0, CLI_FLAG_UINT, &t.episodes, "N",
         "episodes; half of them to fit the scale (6000)", 10, 1000000, NULL},
        {"trials", 0, CLI_FLAG_UINT, &t.trials, "N",
         "of the search that nodes are drawn from (300)", 10, 1000000, NULL},
        {"label-trials", 0, CLI_FLAG_UINT, &t.label_trials, "N",
         "of the long search from a node (1000)", 10, 1000000, NULL},
        {NULL, 0, CLI_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, NULL},
    };
    const int status = cli_parse(&USAGE, flags, argc, argv, &common, NULL);
    if (status != CLI_GO) {
        return status;
    }
    hp_status st = open_task(&common, &t, &error);
    if (st == HP_OK) {
        st = sample(&common, &t);
    }
    if (st == HP_OK) {
        st = hp_file_close(&t.csv, SAMPLES, &error);
    }
    if (st == HP_OK) {
        t.labels.model_hash = prune_lab_model_hash(t.lab);
        t.labels.search_hash = car_leaf_search_hash(&t.config->car);
        t.labels.mix_hash = policy_grid_mix(t.config);
        st = policy_nodes_write(&t.labels, t.dir.path, PRUNE_LABELS_FILE, &error);
    }
    if (st == HP_OK) {
        (void)printf(common.json ? "{\"episodes\": %u, \"nodes\": %u, \"written\": \"%s\"}\n"
                                 : "%u episodes, %u nodes; written to %s\n",
                     t.episodes, t.labels.n, t.dir.path);
    }
    const int result = cli_end(&USAGE, st, &error);
    close_task(&t);
    return result;
}
