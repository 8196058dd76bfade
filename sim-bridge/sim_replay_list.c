#include "sim-bridge/sim_replay.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CARS = 256, MAX_PATH = 480 };

static const char VEHICLE_SUFFIX[] = "_traj_veh_filtered.csv";

/** The list while it grows. */
typedef struct listing {
    sim_replay_case *cases;
    uint32_t cap, n;
    uint32_t folders;   /* that exist */
    char left_out[256]; /* names of incomplete clips */
    hp_error *error;
} listing;

static void note_left_out(listing *list, const char *name)
{
    const size_t used = strlen(list->left_out);
    (void)snprintf(list->left_out + used, sizeof list->left_out - used, "%s%s",
                   used > 0 ? ", " : "", name);
}

/** Adds the eligible cars of one clip. */
static hp_status add_clip(listing *list, const char *prefix, const char *name, sim_clip_kind kind)
{
    char walkers[MAX_PATH + 64];
    sim_clip *clip = NULL;
    uint32_t ids[MAX_CARS];
    (void)snprintf(walkers, sizeof walkers, "%s_traj_ped_filtered.csv", prefix);
    if (access(walkers, F_OK) != 0) {
        note_left_out(list, name);
        return HP_OK;
    }
    const hp_status st = sim_clip_read(prefix, kind, &clip, list->error);
    if (st != HP_OK) {
        return st;
    }
    const uint32_t n = sim_clip_eligible(clip, ids, MAX_CARS);
    sim_clip_destroy(&clip);
    for (uint32_t i = 0; i < n && i < MAX_CARS && list->n < list->cap; ++i) {
        sim_replay_case *c = &list->cases[list->n++];
        *c = (sim_replay_case){.kind = kind, .car_id = ids[i]};
        (void)snprintf(c->prefix, sizeof c->prefix, "%s", prefix);
        (void)snprintf(c->name, sizeof c->name, "%s", name);
    }
    return HP_OK;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/** Adds every clip of a folder, in the order of names; a folder that is not there has none. */
static hp_status add_folder(listing *list, const char *folder, const char *title,
                            sim_clip_kind kind)
{
    struct dirent **entries = NULL;
    hp_status st = HP_OK;
    const int n = scandir(folder, &entries, visible, alphasort);
    if (n < 0) {
        return HP_OK;
    }
    ++list->folders;
    for (int i = 0; i < n; ++i) {
        const size_t len = strlen(entries[i]->d_name);
        const size_t tail = sizeof VEHICLE_SUFFIX - 1;
        if (st == HP_OK && len > tail &&
            strcmp(entries[i]->d_name + len - tail, VEHICLE_SUFFIX) == 0) {
            char prefix[MAX_PATH];
            char name[HP_TEXT];
            const int clip = (int)(len - tail);
            const int a =
                snprintf(prefix, sizeof prefix, "%s/%.*s", folder, clip, entries[i]->d_name);
            const int b = snprintf(name, sizeof name, "%s/%.*s", title, clip, entries[i]->d_name);
            st = a < (int)sizeof prefix && b < (int)sizeof name
                     ? add_clip(list, prefix, name, kind)
                     : hp_fail(list->error, HP_EINVAL, "%.200s: path too long", folder);
        }
        free(entries[i]);
    }
    free(entries);
    return st;
}

/** Adds the clips of CITR, which has a folder per kind of scene. */
static hp_status add_citr(listing *list, const char *data_dir)
{
    char folder[MAX_PATH];
    struct dirent **entries = NULL;
    hp_status st = HP_OK;
    (void)snprintf(folder, sizeof folder, "%s/citr", data_dir);
    const int n = scandir(folder, &entries, visible, alphasort);
    for (int i = 0; i < n; ++i) {
        char sub[MAX_PATH];
        const int a = snprintf(sub, sizeof sub, "%s/citr/%s", data_dir, entries[i]->d_name);
        if (st == HP_OK && a < (int)sizeof sub) {
            st = add_folder(list, sub, "citr", SIM_CLIP_CITR);
        }
        free(entries[i]);
    }
    free(entries);
    return st;
}

static int by_name(const void *a, const void *b)
{
    const sim_replay_case *x = a;
    const sim_replay_case *y = b;
    const int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->car_id > y->car_id) - (x->car_id < y->car_id);
}

hp_status sim_replay_list(const char *data_dir, sim_replay_case *cases, uint32_t cap, uint32_t *n,
                          hp_error *error)
{
    char folder[MAX_PATH];
    listing list = {.cases = cases, .cap = cap, .error = error};
    *n = 0;
    if (strlen(data_dir) > MAX_PATH / 2) {
        return hp_fail(error, HP_EINVAL, "%.200s...: path too long", data_dir);
    }
    (void)snprintf(folder, sizeof folder, "%s/dut/trajectories_filtered", data_dir);
    hp_status st = add_folder(&list, folder, "dut", SIM_CLIP_DUT);
    if (st == HP_OK) {
        st = add_citr(&list, data_dir);
    }
    if (st == HP_OK && list.folders == 0) {
        st = hp_fail(error, HP_ENOENT,
                     "%s: no recordings (dut/trajectories_filtered or citr/ expected; "
                     "scripts/fetch-data brings them)",
                     data_dir);
    }
    if (st != HP_OK) {
        return st;
    }
    qsort(cases, list.n, sizeof *cases, by_name);
    *n = list.n;
    if (list.left_out[0] != '\0') {
        (void)hp_fail(error, HP_OK, "left out, no pedestrian file: %s", list.left_out);
    } else {
        (void)hp_fail(error, HP_OK, "%s", "");
    }
    return HP_OK;
}
