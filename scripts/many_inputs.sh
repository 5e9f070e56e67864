#!/usr/bin/env bash
# How many inputs one processor core carries: runs the daemon with N of them on core 0, each playing the recording in real time,
# and prints what was lost and how late records were. Percentiles are those of the histogram of /metrics: at most so late.
#
#   scripts/many_inputs.sh N RECORDING [SECONDS]      60 seconds when none are named; first 10 s of warm-up that do not count
set -euo pipefail

inputs=$1 recording=$(realpath "$2") seconds=${3:-60}
program=${TYMPAN:-$(realpath "$(dirname "$0")/../target/release/tympan")}
model=${MODEL:-$(realpath "$(dirname "$0")/../models/esc50")}
port=${PORT:-17329}
folder=$(mktemp -d)
daemon=
trap 'kill "$daemon" 2>/dev/null || true; rm -rf "$folder"' EXIT

{
  printf 'model = "%s"\n' "$model"
  for ((input = 1; input <= inputs; input++)); do
    printf '[[input]]\nname = "n%d"\nkind = "file"\n[input.file]\npath = "%s"\nrepeat = true\n' "$input" "$recording"
  done
  printf '[output.stdout]\nenabled = false\n[output.unix]\nenabled = true\npath = "%s/socket"\n' "$folder"
  printf '[output.web]\nenabled = true\naddress = "127.0.0.1:%d"\n' "$port"
} >"$folder/tympan.toml"

ulimit -n 65536 2>/dev/null || true
taskset -c 0 "$program" run --config "$folder/tympan.toml" 2>"$folder/log" &
daemon=$!
status() { "$program" status --json --connect "$folder/socket"; }
metrics() { python3 -c 'import sys, urllib.request as web; print(web.urlopen(sys.argv[1]).read().decode())' "http://127.0.0.1:$port/metrics"; }
for ((second = 0; second < 120; second++)); do
  sleep 1
  status >"$folder/first" 2>/dev/null && break
  kill -0 "$daemon" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
done
sleep 10
status >"$folder/before" || true
metrics >"$folder/metrics-before"
sleep "$seconds"
status >"$folder/after" || true
metrics >"$folder/metrics-after"
memory=$(awk '/VmRSS/ { print $2 }' "/proc/$daemon/status")
python3 - "$folder" "$memory" "$inputs" <<'PYTHON'
import json, re, sys
folder, memory, inputs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
before, after = (json.load(open(f"{folder}/{name}")) for name in ("before", "after"))
grown = {name: after["counters"][name] - before["counters"][name] for name in after["counters"]}
span = after["up_s"] - before["up_s"]

def late(name):
    """How many windows, of all inputs, were at most so late."""
    counts = {}
    line = re.compile(r'tympan_window_latency_seconds_bucket\{.*?stage="all".*?le="([^"]+)".*?\} (\S+)')
    for bound, count in line.findall(open(f"{folder}/{name}").read()):
        counts[float(bound)] = counts.get(float(bound), 0) + float(count)
    return counts

first, last = late("metrics-before"), late("metrics-after")
counts = sorted((bound, last[bound] - first.get(bound, 0)) for bound in last)
percentile = lambda share: next(bound for bound, count in counts if count >= share * counts[-1][1])
print(f"{inputs} inputs on one core, {span} s: {grown['windows_scored']} windows, {grown['windows_skipped']} skipped, "
      f"{grown['samples_dropped']} samples dropped; {100 * (after['cpu_s'] - before['cpu_s']) / span:.1f} % of the core, "
      f"{memory / 1000:.0f} MB; last sample to record at most {1000 * percentile(0.5):g} ms for half, {1000 * percentile(0.99):g} ms for 99 %")
PYTHON
