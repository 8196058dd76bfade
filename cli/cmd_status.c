/* hyplan status: a running run in the terminal: rates, latencies, fallbacks, pruning. */
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/tap_state.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const cli_usage USAGE = {
    .command = "status",
    .synopsis = "status RUN|tcp://HOST:PORT [--once] [--keys DIR]",
    .summary = "Looks on at a running run: what drives, how fast it decides, what fails. Twice a\n"
               "second until Ctrl-C, or with --once for one second; --json prints that as JSON.",
    .example = "hyplan status runs/20260131T120000Z-run",
    .without = CLI_NO_CONFIG | CLI_NO_SEED | CLI_NO_OUT | CLI_NO_DATA | CLI_NO_JOBS,
};

enum { SHOW_MS = 500, ONCE_MS = 1200, SLICE_MS = 50 };

static volatile sig_atomic_t stop; /* handlers have nothing else */

static void on_stop(int signal)
{
    (void)signal;
    stop = 1;
}

/** Only where the network has a say. */
static void print_pruning(const hp_plan_reply *p)
{
    if (p->batches == 0) {
        return;
    }
    (void)printf("pruning: %" PRIu32 " valued in %" PRIu32 " calls, %" PRIu32 " pruned (by depth",
                 p->evaluated, p->batches, p->pruned);
    for (uint32_t d = 1; d < HP_MAX_DEPTHS; d++) {
        (void)printf(" %" PRId64, p->pruned_at[d]);
    }
    (void)printf("), %" PRIu32 " opened again, %" PRIu32
                 " refused; gap %.3f; network %.2f ms, on the "
                 "way %.2f ms\n",
                 p->reopened, p->refused, p->value_upper - p->value_lower,
                 (double)p->network_ns * 1e-6, (double)p->transport_ns * 1e-6);
}

static void print_now(const tap_state *s)
{
    if (!s->has_frame || !s->has_decision) {
        (void)puts("nothing is told on the tap yet");
        return;
    }
    const hp_command *c = &s->decision.command;
    (void)printf("episode %" PRIu32 "  tick %" PRIu32 "  t %.2f s  %.1f km/h  command %+.2f m/s^2 "
                 "(%s%s)  agents %" PRIu32 "\n",
                 s->frame.episode, s->frame.tick, (double)s->frame.stamp_ns * 1e-9,
                 s->frame.ego.speed_mps * 3.6, c->accel_mps2, hp_source_name(c->source),
                 c->guarded ? ", guard" : "", s->frame.n_agents);
    (void)printf("decisions p50 %.1f ms  p99 %.1f ms  max %.1f ms; last search %" PRIu32
                 " trials, %" PRIu32 " nodes, %" PRIu32 " pruned, depth %" PRIu32 "\n",
                 tap_state_decision_ms(s, 0.5), tap_state_decision_ms(s, 0.99),
                 tap_state_decision_ms(s, 1.0), s->decision.plan.trials, s->decision.plan.nodes,
                 s->decision.plan.pruned, s->decision.plan.depth);
    const double all = (double)(s->nodes + s->pruned);
    (void)printf("tree: %" PRIu64 " nodes, %" PRIu64
                 " pruned (%.1f %%); thresholds of version %" PRIu32 " since tick %" PRIu32 "\n",
                 s->nodes, s->pruned, all > 0.0 ? 100.0 * (double)s->pruned / all : 0.0,
                 s->decision.config_version, s->configuration_tick);
    print_pruning(&s->decision.plan);
    (void)printf("commands: search %" PRIu64 "  policy %" PRIu64 "  comfort brake %" PRIu64
                 "  hard brake %" PRIu64 "; guard %" PRIu64 "  no search %" PRIu64
                 "  no prediction %" PRIu64 "\n",
                 s->sources[HP_SOURCE_SEARCH], s->sources[HP_SOURCE_POLICY],
                 s->sources[HP_SOURCE_COMFORT_BRAKE], s->sources[HP_SOURCE_HARD_BRAKE], s->guarded,
                 s->search_failed, s->predictor_fallbacks);
}

static void print_state(const tap_state *s)
{
    print_now(s);
    (void)fputs("messages/s:", stdout);
    for (unsigned i = 0; i < HP_MSG_COUNT; i++) {
        if (s->messages[i] > 0) {
            (void)printf("  %s %.1f", hp_msg_name((hp_msg_type)i), s->rate_hz[i]);
        }
    }
    (void)printf("  (missed %" PRIu64 ")\n", s->missed);
    for (uint32_t i = 0; i < s->n_health; i++) {
        const hp_health *h = &s->health[i];
        (void)printf("%-10s generation %" PRIu32 "  requests %" PRIu64 "  late %" PRIu64
                     "  refused %" PRIu64 "%s%s\n",
                     h->role, h->generation, h->requests, h->late, h->refused,
                     h->degraded ? "  degraded: " : (h->note[0] != '\0' ? "  " : ""), h->note);
    }
}

static int show(const cli_common *common, const hp_node *identity, bool once, hp_error *error)
{
    tap_state *s = NULL;
    hp_status st = tap_state_create(identity, &s, error);
    const bool tty = isatty(STDOUT_FILENO) == 1;
    const int64_t every_ns = (once ? ONCE_MS : SHOW_MS) * HP_MS_NS;
    int64_t shown_ns = hp_clock_now_ns(identity->clock);
    while (st == HP_OK && stop == 0) {
        st = tap_state_step(s, SLICE_MS, NULL, NULL);
        const int64_t now = hp_clock_now_ns(identity->clock);
        if (st != HP_OK || now - shown_ns < every_ns) {
            continue;
        }
        shown_ns = now;
        if (common->json) {
            json_t *json = tap_state_json(s);
            (void)json_dumpf(json, stdout, once ? JSON_INDENT(2) : JSON_COMPACT);
            (void)putchar('\n');
            json_decref(json);
        } else {
            (void)fputs(tty && !once ? "\033[H\033[J" : "", stdout);
            print_state(s);
        }
        (void)fflush(stdout);
        if (once) {
            break;
        }
    }
    const bool heard = s != NULL && s->heard_ns != 0;
    tap_state_destroy(&s);
    return st == HP_OK || st == HP_EINTERRUPTED ? (heard ? CLI_DONE : CLI_FAILED)
                                                : cli_end(&USAGE, st, error);
}

/** RUN/sockets is a link to where the sockets are; an address is that place itself. */
static bool find_sockets(const char *run, char *target, size_t cap)
{
    char link[CLI_PATH];
    if (strncmp(run, "tcp://", 6) == 0) {
        return snprintf(target, cap, "%s", run) < (int)cap;
    }
    if (snprintf(link, sizeof link, "%s/sockets", run) >= CLI_PATH) {
        return false;
    }
    const ssize_t len = readlink(link, target, cap - 1);
    target[len > 0 ? len : 0] = '\0';
    return len > 0;
}

int cmd_status(int argc, char **argv)
{
    bool once = false;
    cli_common common;
    cli_texts rest;
    hp_error error = {{0}};
    hp_host host = {0};
    char target[HP_BUS_ENDPOINT];
    hp_place place = {.sockets = target};
    const cli_flag flags[] = {
        {.name = "once",
         .type = CLI_FLAG_SWITCH,
         .target = &once,
         .help = "listen for a second, print, and end"},
        {.name = "keys",
         .type = CLI_FLAG_TEXT,
         .target = &place.keys,
         .arg = "DIR",
         .help = "for a run by tcp: keys as `hyplan keys new` makes them"},
        {.name = NULL},
    };
    const int status = cli_parse(&USAGE, flags, argc, argv, &common, &rest);
    if (status != CLI_GO) {
        return status;
    }
    if (rest.n != 1) {
        return cli_fail(&USAGE, CLI_USAGE, "which run? hyplan %s", USAGE.synopsis);
    }
    if (!find_sockets(rest.items[0], target, sizeof target)) {
        return cli_fail(&USAGE, CLI_ENVIRONMENT, "%s: no run is running there", rest.items[0]);
    }
    const struct sigaction action = {.sa_handler = on_stop};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    const hp_status st = hp_host_open(&host, HP_ROLE_CLI, 1, &place, stderr, &error);
    const int result =
        st == HP_OK ? show(&common, &host.node, once, &error) : cli_end(&USAGE, st, &error);
    hp_host_close(&host);
    return result;
}
