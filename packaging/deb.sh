#!/usr/bin/env bash
# Makes a Debian package of a program that is built; `make deb` and `make deb-torch` call it.
#
#   packaging/deb.sh light PROGRAM      tympan: the light build
#   packaging/deb.sh torch PROGRAM      tympan-torch: the full build, with libtorch below /usr/lib/tympan
#
# Prints the package's path. What is in it is what `make install PREFIX=/usr` puts below a folder; [package.metadata.deb]
# in Cargo.toml has the rest. cargo-deb adds what starts, stops and forgets the unit.
# EMULATOR runs a PROGRAM of another processor, as scripts/install.sh says.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source packaging/common.sh

[ $# = 2 ] || { sed -n '4,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
build=$1 program=$2
command -v cargo-deb >/dev/null || "${CARGO:-cargo}" install --locked cargo-deb@3.8.0 >&2

processor=$(machine "$program")
triple=$processor-unknown-linux-gnu
# cargo-deb reads `target/release/package` of Cargo.toml as this folder, with the triple where one is named
stage=${program%/*}/package
rm -rf "$stage"
case $build in
  light) name=tympan features=--no-default-features; scripts/install.sh copy-light /usr "$stage" "$program" >&2 ;;
  torch) name=tympan-torch features=--all-features; scripts/install.sh copy /usr "$stage" "$program" >&2 ;;
  *) die "unknown build '$build'; there are light and torch" ;;
esac
rm "$stage/usr/share/tympan/installed" # dpkg knows what it installed
strip_program "$stage/usr/bin/tympan"
find "$stage/usr/lib/tympan" -name '*.so*' -exec strip --strip-unneeded {} + 2>/dev/null || true
# the same terms as in the file `copyright`
rm "$stage"/usr/share/doc/tympan/LICENSE*
packaging/third_party.py "$triple" "$features" >"$stage/usr/share/doc/tympan/THIRD-PARTY.txt"
gzip --no-name --best "$stage"/usr/share/man/man1/*.1
# one line for each thing that lintian finds and that stays, with its reason above it
mkdir -p "$stage/usr/share/lintian/overrides" "$stage/usr/share/doc/$name"
sed "s/^tympan:/$name:/" packaging/deb/lintian-overrides >"$stage/usr/share/lintian/overrides/$name"
gzip --no-name --best >"$stage/usr/share/doc/$name/changelog.Debian.gz" <<END
$name ($version-1) unstable; urgency=medium

  * Version $version. /usr/share/doc/tympan/CHANGELOG.md says what changed.

 -- The tympan authors <tympan@packages.invalid>  $(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
END

options=(--no-build --no-strip --output "$packages/")
[ "$build" = light ] || options+=(--variant torch)
# dpkg-shlibdeps finds no libraries of another processor here
case $program in */"$triple"/release/*) options+=(--target "$triple" --variant cross) ;; esac
mkdir -p "$packages"
"${CARGO:-cargo}" deb "${options[@]}" | tail -n 1
rm -rf "$stage"
