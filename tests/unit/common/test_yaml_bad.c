/* Every way to write a wrong file that we could think of, and what the reader must say about it. */
#include "tests/support/hp_test.h"
#include "tests/support/yaml_sample.h"

#include <string.h>

typedef struct bad_case {
    const char *text;
    const char *place; /* "line:column" */
    const char *says;  /* part of the message */
    size_t len;
} bad_case;

/** A string with its length, zero bytes in it included. */
#define BAD(TEXT, PLACE, SAYS)                                                                     \
    {                                                                                              \
        (TEXT), (PLACE), (SAYS), sizeof(TEXT) - 1                                                  \
    }

static const bad_case CASES[] = {
    /* Unknown keys, and what was probably meant. */
    BAD("solver:\n  pruning:\n    prune_treshold: 1\n", "3:5",
        "unknown key 'prune_treshold' in 'solver.pruning' (did you mean 'confidence_threshold'?)"),
    BAD("solver:\n  scenario: 1\n", "2:3",
        "unknown key 'scenario' in 'solver' (did you mean 'scenarios'?)"),
    BAD("solver:\n  scneario: 1\n", "2:3", "(did you mean 'scenarios'?)"),
    BAD("solver:\n  STEP-S: 1\n", "2:3", "(did you mean 'step_s'?)"),
    BAD("solver:\n  step: 1\n", "2:3", "(did you mean 'step_s'?)"),
    BAD("solver:\n  threshold: 1\n", "2:3", "unknown key 'threshold' in 'solver'"),
    BAD("solver: {pruning: {threshold: 1}}\n", "1:20", "(did you mean 'confidence_threshold'?)"),
    BAD("solver: {zzzzzzzz: 1}\n", "1:10", "unknown key 'zzzzzzzz' in 'solver'"),
    BAD("solvr: {}\n", "1:1", "unknown key 'solvr' (did you mean 'solver'?)"),
    BAD("plannner: {}\n", "1:1", "unknown key 'plannner' (did you mean 'planner'?)"),
    BAD("nonsense: 1\n", "1:1", "unknown key 'nonsense'"),
    BAD("solver:\n  agents:\n    - {x_m: 1}\n    - {x_m: 1, nane: b}\n", "4:16",
        "unknown key 'nane' in 'solver.agents[1]' (did you mean 'name'?)"),
    BAD("solver:\n  \"\": 1\n", "2:3", "unknown key '' in 'solver'"),
    BAD("solver:\n  <<: {step_s: 1}\n", "2:3", "unknown key '<<'"),
    BAD("solver:\n  \"a\\nb\": 1\n", "2:3", "unknown key 'a?b'"),
    BAD("solver:\n  5: 1\n", "2:3", "unknown key '5'"),
    BAD("solver:\n  st\xc3\xa9p_s: 1\n", "2:3",
        "unknown key 'st\xc3\xa9p_s' in 'solver' (did you mean 'step_s'?)"),
    BAD("\"solver.step_s\": 1\n", "1:1",
        "unknown key 'solver.step_s': dots are for --set; in a file keys stand below each other"),
    BAD("\"solver.\\n\": 1\n", "1:1", "unknown key 'solver.?'"),
    BAD("solver: {alpha: 1}\n", "1:10",
        "unknown key 'alpha' in 'solver' (did you mean 'pruning.alpha'?)"),
    BAD("pruning: {alpha: 1}\n", "1:1", "unknown key 'pruning' (did you mean 'solver.pruning'?)"),
    BAD("method: crude\n", "1:1", "unknown key 'method' (did you mean 'solver.pruning.method'?)"),

    /* Duplicates name both lines. */
    BAD("solver:\n  step_s: 1\n  step_s: 2\n", "3:3",
        "duplicate key 'step_s' in 'solver', already given on line 2"),
    BAD("solver:\n  step_s: 1\n  any: 1\n  'step_s': 1\n", "4:3", "already given on line 2"),
    BAD("solver: {}\nbridge: {}\nsolver: {}\n", "3:1",
        "duplicate key 'solver', already given on line 1"),
    BAD("planner: {}\nplanner: {}\n", "2:1", "duplicate key 'planner', already given on line 1"),
    BAD("solver: {agents: [{x_m: 1, x_m: 1}]}\n", "1:28",
        "duplicate key 'x_m' in 'solver.agents[0]'"),

    /* Numbers. */
    BAD("solver:\n  step_s: 7.5\n", "2:11", "'solver.step_s' is 7.5, out of range [0.01, 5] s"),
    BAD("solver:\n  step_s: 0\n", "2:11", "out of range [0.01, 5] s"),
    BAD("solver:\n  step_s: -1e308\n", "2:11", "is -1e308, out of range"),
    BAD("solver:\n  step_s: 5.000000001\n", "2:11", "out of range"),
    BAD("solver: {pruning: {alpha: 1.0000001}}\n", "1:27",
        "'solver.pruning.alpha' is 1.0000001, out of range [0, 1]"),
    BAD("solver:\n  step_s: .nan\n", "2:11", "wants a finite number, found '.nan'"),
    BAD("solver:\n  step_s: NaN\n", "2:11", "wants a finite number, found 'NaN'"),
    BAD("solver:\n  any: .inf\n", "2:8", "wants a finite number, found '.inf'"),
    BAD("solver:\n  any: -.INF\n", "2:8", "wants a finite number, found '-.INF'"),
    BAD("solver:\n  any: infinity\n", "2:8", "wants a finite number"),
    BAD("solver:\n  any: 1e999\n", "2:8", "too large"),
    BAD("solver:\n  any: -1e999\n", "2:8", "too large"),
    BAD("solver:\n  step_s: abc\n", "2:11", "'solver.step_s' wants a number, found 'abc'"),
    BAD("solver:\n  step_s: 0,25\n", "2:11", "wants a number, found '0,25'"),
    BAD("solver:\n  step_s: 1_000\n", "2:11", "wants a number"),
    BAD("solver:\n  step_s: 0x1p-2\n", "2:11", "wants a number"),
    BAD("solver:\n  step_s: 1e\n", "2:11", "wants a number"),
    BAD("solver:\n  step_s: 1e+\n", "2:11", "wants a number"),
    BAD("solver:\n  step_s: .\n", "2:11", "wants a number"),
    BAD("solver:\n  step_s: e5\n", "2:11", "wants a number"),
    BAD("solver:\n  step_s: 1.2.3\n", "2:11", "wants a number"),
    BAD("solver:\n  step_s: --1\n", "2:11", "wants a number"),
    BAD("solver:\n  step_s: 1 s\n", "2:11", "wants a number, found '1 s'"),
    BAD("solver:\n  step_s: \"0.25\"\n", "2:11", "wants a number, found the quoted text '0.25'"),
    BAD("solver:\n  step_s: |\n    1\n", "2:11", "wants a number, found the quoted text '1?'"),
    BAD("solver:\n  step_s:\n", "2:10", "wants a number, found nothing"),
    BAD("solver:\n  step_s: ~\n", "2:11", "wants a number, found '~'"),
    BAD("solver:\n  step_s: [1]\n", "2:11", "wants a number, found a list"),
    BAD("solver:\n  step_s: {a: 1}\n", "2:11", "wants a number, found a mapping"),
    BAD("solver:\n  step_s: "
        "0.2500000000000000000000000000000000000000000000000000000000000000000\n",
        "2:11", "wants a number"),

    /* Whole numbers. */
    BAD("solver:\n  scenarios: 0\n", "2:14", "'solver.scenarios' is 0, out of range [1, 4096]"),
    BAD("solver:\n  scenarios: 4097\n", "2:14", "is 4097, out of range [1, 4096]"),
    BAD("solver:\n  scenarios: -1\n", "2:14", "is -1, out of range [1, 4096]"),
    BAD("solver:\n  scenarios: 4294967297\n", "2:14", "out of range"),
    BAD("solver:\n  scenarios: 99999999999999999999999\n", "2:14", "out of range"),
    BAD("solver:\n  scenarios: 1.0\n", "2:14", "wants a whole number, found '1.0'"),
    BAD("solver:\n  scenarios: 1e3\n", "2:14", "wants a whole number"),
    BAD("solver:\n  scenarios: 007\n", "2:14", "wants a whole number, found '007'"),
    BAD("solver:\n  scenarios: 0x10\n", "2:14", "wants a whole number"),
    BAD("solver:\n  scenarios: +5\n", "2:14", "wants a whole number"),
    BAD("solver:\n  scenarios: \"5\"\n", "2:14", "wants a whole number, found the quoted text '5'"),
    BAD("solver:\n  scenarios: [5]\n", "2:14", "wants a whole number, found a list"),
    BAD("solver:\n  scenarios: -\n", "2:14", "block sequence entries are not allowed"),
    BAD("solver:\n  scenarios: true\n", "2:14", "wants a whole number"),
    BAD("bridge:\n  port: 65536\n", "2:9", "'bridge.port' is 65536, out of range [1, 65535]"),

    /* Truth, words, text. */
    BAD("solver: {pruning: {decision_aware: yes}}\n", "1:36", "wants true or false, found 'yes'"),
    BAD("solver: {pruning: {decision_aware: 1}}\n", "1:36", "wants true or false, found '1'"),
    BAD("solver: {pruning: {decision_aware: True}}\n", "1:36", "wants true or false"),
    BAD("solver: {pruning: {decision_aware: 'true'}}\n", "1:36", "found the quoted text 'true'"),
    BAD("solver: {pruning: {decision_aware: []}}\n", "1:36", "wants true or false, found a list"),
    BAD("solver: {pruning: {decision_aware: }}\n", "1:36", "wants true or false, found nothing"),
    BAD("solver: {pruning: {method: cruel}}\n", "1:28",
        "wants off | minmax | crude, found 'cruel' (did you mean 'crude'?)"),
    BAD("solver: {pruning: {method: sometimes}}\n", "1:28",
        "wants off | minmax | crude, found 'sometimes'"),
    BAD("solver: {pruning: {method: 2}}\n", "1:28", "found '2'"),
    BAD("solver: {pruning: {method: [off]}}\n", "1:28", "found a list"),
    BAD("solver: {pruning: {method: }}\n", "1:28", "found nothing"),
    BAD("solver:\n  model: 0123456789abcdef\n", "2:10",
        "'solver.model' is 16 bytes long, at most 15 are allowed"),
    BAD("solver:\n  model:\n", "2:9", "wants text (\"\" if empty), found nothing"),
    BAD("solver:\n  model: ~\n", "2:10", "wants text"),
    BAD("solver:\n  model: null\n", "2:10", "wants text"),
    BAD("solver:\n  model: {a: b}\n", "2:10", "wants text (\"\" if empty), found a mapping"),
    BAD("solver:\n  model: \"a\\0b\"\n", "2:10", "zero byte"),

    /* Structs and lists. */
    BAD("solver: 5\n", "1:9", "'solver' wants a mapping (key: value), found '5'"),
    BAD("solver: ~\n", "1:9", "'solver' wants a mapping (key: value), found '~'"),
    BAD("solver: [1]\n", "1:9", "'solver' wants a mapping (key: value), found a list"),
    BAD("solver: {pruning: off}\n", "1:19", "'solver.pruning' wants a mapping"),
    BAD("solver: {agents: {x_m: 1}}\n", "1:18", "wants a list of mappings, found a mapping"),
    BAD("solver: {agents: [1]}\n", "1:19", "'solver.agents[0]' wants a mapping"),
    BAD("solver: {agents: [{x_m: 1}, {name: b}]}\n", "1:29",
        "missing key 'x_m' in 'solver.agents[1]' (where it starts)"),
    BAD("solver:\n  agents:\n    - x_m: 1\n    -\n", "4:6",
        "missing key 'x_m' in 'solver.agents[1]'"),
    BAD("solver: {agents: [{x_m: 1}, {x_m: 1}, {x_m: 1}, {x_m: 1}]}\n", "1:49",
        "'solver.agents' has 4 entries, at most 3 are allowed"),
    BAD("solver: {agents: [{x_m: 1001}]}\n", "1:25",
        "'solver.agents[0].x_m' is 1001, out of range [-1000, 1000] m"),
    BAD("solver: {agents: [{x_m: 1, speeds_mps: [1, 21]}]}\n", "1:44",
        "'solver.agents[0].speeds_mps[1]' is 21, out of range [0, 20] m/s"),
    BAD("solver: {numbers: []}\n", "1:19", "'solver.numbers' has 0 entries, at least 1 are needed"),
    BAD("solver: {numbers: [1, 2, 3, 4, 5]}\n", "1:32", "has 5 entries, at most 4 are allowed"),
    BAD("solver: {numbers: [1, a]}\n", "1:23", "'solver.numbers[1]' wants a number, found 'a'"),
    BAD("solver: {numbers: [1, .nan]}\n", "1:23", "wants a finite number"),
    BAD("solver: {numbers: [[1]]}\n", "1:20", "wants a number, found a list"),
    BAD("solver: {numbers: 1}\n", "1:19", "wants a list of numbers, found '1'"),
    BAD("solver: {numbers: }\n", "1:19", "wants a list of numbers, found nothing"),

    /* The document. */
    BAD("[1, 2]\n", "1:1", "the document wants a mapping (section: ...), found a list"),
    BAD("hello\n", "1:1", "the document wants a mapping (section: ...), found 'hello'"),
    BAD("\"\"\n", "1:1", "the document wants a mapping"),
    BAD("solver: {}\n---\nbridge: {}\n", "2:1", "a second document starts here"),
    BAD("---\n---\n", "2:1", "a second document starts here"),
    BAD("solver: {}\n...\nbridge: {}\n", "3:1", "did not find expected <document start>"),
    BAD("solver: &a {}\n", "1:9", "anchors (&name) are not allowed"),
    BAD("solver: *a\n", "1:9", "aliases (*name) are not allowed"),
    BAD("&a solver: {}\n", "1:1", "anchors"),
    BAD("*a : {}\n", "1:1", "aliases"),
    BAD("solver: {model: !!str x}\n", "1:17", "tags (!name) are not allowed"),
    BAD("solver: !thing {}\n", "1:9", "tags"),
    BAD("solver: ! {}\n", "1:9", "tags"),
    BAD("planner: &a [*a]\n", "1:10", "anchors"),
    BAD("planner: {x: !!int 5}\n", "1:14", "tags"),
    BAD("? [a, b]\n: 1\n", "1:3", "a key must be a word, not a list or a mapping"),
    BAD("? {a: b}\n: 1\n", "1:3", "a key must be a word"),
    BAD("solver: {\n", "2:1", "not valid YAML"),
    BAD("solver: [1, 2\n", "2:1", "not valid YAML"),
    BAD("solver: }\n", "1:9", "not valid YAML"),
    BAD("solver:\n\tstep_s: 1\n", "2:1", "a tab: indent with spaces"),
    BAD("solver:\n  step_s: 1\n any: 2\n", "3:2", "not valid YAML"),
    BAD("solver: \"abc\n", "2:1", "not valid YAML"),
    BAD("solver: 'abc\n", "2:1", "not valid YAML"),
    BAD("solver: {model: \"\\q\"}\n", "1:18", "not valid YAML"),
    BAD("solver: {model: \"\\ud800\"}\n", "1:20", "not valid YAML"),
    BAD("solver: a: b\n", "1:10", "mapping values are not allowed"),
    BAD("solver: @x\n", "1:9", "not valid YAML"),
    BAD("solver: `x\n", "1:9", "not valid YAML"),
    BAD("solver\nbridge: {}\n", "2:7", "mapping values are not allowed"),
    BAD("%YAML 3.0\n---\nsolver: {}\n", "1:1", "not valid YAML"),

    /* Bytes. */
    BAD("solver:\n  model: \xff\n", "2:10", "byte 0xff is not UTF-8"),
    BAD("# \xc3\x28\n", "1:3", "byte 0xc3 is not UTF-8"),
    BAD("# \xc0\xaf\n", "1:3", "byte 0xc0 is not UTF-8"), /* padded '/' */
    BAD("# \xe0\x80\xaf\n", "1:3", "is not UTF-8"),       /* the same in three bytes */
    BAD("# \xed\xa0\x80\n", "1:3", "is not UTF-8"),       /* half a surrogate pair */
    BAD("# \xf4\x90\x80\x80\n", "1:3", "is not UTF-8"),   /* beyond U+10FFFF */
    BAD("# \x80\n", "1:3", "is not UTF-8"),
    BAD("# \xe2\x82", "1:3", "byte 0xe2 is not UTF-8"), /* cut short */
    BAD("\xff\xfe"
        "a\0",
        "1:1", "byte 0xff is not UTF-8"), /* UTF-16 */
    BAD("s\0o\0", "1:2", "character U+0000 is not allowed"),
    BAD("# \x07\n", "1:3", "character U+0007 is not allowed"),
    BAD("# \x7f\n", "1:3", "character U+007F is not allowed"),
    BAD("a: \xc2\x85 b\n", "1:4", "character U+0085 is not allowed"),
    BAD("# \xe2\x80\xa8solver: 1\n", "1:3", "character U+2028 is not allowed"),
    BAD("solver: {}\n\xef\xbb\xbf\n", "2:1", "character U+FEFF is not allowed"),
    BAD("# \xc3\xa9\n# \xc3\xa9\xc3\xa9 \x01\n", "2:6", "character U+0001"),
    BAD("\xef\xbb\xbfsolver: 5\n", "1:9", "'solver' wants a mapping"),
    BAD("# a\r\nsolver:\r\n  step_s: x\r\n", "3:11", "wants a number"),
};

static bool is_refused_well(const bad_case *c, size_t index)
{
    static const char *const KNOWN[] = {"planner", "predictor", NULL};
    sample_solver solver = sample_defaults();
    const sample_solver before = solver;
    sample_bridge bridge = {.port = 2000};
    const hp_section sections[] = {{"solver", SAMPLE_SOLVER_FIELDS, &solver},
                                   {"bridge", SAMPLE_BRIDGE_FIELDS, &bridge}};
    hp_error error = {""};
    char place[64];
    (void)snprintf(place, sizeof place, "f.yaml:%s: error: ", c->place);
    const hp_status status = hp_config_parse(c->text, c->len, "f.yaml", sections, 2, KNOWN, &error);
    if (status != HP_ECONFIG || strncmp(error.text, place, strlen(place)) != 0 ||
        strstr(error.text, c->says) == NULL || strchr(error.text, '\n') != NULL) {
        print_error("case %zu: %s\nwanted: %s...%s\nfound: %s (%s)\n", index, c->text, place,
                    c->says, error.text, hp_status_text(status));
        return false;
    }
    assert_memory_equal(&solver, &before, sizeof solver);
    assert_int_equal(bridge.port, 2000);
    /* The error is optional. */
    return hp_config_parse(c->text, c->len, "f.yaml", sections, 2, KNOWN, NULL) == HP_ECONFIG;
}

static void test_yaml_names_place_and_mend_when_input_is_bad(void **state)
{
    uint32_t failures = 0;
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); ++i) {
        failures += is_refused_well(&CASES[i], i) ? 0 : 1;
    }
    assert_int_equal(failures, 0);
}

/** A late error must not let the values in front of it through. */
static void test_yaml_stores_nothing_when_last_key_is_bad(void **state)
{
    static const char TEXT[] = "solver:\n  scenarios: 9\n  model: x\n  agents: [{x_m: 5}]\n"
                               "  numbers: [2, 3]\n  pruning: {alpha: 0.5, method: cruel}\n";
    sample_solver solver = sample_defaults();
    const sample_solver before = solver;
    const hp_section section = {"solver", SAMPLE_SOLVER_FIELDS, &solver};
    hp_error error;
    (void)state;
    assert_int_equal(hp_config_parse(TEXT, sizeof TEXT - 1, "f", &section, 1, NULL, &error),
                     HP_ECONFIG);
    assert_memory_equal(&solver, &before, sizeof solver);
}

static void test_yaml_cuts_long_words_when_it_quotes_them(void **state)
{
    char text[400];
    char name[400];
    sample_solver solver = sample_defaults();
    hp_error error;
    (void)state;
    memset(text, 'k', sizeof text);
    (void)snprintf(text + sizeof text - 5, 5, ": 1\n");
    memset(name, 'n', sizeof name);
    (void)snprintf(name + sizeof name - 8, 8, "/f.yaml");
    assert_int_equal(
        hp_yaml_parse(text, sizeof text - 1, name, SAMPLE_SOLVER_FIELDS, &solver, &error),
        HP_ECONFIG);
    assert_non_null(strstr(error.text, "nnn/f.yaml:1:1: error: unknown key 'kkkk"));
    assert_non_null(strstr(error.text, "kkk...'"));
    assert_true(strlen(error.text) < 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_names_place_and_mend_when_input_is_bad),
        cmocka_unit_test(test_yaml_stores_nothing_when_last_key_is_bad),
        cmocka_unit_test(test_yaml_cuts_long_words_when_it_quotes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
