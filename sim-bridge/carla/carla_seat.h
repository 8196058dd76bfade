/** @file carla_seat.h The driver's seat: what driving an ego in a CARLA server takes, whoever owns
 *  the clock and whoever has spawned the ego.
 *
 *  A world begins with its seat, so that the seat's functions can stand in the bridge's table. When
 *  a step fails, the episode is over: the ego is told to brake, over a new connection where the old
 *  one is of no use, and trouble() says what has happened.
 *  Ownership: a seat owns its session. Threads: one. Allocation: the session's. */
#ifndef CARLA_SEAT_H
#define CARLA_SEAT_H

#include "sim-bridge/bridge_world.h"
#include "sim-bridge/carla/carla_client.h"
#include "sim-bridge/carla/carla_puppet.h"
#include "sim-bridge/sim_world.h"

typedef struct carla_world_setup {
    const carla_config *carla;
    const sim_config *sim; /* tick, sensor; vehicle: only where the server does not tell */
    const sim_scenario *scenario;
    sim_scene scene;
    uint32_t episode;
    uint64_t seed;
    const hp_clock *clock; /* must outlive the world */
    const hp_log *log;     /* NULL: none */
} carla_world_setup;

typedef struct carla_seat {
    carla_config config;
    sim_config sim;
    sim_scenario scenario;
    const hp_clock *clock;
    const hp_log *log;
    char mark[CARLA_MARK_TEXT];
    carla_client *client;
    uint64_t episode;   /* the server's */
    bool lost;          /* the connection is of no use any more */
    bool gone;          /* so is the episode, and everybody in it */
    uint32_t newest_id; /* of those who were there before we spawned anybody */
    bool astray;        /* the server has not said what came of a spawn */
    carla_stream *contacts;
    bool deaf; /* it could not be opened again */
    uint32_t sensor_id;
    carla_puppet ego_puppet; /* id 0: none yet */
    hp_world_info info;
    hp_ego_state ego;
    double full_steer_rad; /* wheel angle at full steering */
    float steer;           /* last */
    /* Everybody else, and their ids in the server; 0: a free place. */
    uint32_t n_bodies, ids[SIM_SENSOR_BODIES];
    sim_body bodies[SIM_SENSOR_BODIES], present[SIM_SENSOR_BODIES];
    sim_judge judge;
    sim_sensor sensor;
    uint32_t n_looked;
    char trouble[sizeof((hp_error *)0)->text];
} carla_seat;

/** Takes a copy of the setup; nobody is connected yet. */
HP_NODISCARD hp_status carla_seat_init(carla_seat *seat, const carla_world_setup *setup,
                                       hp_error *error);
/** The ego is there: learns what it is like, and puts a collision sensor of this role on it. */
HP_NODISCARD hp_status carla_seat_learn_ego(carla_seat *seat, hp_error *error);
HP_NODISCARD hp_status carla_seat_watch(carla_seat *seat, const char *role, hp_error *error);
/** What came of a spawn. */
void carla_seat_spawned(carla_seat *seat, hp_status st);
/** All is ready; the verdict is running. */
void carla_seat_begin(carla_seat *seat);

/** Pedals and wheel for a command; what is not a number brakes and keeps the wheel. */
carla_control carla_seat_control(carla_seat *seat, double accel_mps2, double steer_rad);

/** Lets the world go on by a tick under a command, and reads what has come of it. */
typedef hp_status (*carla_advance)(carla_seat *seat, const hp_command *command, hp_error *error);
void carla_seat_step(carla_seat *seat, const hp_command *command, carla_advance advance);

/** Runs commands [n], maybe none; where they cannot be said over the old connection, over a new
 * one. HP_EINVAL: some failed, as when their actor is not there any more. HP_ENOENT: the episode is
 *  gone, and with it whom they are for. */
HP_NODISCARD hp_status carla_seat_insist(carla_seat *seat, const carla_command *commands,
                                         uint32_t n, hp_error *error);
/** Destroys what may have been spawned although the server did not say so; for the end, after
 *  carla_seat_insist. role: of all but the ego; ego: its blueprint, NULL if it is not ours. */
void carla_seat_sweep(carla_seat *seat, const char *role, const char *ego);
/** Ends the session. */
void carla_seat_close(carla_seat *seat);

/* For the bridge's table; self begins with a seat. */
void carla_seat_observe(void *self, hp_frame *frame);
void carla_seat_info(const void *self, hp_world_info *info);
const sim_result *carla_seat_result(const void *self);
const char *carla_seat_trouble(const void *self);

#endif
