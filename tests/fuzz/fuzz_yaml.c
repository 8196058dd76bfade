/* Any bytes as a configuration file, and as a --set. What is refused changes nothing and is told in
 * one line; what is accepted prints as a file that reads back to the same bits. */
#include "common/hp_yaml.h"
#include "tests/support/fuzz_target.h"
#include "tests/support/yaml_sample.h"

static const char *const KNOWN[] = {"planner", NULL};

static hp_status parse(const char *text, size_t len, sample_solver *s, hp_error *error)
{
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, s};
    return hp_config_parse(text, len, "f.yaml", &section, 1, KNOWN, error);
}

static void check_error(const hp_error *error, const char *start)
{
    fuzz_must(memchr(error->text, '\0', sizeof error->text) != NULL);
    fuzz_must(strncmp(error->text, start, strlen(start)) == 0);
    fuzz_must(strstr(error->text, ": error: ") != NULL);
    fuzz_must(strchr(error->text, '\n') == NULL);
}

static void check_print(sample_solver *s)
{
    char text[4096]; /* a sample prints in about half of it */
    sample_solver again = sample_defaults();
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, s};
    FILE *out = fmemopen(text, sizeof text, "w");
    fuzz_must(out != NULL);
    fuzz_must(hp_config_print(out, &section, 1, true) == HP_OK);
    const long len = ftell(out);
    fuzz_must(len > 0 && (size_t)len < sizeof text);
    (void)fclose(out);
    /* Entries beyond a count are nobody's, and nobody prints them. */
    memcpy(again.agents, s->agents, sizeof s->agents);
    memcpy(again.numbers, s->numbers, sizeof s->numbers);
    fuzz_must(parse(text, (size_t)len, &again, NULL) == HP_OK);
    fuzz_must(memcmp(&again, s, sizeof again) == 0);
}

static void try_file(const uint8_t *data, size_t size)
{
    sample_solver s = sample_defaults();
    const sample_solver before = s;
    hp_error error;
    if (parse((const char *)data, size, &s, &error) == HP_OK) {
        check_print(&s);
    } else {
        check_error(&error, "f.yaml:");
        fuzz_must(memcmp(&s, &before, sizeof s) == 0);
    }
}

static void try_set(const uint8_t *data, size_t size)
{
    char assignment[512];
    sample_solver s = sample_defaults();
    const sample_solver before = s;
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, &s};
    hp_error error;
    if (size >= sizeof assignment) {
        return;
    }
    memcpy(assignment, data, size);
    assignment[size] = '\0';
    if (hp_config_set(assignment, &section, 1, KNOWN, &error) == HP_OK) {
        check_print(&s);
    } else {
        check_error(&error, "--set ");
        fuzz_must(memcmp(&s, &before, sizeof s) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_file(data, size);
    try_set(data, size);
    return 0;
}
