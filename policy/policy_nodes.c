#include "policy/policy_nodes.h"

#include "common/hp_geom.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- The file ---- */

enum { N_TENSORS = 2, N_WORDS = 4, N_NUMBERS = 10 };

_Static_assert(sizeof(policy_node_sample) == N_NUMBERS * sizeof(double),
               "a node is a row of numbers");

static void table_of(size_t n, hp_tensor t[N_TENSORS])
{
    const hp_tensor all[N_TENSORS] = {
        {"nodes.hashes", HP_DTYPE_U64, 1, {N_WORDS}, NULL},
        {"nodes.samples", HP_DTYPE_F64, 2, {n, N_NUMBERS}, NULL},
    };
    memcpy(t, all, sizeof all);
}

hp_status policy_nodes_write(const policy_nodes *nodes, const char *dir, const char *file,
                             hp_error *error)
{
    hp_tensor t[N_TENSORS];
    const uint64_t words[N_WORDS] = {nodes->model_hash, nodes->search_hash, nodes->mix_hash,
                                     nodes->n_fit};
    table_of(nodes->n, t);
    t[0].data = words;
    t[1].data = nodes->items;
    const hp_tensor_list list = {t, NULL, N_TENSORS, 0};
    return hp_tensors_write(dir, file, &list, error);
}

/** Rows of the tensor of samples; 0: none, or too many. */
static size_t count_rows(const hp_tensors *tensors, const char *name)
{
    const hp_tensor_list *list = hp_tensors_list(tensors);
    for (uint32_t i = 0; i < list->n_tensors; i++) {
        const hp_tensor *t = &list->tensors[i];
        if (strcmp(t->name, name) == 0 && t->n_dims == 2 && t->dims[0] <= POLICY_MAX_NODES) {
            return t->dims[0];
        }
    }
    return 0;
}

static bool is_sound(const policy_node_sample *s)
{
    return s->crash_p >= 0.0 && s->crash_p <= 1.0 && s->spread >= 0.0 && s->upper >= s->lower &&
           s->depth >= 1.0 && s->ttc_s >= 0.0 && s->particles >= 1.0;
}

static hp_status take(const hp_tensors *tensors, const char *path, policy_nodes *out,
                      hp_error *error)
{
    hp_tensor t[N_TENSORS];
    table_of(0, t);
    t[1].dims[0] = count_rows(tensors, t[1].name);
    if (t[1].dims[0] == 0) {
        return hp_fail(error, HP_ECONFIG, "%s: no nodes.samples of 1 to %d rows", path,
                       POLICY_MAX_NODES);
    }
    for (int i = 0; i < N_TENSORS; i++) {
        const hp_status st = hp_tensors_get(tensors, &t[i], error);
        if (st != HP_OK) {
            return st;
        }
    }
    const uint64_t *words = t[0].data;
    const uint32_t n = (uint32_t)t[1].dims[0];
    if (words[3] > n) {
        return hp_fail(error, HP_ECONFIG, "%s: %u nodes, more than that are to fit; calibrate anew",
                       path, n);
    }
    out->items = calloc(n, sizeof *out->items);
    if (out->items == NULL) {
        return hp_fail(error, HP_ENOMEM, "%s: no memory for %u nodes", path, n);
    }
    memcpy(out->items, t[1].data, n * sizeof *out->items);
    out->n = n;
    out->n_fit = (uint32_t)words[3];
    out->model_hash = words[0];
    out->search_hash = words[1];
    out->mix_hash = words[2];
    for (uint32_t i = 0; i < n; i++) {
        if (!is_sound(&out->items[i])) {
            policy_nodes_destroy(out);
            return hp_fail(error, HP_ECONFIG,
                           "%s: node %u has a number out of range; calibrate anew", path, i);
        }
    }
    return HP_OK;
}

hp_status policy_nodes_read(const char *path, policy_nodes *out, hp_error *error)
{
    hp_tensors *tensors = NULL;
    memset(out, 0, sizeof *out);
    hp_status st = hp_tensors_read(path, &tensors, error);
    if (st == HP_OK) {
        st = take(tensors, path, out, error);
    }
    hp_tensors_destroy(&tensors);
    return st;
}

void policy_nodes_destroy(policy_nodes *nodes)
{
    free(nodes->items);
    memset(nodes, 0, sizeof *nodes);
}

/* ---- The scale ---- */

enum { PAIRED = 6 }; /* of the numbers, whose products are in the basis too */
static const double LEAST_GAP = 1e-9, LEAST_SCORE = 0.003;
static const double RIDGE = 1e-4; /* of the sum of squares, so that no unknown is left free */

_Static_assert(POLICY_BASIS == 2 + PAIRED + PAIRED * (PAIRED + 1) / 2, "the basis is filled up");

static double gap_of(const policy_node_sample *s)
{
    return hp_max(s->upper - s->lower, LEAST_GAP);
}

/** All of the order of one. */
static void basis_of(const policy_node_sample *s, double f[POLICY_BASIS])
{
    const policy_answer answer = {.spread = s->spread, .width = s->width};
    const double gap = gap_of(s);
    const double x[PAIRED] = {
        (hp_clamp(s->value, s->lower, s->upper) - s->lower) / gap,
        sqrt(s->crash_p),
        exp(-0.5 * s->ttc_s),
        tanh(5.0 * policy_calib_score(&answer)),
        log(gap) / 3.0,
        hp_min(s->depth, 16.0) / 8.0,
    };
    uint32_t n = 0;
    f[n++] = 1.0;
    f[n++] = log(s->particles) / 6.0;
    for (uint32_t i = 0; i < PAIRED; i++) {
        f[n++] = x[i];
        for (uint32_t j = i; j < PAIRED; j++) {
            f[n++] = x[i] * x[j];
        }
    }
}

static double dot(const double *a, const double *b)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < POLICY_BASIS; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/** Normal equations of a ridge regression. */
typedef struct normal {
    double matrix[POLICY_BASIS][POLICY_BASIS], right[POLICY_BASIS];
} normal;

static void add_row(normal *eq, const double row[POLICY_BASIS], double target)
{
    for (uint32_t i = 0; i < POLICY_BASIS; i++) {
        eq->right[i] += row[i] * target;
        for (uint32_t j = 0; j < POLICY_BASIS; j++) {
            eq->matrix[i][j] += row[i] * row[j];
        }
    }
}

/** By elimination; the ridge keeps the matrix positive definite, so that no pivot is zero. */
static void solve(normal *eq, double out[POLICY_BASIS])
{
    double trace = 1e-12;
    for (uint32_t i = 0; i < POLICY_BASIS; i++) {
        trace += eq->matrix[i][i];
    }
    for (uint32_t i = 0; i < POLICY_BASIS; i++) {
        eq->matrix[i][i] += RIDGE * trace / POLICY_BASIS;
    }
    for (uint32_t i = 0; i < POLICY_BASIS; i++) {
        for (uint32_t j = i + 1; j < POLICY_BASIS; j++) {
            const double by = eq->matrix[j][i] / eq->matrix[i][i];
            for (uint32_t k = i; k < POLICY_BASIS; k++) {
                eq->matrix[j][k] -= by * eq->matrix[i][k];
            }
            eq->right[j] -= by * eq->right[i];
        }
    }
    for (uint32_t i = POLICY_BASIS; i-- > 0;) {
        double sum = eq->right[i];
        for (uint32_t k = i + 1; k < POLICY_BASIS; k++) {
            sum -= eq->matrix[i][k] * out[k];
        }
        out[i] = sum / eq->matrix[i][i];
    }
}

/** Regresses a target in reward units on the basis times the gap. */
static void fit(const policy_node_sample *nodes, uint32_t n, const policy_scale *errors_of,
                double out[POLICY_BASIS])
{
    normal eq = {0};
    for (uint32_t i = 0; i < n; i++) {
        double row[POLICY_BASIS];
        basis_of(&nodes[i], row);
        for (uint32_t k = 0; k < POLICY_BASIS; k++) {
            row[k] *= gap_of(&nodes[i]);
        }
        const double target =
            errors_of == NULL
                ? nodes[i].outcome - nodes[i].lower
                : fabs(nodes[i].outcome - policy_scale_apply(errors_of, &nodes[i]).value);
        add_row(&eq, row, target);
    }
    solve(&eq, out);
}

hp_status policy_scale_fit(const policy_node_sample *nodes, uint32_t n, policy_scale *out)
{
    memset(out, 0, sizeof *out);
    if (n < POLICY_BASIS) {
        return HP_EINVAL;
    }
    fit(nodes, n, NULL, out->share);
    fit(nodes, n, out, out->error);
    return HP_OK;
}

policy_sample policy_scale_apply(const policy_scale *scale, const policy_node_sample *node)
{
    double f[POLICY_BASIS];
    basis_of(node, f);
    const double gap = gap_of(node);
    const double share = hp_clamp(dot(f, scale->share), 0.0, 1.0);
    return (policy_sample){.value = node->lower + share * (node->upper - node->lower),
                           .score = hp_max(gap * dot(f, scale->error), LEAST_SCORE),
                           .crash_p = node->crash_p,
                           .outcome = node->outcome};
}
