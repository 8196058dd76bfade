/** Keys in files: what is made can be read, what is open to others or malformed is refused, and no
 * complaint holds a secret. */
#include "common/hp_keys.h"
#include "tests/support/shell.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fixture {
    char root[64], dir[80], other[80], secret[HP_KEY_TEXT];
    hp_keys keys;
    hp_error error;
} fixture;

static void path_of(const char *dir, const char *name, char path[128])
{
    (void)snprintf(path, 128, "%s/%s", dir, name);
}

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
    char path[128];
    path_of(dir, name, path);
    shell_write(path, text);
    assert_int_equal(chmod(path, mode), 0);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return -1;
    }
    (void)snprintf(f->root, sizeof f->root, "/tmp/hp_keys_XXXXXX");
    if (mkdtemp(f->root) == NULL) {
        return -1;
    }
    (void)snprintf(f->dir, sizeof f->dir, "%s/a", f->root);
    (void)snprintf(f->other, sizeof f->other, "%s/b", f->root);
    if (hp_keys_make(f->dir, NULL, &f->error) != HP_OK ||
        hp_keys_load(f->dir, &f->keys, &f->error) != HP_OK) {
        return -1;
    }
    memcpy(f->secret, f->keys.secret, sizeof f->secret);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    static const char *const FILES[] = {"secret", "public", "server", "allowed"};
    const char *const dirs[] = {f->dir, f->other};
    for (size_t d = 0; d < HP_ARRAY_LEN(dirs); d++) {
        for (size_t i = 0; i < HP_ARRAY_LEN(FILES); i++) {
            char path[128];
            path_of(dirs[d], FILES[i], path);
            (void)unlink(path);
        }
        (void)rmdir(dirs[d]);
    }
    const int rc = rmdir(f->root);
    free(f);
    return rc;
}

static void refused(fixture *f, const char *reason)
{
    static const hp_keys NOTHING = {.n_allowed = 0};
    assert_int_equal(hp_keys_load(f->dir, &f->keys, &f->error), HP_ECONFIG);
    if (strstr(f->error.text, reason) == NULL || strstr(f->error.text, f->dir) == NULL) {
        fail_msg("expected '%s' in: %s", reason, f->error.text);
    }
    assert_null(strstr(f->error.text, f->secret));
    assert_memory_equal(&f->keys, &NOTHING, sizeof NOTHING);
}

static void test_hp_keys_make_leaves_private_files_when_new(void **state)
{
    fixture *f = *state;
    static const char *const FILES[] = {"secret", "public", "server", "allowed"};
    struct stat st;
    assert_int_equal(stat(f->dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    for (size_t i = 0; i < HP_ARRAY_LEN(FILES); i++) {
        char path[128];
        path_of(f->dir, FILES[i], path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    assert_string_equal(f->keys.public, f->keys.server);
    assert_string_not_equal(f->keys.public, f->keys.secret);
    assert_true(hp_keys_allow_key(&f->keys, f->keys.public));
    assert_false(hp_keys_allow_key(&f->keys, f->keys.secret));
}

static void test_hp_keys_make_keeps_what_is_there_when_run_twice(void **state)
{
    fixture *f = *state;
    assert_int_equal(hp_keys_make(f->dir, NULL, &f->error), HP_EBUSY);
    assert_int_equal(hp_keys_load(f->dir, &f->keys, &f->error), HP_OK);
    assert_string_equal(f->keys.secret, f->secret);
}

static void test_hp_keys_allow_lets_another_in_once_when_its_public_key_is_given(void **state)
{
    fixture *f = *state;
    char public_file[128];
    hp_keys other;
    path_of(f->dir, "public", public_file);
    assert_int_equal(hp_keys_make(f->other, public_file, &f->error), HP_OK);
    assert_int_equal(hp_keys_load(f->other, &other, &f->error), HP_OK);
    assert_string_equal(other.server, f->keys.public);
    assert_false(hp_keys_allow_key(&f->keys, other.public));
    path_of(f->other, "public", public_file);
    assert_int_equal(hp_keys_allow(f->dir, public_file, "the view", &f->error), HP_OK);
    assert_int_equal(hp_keys_allow(f->dir, public_file, "again", &f->error), HP_EBUSY);
    assert_int_equal(hp_keys_load(f->dir, &f->keys, &f->error), HP_OK);
    assert_int_equal(f->keys.n_allowed, 2);
    assert_true(hp_keys_allow_key(&f->keys, other.public));
    hp_keys_wipe(&other);
    path_of(f->dir, "secret", public_file);
    assert_int_equal(hp_keys_allow(f->dir, public_file, "", &f->error), HP_EINVAL);
    assert_null(strstr(f->error.text, f->secret));
}

static void test_hp_keys_allow_begins_a_line_when_the_last_one_was_left_open(void **state)
{
    fixture *f = *state;
    char path[128];
    char text[64];
    hp_keys other;
    assert_int_equal(hp_keys_make(f->other, NULL, &f->error), HP_OK);
    assert_int_equal(hp_keys_load(f->other, &other, &f->error), HP_OK);
    (void)snprintf(text, sizeof text, "%s", f->keys.public); /* as some editors leave it */
    put(f->dir, "allowed", text, 0600);
    path_of(f->other, "public", path);
    assert_int_equal(hp_keys_allow(f->dir, path, "the view", &f->error), HP_OK);
    assert_int_equal(hp_keys_load(f->dir, &f->keys, &f->error), HP_OK);
    assert_int_equal(f->keys.n_allowed, 2);
    assert_true(hp_keys_allow_key(&f->keys, other.public));
    hp_keys_wipe(&other);
}

static void test_hp_keys_load_refuses_when_others_may_read_or_write(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *file, *reason;
        mode_t mode, good;
    } CASES[] = {{"secret", "chmod 600", 0640, 0600},   {"secret", "chmod 600", 0604, 0600},
                 {"secret", "chmod 600", 0620, 0600},   {"server", "chmod go-w", 0666, 0644},
                 {"allowed", "chmod go-w", 0664, 0644}, {".", "chmod go-w", 0770, 0700}};
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); i++) {
        char path[128];
        path_of(f->dir, CASES[i].file, path);
        assert_int_equal(chmod(path, CASES[i].mode), 0);
        refused(f, CASES[i].reason);
        assert_int_equal(chmod(path, CASES[i].good), 0);
        assert_int_equal(hp_keys_load(f->dir, &f->keys, &f->error), HP_OK);
    }
}

static void test_hp_keys_load_refuses_when_a_file_is_missing_or_a_link(void **state)
{
    fixture *f = *state;
    static const char *const FILES[] = {"secret", "server", "allowed"};
    for (size_t i = 0; i < HP_ARRAY_LEN(FILES); i++) {
        char path[128];
        char away[128];
        path_of(f->dir, FILES[i], path);
        path_of(f->root, "away", away);
        assert_int_equal(rename(path, away), 0);
        refused(f, FILES[i]);
        assert_int_equal(symlink(away, path), 0);
        refused(f, FILES[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rename(away, path), 0);
    }
    assert_int_equal(hp_keys_load("/tmp/hp_keys_nowhere", &f->keys, &f->error), HP_ECONFIG);
    assert_non_null(strstr(f->error.text, "hyplan keys new"));
}

/** Every truncation, and each character replaced by ones that no key has. */
static void test_hp_keys_load_refuses_when_the_secret_is_cut_or_odd(void **state)
{
    fixture *f = *state;
    char text[HP_KEY_TEXT + 1];
    for (size_t len = 0; len < HP_KEY_TEXT - 1; len++) {
        (void)snprintf(text, sizeof text, "%.*s\n", (int)len, f->secret);
        put(f->dir, "secret", text, 0600);
        refused(f, "secret: does not start with a key");
        (void)snprintf(text, sizeof text, "%s", f->secret);
        text[len] = "\"'\\,;`|_~\x01\x7f\xff "[len % 13];
        put(f->dir, "secret", text, 0600);
        refused(f, "secret: does not start with a key");
    }
    char longer[8000];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    put(f->dir, "secret", longer, 0600);
    refused(f, "secret: too long");
}

static void test_hp_keys_load_names_the_line_when_the_list_is_malformed(void **state)
{
    fixture *f = *state;
    char text[6000] = "# friends\n\n";
    put(f->dir, "allowed", "# nobody\n", 0600);
    assert_int_equal(hp_keys_load(f->dir, &f->keys, &f->error), HP_OK);
    assert_int_equal(f->keys.n_allowed, 0);
    put(f->dir, "allowed", "# friends\n\nnot a key\n", 0600);
    refused(f, "allowed:3: starts with no key");
    for (uint32_t i = 0; i <= HP_KEYS_ALLOWED; i++) {
        const size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "%s n%u\n", f->secret, i);
    }
    put(f->dir, "allowed", text, 0600);
    refused(f, "allowed:67: more than 64 keys");
}

int main(void)
{
#define KEYS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        KEYS_TEST(test_hp_keys_make_leaves_private_files_when_new),
        KEYS_TEST(test_hp_keys_make_keeps_what_is_there_when_run_twice),
        KEYS_TEST(test_hp_keys_allow_lets_another_in_once_when_its_public_key_is_given),
        KEYS_TEST(test_hp_keys_allow_begins_a_line_when_the_last_one_was_left_open),
        KEYS_TEST(test_hp_keys_load_refuses_when_others_may_read_or_write),
        KEYS_TEST(test_hp_keys_load_refuses_when_a_file_is_missing_or_a_link),
        KEYS_TEST(test_hp_keys_load_refuses_when_the_secret_is_cut_or_odd),
        KEYS_TEST(test_hp_keys_load_names_the_line_when_the_list_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
