/* The shipped file and the tables in the code say the same: neither can drift alone. */
#include "cli/config.h"
#include "tests/support/hp_test.h"

#include <stdlib.h>
#include <string.h>

static const char *const SHIPPED = "config/hyplan.yaml";

static char *read_all(const char *path)
{
    char *text = NULL;
    size_t cap = 0;
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_true(getdelim(&text, &cap, '\0', in) > 0);
    assert_int_equal(fclose(in), 0);
    return text;
}

static void test_shipped_file_is_what_the_tables_print(void **state)
{
    static cli_config config;
    (void)state;
    cli_config_default(&config);
    char *wanted = cli_config_text(&config, true);
    char *actual = read_all(SHIPPED);
    assert_non_null(wanted);
    if (strcmp(wanted, actual) != 0) {
        print_error("%s is not what the tables say; write it anew by\n"
                    "  hyplan config show --defaults --comments > %s\n",
                    SHIPPED, SHIPPED);
        fail();
    }
    free(wanted);
    free(actual);
}

static void test_shipped_file_reads_back_to_the_defaults(void **state)
{
    static cli_config config;
    static cli_config defaults;
    hp_section sections[CLI_SECTIONS];
    hp_error error;
    (void)state;
    cli_config_default(&defaults);
    cli_config_default(&config);
    config.plan.guard.margin_m = 1.25; /* so that reading has something to put right */
    cli_config_sections(&config, sections);
    assert_int_equal(hp_config_read(SHIPPED, sections, CLI_SECTIONS, NULL, &error), HP_OK);
    assert_true(cli_config_hash(&config) == cli_config_hash(&defaults));
    assert_int_equal(cli_config_check(&config, &error), HP_OK);
}

static void test_hash_tells_configurations_apart(void **state)
{
    static cli_config config;
    (void)state;
    cli_config_default(&config);
    const uint64_t before = cli_config_hash(&config);
    config.car.reward.goal += 1e-12;
    assert_true(cli_config_hash(&config) != before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped_file_is_what_the_tables_print),
        cmocka_unit_test(test_shipped_file_reads_back_to_the_defaults),
        cmocka_unit_test(test_hash_tells_configurations_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
