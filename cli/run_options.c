#include "cli/run_options.h"

#include "cli/driver.h"
#include "cli/policy_grid.h"
#include "cli/town.h"
#include "proto/hp_node.h"
#include "sim-bridge/carla/carla_drive.h"
#include "sim-bridge/sim_scenario.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAR_UNSET UINT32_MAX

enum { WORLD_SIM, WORLD_REPLAY, WORLD_CARLA, WORLD_UNSET };

static const char *const WORLDS[] = {"sim", "replay", "carla", NULL};
static const char CLIP_SUFFIX[] = "_traj_ped_filtered.csv";

/** The command line's own part. */
typedef struct run_flags {
    uint32_t world, car, episodes;
    const char *scenario, *scene, *log, *planner, *tcp;
    bool realtime, no_record;
} run_flags;

static int read_flags(const cli_usage *usage, int argc, char **argv, run_options *out, run_flags *f)
{
    const cli_flag own[] = {
        {.name = "world",
         .type = CLI_FLAG_WORD,
         .target = &f->world,
         .arg = "sim|replay|carla",
         .help = "built-in simulator, recorded traffic, or CARLA",
         .words = WORLDS},
        {.name = "scenario",
         .type = CLI_FLAG_TEXT,
         .target = &f->scenario,
         .arg = "SUITE/ID",
         .help = "sim, carla: cts/03, or a YAML file"},
        {.name = "scene",
         .type = CLI_FLAG_TEXT,
         .target = &f->scene,
         .arg = "K=V,..",
         .help = "sim, carla: speed=1.2,distance=20 or car_speed=12.5"},
        {.name = "log",
         .type = CLI_FLAG_TEXT,
         .target = &f->log,
         .arg = "FILE",
         .help = "replay: a recorded clip, FILE_traj_ped_filtered.csv or its prefix"},
        {.name = "car",
         .type = CLI_FLAG_UINT,
         .target = &f->car,
         .arg = "ID",
         .max = 1000000,
         .help = "replay: the car whose place the ego takes"},
        {.name = "planner",
         .type = CLI_FLAG_TEXT,
         .target = &f->planner,
         .arg = "NAME",
         .help = "hyplan (default), or despot: nothing is pruned"},
        {.name = "embedded",
         .type = CLI_FLAG_SWITCH,
         .target = &out->embedded,
         .help = "all parts as threads of one process"},
        {.name = "episodes",
         .type = CLI_FLAG_UINT,
         .target = &f->episodes,
         .arg = "N",
         .min = 1,
         .max = 1000000,
         .help = "so many in a row"},
        {.name = "realtime",
         .type = CLI_FLAG_SWITCH,
         .target = &f->realtime,
         .help = "the world goes on by the clock instead of waiting for commands"},
        {.name = "no-record",
         .type = CLI_FLAG_SWITCH,
         .target = &f->no_record,
         .help = "leave no run.mcap"},
        {.name = "tcp",
         .type = CLI_FLAG_TEXT,
         .target = &f->tcp,
         .arg = "HOST:PORT",
         .help = "sockets at six ports from this one on, instead of in files; needs --keys"},
        {.name = "keys",
         .type = CLI_FLAG_TEXT,
         .target = &out->place.keys,
         .arg = "DIR",
         .help = "for --tcp: keys as `hyplan keys new` makes them"},
        {.name = NULL},
    };
    return cli_parse(usage, own, argc, argv, &out->common, NULL);
}

static int check_planner(const cli_usage *usage, const char *name)
{
    if (name == NULL || strcmp(name, "despot") == 0 || strcmp(name, "hyplan") == 0) {
        return CLI_GO;
    }
    const driver_kind *kind = driver_kind_find(name);
    if (kind != NULL && kind->baseline) {
        return cli_fail(
            usage, CLI_USAGE,
            "--planner %s: a baseline to compare with; it drives in `hyplan bench` only", name);
    }
    return cli_fail(usage, CLI_USAGE, "--planner %s: here drive hyplan and despot alone", name);
}

static int check_place(const cli_usage *usage, const char *tcp, run_options *out)
{
    if ((tcp != NULL) != (out->place.keys != NULL)) {
        return cli_fail(usage, CLI_USAGE,
                        "--tcp and --keys belong together (hyplan keys new DIR makes keys)");
    }
    if (tcp == NULL) {
        return CLI_GO;
    }
    if (out->embedded) {
        return cli_fail(usage, CLI_USAGE, "--tcp is for processes, not for --embedded");
    }
    if (snprintf(out->base, sizeof out->base, "tcp://%s", tcp) >= (int)sizeof out->base) {
        return cli_fail(usage, CLI_USAGE, "--tcp: too long");
    }
    char endpoint[HP_BUS_ENDPOINT];
    if (hp_link_endpoint(out->base, HP_LINK_TAP, endpoint, sizeof endpoint) != HP_OK) {
        return cli_fail(usage, CLI_USAGE,
                        "--tcp: '%s' is no HOST:PORT with five more ports behind it, as in "
                        "127.0.0.1:7400",
                        tcp);
    }
    out->place.sockets = out->base;
    return CLI_GO;
}

static bool set_text(char *target, size_t cap, const char *text)
{
    const int n = snprintf(target, cap, "%s", text);
    return n >= 0 && (size_t)n < cap;
}

/** "cts/03", or a file. */
static int resolve_scenario(const cli_usage *usage, const char *name, bridge_config *bridge)
{
    char relative[CLI_PATH];
    char path[CLI_PATH];
    if (access(name, R_OK) == 0 && strstr(name, ".yaml") != NULL) {
        (void)set_text(path, sizeof path, name);
    } else {
        const bool bare = strstr(name, ".yaml") == NULL;
        (void)snprintf(relative, sizeof relative, "%s%s%s", bare ? "scenarios/" : "", name,
                       bare ? ".yaml" : "");
        if (!cli_find(relative, path)) {
            return cli_fail(usage, CLI_USAGE,
                            "--scenario %s: no such scenario (`hyplan scenario ls` shows them)",
                            name);
        }
    }
    return set_text(bridge->scenario, sizeof bridge->scenario, path)
               ? CLI_GO
               : cli_fail(usage, CLI_USAGE, "--scenario: path too long");
}

/** Reads scenario and scene once before anything is started, for the sake of the complaint. */
static int check_scene(const cli_usage *usage, const bridge_config *bridge)
{
    hp_error error = {{0}};
    sim_scene scene = sim_scene_default();
    sim_scenario *scenario = calloc(1, sizeof *scenario);
    hp_status st = scenario != NULL ? sim_scenario_read(bridge->scenario, scenario, &error)
                                    : hp_fail(&error, HP_ENOMEM, "no memory for the scenario");
    if (st == HP_OK && bridge->scene[0] != '\0') {
        st = sim_scene_parse(bridge->scene, &scene, &error);
    }
    free(scenario);
    return st == HP_OK ? CLI_GO : cli_end(usage, st, &error);
}

/** A file of CARLA's recorder, and the map of its town if it is to be had. */
static int resolve_drive(const cli_usage *usage, const cli_common *common, const char *name,
                         bridge_config *bridge)
{
    hp_error error = {{0}};
    char town[64];
    char map[CLI_PATH];
    const hp_status st = carla_drive_town_of(name, town, sizeof town, &error);
    if (st != HP_OK) {
        return cli_fail(usage, cli_exit_status(st), "--log %s", error.text);
    }
    if (bridge->map[0] == '\0' && town_find(common, town, name, map) &&
        !set_text(bridge->map, sizeof bridge->map, map)) {
        return cli_fail(usage, CLI_USAGE, "%s: path too long", map);
    }
    return set_text(bridge->clip, sizeof bridge->clip, name)
               ? CLI_GO
               : cli_fail(usage, CLI_USAGE, "--log: path too long");
}

/** Finds PREFIX_traj_ped_filtered.csv, as given or below the data directory. */
static int resolve_clip(const cli_usage *usage, const cli_common *common, const char *name,
                        bridge_config *bridge)
{
    char prefix[CLI_PATH];
    if (carla_drive_is_log(name)) {
        return resolve_drive(usage, common, name, bridge);
    }
    char file[(size_t)2 * CLI_PATH + sizeof CLIP_SUFFIX];
    if (!set_text(prefix, sizeof prefix, name)) {
        return cli_fail(usage, CLI_USAGE, "--log: path too long");
    }
    char *suffix = strstr(prefix, CLIP_SUFFIX);
    if (suffix != NULL) {
        *suffix = '\0';
    }
    (void)snprintf(file, sizeof file, "%s%s", prefix, CLIP_SUFFIX);
    if (access(file, R_OK) != 0) {
        char below[(size_t)2 * CLI_PATH];
        (void)snprintf(below, sizeof below, "%s/%s", common->data_dir, prefix);
        (void)snprintf(file, sizeof file, "%s%s", below, CLIP_SUFFIX);
        if (access(file, R_OK) != 0 || !set_text(prefix, sizeof prefix, below)) {
            return cli_fail(usage, CLI_ENVIRONMENT,
                            "--log %s: no recording there, nor below %s (see --data-dir)", name,
                            common->data_dir);
        }
    }
    /* The two data sets name their clips alike, but lie in folders of their own. */
    bridge->clip_format = strstr(prefix, "citr") != NULL ? 1 : 0;
    return set_text(bridge->clip, sizeof bridge->clip, prefix)
               ? CLI_GO
               : cli_fail(usage, CLI_USAGE, "--log: path too long");
}

static int resolve_world(const cli_usage *usage, const run_flags *f, run_options *out)
{
    bridge_config *bridge = &out->config.bridge;
    if (f->world != WORLD_UNSET) {
        static const uint32_t KINDS[] = {BRIDGE_WORLD_SIM, BRIDGE_WORLD_REPLAY, BRIDGE_WORLD_CARLA};
        bridge->world = KINDS[f->world];
    }
    if (bridge->world != BRIDGE_WORLD_REPLAY) {
        if (f->log != NULL || f->car != CAR_UNSET) {
            return cli_fail(usage, CLI_USAGE, "--log and --car belong to --world replay");
        }
        if (f->scene != NULL && !set_text(bridge->scene, sizeof bridge->scene, f->scene)) {
            return cli_fail(usage, CLI_USAGE, "--scene: too long");
        }
        const char *name = f->scenario != NULL ? f->scenario : bridge->scenario;
        const int status = resolve_scenario(usage, name, bridge);
        return status == CLI_GO ? check_scene(usage, bridge) : status;
    }
    if (f->scenario != NULL || f->scene != NULL) {
        return cli_fail(usage, CLI_USAGE, "--scenario and --scene belong to --world sim and carla");
    }
    if (f->log == NULL && bridge->clip[0] == '\0') {
        return cli_fail(usage, CLI_USAGE, "--world replay: which recording? (--log FILE)");
    }
    if (f->car != CAR_UNSET) {
        (void)snprintf(bridge->car, sizeof bridge->car, "%" PRIu32, f->car);
    }
    return resolve_clip(usage, &out->common, f->log != NULL ? f->log : bridge->clip, bridge);
}

/** What the command line has to say about the planner's sections. */
static void apply_planner(const run_options *options, cli_config *config)
{
    if (options->unpruned) {
        config->car.prune.rule.method = POMDP_PRUNE_OFF;
    }
    policy_grid_stamp(config); /* the parts run elsewhere: they get whole paths */
}

/** Only what the planner reads again may differ; the flags have filled the bridge's section. */
static hp_status check_rest(const run_options *options, const cli_config *fresh, hp_error *error)
{
    struct {
        plan_live old, new;
        cli_config rest;
    } *w = malloc(sizeof *w); /* large for the stack */
    if (w == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory to compare configurations");
    }
    w->old = (plan_live){options->config.plan, options->config.car, options->config.predictor};
    w->new = (plan_live){fresh->plan, fresh->car, fresh->predictor};
    w->rest = *fresh;
    w->rest.plan = options->config.plan;
    w->rest.car = options->config.car;
    const uint64_t hash = cli_config_hash(&w->rest);
    const bool same = hash != 0 && hash == cli_config_hash(&options->config);
    const hp_status st =
        same ? plan_live_may_follow(&w->old, &w->new, error)
             : hp_fail(error, HP_ECONFIG,
                       "only sections planner and pomdp can change while a run lasts");
    free(w);
    return st;
}

hp_status run_options_reload(const run_options *options, cli_config *fresh, hp_error *error)
{
    const hp_status st = cli_config_load(&options->common, fresh, error);
    if (st != HP_OK) {
        return st;
    }
    fresh->bridge = options->config.bridge;
    apply_planner(options, fresh);
    /* Stamped when the run began, and a text: it cannot change with the planner's keys. */
    memcpy(fresh->car.prune.mix, options->config.car.prune.mix, sizeof fresh->car.prune.mix);
    return check_rest(options, fresh, error);
}

int run_options_read(const cli_usage *usage, int argc, char **argv, run_options *out)
{
    hp_error error = {{0}};
    run_flags f = {.world = WORLD_UNSET, .car = CAR_UNSET};
    *out = (run_options){0};
    int status = read_flags(usage, argc, argv, out, &f);
    if (status == CLI_GO) {
        status = check_planner(usage, f.planner);
    }
    if (status == CLI_GO) {
        status = check_place(usage, f.tcp, out);
    }
    if (status != CLI_GO) {
        return status;
    }
    const hp_status st = cli_config_load(&out->common, &out->config, &error);
    if (st != HP_OK) {
        return cli_end(usage, st, &error);
    }
    out->unpruned = f.planner != NULL && strcmp(f.planner, "despot") == 0;
    apply_planner(out, &out->config);
    out->config.bridge.episodes = f.episodes != 0 ? f.episodes : out->config.bridge.episodes;
    out->record = !f.no_record;
    out->config.bridge.realtime = f.realtime || out->config.bridge.realtime;
    return resolve_world(usage, &f, out);
}
