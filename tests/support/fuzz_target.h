/** @file fuzz_target.h What every fuzz target includes: its entry point, and a way to say no. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/** Defined once in each target; libFuzzer and the replay call it. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Ends the program when what must hold does not: a target has no test framework. */
static inline void fuzz_must(bool holds)
{
    if (!holds) {
        abort();
    }
}

#endif
