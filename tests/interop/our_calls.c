/* Our client makes the calls that calls.py makes with the official one, in the same order; prints
 * the same facts. usage: our_calls PORT RECORDING */
#include "sim-bridge/carla/carla_client.h"
#include "sim-bridge/carla/carla_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int complain(const hp_error *error)
{
    (void)fprintf(stderr, "our_calls: %s\n", error->text);
    return 1;
}

static bool nothing(void *ctx, const carla_actor *actor)
{
    (void)ctx;
    (void)actor;
    return true;
}

static void print_vec3(carla_vec3 v)
{
    (void)printf(" %.9g %.9g %.9g", (double)v.x, (double)v.y, (double)v.z);
}

/** An actor of a snapshot, number by number. */
static void print_entry(const carla_snapshot *snapshot, uint32_t id, carla_entry_kind kind)
{
    carla_entry e;
    for (uint32_t i = 0; i < snapshot->n_actors; ++i) {
        if (carla_entry_id(snapshot, i) == id && carla_entry_read(snapshot, i, kind, &e)) {
            (void)printf("%u at", id);
            print_vec3(e.transform.location);
            (void)printf(" turned %.9g %.9g %.9g moves", (double)e.transform.rotation.pitch,
                         (double)e.transform.rotation.yaw, (double)e.transform.rotation.roll);
            print_vec3(e.velocity);
            print_vec3(e.acceleration);
            print_vec3(e.angular_deg);
            if (kind == CARLA_ENTRY_VEHICLE) {
                (void)printf(" control %.9g %.9g %.9g %d", (double)e.control.throttle,
                             (double)e.control.steer, (double)e.control.brake, (int)e.control.gear);
            }
            (void)putchar('\n');
        }
    }
}

typedef struct cast {
    carla_client *client;
    carla_actor car, walker;
    uint32_t car_id, walker_id, sensor_id;
    carla_stream *contacts;
} cast;

static hp_status set_the_scene(cast *c, hp_error *error)
{
    const carla_transform at_car = {{2.0F, 270.0F, 0.25F}, {0.0F, -90.0F, 0.0F}};
    const carla_transform at_walker = {{6.0F, 240.0F, 1.0F}, {0.0F, 0.0F, 0.0F}};
    carla_settings settings;
    char map[64];
    carla_text text;
    carla_snapshot snapshot;
    hp_status st = carla_client_wait(c->client, &snapshot, error);
    st = st == HP_OK ? carla_client_list(c->client, &snapshot, nothing, NULL, error) : st;
    st = st == HP_OK ? carla_client_settings(c->client, &settings, error) : st;
    settings.synchronous = true;
    settings.fixed_delta_s = 0.05;
    st = st == HP_OK ? carla_client_set(c->client, &settings, error) : st;
    st = st == HP_OK ? carla_client_map(c->client, map, sizeof map, error) : st;
    st = st == HP_OK ? carla_client_map_text(c->client, &text, error) : st;
    st = st == HP_OK
             ? carla_client_spawn(c->client, "vehicle.audi.tt", "hero", &at_car, &c->car, error)
             : st;
    c->car_id = c->car.id;
    st = st == HP_OK ? carla_client_spawn(c->client, "walker.pedestrian.0001", CARLA_OUR_ROLE,
                                          &at_walker, &c->walker, error)
                     : st;
    c->walker_id = c->walker.id;
    return st == HP_OK ? carla_client_watch(c->client, CARLA_OUR_ROLE, c->car_id, &c->sensor_id,
                                            &c->contacts, error)
                       : st;
}

static hp_status play(cast *c, const char *recording, hp_error *error)
{
    carla_snapshot snapshot;
    carla_physics physics;
    const carla_command commands[] = {
        {.kind = CARLA_CMD_CONTROL,
         .actor = c->car_id,
         .control = {.throttle = 0.5F, .steer = -0.25F}},
        {.kind = CARLA_CMD_WALKER_CONTROL,
         .actor = c->walker_id,
         .walker = {.direction = {0.0F, 1.0F, 0.0F}, .speed_mps = 1.5F}},
        {.kind = CARLA_CMD_VELOCITY, .actor = c->car_id, .vector = {0.0F, -3.0F, 0.0F}},
        {.kind = CARLA_CMD_TRANSFORM,
         .actor = c->car_id,
         .transform = {{3.0F, 260.0F, 0.25F}, {0.0F, -80.0F, 0.0F}}},
        {.kind = CARLA_CMD_SIMULATE_PHYSICS, .actor = c->car_id, .on = true}};
    hp_status st = carla_client_record(c->client, recording, error);
    st = st == HP_OK ? carla_client_physics(c->client, c->car_id, &physics, error) : st;
    st = st == HP_OK ? carla_client_batch(c->client, commands, HP_ARRAY_LEN(commands), error) : st;
    for (int i = 0; i < 20 && st == HP_OK; ++i) {
        st = carla_client_tick(c->client, &snapshot, error);
        if (st == HP_OK) {
            print_entry(&snapshot, c->car_id, CARLA_ENTRY_VEHICLE);
            print_entry(&snapshot, c->walker_id, CARLA_ENTRY_WALKER);
        }
    }
    st = st == HP_OK ? carla_client_cruise(c->client, c->car_id, 4.0, error) : st;
    st = st == HP_OK ? carla_client_tick(c->client, &snapshot, error) : st;
    if (st == HP_OK) {
        print_entry(&snapshot, c->car_id, CARLA_ENTRY_VEHICLE);
    }
    return st == HP_OK ? carla_client_record(c->client, NULL, error) : st;
}

static hp_status end(cast *c, hp_error *error)
{
    const carla_command destroy[] = {{.kind = CARLA_CMD_DESTROY, .actor = c->sensor_id},
                                     {.kind = CARLA_CMD_DESTROY, .actor = c->walker_id},
                                     {.kind = CARLA_CMD_DESTROY, .actor = c->car_id}};
    carla_settings settings;
    hp_status st = carla_client_batch(c->client, destroy, HP_ARRAY_LEN(destroy), error);
    st = st == HP_OK ? carla_client_settings(c->client, &settings, error) : st;
    settings.synchronous = false;
    settings.fixed_delta_s = 0.0;
    st = st == HP_OK ? carla_client_set(c->client, &settings, error) : st;
    return st == HP_OK ? carla_client_load(c->client, "Town01", error) : st;
}

int main(int argc, char **argv)
{
    const hp_clock clock = hp_clock_real();
    static cast c;
    hp_error error = {{0}};
    if (argc != 3) {
        return 2;
    }
    const carla_endpoint endpoint = {.host = "127.0.0.1",
                                     .port = (uint16_t)strtoul(argv[1], NULL, 10),
                                     .connect_s = 5.0,
                                     .timeout_s = 60.0};
    hp_status st = carla_client_connect(&endpoint, &clock, &c.client, &error);
    st = st == HP_OK ? set_the_scene(&c, &error) : st;
    st = st == HP_OK ? play(&c, argv[2], &error) : st;
    st = st == HP_OK ? end(&c, &error) : st;
    carla_stream_close(&c.contacts);
    carla_client_close(&c.client);
    return st == HP_OK ? 0 : complain(&error);
}
