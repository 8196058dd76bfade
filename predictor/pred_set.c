/* Which files belong to which set. */
#include "predictor/pred_clock.h"
#include "predictor/pred_sample.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 256, PATH = 1024 };

const char *const PRED_SCENE[PRED_SCENES + 1] = {"eth", "hotel", "univ", "zara1", "zara2", NULL};

typedef struct file_list {
    uint32_t n;
    char *paths[MAX_FILES];
} file_list;

static void free_list(file_list *list)
{
    for (uint32_t i = 0; i < list->n; ++i) {
        free(list->paths[i]);
    }
    list->n = 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text);
    const size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/** Adds DIR's files with this ending, without it. */
static hp_status list_files(const char *dir, const char *ending, file_list *list, hp_error *error)
{
    DIR *d = opendir(dir);
    if (d == NULL) {
        const int why = errno;
        return hp_fail(error, HP_ENOENT, "%s: cannot look into it: %s (--data-dir or HYPLAN_DATA)",
                       dir, strerror(why));
    }
    for (struct dirent *e = readdir(d); e != NULL && list->n < MAX_FILES; e = readdir(d)) {
        if (e->d_name[0] == '.' || !ends_with(e->d_name, ending)) {
            continue;
        }
        char path[PATH];
        const int n = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (n < 0 || (size_t)n >= sizeof path) {
            continue;
        }
        path[(size_t)n - strlen(ending)] = '\0';
        list->paths[list->n] = strdup(path);
        list->n += list->paths[list->n] != NULL ? 1 : 0;
    }
    (void)closedir(d);
    return HP_OK;
}

static const char CLIP_END[] = "_traj_ped_filtered.csv";

/** The files of a set in order, without their endings. */
static hp_status find_files(const pred_choice *c, file_list *list, hp_error *error)
{
    static const char *const CITR[] = {"p2p_bi",    "p2p_uni",    "vci_back",
                                       "vci_front", "vci_lat_bi", "vci_lat_uni"};
    static const char *const SPLITS[] = {"train", "val", "test"};
    char dir[PATH];
    hp_status st = HP_OK;
    if (c->kind == PRED_ETH_UCY) {
        (void)snprintf(dir, sizeof dir, "%.700s/eth-ucy/%s/%s", c->data_dir, c->scene,
                       SPLITS[c->split]);
        st = list_files(dir, ".txt", list, error);
    } else if (c->kind == PRED_DUT) {
        (void)snprintf(dir, sizeof dir, "%.700s/dut/trajectories_filtered", c->data_dir);
        st = list_files(dir, CLIP_END, list, error);
    } else if (c->kind == PRED_CITR) {
        for (size_t i = 0; st == HP_OK && i < HP_ARRAY_LEN(CITR); ++i) {
            (void)snprintf(dir, sizeof dir, "%.700s/citr/%s", c->data_dir, CITR[i]);
            st = list_files(dir, CLIP_END, list, error);
        }
    } else {
        (void)snprintf(dir, sizeof dir, "%.700s/apolloscape/prediction_train", c->data_dir);
        st = list_files(dir, ".txt", list, error);
    }
    qsort(list->paths, list->n, sizeof list->paths[0], by_name);
    if (st == HP_OK && list->n == 0) {
        st = hp_fail(error, HP_ENOENT, "%s: no recordings there", dir);
    }
    return st;
}

static bool is_wanted(const pred_choice *c, uint32_t index)
{
    if (c->kind == PRED_ETH_UCY) {
        return true;
    }
    const uint32_t every = c->kind == PRED_APOLLO ? 5 : 4;
    const uint32_t place = index % every;
    const pred_split split = place == every - 1   ? PRED_TEST
                             : place == every - 2 ? PRED_VAL
                                                  : PRED_TRAIN;
    return split == c->split;
}

/** clock: for clips, quarters of a step by which the steps are late. */
static hp_status read_one(const pred_choice *c, const char *stem, uint32_t clock,
                          pred_recording *out, hp_error *error)
{
    char path[PATH + 8];
    (void)snprintf(path, sizeof path, "%s.txt", stem);
    switch (c->kind) {
    case PRED_DUT:
        return pred_read_clip(stem, 23.98, 0.25 * clock, out, error);
    case PRED_CITR:
        return pred_read_clip(stem, 29.97, 0.25 * clock, out, error);
    case PRED_APOLLO:
        return pred_read_apollo(path, out, error);
    case PRED_ETH_UCY:
    case PRED_MIXED:
    case PRED_DATA_KINDS:
    default:
        return pred_read_eth(path, out, error);
    }
}

static pred_protocol protocol_of(const pred_choice *c)
{
    static const pred_protocol *const PROTOCOLS[2][2] = {{&PRED_8_12, &PRED_LOOSE},
                                                         {&PRED_6_6, &PRED_LOOSE_6}};
    pred_protocol protocol = *PROTOCOLS[c->kind == PRED_APOLLO && !c->whole_past][c->loose];
    protocol.no_vehicles = c->no_vehicles;
    protocol.min_agents = c->min_agents > 0 ? c->min_agents : protocol.min_agents;
    return protocol;
}

static hp_status load_files(const pred_choice *c, const file_list *list, pred_samples *samples,
                            hp_error *error)
{
    const pred_protocol protocol = protocol_of(c);
    const bool clips = c->kind == PRED_DUT || c->kind == PRED_CITR;
    const uint32_t n_clocks = c->loose && clips ? 4 : 1;
    hp_status st = HP_OK;
    for (uint32_t i = 0; st == HP_OK && i < list->n * n_clocks; ++i) {
        pred_recording recording;
        if (!is_wanted(c, i / n_clocks)) {
            continue;
        }
        st = read_one(c, list->paths[i / n_clocks], i % n_clocks, &recording, error);
        if (st != HP_OK) {
            break;
        }
        if (c->kind == PRED_APOLLO && !c->as_stamped) {
            st = pred_clock_mend(&recording, error);
        }
        st = st == HP_OK ? pred_samples_add(samples, &recording, &protocol, error) : st;
        pred_recording_free(&recording);
    }
    return st;
}

static hp_status load_mixed(const pred_choice *choice, pred_samples *samples, hp_error *error)
{
    static const pred_data_kind KINDS[] = {PRED_ETH_UCY, PRED_DUT, PRED_CITR, PRED_APOLLO};
    for (size_t i = 0; i < HP_ARRAY_LEN(KINDS); ++i) {
        pred_choice c = *choice;
        c.kind = KINDS[i];
        c.scene = "raw"; /* the same cuts of all eight files */
        c.whole_past = choice->loose;
        const hp_status st = pred_samples_load(&c, samples, error);
        if (st != HP_OK) {
            return st;
        }
    }
    return HP_OK;
}

hp_status pred_samples_load(const pred_choice *choice, pred_samples *samples, hp_error *error)
{
    file_list list = {0};
    if (choice->kind == PRED_MIXED) {
        return load_mixed(choice, samples, error);
    }
    hp_status st = find_files(choice, &list, error);
    if (st == HP_OK) {
        st = load_files(choice, &list, samples, error);
    }
    free_list(&list);
    return st;
}
