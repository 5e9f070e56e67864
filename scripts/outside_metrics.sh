#!/usr/bin/env bash
# Has other people's tools compute tympan's figures again, from the scores and events that `tympan eval` writes: sed_eval
# the event F-scores, sed_scores_eval the PSDS, scikit-learn AUROC and FPR95, SciPy the bounds of false alarms. Prints both
# and their difference, and fails when one is above 1e-6.
#
#     scripts/outside_metrics.sh                           on sounds that it makes up
#     scripts/outside_metrics.sh --data D --background B   on these; every option of `tympan eval` may follow
#
# sed_scores_eval takes a minute for ten labels and half an hour for the fifty of ESC-50.
#
# The tools go into a folder that is removed at the end, or stay in the one that VENV names. TYMPAN names the program;
# by default a light release build is made.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${VENV:-$work/venv}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  # newer ones break dcase_util, which sed_eval needs
  "$venv/bin/pip" install --quiet --disable-pip-version-check sed_eval==0.2.1 sed_scores_eval==0.0.4 \
    'numpy<2' 'pandas<2.3' 'setuptools<81' scikit-learn scipy
fi
if [ -z "${TYMPAN:-}" ]; then
  cargo build --quiet --release --no-default-features
  TYMPAN=${CARGO_TARGET_DIR:-target}/release/tympan
fi
if [ $# = 0 ]; then
  "$venv/bin/python" scripts/outside_metrics.py sounds "$work/sounds"
  set -- --data "$work/sounds/clips" --background "$work/sounds/noise" --unlabelled "$work/sounds/sweeps" \
    --unknown-seen "$work/sounds/sweeps" --unknown "$work/sounds/beeps" --minutes 10
fi
"$TYMPAN" eval "$@" --json --scores-tsv "$work/tables" --events-tsv "$work/events.tsv" >"$work/figures.json"
"$venv/bin/python" -W ignore scripts/outside_metrics.py compare "$work/figures.json" "$work/tables" "$work/events.tsv"
