/* Any bytes as a recording: the pedestrian file, a line of "---", the vehicle file. What is refused
 * is told in one line that names the file; what is accepted is finite, in order, and can be played.
 */
#include "sim-bridge/sim_clip.h"
#include "tests/support/fuzz_target.h"

#include <math.h>
#include <string.h>

enum { STEPS = 60 };

static const char DIVIDER[] = "---\n";

static void check_track(const sim_track *track)
{
    sim_clip_row row;
    fuzz_must(track->n_rows >= 2 && track->start_s < track->end_s);
    for (uint32_t i = 0; i < track->n_rows; ++i) {
        const sim_clip_row *r = &track->rows[i];
        fuzz_must(isfinite(r->pose.x_m) && isfinite(r->pose.y_m) && isfinite(r->pose.yaw_rad));
        fuzz_must(isfinite(r->vx_mps) && isfinite(r->vy_mps));
    }
    fuzz_must(sim_track_at(track, 0.5 * (track->start_s + track->end_s), &row));
    fuzz_must(fabs(row.pose.yaw_rad) <= HP_PI);
    fuzz_must(!sim_track_at(track, track->start_s - 1.0, &row));
}

static void play(const sim_clip *clip, uint32_t car_id, bool human)
{
    static hp_frame frame;
    static hp_world_info info;
    sim_config config;
    bridge_world world;
    hp_error error;
    sim_config_default(&config);
    if (sim_replay_create(clip, car_id, human, &config, &world, &error) != HP_OK) {
        fuzz_must(world.self == NULL);
        return;
    }
    world.ops->info(world.self, &info);
    fuzz_must(info.n_route >= 2 && info.n_route <= HP_MAX_ROUTE);
    for (uint32_t i = 0; i < info.n_route; ++i) {
        fuzz_must(isfinite(info.route[i].x_m) && isfinite(info.route[i].y_m));
    }
    for (int i = 0; i < STEPS; ++i) {
        const hp_command command = {.accel_mps2 = i % 3 - 1.0};
        world.ops->observe(world.self, &frame);
        fuzz_must(frame.n_agents <= HP_MAX_AGENTS && isfinite(frame.ego.pose.x_m));
        world.ops->step(world.self, &command);
    }
    fuzz_must(world.ops->result(world.self)->verdict <= HP_VERDICT_STOPPED);
    world.ops->destroy(world.self);
}

static void check_clip(const sim_clip *clip)
{
    const sim_track *tracks = NULL;
    uint32_t ids[4];
    const uint32_t n = sim_clip_tracks(clip, &tracks);
    for (uint32_t i = 0; i < n; ++i) {
        check_track(&tracks[i]);
        fuzz_must(i == 0 || tracks[i].kind != tracks[i - 1].kind ||
                  tracks[i].id > tracks[i - 1].id);
    }
    const uint32_t cars = sim_clip_eligible(clip, ids, 4);
    for (uint32_t i = 0; i < cars && i < 4; ++i) {
        play(clip, ids[i], false);
        play(clip, ids[i], true);
    }
    play(clip, 0, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t split = 0;
    sim_clip *clip = NULL;
    hp_error error;
    while (split + 4 < size && memcmp(text + split, DIVIDER, 4) != 0) {
        ++split;
    }
    const size_t rest = split + 4 < size ? split + 4 : size;
    const sim_clip_text walkers = {"p.csv", text, split};
    const sim_clip_text vehicles = {"v.csv", text + rest, size - rest};
    const sim_clip_kind kind = size % 2 == 0 ? SIM_CLIP_DUT : SIM_CLIP_CITR;
    if (sim_clip_parse(&walkers, &vehicles, kind, &clip, &error) == HP_OK) {
        check_clip(clip);
        sim_clip_destroy(&clip);
    } else {
        fuzz_must(clip == NULL && strchr(error.text, '\n') == NULL);
        fuzz_must(strncmp(error.text, "p.csv:", 6) == 0 || strncmp(error.text, "v.csv:", 6) == 0);
    }
    return 0;
}
