#include "common/hp_crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct hp_crew {
    uint32_t n_helpers; /* threads beside the user's */
    pthread_t helpers[HP_CREW_MAX_THREADS];
    pthread_mutex_t mutex;
    pthread_cond_t begin, end;
    bool has_locks;
    /* written by the user before a round is announced */
    void (*chore)(void *ctx, uint32_t index);
    void *ctx;
    uint32_t n;
    atomic_uint next; /* chore that nobody has taken */
    /* under the mutex */
    uint64_t round;
    uint32_t at_work; /* helpers that have not finished the round */
    bool closing;
};

static void do_chores(hp_crew *crew)
{
    for (;;) {
        const uint32_t i = atomic_fetch_add(&crew->next, 1);
        if (i >= crew->n) {
            return;
        }
        crew->chore(crew->ctx, i);
    }
}

static void *help(void *arg)
{
    hp_crew *crew = arg;
    uint64_t done = 0;
    (void)pthread_mutex_lock(&crew->mutex);
    for (;;) {
        while (crew->round == done && !crew->closing) {
            (void)pthread_cond_wait(&crew->begin, &crew->mutex);
        }
        if (crew->closing) {
            break;
        }
        done = crew->round;
        (void)pthread_mutex_unlock(&crew->mutex);
        do_chores(crew);
        (void)pthread_mutex_lock(&crew->mutex);
        if (--crew->at_work == 0) {
            (void)pthread_cond_signal(&crew->end);
        }
    }
    (void)pthread_mutex_unlock(&crew->mutex);
    return NULL;
}

static hp_status open_locks(hp_crew *crew)
{
    if (pthread_mutex_init(&crew->mutex, NULL) != 0) {
        return HP_EUNAVAILABLE;
    }
    if (pthread_cond_init(&crew->begin, NULL) != 0) {
        (void)pthread_mutex_destroy(&crew->mutex);
        return HP_EUNAVAILABLE;
    }
    if (pthread_cond_init(&crew->end, NULL) != 0) {
        (void)pthread_cond_destroy(&crew->begin);
        (void)pthread_mutex_destroy(&crew->mutex);
        return HP_EUNAVAILABLE;
    }
    crew->has_locks = true;
    return HP_OK;
}

hp_status hp_crew_create(uint32_t n_threads, hp_crew **out)
{
    *out = NULL;
    if (n_threads < 1 || n_threads > HP_CREW_MAX_THREADS) {
        return HP_EINVAL;
    }
    hp_crew *crew = calloc(1, sizeof *crew);
    if (crew == NULL) {
        return HP_ENOMEM;
    }
    hp_status st = open_locks(crew);
    while (st == HP_OK && crew->n_helpers + 1 < n_threads) {
        const bool started = pthread_create(&crew->helpers[crew->n_helpers], NULL, help, crew) == 0;
        crew->n_helpers += started ? 1 : 0;
        st = started ? HP_OK : HP_EUNAVAILABLE;
    }
    if (st != HP_OK) {
        hp_crew_destroy(&crew);
        return st;
    }
    *out = crew;
    return HP_OK;
}

void hp_crew_destroy(hp_crew **crew)
{
    hp_crew *c = *crew;
    *crew = NULL;
    if (c == NULL) {
        return;
    }
    if (c->has_locks) {
        (void)pthread_mutex_lock(&c->mutex);
        c->closing = true;
        (void)pthread_cond_broadcast(&c->begin);
        (void)pthread_mutex_unlock(&c->mutex);
        for (uint32_t i = 0; i < c->n_helpers; i++) {
            (void)pthread_join(c->helpers[i], NULL);
        }
        (void)pthread_cond_destroy(&c->end);
        (void)pthread_cond_destroy(&c->begin);
        (void)pthread_mutex_destroy(&c->mutex);
    }
    free(c);
}

void hp_crew_run(hp_crew *crew, void (*chore)(void *ctx, uint32_t index), void *ctx, uint32_t n)
{
    crew->chore = chore;
    crew->ctx = ctx;
    crew->n = n;
    atomic_store(&crew->next, 0);
    if (crew->n_helpers == 0) {
        do_chores(crew);
        return;
    }
    (void)pthread_mutex_lock(&crew->mutex);
    crew->at_work = crew->n_helpers;
    crew->round++;
    (void)pthread_cond_broadcast(&crew->begin);
    (void)pthread_mutex_unlock(&crew->mutex);
    do_chores(crew);
    (void)pthread_mutex_lock(&crew->mutex);
    while (crew->at_work > 0) {
        (void)pthread_cond_wait(&crew->end, &crew->mutex);
    }
    (void)pthread_mutex_unlock(&crew->mutex);
}
