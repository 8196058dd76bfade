/* Bytes as a policy's model: whatever is accepted must load, answer, and give finite numbers. */
#include "policy/policy_infer.h"
#include "tests/support/fuzz_target.h"

#include <assert.h>
#include <math.h>

enum { MOST_ROW = 2048, MOST_PARAMS = 1 << 18 };

static void ask(const policy_model *model)
{
    static float row[MOST_ROW];
    policy_infer *infer = NULL;
    policy_answer answer;
    policy_answer looked;
    hp_error error;
    if (model->n_params > MOST_PARAMS || policy_shape_row(&model->actor) > MOST_ROW ||
        policy_infer_create(model, "auto", 1, &infer, &error) != HP_OK) {
        return;
    }
    policy_infer_run(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, row, 1, &answer);
    assert(isfinite(answer.value) && isfinite(answer.spread) && isfinite(answer.crash_p));
    policy_infer_see(infer, row + policy_shape_look(&model->actor));
    policy_infer_look(infer, POLICY_ASK_VALUE | POLICY_ASK_CHOICE, row, 1, &looked);
    assert(looked.valid == answer.valid && !(looked.value < answer.value) &&
           !(looked.value > answer.value) && looked.best == answer.best);
    policy_infer_destroy(&infer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hp_tensors *tensors = NULL;
    policy_model model;
    hp_error error;
    if (hp_tensors_parse(data, size, "fuzz", &tensors, &error) != HP_OK) {
        return 0;
    }
    if (policy_model_take(tensors, "fuzz", &model, &error) == HP_OK) {
        ask(&model);
        policy_model_destroy(&model);
    }
    hp_tensors_destroy(&tensors);
    return 0;
}
