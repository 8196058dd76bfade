#include "sim-bridge/carla/carla_puppet.h"

#include "sim-bridge/carla/carla_frame.h"

#include <math.h>

enum { MAX_EVENTS = 64 };

/* A frame holds no more, and physics may go wild for a moment: cars in each other, for one. */
#define MOST_MPS 150.0
#define MOST_MPS2 900.0
#define MOST_RADPS 900.0
#define MOST_STEER_RAD 1.6

/** A half extent as it can be; two-wheelers and walkers sometimes report nonsense. */
static double size_of(float half, double otherwise)
{
    return half >= 0.1F && half <= 10.0F ? 2.0 * (double)half : otherwise;
}

carla_puppet carla_puppet_of(const carla_actor *actor, double length_m, double width_m)
{
    return (carla_puppet){
        .id = actor->id,
        .forward_m = fabsf(actor->box.location.x) < 10.0F ? (double)actor->box.location.x : 0.0,
        .length_m = size_of(actor->box.extent.x, length_m),
        .width_m = size_of(actor->box.extent.y, width_m)};
}

hp_pose carla_puppet_centre(const carla_puppet *puppet, const carla_transform *at)
{
    hp_pose pose = carla_to_pose(at);
    pose.x_m += puppet->forward_m * cos(pose.yaw_rad);
    pose.y_m += puppet->forward_m * sin(pose.yaw_rad);
    return pose;
}

static double within(double x, double most)
{
    return hp_clamp(x, -most, most);
}

hp_vec2 carla_puppet_velocity(const carla_entry *entry)
{
    const hp_vec2 v = carla_to_vec2(entry->velocity);
    return (hp_vec2){within(v.x_m, MOST_MPS), within(v.y_m, MOST_MPS)};
}

hp_ego_state carla_puppet_ego(const carla_puppet *puppet, const carla_entry *entry,
                              double full_steer_rad)
{
    const hp_pose pose = carla_puppet_centre(puppet, &entry->transform);
    const double c = cos(pose.yaw_rad);
    const double s = sin(pose.yaw_rad);
    const hp_vec2 v = carla_to_vec2(entry->velocity);
    const hp_vec2 a = carla_to_vec2(entry->acceleration);
    return (hp_ego_state){
        .pose = pose,
        .speed_mps = within(v.x_m * c + v.y_m * s, MOST_MPS),
        .accel_mps2 = within(a.x_m * c + a.y_m * s, MOST_MPS2),
        .steer_rad = within(-(double)entry->control.steer * full_steer_rad, MOST_STEER_RAD),
        .yaw_rate_radps = within(-(double)entry->angular_deg.z * HP_PI / 180.0, MOST_RADPS)};
}

carla_control carla_pedals(const carla_config *config, double speed_mps, double accel_mps2)
{
    carla_control out = {0};
    if (isnan(accel_mps2)) {
        out.brake = 1.0F;
        return out;
    }
    const double wanted =
        accel_mps2 + config->rolling_mps2 + config->drag_mps2_per_mps2 * speed_mps * speed_mps;
    out.throttle = (float)hp_clamp(wanted / config->throttle_mps2, 0.0, 1.0);
    out.brake = (float)hp_clamp(-wanted / config->brake_mps2, 0.0, 1.0);
    return out;
}

hp_status carla_learn_vehicle(carla_client *client, const carla_puppet *puppet, hp_world_info *info,
                              hp_error *error)
{
    carla_physics physics;
    const hp_status st = carla_client_physics(client, puppet->id, &physics, error);
    if (st != HP_OK) {
        return st;
    }
    info->ego_length_m = puppet->length_m;
    info->ego_width_m = puppet->width_m;
    if (physics.n_wheels >= 3) {
        const carla_vec3 front = physics.wheels[0].position_cm;
        const carla_vec3 rear = physics.wheels[2].position_cm;
        const double base_m =
            0.01 * hypot((double)front.x - (double)rear.x, (double)front.y - (double)rear.y);
        const double steer_rad = (double)physics.wheels[0].max_steer_deg * HP_PI / 180.0;
        info->ego_wheelbase_m = base_m > 0.3 && base_m < 15.0 ? base_m : info->ego_wheelbase_m;
        info->max_steer_rad = steer_rad > 0.05 && steer_rad < 1.4 ? steer_rad : info->max_steer_rad;
    }
    return HP_OK;
}

hp_status carla_next_contact(carla_stream *contacts, uint32_t *id)
{
    for (int i = 0; i < MAX_EVENTS; ++i) {
        carla_doc doc = {0};
        const uint8_t *bytes = NULL;
        size_t len = 0;
        size_t used = 0;
        hp_error error;
        const hp_status st = carla_stream_next(contacts, 0.0, &bytes, &len, &error);
        if (st != HP_OK) {
            return st;
        }
        const bool good =
            len > CARLA_SENSOR_HEADER &&
            carla_pack_scan(bytes + CARLA_SENSOR_HEADER, len - CARLA_SENSOR_HEADER, &used,
                            &error) == HP_OK &&
            carla_doc_read(&doc, bytes + CARLA_SENSOR_HEADER, used, &error) == HP_OK &&
            carla_get_u32(carla_item(carla_item(&doc.unpacked.data, 1), 0), id);
        carla_doc_clear(&doc);
        if (good) {
            return HP_OK;
        }
    }
    return HP_EAGAIN;
}
