#include "cli/town.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** True if DIR/TOWN.xodr can be read; path is then its name. */
static bool is_there(const char *dir, int dir_len, const char *below, const char *town,
                     char path[CLI_PATH])
{
    const int n = snprintf(path, CLI_PATH, "%.*s%s/%s.xodr", dir_len, dir, below, town);
    return n > 0 && n < CLI_PATH && access(path, R_OK) == 0;
}

bool town_find(const cli_common *common, const char *town, const char *recording,
               char path[CLI_PATH])
{
    static const char *const BELOW[] = {"/carla-towns", "/scenarios/carla-towns", ""};
    const char *slash = strrchr(recording, '/');
    const bool plain = town[0] != '\0' && strchr(town, '/') == NULL;
    if (plain && is_there(slash != NULL ? recording : ".",
                          slash != NULL ? (int)(slash - recording) : 1, "", town, path)) {
        return true;
    }
    for (size_t i = 0; plain && i < sizeof BELOW / sizeof BELOW[0]; i++) {
        if (is_there(common->data_dir, (int)strlen(common->data_dir), BELOW[i], town, path)) {
            return true;
        }
    }
    path[0] = '\0';
    return false;
}
