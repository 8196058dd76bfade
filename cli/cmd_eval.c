/* hyplan eval: the networks, each by its own command. */
#include "cli/commands.h"
#include "cli/eval.h"
#include "cli/menu.h"
#include "common/hp_status.h"

static const menu_item ITEMS[] = {
    {"policy", "the driving policy: returns, crashes, calibration", eval_policy},
    {"prune", "what pruning costs and saves, against long searches alone", eval_prune},
    {"predictor", "where others may go: errors, likelihood, calibration, latency", eval_predictor},
};

int cmd_eval(int argc, char **argv)
{
    static const menu MENU = {"hyplan eval", "WHAT", "", "", ITEMS, HP_ARRAY_LEN(ITEMS)};
    return menu_run(&MENU, argc, argv);
}
