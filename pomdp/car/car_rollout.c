#include "pomdp/car/car_dynamics.h"
#include "pomdp/car/car_kernel.h"

/** Eight particles on their way, each at its own step: whoever arrives makes room for the next. */
typedef struct run_lanes {
    step_lanes step; /* its ego is where they are now */
    other_lanes others[CAR_MAX_AGENTS];
    car_columns row; /* of the path, at the ego */
    car_i8 live;     /* those whose episode goes on */
    car_i8 left;     /* steps */
    car_d4 earned[2], discount[2];
    const uint64_t *keys[CAR_LANES]; /* of the next step */
    uint32_t index[CAR_LANES];       /* which particle each is */
} run_lanes;

/** What does not change during a call. */
typedef struct job {
    const car_scene *scene;
    const unsigned char *states;
    const pomdp_draws *draws;
    int32_t n_steps;
    double *returned;
} job;

/** Puts a particle into a lane. */
static void board(const job *j, uint32_t particle, uint32_t lane, run_lanes *run)
{
    car_state ego;
    const unsigned char *state = j->states + particle * j->scene->state_bytes;
    memcpy(&ego, state, offsetof(car_state, others));
    run->step.ego.s_m[lane] = ego.s_m;
    run->step.ego.speed_mps[lane] = ego.speed_mps;
    run->step.ego.accel_mps2[lane] = ego.accel_mps2;
    run->step.ego.memory[lane] = ego.memory;
    for (uint32_t k = 0; k < j->scene->n_others; ++k) {
        car_other_state from;
        other_lanes *o = &run->others[k];
        memcpy(&from, state + other_offset(k), sizeof from);
        o->x_m[lane] = from.x_m;
        o->y_m[lane] = from.y_m;
        o->vx_mps[lane] = from.vx_mps;
        o->vy_mps[lane] = from.vy_mps;
        memcpy((uint32_t *)&o->code + lane, &from.motion, sizeof(uint32_t));
        o->motion[lane] = from.motion;
    }
    run->live[lane] = -1;
    run->left[lane] = j->n_steps;
    run->earned[lane / 4][lane % 4] = 0.0;
    run->discount[lane / 4][lane % 4] = 1.0;
    run->keys[lane] = &j->draws->rows[j->draws->column[particle]];
    run->index[lane] = particle;
}

static void draw(const job *j, run_lanes *run)
{
    uint64_t keys[CAR_LANES];
    for (uint32_t lane = 0; lane < CAR_LANES; ++lane) {
        const bool live = run->live[lane] != 0; /* others have used up their rows */
        keys[lane] = live ? *run->keys[lane] : 0;
        run->keys[lane] += live ? j->draws->stride : 0;
    }
    lanes_load_words(keys, &run->step.key_low, &run->step.key_high);
}

/** Adds what some lanes earned, in doubles as the solver does. */
static void earn(run_lanes *run, car_i8 who, car_f8 reward)
{
    const car_f8 x = (car_f8)((car_i8)reward & who);
    const car_f4 low = __builtin_shufflevector(x, x, 0, 1, 2, 3);
    const car_f4 high = __builtin_shufflevector(x, x, 4, 5, 6, 7);
    run->earned[0] += run->discount[0] * __builtin_convertvector(low, car_d4);
    run->earned[1] += run->discount[1] * __builtin_convertvector(high, car_d4);
}

/** One step of all lanes; gives those that have arrived. */
static car_i8 advance(const job *j, run_lanes *run)
{
    const car_scene *scene = j->scene;
    car_i8 ends;
    const car_i8 brakes = must_brake(scene, &run->step.ego, &run->row, run->others);
    const car_f8 command = lanes_pick(brakes, lanes_all(scene->rules.slowest_mps2),
                                      lanes_all(scene->rules.fastest_mps2));
    draw(j, run);
    begin_step(scene, default_action(scene, brakes), command, run->step.ego, &run->step);
    run->row = run->step.end.row;
    for (uint32_t k = 0; k < scene->n_others; ++k) {
        (void)step_other(scene, k, false, &run->step, &run->others[k]);
    }
    earn(run, run->live, judge(scene, &run->step, &ends));
    run->discount[0] *= scene->config->discount;
    run->discount[1] *= scene->config->discount;
    run->left -= 1;
    const car_i8 late = run->live & ~ends & (run->left == lanes_all_i(0));
    if (lanes_any(late)) {
        earn(run, late, free_road_value(scene, &run->step.ego));
    }
    return run->live & (ends | late);
}

uint64_t CAR_ROLLOUT(const void *ctx, const void *states, uint32_t n, const pomdp_draws *draws,
                     uint32_t n_steps, double *returned)
{
    const job j = {ctx, states, draws, (int32_t)n_steps, returned};
    run_lanes run;
    uint32_t next = n < CAR_LANES ? n : CAR_LANES;
    uint32_t alive = next;
    uint64_t taken = 0;
    for (uint32_t lane = 0; lane < CAR_LANES; ++lane) {
        board(&j, lane < n ? lane : n - 1, lane, &run);
        run.live[lane] = lane < n ? -1 : 0;
    }
    run.row = lanes_table_rows(j.scene->place, path_index(j.scene, run.step.ego.s_m));
    while (alive > 0) {
        taken += alive;
        const car_i8 arrived = advance(&j, &run);
        if (!lanes_any(arrived)) {
            continue;
        }
        for (uint32_t lane = 0; lane < CAR_LANES; ++lane) {
            if (arrived[lane] == 0) {
                continue;
            }
            returned[run.index[lane]] = run.earned[lane / 4][lane % 4];
            if (next < n) {
                board(&j, next++, lane, &run);
            } else {
                run.live[lane] = 0;
                alive--;
            }
        }
        run.row = lanes_table_rows(j.scene->place, path_index(j.scene, run.step.ego.s_m));
    }
    return taken;
}
