/** @file hp_adam.h One step of Adam (Kingma and Ba, 2015). Inline, for its users build it for
 *  vectors of their own: whether it multiplies and adds in one step is up to their flags.
 *  Ownership: borrows everything. Threads: pure. Determinism: each number by itself, whatever n.
 *  Allocation: none. */
#ifndef HP_ADAM_H
#define HP_ADAM_H

#include <math.h>
#include <stddef.h>

/** What running means keep of themselves: of gradients, of their squares. */
#define HP_ADAM_KEEP_M 0.9
#define HP_ADAM_KEEP_V 0.999

/** With g = scale * gradient: m = keep_m m + add_m g, v = keep_v v + add_v g^2,
 *  param -= rate m / (sqrt(unbias v) + epsilon).
 *  The means start at zero; after t steps m is too small by 1 - KEEP_M^t, v by 1 - KEEP_V^t. The
 *  first belongs into rate. The second is either divided out by unbias, or unbias is 1 and both
 *  rate and epsilon are multiplied by its root: the same but for rounding, and so a matter of which
 *  bits a training has to give again. */
typedef struct hp_adam_rule {
    float scale, keep_m, add_m, keep_v, add_v, rate, unbias, epsilon;
} hp_adam_rule;

/** All arrays [n], none overlapping another. */
static inline void hp_adam_step(const hp_adam_rule *rule, size_t n, const float *restrict grads,
                                float *restrict m, float *restrict v, float *restrict params)
{
    const hp_adam_rule r = *rule;
    for (size_t i = 0; i < n; i++) {
        const float g = grads[i] * r.scale;
        m[i] = r.keep_m * m[i] + r.add_m * g;
        v[i] = r.keep_v * v[i] + r.add_v * g * g;
        params[i] -= r.rate * m[i] / (sqrtf(r.unbias * v[i]) + r.epsilon);
    }
}

#endif
