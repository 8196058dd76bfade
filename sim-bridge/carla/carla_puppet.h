/** @file carla_puppet.h Actors of the server as bodies of ours: sizes, centres, pedals.
 *  Threads: pure, but for the one that asks the server. Allocation: none. */
#ifndef CARLA_PUPPET_H
#define CARLA_PUPPET_H

#include "proto/hp_msgs.h"
#include "sim-bridge/carla/carla_client.h"
#include "sim-bridge/carla/carla_config.h"
#include "sim-bridge/carla/carla_stream.h"
#include "sim-bridge/sim_judge.h"

/** What an actor is like. */
typedef struct carla_puppet {
    uint32_t id;      /* 0: none */
    double forward_m; /* of its box's centre before its origin */
    double length_m, width_m;
    double cruise_mps; /* what it was told last; cars */
    bool seen;         /* in the last snapshot */
} carla_puppet;

/** Sizes as the server tells them, or otherwise where they are nonsense. */
carla_puppet carla_puppet_of(const carla_actor *actor, double length_m, double width_m);
hp_pose carla_puppet_centre(const carla_puppet *puppet, const carla_transform *at);
/** Velocity, within what a frame holds. */
hp_vec2 carla_puppet_velocity(const carla_entry *entry);
/** The ego's state from its entry in a snapshot, within what a frame holds. */
hp_ego_state carla_puppet_ego(const carla_puppet *puppet, const carla_entry *entry,
                              double full_steer_rad);

/** Pedals for an acceleration at a speed; the steering stays open. Not a number: full brake. */
carla_control carla_pedals(const carla_config *config, double speed_mps, double accel_mps2);

/** Size, wheelbase and steering range as the server has them; what makes no sense is left. */
HP_NODISCARD hp_status carla_learn_vehicle(carla_client *client, const carla_puppet *puppet,
                                           hp_world_info *info, hp_error *error);

/** Next actor that a collision sensor's stream has told of. HP_EAGAIN: nothing more for now;
 *  otherwise the stream is of no use any more. */
HP_NODISCARD hp_status carla_next_contact(carla_stream *contacts, uint32_t *id);

#endif
