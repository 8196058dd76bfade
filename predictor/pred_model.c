#include "predictor/pred_model.h"

#include "common/hp_safetensors.h"

#include <string.h>

static const char FORMAT[] = "hyplan-predictor-2";

hp_status pred_model_read(const char *path, pred_model *out, hp_error *error)
{
    hp_tensors *file = NULL;
    hp_status st = hp_tensors_read(path, &file, error);
    if (st != HP_OK) {
        return st;
    }
    const char *format = hp_tensors_note(file, "format");
    if (format == NULL || strcmp(format, FORMAT) != 0) {
        st = hp_fail(error, HP_ECONFIG, "%s: error: no model of this predictor (format is not %s)",
                     path, FORMAT);
    }
    hp_tensor temperature = {.name = "temperature", .dtype = HP_DTYPE_F32};
    hp_tensor spread = {.name = "spread", .dtype = HP_DTYPE_F32};
    for (uint32_t i = 0; st == HP_OK && i < PRED_PARTS; ++i) {
        const pred_part *part = &PRED_PART[i];
        hp_tensor wanted = {.name = part->name,
                            .dtype = HP_DTYPE_F32,
                            .n_dims = 2,
                            .dims = {part->rows, part->columns}};
        st = hp_tensors_get(file, &wanted, error);
        if (st == HP_OK) {
            memcpy((float *)&out->weights + part->offset, wanted.data,
                   (size_t)part->rows * part->columns * sizeof(float));
        }
    }
    st = st == HP_OK ? hp_tensors_get(file, &temperature, error) : st;
    st = st == HP_OK ? hp_tensors_get(file, &spread, error) : st;
    if (st == HP_OK) {
        out->temperature = *(const float *)temperature.data;
        out->spread = *(const float *)spread.data;
        if (!(out->temperature >= 0.05F && out->spread >= 0.05F && out->temperature <= 20.0F &&
              out->spread <= 20.0F)) {
            st = hp_fail(error, HP_ECONFIG,
                         "%s: error: temperature or spread is not within 0.05 and 20", path);
        }
    }
    hp_tensors_destroy(&file);
    return st;
}

hp_status pred_model_write(const char *dir, const char *file, const pred_model *model,
                           const pred_notes *notes, hp_error *error)
{
    hp_tensor tensors[PRED_PARTS + 2];
    const hp_tensor_note texts[] = {
        {"format", FORMAT}, {"trained_on", notes->trained_on}, {"recipe", notes->recipe}};
    for (uint32_t i = 0; i < PRED_PARTS; ++i) {
        const pred_part *part = &PRED_PART[i];
        tensors[i] = (hp_tensor){.name = part->name,
                                 .dtype = HP_DTYPE_F32,
                                 .n_dims = 2,
                                 .dims = {part->rows, part->columns},
                                 .data = (const float *)&model->weights + part->offset};
    }
    tensors[PRED_PARTS] = (hp_tensor){.name = "temperature", .data = &model->temperature};
    tensors[PRED_PARTS + 1] = (hp_tensor){.name = "spread", .data = &model->spread};
    const hp_tensor_list list = {tensors, texts, PRED_PARTS + 2, HP_ARRAY_LEN(texts)};
    return hp_tensors_write(dir, file, &list, error);
}

void pred_batch_clear(pred_acts *acts)
{
    acts->batch.n = 0;
    acts->batch.n_pairs = 0;
    acts->batch.first[0] = 0;
}

void pred_batch_add(pred_acts *acts, const pred_input *input, const pred_change *change,
                    pred_frame *frame)
{
    pred_batch *b = &acts->batch;
    const uint32_t i = b->n++;
    *frame = pred_frame_of(input, change);
    pred_input_write(input, frame, change->size, &b->x[(size_t)i * PRED_INPUTS],
                     &b->pairs[(size_t)b->n_pairs * PRED_PAIRS], &b->base[(size_t)i * PRED_PATH]);
    b->floor[i] = (float)frame->floor;
    b->n_pairs += input->n_neighbours;
    b->first[i + 1] = b->n_pairs;
}

/** From units to metres, with the calibration. */
static void write_answer(const pred_model *model, const pred_acts *acts, uint32_t i,
                         pred_answer *out)
{
    const float metres = (float)(1.0 / out->frame.scale);
    float best = -INFINITY;
    float sum = 0.0F;
    out->n_modes = PRED_MODES;
    out->has_scales = true;
    out->frame.scale = 1.0;
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        const size_t row = (size_t)i * PRED_MODES + k;
        out->p[k] = acts->log_p[row] / model->temperature;
        best = fmaxf(best, out->p[k]);
        for (uint32_t c = 0; c < PRED_PATH; ++c) {
            out->path[k][c] = metres * acts->out[row * PRED_OUTPUTS + c];
            out->scale[k][c] = fmaxf(metres * model->spread * acts->scale[row * PRED_PATH + c],
                                     (float)PRED_MIN_SCALE_M);
        }
    }
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        out->p[k] = expf(out->p[k] - best);
        sum += out->p[k];
    }
    for (uint32_t k = 0; k < PRED_MODES; ++k) {
        out->p[k] /= sum;
    }
    for (uint32_t c = 0; c < PRED_PATH; ++c) {
        out->single[c] = metres * acts->single[(size_t)i * PRED_PATH + c];
    }
}

void pred_model_answer(const pred_model *model, pred_acts *acts, const pred_input *inputs,
                       size_t stride, uint32_t n, pred_answer *answers)
{
    const pred_product product = pred_product_best();
    for (uint32_t begin = 0; begin < n; begin += acts->capacity) {
        const uint32_t end = n - begin < acts->capacity ? n : begin + acts->capacity;
        pred_batch_clear(acts);
        for (uint32_t i = begin; i < end; ++i) {
            const pred_input *input =
                (const pred_input *)(const void *)((const char *)inputs + i * stride);
            pred_batch_add(acts, input, &PRED_AS_IT_IS, &answers[i].frame);
        }
        pred_net_forward(&model->weights, product, acts);
        for (uint32_t i = begin; i < end; ++i) {
            write_answer(model, acts, i - begin, &answers[i]);
        }
    }
}
