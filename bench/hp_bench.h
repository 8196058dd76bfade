/** @file hp_bench.h One way to time things: warm up, then many batches, then one JSON line.
 *  Thread CPU time, because the machines are shared. For bench programs only: it prints. */
#ifndef HP_BENCH_H
#define HP_BENCH_H

#include "common/hp_clock.h"
#include "common/hp_sort.h"

#include <stdio.h>

enum { HP_BENCH_MAX_BATCHES = 4096 };

typedef struct hp_bench {
    const char *name;
    uint32_t batches, warm_up; /* timed, and before that untimed */
    uint64_t per_batch;        /* operations in a batch; times are per operation */
} hp_bench;

typedef struct hp_bench_result {
    double p50_ns, p99_ns;
} hp_bench_result;

/** Runs body(ctx) once per batch and prints {"bench", "batches", "per_batch", "min_ns", "p50_ns",
 *  "p99_ns", "max_ns", "per_s"}; per_s is the rate of the median batch. */
static inline hp_bench_result hp_bench_measure(const hp_bench *bench, void (*body)(void *ctx),
                                               void *ctx)
{
    static double ns[HP_BENCH_MAX_BATCHES]; /* bench programs have one thread */
    uint32_t n = bench->batches;
    if (n > HP_BENCH_MAX_BATCHES) {
        n = HP_BENCH_MAX_BATCHES;
    }
    for (uint32_t i = 0; i < bench->warm_up; ++i) {
        body(ctx);
    }
    for (uint32_t i = 0; i < n; ++i) {
        const int64_t start_ns = hp_clock_thread_cpu_ns();
        body(ctx);
        ns[i] = (double)(hp_clock_thread_cpu_ns() - start_ns) / (double)bench->per_batch;
    }
    hp_sort(ns, n);
    const hp_bench_result result = {ns[n / 2], ns[(uint64_t)(n - 1) * 99 / 100]};
    (void)printf("{\"bench\": \"%s\", \"batches\": %u, \"per_batch\": %llu, \"min_ns\": %.1f, "
                 "\"p50_ns\": %.1f, \"p99_ns\": %.1f, \"max_ns\": %.1f, \"per_s\": %.0f}\n",
                 bench->name, n, (unsigned long long)bench->per_batch, ns[0], result.p50_ns,
                 result.p99_ns, ns[n - 1], 1e9 / result.p50_ns);
    return result;
}

/** The same, for the median alone. */
static inline double hp_bench_run(const hp_bench *bench, void (*body)(void *ctx), void *ctx)
{
    return hp_bench_measure(bench, body, ctx).p50_ns;
}

#endif
