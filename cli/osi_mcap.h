/** @file osi_mcap.h OSI ground truth as an MCAP file, as ASAM OSI lays out its multi-channel
 * traces: one channel "ground_truth" with the schema osi3.GroundTruth, the versions in the channel
 * and in a metadata record, log time and publish time the message's own. Ownership: a file owns its
 * descriptor and writer. Threads: one. Allocation: in open and in the writer. */
#ifndef OSI_MCAP_H
#define OSI_MCAP_H

#include "common/hp_status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct osi_mcap osi_mcap;

/** Makes path anew. */
HP_NODISCARD hp_status osi_mcap_open(const char *path, osi_mcap **out, hp_error *error);
HP_NODISCARD hp_status osi_mcap_put(osi_mcap *file, int64_t stamp_ns, const void *message,
                                    size_t len, hp_error *error);
/** Completes the file and frees it. */
HP_NODISCARD hp_status osi_mcap_close(osi_mcap **file, hp_error *error);

#endif
