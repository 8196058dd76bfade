/* How long the predictor takes for 20 agents among each other, all in: from the planner's request
 * to its reply. Run from the source tree; the model's weights do not matter for the time, the
 * shipped one is used. Exits with 1 if one request in a hundred takes longer than the 2 ms that the
 * planner leaves for it. */
#include "bench/hp_bench.h"
#include "predictor/predictor_net.h"
#include "tests/unit/predictor/pred_fixture.h"

enum { AGENTS = 20, PER_BATCH = 1 };

#define LIMIT_NS 2e6

typedef struct rig {
    predictor_net *net;
    hp_predict_request request;
    hp_predict_reply reply;
} rig;

static void predict(void *ctx)
{
    rig *r = ctx;
    r->request.stamp_ns += 250000000; /* so that earlier answers fall due */
    predictor_net_predict(r->net, &r->request, &r->reply);
}

int main(int argc, char **argv)
{
    static rig r;
    predictor_config config;
    hp_error error;
    const hp_bench bench = {"predictor_20_agents", 2000, 50, PER_BATCH};
    const hp_bench plain = {"predictor_20_agents_constant_velocity", 2000, 50, PER_BATCH};
    predictor_config_default(&config);
    pred_draw_request(1, AGENTS, &r.request);
    if (predictor_net_create(&config, &r.net, &error) != HP_OK) {
        return 3;
    }
    (void)hp_bench_run(&plain, predict, &r);
    predictor_net_destroy(&r.net);
    (void)snprintf(config.model, sizeof config.model, "%s",
                   argc > 1 ? argv[1] : "models/predictor.safetensors");
    if (predictor_net_create(&config, &r.net, &error) != HP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 3;
    }
    const hp_bench_result result = hp_bench_measure(&bench, predict, &r);
    predictor_net_destroy(&r.net);
    return result.p99_ns <= LIMIT_NS ? 0 : 1;
}
