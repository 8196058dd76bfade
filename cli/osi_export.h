/** @file osi_export.h Frames as ASAM OSI ground truth: what simulators and their checkers read.
 *
 *  An .osi trace is a row of [u32 length][osi3.GroundTruth], little-endian. The fields are those of
 *  proto/foreign/osi3.proto; frames are in OSI's own conventions already (right-handed, SI, box
 * centres). Identifiers: 1 the ego, 1000 + id agents, 1000000 + id boxes. Heights are not in our
 * frames: 1.5 m for vehicles and boxes, 1.75 m for people. Ownership: writes into the caller's
 * bytes. Threads: pure. Allocation: none. */
#ifndef OSI_EXPORT_H
#define OSI_EXPORT_H

#include "cli/pb_out.h"
#include "proto/hp_msgs.h"

/** The release whose numbers are written, the layout of traces, and the protobuf that describes
 *  them. */
#define OSI_EXPORT_VERSION "3.6.0"
#define OSI_EXPORT_TRACE "1.0.0"
#define OSI_EXPORT_PROTOBUF "3.21.12"

/** One message, without its length. What the sensor saw: hidden agents are not in frames. */
void osi_ground_truth(const hp_world_info *info, const hp_frame *frame, pb_out *out);

#endif
