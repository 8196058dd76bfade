/* Any bytes as a file of tensors: refused with a one-line reason, or every tensor can be read. */
#include "common/hp_safetensors.h"
#include "tests/support/fuzz_target.h"

#include <math.h>
#include <string.h>

static void read_all(const hp_tensors *tensors)
{
    const hp_tensor_list *list = hp_tensors_list(tensors);
    for (uint32_t i = 0; i < list->n_tensors; ++i) {
        hp_tensor wanted = list->tensors[i];
        hp_error error;
        size_t n = 1;
        for (uint32_t d = 0; d < wanted.n_dims; ++d) {
            n *= wanted.dims[d];
        }
        wanted.data = NULL;
        fuzz_must(hp_tensors_get(tensors, &wanted, &error) == HP_OK && wanted.data != NULL);
        for (size_t k = 0; k < n && wanted.dtype == HP_DTYPE_F32; ++k) {
            fuzz_must(isfinite(((const float *)wanted.data)[k]));
        }
    }
    for (uint32_t i = 0; i < list->n_notes; ++i) {
        fuzz_must(strcmp(hp_tensors_note(tensors, list->notes[i].key), list->notes[i].value) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hp_tensors *tensors = NULL;
    hp_error error;
    if (hp_tensors_parse(data, size, "m.safetensors", &tensors, &error) == HP_OK) {
        read_all(tensors);
        hp_tensors_destroy(&tensors);
    } else {
        fuzz_must(tensors == NULL && strncmp(error.text, "m.safetensors: ", 15) == 0);
        fuzz_must(strchr(error.text, '\n') == NULL);
    }
    return 0;
}
