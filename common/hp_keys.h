/** @file hp_keys.h The keys of one place that speaks over tcp: its own pair, the key of the servers
 *  that it calls, and the keys that may call it. CURVE's, as text of 40 characters (Z85).
 *
 *  A key directory is ours and writable by nobody else. It holds `secret` (0600 or less), `public`
 *  (its other half, to be handed out), `server` (the public key of whoever binds) and `allowed`
 *  (one public key a line, then a name; lines that start with # are skipped).
 *  Ownership: plain data; hp_keys_wipe when it is no longer needed. Threads: pure but for the
 *  files. Allocation: none of ours. */
#ifndef HP_KEYS_H
#define HP_KEYS_H

#include "common/hp_status.h"

#include <stdbool.h>
#include <stdint.h>

#define HP_KEY_TEXT 41u     /* bytes of a key as text, with its zero */
#define HP_KEYS_ALLOWED 64u /* keys on a list */

typedef struct hp_keys {
    char secret[HP_KEY_TEXT], public[HP_KEY_TEXT], server[HP_KEY_TEXT];
    char allowed[HP_KEYS_ALLOWED][HP_KEY_TEXT];
    uint32_t n_allowed;
} hp_keys;

/** Makes a key directory with a new pair. Its own key is allowed; server_file names the servers'
 *  public key, NULL: its own. HP_EBUSY: there are keys already, which stay as they are. */
HP_NODISCARD hp_status hp_keys_make(const char *dir, const char *server_file, hp_error *error);
/** Puts the key of a `public` file on dir's list. HP_EBUSY: it is there already. */
HP_NODISCARD hp_status hp_keys_allow(const char *dir, const char *public_file, const char *name,
                                     hp_error *error);
/** Reads dir. HP_ECONFIG with file and mend if anything is missing, malformed, or open to others;
 *  then *out is empty. No message ever holds a secret. */
HP_NODISCARD hp_status hp_keys_load(const char *dir, hp_keys *out, hp_error *error);
bool hp_keys_allow_key(const hp_keys *keys, const char *public_key);
/** Overwrites the secret, in a way that no compiler leaves out. */
void hp_keys_wipe(hp_keys *keys);

#endif
