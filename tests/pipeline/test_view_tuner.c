/* Thresholds changed from the live view: what it asks of the planner, and what it lets nobody ask.
 */
#include "tests/pipeline/view_rig.h"
#include "tests/support/shell.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** POST /config with this body; headers: further ones. */
static int post(view_rig *f, const char *headers, const char *body)
{
    char request[1024];
    (void)snprintf(request, sizeof request,
                   "POST /config HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n"
                   "Authorization: Bearer %s\r\nConnection: close\r\n\r\n%s",
                   headers, strlen(body), f->key, body);
    return view_rig_ask(f, request);
}

static const char *const JSON_TYPE = "Content-Type: application/json\r\n";

static volatile sig_atomic_t hung_up;

static void on_hup(int number)
{
    (void)number;
    hung_up = 1;
}

/** A run's directory: its sockets are the tap's; we are the planner that is told. */
static int set_up_run(void **state)
{
    view_rig *f = calloc(1, sizeof *f);
    char path[128];
    const struct sigaction action = {.sa_handler = on_hup, .sa_flags = SA_RESTART};
    assert_non_null(f);
    fake_tap_open(&f->tap);
    assert_int_equal(sigaction(SIGHUP, &action, NULL), 0);
    (void)snprintf(path, sizeof path, "%s/sockets", f->tap.dir);
    assert_int_equal(symlink(f->tap.dir, path), 0);
    (void)snprintf(path, sizeof path, "%s/config.yaml", f->tap.dir);
    shell_write(path, "planner: {guard: {margin_m: 0.3}}\n");
    f->told = (hp_configuration){.version = 1,
                                 .pid = (uint64_t)getpid(),
                                 .n_settings = 1,
                                 .settings = {{.key = "planner.guard.margin_m", .value = 0.3}}};
    hung_up = 0;
    view_rig_start(f, f->tap.dir);
    *state = f;
    return 0;
}

static int tear_down_run(void **state)
{
    const view_rig *f = *state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/sockets", f->tap.dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/config.yaml", f->tap.dir);
    (void)unlink(path);
    return view_rig_tear_down(state);
}

/** What GET /config says, once stage is there; f->told is said again and again meanwhile. */
static json_t *config_at(view_rig *f, const char *stage)
{
    json_error_t why;
    json_t *config = NULL;
    for (int i = 0; i < 50 * VIEW_PATIENCE_S; i++) {
        fake_tap_publish(&f->tap, HP_MSG_CONFIGURATION, &f->told);
        assert_int_equal(view_rig_get(f, "/config", "localhost"), 200);
        json_decref(config);
        config = json_loads(view_rig_body(f), 0, &why);
        assert_non_null(config);
        if (json_is_true(json_object_get(config, "may_change")) &&
            json_integer_value(json_object_get(config, "version")) == f->told.version &&
            strcmp(json_string_value(json_object_get(config, "stage")), stage) == 0) {
            return config;
        }
        fake_tap_pause_ms(20);
    }
    fail_msg("never %s", stage);
    return config;
}

static bool file_has(const view_rig *f, const char *text)
{
    char path[128];
    static char content[16384];
    (void)snprintf(path, sizeof path, "%s/config.yaml", f->tap.dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    (void)fclose(file);
    return strstr(content, text) != NULL;
}

static void test_view_changes_thresholds_and_shows_the_planners_word(void **state)
{
    view_rig *f = *state;
    json_t *config = config_at(f, "idle");
    assert_true(json_array_size(json_object_get(config, "keys")) > 20);
    json_decref(config);
    assert_int_equal(post(f, JSON_TYPE, "{\"set\":{\"planner.guard.margin_m\":\"0.75\"}}"), 200);
    while (!hung_up) { /* told; ctest ends this if it is not */
        fake_tap_pause_ms(1);
    }
    hung_up = 0;
    assert_true(file_has(f, "margin_m: 0.75"));
    json_decref(config_at(f, "asked"));
    assert_int_equal(post(f, JSON_TYPE, "{\"set\":{\"planner.guard.margin_m\":\"0.8\"}}"), 400);
    f->told.version = 2;
    f->told.settings[0].value = 0.75;
    json_decref(config_at(f, "confirmed"));
    /* Now the planner does not want it: the file is as before. */
    assert_int_equal(post(f, JSON_TYPE, "{\"set\":{\"planner.guard.margin_m\":\"0.9\"}}"), 200);
    assert_true(file_has(f, "margin_m: 0.9"));
    f->told.refused = 1;
    (void)snprintf(f->told.complaint, sizeof f->told.complaint, "not today");
    config = config_at(f, "refused");
    assert_string_equal(json_string_value(json_object_get(config, "text")), "not today");
    json_decref(config);
    assert_true(file_has(f, "margin_m: 0.75"));
}

static void test_view_refuses_changes_that_are_wrong_or_not_its_pages(void **state)
{
    static const char *const BAD[][2] = {
        {"{\"set\":{\"planner.guard.margin_m\":\"-3\"}}", "out of range"},
        {"{\"set\":{\"planner.guard.margn_m\":\"1\"}}", "did you mean"},
        {"{\"set\":{\"planner.guard.response_s\":\"0.05\"}}", "too short"},
        {"{\"set\":{\"pomdp.scenarios\":\"10\"}}", "holds for a whole run"},
        {"{\"set\":{\"sim.tick_s\":\"0.1\"}}", "holds for a whole run"},
        {"{\"set\":{\"planner.guard.margin_m\":0.5}}", "short text"},
        {"{\"set\":{}}", "wanted"},
        {"nonsense", "no request"}};
    static const char *const GOOD = "{\"set\":{\"planner.guard.margin_m\":\"0.5\"}}";
    view_rig *f = *state;
    json_decref(config_at(f, "idle"));
    hung_up = 0;
    for (size_t i = 0; i < HP_ARRAY_LEN(BAD); i++) {
        assert_int_equal(post(f, JSON_TYPE, BAD[i][0]), 400);
        if (strstr(view_rig_body(f), BAD[i][1]) == NULL) {
            fail_msg("%s: %s", BAD[i][0], view_rig_body(f));
        }
    }
    assert_int_equal(post(f, "Content-Type: text/plain\r\n", GOOD), 403);
    assert_int_equal(
        post(f, "Content-Type: application/json\r\nOrigin: http://example.com\r\n", GOOD), 403);
    const char right = f->key[31];
    f->key[31] = right == '0' ? '1' : '0';
    assert_int_equal(post(f, JSON_TYPE, GOOD), 403); /* another user of this machine */
    f->key[31] = right;
    assert_int_equal(hung_up, 0);
    assert_true(file_has(f, "margin_m: 0.3"));
    assert_int_equal(
        post(f, "Content-Type: application/json\r\nOrigin: http://localhost\r\n", GOOD), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_view_changes_thresholds_and_shows_the_planners_word,
                                        set_up_run, tear_down_run),
        cmocka_unit_test_setup_teardown(test_view_refuses_changes_that_are_wrong_or_not_its_pages,
                                        set_up_run, tear_down_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
