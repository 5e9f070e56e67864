#!/usr/bin/env bash
# Compares tympan with what else could run its networks and make its mel frames; `make bench-peers` calls it.
#
#   benches/peers/run.sh             installs the peers (7 GB, once), builds, checks, measures, prints tables
#   benches/peers/run.sh --write     also writes them into docs/PERFORMANCE.md
#   benches/peers/run.sh --help      what else there is
#
# The peers go into ${XDG_CACHE_HOME:-~/.cache}/tympan/peers and nowhere else; delete that folder to be rid of them.
# PYTHON names the Python to install them for, 3.11 to 3.13. A package that cannot be had is left out, and the table
# says so. A second call installs nothing, unless requirements.txt changed or something could not be had before.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
requirements=$here/requirements.txt
needed_kb=12000000 # 7 GB stay; the wheels lie beside what is unpacked from them

say() { printf 'peers: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set: set it or XDG_CACHE_HOME}/.cache}/tympan
venv=$cache/peers/venv
installed=$cache/peers/installed.txt # the requirements that are all there

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; }

find_python() {
  for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if fits "$python"; then command -v "$python"; return; fi
  done
  die "no Python between 3.11 and 3.13 found; install one, or name it: PYTHON=/path/to/python $0"
}

pip_install() {
  TMPDIR=$cache/peers/tmp "$venv/bin/python" -m pip install --no-cache-dir --only-binary=:all: --progress-bar off \
    --quiet --disable-pip-version-check "$@" >&2 9>&-
}

install_peers() {
  if [ ! -x "$venv/bin/python" ]; then
    local free_kb
    free_kb=$(df -Pk "$cache/peers" | awk 'NR == 2 { print $4 }')
    [ "$free_kb" -ge $needed_kb ] ||
      die "$cache/peers has $((free_kb / 1000000)) GB free; $((needed_kb / 1000000)) are needed. Set XDG_CACHE_HOME to another disk."
    local python
    python=$(find_python) # which says what is missing
    "$python" -m venv "$venv" || die "no virtual environment; install Python's venv (python3-venv) or set PYTHON"
  fi
  mkdir -p "$cache/peers/tmp"
  say "installing the peers into $venv"
  if pip_install --requirement "$requirements"; then
    cp "$requirements" "$installed"
  else
    say "not all of them can be had; trying one by one"
    local package
    grep -v '^#' "$requirements" | while read -r package; do
      pip_install "$package" || say "$package cannot be had; going on without it"
    done
  fi
  rm -rf "$cache/peers/tmp"
  "$venv/bin/python" -c 'import numpy, safetensors' || die "numpy and safetensors are needed for any comparison"
}

mkdir -p "$cache/peers"
exec 9>"$cache/peers/lock"
flock --nonblock 9 || die "another run is at work in $cache/peers; wait for it, for both would measure each other"
cmp -s "$requirements" "$installed" || install_peers

say "building tympan's side"
LIBTORCH=$("$here/../../scripts/libtorch.sh")
export LIBTORCH PYTHONDONTWRITEBYTECODE=1
program=$("${CARGO:-cargo}" bench --manifest-path "$here/../../Cargo.toml" --locked --bench peers --no-run \
  --message-format=json-render-diagnostics 9>&- |
  "$venv/bin/python" -c '
import json, sys
said = map(json.loads, sys.stdin)
print(*(line["executable"] for line in said if line.get("target", {}).get("name") == "peers" and line["executable"]))')
[ -x "$program" ] || die "cargo built no bench \"peers\""
"$venv/bin/python" "$here/compare.py" --tympan "$program" "$@"
