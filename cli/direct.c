#include "cli/direct.h"

#include "cli/policy_grid.h"
#include "planner/plan_cycle.h"
#include "pomdp/car/car_planner.h"
#include "predictor/predictor_net.h"

#include <stdlib.h>

#define RECKLESS_MPS2 3.0

typedef struct direct_driver {
    driver base;
    predictor_net *predictor;
    car_planner *search;
    plan_cycle *cycle;
    hp_clock clock;
} direct_driver;

static hp_status predict(void *ctx, const hp_predict_request *request, hp_predict_reply *reply)
{
    direct_driver *d = ctx;
    predictor_net_predict(d->predictor, request, reply);
    return HP_OK;
}

static hp_status plan(void *ctx, const hp_plan_request *request, hp_plan_reply *reply)
{
    direct_driver *d = ctx;
    car_planner_plan(d->search, request, &d->clock, reply);
    return HP_OK;
}

/** Full speed, whoever is there; the path's speed caps it. */
static hp_status wish(void *ctx, const hp_plan_request *request, hp_plan_reply *reply)
{
    (void)ctx;
    *reply = (hp_plan_reply){.world_id = request->world_id,
                             .tick = request->tick,
                             .found = true,
                             .accel_mps2 = RECKLESS_MPS2};
    return HP_OK;
}

static void begin(driver *self, const hp_world_info *info, uint64_t seed)
{
    plan_cycle_begin(((direct_driver *)self)->cycle, info, seed);
}

static void tick(driver *self, const hp_frame *frame, hp_command *command, hp_decision *decision)
{
    hp_decision unused;
    plan_cycle_tick(((direct_driver *)self)->cycle, frame, command,
                    decision != NULL ? decision : &unused);
}

static void destroy(driver *self)
{
    direct_driver *d = (direct_driver *)self;
    plan_cycle_destroy(&d->cycle);
    car_planner_destroy(&d->search);
    predictor_net_destroy(&d->predictor);
    free(d);
}

/** As configured, but for the method. A network is loaded only where it is asked. */
static hp_status create_search(const cli_config *config, uint32_t method, car_planner **out,
                               hp_error *error)
{
    cli_config *c = malloc(sizeof *c);
    if (c == NULL) {
        return HP_ENOMEM;
    }
    *c = *config;
    c->car.prune.rule.method = method == DIRECT_AS_CONFIGURED ? c->car.prune.rule.method : method;
    policy_grid_stamp(c);
    hp_status st = car_planner_create(&c->car, out);
    if (st == HP_OK && c->car.prune.rule.method != POMDP_PRUNE_OFF) {
        st = car_planner_value_leaves(*out, &c->policy, NULL);
    }
    if (st == HP_OK && car_planner_note(*out) != NULL) {
        st = hp_fail(error, HP_ECONFIG,
                     "%s (see hyplan calibrate prune, or take pomdp.prune.method = off)",
                     car_planner_note(*out));
    }
    free(c);
    return st;
}

static const driver_ops OPS = {
    .begin = begin,
    .tick = tick,
    .destroy = destroy,
};

/** reckless: full speed instead of a search. */
static hp_status create(const cli_config *config, bool guard, bool reckless, uint32_t method,
                        driver **out, hp_error *error)
{
    direct_driver *d = calloc(1, sizeof *d);
    *out = NULL;
    if (d == NULL) {
        return HP_ENOMEM;
    }
    plan_config planner = config->plan;
    planner.guard.enabled = guard;
    d->base.ops = &OPS;
    d->clock = hp_clock_real();
    const plan_workers workers = {predict, reckless ? wish : plan, d};
    hp_status status = predictor_net_create(&config->predictor, &d->predictor, error);
    if (status == HP_OK) {
        status = create_search(config, method, &d->search, error);
    }
    if (status == HP_OK) {
        status = plan_cycle_create(&planner, &config->predictor.cv, &workers, &d->clock, &d->cycle);
    }
    if (status != HP_OK) {
        destroy(&d->base);
        return status;
    }
    *out = &d->base;
    return HP_OK;
}

hp_status direct_driver_create(const cli_config *config, bool guard, uint32_t method, driver **out,
                               hp_error *error)
{
    return create(config, guard, false, method, out, error);
}

hp_status reckless_driver_create(const cli_config *config, bool guard, driver **out,
                                 hp_error *error)
{
    return create(config, guard, true, POMDP_PRUNE_OFF, out, error);
}
