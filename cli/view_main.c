/* hyplan-view: looks on at a running run and shows it to browsers and viewers. */
#include "cli/view_server.h"
#include "common/hp_program.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_PORT = 8765, STEP_MS = 10, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static int usage(FILE *out, int status)
{
    (void)fputs(
        "usage: hyplan-view RUN|SOCKETS|tcp://HOST:PORT [--keys DIR] [--port N]\n"
        "Shows a running run at http://127.0.0.1:8765/ and to Lichtblick, Foxglove and "
        "PlotJuggler\n"
        "at ws://127.0.0.1:8765/. RUN is a run's directory; SOCKETS one that holds its sockets.\n"
        "A run by tcp needs keys, as `hyplan keys new` makes them.\n"
        "The address that is printed ends in a key; without it thresholds are shown, not changed.\n"
        "Also there: /status (JSON), /metrics (Prometheus). --port 0 takes any free port.\n"
        "example: hyplan-view runs/20260131T120000Z-run\n",
        out);
    return status;
}

static int complain(const char *text)
{
    (void)fprintf(stderr, "hyplan-view: error: %s\n", text);
    return EXIT_ENVIRONMENT;
}

/** RUN/sockets is a link to where the sockets are; anything else is taken as that place itself. */
static bool find_sockets(const char *given, char *path, size_t cap, bool *is_run)
{
    char link[1024];
    if (snprintf(link, sizeof link, "%s/sockets", given) >= (int)sizeof link) {
        return false;
    }
    const ssize_t n = readlink(link, path, cap - 1);
    *is_run = n > 0;
    if (n > 0) {
        path[n] = '\0';
        return true;
    }
    return snprintf(path, cap, "%s", given) < (int)cap &&
           (strncmp(path, "tcp://", 6) == 0 || access(path, R_OK | X_OK) == 0);
}

static int serve(const hp_node *identity, const char *run_dir, uint16_t port)
{
    tap_state *state = NULL;
    view_server *server = NULL;
    hp_error error = {{0}};
    hp_status st = tap_state_create(identity, &state, &error);
    if (st == HP_OK) {
        st = view_server_create(state, run_dir, port, &server, &error);
    }
    if (st == HP_OK) {
        (void)printf("http://127.0.0.1:%u/#%s\n", view_server_port(server),
                     view_server_key(server));
        (void)fflush(stdout);
    }
    while (st == HP_OK && !hp_program_stopping()) {
        st = tap_state_step(state, STEP_MS, view_server_hear, server);
        view_server_step(server);
    }
    view_server_destroy(&server);
    tap_state_destroy(&state);
    return st == HP_OK || st == HP_EINTERRUPTED ? 0 : complain(error.text);
}

int main(int argc, char **argv)
{
    const char *run = NULL;
    char sockets[HP_BUS_ENDPOINT];
    hp_place place = {.sockets = sockets};
    unsigned long port = DEFAULT_PORT;
    for (int i = 1; i < argc; i++) {
        char *end = NULL;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return usage(stdout, 0);
        }
        if (strcmp(argv[i], "--keys") == 0 && i + 1 < argc) {
            place.keys = argv[++i];
        } else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            port = strtoul(argv[++i], &end, 10);
            if (*argv[i] < '0' || *argv[i] > '9' || *end != '\0' || port > UINT16_MAX) {
                return usage(stderr, EXIT_USAGE);
            }
        } else if (argv[i][0] == '-' || run != NULL) {
            return usage(stderr, EXIT_USAGE);
        } else {
            run = argv[i];
        }
    }
    if (run == NULL) {
        return usage(stderr, EXIT_USAGE);
    }
    bool is_run = false;
    if (!find_sockets(run, sockets, sizeof sockets, &is_run)) {
        return complain("no run is running there");
    }
    hp_program_catch_stop();
    hp_host host = {0};
    hp_error error = {{0}};
    if (hp_host_open(&host, HP_ROLE_CLI, 1, &place, stderr, &error) != HP_OK) {
        return complain(error.text);
    }
    const int status = serve(&host.node, is_run ? run : NULL, (uint16_t)port);
    hp_host_close(&host);
    return status;
}
