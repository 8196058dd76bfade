#include "cli/open_loop.h"

#include "cli/log_file.h"
#include "common/hp_program.h"
#include "planner/plan_cycle.h"
#include "pomdp/car/car_planner.h"
#include "predictor/predictor_net.h"
#include "proto/hp_codec.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

typedef struct result {
    uint32_t episodes, ticks; /* compared */
    uint32_t differing;       /* of those ticks */
    uint32_t configurations;  /* versions of the thresholds that were in force */
    uint32_t gaps;          /* episodes that could be compared in part only: messages are missing */
    uint32_t first_episode; /* if any differ: where the first one is ... */
    double first_t_s;
    hp_command recorded, again; /* ... and how */
} result;

typedef struct open_loop {
    result *out;
    const cli_common *common;
    cli_config config; /* in force */
    hp_configuration told;
    uint64_t seed;
    hp_codec *codec;
    hp_message *message;
    hp_clock clock;
    predictor_net *predictor;
    car_planner *search;
    plan_cycle *cycle;
    hp_world_info world;
    hp_frame frame;
    hp_plan_request request;
    hp_decision recorded; /* of the tick that is being repeated */
    bool has_world, has_frame, gap;
    uint64_t received, published;
} open_loop;

/* ---- Workers that fail where they failed ---- */

static hp_status predict(void *ctx, const hp_predict_request *request, hp_predict_reply *reply)
{
    const open_loop *o = ctx;
    if (o->recorded.predictor_fallback) {
        return HP_EUNAVAILABLE;
    }
    predictor_net_predict(o->predictor, request, reply);
    return HP_OK;
}

static hp_status plan(void *ctx, const hp_plan_request *request, hp_plan_reply *reply)
{
    open_loop *o = ctx;
    if (o->recorded.search_failed) {
        return HP_EUNAVAILABLE;
    }
    o->request = *request;
    o->request.deadline_ns = 0;
    if (o->config.car.budget.trials == 0) { /* a search by the clock, repeated by its count */
        const uint32_t trials = o->recorded.plan.trials;
        o->request.max_trials = trials > 0 ? trials : 1;
    }
    car_planner_plan(o->search, &o->request, &o->clock, reply);
    return HP_OK;
}

/* ---- Configuration ---- */

/** --config and --set, over what is recorded. */
static hp_status take_options(open_loop *o, hp_error *error)
{
    hp_section sections[CLI_SECTIONS];
    hp_status st = HP_OK;
    cli_config_sections(&o->config, sections);
    for (uint32_t i = 0; i < o->common->config_files.n && st == HP_OK; i++) {
        st = hp_config_read(o->common->config_files.items[i], sections, CLI_SECTIONS,
                            HP_PROGRAM_SECTIONS, error);
    }
    for (uint32_t i = 0; i < o->common->sets.n && st == HP_OK; i++) {
        st = hp_config_set(o->common->sets.items[i], sections, CLI_SECTIONS, HP_PROGRAM_SECTIONS,
                           error);
    }
    return st == HP_OK ? cli_config_check(&o->config, error) : st;
}

/** The thresholds as they were changed during the run, from the next decision on. */
static hp_status take_configuration(open_loop *o, const hp_configuration *c, hp_error *error)
{
    hp_setting search[HP_MAX_TUNING];
    hp_status st = HP_OK;
    if (c->version == o->told.version && c->n_settings == o->told.n_settings &&
        memcmp(c->settings, o->told.settings, c->n_settings * sizeof c->settings[0]) == 0) {
        return HP_OK; /* told again for those who came late */
    }
    o->told = *c;
    o->out->configurations++;
    plan_live live = {o->config.plan, o->config.car, o->config.predictor};
    for (uint32_t i = 0; i < c->n_settings && st == HP_OK; i++) {
        st = plan_live_set(&live, &c->settings[i], error);
    }
    o->config.plan = live.plan;
    o->config.car = live.car;
    if (st == HP_OK) {
        st = take_options(o, error);
    }
    if (st == HP_OK && plan_cycle_configure(o->cycle, &o->config.plan) != HP_OK) {
        st = hp_fail(error, HP_ECONFIG, "section 'control' cannot change within a recording");
    }
    live = (plan_live){o->config.plan, o->config.car, o->config.predictor};
    plan_cycle_settings(o->cycle, c->version, search, plan_live_search_settings(&live, search));
    return st;
}

/* ---- Messages ---- */

static bool same(const hp_command *a, const hp_command *b)
{
    return memcmp(&a->accel_mps2, &b->accel_mps2, sizeof a->accel_mps2) == 0 &&
           memcmp(&a->steer_rad, &b->steer_rad, sizeof a->steer_rad) == 0 &&
           a->source == b->source && a->guarded == b->guarded;
}

static void take_world(open_loop *o, const hp_world_info *info)
{
    if (o->has_world && o->world.world_id == info->world_id) {
        return; /* told again for those who came late */
    }
    o->world = *info;
    o->has_world = true;
    o->has_frame = false;
    o->gap = false;
    o->out->episodes++;
    plan_cycle_begin(o->cycle, info, o->seed);
}

/** Whether all that the planner has said up to this decision is in the recording. */
static void count(open_loop *o, const hp_decision *d)
{
    if (d->published < o->published && o->has_world) { /* started anew: it remembers nothing */
        plan_cycle_begin(o->cycle, &o->world, o->seed);
        o->received = d->published;
    }
    if (d->published != o->received && !o->gap) {
        o->gap = true; /* what the planner has seen before is not all there */
        o->out->gaps++;
    }
    o->received = d->published;
    o->published = d->published;
}

static void take_decision(open_loop *o, const hp_decision *d)
{
    hp_command command;
    hp_decision decision;
    count(o, d);
    if (!o->has_world || !o->has_frame || o->gap || o->frame.tick != d->tick ||
        o->frame.world_id != d->world_id) {
        return;
    }
    o->recorded = *d;
    plan_cycle_tick(o->cycle, &o->frame, &command, &decision);
    o->out->ticks++;
    if (!same(&command, &d->command)) {
        if (o->out->differing++ == 0) {
            o->out->first_episode = o->world.episode;
            o->out->first_t_s = (double)o->frame.stamp_ns * 1e-9;
            o->out->recorded = d->command;
            o->out->again = command;
        }
    }
}

static hp_status take(open_loop *o, const log_message *m, hp_error *error)
{
    hp_msg_type type = HP_MSG_COUNT;
    for (unsigned i = 0; i < HP_MSG_COUNT && type == HP_MSG_COUNT; i++) {
        type = strcmp(m->topic, hp_msg_name((hp_msg_type)i)) == 0 ? (hp_msg_type)i : HP_MSG_COUNT;
    }
    if (type == HP_MSG_COUNT || hp_decode_payload(o->codec, type, m->data.data, (size_t)m->data.len,
                                                  o->message, NULL) != HP_OK) {
        return HP_OK; /* not ours; if it was, the count tells */
    }
    o->received++;
    if (type == HP_MSG_WORLD_INFO) {
        take_world(o, &o->message->as_hp_world_info);
    } else if (type == HP_MSG_FRAME) {
        o->frame = o->message->as_hp_frame;
        o->has_frame = true;
    } else if (type == HP_MSG_DECISION) {
        take_decision(o, &o->message->as_hp_decision);
    } else if (type == HP_MSG_CONFIGURATION) {
        return take_configuration(o, &o->message->as_hp_configuration, error);
    }
    return HP_OK;
}

/* ---- Life ---- */

/** The recording's configuration, then --config and --set. */
static hp_status load_config(open_loop *o, const char *path, hp_error *error)
{
    char *yaml = NULL;
    size_t len = 0;
    hp_section sections[CLI_SECTIONS];
    cli_config_default(&o->config);
    cli_config_sections(&o->config, sections);
    hp_status st = log_file_attachment(path, "config.yaml", &yaml, &len, error);
    if (st == HP_OK) {
        st = hp_config_parse(yaml, len, "config.yaml", sections, CLI_SECTIONS, HP_PROGRAM_SECTIONS,
                             error);
    }
    free(yaml);
    return st == HP_OK ? take_options(o, error) : st;
}

static hp_status load_seed(open_loop *o, const char *path, hp_error *error)
{
    char *text = NULL;
    size_t len = 0;
    json_error_t why;
    hp_status st = log_file_attachment(path, "manifest.json", &text, &len, error);
    json_t *manifest = st == HP_OK ? json_loadb(text, len, 0, &why) : NULL;
    const json_t *seed = json_object_get(manifest, "seed");
    if (st == HP_OK && !json_is_integer(seed)) {
        st = hp_fail(error, HP_EWIRE, "%s: its manifest.json tells no seed", path);
    }
    o->seed = (uint64_t)json_integer_value(seed);
    json_decref(manifest);
    free(text);
    return st;
}

static hp_status set_up(open_loop *o, const char *path, hp_error *error)
{
    hp_status st = load_config(o, path, error);
    if (st == HP_OK) {
        st = load_seed(o, path, error);
    }
    if (st == HP_OK) {
        st = predictor_net_create(&o->config.predictor, &o->predictor, error);
    }
    if (st != HP_OK) {
        return st;
    }
    const plan_workers workers = {predict, plan, o};
    o->clock = hp_clock_real();
    o->message = malloc(sizeof *o->message);
    st = o->message != NULL ? hp_codec_create(&o->codec) : HP_ENOMEM;
    if (st == HP_OK) {
        st = car_planner_create(&o->config.car, &o->search);
    }
    if (st == HP_OK) { /* pruning may be switched on in the middle */
        st = car_planner_value_leaves(o->search, &o->config.policy, NULL);
    }
    if (st == HP_OK) {
        st = plan_cycle_create(&o->config.plan, &o->config.predictor.cv, &workers, &o->clock,
                               &o->cycle);
    }
    return st == HP_OK ? HP_OK : hp_fail(error, st, "cannot set up: %s", hp_status_text(st));
}

static void tear_down(open_loop *o)
{
    if (o->cycle != NULL) {
        plan_cycle_destroy(&o->cycle);
    }
    predictor_net_destroy(&o->predictor);
    if (o->search != NULL) {
        car_planner_destroy(&o->search);
    }
    hp_codec_destroy(&o->codec);
    free(o->message);
    free(o);
}

static hp_status replay(const char *path, const cli_common *common, result *out, hp_error *error)
{
    open_loop *o = calloc(1, sizeof *o);
    log_file *file = NULL;
    log_message m;
    *out = (result){0};
    if (o == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for a replay");
    }
    o->out = out;
    o->common = common;
    hp_status st = set_up(o, path, error);
    if (st == HP_OK) {
        st = log_file_open(path, &file, error);
    }
    while (st == HP_OK) {
        st = log_file_next(file, &m, error);
        if (st == HP_OK) {
            st = take(o, &m, error);
        }
    }
    const bool ended = file != NULL && st == HP_ENOENT;
    if (ended && out->ticks == 0) {
        st = hp_fail(error, HP_EWIRE, "%s: no decision in it could be repeated", path);
    }
    log_file_close(&file);
    tear_down(o);
    return ended && out->ticks > 0 ? HP_OK : st;
}

/* ---- The command ---- */

static json_t *command_json(const hp_command *c)
{
    return json_pack("{s:f, s:f, s:s, s:b}", "accel_mps2", c->accel_mps2, "steer_rad", c->steer_rad,
                     "source", hp_source_name(c->source), "guarded", c->guarded);
}

static void print_json(const result *r)
{
    json_t *first = r->differing == 0
                        ? json_null()
                        : json_pack("{s:i, s:i, s:f, s:o, s:o}", "episode", (int)r->first_episode,
                                    "tick", (int)r->recorded.tick, "t_s", r->first_t_s, "recorded",
                                    command_json(&r->recorded), "again", command_json(&r->again));
    json_t *json =
        json_pack("{s:i, s:i, s:i, s:i, s:i, s:o}", "episodes", (int)r->episodes, "ticks",
                  (int)r->ticks, "differing", (int)r->differing, "gaps", (int)r->gaps,
                  "configurations", (int)r->configurations, "first", first);
    (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    (void)putchar('\n');
    json_decref(json);
}

static void print_command(const char *name, const hp_command *c)
{
    (void)printf("  %-9s %+.17g m/s^2, %+.17g rad, from %s%s\n", name, c->accel_mps2, c->steer_rad,
                 hp_source_name(c->source), c->guarded ? ", changed by the guard" : "");
}

int open_loop_command(const cli_usage *usage, const char *path, const cli_common *common)
{
    result r;
    hp_error error = {{0}};
    const hp_status st = replay(path, common, &r, &error);
    if (st != HP_OK) {
        return cli_end(usage, st, &error);
    }
    if (common->json) {
        print_json(&r);
    } else if (r.differing == 0) {
        (void)printf("%s: %" PRIu32 " commands of %" PRIu32 " episode(s), all the same\n", path,
                     r.ticks, r.episodes);
    } else {
        (void)printf("%s: %" PRIu32 " of %" PRIu32 " commands differ, the first in episode %" PRIu32
                     " at tick %" PRIu32 " (%.2f s):\n",
                     path, r.differing, r.ticks, r.first_episode, r.recorded.tick, r.first_t_s);
        print_command("recorded", &r.recorded);
        print_command("now", &r.again);
    }
    if (r.gaps > 0 && !common->json) {
        (void)printf("messages are missing in %" PRIu32 " episode(s): compared up to there\n",
                     r.gaps);
    }
    return r.differing == 0 ? CLI_DONE : CLI_FAILED;
}
