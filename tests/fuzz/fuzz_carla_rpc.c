/* Any bytes as a message of the RPC: what the scan lets through can be unpacked, and read as any of
 * the structs without harm; what is read packs again. */
#include "sim-bridge/carla/carla_command.h"
#include "sim-bridge/carla/carla_rpc.h"
#include "tests/support/fuzz_target.h"

static void read_as_all(const msgpack_object *o)
{
    static carla_actor actor;
    static carla_definition definition;
    static carla_physics physics;
    carla_settings settings = {0};
    carla_command command;
    const msgpack_object *value = NULL;
    hp_error error;
    (void)!carla_rpc_value(o, &value, &error);
    (void)!carla_unpack(o, CARLA_DEFINITION, &definition, &error);
    (void)!carla_unpack(o, CARLA_PHYSICS, &physics, &error);
    (void)!carla_unpack_command(o, CARLA_0_9_12, &command, &error);
    (void)!carla_unpack_command(o, CARLA_0_9_16, &command, &error);
    (void)!carla_unpack(o, CARLA_SETTINGS, &settings, &error);
    actor = (carla_actor){0};
    if (carla_unpack(o, CARLA_ACTOR, &actor, &error) == HP_OK) {
        msgpack_sbuffer out;
        msgpack_packer packer;
        size_t used = 0;
        msgpack_sbuffer_init(&out);
        msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
        carla_pack(&packer, CARLA_ACTOR, &actor, CARLA_0_9_16);
        fuzz_must(carla_pack_scan(out.data, out.size, &used, &error) == HP_OK && used == out.size);
        msgpack_sbuffer_destroy(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    carla_doc doc = {0};
    hp_error error;
    size_t used = 0;
    const hp_status st = carla_pack_scan(data, size, &used, &error);
    fuzz_must(st == HP_OK || st == HP_EAGAIN || st == HP_EWIRE);
    if (st == HP_OK) {
        fuzz_must(used > 0 && used <= size);
        fuzz_must(carla_doc_read(&doc, data, used, &error) == HP_OK);
        const msgpack_object *top = &doc.unpacked.data;
        read_as_all(top);
        for (uint32_t i = 0; i < carla_items(top); ++i) {
            read_as_all(carla_item(top, i));
        }
        carla_doc_clear(&doc);
    }
    return 0;
}
