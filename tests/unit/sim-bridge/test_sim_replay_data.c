/* The recordings themselves, where they are: test_sim_replay_data DIR. Skipped (77) without them.
 */
#include "sim-bridge/sim_clip.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_CASES = 512, SKIPPED = 77 };

typedef struct totals {
    unsigned cars, goals, near_misses;
    sim_contacts contacts;
} totals;

/** The recorded driver through the judge; false if the world cannot be made. */
static int play_human(const sim_replay_case *c, totals *sum)
{
    sim_clip *clip = NULL;
    sim_config config;
    bridge_world world;
    hp_error error;
    static hp_frame frame;
    sim_config_default(&config);
    if (sim_clip_read(c->prefix, c->kind, &clip, &error) != HP_OK ||
        sim_replay_create(clip, c->car_id, true, &config, &world, &error) != HP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        sim_clip_destroy(&clip);
        return 1;
    }
    while (world.ops->result(world.self)->verdict == HP_VERDICT_RUNNING) {
        world.ops->observe(world.self, &frame);
        world.ops->step(world.self, NULL);
    }
    const sim_result *result = world.ops->result(world.self);
    const sim_contacts contacts = sim_replay_contacts(&world);
    sum->cars += 1;
    sum->goals += result->verdict == HP_VERDICT_GOAL ? 1 : 0;
    sum->near_misses += result->near_miss ? 1 : 0;
    sum->contacts.front += contacts.front;
    sum->contacts.side += contacts.side;
    sum->contacts.rear += contacts.rear;
    sum->contacts.standing += contacts.standing;
    world.ops->destroy(world.self);
    sim_clip_destroy(&clip);
    return 0;
}

int main(void)
{
    static sim_replay_case cases[MAX_CASES];
    uint32_t n = 0;
    hp_error error;
    totals sum[2] = {{0}, {0}}; /* by sim_clip_kind */
    const char *dir = getenv("HYPLAN_DATA");
    const hp_status st = sim_replay_list(dir != NULL ? dir : "data", cases, MAX_CASES, &n, &error);
    if (st == HP_ENOENT) {
        (void)printf("skipped: %s\n", error.text);
        return SKIPPED;
    }
    if (st != HP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    (void)printf("%s\n", error.text);
    for (uint32_t i = 0; i < n; ++i) {
        if (play_human(&cases[i], &sum[cases[i].kind]) != 0) {
            return 1;
        }
    }
    static const char *const NAMES[2] = {"dut", "citr"};
    unsigned front = 0;
    unsigned missed = 0;
    for (int k = 0; k < 2; ++k) {
        const totals *t = &sum[k];
        (void)printf("%s: %u cars; the human reaches the goal %u times, near misses %u, contacts: "
                     "front %u side %u rear %u standing %u\n",
                     NAMES[k], t->cars, t->goals, t->near_misses, t->contacts.front,
                     t->contacts.side, t->contacts.rear, t->contacts.standing);
        front += t->contacts.front;
        missed += t->cars - t->goals;
    }
    /* Nobody was run over in these recordings: front contacts would be our boxes' or axes' fault.
     */
    return n > 0 && front == 0 && missed == 0 ? 0 : 1;
}
