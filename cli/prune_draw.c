#include "cli/prune_draw.h"

#include "cli/progress.h"
#include "common/hp_crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/** What came of an episode. */
typedef struct slot {
    bool done, drawn; /* not drawn: there was nobody to reckon with */
    prune_case result;
} slot;

typedef struct draw {
    const prune_draw_task *task;
    slot *slots; /* [n_slots] */
    uint32_t n_slots;
    atomic_uint next; /* episode that nobody has taken */
    atomic_bool enough;
    pthread_mutex_t mutex;
    /* under the mutex */
    uint32_t n_taken; /* episodes handed over, from the first on */
    uint32_t n_needy, n_others;
    progress shown;
} draw;

/** Hands over what is done from the first episode on, without a gap. */
static void hand_over(draw *d)
{
    const prune_draw_task *t = d->task;
    const uint32_t before = d->n_taken;
    while (d->n_taken < d->n_slots && d->slots[d->n_taken].done && d->n_needy < t->wanted) {
        const slot *s = &d->slots[d->n_taken++];
        if (s->drawn) {
            d->n_needy += s->result.hard ? 1 : 0;
            d->n_others += s->result.hard ? 0 : 1;
            t->take(t->ctx, &s->result);
        }
    }
    atomic_store(&d->enough, d->n_needy >= t->wanted);
    if (d->n_taken > before) {
        progress_show(&d->shown, d->n_needy, "%u others", d->n_others);
    }
}

/** One thread's part: episodes one after another, until there is enough. */
static void draw_on(void *ctx, uint32_t worker)
{
    draw *d = ctx;
    const prune_draw_task *t = d->task;
    prune_lab *lab = t->labs[worker];
    while (!atomic_load(&d->enough)) {
        const uint32_t i = atomic_fetch_add(&d->next, 1);
        if (i >= d->n_slots) {
            return;
        }
        slot *s = &d->slots[i];
        s->result.episode = i;
        s->drawn =
            prune_lab_play(lab, t->stream, i) &&
            prune_case_run(lab, t->trials, t->target_gap, hp_rng_lane(t->stream, i), &s->result);
        (void)pthread_mutex_lock(&d->mutex);
        s->done = true;
        hand_over(d);
        (void)pthread_mutex_unlock(&d->mutex);
    }
}

uint32_t prune_draw_episodes(uint32_t wanted)
{
    return 4 * wanted + 100; /* more than half of the beliefs need a search */
}

hp_status prune_draw_run(const prune_draw_task *task)
{
    draw d = {.task = task, .n_slots = prune_draw_episodes(task->wanted)};
    hp_crew *crew = NULL;
    d.slots = calloc(d.n_slots, sizeof *d.slots);
    if (d.slots == NULL) {
        return HP_ENOMEM;
    }
    hp_status st = hp_crew_create(task->n_labs, &crew);
    if (st == HP_OK && pthread_mutex_init(&d.mutex, NULL) != 0) {
        st = HP_EUNAVAILABLE;
        hp_crew_destroy(&crew);
    }
    if (st == HP_OK) {
        d.shown = progress_start(task->quiet, "beliefs to search", 0, task->wanted);
        hp_crew_run(crew, draw_on, &d, task->n_labs);
        progress_end(&d.shown);
        hp_crew_destroy(&crew);
        (void)pthread_mutex_destroy(&d.mutex);
    }
    free(d.slots);
    return st;
}
