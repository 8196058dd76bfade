/* What the path costs per decision: a free route, a parked car with somebody oncoming, a lane taken
 * by an oncoming car beside a row of parked ones, and random streets full of boxes and walkers
 * through which the car may have no way at all. */
#include "bench/hp_bench.h"
#include "common/hp_rng.h"
#include "planner/plan_detour.h"
#include "tests/unit/planner/plan_fixture.h"

typedef struct job {
    plan_config config;
    hp_world_info info;
    hp_plan_request belief;
    hp_ego_state ego;
    plan_path path;
    plan_detour detour;
    bool random;
    uint64_t round;
} job;

static void add_box(job *j, double x_m, double y_m)
{
    j->belief.occluders[j->belief.n_occluders++] =
        (hp_occluder){.box = {{x_m, y_m, 0.0}, 4.2, 2.0}};
}

static void add_agent(job *j, hp_agent_class kind, hp_vec2 at, hp_vec2 v)
{
    hp_belief_agent *a = &j->belief.agents[j->belief.n_agents++];
    *a = (hp_belief_agent){.kind = kind,
                           .pose = {at.x_m, at.y_m, 0.0},
                           .vx_mps = v.x_m,
                           .vy_mps = v.y_m,
                           .length_m = kind == HP_CLASS_CAR ? 4.2 : 0.4,
                           .width_m = kind == HP_CLASS_CAR ? 2.0 : 0.4,
                           .n_modes = 2};
    for (uint32_t m = 0; m < a->n_modes; ++m) {
        a->modes[m].probability = 0.5;
        for (uint32_t k = 0; k < j->belief.n_steps; ++k) {
            const double t = (k + 1) * j->belief.step_s * (m == 0 ? 1.0 : 0.5);
            a->modes[m].mean[k] = (hp_vec2){at.x_m + v.x_m * t, at.y_m + v.y_m * t};
        }
    }
}

static void fill_street(job *j)
{
    const hp_rng lane = hp_rng_lane(hp_rng_seed(9), j->round++);
    j->belief.n_occluders = 0;
    j->belief.n_agents = 0;
    for (uint64_t i = 0; i < 16; ++i) {
        add_box(j, hp_rng_range(lane, 4 * i, 22.0, 60.0), hp_rng_range(lane, 4 * i + 1, -7.0, 7.0));
    }
    for (uint64_t i = 100; i < 116; ++i) {
        const hp_vec2 at = {hp_rng_range(lane, 4 * i, 15.0, 60.0),
                            hp_rng_range(lane, 4 * i + 1, -7.0, 7.0)};
        const hp_vec2 v = {hp_rng_range(lane, 4 * i + 2, -2.0, 2.0),
                           hp_rng_range(lane, 4 * i + 3, -2.0, 2.0)};
        add_agent(j, i % 4 == 0 ? HP_CLASS_CAR : HP_CLASS_WALKER, at, v);
    }
}

static void lay(void *ctx)
{
    job *j = ctx;
    const plan_detour_task task = {
        .config = &j->config.path, .info = &j->info, .belief = &j->belief, .ego = &j->ego};
    if (j->random) {
        fill_street(j);
    }
    plan_detour_begin(&j->config.path, &j->info, &j->detour, &j->path);
    plan_detour_update(&j->detour, &task, &j->path);
}

static void begin(job *j)
{
    plan_config_default(&j->config);
    fixture_info(&j->info);
    j->info.n_road = 1;
    j->info.road[0] = (hp_rect){-50.0, -1.2, 200.0, 3.6};
    j->info.n_pavement = 1;
    j->info.pavement[0] = (hp_rect){-50.0, -4.2, 200.0, -1.2};
    j->ego = (hp_ego_state){.pose = {10.0, 0.0, 0.0}, .speed_mps = 5.0};
    j->belief.step_s = 0.25;
    j->belief.n_steps = 19;
    j->belief.n_occluders = 0;
    j->belief.n_agents = 0;
}

static void time_it(job *j, const char *name)
{
    (void)hp_bench_run(&(hp_bench){name, 1000, 20, 1}, lay, j);
    (void)printf("{\"bench\": \"%s\", \"expanded\": %u, \"away\": %d, \"bytes\": %zu}\n", name,
                 j->detour.search.expanded, j->detour.away, sizeof j->detour);
}

int main(void)
{
    static job j; /* large */
    begin(&j);
    time_it(&j, "path/free");
    add_box(&j, 40.0, 0.0);
    add_agent(&j, HP_CLASS_CAR, (hp_vec2){62.0, 2.2}, (hp_vec2){-5.0, 0.0});
    time_it(&j, "path/parked-and-oncoming");
    begin(&j);
    for (int i = 0; i < 7; ++i) {
        add_box(&j, 15.0 + 7.0 * i, 2.6);
    }
    add_agent(&j, HP_CLASS_CAR, (hp_vec2){50.0, 0.0}, (hp_vec2){-4.0, 0.0});
    time_it(&j, "path/lane-taken");
    j.random = true;
    j.info.speed_floor_mps = 5.0; /* walkers count, two paces are tried */
    time_it(&j, "path/full-street");
    return 0;
}
