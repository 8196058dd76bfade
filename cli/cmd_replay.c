/* hyplan replay: recorded traffic, with HyPlan in the place of one recorded driver. */
#include "cli/bench_play.h"
#include "cli/commands.h"
#include "cli/open_loop.h"
#include "cli/rundir.h"
#include "cli/town.h"
#include "sim-bridge/carla/carla_drive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_usage USAGE = {
    .command = "replay",
    .synopsis = "replay PREFIX|FILE|FILE.log [options]\n       hyplan replay run.mcap --open-loop",
    .summary =
        "Drives a recorded car's path among the recorded agents, who do not react, and judges\n"
        "the planner and the recorded driver alike. PREFIX is a clip's path up to\n"
        "_traj_ped_filtered.csv; either of its two files may be named instead. FILE.log is a\n"
        "recording of CARLA's recorder; TOWN.xodr beside it or in the data directory is its map.\n"
        "With --open-loop: the frames of a run's own recording go through the planner again, "
        "under\n"
        "its configuration (and --set), and the first command that differs is told.",
    .example = "hyplan replay data/dut/trajectories_filtered/intersection_01 --car 1",
    .without = CLI_NO_JOBS,
};

static const char *const KIND_WORDS[] = {"dut", "citr", NULL};
static const char *const PED_SUFFIX = "_traj_ped_filtered.csv";
static const char *const VEH_SUFFIX = "_traj_veh_filtered.csv";
enum { KIND_GUESS = 2, MAX_CAR_ID = 1000000, FIRST_CAR = MAX_CAR_ID + 1 };

typedef struct replay {
    cli_common common;
    cli_config config;
    bench_buffers buffers;
    bench_row planner, human;
    sim_contacts planner_contacts, human_contacts;
    bench_times times, unused;
    char prefix[512];
    sim_clip_kind kind;
    uint32_t car_id; /* FIRST_CAR: the first that qualifies */
    const char *planner_name;
    bool guard;
    char map[CLI_PATH]; /* of CARLA's recordings; empty: none is known */
    sim_clip *clip;     /* one of the two */
    carla_drive *recording;
} replay;

static bool take_prefix(const char *given, char *prefix, size_t cap)
{
    const size_t len = strlen(given);
    const size_t cut = strlen(PED_SUFFIX);
    const bool file = len > cut && (strcmp(given + len - cut, PED_SUFFIX) == 0 ||
                                    strcmp(given + len - cut, VEH_SUFFIX) == 0);
    const size_t keep = file ? len - cut : len;
    return keep < cap && snprintf(prefix, cap, "%.*s", (int)keep, given) >= 0;
}

/* DUT's clips are named after the place, CITR's after what was staged. */
static sim_clip_kind guess_kind(const char *prefix)
{
    const char *slash = strrchr(prefix, '/');
    const char *name = slash == NULL ? prefix : slash + 1;
    return strncmp(name, "intersection", 12) == 0 || strncmp(name, "roundabout", 10) == 0
               ? SIM_CLIP_DUT
               : SIM_CLIP_CITR;
}

static hp_status drive(replay *r, bool human, hp_error *error)
{
    bridge_world world;
    driver *d = NULL;
    hp_error why = {{0}};
    const driver_kind *kind = driver_kind_find(human ? "stand" : r->planner_name);
    const sim_config *sim = &r->config.sim;
    hp_status status = r->recording != NULL
                           ? carla_drive_world(r->recording, r->car_id, human, sim, &world, error)
                           : sim_replay_create(r->clip, r->car_id, human, sim, &world, error);
    if (status != HP_OK) {
        return status;
    }
    status = driver_create(kind, &r->config, r->guard, &d, &why);
    if (status == HP_OK) {
        bench_drive(&world, d, r->common.seed, &r->config.plan, &r->buffers,
                    human ? &r->human : &r->planner, human ? &r->unused : &r->times);
        *(human ? &r->human_contacts : &r->planner_contacts) = sim_replay_contacts(&world);
    } else {
        (void)hp_fail(error, status, "%s: %s", r->planner_name,
                      why.text[0] != '\0' ? why.text : hp_status_text(status));
    }
    driver_destroy(&d);
    world.ops->destroy(world.self);
    return status;
}

/* The worst of them; whoever walks into a flank does not end the drive, nor the human's own front.
 */
static const char *contact_text(const bench_row *row, const sim_contacts *c)
{
    if (row->verdict == HP_VERDICT_CRASH) {
        return row->crash == SIM_CRASH_FRONT ? "ego-front" : "side or rear";
    }
    if (c->front > 0) {
        return "ego-front";
    }
    if (c->side + c->rear > 0) {
        return "side or rear";
    }
    return c->standing > 0 ? "while standing" : "none";
}

static void print_row(const char *name, const bench_row *row, const sim_contacts *contacts)
{
    (void)printf("%-8s %-8s contact %-14s near miss %-3s  progress %6.1f m  time %5.1f s  hard "
                 "brakes %u  smallest gap %.2f m\n",
                 name, sim_verdict_text((hp_verdict)row->verdict), contact_text(row, contacts),
                 row->near_miss ? "yes" : "no", row->progress_m, 0.05 * row->ticks,
                 row->hard_brakes, row->min_gap_m);
}

static json_t *row_json(const bench_row *row, const sim_contacts *c)
{
    return json_pack("{s:s, s:b, s:b, s:b, s:s, s:{s:i, s:i, s:i, s:i}, s:o, s:f, s:o, s:i, s:i}",
                     "verdict", sim_verdict_text((hp_verdict)row->verdict), "goal",
                     row->verdict == HP_VERDICT_GOAL, "crash", bench_row_crashed(row), "near_miss",
                     row->near_miss, "contact", contact_text(row, c), "contacts", "front",
                     (int)c->front, "side", (int)c->side, "rear", (int)c->rear, "standing",
                     (int)c->standing, "ttg_s", cli_json_real(row->ttg_s), "progress_m",
                     row->progress_m, "min_gap_m", cli_json_real(row->min_gap_m), "ticks",
                     (int)row->ticks, "hard_brakes", (int)row->hard_brakes);
}

static void set_summary(json_t *json, const replay *r)
{
    const stats_times *t = &r->times.decision;
    char hash[24];
    (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)r->planner.command_hash);
    (void)json_object_set_new(json, "planner", json_string(r->planner_name));
    (void)json_object_set_new(json, "car", json_integer(r->car_id));
    (void)json_object_set_new(json, "map", json_string(r->map));
    (void)json_object_set_new(json, "interventions", json_integer(r->planner.interventions));
    (void)json_object_set_new(
        json, "fallbacks",
        json_pack("{s:i, s:i, s:i}", "policy", (int)r->planner.sources[HP_SOURCE_POLICY],
                  "comfort_brake", (int)r->planner.sources[HP_SOURCE_COMFORT_BRAKE], "hard_brake",
                  (int)r->planner.sources[HP_SOURCE_HARD_BRAKE]));
    (void)json_object_set_new(json, "missed_deadlines", json_integer(0)); /* trials have none */
    (void)json_object_set_new(json, "command_hash", json_string(hash));
    (void)json_object_set_new(json, "decision_ms",
                              json_pack("{s:o, s:o, s:o, s:o}", "mean",
                                        cli_json_real(stats_times_mean_ms(t)), "p50",
                                        cli_json_real(stats_times_percentile_ms(t, 0.5)), "p99",
                                        cli_json_real(stats_times_percentile_ms(t, 0.99)), "max",
                                        cli_json_real(stats_times_max_ms(t))));
    (void)json_object_set_new(json, "human", row_json(&r->human, &r->human_contacts));
}

static int report(const replay *r)
{
    hp_error error;
    cli_rundir dir;
    json_t *json = row_json(&r->planner, &r->planner_contacts);
    set_summary(json, r);
    hp_status status = cli_rundir_open(&r->common, "replay", &dir, &error);
    if (status == HP_OK) {
        status = cli_rundir_write_json(&dir, "summary.json", json, &error);
    }
    if (status == HP_OK) {
        status = cli_rundir_manifest(&dir, &r->common, &r->config,
                                     sim_verdict_text((hp_verdict)r->planner.verdict), &error);
    }
    if (r->common.json) {
        (void)json_dumpf(json, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else {
        (void)printf("%s, car %u\n", r->prefix, r->car_id);
        print_row(r->planner_name, &r->planner, &r->planner_contacts);
        print_row("human", &r->human, &r->human_contacts);
    }
    json_decref(json);
    if (status != HP_OK) {
        return cli_end(&USAGE, status, &error);
    }
    return bench_row_crashed(&r->planner) ? CLI_FAILED : CLI_DONE;
}

/** Reads the recording and finds whose place is taken. */
static hp_status open_clip(replay *r, hp_error *error)
{
    uint32_t first = 0;
    const hp_status status = sim_clip_read(r->prefix, r->kind, &r->clip, error);
    if (status != HP_OK) {
        return status;
    }
    if (sim_clip_eligible(r->clip, &first, 1) == 0) {
        return hp_fail(error, HP_EINVAL, "no car in this clip moves at least 10 m");
    }
    r->car_id = r->car_id == FIRST_CAR ? first : r->car_id;
    return HP_OK;
}

static hp_status open_recording(replay *r, hp_error *error)
{
    char town[64];
    hp_status status = carla_drive_town_of(r->prefix, town, sizeof town, error);
    if (status != HP_OK) {
        return status;
    }
    if (!town_find(&r->common, town, r->prefix, r->map)) {
        (void)fprintf(
            stderr, "no %s.xodr beside the recording or below %s: everything counts as drivable\n",
            town, r->common.data_dir);
    }
    status = carla_drive_read(r->prefix, r->map, &r->recording, error);
    return status == HP_OK && r->car_id == FIRST_CAR
               ? carla_drive_hero(r->recording, &r->car_id, error)
               : status;
}

static int play(replay *r)
{
    hp_error error;
    const bool log = carla_drive_is_log(r->prefix);
    hp_status status = log ? open_recording(r, &error) : open_clip(r, &error);
    if (r->clip == NULL && r->recording == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, log ? "%s" : "%s\n" CLI_RECORDINGS_MEND,
                        error.text);
    }
    if (status == HP_OK) {
        status = drive(r, false, &error);
    }
    if (status == HP_OK) {
        status = drive(r, true, &error);
    }
    sim_clip_destroy(&r->clip);
    carla_drive_destroy(&r->recording);
    return status == HP_OK ? report(r) : cli_end(&USAGE, status, &error);
}

/** A clip that is not there as given may be below the data directory, as hyplan run takes it. */
static void look_below(replay *r)
{
    char file[2 * CLI_PATH];
    char below[sizeof r->prefix];
    (void)snprintf(file, sizeof file, "%s%s", r->prefix, PED_SUFFIX);
    const int n = snprintf(below, sizeof below, "%s/%s", r->common.data_dir, r->prefix);
    if (r->prefix[0] == '/' || access(file, R_OK) == 0 || n < 0 || (size_t)n >= sizeof below) {
        return;
    }
    (void)snprintf(file, sizeof file, "%s%s", below, PED_SUFFIX);
    if (access(file, R_OK) == 0) {
        memcpy(r->prefix, below, (size_t)n + 1);
    }
}

static int prepare(replay *r, const cli_texts *rest, uint32_t kind)
{
    hp_error error;
    if (rest->n != 1 || !take_prefix(rest->items[0], r->prefix, sizeof r->prefix)) {
        return cli_fail(&USAGE, CLI_USAGE, "which clip? hyplan %s", USAGE.synopsis);
    }
    const size_t len = strlen(r->prefix);
    if (len > 5 && strcmp(r->prefix + len - 5, ".mcap") == 0) {
        return cli_fail(&USAGE, CLI_USAGE,
                        "%s is a recording of a run of ours: --open-loop puts its frames through "
                        "the planner again",
                        r->prefix);
    }
    look_below(r);
    const driver_kind *planner = driver_kind_find(r->planner_name);
    if (planner == NULL) {
        return cli_end(&USAGE, driver_kind_refuse("--planner", r->planner_name, &error), &error);
    }
    const hp_status status = cli_config_load(&r->common, &r->config, &error);
    if (status != HP_OK) {
        return cli_end(&USAGE, status, &error);
    }
    if (r->config.car.budget.trials == 0) {
        r->config.car.budget.trials = CLI_DEFAULT_TRIALS;
    }
    r->guard = r->config.plan.guard.enabled && !planner->baseline;
    r->kind = kind == KIND_GUESS ? guess_kind(r->prefix) : (sim_clip_kind)kind;
    return CLI_GO;
}

int cmd_replay(int argc, char **argv)
{
    uint32_t kind = KIND_GUESS;
    cli_texts rest;
    replay *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    bool open_loop = false;
    r->planner_name = "despot";
    r->car_id = FIRST_CAR;
    const cli_flag flags[] = {
        {"car", 0, CLI_FLAG_UINT, &r->car_id, "ID", "the recorded car to take the place of", 0,
         MAX_CAR_ID, NULL},
        {"kind", 0, CLI_FLAG_WORD, &kind, "dut|citr", "whose recording (default: by its name)", 0,
         0, KIND_WORDS},
        {"planner", 0, CLI_FLAG_TEXT, &r->planner_name, "NAME", "who drives (default despot)", 0, 0,
         NULL},
        {"open-loop", 0, CLI_FLAG_SWITCH, &open_loop, NULL,
         "run.mcap: its frames through the planner again; do the commands differ?", 0, 0, NULL},
        {NULL, 0, CLI_FLAG_SWITCH, NULL, NULL, NULL, 0, 0, NULL},
    };
    int status = cli_parse(&USAGE, flags, argc, argv, &r->common, &rest);
    if (status == CLI_GO && open_loop) {
        status = rest.n == 1 ? open_loop_command(&USAGE, rest.items[0], &r->common)
                             : cli_fail(&USAGE, CLI_USAGE, "--open-loop: which run.mcap?");
    }
    if (status == CLI_GO) {
        status = prepare(r, &rest, kind);
    }
    if (status == CLI_GO) {
        status = play(r);
    }
    free(r);
    return status;
}
