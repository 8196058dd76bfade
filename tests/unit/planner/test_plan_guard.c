#include "common/hp_rng.h"
#include "planner/plan_guard.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

static hp_world_info info;
static plan_config config;
static plan_path path;
static hp_frame frame;

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    fixture_info(&info);
    plan_path_follow_route(&config.path, &info, &path);
    return 0;
}

static plan_guard_verdict check(double accel_mps2)
{
    return plan_guard_check(&config.guard, &info, &path, &frame, NULL, accel_mps2);
}

static void test_plan_guard_changes_nothing_on_a_free_road(void **state)
{
    (void)state;
    const hp_rng numbers = hp_rng_seed(1);
    for (uint64_t i = 0; i < 2000; ++i) {
        fixture_frame(0, 10.0, hp_rng_range(numbers, 4 * i, 0.0, 13.9), &frame);
        fixture_add_walker(&frame, 1, -20.0, 3.0, 0.0, 0.0); /* behind */
        fixture_add_walker(&frame, 2, 30.0, 40.0, 1.0, 0.0); /* far aside */
        const double asked = hp_rng_range(numbers, 4 * i + 1, -6.0, 3.0);
        const plan_guard_verdict v = check(asked);
        assert_false(v.intervened);
        assert_true(v.accel_mps2 == asked); /* bit equal */
    }
}

static void test_plan_guard_brakes_for_a_walker_in_reach(void **state)
{
    (void)state;
    fixture_frame(0, 10.0, 10.0, &frame);
    fixture_add_walker(&frame, 1, 22.0, 2.5, 0.0, -1.0);
    const plan_guard_verdict v = check(3.0);
    assert_true(v.intervened);
    assert_true(v.hard);
    hp_assert_near(v.accel_mps2, -config.guard.hard_mps2, 0.0);
}

static void test_plan_guard_prefers_comfort_where_it_is_enough(void **state)
{
    (void)state;
    bool comfortable = false;
    for (int gap_m_i = 0; 60.0 - 0.25 * gap_m_i > 5.0; ++gap_m_i) {
        const double gap_m = 60.0 - 0.25 * gap_m_i;
        fixture_frame(0, 10.0, 10.0, &frame);
        fixture_add_parked_car(&frame, 1, 10.0 + gap_m, 0.0);
        const plan_guard_verdict v = check(3.0);
        comfortable |= v.intervened && !v.hard;
        if (v.hard) {
            break;
        }
    }
    assert_true(comfortable);
}

/** Nearer and nearer: as asked, then no faster, then comfortably, then hard. */
static void test_plan_guard_gives_way_no_more_than_it_must(void **state)
{
    (void)state;
    const double steps[] = {3.0, 0.0, -config.guard.comfort_mps2, -config.guard.hard_mps2};
    size_t at = 0;
    for (int i = 0; i < 2400; ++i) {
        fixture_frame(0, 10.0, 10.0, &frame);
        frame.ego.accel_mps2 = -3.0; /* brakes already: what is asked next takes hold at once */
        fixture_add_parked_car(&frame, 1, 10.0 + 60.0 - 0.02 * i, 0.0);
        const plan_guard_verdict v = check(3.0);
        at += at + 1 < HP_ARRAY_LEN(steps) && v.accel_mps2 < steps[at] ? 1 : 0;
        hp_assert_near(v.accel_mps2, steps[at], 0.0);
        assert_int_equal(v.intervened, at > 0);
        assert_int_equal(v.hard, at == 3);
    }
    assert_int_equal(at, 3);
    /* Half as much is not made softer by a step of the ladder above it. */
    const plan_guard_verdict v = check(-1.5);
    hp_assert_near(v.accel_mps2, -config.guard.hard_mps2, 0.0);
}

static void add_car(double x_m, double y_m, double speed_mps)
{
    frame.agents[frame.n_agents++] = (hp_agent){.id = 7,
                                                .kind = HP_CLASS_CAR,
                                                .pose = {x_m, y_m, 0.0},
                                                .vx_mps = speed_mps,
                                                .length_m = 4.0,
                                                .width_m = 1.8};
}

/** margin_m, 0.2, is kept to both sides of a car that drives beside the ego. */
static void test_plan_guard_keeps_its_margin_beside_a_car(void **state)
{
    (void)state;
    for (int side = -1; side <= 1; side += 2) {
        const double touch = 0.5 * (1.8 + info.ego_width_m);
        fixture_frame(0, 10.0, 8.0, &frame);
        add_car(10.0, side * (touch + 0.15), 8.0);
        assert_true(check(0.0).intervened);
        fixture_frame(0, 10.0, 8.0, &frame);
        add_car(10.0, side * (touch + 0.25), 8.0);
        assert_false(check(0.0).intervened);
    }
}

/** And ahead: from 7 m/s the ego needs 1.4 m until its brakes hold, and 3.5 m. */
static void test_plan_guard_keeps_its_margin_behind_a_car(void **state)
{
    (void)state;
    const double bumpers = 0.5 * (4.0 + info.ego_length_m);
    fixture_frame(0, 10.0, 7.0, &frame);
    add_car(10.0 + bumpers + 5.0, 0.0, 0.0);
    assert_true(check(0.0).intervened);
    fixture_frame(0, 10.0, 7.0, &frame);
    add_car(10.0 + bumpers + 5.2, 0.0, 0.0);
    assert_false(check(0.0).intervened);
}

static void test_plan_guard_never_softens_a_command(void **state)
{
    (void)state;
    fixture_frame(0, 10.0, 10.0, &frame);
    fixture_add_walker(&frame, 1, 16.0, 0.0, 0.0, 0.0);
    const plan_guard_verdict v = check(-9.0);
    hp_assert_near(v.accel_mps2, -9.0, 0.0);
    assert_false(v.intervened);
}

/** For a walker in the corridor; beside it, being nearer can mean being past him in time. */
static void test_plan_guard_less_gap_never_turns_stop_into_go(void **state)
{
    (void)state;
    for (int y_i = 0; - 1.0 + 0.5 * y_i <= 1.0; ++y_i) {
        const double y = -1.0 + 0.5 * y_i;
        for (int v_ego_i = 0; 2.0 + 1.0 * v_ego_i < 14.0; ++v_ego_i) {
            const double v_ego = 2.0 + 1.0 * v_ego_i;
            bool stopped_farther = false;
            for (int gap_i = 0; 50.0 - 0.5 * gap_i > 2.4; ++gap_i) {
                const double gap = 50.0 - 0.5 * gap_i;
                fixture_frame(0, 10.0, v_ego, &frame);
                fixture_add_walker(&frame, 1, 10.0 + gap, y, 0.0, 0.0);
                const bool stops = check(0.0).intervened;
                assert_true(stops || !stopped_farther);
                stopped_farther = stops;
            }
            assert_true(stopped_farther);
        }
    }
}

static void test_plan_guard_more_speed_never_turns_stop_into_go(void **state)
{
    (void)state;
    for (int gap_i = 0; 3.0 + 1.0 * gap_i < 50.0; ++gap_i) {
        const double gap = 3.0 + 1.0 * gap_i;
        bool stopped_slower = false;
        for (int v_ego_i = 0; 0.5 + 0.5 * v_ego_i < 14.0; ++v_ego_i) {
            const double v_ego = 0.5 + 0.5 * v_ego_i;
            fixture_frame(0, 10.0, v_ego, &frame);
            fixture_add_walker(&frame, 1, 10.0 + gap, 0.5, 0.0, 0.0);
            const bool stops = check(0.0).intervened;
            assert_true(stops || !stopped_slower);
            stopped_slower = stops;
        }
    }
}

static void test_plan_guard_same_in_a_mirrored_and_turned_world(void **state)
{
    (void)state;
    const hp_rng numbers = hp_rng_seed(3);
    for (uint64_t i = 0; i < 5000; ++i) {
        const double v = hp_rng_range(numbers, 8 * i, 0.0, 13.9);
        const double x = hp_rng_range(numbers, 8 * i + 1, 0.0, 40.0);
        const double y = hp_rng_range(numbers, 8 * i + 2, -8.0, 8.0);
        const double w = hp_rng_range(numbers, 8 * i + 3, -2.0, 2.0);
        const double u = hp_rng_range(numbers, 8 * i + 4, -2.0, 2.0);
        fixture_info(&info);
        plan_path_follow_route(&config.path, &info, &path);
        fixture_frame(0, 10.0, v, &frame);
        fixture_add_walker(&frame, 1, 10.0 + x, y, u, w);
        const plan_guard_verdict straight = check(1.0);
        fixture_frame(0, 10.0, v, &frame);
        fixture_add_walker(&frame, 1, 10.0 + x, -y, u, -w);
        const plan_guard_verdict mirrored = check(1.0);
        info.route[1] = (hp_vec2){0.0, 100.0}; /* the street now runs north */
        info.goal = (hp_pose){0.0, 100.0, 0.0};
        plan_path_follow_route(&config.path, &info, &path);
        fixture_frame(0, 0.0, v, &frame);
        frame.ego.pose = (hp_pose){0.0, 10.0, 0.5 * HP_PI};
        fixture_add_walker(&frame, 1, -y, 10.0 + x, -w, u);
        const plan_guard_verdict turned = check(1.0);
        assert_true(straight.accel_mps2 == mirrored.accel_mps2);
        assert_true(straight.accel_mps2 == turned.accel_mps2);
    }
}

static void test_plan_guard_brakes_when_the_car_cannot_stop_in_any_time_reckoned_with(void **state)
{
    (void)state;
    fixture_frame(0, 10.0, 400.0, &frame);
    const plan_guard_verdict v = check(0.0);
    assert_true(v.hard);
    hp_assert_near(v.accel_mps2, -config.guard.hard_mps2, 0.0);
}

static void test_plan_guard_brakes_for_a_standing_box_that_pokes_into_the_path(void **state)
{
    (void)state;
    fixture_frame(0, 10.0, 10.0, &frame);
    fixture_add_parked_car(&frame, 1, 20.0, 1.8); /* by 0.1 m: 0.9 + 1.0 */
    assert_true(check(0.0).intervened);
    fixture_frame(0, 10.0, 10.0, &frame);
    fixture_add_parked_car(&frame, 1, 20.0, 2.0);
    assert_false(check(0.0).intervened);
}

/** Nobody brakes for somebody behind the rear bumper, whole body, which is 0.28 m about his middle.
 */
static void test_plan_guard_minds_nobody_behind_the_rear_bumper(void **state)
{
    (void)state;
    const double rear = 0.5 * info.ego_length_m;
    const double body = 0.5 * hypot(0.4, 0.4);
    for (int turned = 0; turned <= 1; ++turned) {
        for (int near = 0; near <= 1; ++near) {
            const double back = rear + body + (near != 0 ? -0.02 : 0.02);
            setup(NULL);
            fixture_frame(0, 10.0, 1.0, &frame);
            if (turned != 0) { /* the street runs north */
                info.route[1] = (hp_vec2){0.0, 100.0};
                plan_path_follow_route(&config.path, &info, &path);
                frame.ego.pose = (hp_pose){0.0, 10.0, 0.5 * HP_PI};
                fixture_add_walker(&frame, 1, 0.5, 10.0 - back, 0.0, 1.0);
            } else {
                fixture_add_walker(&frame, 1, 10.0 - back, 0.5, 1.0, 0.0);
            }
            assert_int_equal(check(0.0).intervened, near);
        }
    }
}

/** A tailgater gets no full brake; one that would pass, comes askew or backs up is reckoned with.
 */
static void test_plan_guard_lets_followers_keep_their_distance(void **state)
{
    (void)state;
    const double bumpers = 0.5 * (4.0 + info.ego_length_m);
    for (int turned = 0; turned <= 2; ++turned) {
        struct {
            double back_m, aside_m, yaw_rad;
            bool counts;
        } cases[] = {
            {bumpers + 0.05, 0.0, 0.0, false},    {bumpers + 0.05, 1.85, 0.0, false},
            {bumpers + 0.05, -1.85, 0.19, false}, {bumpers - 0.05, 0.0, 0.0, true},
            {bumpers + 0.05, 1.95, 0.0, true},    {bumpers + 0.3, -1.0, 0.21, true},
            {bumpers + 0.3, 1.0, -0.21, true},    {bumpers + 0.05, 0.0, HP_PI, true},
        };
        for (size_t i = 0; i < HP_ARRAY_LEN(cases); ++i) {
            setup(NULL);
            fixture_frame(0, 20.0, 8.0, &frame);
            add_car(20.0 - cases[i].back_m, cases[i].aside_m, 9.0);
            hp_agent *car = &frame.agents[0];
            car->pose.yaw_rad = cases[i].yaw_rad;
            car->vx_mps = 9.0 * fabs(cos(cases[i].yaw_rad));
            car->vy_mps = 9.0 * sin(cases[i].yaw_rad);
            if (turned != 0) { /* the street runs north, or north-east */
                const double by = turned == 1 ? 0.5 * HP_PI : 0.25 * HP_PI;
                const double c = cos(by);
                const double s = sin(by);
                const hp_pose at = car->pose;
                info.route[1] = (hp_vec2){100.0 * c, 100.0 * s};
                plan_path_follow_route(&config.path, &info, &path);
                frame.ego.pose = (hp_pose){20.0 * c, 20.0 * s, by};
                *car = (hp_agent){
                    .id = 7,
                    .kind = HP_CLASS_CAR,
                    .pose = {at.x_m * c - at.y_m * s, at.x_m * s + at.y_m * c, at.yaw_rad + by},
                    .vx_mps = car->vx_mps * c - car->vy_mps * s,
                    .vy_mps = car->vx_mps * s + car->vy_mps * c,
                    .length_m = 4.0,
                    .width_m = 1.8};
            }
            if (check(0.0).intervened != cases[i].counts) {
                fail_msg("case %zu, turned %d", i, turned);
            }
        }
    }
    setup(NULL);
    fixture_frame(0, 20.0, 1.0,
                  &frame); /* a walker is no vehicle: he is met behind the bumper only */
    fixture_add_walker(&frame, 1, 20.0 - 0.5 * info.ego_length_m - 0.25, 0.0, 0.0, 0.0);
    assert_true(check(0.0).intervened);
}

/** A walker who crosses at full speed at once: ego's front is past his line already, and to brake
 * would keep its flank in his way. */
static void test_plan_guard_passes_whom_braking_would_stop_before(void **state)
{
    (void)state;
    fixture_frame(0, 10.0, 9.0, &frame);
    fixture_add_walker(&frame, 1, 13.5, 3.2, 0.0, -2.4);
    const plan_guard_verdict v = check(3.0);
    assert_true(v.unsafe);
    assert_false(v.intervened);
    assert_false(v.hard);
    hp_assert_near(v.accel_mps2, 3.0, 0.0);
    assert_true(check(-config.guard.comfort_mps2).hard); /* who wants to brake may */
    frame.agents[0].pose.x_m = 20.0; /* ahead: there is room to brake, and none to pass */
    assert_true(check(3.0).hard);
    frame.agents[0].pose.y_m = 2.0;
    frame.agents[0].pose.x_m = 14.0; /* met either way */
    assert_true(check(3.0).hard);
}

/** A walker who moves as badly as the guard's bounds allow. */
typedef struct foe {
    hp_vec2 p;
    double vx, vy, top_mps;
} foe;

/** Heads for the ego's box centre, at most accel m/s^2, up to his top speed. */
static void pursue(foe *f, double ego_x, double dt, double accel)
{
    const double d = fmax(hypot(ego_x - f->p.x_m, f->p.y_m), 1e-6);
    const double want_x = f->top_mps * (ego_x - f->p.x_m) / d;
    const double want_y = f->top_mps * -f->p.y_m / d;
    const double change = hypot(want_x - f->vx, want_y - f->vy);
    const double share = change > accel * dt ? accel * dt / change : 1.0;
    f->vx += share * (want_x - f->vx);
    f->vy += share * (want_y - f->vy);
    f->p.x_m += f->vx * dt;
    f->p.y_m += f->vy * dt;
}

/** One guarded drive under any wishes; returns the smallest gap while the ego moved, or 1e9 if its
 * start was not safe. The vehicle answers one tick late. */
static double drive(hp_rng numbers, uint64_t run, bool hostile)
{
    const hp_rng lane = hp_rng_lane(numbers, run);
    const double dt = 1.0 / config.control.rate_hz;
    double x = 10.0;
    double v = hp_rng_range(lane, 0, 0.0, 13.9);
    double late = -config.guard.hard_mps2;
    double least = 1e9;
    const double v0 = hp_rng_range(lane, 1, 0.0, 2.5);
    const double heading = hp_rng_range(lane, 2, -HP_PI, HP_PI);
    foe f = {{hp_rng_range(lane, 3, 5.0, 60.0), hp_rng_range(lane, 4, -12.0, 12.0)},
             v0 * cos(heading),
             v0 * sin(heading),
             hp_rng_range(lane, 5, 0.5, config.guard.walker_speed_mps)};
    f.top_mps = fmax(f.top_mps, v0);
    bool behind = false;
    for (uint32_t tick = 0; tick < 100; ++tick) {
        fixture_frame(tick, x, v, &frame);
        fixture_add_walker(&frame, 1, f.p.x_m, f.p.y_m, f.vx, f.vy);
        if (tick == 0 && check(-config.guard.hard_mps2 - 1.0).unsafe) {
            return 1e9; /* not safe to begin with: nothing is promised */
        }
        const double wish = hostile ? 3.0 : hp_rng_range(lane, 100 + tick, -5.5, 3.0);
        const double command = check(wish).accel_mps2;
        v = fmax(v + late * dt, 0.0);
        x += v * dt;
        late = command;
        pursue(&f, x, dt, config.guard.walker_accel_mps2);
        const hp_box ego = {{x, 0.0, 0.0}, info.ego_length_m, info.ego_width_m};
        behind |= f.p.x_m + 0.3 < x - 0.5 * info.ego_length_m;
        if (v > 0.05 && !behind) { /* who runs after the ego is let run */
            least = fmin(least, hp_box_distance(&ego, f.p));
        }
    }
    return least;
}

static void test_plan_guard_no_contact_while_moving_under_any_wishes(void **state)
{
    (void)state;
    const hp_rng numbers = hp_rng_seed(20);
    uint32_t safe_starts = 0;
    for (uint64_t run = 0; run < 20000; ++run) {
        const double gap = drive(numbers, run, run % 2 == 0);
        safe_starts += gap < 1e9;
        if (gap <= 0.2) { /* half a walker */
            print_error("run %llu: gap %g m\n", (unsigned long long)run, gap);
        }
        assert_true(gap > 0.2);
    }
    assert_true(safe_starts > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plan_guard_changes_nothing_on_a_free_road, setup),
        cmocka_unit_test_setup(test_plan_guard_brakes_for_a_walker_in_reach, setup),
        cmocka_unit_test_setup(test_plan_guard_prefers_comfort_where_it_is_enough, setup),
        cmocka_unit_test_setup(test_plan_guard_gives_way_no_more_than_it_must, setup),
        cmocka_unit_test_setup(test_plan_guard_keeps_its_margin_beside_a_car, setup),
        cmocka_unit_test_setup(test_plan_guard_keeps_its_margin_behind_a_car, setup),
        cmocka_unit_test_setup(test_plan_guard_never_softens_a_command, setup),
        cmocka_unit_test_setup(test_plan_guard_less_gap_never_turns_stop_into_go, setup),
        cmocka_unit_test_setup(test_plan_guard_more_speed_never_turns_stop_into_go, setup),
        cmocka_unit_test_setup(test_plan_guard_same_in_a_mirrored_and_turned_world, setup),
        cmocka_unit_test_setup(
            test_plan_guard_brakes_when_the_car_cannot_stop_in_any_time_reckoned_with, setup),
        cmocka_unit_test_setup(test_plan_guard_brakes_for_a_standing_box_that_pokes_into_the_path,
                               setup),
        cmocka_unit_test_setup(test_plan_guard_minds_nobody_behind_the_rear_bumper, setup),
        cmocka_unit_test_setup(test_plan_guard_lets_followers_keep_their_distance, setup),
        cmocka_unit_test_setup(test_plan_guard_passes_whom_braking_would_stop_before, setup),
        cmocka_unit_test_setup(test_plan_guard_no_contact_while_moving_under_any_wishes, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
