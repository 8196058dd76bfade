/* hyplan run: one world, one planner, from the first frame to the verdict. */

#include "cli/commands.h"
#include "cli/run_options.h"
#include "cli/run_parts.h"
#include "cli/run_report.h"

#include <signal.h>
#include <stdlib.h>

static const cli_usage USAGE = {
    .command = "run",
    .synopsis =
        "run [--world sim|replay|carla] [--scenario cts/01] [--scene speed=1.2,distance=20] "
        "[options]",
    .summary = "Drives one scene in closed loop: starts the five parts, watches over them, and "
               "tells how it\nended. Leaves summary.json, steps.csv, log.txt, config.yaml and "
               "manifest.json in the run directory.",
    .example = "hyplan run --scenario cts/03 --scene speed=1.2,distance=20 --seed 7",
    .without = CLI_NO_JOBS,
};

/** Runs the parts to their end; facts tell how it went. */
static int drive(const run_options *options, const cli_rundir *dir, run_facts *facts)
{
    hp_error error = {{0}};
    const hp_status st = options->embedded ? run_embedded(options, dir, facts, &error)
                                           : run_processes(options, dir, facts, &error);
    return cli_end(&USAGE, st, &error);
}

static int finish(const run_options *options, const cli_rundir *dir, const run_facts *facts)
{
    hp_error error = {{0}};
    const char *verdict = "failed";
    bool passed = false;
    hp_status st = run_report(dir, facts, options->common.json, &verdict, &passed, &error);
    if (st == HP_OK) {
        st = cli_rundir_manifest(dir, &options->common, &options->config, verdict, &error);
    }
    if (st != HP_OK) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "%s", error.text);
    }
    return passed ? CLI_DONE : CLI_FAILED;
}

/** Who reads the progress may go: the car drives on. */
static void outlive_readers(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

static int run(const run_options *options)
{
    cli_rundir dir;
    run_facts facts = {.episodes = options->config.bridge.episodes};
    hp_error error = {{0}};
    int lock_fd = -1;
    outlive_readers();
    hp_status st = cli_rundir_open(&options->common, "run", &dir, &error);
    if (st == HP_OK) {
        st = run_dir_prepare(options, &dir, &lock_fd, &error);
    }
    if (st != HP_OK) {
        return cli_fail(&USAGE, st == HP_EINVAL ? CLI_USAGE : CLI_ENVIRONMENT, "%s", error.text);
    }
    int status = drive(options, &dir, &facts);
    if (status == CLI_DONE) {
        status = finish(options, &dir, &facts);
    } else { /* the complaint is out; one about the manifest adds nothing */
        (void)!cli_rundir_manifest(&dir, &options->common, &options->config, "failed", &error);
    }
    run_dir_release(lock_fd);
    return status;
}

int cmd_run(int argc, char **argv)
{
    run_options *options = calloc(1, sizeof *options); /* large for the stack */
    if (options == NULL) {
        return CLI_ENVIRONMENT;
    }
    int status = run_options_read(&USAGE, argc, argv, options);
    if (status == CLI_GO) {
        status = run(options);
    }
    free(options);
    return status;
}
