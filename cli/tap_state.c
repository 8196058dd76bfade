#include "cli/tap_state.h"

#include "cli/scene_json.h"
#include "common/hp_sort.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LETTERS = 256 };

/* ---- Life ---- */

hp_status tap_state_create(const hp_node *identity, tap_state **out, hp_error *error)
{
    tap_state *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL) {
        return hp_fail(error, HP_ENOMEM, "no memory for an onlooker");
    }
    s->clock = identity->clock;
    s->window_ns = hp_clock_now_ns(s->clock);
    s->bytes = malloc(HP_BUS_MAX_MESSAGE);
    s->message = malloc(sizeof *s->message);
    hp_status st = s->bytes != NULL && s->message != NULL ? hp_codec_create(&s->codec) : HP_ENOMEM;
    st = st == HP_OK ? hp_node_open(identity, HP_SOCKET_SUB, HP_LINK_TAP, &s->tap, error)
                     : hp_fail(error, st, "no memory for an onlooker");
    if (st != HP_OK) {
        tap_state_destroy(&s);
        return st;
    }
    *out = s;
    return HP_OK;
}

void tap_state_destroy(tap_state **state)
{
    tap_state *s = *state;
    if (s != NULL) {
        hp_socket_close(&s->tap);
        hp_codec_destroy(&s->codec);
        free(s->message);
        free(s->bytes);
        free(s);
        *state = NULL;
    }
}

/* ---- Messages ---- */

static void take_health(tap_state *s, const hp_health *health)
{
    uint32_t i = 0;
    while (i < s->n_health && strcmp(s->health[i].role, health->role) != 0) {
        i++;
    }
    if (i < TAP_ROLES) {
        s->health[i] = *health;
        s->n_health = i == s->n_health ? i + 1 : s->n_health;
    }
}

static void take_decision(tap_state *s, const hp_decision *d)
{
    if (s->published == 0 || d->published < s->published) { /* the first one, or another planner */
        s->received = d->published;
    }
    s->missed += d->published > s->received ? d->published - s->received : 0;
    s->received = d->published;
    s->published = d->published;
    if (d->config_version != s->decision.config_version) {
        s->configuration_tick = d->tick;
    }
    s->decision = *d;
    s->has_decision = true;
    s->sources[d->command.source]++;
    s->guarded += d->command.guarded ? 1 : 0;
    s->search_failed += d->search_failed ? 1 : 0;
    s->predictor_fallbacks += d->predictor_fallback ? 1 : 0;
    if (d->decided) {
        s->nodes += d->plan.nodes;
        s->pruned += d->plan.pruned;
        s->decision_ms[s->n_decisions++ % TAP_TIMES] = (double)d->total_ns * 1e-6;
    }
}

static void take(tap_state *s, hp_msg_type type)
{
    const hp_message *m = s->message;
    s->messages[type]++;
    s->received++;
    s->heard_ns = hp_clock_now_ns(s->clock);
    if (type == HP_MSG_WORLD_INFO) {
        const bool news = !s->has_world || s->world.world_id != m->as_hp_world_info.world_id;
        s->has_frame = s->has_frame && !news;
        s->has_belief = s->has_belief && !news;
        s->world = m->as_hp_world_info;
        s->has_world = true;
    } else if (type == HP_MSG_FRAME) {
        s->frame = m->as_hp_frame;
        s->has_frame = true;
    } else if (type == HP_MSG_PLAN_REQUEST) {
        s->belief = m->as_hp_plan_request;
        s->has_belief = true;
    } else if (type == HP_MSG_DECISION) {
        take_decision(s, &m->as_hp_decision);
    } else if (type == HP_MSG_HEALTH) {
        take_health(s, &m->as_hp_health);
    } else if (type == HP_MSG_EPISODE_END) {
        s->end = m->as_hp_episode_end;
        s->has_end = true;
    } else if (type == HP_MSG_CONFIGURATION) {
        s->configuration = m->as_hp_configuration;
        s->has_configuration = true;
    }
}

static hp_msg_type type_of(const char *topic)
{
    for (unsigned i = 0; i < HP_MSG_COUNT; i++) {
        if (strcmp(topic, hp_msg_name((hp_msg_type)i)) == 0) {
            return (hp_msg_type)i;
        }
    }
    return HP_MSG_COUNT;
}

/** One letter; false: none is there. */
static bool hear(tap_state *s, tap_listener *listener, void *ctx)
{
    char topic[HP_TEXT];
    size_t len = 0;
    const hp_status st =
        hp_socket_receive_topic(s->tap, topic, sizeof topic, s->bytes, HP_BUS_MAX_MESSAGE, &len);
    if (st != HP_OK) {
        s->refused += st == HP_EFULL || st == HP_EWIRE ? 1 : 0;
        return st == HP_EFULL || st == HP_EWIRE;
    }
    const hp_msg_type type = type_of(topic);
    if (type == HP_MSG_COUNT ||
        hp_decode_payload(s->codec, type, s->bytes, len, s->message, NULL) != HP_OK) {
        s->refused++;
        return true;
    }
    if (listener != NULL) {
        listener(ctx, type, s->bytes, len, s->message);
    }
    take(s, type);
    return true;
}

hp_status tap_state_step(tap_state *s, int64_t wait_ms, tap_listener *listener, void *ctx)
{
    bool ready = false;
    const hp_status st = hp_bus_poll(&s->tap, &ready, 1, wait_ms);
    if (st != HP_OK && st != HP_EAGAIN) {
        return st;
    }
    for (int i = 0; ready && i < LETTERS && hear(s, listener, ctx); i++) {
    }
    const int64_t now = hp_clock_now_ns(s->clock);
    if (now - s->window_ns >= HP_S_NS) {
        for (unsigned i = 0; i < HP_MSG_COUNT; i++) {
            s->rate_hz[i] =
                (double)(s->messages[i] - s->window[i]) * 1e9 / (double)(now - s->window_ns);
            s->window[i] = s->messages[i];
        }
        s->window_ns = now;
    }
    return HP_OK;
}

/* ---- What is known ---- */

double tap_state_decision_ms(const tap_state *s, double share)
{
    double sorted[TAP_TIMES];
    const size_t n = s->n_decisions < TAP_TIMES ? (size_t)s->n_decisions : TAP_TIMES;
    if (n == 0) {
        return (double)NAN;
    }
    memcpy(sorted, s->decision_ms, n * sizeof sorted[0]);
    hp_sort(sorted, n);
    const size_t at = (size_t)(share * (double)n);
    return sorted[at < n ? at : n - 1];
}

static json_t *rates_json(const tap_state *s)
{
    json_t *rates = json_object();
    for (unsigned i = 0; i < HP_MSG_COUNT; i++) {
        if (s->messages[i] > 0) {
            (void)json_object_set_new(rates, hp_msg_name((hp_msg_type)i),
                                      json_pack("{s:I, s:o}", "messages",
                                                (json_int_t)s->messages[i], "rate_hz",
                                                scene_rounded_json(s->rate_hz[i])));
        }
    }
    return rates;
}

static json_t *parts_json(const tap_state *s)
{
    json_t *parts = json_object();
    for (uint32_t i = 0; i < s->n_health; i++) {
        const hp_health *h = &s->health[i];
        (void)json_object_set_new(
            parts, h->role,
            json_pack("{s:i, s:I, s:I, s:I, s:I, s:b, s:s}", "generation", (int)h->generation,
                      "requests", (json_int_t)h->requests, "refused", (json_int_t)h->refused,
                      "late", (json_int_t)h->late, "fallbacks", (json_int_t)h->fallbacks,
                      "degraded", h->degraded, "note", h->note));
    }
    return parts;
}

static json_t *now_json(const tap_state *s)
{
    if (!s->has_frame || !s->has_decision) {
        return json_null();
    }
    return json_pack("{s:i, s:i, s:o, s:o, s:o, s:s, s:b, s:i}", "episode", (int)s->frame.episode,
                     "tick", (int)s->frame.tick, "t_s",
                     scene_rounded_json((double)s->frame.stamp_ns * 1e-9), "speed_mps",
                     scene_rounded_json(s->frame.ego.speed_mps), "command_mps2",
                     scene_rounded_json(s->decision.command.accel_mps2), "source",
                     hp_source_name(s->decision.command.source), "guarded",
                     s->decision.command.guarded, "agents", (int)s->frame.n_agents);
}

json_t *tap_state_json(const tap_state *s)
{
    json_t *sources = json_object();
    const double age_s =
        s->heard_ns == 0 ? (double)NAN : (double)(hp_clock_now_ns(s->clock) - s->heard_ns) * 1e-9;
    for (int i = 0; i < HP_SOURCE_COUNT; i++) {
        (void)json_object_set_new(sources, hp_source_name((hp_source)i),
                                  json_integer((json_int_t)s->sources[i]));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:o, s:I, s:I, s:I, s:{s:I, s:I}, "
                     "s:I, s:I, s:{s:i, "
                     "s:i}}",
                     "heard_s_ago", scene_rounded_json(age_s), "now", now_json(s), "topics",
                     rates_json(s), "parts", parts_json(s), "decision_ms", "p50",
                     scene_rounded_json(tap_state_decision_ms(s, 0.5)), "p99",
                     scene_rounded_json(tap_state_decision_ms(s, 0.99)), "max",
                     scene_rounded_json(tap_state_decision_ms(s, 1.0)), "sources", sources,
                     "guarded", (json_int_t)s->guarded, "search_failed",
                     (json_int_t)s->search_failed, "predictor_fallbacks",
                     (json_int_t)s->predictor_fallbacks, "search", "nodes", (json_int_t)s->nodes,
                     "pruned", (json_int_t)s->pruned, "missed", (json_int_t)s->missed, "refused",
                     (json_int_t)s->refused, "configuration", "version",
                     (int)s->decision.config_version, "since_tick", (int)s->configuration_tick);
}

static void metric(FILE *out, const char *name, const char *type, const char *help, double value)
{
    (void)fprintf(out, "# HELP hyplan_%s %s\n# TYPE hyplan_%s %s\nhyplan_%s %.17g\n", name, help,
                  name, type, name, value);
}

static void labelled_metrics(const tap_state *s, FILE *out)
{
    static const double SHARES[] = {0.5, 0.99};
    (void)fputs("# HELP hyplan_messages_total Messages heard on the tap.\n"
                "# TYPE hyplan_messages_total counter\n",
                out);
    for (unsigned i = 0; i < HP_MSG_COUNT; i++) {
        if (s->messages[i] > 0) {
            (void)fprintf(out, "hyplan_messages_total{topic=\"%s\"} %" PRIu64 "\n",
                          hp_msg_name((hp_msg_type)i), s->messages[i]);
        }
    }
    (void)fputs("# HELP hyplan_commands_total Commands by what they came from.\n"
                "# TYPE hyplan_commands_total counter\n",
                out);
    for (int i = 0; i < HP_SOURCE_COUNT; i++) {
        (void)fprintf(out, "hyplan_commands_total{source=\"%s\"} %" PRIu64 "\n",
                      hp_source_name((hp_source)i), s->sources[i]);
    }
    (void)fputs("# HELP hyplan_decision_ms Wall time of the last decisions.\n"
                "# TYPE hyplan_decision_ms gauge\n",
                out);
    for (size_t i = 0; i < HP_ARRAY_LEN(SHARES) && s->n_decisions > 0; i++) {
        (void)fprintf(out, "hyplan_decision_ms{quantile=\"%g\"} %.17g\n", SHARES[i],
                      tap_state_decision_ms(s, SHARES[i]));
    }
    (void)fputs("# HELP hyplan_degraded 1 if a part works without something.\n"
                "# TYPE hyplan_degraded gauge\n",
                out);
    for (uint32_t i = 0; i < s->n_health; i++) {
        char role[HP_TEXT];
        (void)snprintf(role, sizeof role, "%s", s->health[i].role);
        for (char *c = role; *c != '\0'; c++) { /* roles are ours, but it came over a wire */
            *c = *c == '"' || *c == '\\' || *c < ' ' ? '_' : *c;
        }
        (void)fprintf(out, "hyplan_degraded{part=\"%s\"} %d\n", role,
                      s->health[i].degraded ? 1 : 0);
    }
}

char *tap_state_metrics(const tap_state *s)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL) {
        return NULL;
    }
    labelled_metrics(s, out);
    metric(out, "guarded_total", "counter", "Commands that the guard changed.", (double)s->guarded);
    metric(out, "search_failures_total", "counter", "Decisions without an answer of the search.",
           (double)s->search_failed);
    metric(out, "predictor_fallbacks_total", "counter", "Decisions with predictions by fallback.",
           (double)s->predictor_fallbacks);
    metric(out, "nodes_total", "counter", "Nodes of all searches.", (double)s->nodes);
    metric(out, "pruned_total", "counter", "Nodes that were pruned.", (double)s->pruned);
    metric(out, "missed_total", "counter", "Messages of the tap that did not arrive here.",
           (double)s->missed);
    metric(out, "configuration_version", "gauge", "Of the thresholds in force.",
           (double)s->decision.config_version);
    metric(out, "speed_mps", "gauge", "Speed of the ego.",
           s->has_frame ? s->frame.ego.speed_mps : 0.0);
    const bool bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad) {
        free(text);
        return NULL;
    }
    return text;
}

json_t *tap_state_scene(const tap_state *s)
{
    const bool tick =
        s->has_world && s->has_frame && s->has_decision && s->frame.world_id == s->world.world_id;
    return json_pack("{s:o, s:o, s:o}", "world",
                     s->has_world ? scene_world_json(&s->world) : json_null(), "tick",
                     tick ? scene_tick_json(&s->world, &s->frame, &s->decision) : json_null(),
                     "belief", s->has_belief ? scene_belief_json(&s->belief, true) : json_null());
}
