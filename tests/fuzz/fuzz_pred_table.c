/* Any text as a table of trajectories, in the three forms: refused with FILE:LINE and a reason, or
 * every number is finite and within bounds. */
#include "predictor/pred_data.h"
#include "tests/support/fuzz_target.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const pred_format FORMATS[] = {
        {.columns = 4},
        {.columns = 10},
        {.header = "id,frame,label,x_est,y_est,vx_est,vy_est",
         .commas = true,
         .columns = 7,
         .word = 3},
    };
    for (size_t f = 0; f < HP_ARRAY_LEN(FORMATS); ++f) {
        pred_table table;
        hp_error error;
        if (pred_table_parse((const char *)data, size, "t.txt", &FORMATS[f], &table, &error) ==
            HP_OK) {
            fuzz_must(table.n_rows > 0);
            for (size_t i = 0; i < table.n_rows * PRED_COLUMNS; ++i) {
                fuzz_must(fabs(table.values[i]) <= 1e9);
            }
            pred_table_free(&table);
        } else {
            fuzz_must(table.values == NULL && table.n_rows == 0);
            fuzz_must(strncmp(error.text, "t.txt:", 6) == 0 && strchr(error.text, '\n') == NULL);
        }
    }
    return 0;
}
