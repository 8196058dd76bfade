#include "policy/policy_kernel.h"

#include <string.h>

static bool has(const policy_kernel *kernel)
{
#ifdef POLICY_HAS_WIDE
    if (kernel == &POLICY_KERNEL_AVX512) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    }
    if (kernel == &POLICY_KERNEL_AVX2) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }
#endif
    return kernel == &POLICY_KERNEL_SCALAR;
}

static const policy_kernel *const WIDEST_FIRST[] = {
#ifdef POLICY_HAS_WIDE
    &POLICY_KERNEL_AVX512,
    &POLICY_KERNEL_AVX2,
#endif
    &POLICY_KERNEL_SCALAR,
};

const policy_kernel *policy_kernel_best(void)
{
    return policy_kernel_find("auto");
}

const policy_kernel *policy_kernel_find(const char *name)
{
    for (size_t i = 0; i < sizeof WIDEST_FIRST / sizeof WIDEST_FIRST[0]; i++) {
        const policy_kernel *kernel = WIDEST_FIRST[i];
        if ((strcmp(name, "auto") == 0 || strcmp(name, kernel->name) == 0) && has(kernel)) {
            return kernel;
        }
    }
    return NULL;
}
