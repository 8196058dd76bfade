/* The planner's cycle on a simulated street whose workers fail by seed: no answer, late answers,
 * answers of another world, numbers that are none, episodes that change. Whatever they do, each
 * frame gets a command that may be sent, and with a guard no scene that starts safe ends in a crash
 * within the guard's bounds. With a number as argument, so many seeds, with
 * a second one from there on (scripts/faults). */
#include "common/hp_rng.h"
#include "planner/plan_cycle.h"
#include "predictor/predictor_cv.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

#include <stdlib.h>

enum { TICKS = 500, EPISODE_TICKS = 125 };

typedef struct bad_workers {
    predictor_cv_config predictor;
    hp_clock clock;
    hp_rng rng;
    uint64_t drawn;
    double share; /* of calls that go wrong */
    uint64_t failures;
} bad_workers;

static uint64_t seeds = 100, first = 1;
static bad_workers workers;

static bool goes_wrong(double *kind)
{
    const double u = hp_rng_unit(workers.rng, workers.drawn++);
    *kind = hp_rng_unit(workers.rng, workers.drawn++);
    workers.failures += u < workers.share;
    return u < workers.share;
}

static hp_status predict(void *ctx, const hp_predict_request *request, hp_predict_reply *reply)
{
    double kind;
    (void)ctx;
    workers.clock.virtual_ns += 2000000;
    predictor_cv_predict(&workers.predictor, request, reply);
    if (!goes_wrong(&kind)) {
        return HP_OK;
    }
    if (kind < 0.3) {
        reply->n_forecasts /= 2; /* forgets some */
        return HP_OK;
    }
    if (kind < 0.5 && reply->n_forecasts > 0) {
        reply->forecasts[0].id += 1000; /* speaks of somebody else */
        return HP_OK;
    }
    memset(reply, 0xff, sizeof *reply); /* half written, and then it dies */
    workers.clock.virtual_ns += 100000000;
    return kind < 0.8 ? HP_EDEADLINE : HP_EUNAVAILABLE;
}

static hp_status plan(void *ctx, const hp_plan_request *request, hp_plan_reply *reply)
{
    double kind;
    (void)ctx;
    const double accel = hp_rng_range(workers.rng, workers.drawn++, -5.5, 3.0);
    assert_true(request->n_path >= 2);
    workers.clock.virtual_ns += 20000000;
    memset(reply, 0, sizeof *reply);
    *reply = (hp_plan_reply){
        .world_id = request->world_id, .tick = request->tick, .found = true, .accel_mps2 = accel};
    if (!goes_wrong(&kind)) {
        return HP_OK;
    }
    if (kind < 0.4) {
        reply->found = false;
        reply->accel_mps2 = NAN;
        return HP_OK;
    }
    memset(reply, 0xff, sizeof *reply);
    workers.clock.virtual_ns += 100000000;
    return kind < 0.7 ? HP_EDEADLINE : HP_EUNAVAILABLE;
}

/** A street with two walkers within the guard's bounds and a parked car. */
typedef struct street {
    hp_world_info info;
    hp_frame frame;
    double speed_mps, accel_mps2, command_mps2;
    hp_pose pose;
    double steer_rad;
    hp_vec2 at[2], v[2];
} street;

static void begin(street *s, hp_rng lane, uint32_t episode)
{
    fixture_info(&s->info);
    s->info.world_id = 100 + episode;
    s->info.episode = episode;
    s->pose = (hp_pose){0.0, 0.0, 0.0};
    s->speed_mps = s->accel_mps2 = s->command_mps2 = s->steer_rad = 0.0;
    for (uint32_t i = 0; i < 2; ++i) {
        s->at[i] = (hp_vec2){hp_rng_range(lane, UINT64_C(4) * i, 20.0, 90.0),
                             hp_rng_range(lane, UINT64_C(4) * i + 1, -8.0, 8.0)};
        s->v[i] = (hp_vec2){0.0, 0.0};
    }
}

static void observe(street *s, uint32_t tick)
{
    fixture_frame(tick, s->pose.x_m, s->speed_mps, &s->frame);
    s->frame.world_id = s->info.world_id;
    s->frame.episode = s->info.episode;
    s->frame.ego = (hp_ego_state){.pose = s->pose,
                                  .speed_mps = s->speed_mps,
                                  .accel_mps2 = s->accel_mps2,
                                  .steer_rad = s->steer_rad};
    for (uint32_t i = 0; i < 2; ++i) {
        fixture_add_walker(&s->frame, i + 1, s->at[i].x_m, s->at[i].y_m, s->v[i].x_m, s->v[i].y_m);
    }
}

/** One tick of the world; the walkers change their minds within 2 m/s^2. */
static void advance(street *s, const hp_command *command, hp_rng lane, uint32_t tick)
{
    const double dt = s->info.tick_s;
    s->accel_mps2 = s->command_mps2; /* a tick late */
    s->command_mps2 = command->accel_mps2;
    const double before = s->speed_mps;
    s->speed_mps = fmax(before + s->accel_mps2 * dt, 0.0);
    s->steer_rad = command->steer_rad;
    const double way = 0.5 * (before + s->speed_mps) * dt;
    s->pose.x_m += way * cos(s->pose.yaw_rad);
    s->pose.y_m += way * sin(s->pose.yaw_rad);
    s->pose.yaw_rad += way * tan(s->steer_rad) / s->info.ego_wheelbase_m;
    for (uint32_t i = 0; i < 2; ++i) {
        const double turn = hp_rng_range(lane, UINT64_C(8) * tick + i, -HP_PI, HP_PI);
        const double push = s->at[i].y_m > 0.0 ? -1.0 : 1.0;
        hp_vec2 v = {s->v[i].x_m + cos(turn) * dt, s->v[i].y_m + (0.5 * sin(turn) + push) * dt};
        const double speed = fmax(hypot(v.x_m, v.y_m), 1e-9);
        const double most = fmin(speed, 2.0);
        s->v[i] = (hp_vec2){v.x_m / speed * most, v.y_m / speed * most};
        s->at[i].x_m += s->v[i].x_m * dt;
        s->at[i].y_m += s->v[i].y_m * dt;
    }
}

static bool in_contact(const street *s)
{
    const hp_box ego = {s->pose, s->info.ego_length_m, s->info.ego_width_m};
    return s->speed_mps > 0.06 &&
           (hp_box_distance(&ego, s->at[0]) <= 0.2 || hp_box_distance(&ego, s->at[1]) <= 0.2);
}

static void check_command(const street *s, const hp_command *command, uint64_t seed)
{
    const bool fits = command->world_id == s->info.world_id && command->tick == s->frame.tick;
    const bool sound = isfinite(command->accel_mps2) && isfinite(command->steer_rad) &&
                       fabs(command->accel_mps2) <= 20.0 &&
                       fabs(command->steer_rad) <= s->info.max_steer_rad &&
                       command->source < HP_SOURCE_COUNT;
    if (!fits || !sound) {
        fail_msg("seed %llu, tick %u: fits %d, accel %g, steer %g", (unsigned long long)seed,
                 s->frame.tick, fits, command->accel_mps2, command->steer_rad);
    }
}

static void run(plan_cycle *cycle, uint64_t seed)
{
    static street s;
    static hp_decision decision;
    hp_command command;
    const hp_rng lane = hp_rng_lane(hp_rng_seed(5), seed);
    workers.rng = hp_rng_lane(lane, 1);
    workers.drawn = 0;
    workers.share = hp_rng_unit(lane, 999);
    for (uint32_t tick = 0; tick < TICKS; ++tick) {
        if (tick % EPISODE_TICKS == 0) {
            begin(&s, hp_rng_lane(lane, 10 + tick), tick / EPISODE_TICKS);
            plan_cycle_begin(cycle, &s.info, seed);
        }
        observe(&s, tick % EPISODE_TICKS);
        plan_cycle_tick(cycle, &s.frame, &command, &decision);
        check_command(&s, &command, seed);
        advance(&s, &command, hp_rng_lane(lane, 3), tick);
        if (in_contact(&s)) {
            fail_msg("seed %llu, tick %u: contact at %g m/s", (unsigned long long)seed, tick,
                     s.speed_mps);
        }
        workers.clock.virtual_ns += 50000000;
    }
}

static void test_plan_cycle_every_frame_gets_a_safe_command_when_workers_fail(void **state)
{
    plan_config config;
    plan_cycle *cycle = NULL;
    (void)state;
    const plan_workers table = {predict, plan, NULL};
    plan_config_default(&config);
    predictor_cv_config_default(&workers.predictor);
    workers.clock = hp_clock_virtual(1000);
    assert_int_equal(plan_cycle_create(&config, &workers.predictor, &table, &workers.clock, &cycle),
                     HP_OK);
    for (uint64_t seed = first; seed < first + seeds; ++seed) {
        run(cycle, seed);
    }
    plan_cycle_destroy(&cycle);
    assert_true(workers.failures > 10 * seeds);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_cycle_every_frame_gets_a_safe_command_when_workers_fail),
    };
    if (argc > 1) {
        seeds = strtoull(argv[1], NULL, 10);
    }
    if (argc > 2) {
        first = strtoull(argv[2], NULL, 10);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
