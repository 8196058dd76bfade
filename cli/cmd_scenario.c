/* hyplan scenario: which scenarios there are, and what is in one. */
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/topview.h"
#include "sim-bridge/sim_scenario.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_usage USAGE = {
    .command = "scenario",
    .synopsis = "scenario ls | show SUITE/ID|FILE.yaml",
    .summary =
        "Lists the scenarios, or shows one: its bodies, its grids, and the street from above.",
    .example = "hyplan scenario show cts/03",
    .without = CLI_NO_CONFIG | CLI_NO_SEED | CLI_NO_OUT | CLI_NO_DATA | CLI_NO_JSON | CLI_NO_JOBS,
};

static int yaml_only(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".yaml") == 0;
}

static int suites_only(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strchr(entry->d_name, '.') == NULL;
}

static int list_suite(const char *root, const char *suite, sim_scenario *scenario)
{
    char folder[CLI_PATH + 64];
    char path[CLI_PATH + 384];
    struct dirent **entries = NULL;
    int status = CLI_DONE;
    (void)snprintf(folder, sizeof folder, "%s/%.60s", root, suite);
    const int n = scandir(folder, &entries, yaml_only, alphasort);
    for (int i = 0; i < n; i++) {
        hp_error error;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        const hp_status read = sim_scenario_read(path, scenario, &error);
        if (read == HP_OK) {
            (void)printf("%s/%-4s %s\n", suite, scenario->id, scenario->title);
        } else {
            status = cli_end(&USAGE, read, &error);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

static int list(sim_scenario *scenario)
{
    char root[CLI_PATH];
    struct dirent **suites = NULL;
    int status = CLI_DONE;
    if (!cli_find("scenarios", root)) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT,
                        "scenarios: not found beside the program or in the working directory");
    }
    const int n = scandir(root, &suites, suites_only, alphasort);
    for (int i = 0; i < n; i++) {
        const int one = list_suite(root, suites[i]->d_name, scenario);
        status = one != CLI_DONE ? one : status;
        free(suites[i]);
    }
    free(suites);
    return status;
}

static const char *way(hp_vec2 direction, char *text, size_t cap)
{
    if (hypot(direction.x_m, direction.y_m) < 0.5) {
        return "stands";
    }
    (void)snprintf(text, cap, "walks %.0f deg",
                   atan2(direction.y_m, direction.x_m) * 180.0 / HP_PI);
    return text;
}

static void show_walkers(const sim_scenario *s)
{
    for (uint32_t i = 0; i < s->n_walkers; i++) {
        const sim_walker_spec *w = &s->walkers[i];
        char before[32];
        char after[32];
        (void)printf("walker %u     at (%.2f, %.2f), %.2f x %.2f m: %s until the ego is near, then "
                     "%s\n",
                     i + 1, w->start.x_m, w->start.y_m, w->length_m, w->width_m,
                     way(w->before, before, sizeof before), way(w->after, after, sizeof after));
    }
}

static void show_cars(const sim_scenario *s)
{
    for (uint32_t i = 0; i < s->n_cars; i++) {
        const sim_car_spec *c = &s->cars[i];
        (void)printf("car %u        at (%.2f, %.2f), heading %.0f deg, %.2f x %.2f m: ", i + 1,
                     c->pose.x_m, c->pose.y_m, c->pose.yaw_rad * 180.0 / HP_PI, c->length_m,
                     c->width_m);
        if (c->parked) {
            (void)printf("parked\n");
        } else if (isnan(c->speed_mps)) {
            (void)printf("drives at the scene's speed\n");
        } else {
            (void)printf("drives at %.1f m/s\n", c->speed_mps);
        }
    }
}

/* "cts/03", or a file, as hyplan run takes them. */
static bool find_scenario(const char *name, char path[CLI_PATH])
{
    char relative[96];
    if (strstr(name, ".yaml") != NULL && strlen(name) < CLI_PATH && access(name, R_OK) == 0) {
        (void)snprintf(path, CLI_PATH, "%s", name);
        return true;
    }
    (void)snprintf(relative, sizeof relative, "scenarios/%.60s.yaml", name);
    return strstr(name, "..") == NULL && cli_find(relative, path);
}

static int show(const char *name, sim_scenario *s)
{
    char relative[96];
    char path[CLI_PATH];
    hp_error error;
    static const char *const VARIES[] = {"the car's speed", "walker speed and trigger distance",
                                         "walker speed, distance at the start, and a draw",
                                         "by draw"};
    static const char *const GRIDS[] = {"evaluation", "validation", "training", "calibration"};
    if (!find_scenario(name, path)) {
        (void)snprintf(relative, sizeof relative, "cts/%.60s", name);
        const bool near = find_scenario(relative, path);
        return cli_fail(&USAGE, CLI_USAGE,
                        "there is no scenario '%s'%s%s%s; see hyplan scenario ls", name,
                        near ? " (did you mean '" : "", near ? relative : "", near ? "'?)" : "");
    }
    const hp_status status = sim_scenario_read(path, s, &error);
    if (status != HP_OK) {
        return cli_end(&USAGE, status, &error);
    }
    sim_scene *scenes = calloc(SIM_MAX_SCENES, sizeof *scenes);
    if (scenes == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    (void)printf("%s: %s\n%s\n\n", name, s->title, path);
    (void)printf("ego          from (%.2f, %.2f), heading %.0f deg, %.1f m/s, to (%.2f, %.2f) "
                 "within %.1f m in %.0f s\n",
                 s->ego_start.x_m, s->ego_start.y_m, s->ego_start.yaw_rad * 180.0 / HP_PI,
                 s->ego_speed_mps, s->goal.x_m, s->goal.y_m, s->goal_radius_m, s->time_limit_s);
    (void)printf("limit        %.1f m/s\n", s->speed_limit_mps);
    if (s->force_throttle_below_mps > 0.0 || s->force_brake_above_mps > 0.0) {
        (void)printf("forced       throttle below %.1f m/s, brake above %.1f m/s (0: never)\n",
                     s->force_throttle_below_mps, s->force_brake_above_mps);
    }
    show_walkers(s);
    show_cars(s);
    (void)printf("scenes       vary %s:", VARIES[s->varies]);
    for (int grid = 0; grid < SIM_GRID_COUNT; grid++) {
        (void)printf(" %s %u%s", GRIDS[grid], sim_grid_scenes(s, (sim_grid)grid, scenes),
                     grid + 1 < SIM_GRID_COUNT ? "," : "\n\n");
    }
    free(scenes);
    topview_print(s, stdout);
    return CLI_DONE;
}

int cmd_scenario(int argc, char **argv)
{
    cli_common common;
    cli_texts rest;
    int status = cli_parse(&USAGE, NULL, argc, argv, &common, &rest);
    if (status != CLI_GO) {
        return status;
    }
    sim_scenario *scenario = malloc(sizeof *scenario);
    if (scenario == NULL) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "out of memory");
    }
    if (rest.n == 1 && strcmp(rest.items[0], "ls") == 0) {
        status = list(scenario);
    } else if (rest.n == 2 && strcmp(rest.items[0], "show") == 0) {
        status = show(rest.items[1], scenario);
    } else {
        status = cli_fail(&USAGE, CLI_USAGE, "which? hyplan %s", USAGE.synopsis);
    }
    free(scenario);
    return status;
}
