/* hyplan train: the networks, each by its own command. */
#include "cli/blas.h"
#include "cli/commands.h"
#include "cli/menu.h"
#include "cli/train.h"
#include "common/hp_status.h"

static const menu_item ITEMS[] = {
    {"policy", "the driving policy, or a classic task that proves the trainer", train_policy},
    {"predictor", "the network that says where others may go", train_predictor},
};

int cmd_train(int argc, char **argv)
{
    static const menu MENU = {"hyplan train", "WHAT", "", "", ITEMS, HP_ARRAY_LEN(ITEMS)};
    blas_choose_kernels();
    return menu_run(&MENU, argc, argv);
}
