/** @file heap_doors.h The heap's doors, wrapped by the linker (the library heap_doors): the n-th
 * call of this thread fails, and what this thread holds is listed. What libraries allocate for
 * themselves passes by. */
#ifndef HEAP_DOORS_H
#define HEAP_DOORS_H

#include "tests/support/hp_test.h"

#include "common/hp_status.h"

#include <stdbool.h>
#include <stdint.h>

/** Something that is made, and unmade again. */
typedef struct maker {
    const char *name;
    hp_status (*make)(hp_error *error);
    bool tells_later; /* HP_OK may come of a failure: it is told when the thing is used or closed */
} maker;

/** Lets nothing fail any more, within a make. */
void heap_doors_open(void);
/** Makes it again and again, with the first allocation failing, the second, and so on until it gets
 * through. Each time it must say so and leave nothing behind. At least one must fail. */
void heap_doors_try(const maker *m);

#endif
