/** Letter boxes in shared memory: what goes through them, and what a liar at the other end can do.
 */
#include "common/hp_boxes.h"

#include "common/hp_bus.h"
#include "common/hp_clock.h"
#include "common/hp_rng.h"
#include "tests/support/hp_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAP_NS = 20000000, MANY = 1000, HEAD_BYTES = 512, LIES = 20000 };

typedef struct ends {
    hp_boxes near, far;
    unsigned char data[HP_BUS_MAX_MESSAGE];
} ends;

static int setup(void **state)
{
    ends *e = calloc(1, sizeof *e);
    int fd = -1;
    if (e == NULL || hp_boxes_create(&e->near, &fd) != HP_OK ||
        hp_boxes_map(&e->far, fd) != HP_OK) {
        return -1;
    }
    *state = e;
    return close(fd);
}

static int teardown(void **state)
{
    ends *e = *state;
    hp_boxes_close(&e->near);
    hp_boxes_close(&e->far);
    free(e);
    return 0;
}

static bool put(hp_boxes *from, const void *data, size_t len)
{
    bool ring = false;
    assert_int_equal(hp_boxes_put(from, data, len, &ring), HP_OK);
    return ring;
}

static void expect(ends *e, hp_boxes *at, const void *data, size_t len)
{
    size_t n = 0;
    assert_true(hp_boxes_has(at));
    assert_int_equal(hp_boxes_take(at, e->data, sizeof e->data, &n), HP_OK);
    assert_int_equal(n, len);
    assert_memory_equal(e->data, data, len);
}

static void test_letters_come_as_they_are_in_both_directions(void **state)
{
    ends *e = *state;
    size_t n = 1;
    unsigned char letter[64];
    assert_int_equal(hp_boxes_take(&e->far, e->data, sizeof e->data, &n), HP_EAGAIN);
    assert_int_equal(n, 0);
    for (unsigned i = 0; i < MANY; i++) {
        memset(letter, (int)i, sizeof letter);
        (void)put(&e->near, letter, 1 + i % sizeof letter);
        if (i % 3 == 2) { /* some wait together */
            for (unsigned k = i - 2; k <= i; k++) {
                memset(letter, (int)k, sizeof letter);
                expect(e, &e->far, letter, 1 + k % sizeof letter);
            }
            (void)put(&e->far, "answer", 6);
            expect(e, &e->near, "answer", 6);
        }
    }
}

static void test_box_takes_the_largest_letter_and_no_more_than_fits(void **state)
{
    ends *e = *state;
    static unsigned char large[HP_BUS_MAX_MESSAGE];
    bool ring = false;
    size_t n = 0;
    memset(large, 7, sizeof large);
    (void)put(&e->near, large, sizeof large);
    assert_int_equal(hp_boxes_put(&e->near, "x", 1, &ring), HP_EAGAIN);
    assert_false(ring);
    assert_int_equal(hp_boxes_take(&e->far, e->data, sizeof large - 1, &n), HP_EFULL);
    assert_int_equal(n, sizeof large);
    (void)put(&e->near, large, sizeof large);
    expect(e, &e->far, large, sizeof large);
    hp_status st = HP_OK;
    int taken_in = 0;
    for (; taken_in < MANY && st == HP_OK; taken_in++) {
        st = hp_boxes_put(&e->near, "x", 1, &ring);
    }
    assert_int_equal(st, HP_EAGAIN);
    assert_int_equal(taken_in, 33); /* the last one was refused */
    for (int i = 0; i < 32; i++) {
        expect(e, &e->far, "x", 1);
    }
    (void)put(&e->near, "y", 1);
    expect(e, &e->far, "y", 1);
}

static void test_whoever_is_away_must_be_rung_for(void **state)
{
    ends *e = *state;
    assert_true(put(&e->near, "a", 1)); /* he has not come yet */
    expect(e, &e->far, "a", 1);
    assert_false(put(&e->near, "b", 1)); /* he is busy with the last one, and will look again */
    expect(e, &e->far, "b", 1);
    hp_boxes_leave(&e->far);
    assert_true(put(&e->near, "c", 1));
    assert_true(put(&e->near, "d", 1));
    expect(e, &e->far, "c", 1);
    expect(e, &e->far, "d", 1);
    assert_int_equal(hp_boxes_nap(&e->far, NAP_NS), 0);
    assert_false(put(&e->near, "e", 1));
    assert_int_equal(hp_boxes_nap(&e->far, NAP_NS), 1);
}

static void test_looking_out_ends_with_a_letter_or_its_time(void **state)
{
    ends *e = *state;
    const hp_clock clock = hp_clock_real();
    assert_false(hp_boxes_watch(&e->far, 50));
    assert_false(hp_boxes_watch(&e->far, HP_BOXES_AS_CALLED)); /* nobody has called */
    hp_boxes_call(&e->near, UINT32_MAX - 1);                   /* for an hour */
    const int64_t begin_ns = hp_clock_now_ns(&clock);
    assert_false(hp_boxes_watch(&e->far, HP_BOXES_AS_CALLED));
    assert_true(hp_clock_now_ns(&clock) - begin_ns >= 1000000); /* a millisecond is what he gets */
    (void)put(&e->near, "x", 1);
    assert_true(hp_boxes_watch(&e->far, HP_BOXES_AS_CALLED));
    assert_true(hp_boxes_watch(&e->far, 0));
}

/** In another process, which sleeps until a letter comes, and answers. */
static void test_sleeper_wakes_for_a_letter(void **state)
{
    ends *e = *state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        size_t n = 0;
        bool ring = false;
        for (int i = 0; i < MANY; i++) {
            while (hp_boxes_nap(&e->far, NAP_NS) != 1) {
            }
            if (hp_boxes_take(&e->far, e->data, sizeof e->data, &n) != HP_OK ||
                hp_boxes_put(&e->far, e->data, n, &ring) != HP_OK) {
                _exit(1);
            }
        }
        _exit(0);
    }
    for (int i = 0; i < MANY; i++) {
        (void)put(&e->near, &i, sizeof i);
        while (hp_boxes_nap(&e->near, NAP_NS) != 1) {
        }
        expect(e, &e->near, &i, sizeof i);
    }
    int how = -1;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
}

/** Numbers, places and lengths that cannot be, in every mixture, while letters come and go. */
static void test_lies_are_found_out_or_are_letters_of_noise(void **state)
{
    ends *e = *state;
    const hp_rng stream = hp_rng_seed(7);
    unsigned char *heads[] = {(unsigned char *)e->near.out, (unsigned char *)e->near.in};
    unsigned found_out = 0;
    for (unsigned i = 0; i < LIES; i++) {
        const uint64_t dice = hp_rng_u64(stream, i);
        const uint32_t lie = (uint32_t)(dice >> 32) >> (dice >> 16) % 32;
        bool ring = false;
        size_t n = 0;
        memcpy(heads[dice % 2] + 4 * ((dice >> 4) % (HEAD_BYTES / 4)), &lie, sizeof lie);
        if (dice & 2) {
            (void)!hp_boxes_put(&e->near, e->data, 1 + (dice >> 8) % 3000, &ring);
        }
        const hp_status st = hp_boxes_take(&e->far, e->data, 4096, &n);
        assert_true(st == HP_OK || st == HP_EAGAIN || st == HP_EFULL || st == HP_EWIRE);
        assert_true(n <= HP_BUS_MAX_MESSAGE && (st != HP_OK || (n > 0 && n <= 4096)));
        found_out += st == HP_EWIRE ? 1 : 0;
        (void)!hp_boxes_put(&e->far, e->data, 1 + (dice >> 8) % 3000, &ring);
        if (i % 100 == 99) { /* where he was found out, the line ends: another one */
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
            e = *state;
            heads[0] = (unsigned char *)e->near.out;
            heads[1] = (unsigned char *)e->near.in;
        }
    }
    assert_true(found_out > LIES / 100);
}

static void expect_refused(int fd)
{
    hp_boxes boxes;
    assert_true(fd >= 0);
    assert_int_equal(hp_boxes_map(&boxes, fd), HP_EWIRE);
    assert_false(hp_boxes_has(&boxes));
    hp_boxes_close(&boxes);
    assert_int_equal(close(fd), 0);
}

/** Memory that could shrink while it is read, or is of another size, or none at all. */
static void test_other_memory_is_refused(void **state)
{
    ends *e = *state;
    int fd = -1;
    char path[] = "/tmp/hp_boxes_XXXXXX";
    expect_refused(open("/dev/null", O_RDWR));
    fd = mkstemp(path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ftruncate(fd, 1 << 21), 0);
    expect_refused(fd);
    expect_refused(memfd_create("unsealed", MFD_ALLOW_SEALING));
    fd = memfd_create("small", MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(fd, 4096), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    expect_refused(fd);
    hp_boxes other;
    assert_int_equal(hp_boxes_create(&other, &fd), HP_OK);
    assert_int_equal(ftruncate(fd, 0), -1); /* nobody takes ours away */
    assert_int_equal(errno, EPERM);
    hp_boxes_close(&other);
    assert_int_equal(close(fd), 0);
    assert_non_null(e->near.memory);
}

#define BOXES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOXES_TEST(test_letters_come_as_they_are_in_both_directions),
        BOXES_TEST(test_box_takes_the_largest_letter_and_no_more_than_fits),
        BOXES_TEST(test_whoever_is_away_must_be_rung_for),
        BOXES_TEST(test_looking_out_ends_with_a_letter_or_its_time),
        BOXES_TEST(test_sleeper_wakes_for_a_letter),
        BOXES_TEST(test_lies_are_found_out_or_are_letters_of_noise),
        BOXES_TEST(test_other_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
