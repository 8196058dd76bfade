#include "pomdp/pomdp_internal.h"

#include <string.h>

/** A stamp nobody in the table carries; the table is wiped when 32 bits are used up. */
static uint32_t next_stamp(pomdp_partition *p)
{
    p->stamp++;
    if (p->stamp == 0) {
        memset(p->slots, 0, ((size_t)p->mask + 1) * sizeof(*p->slots));
        p->stamp = 1;
    }
    return p->stamp;
}

static uint32_t group_of_key(pomdp_partition *p, uint64_t key)
{
    uint32_t at = (uint32_t)hp_mix64(key) & p->mask;
    while (p->slots[at].stamp == p->stamp) {
        if (p->slots[at].key == key) {
            return p->slots[at].group;
        }
        at = (at + 1) & p->mask;
    }
    p->slots[at] = (pomdp_slot){.key = key, .stamp = p->stamp, .group = p->n_groups};
    p->count[p->n_groups] = 0;
    return p->n_groups++;
}

/** How many particles from the first on live on and see what it sees: often all of them. */
static uint32_t count_alike(const uint64_t *obs, const uint8_t *skip, uint32_t n)
{
    uint32_t i = 0;
    while (i < n && obs[i] == obs[0] && skip[i] == 0) {
        i++;
    }
    return i;
}

void pomdp_partition_run(pomdp_partition *p, const uint64_t *obs, const uint8_t *skip, uint32_t n)
{
    const uint32_t alike = count_alike(obs, skip, n);
    uint32_t group = POMDP_NONE;
    uint32_t run = alike; /* of the group's members, not yet counted */
    uint64_t key = 0;     /* of the particle before: neighbours often see the same */
    (void)next_stamp(p);
    p->n_groups = 0;
    if (alike > 0) {
        key = obs[0];
        group = group_of_key(p, key);
        memset(p->group_of, 0, alike * sizeof(*p->group_of));
    }
    for (uint32_t i = alike; i < n; i++) {
        if (skip[i] != 0) {
            p->group_of[i] = POMDP_NONE;
            continue;
        }
        if (group == POMDP_NONE || obs[i] != key) {
            if (group != POMDP_NONE) {
                p->count[group] += run;
            }
            run = 0;
            key = obs[i];
            group = group_of_key(p, key);
        }
        p->group_of[i] = group;
        run++;
    }
    if (group != POMDP_NONE) {
        p->count[group] += run;
    }
}
