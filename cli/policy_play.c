#include "cli/policy_play.h"

#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_DECISIONS = 1024 };

static void print_numbers(const double *x, uint32_t n, char *text, size_t size)
{
    size_t at = 0;
    for (uint32_t i = 0; i < n && at < size; i++) {
        at += (size_t)snprintf(text + at, size - at, "%s%g", i > 0 ? ", " : "", x[i]);
    }
}

static hp_status check(const policy_model *model, const car_config *car, const char *path,
                       policy_encoder *encoder, hp_error *error)
{
    const uint32_t n = model->actor.n_out;
    const policy_shape *s = &model->actor;
    char learned[96] = "";
    char asked[96] = "";
    if (!policy_encoder_of(s, encoder)) {
        return hp_fail(error, HP_ECONFIG,
                       "%s: rows of %u features, driving has %d (agents) and %d (intention_image); "
                       "train it anew",
                       path, policy_shape_row(s), POLICY_ROW,
                       POLICY_IMAGE_LOOK + POLICY_IMAGE_PICTURE);
    }
    bool same = n == car->n_actions;
    for (uint32_t i = 0; same && i < n; i++) {
        same = model->choices[i] == car->actions_mps2[i];
    }
    if (same) {
        return HP_OK;
    }
    print_numbers(model->choices, n, learned, sizeof learned);
    print_numbers(car->actions_mps2, car->n_actions, asked, sizeof asked);
    return hp_fail(error, HP_ECONFIG,
                   "%s: learned with accelerations [%s], pomdp.actions_mps2 is [%s]; set the "
                   "former or train it anew",
                   path, learned, asked);
}

hp_status policy_open(const cli_config *all, uint32_t max_rows, policy_pilot *out, hp_error *error)
{
    const policy_config *config = &all->policy;
    char found[CLI_PATH];
    policy_model model;
    *out = (policy_pilot){0};
    if (config->model[0] == '\0') {
        return hp_fail(error, HP_ENOENT, "policy.model is empty: no network is configured");
    }
    const char *path = cli_find(config->model, found) ? found : config->model;
    hp_status st = policy_model_read(path, &model, error);
    if (st != HP_OK) {
        return st;
    }
    st = check(&model, &all->car, path, &out->encoder, error);
    if (st == HP_OK) {
        st = policy_infer_create(&model, POLICY_ISA_WORDS[config->isa], max_rows, &out->infer,
                                 error);
    }
    out->hash = policy_model_hash(&model);
    policy_model_destroy(&model);
    return st;
}

/** One episode on the way. */
typedef struct episode {
    policy_sample said[MOST_DECISIONS];
    double reward[MOST_DECISIONS];
    uint32_t n;
    double sum;
    policy_step last;
} episode;

static policy_answer ask(policy_infer *infer, const float *row)
{
    policy_answer a;
    policy_infer_run(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, row, 1, &a);
    return a;
}

static void play(const policy_task *task, void *env, policy_infer *infer, hp_rng stream, episode *e)
{
    float row[POLICY_MOST_ROW];
    e->n = 0;
    e->sum = 0.0;
    e->last = (policy_step){0};
    task->reset(env, stream, row);
    while (!e->last.terminated && !e->last.truncated && e->n < MOST_DECISIONS - 1) {
        const policy_answer a = ask(infer, row);
        const float action = (float)a.best;
        e->said[e->n] = (policy_sample){
            .value = a.value, .score = policy_calib_score(&a), .crash_p = a.crash_p};
        task->step(env, &action, &e->last, row);
        e->reward[e->n++] = e->last.reward;
        e->sum += e->last.reward;
    }
    e->reward[e->n] = e->last.truncated ? ask(infer, row).value : 0.0;
}

/** One decision, all alike likely, with the return from there on. */
static policy_sample draw(const episode *e, double discount, hp_rng stream)
{
    const uint32_t at = (uint32_t)(hp_rng_u64(stream, UINT32_MAX - 1U) % e->n);
    policy_sample s = e->said[at];
    s.outcome = e->reward[e->n];
    for (uint32_t t = e->n; t-- > at;) {
        s.outcome = e->reward[t] + discount * s.outcome;
    }
    return s;
}

hp_status policy_play_episodes(drive_setting *setting, policy_infer *infer, uint64_t seed,
                               uint32_t n, policy_sample *samples, policy_play *out,
                               hp_error *error)
{
    const policy_task task = drive_task_of(setting);
    const hp_rng stream = hp_rng_seed(seed);
    void *env = NULL;
    episode *e = calloc(1, sizeof *e);
    memset(out, 0, sizeof *out);
    hp_status st = e != NULL ? HP_OK : hp_fail(error, HP_ENOMEM, "no memory for an episode");
    if (st == HP_OK) {
        st = task.create(task.ctx, 0, &env, error);
    }
    for (uint32_t i = 0; st == HP_OK && i < n; i++) {
        const hp_rng lane = hp_rng_lane(stream, i);
        play(&task, env, infer, lane, e);
        const uint32_t scenario = drive_task_scenario(env);
        const bool crashed = e->last.cost > 0.0;
        samples[i] = draw(e, setting->config.car.discount, lane);
        out->mean_return += e->sum / n;
        out->crashes += crashed ? 1 : 0;
        out->goals += !crashed && e->last.terminated ? 1 : 0;
        out->scenario_episodes[scenario]++;
        out->scenario_crashes[scenario] += crashed ? 1 : 0;
    }
    out->episodes = n;
    if (env != NULL) {
        task.destroy(env);
    }
    free(e);
    return st;
}
