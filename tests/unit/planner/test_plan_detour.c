#include "planner/plan_detour.h"
#include "tests/support/hp_test.h"
#include "tests/unit/planner/plan_fixture.h"

#include <stdlib.h>

static hp_world_info info;
static plan_config config;
static plan_path path;
static plan_detour *detour; /* large */
static hp_plan_request *belief;
static hp_ego_state ego;

static int setup(void **state)
{
    (void)state;
    plan_config_default(&config);
    fixture_info(&info);
    /* A lane of 2.4 m around the route, one more to its left, a pavement of 3 m to its right. */
    info.n_road = 1;
    info.road[0] = (hp_rect){-50.0, -1.2, 200.0, 3.6};
    info.n_pavement = 1;
    info.pavement[0] = (hp_rect){-50.0, -4.2, 200.0, -1.2};
    detour = calloc(1, sizeof *detour);
    belief = calloc(1, sizeof *belief);
    assert_non_null(detour);
    assert_non_null(belief);
    belief->step_s = 0.25;
    belief->n_steps = 19;
    ego = (hp_ego_state){.pose = {10.0, 0.0, 0.0}, .speed_mps = 5.0};
    plan_detour_begin(&config.path, &info, detour, &path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(detour);
    free(belief);
    return 0;
}

static void add_box(double x_m, double y_m)
{
    const uint32_t n = belief->n_occluders++;
    belief->occluders[n] = (hp_occluder){.id = n + 1, .box = {{x_m, y_m, 0.0}, 4.0, 1.8}};
}

/** One who keeps his velocity for sure. */
static void add_agent(hp_agent_class kind, double x_m, double y_m, double vx_mps, double vy_mps)
{
    const bool car = kind == HP_CLASS_CAR;
    hp_belief_agent *a = &belief->agents[belief->n_agents++];
    *a = (hp_belief_agent){.id = belief->n_agents,
                           .kind = kind,
                           .pose = {x_m, y_m, vx_mps < 0.0 ? HP_PI : 0.0},
                           .vx_mps = vx_mps,
                           .vy_mps = vy_mps,
                           .length_m = car ? 4.0 : 0.4,
                           .width_m = car ? 1.8 : 0.4,
                           .n_modes = 1};
    a->modes[0].probability = 1.0;
    for (uint32_t k = 0; k < belief->n_steps; ++k) {
        const double t = (k + 1) * belief->step_s;
        a->modes[0].mean[k] = (hp_vec2){x_m + vx_mps * t, y_m + vy_mps * t};
        a->modes[0].sigma_m[k] = 0.1;
    }
}

static plan_detour_task task_of(void)
{
    return (plan_detour_task){.config = &config.path, .info = &info, .belief = belief, .ego = &ego};
}

static void update(void)
{
    const plan_detour_task task = task_of();
    plan_detour_update(detour, &task, &path);
}

static double lateral_at(double x_m)
{
    for (int s_i = 0; 0.1 * s_i < path.s_m[path.n - 1]; ++s_i) {
        const double s = 0.1 * s_i;
        const hp_pose pose = plan_path_at(&path, s);
        if (pose.x_m >= x_m) {
            return pose.y_m;
        }
    }
    return NAN;
}

/** Nothing of the path ahead comes nearer to a box than the margin, less the grid's coarseness. */
static void assert_clear_of_boxes(void)
{
    const hp_vec2 here = {ego.pose.x_m, ego.pose.y_m};
    for (int s_i = 0; plan_path_project(&path, here).s_m + 0.1 * s_i < path.s_m[path.n - 1];
         ++s_i) {
        const double s = plan_path_project(&path, here).s_m + 0.1 * s_i;
        const hp_box box = {plan_path_at(&path, s), info.ego_length_m, info.ego_width_m};
        for (uint32_t i = 0; i < belief->n_occluders; ++i) {
            assert_true(hp_box_gap(&box, &belief->occluders[i].box) > 0.15);
        }
    }
}

static void assert_drivable(void)
{
    for (int s_i = 0; 2.0 + 0.5 * s_i + 2.0 < path.s_m[path.n - 1]; ++s_i) {
        const double s = 2.0 + 0.5 * s_i;
        const double turned = hp_angle_wrap(plan_path_at(&path, s + 1.0).yaw_rad -
                                            plan_path_at(&path, s - 1.0).yaw_rad);
        assert_true(fabs(turned) / 2.0 < 1.5 / config.path.min_radius_m);
    }
}

static void test_plan_detour_follows_the_route_bit_by_bit_when_it_is_free(void **state)
{
    (void)state;
    add_box(30.0, 5.0);
    add_agent(HP_CLASS_CAR, 40.0, 2.4, -8.0, 0.0);   /* in his own lane */
    add_agent(HP_CLASS_CAR, 30.0, 0.0, 4.0, 0.0);    /* ahead, to be followed */
    add_agent(HP_CLASS_WALKER, 25.0, 0.0, 0.0, 1.3); /* the search lets him pass */
    update();
    assert_false(detour->away);
    assert_int_equal(detour->searches, 0);
    assert_memory_equal(&path, &detour->route, sizeof path);
}

/** The same street as in setup(), told by how wide it is beside the route. */
static void give_edges(double road_left_m)
{
    info.n_road = info.n_pavement = 0;
    info.n_edges = info.n_route;
    for (uint32_t i = 0; i < info.n_route; ++i) {
        info.edges[i] = (hp_edges){road_left_m, 1.2, 0.0, 3.0};
    }
}

static void test_plan_detour_goes_by_the_edges_when_the_route_has_some(void **state)
{
    (void)state;
    give_edges(3.6);
    add_box(35.0, 0.0);
    update();
    assert_true(detour->away && lateral_at(35.0) > 2.0);
    assert_clear_of_boxes();
}

static void test_plan_detour_takes_the_pavement_when_the_edges_leave_only_that(void **state)
{
    (void)state;
    give_edges(1.2);
    add_box(35.0, 0.0);
    update();
    assert_true(detour->away && lateral_at(35.0) < -2.0);
    assert_clear_of_boxes();
}

static void test_plan_detour_takes_the_other_lane_round_a_parked_car(void **state)
{
    (void)state;
    add_box(35.0, 0.0);
    update();
    assert_true(detour->away);
    assert_true(lateral_at(35.0) > 2.0);
    assert_clear_of_boxes();
    assert_drivable();
    hp_assert_near(lateral_at(70.0), 0.0, 0.1);
    hp_assert_near(lateral_at(9.0), 0.0, 0.05);
    hp_assert_near(path.goal_s_m, plan_path_project(&path, (hp_vec2){97.0, 0.0}).s_m, 0.1);
}

static void
test_plan_detour_takes_the_pavement_when_the_other_lane_is_not_free_in_time(void **state)
{
    (void)state;
    add_box(35.0, 0.0);
    add_agent(HP_CLASS_CAR, 62.0, 2.2, -5.0, 0.0); /* would meet us beside the parked car */
    update();
    assert_true(detour->away);
    assert_true(lateral_at(35.0) < -2.0);
    assert_clear_of_boxes();
    assert_drivable();
}

static void test_plan_detour_leaves_the_lane_to_an_oncoming_car(void **state)
{
    (void)state;
    add_box(20.0, 2.6);
    add_box(26.0, 2.6);
    add_box(32.0, 2.6);
    add_box(38.0, 2.6);
    add_agent(HP_CLASS_CAR, 45.0, 0.0, -4.0, 0.0);
    update();
    assert_true(detour->away);
    assert_clear_of_boxes();
    double lowest = 0.0;
    for (int x_i = 0; 12.0 + 1.0 * x_i < 45.0; ++x_i) {
        const double x = 12.0 + 1.0 * x_i;
        lowest = fmin(lowest, lateral_at(x));
    }
    assert_true(lowest < -2.0);
}

/** Something stands in the lane and a car comes in the other one: between them there is no gap that
 * a car could take, though a point could. */
static void test_plan_detour_takes_the_near_pavement_when_the_other_lane_is_taken(void **state)
{
    (void)state;
    info.road[0] = (hp_rect){-50.0, -1.0, 200.0, 5.0};
    info.n_pavement = 2;
    info.pavement[0] = (hp_rect){-50.0, -4.0, 200.0, -1.0};
    info.pavement[1] = (hp_rect){-50.0, 5.0, 200.0, 8.0};
    info.speed_limit_mps = 5.56;
    ego.speed_mps = 5.56;
    belief->occluders[belief->n_occluders++].box = (hp_box){{35.5, 0.0, 0.0}, 4.18, 2.0};
    for (double x = 50.0; x < 58.0; x += 0.5) {
        plan_detour_begin(&config.path, &info, detour, &path);
        belief->n_agents = 0;
        add_agent(HP_CLASS_CAR, x, 3.5, -4.7, 0.0);
        update();
        assert_true(detour->away);
        assert_clear_of_boxes();
        assert_true(lateral_at(35.5) < -2.0);
    }
}

static void test_plan_detour_comes_back_once_the_way_is_free(void **state)
{
    (void)state;
    add_box(35.0, 0.0);
    update();
    assert_true(detour->away);
    for (int step = 0; step < 68; ++step) { /* 1.25 m each */
        ego.pose = plan_path_at(
            &path, plan_path_project(&path, (hp_vec2){ego.pose.x_m, ego.pose.y_m}).s_m + 1.25);
        update();
        assert_clear_of_boxes();
    }
    assert_false(detour->away);
    assert_memory_equal(&path, &detour->route, sizeof path);
    hp_assert_near(ego.pose.y_m, 0.0, 0.1);
}

static void test_plan_detour_without_a_way_ends_its_speeds_before_the_obstacle(void **state)
{
    (void)state;
    for (int y_i = 0; - 12.0 + 1.5 * y_i <= 12.0; ++y_i) {
        const double y = -12.0 + 1.5 * y_i;
        add_box(35.0, y);
    }
    update();
    assert_false(detour->away);
    hp_assert_near(plan_path_speed(&path, 33.0), 0.0, 1e-9);
    assert_true(plan_path_speed(&path, 12.0) > 5.0);
    belief->n_occluders = 0; /* gone: the speeds come back */
    update();
    assert_memory_equal(&path, &detour->route, sizeof path);
}

static void test_plan_detour_shifts_for_a_walker_only_where_it_cannot_stop(void **state)
{
    (void)state;
    info.speed_floor_mps = 5.0;
    add_agent(HP_CLASS_WALKER, 25.0, -3.5, 0.0, 1.0);
    ego.speed_mps = 5.0;
    update();
    assert_true(detour->away);
    const hp_box box = {{25.0, lateral_at(25.0), 0.0}, info.ego_length_m, info.ego_width_m};
    assert_true(hp_box_distance(&box, (hp_vec2){25.0, -0.5}) > 0.2); /* where he is after 3 s */
}

static void test_plan_detour_goes_round_a_slow_walker_on_the_road_not_the_pavement(void **state)
{
    (void)state;
    add_agent(HP_CLASS_WALKER, 30.0, -1.4, 0.0, 0.2);
    update();
    assert_true(detour->away);
    double lowest = 0.0;
    for (int x_i = 0; 12.0 + 1.0 * x_i < 60.0; ++x_i) {
        const double x = 12.0 + 1.0 * x_i;
        lowest = fmin(lowest, lateral_at(x));
    }
    assert_true(lowest > -1.2);
    assert_true(lateral_at(30.0) > 1.0);
}

/** How far to the left the path passes somebody who walks slowly across the lane. */
static double aside_of_the_slow(double room_m)
{
    belief->n_agents = 0;
    config.path.room_m = room_m;
    plan_detour_begin(&config.path, &info, detour, &path);
    add_agent(HP_CLASS_WALKER, 30.0, -1.4, 0.0, 0.2);
    update();
    assert_true(detour->away);
    return lateral_at(30.0);
}

static void test_plan_detour_keeps_more_room_beside_a_walker_where_told_to(void **state)
{
    (void)state;
    info.road[0].y_max_m = 6.6;
    assert_true(aside_of_the_slow(0.9) > aside_of_the_slow(0.0) + 0.5);
}

/** A quarter circle of 12 m to the left from x = 20 on; somebody slow is in the lane behind it. */
static void test_plan_detour_goes_round_somebody_behind_a_bend(void **state)
{
    (void)state;
    info.n_road = info.n_pavement = 0; /* everything is road */
    info.n_route = 1;
    for (int i = 0; i <= 45; ++i) {
        const double a = 0.5 * HP_PI * i / 45.0;
        info.route[info.n_route++] = (hp_vec2){20.0 + 12.0 * sin(a), 12.0 * (1.0 - cos(a))};
    }
    info.route[info.n_route++] = (hp_vec2){32.0, 60.0};
    info.goal = (hp_pose){32.0, 60.0, 0.5 * HP_PI};
    plan_detour_begin(&config.path, &info, detour, &path);
    ego = (hp_ego_state){.pose = {20.0, 0.0, 0.0}, .speed_mps = 6.9};
    add_agent(HP_CLASS_WALKER, 31.5, 20.0, 0.3, 0.0);
    update();
    assert_true(detour->away);
    const double s = plan_path_project(&path, (hp_vec2){32.0, 20.0}).s_m;
    assert_true(plan_path_at(&path, s).x_m < 31.0);
    for (uint32_t i = 0; i < path.n; ++i) { /* the bend is still driven */
        assert_true(fabs(plan_path_project(&detour->route, path.points[i]).lateral_m) < 3.0);
    }
}

/** Who cannot stop has ways to evade at speed and slowly: a slow one must be worth its time. */
static void test_plan_detour_evades_at_speed_where_it_can(void **state)
{
    (void)state;
    static const hp_vec2 WALKERS[] = {{25.0, -1.6}, {25.0, -1.4}, {28.0, -1.4}};
    info.speed_floor_mps = 5.5;
    for (size_t k = 0; k < HP_ARRAY_LEN(WALKERS); ++k) {
        ego.speed_mps = 8.0;
        plan_detour_begin(&config.path, &info, detour, &path);
        belief->n_agents = 0;
        add_agent(HP_CLASS_WALKER, WALKERS[k].x_m, WALKERS[k].y_m, 0.0, 0.3);
        update();
        assert_true(detour->away);
        for (uint32_t i = 0; i < path.n; ++i) {
            assert_true(path.speed_mps[i] > 10.0);
        }
    }
}

/** Somebody stands where road and pavement are full: no way leads over the grass. */
static void test_plan_detour_never_leaves_road_and_pavement(void **state)
{
    (void)state;
    info.road[0].y_max_m = 1.2;
    info.n_pavement = 0;
    for (int i = 0; i < 3; ++i) {
        add_agent(HP_CLASS_WALKER, 28.0 + 2.0 * i, -1.0 + i, 0.0, 0.0);
    }
    update();
    for (int i = 0; i < 68; ++i) {
        assert_true(fabs(lateral_at(12.0 + i)) < 1.2);
    }
    ego.pose.y_m = 6.0; /* out there already: it may come back */
    belief->n_agents = 0;
    update();
    assert_true(fabs(lateral_at(60.0)) < 0.5);
}

static void test_plan_detour_waits_for_a_queue_for_a_while_and_not_for_who_comes(void **state)
{
    (void)state;
    plan_detour_task task = task_of();
    add_agent(HP_CLASS_CAR, 30.0, 0.0, 0.0, 0.0); /* stands, headed as the ego is */
    plan_detour_update(detour, &task, &path);
    assert_false(detour->away);
    task.now_s = config.path.queue_s - 0.5;
    plan_detour_update(detour, &task, &path);
    assert_false(detour->away);
    task.now_s = config.path.queue_s + 0.5;
    plan_detour_update(detour, &task, &path);
    assert_true(detour->away);

    plan_detour_begin(&config.path, &info, detour, &path);
    belief->agents[0].pose.yaw_rad = HP_PI; /* the other way round */
    task.now_s = 0.0;
    plan_detour_update(detour, &task, &path);
    assert_true(detour->away);
}

/** Somebody stands before the goal: the way round him is back within its radius there. */
static void test_plan_detour_does_not_pass_by_the_goal(void **state)
{
    (void)state;
    ego.pose.x_m = 70.0;
    for (int i = 0; i < 8; ++i) {
        add_agent(HP_CLASS_WALKER, 90.0 + 3.0 * i, -1.0, 0.0, 0.0);
    }
    info.goal_radius_m = 2.0;
    update();
    assert_true(fabs(lateral_at(100.0)) < info.goal_radius_m);
}

static void test_plan_detour_stops_behind_a_goal_that_was_missed(void **state)
{
    (void)state;
    ego.pose.x_m = 102.0;
    update();
    assert_true(plan_path_speed(&path, 105.0) > 5.0);
    ego.pose.x_m = 107.0;
    update();
    hp_assert_near(plan_path_speed(&path, 108.0), 0.0, 1e-9);
}

static void test_plan_detour_is_the_same_every_time(void **state)
{
    (void)state;
    add_box(35.0, 0.0);
    add_agent(HP_CLASS_CAR, 62.0, 2.2, -5.0, 0.0);
    update();
    static plan_path first; /* large */
    first = path;
    plan_detour_begin(&config.path, &info, detour, &path);
    update();
    assert_memory_equal(&first, &path, sizeof path);
}

static void test_plan_detour_answers_when_its_time_is_over_at_once(void **state)
{
    (void)state;
    hp_clock clock = hp_clock_virtual(1000);
    plan_detour_task task = task_of();
    add_box(35.0, 0.0);
    task.clock = &clock;
    task.deadline_ns = 1; /* long past */
    plan_detour_update(detour, &task, &path);
    assert_true(path.n >= 2);
    assert_true(detour->search.expanded == 0);
}

int main(void)
{
#define DETOUR_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        DETOUR_TEST(test_plan_detour_follows_the_route_bit_by_bit_when_it_is_free),
        DETOUR_TEST(test_plan_detour_goes_by_the_edges_when_the_route_has_some),
        DETOUR_TEST(test_plan_detour_takes_the_pavement_when_the_edges_leave_only_that),
        DETOUR_TEST(test_plan_detour_takes_the_other_lane_round_a_parked_car),
        DETOUR_TEST(test_plan_detour_takes_the_pavement_when_the_other_lane_is_not_free_in_time),
        DETOUR_TEST(test_plan_detour_leaves_the_lane_to_an_oncoming_car),
        DETOUR_TEST(test_plan_detour_takes_the_near_pavement_when_the_other_lane_is_taken),
        DETOUR_TEST(test_plan_detour_comes_back_once_the_way_is_free),
        DETOUR_TEST(test_plan_detour_without_a_way_ends_its_speeds_before_the_obstacle),
        DETOUR_TEST(test_plan_detour_shifts_for_a_walker_only_where_it_cannot_stop),
        DETOUR_TEST(test_plan_detour_goes_round_a_slow_walker_on_the_road_not_the_pavement),
        DETOUR_TEST(test_plan_detour_keeps_more_room_beside_a_walker_where_told_to),
        DETOUR_TEST(test_plan_detour_goes_round_somebody_behind_a_bend),
        DETOUR_TEST(test_plan_detour_evades_at_speed_where_it_can),
        DETOUR_TEST(test_plan_detour_never_leaves_road_and_pavement),
        DETOUR_TEST(test_plan_detour_waits_for_a_queue_for_a_while_and_not_for_who_comes),
        DETOUR_TEST(test_plan_detour_does_not_pass_by_the_goal),
        DETOUR_TEST(test_plan_detour_stops_behind_a_goal_that_was_missed),
        DETOUR_TEST(test_plan_detour_is_the_same_every_time),
        DETOUR_TEST(test_plan_detour_answers_when_its_time_is_over_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
