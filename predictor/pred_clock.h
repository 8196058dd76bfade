/** @file pred_clock.h The clock of a recording that has lost frames without saying so. In some
 * files everybody makes, all at once, a step two or three times as long as the one before: no leap,
 * but frames that are missing. What a step lasted is told by the steps of those who were moving,
 * and by none that came later. Ownership: the recording's. Threads: one user while mending, then
 * read only. Determinism: the recording's order. Allocation: while mending. */
#ifndef PRED_CLOCK_H
#define PRED_CLOCK_H

#include "predictor/pred_data.h"

/** Sets late_s anew: a step in which most of those who moved came further than usual by one common
 * factor lasted longer by it. All other steps keep their length. */
HP_NODISCARD hp_status pred_clock_mend(pred_recording *recording, hp_error *error);

enum { PRED_CLOCK_AHEAD = 16 }; /* steps, at most */

/** When the n steps after now will probably be over, in seconds from now. Where frames have been
 * lost so far, they are expected to be lost again: half as in the mean rhythm of the losses, half
 * as it went on after steps like this one; else steps are even. Steps after now are not looked at.
 */
void pred_clock_ahead(const pred_recording *recording, uint32_t now, uint32_t n, double *ahead_s);

#endif
