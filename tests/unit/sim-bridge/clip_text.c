#include "tests/unit/sim-bridge/clip_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void clip_write(clip_writer *writer, const char *format, ...)
{
    if (writer->cap - writer->len < 512) {
        writer->cap = 2 * writer->cap + 4096;
        writer->bytes = realloc(writer->bytes, writer->cap);
        if (writer->bytes == NULL) {
            abort();
        }
    }
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(writer->bytes + writer->len, 512, format, args);
    va_end(args);
    if (n < 0 || n >= 512) {
        abort();
    }
    writer->len += (size_t)n;
}

void clip_write_file(clip_writer *writer, bool vehicles, const clip_motion *tracks, uint32_t n)
{
    uint32_t last = 0;
    clip_write(writer, "id,frame,label,x_est,y_est,%s\n",
               vehicles ? "psi_est,vel_est" : "vx_est,vy_est");
    for (uint32_t i = 0; i < n; ++i) {
        const uint32_t end = tracks[i].first_frame + tracks[i].n_frames;
        last = end > last ? end : last;
    }
    for (uint32_t frame = 0; frame < last; ++frame) {
        for (uint32_t i = 0; i < n; ++i) {
            const clip_motion *m = &tracks[i];
            const double t = frame / CLIP_DUT_HZ;
            if (frame < m->first_frame || frame >= m->first_frame + m->n_frames) {
                continue;
            }
            clip_write(writer, "%u,%u,%s,%.12g,%.12g,%.12g,%.12g\n", m->id, frame,
                       vehicles ? "veh" : "ped", m->x_m + t * m->vx_mps, m->y_m + t * m->vy_mps,
                       vehicles ? atan2(m->vy_mps, m->vx_mps) : m->vx_mps,
                       vehicles ? hypot(m->vx_mps, m->vy_mps) : m->vy_mps);
        }
    }
}

void clip_writer_free(clip_writer *writer)
{
    free(writer->bytes);
    *writer = (clip_writer){NULL, 0, 0};
}

sim_clip *clip_make(const clip_motion *walkers, uint32_t n_walkers, const clip_motion *cars,
                    uint32_t n_cars)
{
    clip_writer files[2] = {{NULL, 0, 0}, {NULL, 0, 0}};
    sim_clip *clip = NULL;
    hp_error error;
    clip_write_file(&files[0], false, walkers, n_walkers);
    clip_write_file(&files[1], true, cars, n_cars);
    const sim_clip_text ped = {"ped.csv", files[0].bytes, files[0].len};
    const sim_clip_text veh = {"veh.csv", files[1].bytes, files[1].len};
    if (sim_clip_parse(&ped, &veh, SIM_CLIP_DUT, &clip, &error) != HP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        abort();
    }
    clip_writer_free(&files[0]);
    clip_writer_free(&files[1]);
    return clip;
}
