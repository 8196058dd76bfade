/* What the kernel does not grant is said, each piece by its name; what it grants, it does. In
 * children, for it cannot be taken back. */
#include "common/hp_realtime.h"
#include "tests/support/hp_test.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HP_TEST_SANITIZED /* which pretend to lock memory, and do not */
enum { NO_LOCKS = 1 };
#else
enum { NO_LOCKS = 0 };
#endif
enum { NOBODY = 65534, NO_SUCH_CPU = 1023, NOTE = 256 };

/** Gives up every right to ask for anything. */
static bool renounce(void)
{
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_RTPRIO, &none) == 0 && setrlimit(RLIMIT_MEMLOCK, &none) == 0 &&
           (getuid() != 0 || setuid(NOBODY) == 0);
}

/** Asks in a process without rights; its note comes back through a pipe. */
static bool ask_without_rights(const hp_realtime_config *config, char note[NOTE])
{
    int ends[2];
    int status = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char said[NOTE] = "";
        if (!renounce()) {
            _exit(2);
        }
        const bool granted = hp_realtime_ask(config, said, sizeof said);
        (void)!write(ends[1], said, strlen(said));
        _exit(granted ? 0 : 1);
    }
    (void)close(ends[1]);
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && len<NOTE - 1; len += n> 0 ? (size_t)n : 0) {
        n = read(ends[0], note + len, NOTE - 1 - len);
    }
    note[len] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 0;
}

static void test_hp_realtime_names_each_piece_when_nothing_is_granted(void **state)
{
    static const struct {
        hp_realtime_config config;
        const char *says[3];
    } CASES[] = {
        {{.priority = 50}, {"no real-time priority: "}},
        {{.lock_memory = true}, {"memory not locked: "}},
        {{.pin = true, .cpu = NO_SUCH_CPU}, {"not pinned: "}},
        {{.priority = 1, .lock_memory = true, .pin = true, .cpu = NO_SUCH_CPU},
         {"no real-time priority: ", "; memory not locked: ", "; not pinned: "}},
    };
    (void)state;
    for (size_t i = 0; i < HP_ARRAY_LEN(CASES); i++) {
        char note[NOTE];
        if (NO_LOCKS && CASES[i].config.lock_memory) {
            continue;
        }
        assert_false(ask_without_rights(&CASES[i].config, note));
        for (size_t k = 0; k < HP_ARRAY_LEN(CASES[i].says) && CASES[i].says[k] != NULL; k++) {
            if (strstr(note, CASES[i].says[k]) == NULL) {
                fail_msg("case %zu: '%s' lacks '%s'", i, note, CASES[i].says[k]);
            }
        }
    }
}

static void test_hp_realtime_is_silent_when_nothing_is_asked(void **state)
{
    static const hp_realtime_config NOTHING = {.priority = 0};
    char note[NOTE];
    (void)state;
    assert_true(ask_without_rights(&NOTHING, note));
    assert_string_equal(note, "");
}

static void test_hp_realtime_cuts_its_note_when_there_is_little_room(void **state)
{
    static const hp_realtime_config PIN = {.pin = true, .cpu = NO_SUCH_CPU};
    char note[8] = "xxxxxxx";
    (void)state;
    assert_false(hp_realtime_ask(&PIN, note, sizeof note));
    assert_string_equal(note, "not pin");
}

static void test_hp_realtime_pins_when_it_may(void **state)
{
    int status = 0;
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char note[NOTE];
        cpu_set_t set;
        CPU_ZERO(&set);
        if (sched_getaffinity(0, sizeof set, &set) != 0) {
            _exit(2);
        }
        uint32_t last = 0;
        for (uint32_t cpu = 0; cpu < NO_SUCH_CPU; cpu++) {
            last = CPU_ISSET(cpu, &set) ? cpu : last;
        }
        const hp_realtime_config pin = {.pin = true, .cpu = last};
        const bool granted = hp_realtime_ask(&pin, note, sizeof note) && note[0] == '\0';
        const bool alone = sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 &&
                           CPU_ISSET(last, &set);
        _exit(granted && alone ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hp_realtime_names_each_piece_when_nothing_is_granted),
        cmocka_unit_test(test_hp_realtime_is_silent_when_nothing_is_asked),
        cmocka_unit_test(test_hp_realtime_cuts_its_note_when_there_is_little_room),
        cmocka_unit_test(test_hp_realtime_pins_when_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
