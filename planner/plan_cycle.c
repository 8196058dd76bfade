#include "planner/plan_cycle.h"

#include "common/hp_rng.h"
#include "planner/plan_belief.h"
#include "planner/plan_detour.h"
#include "planner/plan_engine.h"
#include "planner/plan_guard.h"
#include "planner/plan_leave.h"
#include "planner/plan_path.h"
#include "planner/plan_phantom.h"
#include "planner/plan_room.h"
#include "planner/plan_steer.h"
#include "planner/plan_track.h"
#include "planner/plan_yield.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MISSES_TO_HARD_BRAKE 3 /* decisions without an answer until braking turns hard */
#define SPEED_REACTION_S 0.4   /* time in which the speed settles on the path's */

struct plan_cycle {
    plan_config config;
    uint32_t version, n_settings;
    hp_setting settings[HP_MAX_TUNING];
    predictor_cv_config stand_in;
    plan_workers workers;
    const hp_clock *clock;
    uint32_t decision_every; /* ticks */
    /* one episode */
    hp_world_info info;
    hp_rng stream;
    plan_path path;
    plan_detour detour;
    bool outdated; /* both were laid with former thresholds */
    plan_tracks tracks;
    bool decided;       /* at least once in this episode ... */
    uint32_t slot;      /* ... the last time in this stretch of decision_every ticks */
    hp_plan_reply plan; /* the last answer of the search */
    uint32_t misses;    /* decisions in a row without an answer */
    plan_engine engine;
    /* one tick */
    bool waits[HP_MAX_AGENTS]; /* of each agent of the frame */
    bool leaves;               /* somebody does, beside the ego */
    hp_predict_request predict_request;
    hp_predict_reply prediction;
    hp_plan_request belief;
    hp_decision *decision;
    int64_t stage_start_ns;
};

static void take_config(plan_cycle *cycle, const plan_config *config)
{
    cycle->config = *config;
    cycle->config.guard.observed_s = config->control.sensor_delay_s;
    cycle->config.belief.observed_s = config->control.sensor_delay_s;
}

hp_status plan_cycle_create(const plan_config *config, const predictor_cv_config *stand_in,
                            const plan_workers *workers, const hp_clock *clock, plan_cycle **out)
{
    plan_cycle *cycle = calloc(1, sizeof *cycle);
    *out = cycle;
    if (cycle == NULL) {
        return HP_ENOMEM;
    }
    take_config(cycle, config);
    cycle->stand_in = *stand_in;
    cycle->workers = *workers;
    cycle->clock = clock;
    cycle->decision_every =
        (uint32_t)(config->control.rate_hz / config->control.decision_rate_hz + 0.5);
    return HP_OK;
}

hp_status plan_cycle_configure(plan_cycle *cycle, const plan_config *config)
{
    const plan_control_config *old = &cycle->config.control;
    const plan_control_config *new = &config->control;
    if (old->rate_hz != new->rate_hz || old->decision_rate_hz != new->decision_rate_hz ||
        old->deadline_ms != new->deadline_ms || old->delay_ticks != new->delay_ticks ||
        old->sensor_delay_s != new->sensor_delay_s) {
        return HP_ECONFIG;
    }
    take_config(cycle, config);
    cycle->outdated = true;
    return HP_OK;
}

void plan_cycle_settings(plan_cycle *cycle, uint32_t version, const hp_setting *settings,
                         uint32_t n)
{
    assert(n <= HP_MAX_TUNING);
    cycle->version = version;
    cycle->n_settings = n;
    memcpy(cycle->settings, settings, n * sizeof settings[0]);
}

void plan_cycle_destroy(plan_cycle **cycle)
{
    free(*cycle);
    *cycle = NULL;
}

void plan_cycle_begin(plan_cycle *cycle, const hp_world_info *info, uint64_t seed)
{
    cycle->info = *info;
    cycle->stream = hp_rng_lane(hp_rng_seed(seed), info->episode);
    cycle->decided = false;
    cycle->misses = 0;
    memset(&cycle->plan, 0, sizeof cycle->plan);
    memset(&cycle->belief, 0, sizeof cycle->belief);
    plan_tracks_reset(&cycle->tracks);
    plan_engine_begin(&cycle->engine);
    plan_detour_begin(&cycle->config.path, info, &cycle->detour, &cycle->path);
    cycle->outdated = false;
}

const hp_plan_request *plan_cycle_belief(const plan_cycle *cycle)
{
    return &cycle->belief;
}

const hp_predict_reply *plan_cycle_prediction(const plan_cycle *cycle)
{
    return &cycle->prediction;
}

/** Books the time since the last call on a stage. */
static void stage_done(plan_cycle *cycle, hp_stage stage)
{
    const int64_t now_ns = hp_clock_now_ns(cycle->clock);
    cycle->decision->stage_ns[stage] += now_ns - cycle->stage_start_ns;
    cycle->stage_start_ns = now_ns;
}

/** Deadline of what is asked now: none in worlds that wait. */
static int64_t deadline_ns(const plan_cycle *cycle, int64_t tick_start_ns, double share)
{
    if (cycle->info.synchronous) {
        return 0;
    }
    return tick_start_ns + (int64_t)(share * cycle->config.control.deadline_ms * 1e6);
}

static void predict(plan_cycle *cycle, const hp_frame *frame, int64_t tick_start_ns)
{
    plan_belief_ask(&cycle->tracks, frame, &cycle->predict_request);
    cycle->predict_request.deadline_ns = deadline_ns(cycle, tick_start_ns, 0.25);
    const hp_status status =
        cycle->workers.predict(cycle->workers.ctx, &cycle->predict_request, &cycle->prediction);
    cycle->decision->predictor_fallback = status != HP_OK;
    if (status != HP_OK) {
        predictor_cv_predict(&cycle->stand_in, &cycle->predict_request, &cycle->prediction);
    }
}

/** Fills the request for the search: the ego, agents with weights, boxes. Sides and crossings are
 * told by the route, which does not move. */
static void believe(plan_cycle *cycle, const hp_frame *frame)
{
    hp_plan_request *b = &cycle->belief;
    const plan_belief_view view = {.path = &cycle->detour.route,
                                   .ego = frame->ego.pose,
                                   .decision_s = 1.0 / cycle->config.control.decision_rate_hz};
    b->world_id = frame->world_id;
    b->tick = frame->tick;
    b->stream = hp_rng_lane(cycle->stream, frame->tick).key;
    b->ego_speed_mps = frame->ego.speed_mps;
    b->ego_accel_mps2 = frame->ego.accel_mps2;
    b->ego_length_m = cycle->info.ego_length_m;
    b->ego_width_m = cycle->info.ego_width_m;
    b->ego_wheelbase_m = cycle->info.ego_wheelbase_m;
    b->speed_limit_mps = cycle->info.speed_limit_mps;
    b->speed_floor_mps = cycle->info.speed_floor_mps;
    b->sensor_range_m = cycle->info.sensor_range_m;
    b->last_action = cycle->plan.action;
    b->n_settings = cycle->n_settings;
    memcpy(b->settings, cycle->settings, cycle->n_settings * sizeof b->settings[0]);
    plan_belief_update(&cycle->config.belief, &view, &cycle->prediction, &cycle->tracks, b);
    b->n_occluders = frame->n_occluders;
    memcpy(b->occluders, frame->occluders, frame->n_occluders * sizeof b->occluders[0]);
}

/** Where the ego may not stop, whoever is in its way, there is no baseline to fall back to: what
 * the guard could still do is to be slow in front of people. The search knows the floor. */
static bool is_guarded(const plan_cycle *cycle)
{
    return cycle->config.guard.enabled && cycle->info.speed_floor_mps <= 0.0;
}

/** Route and path by the thresholds in force. A way round keeps its points: the car is on it. Where
 * the path ends before something, the detour says so again. */
static void renew_path(plan_cycle *cycle)
{
    const plan_path_config *config = &cycle->config.path;
    plan_path_follow_route(config, &cycle->info, &cycle->detour.route);
    if (cycle->detour.away) {
        plan_path_set_speeds(config, cycle->info.speed_limit_mps, &cycle->path);
    } else {
        cycle->path = cycle->detour.route;
    }
    cycle->outdated = false;
}

/** Lays the path and hands it to the search, with what depends on it: where the ego is along it,
 * and who may be hidden beside it. */
static void lay_path(plan_cycle *cycle, const hp_frame *frame, int64_t tick_start_ns)
{
    hp_plan_request *b = &cycle->belief;
    const hp_vec2 here = {frame->ego.pose.x_m, frame->ego.pose.y_m};
    const int64_t budget_ns = (int64_t)(cycle->config.path.time_ms * 1e6);
    const int64_t own_ns = hp_clock_now_ns(cycle->clock) + budget_ns;
    const int64_t latest_ns =
        deadline_ns(cycle, tick_start_ns, 0.5); /* the search needs the rest */
    cycle->config.path.room_m =
        is_guarded(cycle) ? plan_room_beside(&cycle->config.guard, &frame->ego.pose, &cycle->tracks)
                          : 0.0;
    if (cycle->outdated) {
        renew_path(cycle);
    }
    const plan_detour_task task = {.config = &cycle->config.path,
                                   .info = &cycle->info,
                                   .belief = b,
                                   .ego = &frame->ego,
                                   .now_s = (double)frame->stamp_ns * 1e-9,
                                   .deadline_ns = own_ns < latest_ns ? own_ns : latest_ns,
                                   .clock = cycle->clock};
    plan_detour_update(&cycle->detour, &task, &cycle->path);
    b->ego_s_m = plan_path_project(&cycle->path, here).s_m;
    b->goal_s_m = cycle->path.goal_s_m;
    b->n_path = cycle->path.n;
    memcpy(b->path, cycle->path.points, cycle->path.n * sizeof b->path[0]);
    memcpy(b->path_speed_mps, cycle->path.speed_mps, cycle->path.n * sizeof b->path_speed_mps[0]);
    b->n_phantoms =
        plan_phantom_find(&cycle->config.phantom, &cycle->info, &cycle->path, frame, b->phantoms);
}

static void search(plan_cycle *cycle, int64_t tick_start_ns)
{
    hp_plan_reply reply;
    cycle->belief.deadline_ns = deadline_ns(cycle, tick_start_ns, 0.85);
    const hp_status status = cycle->workers.plan(cycle->workers.ctx, &cycle->belief, &reply);
    if (status == HP_OK && reply.found) {
        cycle->plan = reply;
        cycle->misses = 0;
    } else {
        ++cycle->misses;
        cycle->decision->search_failed = true;
    }
}

/** Acceleration that keeps the path's speed: what it allows, not what is wished. */
static double speed_cap(const plan_cycle *cycle, const hp_ego_state *ego)
{
    const hp_vec2 here = {ego->pose.x_m, ego->pose.y_m};
    const double s = plan_path_project(&cycle->path, here).s_m;
    const double v_ahead = plan_path_speed(&cycle->path, s + ego->speed_mps * SPEED_REACTION_S);
    return (v_ahead - ego->speed_mps) / SPEED_REACTION_S;
}

/** Order of fallbacks: the search's action, then comfortable, then hard braking. (The policy's
 * action comes between when a network is loaded.) */
static void choose(const plan_cycle *cycle, const hp_ego_state *ego, hp_command *command)
{
    const plan_guard_config *limits = &cycle->config.guard;
    if (cycle->misses == 0) {
        command->source = HP_SOURCE_SEARCH;
        command->accel_mps2 = fmin(cycle->plan.accel_mps2, speed_cap(cycle, ego));
    } else if (cycle->misses < MISSES_TO_HARD_BRAKE) {
        command->source = HP_SOURCE_COMFORT_BRAKE;
        command->accel_mps2 = -limits->comfort_mps2;
    } else {
        command->source = HP_SOURCE_HARD_BRAKE;
        command->accel_mps2 = -limits->hard_mps2;
    }
    if (cycle->leaves) {
        command->accel_mps2 = plan_leave_accel(limits, ego->speed_mps, command->accel_mps2);
    }
}

static plan_guard_verdict check(const plan_cycle *cycle, const hp_frame *frame, double accel_mps2)
{
    return plan_guard_check(&cycle->config.guard, &cycle->info, &cycle->path, frame, cycle->waits,
                            accel_mps2);
}

/** Makes up for the engine's lag where that passes, too. */
static void guard(plan_cycle *cycle, const hp_frame *frame, hp_command *command)
{
    const bool guarded = is_guarded(cycle);
    const double wanted_mps2 =
        guarded ? plan_yield_accel(&cycle->config.guard, &cycle->info, &cycle->path, frame,
                                   &cycle->tracks, command->accel_mps2)
                : command->accel_mps2;
    command->accel_mps2 = plan_engine_lead(&cycle->config.control, &cycle->engine, wanted_mps2);
    if (!guarded) {
        return;
    }
    plan_guard_verdict verdict = check(cycle, frame, command->accel_mps2);
    if (verdict.intervened && command->accel_mps2 != wanted_mps2) {
        verdict = check(cycle, frame, wanted_mps2);
    }
    command->accel_mps2 = verdict.accel_mps2;
    command->guarded = verdict.intervened;
    if (verdict.intervened) {
        command->source = verdict.hard ? HP_SOURCE_HARD_BRAKE : HP_SOURCE_COMFORT_BRAKE;
    }
}

/** The first frame of each stretch of decision_every ticks is decided upon, and any that surprises:
 * a quarter of a second is 3 m of the way. In real time frames get lost, and a restarted planner
 * begins in the middle: the first is not always the one that divides. */
static bool is_due(plan_cycle *cycle, uint32_t tick)
{
    const double limit_mps = cycle->config.control.surprise_mps;
    const uint32_t slot = tick / cycle->decision_every;
    const bool surprised = limit_mps > 0.0 && cycle->tracks.surprise_mps > limit_mps;
    const bool due = !cycle->decided || slot != cycle->slot || surprised;
    cycle->decided = true;
    cycle->slot = slot;
    return due;
}

void plan_cycle_tick(plan_cycle *cycle, const hp_frame *frame, hp_command *command,
                     hp_decision *decision)
{
    const int64_t start_ns = hp_clock_now_ns(cycle->clock);
    memset(decision, 0, sizeof *decision);
    cycle->decision = decision;
    cycle->stage_start_ns = start_ns;
    *command = (hp_command){.world_id = frame->world_id, .tick = frame->tick};

    plan_tracks_update(&cycle->config.belief, &cycle->info, frame, &cycle->tracks);
    cycle->leaves = plan_leave_update(&cycle->config.guard, &cycle->info, &cycle->path, frame,
                                      &cycle->tracks, cycle->waits);
    stage_done(cycle, HP_STAGE_TRACK);
    const bool decides = is_due(cycle, frame->tick);
    if (decides) {
        predict(cycle, frame, start_ns);
        stage_done(cycle, HP_STAGE_PREDICT);
        believe(cycle, frame);
        stage_done(cycle, HP_STAGE_BELIEF);
        lay_path(cycle, frame, start_ns);
        stage_done(cycle, HP_STAGE_PATH);
        search(cycle, start_ns);
        stage_done(cycle, HP_STAGE_SEARCH);
    }
    choose(cycle, &frame->ego, command);
    guard(cycle, frame, command);
    plan_engine_sent(&cycle->config.control, command->accel_mps2, &cycle->engine);
    stage_done(cycle, HP_STAGE_GUARD);
    command->steer_rad =
        cycle->leaves ? 0.0 /* straight on: its flanks come no nearer */
                      : plan_steer_angle(&cycle->config.steer, &cycle->path, &frame->ego,
                                         cycle->info.ego_wheelbase_m, cycle->info.max_steer_rad);
    stage_done(cycle, HP_STAGE_COMMAND);

    decision->world_id = frame->world_id;
    decision->tick = frame->tick;
    decision->decided = decides;
    decision->config_version = cycle->version;
    decision->plan = cycle->plan;
    decision->command = *command;
    decision->n_agents = cycle->belief.n_agents;
    decision->n_phantoms = cycle->belief.n_phantoms;
    decision->total_ns = hp_clock_now_ns(cycle->clock) - start_ns;
}
