#include "cli/config.h"

#include "pomdp/car/car_planner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void cli_config_default(cli_config *config)
{
    memset(config, 0, sizeof *config);
    plan_config_default(&config->plan);
    predictor_config_default(&config->predictor);
    car_config_default(&config->car);
    policy_config_default(&config->policy);
    bridge_config_default(&config->bridge);
    sim_config_default(&config->sim);
}

void cli_config_sections(cli_config *config, hp_section sections[CLI_SECTIONS])
{
    const hp_section all[CLI_SECTIONS] = {
        {"control", PLAN_CONTROL_FIELDS, &config->plan.control},
        {"planner", PLAN_FIELDS, &config->plan},
        {"predictor", PREDICTOR_FIELDS, &config->predictor},
        {"pomdp", CAR_FIELDS, &config->car},
        {"policy", POLICY_FIELDS, &config->policy},
        {"bridge", BRIDGE_FIELDS, &config->bridge},
        {"sim", SIM_FIELDS, &config->sim},
    };
    memcpy(sections, all, sizeof all);
}

hp_status cli_config_check(const cli_config *config, hp_error *error)
{
    const plan_live live = {config->plan, config->car, config->predictor};
    const double rate_hz = config->plan.control.rate_hz;
    if (fabs(config->sim.tick_s * rate_hz - 1.0) > 1e-6) {
        return hp_fail(
            error, HP_ECONFIG,
            "sim.tick_s = %g does not fit control.rate_hz = %g: it must be its inverse, %g",
            config->sim.tick_s, rate_hz, 1.0 / rate_hz);
    }
    const hp_status st = plan_live_check(&live, error);
    return st == HP_OK ? car_planner_check(&config->car, &config->policy, error) : st;
}

char *cli_config_text(const cli_config *config, bool comments)
{
    cli_config copy = *config; /* sections point to what may be written */
    hp_section sections[CLI_SECTIONS];
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    cli_config_sections(&copy, sections);
    const hp_status status = hp_config_print(out, sections, CLI_SECTIONS, comments);
    if (fclose(out) != 0 || status != HP_OK) {
        free(text);
        return NULL;
    }
    return text;
}

bool cli_config_differs(const cli_config *a, const cli_config *b, char key[HP_SETTING_KEY])
{
    static const char *const NOTHING[] = {NULL};     /* is left out */
    cli_config *copies = malloc(2 * sizeof *copies); /* sections point to what may be written */
    hp_section left[CLI_SECTIONS];
    hp_section right[CLI_SECTIONS];
    if (copies == NULL) {
        return false;
    }
    copies[0] = *a;
    copies[1] = *b;
    cli_config_sections(&copies[0], left);
    cli_config_sections(&copies[1], right);
    const bool differ = hp_setting_differs(left, right, CLI_SECTIONS, NOTHING, key);
    free(copies);
    return differ;
}

uint64_t cli_config_hash(const cli_config *config)
{
    char *text = cli_config_text(config, false);
    const uint64_t hash = text == NULL ? 0 : XXH3_64bits(text, strlen(text));
    free(text);
    return hash;
}
