/* The classic tasks against trajectories of the published environments. */
#include "policy/envs/classic.h"
#include "tests/support/hp_test.h"

static void test_cartpole_follows_the_golden_trajectory(void **state)
{
    cartpole c = {.x = 0.01, .v = -0.02, .angle = 0.03, .rate = 0.04};
    policy_step out;
    (void)state;
    for (int i = 0; i < 20; i++) {
        cartpole_step(&c, i % 2 == 0, &out);
        assert_false(out.terminated);
    }
    hp_assert_near(c.x, 0.039785561735, 1e-12);
    hp_assert_near(c.v, -0.025745801300, 1e-12);
    hp_assert_near(c.angle, 0.014776890029, 1e-12);
    hp_assert_near(c.rate, 0.166748306733, 1e-12);
}

static void test_cartpole_terminates_at_step_10_when_pushed_right(void **state)
{
    cartpole c = {.x = 0.01, .v = -0.02, .angle = 0.03, .rate = 0.04};
    policy_step out = {0};
    int steps = 0;
    (void)state;
    for (; !out.terminated; steps++) {
        cartpole_step(&c, true, &out);
        hp_assert_near(out.reward, 1.0, 0.0);
    }
    assert_int_equal(steps, 10);
    assert_false(out.truncated);
}

static void test_pendulum_follows_the_golden_trajectory(void **state)
{
    pendulum p = {.angle = 1.0, .rate = 0.5};
    policy_step out;
    double sum = 0.0;
    (void)state;
    for (int i = 0; i < 50; i++) {
        pendulum_step(&p, 2.0 * sin(0.3 * i), &out);
        sum += out.reward;
    }
    hp_assert_near(p.angle, 0.248118736299, 1e-11);
    hp_assert_near(p.rate, 0.233705502539, 1e-11);
    hp_assert_near(sum, -244.215501199, 1e-8);
}

static void test_pendulum_is_cut_off_and_never_terminates(void **state)
{
    pendulum p = {.angle = 3.0};
    policy_step out = {0};
    int steps = 0;
    (void)state;
    for (; !out.truncated; steps++) {
        pendulum_step(&p, 0.0, &out);
        assert_false(out.terminated);
    }
    assert_int_equal(steps, 200);
}

static void test_acrobot_follows_the_golden_trajectory(void **state)
{
    acrobot a = {0.05, -0.05, 0.02, -0.03, 0};
    policy_step out;
    (void)state;
    for (int i = 0; i < 20; i++) {
        acrobot_step(&a, i % 2 == 0 ? 1.0 : -1.0, &out);
    }
    hp_assert_near(a.angle1, 0.041194479860, 1e-11);
    hp_assert_near(a.angle2, -0.031028592185, 1e-11);
    hp_assert_near(a.rate1, 0.155846106791, 1e-11);
    hp_assert_near(a.rate2, -0.384273477036, 1e-11);
}

static void test_acrobot_reaches_the_line_at_step_74_when_pumped(void **state)
{
    acrobot a = {0.05, -0.05, 0.02, -0.03, 0};
    policy_step out = {0};
    int steps = 0;
    (void)state;
    for (; !out.terminated; steps++) {
        acrobot_step(&a, a.rate2 >= 0.0 ? 1.0 : -1.0, &out);
    }
    assert_int_equal(steps, 74);
    hp_assert_near(out.reward, 0.0, 0.0);
}

static void test_find_knows_its_tasks_and_no_others(void **state)
{
    (void)state;
    assert_ptr_equal(classic_task_find("acrobot"), &ACROBOT_TASK);
    assert_null(classic_task_find("acro"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cartpole_follows_the_golden_trajectory),
        cmocka_unit_test(test_cartpole_terminates_at_step_10_when_pushed_right),
        cmocka_unit_test(test_pendulum_follows_the_golden_trajectory),
        cmocka_unit_test(test_pendulum_is_cut_off_and_never_terminates),
        cmocka_unit_test(test_acrobot_follows_the_golden_trajectory),
        cmocka_unit_test(test_acrobot_reaches_the_line_at_step_74_when_pumped),
        cmocka_unit_test(test_find_knows_its_tasks_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
