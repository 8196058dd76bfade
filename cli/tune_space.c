#include "cli/tune_space.h"

#include "common/hp_rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hp_status refuse(const char *text, const char *what, hp_error *error)
{
    return hp_fail(error, HP_EINVAL,
                   "--vary: '%.80s': %s; it takes KEY=LO..HI, KEY=LO..HI:log, KEY=LO..HI:int or "
                   "KEY=A|B|C",
                   text, what);
}

static hp_status parse_words(const char *text, const char *values, tune_axis *axis, hp_error *error)
{
    for (const char *word = values;; word++) {
        const size_t len = strcspn(word, "|");
        if (len == 0 || len >= sizeof axis->words[0]) {
            return refuse(text, "a word is empty or too long", error);
        }
        if (axis->n_words == TUNE_MAX_WORDS) {
            return refuse(text, "too many words", error);
        }
        memcpy(axis->words[axis->n_words], word, len);
        axis->words[axis->n_words++][len] = '\0';
        word += len;
        if (*word == '\0') {
            return HP_OK;
        }
    }
}

static bool parse_modes(const char *modes, tune_axis *axis)
{
    while (*modes != '\0') {
        if (strncmp(modes, ":log", 4) == 0) {
            axis->log = true;
        } else if (strncmp(modes, ":int", 4) == 0) {
            axis->whole = true;
        } else {
            return false;
        }
        modes += 4;
    }
    return true;
}

static hp_status parse_range(const char *text, const char *values, tune_axis *axis, hp_error *error)
{
    char *end = NULL;
    /* "1..2" reads as "1." and ".2": the first number ends before the dots. */
    const char *dots = strstr(values, "..");
    char low[32];
    const size_t len = (size_t)(dots - values);
    if (len == 0 || len >= sizeof low) {
        return refuse(text, "no number before '..'", error);
    }
    memcpy(low, values, len);
    low[len] = '\0';
    axis->lo = strtod(low, &end);
    if (*end != '\0') {
        return refuse(text, "no number before '..'", error);
    }
    axis->hi = strtod(dots + 2, &end);
    if (end == dots + 2 || !parse_modes(end, axis)) {
        return refuse(text, "no number, or something unknown, after '..'", error);
    }
    if (!(axis->lo < axis->hi) || !isfinite(axis->hi - axis->lo)) {
        return refuse(text, "the range is empty", error);
    }
    if (axis->log && !(axis->lo > 0.0)) {
        return refuse(text, "a range in proportions begins above 0", error);
    }
    return HP_OK;
}

static hp_status parse_axis(const char *text, tune_axis *axis, hp_error *error)
{
    const char *equals = strchr(text, '=');
    const size_t len = equals == NULL ? 0 : (size_t)(equals - text);
    memset(axis, 0, sizeof *axis);
    if (len == 0 || len >= sizeof axis->key) {
        return refuse(text, "no key", error);
    }
    memcpy(axis->key, text, len);
    return strstr(equals, "..") != NULL ? parse_range(text, equals + 1, axis, error)
                                        : parse_words(text, equals + 1, axis, error);
}

hp_status tune_space_parse(const cli_texts *varies, uint32_t steps, tune_space *out,
                           hp_error *error)
{
    memset(out, 0, sizeof *out);
    out->steps = steps;
    if (varies->n == 0 || varies->n > TUNE_MAX_AXES) {
        return hp_fail(error, HP_EINVAL, "--vary: between 1 and %d keys, please", TUNE_MAX_AXES);
    }
    for (uint32_t i = 0; i < varies->n; i++) {
        const hp_status status = parse_axis(varies->items[i], &out->axes[i], error);
        if (status != HP_OK) {
            return status;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(out->axes[k].key, out->axes[i].key) == 0) {
                return refuse(varies->items[i], "the key is there twice", error);
            }
        }
        out->n_axes++;
    }
    return HP_OK;
}

static uint32_t axis_size(const tune_space *space, const tune_axis *axis)
{
    return axis->n_words > 0 ? axis->n_words : space->steps;
}

uint64_t tune_space_sweep_size(const tune_space *space)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < space->n_axes; i++) {
        n *= axis_size(space, &space->axes[i]);
    }
    return n;
}

/* share in [0, 1] of a range; of words, the share-th. */
static void take(const tune_axis *axis, double share, char set[TUNE_SET], double *value)
{
    if (axis->n_words > 0) {
        const uint32_t i = (uint32_t)fmin(share * axis->n_words, axis->n_words - 1.0);
        *value = i;
        (void)snprintf(set, TUNE_SET, "%s=%s", axis->key, axis->words[i]);
        return;
    }
    const double v = axis->log ? axis->lo * pow(axis->hi / axis->lo, share)
                               : axis->lo + share * (axis->hi - axis->lo);
    *value = axis->whole ? round(v) : v;
    (void)snprintf(set, TUNE_SET, axis->whole ? "%s=%.0f" : "%s=%.6g", axis->key, *value);
}

void tune_space_sweep(const tune_space *space, uint64_t index, tune_point *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = space->n_axes; i-- > 0;) {
        const tune_axis *axis = &space->axes[i];
        const uint32_t n = axis_size(space, axis);
        const double k = (double)(index % n);
        const double share = axis->n_words > 0 ? (k + 0.5) / n : (n > 1 ? k / (n - 1.0) : 0.5);
        take(axis, share, out->sets[i], &out->values[i]);
        index /= n;
    }
}

void tune_space_draw(const tune_space *space, uint64_t seed, uint64_t index, tune_point *out)
{
    const hp_rng stream = hp_rng_lane(hp_rng_seed(seed), index);
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < space->n_axes; i++) {
        take(&space->axes[i], hp_rng_unit(stream, i), out->sets[i], &out->values[i]);
    }
}
