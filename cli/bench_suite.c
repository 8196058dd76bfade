#include "cli/bench_suite.h"

#include "cli/bench_row.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

const char *const BENCH_GRID_WORDS[] = {"evaluation", "validation", "training", NULL};
const char *const BENCH_GUARD_WORDS[] = {"off", "on", "both", NULL};

const bench_family BENCH_FAMILIES[] = {
    {"cts", "twelve critical scenes with one other road user", "cts", false, true},
    {"cts-x", "the same mirrored, shifted, with other sizes and two walkers: never tuned on", "cts",
     true, true},
    {"icts", "walkers who look, give way, or force theirs", "icts", false, false},
    {"crowd", "8 and 20 walkers and cars on one street", "crowd", false, false},
    {"dut", "recorded crossings among pedestrians", NULL, false, false},
    {0}};

const bench_family *bench_family_find(const char *name)
{
    const bench_family *f = BENCH_FAMILIES;
    while (f->name != NULL && strcmp(f->name, name) != 0) {
        f++;
    }
    return f->name != NULL ? f : NULL;
}

enum { MAX_CASES = 4096 };
static const char *const DEFAULT_SCENES = "20";
static const char *const DEFAULT_PLANNERS = "const,stand,crawl25,aeb,cautious,despot";

bool bench_scenario_is_variant(const char *id)
{
    return id[strspn(id, "0123456789")] != '\0';
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Ids of the files in scenarios/SUITE, sorted. */
static uint32_t list_ids(const char *folder, char ids[BENCH_MAX_SCENARIOS][16])
{
    uint32_t n = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return 0;
    }
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        const char *dot = strrchr(e->d_name, '.');
        const size_t len = dot == NULL ? 0 : (size_t)(dot - e->d_name);
        if (len > 0 && len < 16 && strcmp(dot, ".yaml") == 0 && n < BENCH_MAX_SCENARIOS) {
            memcpy(ids[n], e->d_name, len);
            ids[n++][len] = '\0';
        }
    }
    (void)closedir(dir);
    qsort(ids, n, sizeof ids[0], by_name);
    return n;
}

/* The scenarios asked for, or all but variants. */
static hp_status choose_scenarios(const bench_request *request, const char *folder,
                                  bench_settings *s, hp_error *error)
{
    char known[BENCH_MAX_SCENARIOS][16];
    char text[256];
    cli_texts asked;
    const uint32_t n = list_ids(folder, known);
    if (request->scenarios == NULL) {
        for (uint32_t i = 0; i < n; i++) {
            if (!bench_scenario_is_variant(known[i])) {
                memcpy(s->scenarios[s->n_scenarios++], known[i], sizeof known[i]);
            }
        }
        return s->n_scenarios > 0 ? HP_OK
                                  : hp_fail(error, HP_ENOENT, "%s: no scenarios here", folder);
    }
    (void)snprintf(text, sizeof text, "%s", request->scenarios);
    if (!cli_split(text, &asked) || asked.n > BENCH_MAX_SCENARIOS) {
        return hp_fail(error, HP_EINVAL, "--scenarios: '%s' is no list like 01,03",
                       request->scenarios);
    }
    for (uint32_t k = 0; k < asked.n; k++) {
        uint32_t i = 0;
        while (i < n && strcmp(known[i], asked.items[k]) != 0) {
            i++;
        }
        for (uint32_t j = 0; j < s->n_scenarios; j++) {
            if (strcmp(s->scenarios[j], asked.items[k]) == 0) {
                return hp_fail(error, HP_EINVAL, "--scenarios: '%s' is there twice",
                               asked.items[k]);
            }
        }
        if (i == n) {
            const char *names[BENCH_MAX_SCENARIOS];
            char hint[CLI_HINT];
            for (uint32_t j = 0; j < n; j++) {
                names[j] = known[j];
            }
            return hp_fail(error, HP_EINVAL,
                           "--scenarios: there is no '%s'%s; hyplan scenario ls tells them all",
                           asked.items[k], cli_hint(asked.items[k], names, n, hint));
        }
        memcpy(s->scenarios[s->n_scenarios++], known[i], sizeof known[i]);
    }
    return HP_OK;
}

static hp_status add_contender(bench_settings *s, const char *name, bool shown, hp_error *error)
{
    if (bench_contender_find(s, name) < s->n_contenders) {
        return hp_fail(error, HP_EINVAL, "--planners: '%s' is there twice", name);
    }
    if (s->n_contenders == BENCH_MAX_CONTENDERS) {
        return hp_fail(error, HP_EINVAL, "--planners: more than %d", BENCH_MAX_CONTENDERS);
    }
    (void)snprintf(s->contenders[s->n_contenders], BENCH_NAME, "%s", name);
    s->shown[s->n_contenders++] = shown;
    return HP_OK;
}

static hp_status add_planner(bench_settings *s, const char *name, uint32_t guard, hp_error *error)
{
    const driver_kind *kind = driver_kind_find(name);
    char guarded[BENCH_NAME];
    if (kind == NULL) {
        return driver_kind_refuse("--planners", name, error);
    }
    if (kind->baseline && strcmp(name, "const") == 0) {
        if (s->shown[0]) {
            return hp_fail(error, HP_EINVAL, "--planners: '%s' is there twice", name);
        }
        s->shown[0] = true; /* plays anyway */
        return HP_OK;
    }
    const hp_status status = add_contender(s, name, true, error);
    if (status != HP_OK || kind->baseline || guard != BENCH_GUARD_BOTH) {
        return status;
    }
    (void)snprintf(guarded, sizeof guarded, "%s%s", name, BENCH_GUARD);
    return add_contender(s, guarded, true, error);
}

static hp_status choose_contenders(const bench_request *request, const bench_family *family,
                                   bench_settings *s, hp_error *error)
{
    char text[256];
    cli_texts asked;
    (void)snprintf(text, sizeof text, "%s",
                   request->planners == NULL ? DEFAULT_PLANNERS : request->planners);
    if (!cli_split(text, &asked)) {
        return hp_fail(error, HP_EINVAL, "--planners: '%s' is no list like const,aeb,despot",
                       request->planners);
    }
    hp_status status = add_contender(s, "const", false, error);
    if (status == HP_OK && family->folder == NULL) {
        status = add_contender(s, BENCH_HUMAN, true, error);
    } else if (status == HP_OK && family->oracle && !request->no_oracle) {
        status = add_contender(s, BENCH_ORACLE_A, false, error);
        if (status == HP_OK) {
            status = add_contender(s, BENCH_ORACLE_B, false, error);
        }
    }
    for (uint32_t i = 0; status == HP_OK && i < asked.n; i++) {
        status = add_planner(s, asked.items[i], request->guard, error);
    }
    return status;
}

static hp_status choose_shard(const bench_request *request, bench_settings *s, hp_error *error)
{
    uint64_t shard = 1;
    uint64_t shards = 1;
    if (request->shard != NULL) {
        char text[32];
        char *slash = NULL;
        (void)snprintf(text, sizeof text, "%s", request->shard);
        slash = strchr(text, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        if (slash == NULL || !cli_read_u64(slash + 1, 1, 100000, &shards) ||
            !cli_read_u64(text, 1, shards, &shard)) {
            return hp_fail(error, HP_EINVAL,
                           "--shard: '%s' is no I/N with I in [1, N], as in --shard 2/8",
                           request->shard);
        }
    }
    s->shard = (uint32_t)shard;
    s->shards = (uint32_t)shards;
    return HP_OK;
}

/* How many scenes per scenario; UINT32_MAX: all. */
static hp_status choose_count(const bench_request *request, const bench_family *family,
                              bench_settings *s, uint32_t *count, hp_error *error)
{
    uint64_t n = 0;
    const char *usual = family->folder == NULL ? "all" : DEFAULT_SCENES;
    const char *text = request->scenes == NULL ? usual : request->scenes;
    *count = UINT32_MAX;
    if (strcmp(text, "all") != 0) {
        if (!cli_read_u64(text, 1, SIM_MAX_SCENES, &n)) {
            return hp_fail(error, HP_EINVAL, "--scenes: '%s' is neither 'all' nor in [1, %d]", text,
                           SIM_MAX_SCENES);
        }
        *count = (uint32_t)n;
    }
    (void)snprintf(s->scenes, sizeof s->scenes, "%s", text);
    return HP_OK;
}

/* Appends a scene if it belongs to this shard; counts it in any case. */
static void add_scene(bench_suite *suite, bench_scene scene)
{
    bench_settings *s = &suite->settings;
    scene.index = s->n_scenes++;
    if (scene.index % s->shards == s->shard - 1) {
        suite->scenes[suite->n_scenes++] = scene;
    }
}

/* Two variants of a scene never meet: each has its own draw, the same in every sample. */
static uint32_t draw_of(const sim_scenario *scenario, const sim_scene *scene)
{
    char text[96];
    sim_scene_print(scenario, scene, text, sizeof text);
    return 1 + (uint32_t)(XXH3_64bits_withSeed(text, strlen(text),
                                               XXH3_64bits(scenario->id, strlen(scenario->id))) %
                          1000000);
}

static hp_status draw_scenes(uint32_t count, sim_grid grid, bool altered, bench_suite *suite)
{
    sim_scene *scenes = calloc(SIM_MAX_SCENES, sizeof *scenes);
    suite->scenes = calloc((size_t)BENCH_MAX_SCENARIOS * SIM_MAX_SCENES, sizeof *suite->scenes);
    if (scenes == NULL || suite->scenes == NULL) {
        free(scenes);
        return HP_ENOMEM;
    }
    for (uint32_t i = 0; i < suite->settings.n_scenarios; i++) {
        const sim_scenario *scenario = &suite->scenarios[i];
        const uint32_t n = count == UINT32_MAX ? sim_grid_scenes(scenario, grid, scenes)
                                               : sim_grid_sample(scenario, grid, count, scenes);
        if (n == 0) { /* every grid has scenes */
            free(scenes);
            return HP_ENOMEM;
        }
        for (uint32_t k = 0; k < n; k++) {
            if (altered) {
                scenes[k].draw = draw_of(scenario, &scenes[k]);
            }
            add_scene(suite, (bench_scene){.scenario = i, .scene = scenes[k]});
        }
    }
    free(scenes);
    return HP_OK;
}

static hp_status fill_scenarios(const bench_request *request, const bench_family *family,
                                uint32_t count, bench_suite *suite, hp_error *error)
{
    bench_settings *s = &suite->settings;
    char relative[64];
    char folder[CLI_PATH];
    char path[CLI_PATH + 32];
    char name[BENCH_SOURCE_NAME];
    (void)snprintf(relative, sizeof relative, "scenarios/%s", family->folder);
    if (!cli_find(relative, folder)) {
        return hp_fail(error, HP_ENOENT,
                       "%s: not found beside the program or in the working directory", relative);
    }
    hp_status status = choose_scenarios(request, folder, s, error);
    suite->scenarios = calloc(BENCH_MAX_SCENARIOS, sizeof *suite->scenarios);
    if (suite->scenarios == NULL) {
        return hp_fail(error, HP_ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; status == HP_OK && i < s->n_scenarios; i++) {
        (void)snprintf(path, sizeof path, "%s/%s.yaml", folder, s->scenarios[i]);
        status = sim_scenario_read(path, &suite->scenarios[i], error);
        if (status == HP_OK) {
            (void)snprintf(name, sizeof name, "scenario %s", s->scenarios[i]);
            status = bench_origin_add_file(&s->origin, name, path, error);
        }
    }
    if (status != HP_OK) {
        return status;
    }
    status = draw_scenes(count, (sim_grid)request->grid, family->altered, suite);
    return status == HP_OK ? HP_OK : hp_fail(error, status, "out of memory");
}

/* The files of all recordings; the cars of one follow each other. */
static hp_status add_recordings(bench_suite *suite, hp_error *error)
{
    static const char *const FILES[] = {"_traj_ped_filtered.csv", "_traj_veh_filtered.csv"};
    hp_status status = HP_OK;
    for (uint32_t i = 0; i < suite->n_cases; i++) {
        const char *prefix = suite->cases[i].prefix;
        if (i > 0 && strcmp(prefix, suite->cases[i - 1].prefix) == 0) {
            continue;
        }
        for (size_t k = 0; status == HP_OK && k < HP_ARRAY_LEN(FILES); k++) {
            char path[CLI_PATH];
            (void)snprintf(path, sizeof path, "%s%s", prefix, FILES[k]);
            status = bench_origin_add_file(&suite->settings.origin, "recordings", path, error);
        }
    }
    return status;
}

/* dut: one "scenario" per kind of recording. */
static hp_status fill_dut(uint32_t count, const cli_common *common, bench_suite *suite,
                          hp_error *error)
{
    static const char *const KINDS[] = {"dut", "citr"};
    bench_settings *s = &suite->settings;
    suite->cases = calloc(MAX_CASES, sizeof *suite->cases);
    suite->scenes = calloc(MAX_CASES, sizeof *suite->scenes);
    if (suite->cases == NULL || suite->scenes == NULL) {
        return hp_fail(error, HP_ENOMEM, "out of memory");
    }
    const hp_status status =
        sim_replay_list(common->data_dir, suite->cases, MAX_CASES, &suite->n_cases, error);
    if (status != HP_OK) {
        return status;
    }
    if (suite->n_cases == 0) {
        return hp_fail(error, HP_ENOENT, "%.200s: no recordings in it; %s", common->data_dir,
                       CLI_RECORDINGS_MEND);
    }
    for (uint32_t kind = 0; kind < HP_ARRAY_LEN(KINDS); kind++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < suite->n_cases && n < count; i++) {
            if ((uint32_t)suite->cases[i].kind == kind) {
                add_scene(suite, (bench_scene){.scenario = s->n_scenarios, .replay = i});
                n++;
            }
        }
        if (n > 0) {
            (void)snprintf(s->scenarios[s->n_scenarios++], sizeof s->scenarios[0], "%s",
                           KINDS[kind]);
        }
    }
    return add_recordings(suite, error);
}

/* The program, and the networks that anybody who plays may ask. */
static hp_status add_players(const cli_config *config, bench_settings *s, hp_error *error)
{
    const struct {
        const char *key, *path;
        uint32_t flag;
    } files[] = {
        {"predictor.model", config->predictor.model, DRIVER_ASKS_PREDICTOR},
        {"policy.model", config->policy.model, DRIVER_ASKS_POLICY},
        {"pomdp.prune.calibration", config->car.prune.calibration, DRIVER_ASKS_CALIBRATION},
    };
    uint32_t asks = 0;
    hp_status status = HP_OK;
    for (uint32_t i = 0; i < s->n_contenders; i++) {
        bool guard = false;
        const driver_kind *kind = bench_contender_kind(s, i, &guard);
        asks |= kind != NULL ? kind->asks : 0;
    }
    bench_origin_add_program(&s->origin);
    for (size_t k = 0; status == HP_OK && k < HP_ARRAY_LEN(files); k++) {
        char found[CLI_PATH];
        if ((asks & files[k].flag) != 0 && files[k].path[0] != '\0') {
            const char *path = cli_find(files[k].path, found) ? found : files[k].path;
            status = bench_origin_add_file(&s->origin, files[k].key, path, error);
        }
    }
    return status;
}

hp_status bench_suite_create(const bench_request *request, const cli_common *common,
                             const cli_config *config, bench_suite *out, hp_error *error)
{
    bench_settings *s = &out->settings;
    uint32_t count = 0;
    memset(out, 0, sizeof *out);
    const bench_family *family = bench_family_find(request->suite);
    if (family == NULL) {
        return hp_fail(error, HP_EINVAL, "there is no suite '%s'", request->suite);
    }
    (void)snprintf(s->suite, sizeof s->suite, "%s", family->name);
    (void)snprintf(s->grid, sizeof s->grid, "%s",
                   family->folder == NULL ? BENCH_RECORDED : BENCH_GRID_WORDS[request->grid]);
    (void)snprintf(s->guard, sizeof s->guard, "%s", BENCH_GUARD_WORDS[request->guard]);
    const uint64_t hash = cli_config_hash(config);
    if (hash == 0) {
        return hp_fail(error, HP_ENOMEM, "no memory for the configuration's hash");
    }
    (void)snprintf(s->config_hash, sizeof s->config_hash, "%016" PRIx64, hash);
    s->seed = common->seed;
    s->trials = config->car.budget.trials;
    hp_status status = choose_shard(request, s, error);
    if (status == HP_OK) {
        status = choose_count(request, family, s, &count, error);
    }
    if (status == HP_OK) {
        status = choose_contenders(request, family, s, error);
    }
    if (status == HP_OK) {
        status = add_players(config, s, error);
    }
    if (status == HP_OK) {
        status = family->folder == NULL ? fill_dut(count, common, out, error)
                                        : fill_scenarios(request, family, count, out, error);
    }
    if (status != HP_OK) {
        bench_suite_destroy(out);
    }
    return status;
}

void bench_suite_destroy(bench_suite *suite)
{
    free(suite->scenarios);
    free(suite->cases);
    free(suite->scenes);
    memset(suite, 0, sizeof *suite);
}

uint32_t bench_contender_find(const bench_settings *settings, const char *name)
{
    uint32_t i = 0;
    while (i < settings->n_contenders && strcmp(settings->contenders[i], name) != 0) {
        i++;
    }
    return i;
}

const driver_kind *bench_contender_kind(const bench_settings *settings, uint32_t contender,
                                        bool *guard)
{
    char name[BENCH_NAME];
    (void)snprintf(name, sizeof name, "%s", settings->contenders[contender]);
    char *plus = strchr(name, '+');
    if (plus != NULL) {
        *plus = '\0';
    }
    *guard = plus != NULL || strcmp(settings->guard, "on") == 0;
    return driver_kind_find(name);
}

void bench_scene_text(const bench_suite *suite, const bench_scene *scene, char *text, size_t cap)
{
    if (suite->cases != NULL) {
        const sim_replay_case *c = &suite->cases[scene->replay];
        (void)snprintf(text, cap, "%s:%u", c->name, c->car_id);
        return;
    }
    sim_scene_print(&suite->scenarios[scene->scenario], &scene->scene, text, cap);
}
