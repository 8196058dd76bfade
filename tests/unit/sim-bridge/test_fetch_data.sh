#!/bin/sh
# scripts/fetch-data on local files: copies what is as listed, refuses all else, changes nothing then.
set -u
fetch=$(cd "$(dirname "$0")/../../.." && pwd)/scripts/fetch-data
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# expect STATUS WORDS ARGS...: the exit status, and words that its messages must hold.
expect() {
    want=$1; words=$2; shift 2
    said=$("$fetch" --manifest "$dir/list" --to "$dir/to" "$@" 2>&1); got=$?
    case $said in *"$words"*) found=yes ;; *) found=no ;; esac
    if [ $got -ne "$want" ] || [ $found = no ]; then
        printf 'fetch-data %s: status %s (wanted %s), said: %s\n' "$*" $got "$want" "$said"
        failed=1
    fi
}

mkdir -p "$dir/from/dut/ratios" "$dir/from/citr/some"
echo 28.0 >"$dir/from/dut/ratios/a.txt"
echo 12 >"$dir/from/citr/some/b.csv"
echo extra >"$dir/from/citr/some/not-listed"
(cd "$dir/from" && sha256sum dut/ratios/a.txt citr/some/b.csv) >"$dir/list"

expect 1 "no such directory" --check
expect 0 "2 files checked" --from "$dir/from"
[ -f "$dir/to/citr/some/b.csv" ] && [ ! -e "$dir/to/citr/some/not-listed" ] || {
    echo "wrong files in place"; failed=1; }
expect 0 "all 2 files" --check
expect 0 "all 2 files" --from "$dir/nowhere"

echo 13 >"$dir/to/citr/some/b.csv"
expect 1 "citr/some/b.csv: FAILED" --check
echo 28.1 >"$dir/from/dut/ratios/a.txt"
expect 1 "dut/ratios/a.txt: FAILED" --from "$dir/from"
[ "$(cat "$dir/to/citr/some/b.csv")" = 13 ] || { echo "changed something"; failed=1; }
rm "$dir/from/dut/ratios/a.txt"
expect 1 "missing: dut/ratios/a.txt" --from "$dir/from"

expect 2 "no such directory" --from "$dir/nowhere"
expect 2 "unknown option" --frm x
expect 2 "needs a value" --from
for line in '0123  dut/short' "$(printf '%064d' 0)  ../outside" "$(printf '%064d' 0)  dut/../../x" \
    "$(printf '%064d' 0)  /etc/x"; do
    echo "$line" >"$dir/list"
    expect 2 "every line must be" --from "$dir/from"
done
: >"$dir/list"
expect 2 "every line must be" --from "$dir/from"
exit $failed
