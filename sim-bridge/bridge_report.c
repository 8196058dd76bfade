#include "sim-bridge/bridge_report.h"

#include "common/hp_file.h"
#include "proto/hp_codec.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 1200 };

struct bridge_report {
    char dir[PATH_BYTES];
    char path[PATH_BYTES + 16], temporary[PATH_BYTES + 16]; /* of steps.csv */
    FILE *steps;
    json_t *root;     /* episodes.json */
    json_t *episodes; /* its list */
};

static hp_status open_steps(bridge_report *r, hp_error *error)
{
    (void)snprintf(r->path, sizeof r->path, "%s/steps.csv", r->dir);
    (void)snprintf(r->temporary, sizeof r->temporary, "%s/steps.csv.tmp", r->dir);
    r->steps = fopen(r->temporary, "we");
    if (r->steps == NULL) {
        return hp_fail(error, HP_EIO, "%s: cannot write: %s", r->temporary, strerror(errno));
    }
    (void)fputs("episode,tick,t_s,x_m,y_m,yaw_rad,speed_mps,accel_mps2,steer_rad,"
                "command_accel_mps2,command_steer_rad,source,guarded,n_agents,nearest_id,"
                "nearest_m\n",
                r->steps);
    return HP_OK;
}

hp_status bridge_report_open(const char *dir, const char *world, const char *title, uint64_t seed,
                             bridge_report **out, hp_error *error)
{
    bridge_report *r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for the report");
    }
    (void)snprintf(r->dir, sizeof r->dir, "%s", dir);
    r->episodes = json_array();
    r->root = json_pack("{s:s, s:s, s:I, s:O}", "world", world, "title", title, "seed",
                        (json_int_t)seed, "episodes", r->episodes);
    const hp_status st = r->root != NULL ? open_steps(r, error)
                                         : hp_fail(error, HP_ENOMEM, "no memory for the report");
    if (st != HP_OK) {
        (void)!bridge_report_close(&r, NULL);
        return st;
    }
    *out = r;
    return HP_OK;
}

hp_status bridge_report_close(bridge_report **report, hp_error *error)
{
    bridge_report *r = *report;
    hp_status st = HP_OK;
    if (r == NULL) {
        return HP_OK;
    }
    const bool written = r->steps != NULL;
    st = hp_file_close(&r->steps, r->path, error);
    if (written && st == HP_OK && rename(r->temporary, r->path) != 0) {
        st = hp_fail(error, HP_EIO, "%s: cannot write: %s", r->path, strerror(errno));
    }
    json_decref(r->episodes);
    json_decref(r->root);
    free(r);
    *report = NULL;
    return st;
}

/** The agent whose box comes nearest to the ego's reference point. */
static const hp_agent *nearest(const hp_frame *frame, double *gap_m)
{
    const hp_vec2 ego = {frame->ego.pose.x_m, frame->ego.pose.y_m};
    const hp_agent *best = NULL;
    for (uint32_t i = 0; i < frame->n_agents; i++) {
        const hp_agent *a = &frame->agents[i];
        const hp_box box = {a->pose, a->length_m, a->width_m};
        const double d = hp_box_distance(&box, ego);
        if (best == NULL || d < *gap_m) {
            best = a;
            *gap_m = d;
        }
    }
    return best;
}

void bridge_report_tick(bridge_report *report, uint32_t episode, const hp_frame *frame,
                        const hp_command *command)
{
    FILE *out = report->steps;
    const hp_ego_state *e = &frame->ego;
    double gap_m = 0.0;
    const hp_agent *near = nearest(frame, &gap_m);
    (void)fprintf(out, "%" PRIu32 ",%" PRIu32 ",%.3f,%.4f,%.4f,%.5f,%.4f,%.4f,%.5f,", episode,
                  frame->tick, (double)frame->stamp_ns * 1e-9, e->pose.x_m, e->pose.y_m,
                  e->pose.yaw_rad, e->speed_mps, e->accel_mps2, e->steer_rad);
    if (command != NULL) {
        (void)fprintf(out, "%.4f,%.5f,%s,%d,", command->accel_mps2, command->steer_rad,
                      hp_source_name(command->source), command->guarded ? 1 : 0);
    } else {
        (void)fputs(",,watchdog,0,", out);
    }
    (void)fprintf(out, "%" PRIu32 ",", frame->n_agents);
    if (near != NULL) {
        (void)fprintf(out, "%" PRIu32 ",%.3f\n", near->id, gap_m);
    } else {
        (void)fputs(",\n", out);
    }
}

/** A number, or null where there is none (JSON knows neither nan nor infinity). */
static json_t *real(double value)
{
    json_t *json = json_real(value);
    return json != NULL ? json : json_null();
}

static json_t *judged(const sim_result *r)
{
    char hash[20];
    (void)snprintf(hash, sizeof hash, "%016" PRIx64, r->command_hash);
    return json_pack(
        "{s:s, s:b, s:b, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, "
        "s:I, s:I, s:I, s:s}",
        "verdict", sim_verdict_text(r->verdict), "goal", r->verdict == HP_VERDICT_GOAL, "crash",
        r->crash != SIM_CRASH_NONE, "crash_kind", sim_crash_text(r->crash), "near_miss",
        r->near_miss, "near_miss_applies", r->near_miss_applies, "safe_arrival", r->safe_arrival,
        "ttg_s", real(r->ttg_s), "progress_m", real(r->progress_m), "impact_mps",
        real(r->impact_mps), "min_ttc_s", real(r->min_ttc_s), "min_gap_m", real(r->min_gap_m),
        "max_speed_mps", real(r->max_speed_mps), "rms_jerk_mps3", real(r->rms_jerk_mps3), "ticks",
        (json_int_t)r->ticks, "interventions", (json_int_t)r->interventions, "hard_brakes",
        (json_int_t)r->hard_brakes, "switches", (json_int_t)r->switches, "command_hash", hash);
}

hp_status bridge_report_episode(bridge_report *report, const bridge_outcome *outcome,
                                const sim_result *result, hp_error *error)
{
    json_t *episode = judged(result);
    json_t *more =
        json_pack("{s:I, s:b, s:b, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "episode",
                  (json_int_t)outcome->episode, "planner_lost", outcome->planner_lost, "stopped",
                  outcome->stopped, "watchdog", (json_int_t)outcome->watchdog, "resent",
                  (json_int_t)outcome->resent, "refused", (json_int_t)outcome->refused,
                  "planner_generation", (json_int_t)outcome->planners, "sources", "search",
                  (json_int_t)result->sources[HP_SOURCE_SEARCH], "policy",
                  (json_int_t)result->sources[HP_SOURCE_POLICY], "comfort_brake",
                  (json_int_t)result->sources[HP_SOURCE_COMFORT_BRAKE], "hard_brake",
                  (json_int_t)result->sources[HP_SOURCE_HARD_BRAKE]);
    const bool good = episode != NULL && more != NULL && json_object_update(episode, more) == 0 &&
                      json_array_append(report->episodes, episode) == 0;
    json_decref(more);
    json_decref(episode);
    char *text = good ? json_dumps(report->root, JSON_INDENT(2)) : NULL;
    if (text == NULL) {
        return hp_fail(error, HP_ENOMEM, "cannot compose episodes.json");
    }
    (void)fflush(report->steps);
    const size_t len = strlen(text);
    text[len] = '\n'; /* in the place of the zero: files end with a newline */
    const hp_status st = hp_file_write(report->dir, "episodes.json", text, len + 1, error);
    free(text);
    return st;
}
