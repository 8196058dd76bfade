/* hyplan train predictor: the network that says where others may go, from recordings. */
#include "cli/curves.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/rundir.h"
#include "cli/train.h"
#include "common/hp_clock.h"
#include "common/hp_linalg.h"
#include "predictor/pred_train.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SERIES = 8, MAX_EPOCHS = 1000 };

static const char MODEL[] = "predictor.safetensors";
static const char STATE[] = "state.safetensors";

static const char *const SERIES[N_SERIES] = {"train_loss",   "train_best_m", "train_single_m",
                                             "train_nll",    "val_loss",     "val_best_m",
                                             "val_single_m", "val_nll"};

static const char *const DATA[] = {"eth-ucy", "dut", "citr", "apolloscape", "mixed", NULL};

/* By how much samples are shrunk and stretched. ETH/UCY's clocks and metres are not all right. */
static const double SIZES[PRED_DATA_KINDS][2] = {[PRED_ETH_UCY] = {0.8, 1.7},
                                                 [PRED_DUT] = {0.9, 1.15},
                                                 [PRED_CITR] = {0.9, 1.15},
                                                 [PRED_APOLLO] = {0.75, 1.35},
                                                 [PRED_MIXED] = {0.9, 1.15}};

static const cli_usage USAGE = {
    .command = "train predictor",
    .synopsis = "train predictor [options]",
    .summary = "trains the network that says where others may go; needs recordings",
    .example = "hyplan train predictor --data eth-ucy --fold hotel --epochs 30 --out runs/hotel",
    .without = CLI_NO_JOBS,
};

typedef struct job {
    cli_common common;
    uint32_t data, fold, epochs;
    bool no_vehicles, as_stamped, resume;
    cli_rundir dir;
    pred_samples train, val;
    pred_trainer *trainer;
    pred_epoch last; /* epoch done */
    uint32_t best_epoch;
    double rows[MAX_EPOCHS][N_SERIES];
    int64_t cpu_ns;
} job;

static volatile sig_atomic_t stop;

static void on_stop(int signal)
{
    (void)signal;
    stop = 1;
}

static hp_status load(job *j, pred_split split, pred_samples *out, hp_error *error)
{
    const pred_choice choice = {.data_dir = j->common.data_dir,
                                .kind = (pred_data_kind)j->data,
                                .scene = PRED_SCENE[j->fold],
                                .split = split,
                                .loose = split == PRED_TRAIN && j->data != PRED_ETH_UCY,
                                .no_vehicles = j->no_vehicles,
                                .as_stamped = j->as_stamped};
    return pred_samples_load(&choice, out, error);
}

static void book(job *j, const pred_epoch *e)
{
    const pred_loss *both[2] = {&e->train, &e->val};
    for (int i = 0; i < 2; ++i) {
        double *row = &j->rows[e->epoch - 1][i * N_SERIES / 2];
        row[0] = both[i]->total;
        row[1] = both[i]->best;
        row[2] = both[i]->single;
        row[3] = both[i]->nll;
    }
    j->last = *e;
    j->best_epoch = e->best ? e->epoch : j->best_epoch;
}

static hp_status write_curves(const job *j, hp_error *error)
{
    const curves c = {.title = "training of the predictor",
                      .x_name = "epoch",
                      .series = SERIES,
                      .n_series = N_SERIES,
                      .n_points = j->last.epoch,
                      .values = &j->rows[0][0]};
    return curves_write(&c, &j->dir, error);
}

/** All epochs, with a state after each; ends early on a signal. */
static hp_status train(job *j, hp_error *error)
{
    const uint64_t per = pred_trainer_steps(j->trainer);
    uint64_t step = per * pred_trainer_epochs_done(j->trainer);
    progress shown = progress_start(j->common.quiet, "steps", step, per * j->epochs);
    hp_status st = HP_OK;
    while (st == HP_OK && !stop && pred_trainer_epochs_done(j->trainer) < j->epochs) {
        pred_epoch epoch;
        while (!pred_trainer_step(j->trainer, &epoch) && !stop) {
            step++;
            progress_show(&shown, step, "epoch %" PRIu64, step / per + 1);
        }
        if (stop) {
            break; /* the state of the last whole epoch stays */
        }
        book(j, &epoch);
        progress_keep(&shown, ++step, "epoch %u: val best %.3f single %.3f nll %.3f", epoch.epoch,
                      epoch.val.best, epoch.val.single, epoch.val.nll);
        st = pred_trainer_write(j->trainer, j->dir.path, STATE, error);
        st = st == HP_OK ? write_curves(j, error) : st;
    }
    progress_end(&shown);
    return st == HP_OK && stop ? hp_fail(error, HP_EINTERRUPTED, "stopped; --resume goes on") : st;
}

static hp_status write_summary(const job *j, const pred_model *model, hp_error *error)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:I, s:i, s:i, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "data", DATA[j->data],
        "fold", j->data == PRED_ETH_UCY ? PRED_SCENE[j->fold] : "", "seed",
        (json_int_t)j->common.seed, "epochs", (int)j->epochs, "best_epoch", (int)j->best_epoch,
        "train_samples", (json_int_t)j->train.n, "val_samples", (json_int_t)j->val.n, "val_best_m",
        j->last.val.best, "val_single_m", j->last.val.single, "val_nll", j->last.val.nll,
        "temperature", (double)model->temperature, "spread", (double)model->spread, "cpu_s",
        1e-9 * (double)(hp_clock_thread_cpu_ns() - j->cpu_ns));
    if (json == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the summary");
    }
    const hp_status st = cli_rundir_write_json(&j->dir, "summary.json", json, error);
    if (j->common.json) {
        (void)json_dumpf(json, stdout, JSON_REAL_PRECISION(6));
        (void)fputc('\n', stdout);
    }
    json_decref(json);
    return st;
}

/** Calibrates the best epoch and writes it as a model. */
static hp_status finish(job *j, hp_error *error)
{
    static pred_model model;
    pred_notes notes;
    const bool fold = j->data == PRED_ETH_UCY;
    model.weights = *pred_trainer_best(j->trainer);
    hp_status st = pred_calibrate(&j->val, &model, error);
    (void)snprintf(notes.trained_on, sizeof notes.trained_on, "%s%s%s, training cuts%s%s",
                   DATA[j->data], fold ? " without " : "", fold ? PRED_SCENE[j->fold] : "",
                   j->no_vehicles ? ", vehicles not among the neighbours" : "",
                   j->as_stamped ? ", ApolloScape as stamped" : "");
    (void)snprintf(notes.recipe, sizeof notes.recipe, "seed %llu, %u epochs, %zu samples",
                   (unsigned long long)j->common.seed, j->epochs, j->train.n);
    st = st == HP_OK ? pred_model_write(j->dir.path, MODEL, &model, &notes, error) : st;
    return st == HP_OK ? write_summary(j, &model, error) : st;
}

static hp_status run(job *j, hp_error *error)
{
    char path[CLI_PATH];
    pred_train_config config;
    cli_config settings;
    pred_train_config_default(&config);
    config.seed = j->common.seed;
    config.epochs = j->epochs;
    config.no_vehicles = j->no_vehicles;
    config.as_stamped = j->as_stamped;
    config.size_min = SIZES[j->data][0];
    config.size_max = SIZES[j->data][1];
    j->cpu_ns = hp_clock_thread_cpu_ns();
    hp_status st = cli_config_load(&j->common, &settings, error);
    st = st == HP_OK ? load(j, PRED_TRAIN, &j->train, error) : st;
    st = st == HP_OK ? load(j, PRED_VAL, &j->val, error) : st;
    st = st == HP_OK ? cli_rundir_open(&j->common, "train-predictor", &j->dir, error) : st;
    if (st == HP_OK) {
        st = pred_trainer_create(&config, &j->train, &j->val, &j->trainer, error);
    }
    if (st == HP_OK && j->resume && cli_rundir_path(&j->dir, STATE, path)) {
        st = pred_trainer_read(j->trainer, path, error);
    }
    if (st == HP_OK) {
        if (!j->common.quiet) {
            (void)fprintf(stderr, "%zu samples to train on, %zu to validate, %s kernels, into %s\n",
                          j->train.n, j->val.n, hp_linalg_kernels(), j->dir.path);
        }
        st = cli_rundir_manifest(&j->dir, &j->common, &settings, "running", error);
    }
    st = st == HP_OK ? train(j, error) : st;
    st = st == HP_OK ? finish(j, error) : st;
    if (st == HP_OK) {
        st = cli_rundir_manifest(&j->dir, &j->common, &settings, "done", error);
    }
    return st;
}

static int read_options(int argc, char **argv, job *j)
{
    const cli_flag flags[] = {
        {.name = "data",
         .type = CLI_FLAG_WORD,
         .target = &j->data,
         .arg = "SET",
         .help = "eth-ucy, dut, citr, apolloscape, or mixed: all of them (mixed)",
         .words = DATA},
        {.name = "fold",
         .type = CLI_FLAG_WORD,
         .target = &j->fold,
         .arg = "SCENE",
         .help = "eth-ucy: the scene that is left out (eth)",
         .words = PRED_SCENE},
        {.name = "epochs",
         .type = CLI_FLAG_UINT,
         .target = &j->epochs,
         .arg = "N",
         .help = "passes over the samples (30)",
         .min = 1,
         .max = MAX_EPOCHS},
        {.name = "no-vehicles",
         .type = CLI_FLAG_SWITCH,
         .target = &j->no_vehicles,
         .help = "vehicles are no neighbours, for comparison"},
        {.name = "as-stamped",
         .type = CLI_FLAG_SWITCH,
         .target = &j->as_stamped,
         .help = "apolloscape, mixed: believe its clock, though frames are missing"},
        {.name = "resume",
         .type = CLI_FLAG_SWITCH,
         .target = &j->resume,
         .help = "go on from the state in --out"},
        {.name = NULL},
    };
    j->data = PRED_MIXED;
    j->epochs = 30;
    const int status = cli_parse(&USAGE, flags, argc, argv, &j->common, NULL);
    if (status == CLI_GO && j->resume && j->common.out == NULL) {
        return cli_fail(&USAGE, CLI_USAGE, "--resume needs --out");
    }
    return status;
}

int train_predictor(int argc, char **argv)
{
    job *j = calloc(1, sizeof *j);
    hp_error error = {{0}};
    if (j == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "no memory");
    }
    int status = read_options(argc, argv, j);
    if (status == CLI_GO) {
        const struct sigaction action = {.sa_handler = on_stop};
        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGTERM, &action, NULL);
        const hp_status st = run(j, &error);
        status = cli_end(&USAGE, st, &error);
    }
    pred_trainer_destroy(&j->trainer);
    pred_samples_free(&j->train);
    pred_samples_free(&j->val);
    free(j);
    return status;
}
