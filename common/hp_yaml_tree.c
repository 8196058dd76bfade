#include "common/hp_yaml_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/** A tree under construction. */
typedef struct builder {
    const hp_source *source;
    hp_tree tree;
    uint32_t open[HP_YAML_MAX_DEPTH]; /* nodes of the collections we are in */
    uint32_t last[HP_YAML_MAX_DEPTH]; /* their youngest child, 0: none */
    uint32_t depth;
    uint32_t n_documents;
    bool done;
} builder;

void hp_tree_free(hp_tree *tree)
{
    free(tree->nodes);
    free(tree->texts);
    *tree = (hp_tree){0};
}

static uint32_t mark_line(yaml_mark_t mark)
{
    return (uint32_t)mark.line + 1;
}

static uint32_t mark_column(yaml_mark_t mark)
{
    return (uint32_t)mark.column + 1;
}

/** Appends scalar text and its zero; *offset is where it lies. */
static hp_status add_text(hp_tree *tree, const char *text, uint32_t len, uint32_t *offset)
{
    /* Escapes make text at most twice as long as the file, so 32 bits cannot overflow. */
    const uint32_t wanted = tree->n_text + len + 1;
    if (tree->texts == NULL || wanted > tree->text_capacity) {
        const uint32_t capacity = wanted + wanted / 2 + 1024;
        char *texts = realloc(tree->texts, capacity);
        if (texts == NULL) {
            return HP_ENOMEM;
        }
        tree->texts = texts;
        tree->text_capacity = capacity;
    }
    memcpy(tree->texts + tree->n_text, text, len);
    tree->texts[wanted - 1] = '\0';
    *offset = tree->n_text;
    tree->n_text = wanted;
    return HP_OK;
}

/** Appends a node as the youngest child of the open collection. */
static hp_status add_node(builder *b, hp_node node)
{
    hp_tree *tree = &b->tree;
    if (tree->nodes == NULL || tree->n_nodes == tree->node_capacity) {
        const uint32_t capacity = tree->node_capacity == 0 ? 256 : 2 * tree->node_capacity;
        hp_node *nodes = realloc(tree->nodes, capacity * sizeof *nodes);
        if (nodes == NULL) {
            return HP_ENOMEM;
        }
        tree->nodes = nodes;
        tree->node_capacity = capacity;
    }
    const uint32_t index = tree->n_nodes++;
    tree->nodes[index] = node;
    if (b->depth > 0) {
        hp_node *parent = &tree->nodes[b->open[b->depth - 1]];
        uint32_t *youngest = &b->last[b->depth - 1];
        if (*youngest == 0) {
            parent->first = index;
        } else {
            tree->nodes[*youngest].next = index;
        }
        *youngest = index;
        ++parent->n_children;
    }
    return HP_OK;
}

static bool at_key(const builder *b)
{
    if (b->depth == 0) {
        return false;
    }
    assert(b->tree.nodes != NULL); /* what is open is a node */
    const hp_node *parent = &b->tree.nodes[b->open[b->depth - 1]];
    return parent->kind == HP_NODE_MAP && parent->n_children % 2 == 0;
}

/** Anchors and tags are refused wherever they stand. */
static hp_status check_plain(const builder *b, const yaml_event_t *event, const yaml_char_t *anchor,
                             const yaml_char_t *tag)
{
    if (anchor != NULL) {
        return hp_yaml_fail(b->source, mark_line(event->start_mark), mark_column(event->start_mark),
                            "anchors (&name) are not allowed; write the value out where it is "
                            "needed");
    }
    if (tag != NULL) {
        return hp_yaml_fail(b->source, mark_line(event->start_mark), mark_column(event->start_mark),
                            "tags (!name) are not allowed; types come from the key");
    }
    return HP_OK;
}

static hp_status on_scalar(builder *b, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    const uint32_t len = (uint32_t)event->data.scalar.length;
    hp_node node = {.kind = HP_NODE_SCALAR,
                    .quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE,
                    .line = mark_line(event->start_mark),
                    .column = mark_column(event->start_mark),
                    .len = len};
    hp_status status = check_plain(b, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (status == HP_OK && memchr(value, '\0', len) != NULL) {
        status = hp_yaml_fail(b->source, node.line, node.column,
                              "text with a zero byte (\\0) is not allowed");
    }
    if (status == HP_OK) {
        status = add_text(&b->tree, value, len, &node.text);
    }
    return status == HP_OK ? add_node(b, node) : status;
}

static hp_status on_open(builder *b, const yaml_event_t *event, hp_node_kind kind,
                         const yaml_char_t *anchor, const yaml_char_t *tag)
{
    const hp_node node = {.kind = kind,
                          .line = mark_line(event->start_mark),
                          .column = mark_column(event->start_mark)};
    hp_status status = check_plain(b, event, anchor, tag);
    if (status != HP_OK) {
        return status;
    }
    if (at_key(b)) {
        return hp_yaml_fail(b->source, node.line, node.column,
                            "a key must be a word, not a list or a mapping");
    }
    if (b->depth == HP_YAML_MAX_DEPTH) {
        return hp_yaml_fail(b->source, node.line, node.column, "nested deeper than %d levels",
                            HP_YAML_MAX_DEPTH);
    }
    status = add_node(b, node);
    if (status == HP_OK) {
        b->open[b->depth] = b->tree.n_nodes - 1;
        b->last[b->depth] = 0;
        ++b->depth;
    }
    return status;
}

static hp_status on_document(builder *b, const yaml_event_t *event)
{
    if (b->n_documents > 0) {
        return hp_yaml_fail(b->source, mark_line(event->start_mark), mark_column(event->start_mark),
                            "a second document starts here; one file is one document");
    }
    ++b->n_documents;
    return HP_OK;
}

static hp_status on_event(builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(b, event);
    case YAML_MAPPING_START_EVENT:
        return on_open(b, event, HP_NODE_MAP, event->data.mapping_start.anchor,
                       event->data.mapping_start.tag);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(b, event, HP_NODE_LIST, event->data.sequence_start.anchor,
                       event->data.sequence_start.tag);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        --b->depth;
        return HP_OK;
    case YAML_ALIAS_EVENT:
        return hp_yaml_fail(b->source, mark_line(event->start_mark), mark_column(event->start_mark),
                            "aliases (*name) are not allowed; write the value out, in quotes if "
                            "it is text");
    case YAML_DOCUMENT_START_EVENT:
        return on_document(b, event);
    case YAML_STREAM_END_EVENT:
        b->done = true;
        return HP_OK;
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_NO_EVENT:
        break;
    }
    return HP_OK;
}

/** libyaml's complaint, with its place; for a tab it says what to do. */
static hp_status syntax_error(const hp_source *source, const yaml_parser_t *parser,
                              const char *text, size_t len)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return HP_ENOMEM;
    }
    const yaml_mark_t mark = parser->problem_mark;
    /* Only white space stands before a tab that libyaml stumbles over: a column is a byte there. */
    size_t at = 0;
    for (size_t line = 0; at < len && line < mark.line; ++at) {
        line += text[at] == '\n' ? 1 : 0;
    }
    const bool tab = at + mark.column < len && text[at + mark.column] == '\t';
    return hp_yaml_fail(source, mark_line(mark), mark_column(mark), "not valid YAML: %s%s%s%s",
                        parser->problem == NULL ? "unreadable" : parser->problem,
                        parser->context == NULL ? "" : " ",
                        parser->context == NULL ? "" : parser->context,
                        tab ? " (a tab: indent with spaces)" : "");
}

static hp_status parse_events(builder *b, yaml_parser_t *parser, const char *text, size_t len)
{
    hp_status status = HP_OK;
    while (status == HP_OK && !b->done) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0) {
            return syntax_error(b->source, parser, text, len);
        }
        status = on_event(b, &event);
        yaml_event_delete(&event);
    }
    return status;
}

/** Size, UTF-8 and control characters, with our own line and column: libyaml gives none for these.
 */
static hp_status check_bytes(const char *text, size_t len, const hp_source *source)
{
    uint32_t line = 1;
    uint32_t column = 1;
    if (len > HP_YAML_MAX_BYTES) {
        return hp_yaml_fail(source, 1, 1, "larger than %d KiB", HP_YAML_MAX_BYTES / 1024);
    }
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        const size_t n = hp_utf8_next(text + i, len - i, &code);
        if (n == 0) {
            return hp_yaml_fail(source, line, column, "byte 0x%02x is not UTF-8; save as UTF-8",
                                (unsigned)(unsigned char)text[i]);
        }
        if (!hp_utf8_allowed(code)) {
            return hp_yaml_fail(source, line, column, "character U+%04X is not allowed", code);
        }
        const bool ends_line =
            code == '\n' || (code == '\r' && (i + 1 == len || text[i + 1] != '\n'));
        line += ends_line ? 1 : 0;
        column = ends_line ? 1 : column + 1;
        i += n;
    }
    return HP_OK;
}

/** A stream without a document reads as one whose root is nothing. */
static hp_status settle_root(builder *b)
{
    hp_node nothing = {.kind = HP_NODE_SCALAR, .line = 1, .column = 1};
    if (b->tree.n_nodes > 0) {
        return HP_OK;
    }
    const hp_status status = add_text(&b->tree, "", 0, &nothing.text);
    return status == HP_OK ? add_node(b, nothing) : status;
}

hp_status hp_tree_parse(const char *text, size_t len, const hp_source *source, hp_tree *out)
{
    static const char BYTE_ORDER_MARK[] = "\xef\xbb\xbf"; /* some editors put one in front */
    builder b = {.source = source};
    yaml_parser_t parser;
    *out = (hp_tree){0};
    if (len >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0) {
        text += 3;
        len -= 3;
    }
    hp_status status = check_bytes(text, len, source);
    if (status != HP_OK) {
        return status;
    }
    if (yaml_parser_initialize(&parser) == 0) {
        return hp_yaml_out_of_memory(source->name, source->error);
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(len == 0 ? "" : text), len);
    status = parse_events(&b, &parser, text, len);
    yaml_parser_delete(&parser);
    if (status == HP_OK) {
        status = settle_root(&b);
    }
    if (status != HP_OK) {
        hp_tree_free(&b.tree);
        return status == HP_ENOMEM ? hp_yaml_out_of_memory(source->name, source->error) : status;
    }
    *out = b.tree;
    return HP_OK;
}
