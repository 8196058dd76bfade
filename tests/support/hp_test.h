/** @file hp_test.h What every unit test includes: cmocka with its prerequisites, and double
 * asserts. */
#ifndef HP_TEST_H
#define HP_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/** |actual - wanted| <= tolerance; fails on NaN, and prints both. */
#define hp_assert_near(actual, wanted, tolerance)                                                  \
    do {                                                                                           \
        const double hp_a_ = (actual);                                                             \
        const double hp_w_ = (wanted);                                                             \
        if (!(fabs(hp_a_ - hp_w_) <= (tolerance))) {                                               \
            print_error("%s = %.12g, wanted %.12g within %.3g\n", #actual, hp_a_, hp_w_,           \
                        (double)(tolerance));                                                      \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

#endif
