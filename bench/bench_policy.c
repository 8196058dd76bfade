/* Inference of the policy: microseconds a row of one network 64-256-256-(3+1) by batch and kernel,
 * and its share of the fused multiply-add peak that is measured in the same run. */
#include "bench/hp_bench.h"
#include "common/hp_rng.h"
#include "policy/policy_encoder.h"
#include "policy/policy_infer.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BATCH_MAX = 64 };

typedef struct job {
    const policy_kernel *kernel;
    policy_infer *infer;
    float *x, *y;
    uint32_t rows, repeats;
    policy_answer answers[BATCH_MAX];
} job;

static float *numbers(size_t n, uint64_t lane)
{
    float *x = calloc(n, sizeof *x);
    for (size_t i = 0; x != NULL && i < n; i++) {
        x[i] = (float)(0.05 * hp_rng_normal(hp_rng_lane(hp_rng_seed(1), lane), i));
    }
    return x;
}

static void run_net(void *ctx)
{
    job *j = ctx;
    for (uint32_t i = 0; i < j->repeats; i++) {
        policy_infer_run(j->infer, POLICY_ASK_CHOICE, j->x, j->rows, j->answers);
    }
}

#if defined(__x86_64__)
enum { CHAINS = 12, LINKS = 4096 };

/* Independent chains that never leave the registers: nothing runs faster than this. */
static __attribute__((target("avx512f"))) void chains_avx512(void *ctx)
{
    job *j = ctx;
    __m512 sum[CHAINS];
    const __m512 factor = _mm512_set1_ps(0.5F);
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++) {
        sum[i] = _mm512_set1_ps((float)i);
    }
    for (int k = 0; k < LINKS; k++) {
#pragma GCC unroll 16
        for (int i = 0; i < CHAINS; i++) {
            sum[i] = _mm512_fmadd_ps(sum[i], factor, factor);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++) {
        _mm512_storeu_ps(j->y + (ptrdiff_t)i * 16, sum[i]);
    }
}

static __attribute__((target("avx2,fma"))) void chains_avx2(void *ctx)
{
    job *j = ctx;
    __m256 sum[CHAINS];
    const __m256 factor = _mm256_set1_ps(0.5F);
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++) {
        sum[i] = _mm256_set1_ps((float)i);
    }
    for (int k = 0; k < LINKS; k++) {
#pragma GCC unroll 16
        for (int i = 0; i < CHAINS; i++) {
            sum[i] = _mm256_fmadd_ps(sum[i], factor, factor);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++) {
        _mm256_storeu_ps(j->y + (ptrdiff_t)i * 8, sum[i]);
    }
}
#endif

/** Floating-point operations per ns of this kernel's vectors; 0 where it has no fused ones. */
static double peak_flops(job *j)
{
#if defined(__x86_64__)
    const bool wide = strcmp(j->kernel->name, "avx512") == 0;
    if (wide || strcmp(j->kernel->name, "avx2") == 0) {
        const hp_bench bench = {wide ? "fma_peak_avx512" : "fma_peak_avx2", 300, 20,
                                (uint64_t)CHAINS * LINKS};
        return (wide ? 32.0 : 16.0) / hp_bench_run(&bench, wide ? chains_avx512 : chains_avx2, j);
    }
#endif
    (void)j;
    return 0.0;
}

static void bench_net(job *j, const policy_model *model, double gflops_peak)
{
    static const uint32_t BATCHES[] = {1, 8, 64};
    policy_layers layers;
    hp_error error;
    if (policy_infer_create(model, j->kernel->name, BATCH_MAX, &j->infer, &error) != HP_OK ||
        policy_shape_layers(&model->actor, &layers) != HP_OK) {
        return;
    }
    const double flops = 2.0 * (double)layers.n_params;
    for (size_t b = 0; b < sizeof BATCHES / sizeof BATCHES[0]; b++) {
        char name[96];
        j->rows = BATCHES[b];
        j->repeats = 512 / j->rows;
        (void)snprintf(name, sizeof name, "policy_64_256_256_4_%s_batch_%u", j->kernel->name,
                       j->rows);
        const hp_bench bench = {name, 200, 20, 512};
        const double ns = hp_bench_run(&bench, run_net, j);
        (void)printf("{\"bench\": \"%s\", \"us_per_row\": %.3f, \"gflops\": %.1f, "
                     "\"share_of_fma_peak\": %.3f}\n",
                     name, 1e-3 * ns, flops / ns,
                     gflops_peak > 0.0 ? flops / ns / gflops_peak : 0.0);
    }
    policy_infer_destroy(&j->infer);
}

static void run_see(void *ctx)
{
    job *j = ctx;
    for (uint32_t i = 0; i < j->repeats; i++) {
        policy_infer_see(j->infer, j->x);
    }
}

static void run_looks(void *ctx)
{
    job *j = ctx;
    for (uint32_t i = 0; i < j->repeats; i++) {
        policy_infer_look(j->infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, j->x, j->rows,
                          j->answers);
    }
}

static void run_rows(void *ctx)
{
    job *j = ctx;
    for (uint32_t i = 0; i < j->repeats; i++) {
        policy_infer_run(j->infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, j->x, j->rows, j->answers);
    }
}

/** What is saved where a scene is encoded once: ns for a scene, for a look, and for a whole row, by
 * networks as they are shipped. All slots are full. */
static void bench_encoder(job *j, policy_encoder encoder, const char *name)
{
    policy_model model = {.actor = policy_encoder_shape(encoder), .n_heads = 5, .n_quantiles = 8};
    hp_error error;
    char text[64];
    model.actor.n_encode = 32;
    model.actor.n_hidden = 2;
    model.actor.hidden[0] = model.actor.hidden[1] = 128;
    model.actor.n_out = 4;
    model.actor.activation = POLICY_RELU;
    model.critic = model.actor;
    model.critic.n_out = 5 * 9 + 1;
    if (policy_model_lay_out(&model) != HP_OK) {
        return;
    }
    model.params = numbers(model.n_params, 3);
    if (model.params != NULL &&
        policy_infer_create(&model, "auto", BATCH_MAX, &j->infer, &error) == HP_OK) {
        const struct {
            const char *what;
            void (*body)(void *ctx);
            uint32_t repeats, rows;
        } CASES[] = {{"scene", run_see, 64, 1},
                     {"look_of_64", run_looks, 1, BATCH_MAX},
                     {"row_of_64", run_rows, 1, BATCH_MAX}};
        for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
            j->repeats = CASES[i].repeats;
            j->rows = CASES[i].rows;
            (void)snprintf(text, sizeof text, "policy_%s_%s", name, CASES[i].what);
            const hp_bench bench = {text, 200, 20, (uint64_t)j->repeats * j->rows};
            (void)hp_bench_run(&bench, CASES[i].body, j);
        }
        policy_infer_destroy(&j->infer);
    }
    policy_model_destroy(&model);
}

int main(void)
{
    static const char *const KERNELS[] = {"scalar", "avx2", "avx512"};
    policy_model model = {.actor = {.n_plain = 64,
                                    .n_hidden = 2,
                                    .hidden = {256, 256},
                                    .n_out = 4, /* three actions and a value */
                                    .activation = POLICY_RELU},
                          .n_heads = 1};
    static job j;
    model.critic = model.actor;
    model.critic.n_out = 2;
    if (policy_model_lay_out(&model) != HP_OK) {
        return 1;
    }
    model.params = numbers(model.n_params, 0);
    j.x = numbers((size_t)BATCH_MAX * POLICY_MOST_ROW, 1);
    j.y = numbers((size_t)BATCH_MAX * 256, 2);
    if (model.params == NULL || j.x == NULL || j.y == NULL) {
        return 1;
    }
    for (size_t k = 0; k < sizeof KERNELS / sizeof KERNELS[0]; k++) {
        j.kernel = policy_kernel_find(KERNELS[k]);
        if (j.kernel != NULL) {
            bench_net(&j, &model, peak_flops(&j));
        }
    }
    policy_model_destroy(&model);
    bench_encoder(&j, POLICY_ENCODER_AGENTS, "agents");
    bench_encoder(&j, POLICY_ENCODER_IMAGE, "intention_image");
    free(j.x);
    free(j.y);
    return 0;
}
