#!/usr/bin/env bash
# Packs the light build as an archive that is unpacked and run; `make dist` calls it.
#
#   packaging/archive.sh PROGRAM      prints the archive's path: tympan-VERSION-PROCESSOR-linux.tar.gz
#
#   tympan, lib/                 the program; the ALSA library, for systems that have none
#   models/, config.toml         the model and the configuration; the program finds the model beside itself
#   install.sh, scripts/, systemd/   `./install.sh [PREFIX]` and `./install.sh uninstall [PREFIX]`, with the units
#   packaging/                   alerts for Prometheus, configurations of an OpenTelemetry Collector
#   completions/, man/           as `tympan completions` and `tympan man-pages` print them
#   docs/, README.md, licences
#
# EMULATOR runs a PROGRAM of another processor, as scripts/install.sh says.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source packaging/common.sh
[ $# = 1 ] || { sed -n '4p' "$0" >&2; exit 2; }
program=$1
[ -e "$program" ] || die "there is no $program; run \`make dist\`"

processor=$(machine "$program")
name=tympan-$version-$processor-linux
stage=$packages/stage/$name
rm -rf "$stage"
mkdir -p "$stage"/{scripts,completions,man,systemd,licences,packaging/prometheus,packaging/opentelemetry}

cp "$program" "$stage/tympan"
strip_program "$stage/tympan"
bring_libasound "$stage/tympan" "$stage/lib" lib ../lib/tympan
libasound_terms "$stage/licences"
packaging/third_party.py "$processor-unknown-linux-gnu" --no-default-features >"$stage/licences/THIRD-PARTY.txt"

cp packaging/archive/install.sh "$stage/"
cp scripts/install.sh "$stage/scripts/"
cp systemd/*.service "$stage/systemd/"
cp packaging/prometheus/alerts.yml "$stage/packaging/prometheus/"
cp packaging/opentelemetry/*.yaml "$stage/packaging/opentelemetry/"
cp -r config.toml models docs README.md CHANGELOG.md CONTRIBUTING.md LICENSE LICENSE-MIT LICENSE-APACHE "$stage/"
read -ra run <<<"${EMULATOR:-}"
run+=("$program")
"${run[@]}" completions bash >"$stage/completions/tympan.bash"
"${run[@]}" completions zsh >"$stage/completions/_tympan"
"${run[@]}" completions fish >"$stage/completions/tympan.fish"
"${run[@]}" man-pages "$stage/man"

chmod -R u=rwX,go=rX "$stage"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
  --directory="$packages/stage" "$name" | gzip --no-name --best >"$packages/$name.tar.gz"
rm -rf "$stage"
echo "$packages/$name.tar.gz"
