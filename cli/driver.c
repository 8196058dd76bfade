#include "cli/driver.h"

#include "cli/baselines.h"
#include "cli/direct.h"
#include "cli/options.h"
#include "cli/policy_driver.h"

#include <stdlib.h>
#include <string.h>

enum { LONGER = 10, LONGER_POOL = 4 };

static hp_status create_const(const cli_config *config, bool guard, driver **out, hp_error *error)
{
    (void)config;
    (void)guard;
    (void)error;
    return baseline_create(BASELINE_CONST, out);
}

static hp_status create_stand(const cli_config *config, bool guard, driver **out, hp_error *error)
{
    (void)config;
    (void)guard;
    (void)error;
    return baseline_create(BASELINE_STAND, out);
}

static hp_status create_crawl(const cli_config *config, bool guard, driver **out, hp_error *error)
{
    (void)config;
    (void)guard;
    (void)error;
    return baseline_create(BASELINE_CRAWL25, out);
}

static hp_status create_aeb(const cli_config *config, bool guard, driver **out, hp_error *error)
{
    (void)config;
    (void)guard;
    (void)error;
    return baseline_create(BASELINE_AEB, out);
}

static hp_status create_cautious(const cli_config *config, bool guard, driver **out,
                                 hp_error *error)
{
    (void)config;
    (void)guard;
    (void)error;
    return baseline_create(BASELINE_CAUTIOUS, out);
}

static hp_status create_despot(const cli_config *config, bool guard, driver **out, hp_error *error)
{
    return direct_driver_create(config, guard, POMDP_PRUNE_OFF, out, error);
}

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

static hp_status create_minmax(const cli_config *config, bool guard, driver **out, hp_error *error)
{
    return direct_driver_create(config, guard, POMDP_PRUNE_MINMAX, out, error);
}

static hp_status create_crude(const cli_config *config, bool guard, driver **out, hp_error *error)
{
    return direct_driver_create(config, guard, POMDP_PRUNE_CRUDE, out, error);
}

static hp_status create_conformal(const cli_config *config, bool guard, driver **out,
                                  hp_error *error)
{
    return direct_driver_create(config, guard, POMDP_PRUNE_CONFORMAL, out, error);
}

static hp_status create_selective(const cli_config *config, bool guard, driver **out,
                                  hp_error *error)
{
    return direct_driver_create(config, guard, POMDP_PRUNE_SELECTIVE, out, error);
}

/** The search alone, and with leaves valued by the network. */
enum {
    ALONE = DRIVER_ASKS_PREDICTOR,
    VALUED = DRIVER_ASKS_PREDICTOR | DRIVER_ASKS_POLICY | DRIVER_ASKS_CALIBRATION,
};

const driver_kind DRIVER_KINDS[] = {
    {"const", "drives at the limit and reacts to nobody", true, 0, create_const},
    {"stand", "never moves off", true, 0, create_stand},
    {"crawl25", "aeb, at no more than 25 km/h", true, 0, create_crawl},
    {"aeb", "drives at the limit, brakes fully when a collision is near", true, 0, create_aeb},
    {"cautious", "aeb, and slows down for those who may be hidden", true, 0, create_cautious},
    {"despot", "HyPlan's pipeline: search over the belief, no network", false, ALONE,
     create_despot},
    {"reckless", "the pipeline without its search: full speed, and what the guard says", false,
     ALONE, reckless_driver_create},
    {"hyplan", "the whole of it: search, pruned as pomdp.prune says; crude if that is off", false,
     VALUED, create_hyplan},
    {"hyplan:minmax", "pruned by the published code's rule, to compare with", false, VALUED,
     create_minmax},
    {"hyplan:crude", "pruned by recalibrated confidence", false, VALUED, create_crude},
    {"hyplan:conformal", "bounds drawn in to calibrated intervals", false, VALUED,
     create_conformal},
    {"hyplan:selective", "pruned by a certified rule", false, VALUED, create_selective},
    {"policy", "the network alone, greedy: no search", false, DRIVER_ASKS_POLICY,
     policy_driver_create},
    {"despot:x10", "despot with ten times the trials, to compare with", false, ALONE,
     create_longer},
    {NULL, NULL, false, 0, NULL},
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
