#!/usr/bin/env bash
# Lets the official client of CARLA drive the stand-in, and compares what it saw with expected.txt.
# usage: run.sh STANDIN-PROGRAM      exit status 77: skipped, the client cannot be had
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

"$1" --port 0 --carla-version 0.9.16 >"$work/server" &
server=$!
for _ in {1..100}; do
    grep -q stand-in "$work/server" && break
    sleep 0.1
done
port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' "$work/server")
timeout 120 "$work/venv/bin/python" "$here/session.py" "$port" >"$work/transcript"
diff -u "$here/expected.txt" "$work/transcript"
printf 'the official client saw what it should\n'
