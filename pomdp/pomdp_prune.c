#include "pomdp/pomdp_prune.h"

#include <math.h>

const char *const POMDP_PRUNE_WORDS[] = {"off", "minmax", "crude", "conformal", "selective", NULL};

void pomdp_prune_config_default(pomdp_prune_config *config)
{
    *config = (pomdp_prune_config){.method = POMDP_PRUNE_OFF,
                                   .confidence_threshold = 0.8,
                                   .value_tolerance = 0.1,
                                   .min_depth = 1,
                                   .guard_ttc_s = 1.0,
                                   .max_collision_probability = 0.2,
                                   .use_value_bound = true,
                                   .use_prior = false,
                                   .decision_aware = true,
                                   .glance = true};
}

bool pomdp_prune_allows(const pomdp_prune_config *config, uint32_t depth, const pomdp_opinion *said)
{
    return depth >= 1 && depth >= config->min_depth && said->ttc_s >= config->guard_ttc_s &&
           said->crash_p <= config->max_collision_probability;
}

/** What was said is farther from what is proven than it may be off. */
static bool is_absurd(const pomdp_leaf *leaf, const pomdp_opinion *said)
{
    const double half = 0.5 * (said->high - said->low);
    return said->value > leaf->upper + half || said->value < leaf->lower - half;
}

static void close_with(double tolerance, pomdp_estimate *out)
{
    out->decision = POMDP_PRUNE;
    out->spread = tolerance;
}

static void draw_in(const pomdp_opinion *said, pomdp_estimate *out)
{
    if (isfinite(said->low) && isfinite(said->high)) {
        out->decision = POMDP_TIGHTEN;
        out->value = 0.5 * (said->low + said->high);
        out->spread = 0.5 * (said->high - said->low);
    }
}

static void cap(const pomdp_prune_config *config, const pomdp_opinion *said, pomdp_estimate *out)
{
    if (config->use_value_bound && isfinite(said->high) && said->high >= out->value) {
        out->decision = POMDP_CAP;
        out->spread = said->high - out->value;
    }
}

void pomdp_prune_decide(const pomdp_prune_config *config, const pomdp_leaf *leaf,
                        const pomdp_opinion *said, pomdp_estimate *out)
{
    *out = (pomdp_estimate){.decision = POMDP_KEEP};
    if (!said->valid) {
        return;
    }
    out->preferred = config->use_prior ? said->preferred : 0;
    if (!pomdp_prune_allows(config, leaf->depth, said)) {
        return;
    }
    out->value = said->value;
    if (config->method == POMDP_PRUNE_MINMAX) {
        out->decision = POMDP_BLEND;
        out->spread = said->uncertainty;
        return;
    }
    if (is_absurd(leaf, said)) {
        return;
    }
    out->value = fmin(fmax(said->value, leaf->lower), leaf->upper);
    const bool sure = config->method == POMDP_PRUNE_CRUDE
                          ? said->confidence >= config->confidence_threshold
                          : config->method == POMDP_PRUNE_SELECTIVE && said->accepted;
    if (sure) {
        close_with(config->value_tolerance, out);
    } else if (config->method == POMDP_PRUNE_CONFORMAL) {
        draw_in(said, out);
    } else {
        cap(config, said, out);
    }
}
