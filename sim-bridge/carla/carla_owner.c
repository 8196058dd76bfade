#include "sim-bridge/carla/carla_owner.h"

#include "common/hp_rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** ROLE.MACHINE.PROCESS.BIRTH.EPISODE */
#define MARK "%s.%" PRIx64 ".%ld.%" PRIu64 ".%" PRIu32

typedef struct owner {
    uint64_t machine; /* of this boot, and of the space in which process numbers hold; 0: unknown */
    long process;
    uint64_t birth; /* process numbers are given again */
    uint32_t episode;
} owner;

static size_t read_file(const char *path, char *text, size_t cap)
{
    FILE *file = fopen(path, "r");
    const size_t n = file != NULL ? fread(text, 1, cap - 1, file) : 0;
    text[n] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
    return n;
}

static uint64_t this_machine(void)
{
    char boot[64];
    char space[64] = "";
    uint64_t hash = 0;
    if (read_file("/proc/sys/kernel/random/boot_id", boot, sizeof boot) == 0 ||
        readlink("/proc/self/ns/pid", space, sizeof space - 1) <= 0) {
        return 0;
    }
    for (const char *p = boot; *p != '\0'; ++p) {
        hash = hp_mix64(hash ^ (uint64_t)(unsigned char)*p);
    }
    for (const char *p = space; *p != '\0'; ++p) {
        hash = hp_mix64(hash ^ (uint64_t)(unsigned char)*p);
    }
    return hash;
}

/** When a process began, in ticks since the boot; 0: there is none, or nothing but its corpse. */
static uint64_t birth_of(long process)
{
    enum { STATE = 0, BIRTH = 19 }; /* words after the name */
    char path[64];
    char text[1024];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", process);
    if (read_file(path, text, sizeof text) == 0) {
        return 0;
    }
    char *name_end = strrchr(text, ')');
    char *rest = NULL;
    char *word = name_end != NULL ? strtok_r(name_end + 1, " ", &rest) : NULL;
    if (word == NULL || *word == 'Z' || *word == 'X') {
        return 0;
    }
    for (int i = STATE; i < BIRTH && word != NULL; ++i) {
        word = strtok_r(NULL, " ", &rest);
    }
    return word != NULL ? strtoull(word, NULL, 10) : 0;
}

static owner myself(uint32_t episode)
{
    const long process = (long)getpid();
    return (owner){this_machine(), process, birth_of(process), episode};
}

static void mark(const char *role, uint32_t episode, char text[CARLA_MARK_TEXT])
{
    const owner o = myself(episode);
    (void)snprintf(text, CARLA_MARK_TEXT, MARK, role, o.machine, o.process, o.birth, o.episode);
}

void carla_owner_mark(uint32_t episode, char text[CARLA_MARK_TEXT])
{
    mark(CARLA_OUR_ROLE, episode, text);
}

void carla_owner_guest_mark(uint32_t episode, char text[CARLA_MARK_TEXT])
{
    mark(CARLA_GUEST_ROLE, episode, text);
}

/** A number of a mark and the point behind it; false: none. */
static bool take(const char **text, int base, uint64_t *out)
{
    char *end = NULL;
    if (**text != '.') {
        return false;
    }
    *out = strtoull(*text + 1, &end, base);
    const bool some = end != *text + 1;
    *text = end;
    return some;
}

/** at: behind the role. */
static bool parse(const char *at, owner *out)
{
    uint64_t process = 0;
    uint64_t episode = 0;
    const bool good = take(&at, 16, &out->machine) && take(&at, 10, &process) &&
                      take(&at, 10, &out->birth) && take(&at, 10, &episode) && *at == '\0' &&
                      process <= INT32_MAX && episode <= UINT32_MAX;
    out->process = (long)process;
    out->episode = (uint32_t)episode;
    return good;
}

/** True if a mark is of this role; *rest: what is behind it. */
static bool begins(const char *text, const char *role, const char **rest)
{
    const size_t n = strlen(role);
    *rest = text + n;
    return strncmp(text, role, n) == 0 && (text[n] == '\0' || text[n] == '.');
}

carla_claim carla_owner_claim(carla_text role, const char *own)
{
    char text[CARLA_MARK_TEXT];
    const char *rest = NULL;
    const char *own_rest = NULL;
    owner o;
    owner me;
    carla_text_copy(role, text, sizeof text);
    const bool guest = begins(text, CARLA_GUEST_ROLE, &rest);
    if (!guest && !begins(text, CARLA_OUR_ROLE, &rest)) {
        return CARLA_CLAIM_NONE;
    }
    const carla_claim living = guest ? CARLA_CLAIM_GUEST : CARLA_CLAIM_OURS;
    if (!parse(rest, &o) || o.machine == 0 || o.machine != this_machine()) {
        return living;
    }
    const bool before = begins(own, CARLA_OUR_ROLE, &own_rest) && parse(own_rest, &me) &&
                        me.process == o.process && me.birth == o.birth && me.episode != o.episode;
    if (!before && birth_of(o.process) == o.birth) {
        return living;
    }
    return guest ? CARLA_CLAIM_DEAD_GUEST : CARLA_CLAIM_DEAD;
}
