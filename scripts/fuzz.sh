#!/usr/bin/env bash
# Looks for inputs that break tympan, guided by the code that they reach: fuzz.sh [SECONDS_EACH] [TARGET…]; `make fuzz`
# calls it. Needs the stable toolchain and a C++ compiler for libFuzzer. What was reached
# before is kept in the target folder and gone on from. An input that breaks something ends its target with the
# input's path, and the whole with failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(configuration audio raw_pcm client manifest weights)

cargo=${CARGO:-cargo}
host=$(rustc -vV | sed -n 's/^host: //p')
folder=${CARGO_TARGET_DIR:-target}/fuzz
mkdir -p "$folder"
folder=$(realpath "$folder")
export CARGO_TARGET_DIR=$folder/build
# Coverage as libFuzzer wants it: what cargo-fuzz sets too, without its address sanitizer, which needs another toolchain.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1"

# The whole scratch folder of a run lies in memory where it can, and is gone afterwards.
scratch=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$scratch"' EXIT

# Short tones of the formats that take an encoder to make.
encode_tones() {
  command -v ffmpeg >/dev/null || { echo "fuzz: no ffmpeg here: audio begins without Ogg, MP4 and CAF" >&2; return 0; }
  local tone='sine=frequency=700:sample_rate=16000:duration=0.2'
  for format in 'ogg libvorbis' 'flac flac' 'mp3 libmp3lame' 'm4a aac' 'm4a alac' 'caf alac' 'caf pcm_s16be' 'mkv libvorbis'; do
    # not every ffmpeg has every encoder
    ffmpeg -nostdin -loglevel quiet -y -f lavfi -i "$tone" -c:a "${format#* }" "$1/${format#* }.${format% *}" || true
  done
}

fuzz() {
  local target=$1 corpus=$folder/corpus/$1 found=$folder/found/$1 log=$folder/$1.log longest=4096
  mkdir -p "$corpus" "$found" "$scratch/$target"
  cp "tests/fuzz/regressions/$target"/* "$corpus" 2>/dev/null || true
  # the headers of Vorbis alone take four kilobytes
  [ "$target" != audio ] || { longest=16384; encode_tones "$corpus"; }
  if ! TYMPAN_FUZZ_SEEDS=$corpus TMPDIR=$scratch/$target RUST_BACKTRACE=1 \
    "$CARGO_TARGET_DIR/$host/release/$target" "$corpus" \
    -max_total_time="$seconds" -max_len="$longest" -len_control=0 -timeout=20 -rss_limit_mb=1536 \
    -print_final_stats=1 -artifact_prefix="$found/" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "fuzz: $target breaks; the input and how it went: $found, $log" >&2
    return 1
  fi
  awk -v target="$target" -v seconds="$seconds" '
    /number_of_executed_units:/ { tried = $2 }
    / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") reached = $(i + 1) }
    END { printf "%-14s %9d inputs tried in %d s, %d edges reached\n", target, tried, seconds, reached }' "$log"
}

"$cargo" build --release --locked --manifest-path tests/fuzz/Cargo.toml --target "$host" "${targets[@]/#/--bin=}"
failed=0
for target in "${targets[@]}"; do
  fuzz "$target" || failed=1
done
exit "$failed"
