#include "common/hp_boxes.h"

#include "common/hp_bus.h"
#include "common/hp_clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    LETTERS = 32, /* in a box; a power of 2 */
    LINE = 64,    /* bytes that processors hand over together */
    MOST_WATCH_US = 1000,
    PAUSES = 8, /* between two looks at the clock */
    SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
};

/** How the owner of the other end of a box waits for letters in this one. */
enum { AWAKE, ASLEEP, AWAY };

typedef struct letter {
    atomic_uint at, len;
} letter;

/** Written by one side, but for taken and waits, which are its reader's. */
struct hp_box {
    _Alignas(LINE) atomic_uint put;
    atomic_uint watch_us; /* for so long its reader is to look out before he sleeps */
    letter letters[LETTERS];
    _Alignas(LINE) atomic_uint taken;
    atomic_uint waits;
    _Alignas(LINE) unsigned char bytes[HP_BUS_MAX_MESSAGE];
};

_Static_assert(sizeof(atomic_uint) == 4 && ATOMIC_INT_LOCK_FREE == 2, "as futex(2) wants it");

/* ---- The memory ---- */

static hp_status map(hp_boxes *boxes, int fd, bool first)
{
    void *memory =
        mmap(NULL, 2 * sizeof(hp_box), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (memory == MAP_FAILED) {
        return HP_ENOMEM;
    }
    hp_box *pair = memory;
    *boxes = (hp_boxes){.memory = memory, .out = &pair[first ? 0 : 1], .in = &pair[first ? 1 : 0]};
    hp_boxes_leave(boxes);
    return HP_OK;
}

hp_status hp_boxes_create(hp_boxes *boxes, int *fd)
{
    *boxes = (hp_boxes){.memory = NULL};
    *fd = memfd_create("hyplan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0) {
        return HP_EIO;
    }
    const bool made =
        ftruncate(*fd, 2 * sizeof(hp_box)) == 0 && fcntl(*fd, F_ADD_SEALS, SEALS) == 0;
    const hp_status st = made ? map(boxes, *fd, true) : HP_EIO;
    if (st != HP_OK) {
        (void)close(*fd);
        *fd = -1;
        return st;
    }
    atomic_store(&boxes->out->waits, AWAY); /* he has not come yet */
    return HP_OK;
}

hp_status hp_boxes_map(hp_boxes *boxes, int fd)
{
    struct stat is;
    const int seals = fcntl(fd, F_GET_SEALS);
    *boxes = (hp_boxes){.memory = NULL};
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &is) != 0 ||
        is.st_size != (off_t)(2 * sizeof(hp_box))) {
        return HP_EWIRE;
    }
    return map(boxes, fd, false);
}

void hp_boxes_close(hp_boxes *boxes)
{
    if (boxes->memory != NULL) {
        (void)munmap(boxes->memory, 2 * sizeof(hp_box));
    }
    *boxes = (hp_boxes){.memory = NULL};
}

/* ---- Waking ---- */

static long futex(atomic_uint *word, int what, unsigned value, const struct timespec *limit)
{
    return syscall(SYS_futex, word, what, value, limit, NULL, 0);
}

/** Whether he has to be rung for. One who sleeps at his box but does not wake has ended. */
static bool wake(hp_box *box)
{
    const unsigned waits = atomic_load(&box->waits);
    if (waits == AWAKE) {
        return false;
    }
    return waits != ASLEEP || futex(&box->put, FUTEX_WAKE, 1, NULL) != 1;
}

int hp_boxes_nap(hp_boxes *boxes, long limit_ns)
{
    hp_box *box = boxes->in;
    const struct timespec limit = {.tv_nsec = limit_ns};
    atomic_store(&box->waits, ASLEEP);
    long rc = 0;
    if (!hp_boxes_has(boxes)) {
        rc = futex(&box->put, FUTEX_WAIT, boxes->taken, &limit);
    }
    const bool interrupted = rc < 0 && errno == EINTR;
    atomic_store_explicit(&box->waits, AWAKE, memory_order_relaxed);
    if (hp_boxes_has(boxes)) {
        return 1;
    }
    return interrupted ? -1 : 0;
}

/** A moment for whoever shares the processor's parts. */
static void rest(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t limit_ns(const hp_boxes *boxes, uint32_t limit_us)
{
    if (limit_us == HP_BOXES_AS_CALLED) {
        limit_us = atomic_load_explicit(&boxes->in->watch_us, memory_order_relaxed);
    }
    return INT64_C(1000) * (limit_us < MOST_WATCH_US ? limit_us : MOST_WATCH_US);
}

bool hp_boxes_watch(hp_boxes *boxes, uint32_t limit_us)
{
    const hp_clock clock = hp_clock_real();
    const int64_t begin_ns = hp_clock_now_ns(&clock);
    atomic_store_explicit(&boxes->in->waits, AWAKE, memory_order_relaxed);
    while (hp_clock_now_ns(&clock) - begin_ns < limit_ns(boxes, limit_us)) {
        for (int i = 0; i < PAUSES; i++) {
            if (hp_boxes_has(boxes)) {
                return true;
            }
            rest();
        }
    }
    return hp_boxes_has(boxes);
}

void hp_boxes_call(hp_boxes *boxes, uint32_t watch_us)
{
    if (boxes->memory != NULL) {
        atomic_store_explicit(&boxes->out->watch_us, watch_us, memory_order_relaxed);
    }
}

void hp_boxes_leave(hp_boxes *boxes)
{
    atomic_store(&boxes->in->waits, AWAY);
}

/* ---- Letters ---- */

bool hp_boxes_has(const hp_boxes *boxes)
{
    return boxes->memory != NULL && atomic_load(&boxes->in->put) != boxes->taken;
}

/** Where a letter may lie in out; SIZE_MAX: nowhere. A box that is empty is filled from its start,
 * so that those who take turns stay with the memory that is in the processor's cache. */
static size_t find_room(const hp_boxes *boxes, size_t len)
{
    const uint32_t there = boxes->put - atomic_load(&boxes->out->taken);
    const size_t at = there == 0 ? 0 : boxes->end;
    return there < LETTERS && len <= sizeof boxes->out->bytes - at ? at : SIZE_MAX;
}

hp_status hp_boxes_put(hp_boxes *boxes, const void *data, size_t len, bool *ring)
{
    hp_box *box = boxes->out;
    const size_t at = find_room(boxes, len);
    assert(len > 0 && len <= HP_BUS_MAX_MESSAGE);
    *ring = false;
    if (at == SIZE_MAX) {
        return HP_EAGAIN;
    }
    letter *l = &box->letters[boxes->put % LETTERS];
    memcpy(box->bytes + at, data, len);
    atomic_store_explicit(&l->at, (unsigned)at, memory_order_relaxed);
    atomic_store_explicit(&l->len, (unsigned)len, memory_order_relaxed);
    boxes->put++;
    boxes->end = at + len;
    atomic_store(&box->put, boxes->put);
    *ring = wake(box);
    return HP_OK;
}

hp_status hp_boxes_take(hp_boxes *boxes, void *data, size_t cap, size_t *len)
{
    hp_box *box = boxes->in;
    const uint32_t there = atomic_load(&box->put) - boxes->taken;
    *len = 0;
    if (there == 0) {
        return HP_EAGAIN;
    }
    letter *l = &box->letters[boxes->taken % LETTERS];
    const size_t at = atomic_load_explicit(&l->at, memory_order_relaxed);
    const size_t n = atomic_load_explicit(&l->len, memory_order_relaxed);
    if (there > LETTERS || n == 0 || n > sizeof box->bytes || at > sizeof box->bytes - n) {
        return HP_EWIRE;
    }
    const bool fits = n <= cap;
    if (fits) {
        memcpy(data, box->bytes + at, n);
    }
    *len = n;
    boxes->taken++;
    atomic_store_explicit(&box->waits, AWAKE, memory_order_relaxed);
    atomic_store(&box->taken, boxes->taken);
    return fits ? HP_OK : HP_EFULL;
}
