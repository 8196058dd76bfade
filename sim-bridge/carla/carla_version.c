#include "sim-bridge/carla/carla_version.h"

#include <string.h>

static const char *const TEXTS[CARLA_VERSIONS] = {"0.9.12", "0.9.13", "0.9.14",
                                                  "0.9.15", "0.9.16", "0.10.0"};

const char *carla_version_text(carla_version version)
{
    return TEXTS[version];
}

hp_status carla_version_parse(const char *text, size_t len, carla_version *out, hp_error *error)
{
    for (size_t i = 0; i < CARLA_VERSIONS; ++i) {
        const size_t n = strlen(TEXTS[i]);
        const int more = len > n ? text[n] : '-';
        if (len < n || memcmp(text, TEXTS[i], n) != 0 || (more >= '0' && more <= '9')) {
            continue;
        }
        if (i == CARLA_0_10_0) {
            break;
        }
        *out = (carla_version)i;
        return HP_OK;
    }
    return hp_fail(error, HP_EVERSION,
                   "the server is CARLA %.*s: only 0.9.12 to 0.9.16 are supported (0.10 has other "
                   "layouts)",
                   (int)(len < 40 ? len : 40), text);
}

uint32_t carla_version_string_type(carla_version version)
{
    return version == CARLA_0_9_16 ? 4 : 3;
}

uint32_t carla_version_observer_type(carla_version version)
{
    /* 0.9.16 has a camera more before it, as the official client of that release shows. */
    static const uint32_t TYPES[CARLA_VERSIONS] = {14, 15, 16, 16, 17, 16};
    return TYPES[version];
}
