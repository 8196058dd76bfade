/* What a viewer says over its WebSocket, in pieces: whatever it is, the answers are texts that are
 * whole, the queue keeps its bounds, and only channels that exist are subscribed to. */
#include "cli/view_client.h"
#include "tests/support/fuzz_target.h"

#include <jansson.h>
#include <string.h>

static view_client client;

static void take_answers(void)
{
    view_letter *letter = NULL;
    fuzz_must(client.n <= VIEW_QUEUE && client.bytes <= VIEW_QUEUE_BYTES);
    while ((letter = view_client_next(&client)) != NULL) {
        if (letter->text) {
            json_error_t why;
            json_t *json =
                json_loadb((const char *)letter->bytes + VIEW_ROOM, letter->len, 0, &why);
            fuzz_must(json != NULL);
            json_decref(json);
        }
        view_client_sent(&client);
    }
    fuzz_must(client.n == 0 && client.bytes == 0);
}

/** Pieces end at a zero byte, texts at two in a row. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t PAYLOAD[3] = {1, 2, 3};
    bool listens = true;
    view_client_init(&client);
    for (size_t at = 0; listens && at < size;) {
        const uint8_t *end = memchr(data + at, 0, size - at);
        const size_t len = end != NULL ? (size_t)(end - data) - at : size - at;
        const bool whole = end == NULL || (at + len + 1 < size && data[at + len + 1] == 0);
        listens = view_client_hear(&client, data + at, len, whole);
        at += len + (whole ? 2 : 1);
        for (uint32_t channel = 0; channel < 2 * VIEW_CHANNELS; channel++) {
            view_client_send_data(&client, channel, 5, PAYLOAD, sizeof PAYLOAD);
        }
        take_answers();
    }
    view_client_fini(&client);
    return 0;
}
