#include "cli/bench_play.h"

#include "common/hp_clock.h"
#include "sim-bridge/sim_oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct bench_player {
    const bench_suite *suite;
    const cli_config *config;
    sim_world *world;
    sim_oracle *oracle;
    sim_scenario staged;                   /* what the oracle is asked about */
    driver *drivers[BENCH_MAX_CONTENDERS]; /* made when first needed */
    sim_clip *clip;                        /* of the last recorded scene */
    uint32_t clip_case;
    bench_buffers buffers;
};

hp_status bench_player_create(const bench_suite *suite, const cli_config *config,
                              bench_player **out)
{
    bench_player *p = calloc(1, sizeof *p);
    hp_status status = p == NULL ? HP_ENOMEM : HP_OK;
    *out = NULL;
    if (status == HP_OK) {
        p->suite = suite;
        p->config = config;
        status = sim_world_create(&config->sim, &p->world);
    }
    if (status == HP_OK) {
        status = sim_oracle_create(&p->oracle);
    }
    if (status != HP_OK) {
        bench_player_destroy(&p);
        return status;
    }
    *out = p;
    return HP_OK;
}

void bench_player_destroy(bench_player **player)
{
    bench_player *p = *player;
    if (p == NULL) {
        return;
    }
    for (uint32_t i = 0; i < BENCH_MAX_CONTENDERS; i++) {
        driver_destroy(&p->drivers[i]);
    }
    sim_clip_destroy(&p->clip);
    sim_oracle_destroy(&p->oracle);
    sim_world_destroy(&p->world);
    free(p);
    *player = NULL;
}

/* The same scene has the same noise for every contender, in every sample and shard. */
static uint64_t episode_seed(const bench_settings *settings, const bench_row *row)
{
    const uint64_t lane = hp_mix64(XXH3_64bits(row->scenario, strlen(row->scenario))) ^
                          XXH3_64bits(row->scene, strlen(row->scene));
    return hp_rng_lane(hp_rng_seed(settings->seed), lane).key;
}

static void take_result(const sim_result *r, bench_row *row)
{
    row->verdict = r->verdict;
    row->crash = r->crash;
    row->safe_arrival = r->safe_arrival;
    row->near_miss = r->near_miss;
    row->near_miss_applies = r->near_miss_applies;
    row->ttg_s = r->ttg_s;
    row->impact_mps = r->verdict == HP_VERDICT_CRASH ? r->impact_mps : (double)NAN;
    row->progress_m = r->progress_m;
    row->min_ttc_s = r->min_ttc_s;
    row->min_gap_m = r->min_gap_m;
    row->max_jerk_mps3 = r->max_jerk_mps3;
    row->rms_jerk_mps3 = r->rms_jerk_mps3;
    row->pavement_s = r->pavement_s;
    row->oncoming_s = r->oncoming_s;
    row->speeding_s = r->speeding_s;
    row->max_speed_mps = r->max_speed_mps;
    row->ticks = r->ticks;
    row->hard_brakes = r->hard_brakes;
    row->brakings = r->brakings;
    row->false_brakings = r->false_brakings;
    row->switches = r->switches;
    row->interventions = r->interventions;
    memcpy(row->sources, r->sources, sizeof row->sources);
    row->command_hash = r->command_hash;
}

static void watch(const plan_config *config, bench_buffers *b)
{
    plan_bounds_watch(&config->guard, &b->info, &b->route, &b->frame, &b->bounds);
}

/* NOLINTNEXTLINE(readability-function-size): see the header */
void bench_drive(const bridge_world *world, driver *d, uint64_t seed, const plan_config *config,
                 bench_buffers *buffers, bench_row *row, bench_times *times)
{
    const bridge_world_ops *ops = world->ops;
    ops->info(world->self, &buffers->info);
    plan_path_follow_route(&config->path, &buffers->info, &buffers->route);
    plan_bounds_reset(&buffers->bounds);
    d->ops->begin(d, &buffers->info, seed);
    while (ops->result(world->self)->verdict == HP_VERDICT_RUNNING) {
        hp_command command;
        hp_decision *decision = &buffers->decision;
        ops->observe(world->self, &buffers->frame);
        watch(config, buffers);
        const int64_t start_ns = hp_clock_thread_cpu_ns();
        d->ops->tick(d, &buffers->frame, &command, decision);
        const int64_t spent_ns = hp_clock_thread_cpu_ns() - start_ns;
        const bool searched = decision->decided && decision->plan.trials > 0;
        if (decision->decided && buffers->frame.n_agents > 0) {
            stats_times_add(&times->decision, spent_ns);
            if (searched) {
                stats_times_add(&times->search, decision->plan.search_ns);
            }
        }
        if (searched) {
            row->searches++;
            row->trials += decision->plan.trials;
            row->nodes += decision->plan.nodes;
            row->pruned += decision->plan.pruned;
        }
        ops->step(world->self, &command);
    }
    ops->observe(world->self, &buffers->frame); /* the last step may be the one out of bounds */
    watch(config, buffers);
    take_result(ops->result(world->self), row);
    row->breach = buffers->bounds.breach;
}

static void ask_oracle(bench_player *p, const bench_scene *scene, bool lateral, bench_row *row)
{
    sim_world_stage(&p->config->sim, &p->suite->scenarios[scene->scenario], &scene->scene,
                    &p->staged);
    const sim_oracle_result r = lateral ? sim_oracle_b(p->oracle, &p->staged, &scene->scene)
                                        : sim_oracle_a(p->oracle, &p->staged, &scene->scene);
    row->verdict = r.arrives ? HP_VERDICT_GOAL : HP_VERDICT_TIMEOUT;
    row->safe_arrival = r.arrives;
    row->ttg_s = r.ttg_s;
    row->impact_mps = row->min_ttc_s = row->min_gap_m = (double)NAN;
}

/* The driver of a contender; the human's car follows no command, so any driver will do. */
static hp_status driver_of(bench_player *p, uint32_t contender, driver **out, hp_error *error)
{
    bool guard = false;
    hp_error why = {{0}};
    const driver_kind *kind = bench_contender_kind(&p->suite->settings, contender, &guard);
    hp_status status = HP_OK;
    if (p->drivers[contender] == NULL) {
        kind = kind != NULL ? kind : driver_kind_find("stand");
        status = driver_create(kind, p->config, guard, &p->drivers[contender], &why);
    }
    *out = p->drivers[contender];
    return status == HP_OK
               ? HP_OK
               : hp_fail(error, status, "%s: %s", p->suite->settings.contenders[contender],
                         why.text[0] != '\0' ? why.text : hp_status_text(status));
}

static hp_status open_recorded(bench_player *p, const bench_scene *scene, bool human,
                               bridge_world *world, hp_error *error)
{
    const sim_replay_case *c = &p->suite->cases[scene->replay];
    if (p->clip == NULL || strcmp(p->suite->cases[p->clip_case].prefix, c->prefix) != 0) {
        sim_clip_destroy(&p->clip);
        const hp_status status = sim_clip_read(c->prefix, c->kind, &p->clip, error);
        if (status != HP_OK) {
            return status;
        }
        p->clip_case = scene->replay;
    }
    return sim_replay_create(p->clip, c->car_id, human, &p->config->sim, world, error);
}

hp_status bench_player_play(bench_player *p, uint32_t scene_at, uint32_t contender, bench_row *row,
                            bench_times *times, hp_error *error)
{
    const bench_settings *s = &p->suite->settings;
    const bench_scene *scene = &p->suite->scenes[scene_at];
    const char *name = s->contenders[contender];
    driver *d = NULL;
    bridge_world world = {0};
    memset(row, 0, sizeof *row);
    memset(times, 0, sizeof *times);
    row->index = scene->index;
    (void)snprintf(row->scenario, sizeof row->scenario, "%s", s->scenarios[scene->scenario]);
    (void)snprintf(row->planner, sizeof row->planner, "%s", name);
    bench_scene_text(p->suite, scene, row->scene, sizeof row->scene);
    row->seed = episode_seed(s, row);
    row->ttg_s = (double)NAN;
    if (strcmp(name, BENCH_ORACLE_A) == 0 || strcmp(name, BENCH_ORACLE_B) == 0) {
        ask_oracle(p, scene, strcmp(name, BENCH_ORACLE_B) == 0, row);
        return HP_OK;
    }
    hp_status status = driver_of(p, contender, &d, error);
    if (status != HP_OK) {
        return status;
    }
    if (p->suite->cases != NULL) {
        status = open_recorded(p, scene, strcmp(name, BENCH_HUMAN) == 0, &world, error);
        if (status != HP_OK) {
            return status;
        }
    } else {
        sim_world_load(p->world, &p->suite->scenarios[scene->scenario], &scene->scene, 0,
                       row->seed);
        world = sim_world_as_bridge(p->world);
    }
    bench_drive(&world, d, row->seed, &p->config->plan, &p->buffers, row, times);
    if (p->suite->cases != NULL) {
        world.ops->destroy(world.self);
    }
    return HP_OK;
}
