#include "cli/driver.h"

#include "cli/baselines.h"
#include "cli/direct.h"
#include "cli/options.h"
#include "cli/policy_driver.h"

#include <stdlib.h>
#include <string.h>

enum { LONGER = 10, LONGER_POOL = 4 };

/** What the search would find with time. Particles grow less than steps: most steps follow the
 * default policy from a particle that is there already. */
static hp_status create_longer(const cli_config *config, bool guard, driver **out, hp_error *error)
{
    cli_config *c = malloc(sizeof *c);
    if (c == NULL) {
        return HP_ENOMEM;
    }
    *c = *config;
    c->car.budget.trials *= LONGER;
    c->car.budget.steps *= LONGER;
    c->car.max_nodes *= LONGER;
    c->car.max_particles *= LONGER_POOL;
    const hp_status st = direct_driver_create(c, guard, POMDP_PRUNE_OFF, out, error);
    free(c);
    return st;
}

static hp_status create_hyplan(const cli_config *config, bool guard, driver **out, hp_error *error)
{
    const bool off = config->car.prune.rule.method == POMDP_PRUNE_OFF;
    return direct_driver_create(config, guard, off ? POMDP_PRUNE_CRUDE : DIRECT_AS_CONFIGURED, out,
                                error);
}

/** The search alone, and with leaves valued by the network. */
enum {
    ALONE = DRIVER_ASKS_PREDICTOR,
    VALUED = DRIVER_ASKS_PREDICTOR | DRIVER_ASKS_POLICY | DRIVER_ASKS_CALIBRATION,
};

const driver_kind DRIVER_KINDS[] = {
    {"const", "drives at the limit and reacts to nobody", true, BASELINE_CONST, 0, NULL},
    {"stand", "never moves off", true, BASELINE_STAND, 0, NULL},
    {"crawl25", "aeb, at no more than 25 km/h", true, BASELINE_CRAWL25, 0, NULL},
    {"aeb", "drives at the limit, brakes fully when a collision is near", true, BASELINE_AEB, 0,
     NULL},
    {"cautious", "aeb, and slows down for those who may be hidden", true, BASELINE_CAUTIOUS, 0,
     NULL},
    {"despot", "HyPlan's pipeline: search over the belief, no network", false, POMDP_PRUNE_OFF,
     ALONE, NULL},
    {"reckless", "the pipeline without its search: full speed, and what the guard says", false, 0,
     ALONE, reckless_driver_create},
    {"hyplan", "the whole of it: search, pruned as pomdp.prune says; crude if that is off", false,
     0, VALUED, create_hyplan},
    {"hyplan:minmax", "pruned by the published code's rule, to compare with", false,
     POMDP_PRUNE_MINMAX, VALUED, NULL},
    {"hyplan:crude", "pruned by recalibrated confidence", false, POMDP_PRUNE_CRUDE, VALUED, NULL},
    {"hyplan:conformal", "bounds drawn in to calibrated intervals", false, POMDP_PRUNE_CONFORMAL,
     VALUED, NULL},
    {"hyplan:selective", "pruned by a certified rule", false, POMDP_PRUNE_SELECTIVE, VALUED, NULL},
    {"policy", "the network alone, greedy: no search", false, 0, DRIVER_ASKS_POLICY,
     policy_driver_create},
    {"despot:x10", "despot with ten times the trials, to compare with", false, 0, ALONE,
     create_longer},
    {NULL, NULL, false, 0, 0, NULL},
};

const driver_kind *driver_kind_find(const char *name)
{
    for (const driver_kind *kind = DRIVER_KINDS; kind->name != NULL; kind++) {
        if (strcmp(kind->name, name) == 0) {
            return kind;
        }
    }
    return NULL;
}

hp_status driver_create(const driver_kind *kind, const cli_config *config, bool guard, driver **out,
                        hp_error *error)
{
    if (kind->create != NULL) {
        return kind->create(config, guard, out, error);
    }
    return kind->baseline ? baseline_create((baseline_kind)kind->variant, out)
                          : direct_driver_create(config, guard, kind->variant, out, error);
}

hp_status driver_kind_refuse(const char *option, const char *name, hp_error *error)
{
    const char *names[HP_ARRAY_LEN(DRIVER_KINDS)];
    char hint[CLI_HINT];
    size_t n = 0;
    for (const driver_kind *kind = DRIVER_KINDS; kind->name != NULL; kind++) {
        names[n++] = kind->name;
    }
    return hp_fail(error, HP_EINVAL, "%s: there is no '%s'%s; hyplan bench --help tells them all",
                   option, name, cli_hint(name, names, n, hint));
}
