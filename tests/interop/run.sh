#!/usr/bin/env bash
# The official client of CARLA against the stand-in: a scripted session must see what expected.txt says, and
# a whole CTS scene must go as expected_scene.txt says;
# and for the calls that both can make, our client's requests must be the official one's, byte for byte,
# and what both read out of the snapshots the same numbers.
# usage: run.sh STANDIN-PROGRAM OUR-CALLS-PROGRAM     exit status 77: skipped, the client cannot be had
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
server=''
trap '[[ -z $server ]] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT

python=''
for name in python3.11 python3.12 python3.10; do
    if "$name" -c "import venv" >/dev/null 2>&1; then
        python=$name
        break
    fi
done
if [[ -z $python ]]; then
    printf 'SKIPPED: no CPython 3.10 to 3.12, for which the carla package is made\n'
    exit 77
fi
if ! "$python" -m venv "$work/venv" >"$work/log" 2>&1 ||
    ! timeout 240 "$work/venv/bin/pip" install -q --no-deps --retries 1 carla==0.9.16 \
        >>"$work/log" 2>&1; then
    printf 'SKIPPED: the package carla 0.9.16 cannot be installed:\n'
    tail -n 3 "$work/log"
    exit 77
fi

# A fresh server for each client, so that both meet the same ids. start PROGRAM REQUESTS
port=''
start() {
    [[ -z $server ]] || kill "$server"
    : >"$work/server"
    "$1" --port 0 --carla-version 0.9.16 --recordings "$work" --requests "$2" >"$work/server" &
    server=$!
    for _ in {1..600}; do
        grep -q stand-in "$work/server" && break
        sleep 0.1
    done
    port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' "$work/server")
}

start "$1" "$work/session.requests"
timeout 300 "$work/venv/bin/python" "$here/session.py" "$port" >"$work/transcript"
diff -u "$here/expected.txt" "$work/transcript"
printf 'the official client saw what it should\n'

start "$1" "$work/scene.requests"
timeout 300 "$work/venv/bin/python" "$here/scene.py" "$port" >"$work/transcript"
diff -u "$here/expected_scene.txt" "$work/transcript"
printf 'the official client played a whole scene: %s\n' "$(grep goal "$work/transcript")"

start "$1" "$work/official.requests"
timeout 300 "$work/venv/bin/python" "$here/calls.py" "$port" same.log >"$work/official.facts"
start "$1" "$work/our.requests"
timeout 300 "$2" "$port" same.log >"$work/our.facts"
[[ $(wc -l <"$work/our.facts") -gt 40 ]]
diff -u "$work/official.facts" "$work/our.facts"
printf 'both clients read the same numbers out of %d entries of snapshots\n' "$(wc -l <"$work/our.facts")"

for who in official our; do
    "$python" "$here/canon.py" <"$work/$who.requests" | sort -u >"$work/$who.sorted"
done
if ! comm -13 "$work/official.sorted" "$work/our.sorted" | tee "$work/only.ours" | grep -q .; then
    printf 'all %d different requests of ours are the official client'"'"'s, byte for byte\n' \
        "$(wc -l <"$work/our.sorted")"
else
    printf 'requests of ours that the official client does not make:\n'
    cat "$work/only.ours"
    exit 1
fi
