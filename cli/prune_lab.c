#include "cli/prune_lab.h"

#include "cli/policy_play.h"
#include "common/hp_clock.h"
#include "pomdp/car/car_planner.h"
#include "pomdp/pomdp_evaluator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DECISIONS = 1024, LANE_BELIEF = 1000, LANE_NODE, LANE_LABEL };

struct prune_lab {
    drive_setting *setting;
    policy_task task;
    void *env;
    policy_pilot pilot;
    car_leaf *leaf;
    car_scene scene;
    pomdp_solver *solver, *again; /* for the belief, and for a node of its tree */
    pomdp_solver *glance;         /* for the belief, of few futures */
    hp_plan_request request;
    car_state *states; /* [scenarios] */
    double *weights;
    /* the leaf that was drawn */
    const pomdp_evaluator *inner; /* NULL: none, the bounds stay */
    hp_rng draw;
    uint32_t seen;
    car_state *kept; /* [scenarios] */
    double *kept_weights;
    pomdp_leaf kept_leaf;
    policy_answer kept_answer;
    bool has_kept;
};

static hp_status create_solvers(prune_lab *lab)
{
    const car_config *c = &lab->setting->config.car;
    const pomdp_config config = car_solver_config(c);
    const pomdp_model model = car_model_make(c, &lab->scene);
    lab->states = calloc(c->scenarios, sizeof *lab->states);
    lab->weights = calloc(c->scenarios, sizeof *lab->weights);
    lab->kept = calloc(c->scenarios, sizeof *lab->kept);
    lab->kept_weights = calloc(c->scenarios, sizeof *lab->kept_weights);
    if (lab->states == NULL || lab->weights == NULL || lab->kept == NULL ||
        lab->kept_weights == NULL) {
        return HP_ENOMEM;
    }
    const pomdp_config glance = car_glance_config(c);
    hp_status st = pomdp_solver_create(&model, &config, &lab->solver);
    st = st == HP_OK ? pomdp_solver_create(&model, &config, &lab->again) : st;
    return st == HP_OK ? pomdp_solver_create(&model, &glance, &lab->glance) : st;
}

hp_status prune_lab_create(drive_setting *setting, prune_lab **out, hp_error *error)
{
    prune_lab *lab = calloc(1, sizeof *lab);
    *out = NULL;
    if (lab == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for searches");
    }
    const car_leaf_setup setup = {&setting->config.car, &setting->config.policy, NULL};
    lab->setting = setting;
    hp_status st = policy_open(&setting->config, 1, &lab->pilot, error);
    if (st == HP_OK) {
        setting->encoder = lab->pilot.encoder;
        lab->task = drive_task_of(setting);
        st = lab->task.create(lab->task.ctx, 0, &lab->env, error);
    }
    if (st == HP_OK) {
        st = create_solvers(lab);
        st = st == HP_OK ? car_leaf_create(&setup, &lab->leaf) : st;
        st = st == HP_OK ? HP_OK : hp_fail(error, st, "no memory for searches");
    }
    if (st != HP_OK) {
        prune_lab_destroy(&lab);
        return st;
    }
    *out = lab;
    return HP_OK;
}

void prune_lab_destroy(prune_lab **lab)
{
    prune_lab *l = *lab;
    *lab = NULL;
    if (l == NULL) {
        return;
    }
    if (l->env != NULL) {
        l->task.destroy(l->env);
    }
    policy_infer_destroy(&l->pilot.infer);
    car_leaf_destroy(&l->leaf);
    pomdp_solver_destroy(&l->solver);
    pomdp_solver_destroy(&l->again);
    pomdp_solver_destroy(&l->glance);
    free(l->states);
    free(l->weights);
    free(l->kept);
    free(l->kept_weights);
    free(l);
}

bool prune_lab_play(prune_lab *lab, hp_rng stream, uint32_t episode)
{
    const hp_rng lane = hp_rng_lane(stream, episode);
    float row[POLICY_MOST_ROW];
    policy_step last = {0};
    uint32_t n = 0;
    drive_task_count(lab->env, episode); /* whoever played those before */
    lab->task.reset(lab->env, lane, row);
    for (uint32_t i = 0; i < MOST_DECISIONS && !last.terminated && !last.truncated; i++) {
        const hp_plan_request *request = drive_task_request(lab->env);
        if (request->n_agents + request->n_phantoms > 0) {
            n++;
            if (hp_rng_unit(hp_rng_lane(lane, LANE_BELIEF), i) * n < 1.0) {
                lab->request = *request;
                lab->request.last_action = drive_task_action(lab->env);
            }
        }
        policy_answer a;
        policy_infer_run(lab->pilot.infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, row, 1, &a);
        const float action = (float)a.best;
        lab->task.step(lab->env, &action, &last, row);
    }
    return n > 0;
}

/** Makes scene and n particles of the belief. */
static bool prepare(prune_lab *lab, uint32_t n, const pomdp_evaluator **evaluator)
{
    const car_config *c = &lab->setting->config.car;
    if (!car_scene_build(c, &lab->request, &lab->scene)) {
        return false;
    }
    lab->scene.state_bytes = sizeof(car_state);
    car_model_sample(&lab->scene, hp_rng_lane((hp_rng){lab->request.stream}, 0), n, lab->states,
                     lab->weights);
    *evaluator = car_leaf_begin(lab->leaf, &lab->request, &lab->scene);
    return true;
}

static hp_status plan_root(prune_lab *lab, const pomdp_evaluator *evaluator,
                           const pomdp_budget *budget, pomdp_plan *plan)
{
    const hp_status st = pomdp_solver_set_evaluator(lab->solver, evaluator);
    return st != HP_OK
               ? st
               : pomdp_solver_plan(lab->solver,
                                   &(pomdp_particles){lab->states, lab->weights,
                                                      lab->setting->config.car.scenarios},
                                   hp_rng_lane((hp_rng){lab->request.stream}, 1), budget, plan);
}

hp_status prune_lab_search(prune_lab *lab, bool prunes, const pomdp_budget *budget,
                           pomdp_plan *plan, int64_t *cpu_ns)
{
    const pomdp_evaluator *evaluator = NULL;
    const int64_t begin_ns = hp_clock_thread_cpu_ns();
    if (!prepare(lab, lab->setting->config.car.scenarios, &evaluator)) {
        return HP_EINVAL;
    }
    const hp_status st = plan_root(lab, prunes ? evaluator : NULL, budget, plan);
    *cpu_ns = hp_clock_thread_cpu_ns() - begin_ns;
    return st;
}

uint64_t prune_lab_steps(const prune_lab *lab)
{
    return car_budget_steps(&lab->setting->config.car, lab->scene.n_others);
}

bool prune_lab_glance(prune_lab *lab, pomdp_plan *plan)
{
    const car_config *c = &lab->setting->config.car;
    const uint32_t n = car_glance_config(c).n_scenarios;
    const pomdp_evaluator *evaluator = NULL;
    return prepare(lab, n, &evaluator) && evaluator != NULL && lab->scene.n_others <= CAR_FEW &&
           pomdp_solver_glance(lab->glance, &(pomdp_particles){lab->states, lab->weights, n},
                               hp_rng_lane((hp_rng){lab->request.stream}, 1), car_glance_gap(c),
                               plan) == HP_OK;
}

/** Keeps one of all leaves that it is shown, all alike likely. */
static void keep(prune_lab *lab, const pomdp_leaf *leaf)
{
    lab->seen++;
    if (hp_rng_unit(lab->draw, lab->seen) * lab->seen >= 1.0) {
        return;
    }
    memcpy(lab->kept, leaf->states, leaf->n * sizeof *lab->kept);
    memcpy(lab->kept_weights, leaf->weights, leaf->n * sizeof *lab->kept_weights);
    lab->kept_leaf = *leaf;
    lab->kept_leaf.states = lab->kept;
    lab->kept_leaf.weights = lab->kept_weights;
    lab->has_kept = true;
}

static bool asks(void *ctx, const pomdp_leaf *leaf)
{
    const prune_lab *lab = ctx;
    return lab->inner == NULL || lab->inner->asks == NULL ||
           lab->inner->asks(lab->inner->ctx, leaf);
}

/** Between the search and its evaluator: all leaves, or those that were pruned. */
static hp_status look_on(void *ctx, const pomdp_leaf *leaves, uint32_t n, int64_t deadline_ns,
                         pomdp_estimate *out)
{
    prune_lab *lab = ctx;
    hp_status st = HP_OK;
    if (lab->inner != NULL) {
        st = lab->inner->evaluate(lab->inner->ctx, leaves, n, deadline_ns, out);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (st == HP_OK && leaves[i].weight > 0.0 &&
            (lab->inner == NULL || out[i].decision == POMDP_PRUNE)) {
            keep(lab, &leaves[i]);
        }
    }
    return st;
}

/** A long search from the node that was kept. */
static bool search_kept(prune_lab *lab, uint32_t trials, hp_rng stream, prune_node *node)
{
    const pomdp_leaf *leaf = &lab->kept_leaf;
    const pomdp_budget budget = {.max_trials = trials};
    pomdp_plan plan;
    if (car_leaf_ask(lab->leaf, leaf, 1, 0, &lab->kept_answer) != HP_OK ||
        !lab->kept_answer.valid) {
        return false;
    }
    for (uint32_t i = 0; i < leaf->n; i++) {
        lab->kept_weights[i] /= leaf->weight;
    }
    if (pomdp_solver_plan(lab->again, &(pomdp_particles){lab->kept, lab->kept_weights, leaf->n},
                          stream, &budget, &plan) != HP_OK) {
        return false;
    }
    node->said = car_leaf_sample(&lab->kept_answer, leaf, car_leaf_ttc_s(&lab->scene, leaf));
    node->said.outcome = plan.value_lower;
    node->found_upper = plan.value_upper;
    return true;
}

static bool draw_node(prune_lab *lab, bool prunes, uint32_t trials, uint32_t label_trials,
                      hp_rng stream, prune_node *node)
{
    pomdp_plan plan;
    const pomdp_evaluator *evaluator = NULL;
    if (!prepare(lab, lab->setting->config.car.scenarios, &evaluator) ||
        (prunes && evaluator == NULL)) {
        return false;
    }
    const pomdp_evaluator onlooker = {
        .max_batch = lab->setting->config.car.prune.batch,
        .reopens = prunes && evaluator->reopens,
        .evaluate = look_on,
        .asks = asks,
        .ctx = lab,
    };
    lab->inner = prunes ? evaluator : NULL;
    lab->draw = hp_rng_lane(stream, LANE_NODE);
    lab->seen = 0;
    lab->has_kept = false;
    const pomdp_budget budget = {.max_trials = trials};
    return plan_root(lab, &onlooker, &budget, &plan) == HP_OK && lab->has_kept &&
           search_kept(lab, label_trials, hp_rng_lane(stream, LANE_LABEL), node);
}

bool prune_lab_label(prune_lab *lab, uint32_t trials, uint32_t label_trials, hp_rng stream,
                     prune_node *node)
{
    return draw_node(lab, false, trials, label_trials, stream, node);
}

bool prune_lab_audit(prune_lab *lab, uint32_t trials, uint32_t label_trials, hp_rng stream,
                     prune_node *node)
{
    return draw_node(lab, true, trials, label_trials, stream, node);
}

bool prune_lab_is_off(const prune_lab *lab, const prune_node *node)
{
    return fabs(car_leaf_value(lab->leaf, &node->said).value - node->said.outcome) >
           lab->setting->config.car.prune.rule.value_tolerance;
}

policy_sample *prune_lab_samples(const prune_lab *lab, uint32_t *n)
{
    const uint32_t most = car_leaf_samples(lab->leaf, NULL);
    policy_sample *samples = most > 0 ? calloc(most, sizeof *samples) : NULL;
    *n = samples != NULL ? car_leaf_samples(lab->leaf, samples) : 0;
    return samples;
}

const char *prune_lab_note(const prune_lab *lab)
{
    return car_leaf_note(lab->leaf);
}

uint64_t prune_lab_model_hash(const prune_lab *lab)
{
    return lab->pilot.hash;
}

uint32_t prune_lab_scenario(const prune_lab *lab)
{
    return drive_task_scenario(lab->env);
}
