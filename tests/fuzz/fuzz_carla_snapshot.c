/* Any bytes as a message of the world's stream: what is taken can be read to the last actor. */
#include "sim-bridge/carla/carla_observer.h"
#include "tests/support/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    carla_snapshot snapshot;
    carla_token token;
    carla_entry entry;
    hp_error error;
    (void)!carla_token_read(data, size, &token, &error);
    if (carla_snapshot_read(data, size, CARLA_0_9_15, &snapshot, &error) == HP_OK) {
        for (uint32_t i = 0; i < snapshot.n_actors; ++i) {
            (void)carla_entry_read(&snapshot, i, CARLA_ENTRY_VEHICLE, &entry);
            (void)carla_entry_read(&snapshot, i, CARLA_ENTRY_WALKER, &entry);
            fuzz_must(entry.id == carla_entry_id(&snapshot, i));
        }
    }
    return 0;
}
