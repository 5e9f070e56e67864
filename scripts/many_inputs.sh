#!/usr/bin/env bash
# How many inputs one processor core carries: runs the daemon with N of them on core 0, each playing the recording in real time,
# and prints what was lost and how late records were.
#
#   scripts/many_inputs.sh N RECORDING [SECONDS]      60 seconds when none are named; first 10 s of warm-up that do not count
set -euo pipefail

inputs=$1 recording=$(realpath "$2") seconds=${3:-60}
program=${TYMPAN:-$(realpath "$(dirname "$0")/../target/release/tympan")}
model=${MODEL:-$(realpath "$(dirname "$0")/../models/esc50")}
folder=$(mktemp -d)
daemon=
trap 'kill "$daemon" 2>/dev/null || true; rm -rf "$folder"' EXIT

{
  printf 'model = "%s"\n' "$model"
  for ((input = 1; input <= inputs; input++)); do
    printf '[[input]]\nname = "n%d"\nkind = "file"\n[input.file]\npath = "%s"\nrepeat = true\n' "$input" "$recording"
  done
  printf '[output.stdout]\nenabled = false\n[output.unix]\nenabled = true\npath = "%s/socket"\n' "$folder"
} >"$folder/tympan.toml"

ulimit -n 65536 2>/dev/null || true
taskset -c 0 "$program" run --config "$folder/tympan.toml" 2>"$folder/log" &
daemon=$!
status() { "$program" status --json --connect "$folder/socket"; }
for ((second = 0; second < 120; second++)); do
  sleep 1
  status >"$folder/first" 2>/dev/null && break
  kill -0 "$daemon" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
done
sleep 10
status >"$folder/before" || true
sleep "$seconds"
status >"$folder/after" || true
memory=$(awk '/VmRSS/ { print $2 }' "/proc/$daemon/status")
python3 - "$folder/before" "$folder/after" "$memory" "$inputs" <<'PYTHON'
import json, sys
before, after = (json.load(open(path)) for path in sys.argv[1:3])
memory, inputs = int(sys.argv[3]), int(sys.argv[4])
grown = {name: after["counters"][name] - before["counters"][name] for name in after["counters"]}
span = after["up_s"] - before["up_s"]
latency = after["latency"]
print(f"{inputs} inputs on one core, {span} s: {grown['windows_scored']} windows, {grown['windows_skipped']} skipped, "
      f"{grown['samples_dropped']} samples dropped; {100 * (after['cpu_s'] - before['cpu_s']) / span:.1f} % of the core, "
      f"{memory / 1000:.0f} MB; last sample to record p50 {latency['p50_us'] / 1000:.1f} ms, p99 {latency['p99_us'] / 1000:.1f} ms "
      f"(with the start)")
PYTHON
