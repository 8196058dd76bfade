/* What hp_yaml reads, in layers, from the command line and from files, and what it prints. */
#include "tests/support/hp_test.h"
#include "tests/support/yaml_sample.h"

#include "common/hp_rng.h"

#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const KNOWN[] = {"planner", "predictor", NULL};

static hp_status parse(const char *text, sample_solver *solver, hp_error *error)
{
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, solver};
    return hp_config_parse(text, strlen(text), "f.yaml", &section, 1, KNOWN, error);
}

static void parse_ok(const char *text, sample_solver *solver)
{
    hp_error error = {""};
    if (parse(text, solver, &error) != HP_OK) {
        print_error("%s", error.text);
        fail();
    }
}

static void test_yaml_reads_every_type_when_all_are_given(void **state)
{
    sample_solver s = sample_defaults();
    (void)state;
    parse_ok("# a comment\n"
             "solver:\n"
             "  scenarios: 4096\n"
             "  step_s: 5\n"
             "  any: -1.5e-3\n"
             "  model: 'it''s \"x\"'\n"
             "  pruning:\n"
             "    method: off\n"
             "    decision_aware: false\n"
             "  agents:\n"
             "    - {x_m: +.5, name: caf\xc3\xa9, speeds_mps: [1., 20]}\n"
             "    - x_m: -1000\n"
             "  numbers: [0, 9]\n"
             "planner: {anything: [goes, {here: true}]}\n",
             &s);
    assert_int_equal(s.scenarios, 4096);
    assert_true(s.step_s == 5.0 && s.any == -1.5e-3);
    assert_string_equal(s.model, "it's \"x\"");
    assert_int_equal(s.pruning.method, 0);
    assert_false(s.pruning.decision_aware);
    assert_true(s.pruning.alpha == 0.1); /* not given: as it was */
    assert_int_equal(s.n_agents, 2);
    assert_true(s.agents[0].x_m == 0.5 && s.agents[1].x_m == -1000.0);
    assert_string_equal(s.agents[0].name, "caf\xc3\xa9");
    assert_int_equal(s.agents[0].n_speeds, 2);
    assert_true(s.agents[0].speeds_mps[0] == 1.0 && s.agents[0].speeds_mps[1] == 20.0);
    assert_int_equal(s.n_numbers, 2);
    assert_true(s.numbers[0] == 0.0 && s.numbers[1] == 9.0);
}

static void test_yaml_sets_nothing_when_document_is_empty(void **state)
{
    static const char *const TEXTS[] = {"",
                                        "\n\n",
                                        "# only a comment\n",
                                        "---\n",
                                        "---\n...\n",
                                        "\xef\xbb\xbf",
                                        "{}",
                                        "{}\n",
                                        "solver:\n",
                                        "solver: {}\n",
                                        "solver:\n  pruning:\n",
                                        "\xef\xbb\xbf# mark\nsolver:\n",
                                        "%YAML 1.1\n---\n",
                                        "planner: 5\n"};
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(TEXTS); ++i) {
        sample_solver s = sample_defaults();
        const sample_solver before = s;
        parse_ok(TEXTS[i], &s);
        assert_memory_equal(&s, &before, sizeof s);
    }
    sample_solver s = sample_defaults();
    assert_int_equal(hp_yaml_parse(NULL, 0, "f", SAMPLE_SOLVER_FIELDS, &s, NULL), HP_OK);
}

static void test_yaml_misses_required_keys_when_document_is_empty(void **state)
{
    sample_agent agent = {.x_m = 3.0};
    const hp_section section = {"agent", SAMPLE_AGENT_FIELDS, &agent};
    hp_error error = {""};
    (void)state;
    assert_int_equal(hp_yaml_parse("", 0, "f", SAMPLE_AGENT_FIELDS, &agent, &error), HP_ECONFIG);
    assert_string_equal(error.text, "f:1:1: error: missing key 'x_m' (where it starts)");
    assert_int_equal(hp_config_parse("", 0, "f", &section, 1, NULL, &error), HP_ECONFIG);
    assert_string_equal(error.text, "f:1:1: error: missing key 'x_m' in 'agent' (where it starts)");
    /* --set gives one key and asks for no others. */
    assert_int_equal(hp_config_set("agent.name=b", &section, 1, NULL, &error), HP_OK);
    assert_int_equal(hp_config_set("agent={name: c}", &section, 1, NULL, &error), HP_OK);
    assert_string_equal(agent.name, "c");
}

static void test_yaml_keeps_earlier_layers_when_later_are_silent(void **state)
{
    sample_solver s = sample_defaults();
    hp_error error;
    (void)state;
    parse_ok("solver: {scenarios: 10, pruning: {alpha: 0.5, method: off}, numbers: [1, 2, 3]}", &s);
    parse_ok("solver: {pruning: {method: minmax}, numbers: [4]}", &s);
    assert_int_equal(parse("solver: {scenarios: 20, step_s: x}", &s, &error), HP_ECONFIG);
    assert_int_equal(s.scenarios, 10);
    assert_true(s.pruning.alpha == 0.5);
    assert_int_equal(s.pruning.method, 1);
    assert_int_equal(s.n_numbers, 1); /* a list is replaced as a whole */
    assert_true(s.numbers[0] == 4.0);
}

static void set_ok(const char *assignment, sample_solver *s)
{
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, s};
    hp_error error = {""};
    if (hp_config_set(assignment, &section, 1, KNOWN, &error) != HP_OK) {
        print_error("%s", error.text);
        fail();
    }
}

static void test_config_set_sets_one_value_when_assignment_is_good(void **state)
{
    sample_solver s = sample_defaults();
    (void)state;
    set_ok("solver.scenarios=12", &s);
    set_ok("solver.pruning.alpha= 0.75", &s);
    set_ok("solver.pruning.method=minmax", &s);
    set_ok("solver.model=a=b", &s);
    set_ok("solver.numbers=[3, 4]", &s);
    set_ok("solver.agents=[{x_m: 2}]", &s);
    set_ok("solver.pruning={decision_aware: false}", &s);
    set_ok("planner.guard.whatever=5", &s);
    assert_int_equal(s.scenarios, 12);
    assert_true(s.pruning.alpha == 0.75);
    assert_int_equal(s.pruning.method, 1);
    assert_false(s.pruning.decision_aware);
    assert_string_equal(s.model, "a=b");
    assert_int_equal(s.n_numbers, 2);
    assert_int_equal(s.n_agents, 1);
    assert_true(s.agents[0].x_m == 2.0);
    set_ok("solver.model=\"\"", &s);
    assert_string_equal(s.model, "");
}

static void test_config_set_names_assignment_when_it_is_bad(void **state)
{
    static const struct {
        const char *assignment, *error;
    } cases[] = {
        {"solver.step_s=9", "'solver.step_s' is 9, out of range [0.01, 5] s"},
        {"solver.pruning.prune_treshold=1", "unknown key 'prune_treshold' in 'solver.pruning' (did "
                                            "you mean 'confidence_threshold'?)"},
        {"sovler.step_s=1", "unknown key 'sovler' (did you mean 'solver'?)"},
        {"plannr.x=1", "unknown key 'plannr' (did you mean 'planner'?)"},
        {"solver.step_s.x=1", "'solver.step_s' is one value: nothing can follow it"},
        {"solver.agents.0.x_m=1", "'solver.agents' is one value: nothing can follow it"},
        {"solver..x=1", "unknown key '' in 'solver'"},
        {".x=1", "unknown key ''"},
        {"solver.=1", "unknown key '' in 'solver'"},
        {"solver=1", "'solver' wants a mapping (key: value), found '1'"},
        {"solver.step_s", "wanted key=value, for example pomdp.scenarios=300"},
        {"solver.step_s=",
         "no value; an empty text is written 'solver.step_s=\"\"', quotes and all"},
        {"solver.step_s=  ",
         "no value; an empty text is written 'solver.step_s=\"\"', quotes and all"},
        {"=5", "wanted key=value, for example pomdp.scenarios=300"},
        {"", "wanted key=value, for example pomdp.scenarios=300"},
        {"solver.step_s=[1", "not valid YAML: did not find expected ',' or ']' while parsing a "
                             "flow sequence"},
        {"solver.step_s=*x", "aliases (*name) are not allowed; write the value out, in quotes if "
                             "it is text"},
        {"solver.step_s=#x", "'solver.step_s' wants a number, found nothing"},
        {"solver.model=~", "'solver.model' wants text (\"\" if empty), found '~'"},
        {"solver.numbers=[10]", "'solver.numbers[0]' is 10, out of range [0, 9]"},
    };
    sample_solver s = sample_defaults();
    const sample_solver before = s;
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, &s};
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(cases); ++i) {
        char wanted[sizeof(hp_error)];
        hp_error error = {""};
        (void)snprintf(wanted, sizeof wanted, "--set %s: error: %s", cases[i].assignment,
                       cases[i].error);
        assert_int_equal(hp_config_set(cases[i].assignment, &section, 1, KNOWN, &error),
                         HP_ECONFIG);
        assert_string_equal(error.text, wanted);
        assert_memory_equal(&s, &before, sizeof s);
    }
}

static void test_config_set_is_bounded_when_assignment_is_long(void **state)
{
    char text[1000];
    sample_solver s = sample_defaults();
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, &s};
    hp_error error;
    (void)state;
    memset(text, '.', sizeof text); /* hundreds of empty keys */
    memcpy(text, "solver", 6);
    memcpy(text + sizeof text - 3, "=1", 3);
    assert_int_equal(hp_config_set(text, &section, 1, KNOWN, &error), HP_ECONFIG);
    memset(text, 'x', sizeof text);
    memcpy(text, "solver.model=", 13);
    text[sizeof text - 1] = '\0';
    assert_int_equal(hp_config_set(text, &section, 1, KNOWN, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "...: error: 'solver.model' is 986 bytes long"));
}

/** Prints a sample into a text that the caller frees. */
static char *print_sample(sample_solver *s, bool comments)
{
    char *text = NULL;
    size_t len = 0;
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, s};
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_int_equal(hp_config_print(out, &section, 1, comments), HP_OK);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_config_print_says_meaning_unit_and_range(void **state)
{
    sample_solver s = sample_defaults();
    char *text = print_sample(&s, true);
    char *bare = print_sample(&s, false);
    (void)state;
    assert_non_null(strstr(text, "  step_s: 0.25                           "
                                 "# time of one ply; s [0.01, 5]\n"));
    assert_non_null(strstr(text, "    method: crude                        "
                                 "# bounds that prune; off | minmax | crude\n"));
    assert_non_null(strstr(text, "  model: \"a/b.bin\"                       # file of weights\n"));
    assert_null(strchr(bare, '#'));
    assert_non_null(strstr(bare, "  any: 0.3333333333333333\n"));
    free(text);
    free(bare);
}

/** A sample with every value drawn, also the awkward ones. */
static sample_solver random_sample(uint64_t i)
{
    static const char *const TEXTS[] = {"",
                                        " ",
                                        "~",
                                        "null",
                                        "5",
                                        "a: b",
                                        "#x",
                                        "*a",
                                        "\t\n\r",
                                        "\"\\",
                                        "caf\xc3\xa9",
                                        "\xc2\x85\xe2\x80\xa8",
                                        "\x01\x7f",
                                        "\xef\xbb\xbf",
                                        "\xf0\x9f\x9a\x97",
                                        "- a",
                                        "a\nb",
                                        "'"};
    const hp_rng stream = hp_rng_lane(hp_rng_seed(11), i);
    sample_solver s = sample_defaults();
    s.scenarios = 1 + (uint32_t)(hp_rng_u64(stream, 0) % 4096);
    s.step_s = hp_rng_range(stream, 1, 0.01, 5.0);
    const uint64_t bits = hp_rng_u64(stream, 2);
    memcpy(&s.any, &bits, sizeof s.any); /* any exponent, subnormal numbers too */
    s.any = isfinite(s.any) ? s.any : -0.0;
    memset(s.model, 0, sizeof s.model);
    const char *text = TEXTS[i % HP_ARRAY_LEN(TEXTS)];
    memcpy(s.model, text, strlen(text));
    s.pruning.method = (uint32_t)(i % 3);
    s.pruning.alpha = hp_rng_unit(stream, 4);
    s.pruning.decision_aware = i % 2 == 0;
    s.n_agents = (uint32_t)(i % (SAMPLE_AGENTS + 1));
    for (uint32_t a = 0; a < s.n_agents; ++a) {
        s.agents[a].x_m = hp_rng_range(stream, 5 + a, -1000.0, 1000.0);
        s.agents[a].n_speeds = a;
        s.agents[a].speeds_mps[0] = a == 0 ? 0.0 : 0.1 * a;
    }
    s.n_numbers = 1 + (uint32_t)(i % SAMPLE_NUMBERS);
    for (uint32_t k = 0; k < s.n_numbers; ++k) {
        s.numbers[k] = hp_rng_range(stream, 10 + k, 0.0, 9.0);
    }
    return s;
}

static void test_config_print_reads_back_to_the_same_bits(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2000; ++i) {
        sample_solver s = random_sample(i);
        sample_solver again = sample_defaults();
        char *text = print_sample(&s, i % 2 == 0);
        parse_ok(text, &again);
        free(text);
        assert_memory_equal(&s, &again, sizeof s);
    }
}

static void test_config_print_fails_when_value_cannot_be_read_back(void **state)
{
    sample_solver bad[6];
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(bad); ++i) {
        bad[i] = sample_defaults();
    }
    bad[0].any = NAN;
    bad[1].any = INFINITY;
    bad[2].pruning.method = 3;
    memset(bad[3].model, 'x', sizeof bad[3].model);
    memcpy(bad[4].model, "\xff", 2);
    bad[5].n_agents = SAMPLE_AGENTS + 1;
    for (size_t i = 0; i < HP_ARRAY_LEN(bad); ++i) {
        const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, &bad[i]};
        assert_int_equal(hp_config_print(out, &section, 1, false), HP_EINVAL);
    }
    assert_int_equal(fclose(out), 0);
    free(text);

    sample_solver good = sample_defaults();
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, &good};
    out = fopen("/dev/full", "w");
    assert_non_null(out);
    assert_int_equal(hp_config_print(out, &section, 1, false), HP_EIO);
    (void)fclose(out);
}

/** Numbers have a point even where the user's language has a comma. */
static void test_yaml_reads_and_prints_points_when_locale_has_commas(void **state)
{
    static const char *const NAMES[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE",      "fr_FR.UTF-8",
                                        "fr_FR.utf8",  "fr_FR",      "ru_RU.UTF-8"};
    size_t i = 0;
    (void)state;
    while (i < HP_ARRAY_LEN(NAMES) && setlocale(LC_ALL, NAMES[i]) == NULL) {
        ++i;
    }
    if (i == HP_ARRAY_LEN(NAMES)) {
        skip(); /* none is installed here */
    }
    sample_solver s = sample_defaults();
    char comma[8];
    parse_ok("solver: {step_s: 1.5}", &s);
    char *text = print_sample(&s, false);
    (void)snprintf(comma, sizeof comma, "%.1f", 1.5); /* the program's locale is still its own */
    (void)setlocale(LC_ALL, "C");
    assert_true(s.step_s == 1.5);
    assert_non_null(strstr(text, "step_s: 1.5\n"));
    assert_string_equal(comma, "1,5");
    free(text);
}

/* Limits. */

/** Outer mapping, key, and n lists in each other: n + 1 collections deep. */
static hp_status parse_nested(uint32_t n, bool flow, char *message, size_t capacity)
{
    static char text[400000];
    size_t len = (size_t)snprintf(text, sizeof text, "planner:\n");
    for (uint32_t i = 0; i < n; ++i) {
        len += (size_t)snprintf(text + len, sizeof text - len, flow ? " [" : " -");
    }
    sample_solver s = sample_defaults();
    hp_error error = {""};
    for (uint32_t i = 0; flow && i < n; ++i) {
        text[len++] = ']';
    }
    text[len] = '\0';
    const hp_status status = parse(text, &s, &error);
    (void)snprintf(message, capacity, "%s", error.text);
    return status;
}

static void test_yaml_refuses_nesting_when_deeper_than_32(void **state)
{
    char message[sizeof(hp_error)];
    (void)state;
    for (int flow = 0; flow < 2; ++flow) {
        assert_int_equal(parse_nested(31, flow != 0, message, sizeof message), HP_OK);
        assert_int_equal(parse_nested(32, flow != 0, message, sizeof message), HP_ECONFIG);
        assert_string_equal(message, "f.yaml:2:64: error: nested deeper than 32 levels");
        /* The rest is not even looked at: this takes no time. */
        assert_int_equal(parse_nested(80000, flow != 0, message, sizeof message), HP_ECONFIG);
        assert_string_equal(message, "f.yaml:2:64: error: nested deeper than 32 levels");
    }
}

static void test_yaml_refuses_text_when_larger_than_256_kib(void **state)
{
    const size_t limit = (size_t)256 * 1024;
    char *text = malloc(limit + 1);
    sample_solver s = sample_defaults();
    hp_error error;
    (void)state;
    assert_non_null(text);
    memset(text, '\n', limit + 1);
    text[0] = '#';
    assert_int_equal(hp_yaml_parse(text, limit, "f", SAMPLE_SOLVER_FIELDS, &s, &error), HP_OK);
    assert_int_equal(hp_yaml_parse(text, limit + 1, "f", SAMPLE_SOLVER_FIELDS, &s, &error),
                     HP_ECONFIG);
    assert_string_equal(error.text, "f:1:1: error: larger than 256 KiB");
    free(text);
}

/* Files. */

/** Writes a file into a directory that the group's setup made; returns its path. */
static const char *make_file(const char *directory, const char *name, const char *text, size_t len,
                             char path[256])
{
    (void)snprintf(path, 256, "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void test_config_read_reads_file_when_it_is_good(void **state)
{
    char path[256];
    sample_solver s = sample_defaults();
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, &s};
    hp_error error;
    make_file(*state, "good.yaml", "solver: {scenarios: 3}\n", 23, path);
    assert_int_equal(hp_config_read(path, &section, 1, KNOWN, &error), HP_OK);
    assert_int_equal(s.scenarios, 3);
    make_file(*state, "plain.yaml", "scenarios: 4\n", 13, path);
    assert_int_equal(hp_yaml_read(path, SAMPLE_SOLVER_FIELDS, &s, &error), HP_OK);
    assert_int_equal(s.scenarios, 4);
    make_file(*state, "empty.yaml", "", 0, path);
    assert_int_equal(hp_yaml_read(path, SAMPLE_SOLVER_FIELDS, &s, &error), HP_OK);
    make_file(*state, "bad.yaml", "scenarios: -\n", 13, path);
    assert_int_equal(hp_yaml_read(path, SAMPLE_SOLVER_FIELDS, &s, &error), HP_ECONFIG);
    assert_non_null(strstr(error.text, "/bad.yaml:1:12: error: "));
    assert_int_equal(s.scenarios, 4);
}

static void test_config_find_tells_where_a_key_is(void **state)
{
    static const char TEXT[] =
        "solver: # here\n  pruning:\n    alpha: 0.1\n  numbers: [1]\nempty:\n";
    static const char *const ABSENT[] = {
        "solver.pruning.beta", "solver.alpha", "alpha",          "",
        "solver.numbers.x",    "empty.x",      "solver..pruning"};
    char path[256];
    uint32_t line = 0;
    uint32_t column = 0;
    make_file(*state, "good.yaml", TEXT, sizeof TEXT - 1, path);
    assert_true(hp_config_find(path, "solver.pruning.alpha", &line, &column));
    assert_int_equal(line, 3);
    assert_int_equal(column, 5);
    assert_true(hp_config_find(path, "solver.pruning", &line, &column));
    assert_int_equal(line, 2);
    assert_true(hp_config_find(path, "empty", &line, &column));
    assert_int_equal(line, 5);
    for (size_t i = 0; i < HP_ARRAY_LEN(ABSENT); ++i) {
        assert_false(hp_config_find(path, ABSENT[i], &line, &column));
    }
    make_file(*state, "bad.yaml", "a: [\n", 5, path);
    assert_false(hp_config_find(path, "a", &line, &column));
    assert_false(hp_config_find("/nowhere.yaml", "a", &line, &column));
}

static void expect_unreadable(const char *path, hp_status wanted, const char *says)
{
    sample_solver s = sample_defaults();
    char text[sizeof(hp_error)];
    hp_error error = {""};
    (void)snprintf(text, sizeof text, "%s: error: %s", path, says);
    assert_int_equal(hp_yaml_read(path, SAMPLE_SOLVER_FIELDS, &s, &error), wanted);
    assert_string_equal(error.text, text);
}

static void test_yaml_read_says_why_when_file_cannot_be_read(void **state)
{
    const char *directory = *state;
    char path[256];
    char *large = calloc(1, (size_t)256 * 1024 + 1);
    assert_non_null(large);
    make_file(directory, "large.yaml", large, (size_t)256 * 1024 + 1, path);
    free(large);
    expect_unreadable(path, HP_ECONFIG, "larger than 256 KiB");
    expect_unreadable(directory, HP_EIO, "is a directory, wanted a file");
    expect_unreadable("/dev/null", HP_EIO, "is not a regular file");
    (void)snprintf(path, sizeof path, "%s/none.yaml", directory);
    expect_unreadable(path, HP_ENOENT, "no such file");
    (void)snprintf(path, sizeof path, "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_unreadable(path, HP_EIO, "is not a regular file");

    make_file(directory, "secret.yaml", "", 0, path);
    assert_int_equal(chmod(path, 0), 0);
    const bool is_root = geteuid() == 0; /* root may read everything: be somebody else meanwhile */
    if (is_root) {
        assert_int_equal(chmod(directory, 0711), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    expect_unreadable(path, HP_EIO, "no permission to read it");
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
}

static int make_directory(void **state)
{
    static char name[] = "/tmp/hp_yaml_XXXXXX";
    *state = mkdtemp(name);
    return *state == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    static const char *const NAMES[] = {"good.yaml",  "plain.yaml", "empty.yaml", "bad.yaml",
                                        "large.yaml", "fifo",       "secret.yaml"};
    char path[256];
    for (size_t i = 0; i < HP_ARRAY_LEN(NAMES); ++i) {
        (void)snprintf(path, sizeof path, "%s/%s", (const char *)*state, NAMES[i]);
        (void)unlink(path);
    }
    return rmdir(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_reads_every_type_when_all_are_given),
        cmocka_unit_test(test_yaml_sets_nothing_when_document_is_empty),
        cmocka_unit_test(test_yaml_misses_required_keys_when_document_is_empty),
        cmocka_unit_test(test_yaml_keeps_earlier_layers_when_later_are_silent),
        cmocka_unit_test(test_config_set_sets_one_value_when_assignment_is_good),
        cmocka_unit_test(test_config_set_names_assignment_when_it_is_bad),
        cmocka_unit_test(test_config_set_is_bounded_when_assignment_is_long),
        cmocka_unit_test(test_config_print_says_meaning_unit_and_range),
        cmocka_unit_test(test_config_print_reads_back_to_the_same_bits),
        cmocka_unit_test(test_config_print_fails_when_value_cannot_be_read_back),
        cmocka_unit_test(test_yaml_reads_and_prints_points_when_locale_has_commas),
        cmocka_unit_test(test_yaml_refuses_nesting_when_deeper_than_32),
        cmocka_unit_test(test_yaml_refuses_text_when_larger_than_256_kib),
        cmocka_unit_test(test_config_read_reads_file_when_it_is_good),
        cmocka_unit_test(test_config_find_tells_where_a_key_is),
        cmocka_unit_test(test_yaml_read_says_why_when_file_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
