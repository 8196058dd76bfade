#!/usr/bin/env bash
# Both kinds of exported OSI traces, read by the standard's own readers. usage: osi.sh HYPLAN
set -euo pipefail
hyplan=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$hyplan" run --scenario cts/07 --scene speed=2.85,distance=26.75 --embedded -q \
    --set pomdp.budget.trials=5 --episodes 2 --out "$dir/run" >/dev/null || [[ $? == 1 ]]
"$hyplan" log export --to osi "$dir/run/run.mcap" --out "$dir/run.osi" >/dev/null
"$hyplan" log export --to osi "$dir/run/run.mcap" --out "$dir/trace.mcap" >/dev/null
frames=$("$hyplan" log cat --topic frame "$dir/run/run.mcap" | wc -l)
status=0
"$(dirname "${BASH_SOURCE[0]}")/../../scripts/osi-readers" "$dir/run.osi" "$dir/trace.mcap" >"$dir/said" || status=$?
cat "$dir/said"
[[ $status == 0 ]] || exit $status
[[ $(grep -c ": $frames messages, $frames vehicles, [1-9]" "$dir/said") == 2 ]] || {
    printf 'FAILED: wanted %s messages in each\n' "$frames"
    exit 1
}
