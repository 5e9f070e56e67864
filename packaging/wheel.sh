#!/usr/bin/env bash
# Makes a Python wheel of the light build: the program alone, with its model; `make wheel` calls it.
#
#   packaging/wheel.sh      prints the wheel's path
#
# The tools come from the Python package index, into a virtual environment in the target folder. maturin builds with the
# same options as `make build-light`, so nothing is built twice. It would rename the ALSA library that the wheel brings
# along, and the plugins of a system's own would then load a second one; so what maturin packs is patched here, to take
# the system's library where there is one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source packaging/common.sh

tools=$target/wheel-tools
if [ ! -e "$tools/done" ]; then
  python3 -m venv --clear "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement packaging/wheel/requirements.txt >&2
  touch "$tools/done"
fi
PATH=$(cd "$tools/bin" && pwd):$PATH

built=$packages/stage/wheel
rm -rf "$built"
mkdir -p "$built"
built=$(cd "$built" && pwd)
(cd packaging/wheel && maturin build --quiet --release --compatibility linux --auditwheel skip --out "$built" >&2)
wheel unpack --dest "$built" "$built"/*.whl >&2
rm "$built"/*.whl

unpacked=$built/tympan-$version
program=$unpacked/tympan-$version.data/scripts/tympan
processor=$(machine "$program")
# what lies beside the program, below the prefix of the environment that the wheel is installed in
data=$unpacked/tympan-$version.data/data
mkdir -p "$data/share/tympan/models" "$data/share/doc/tympan"
cp -r models/esc50 "$data/share/tympan/models/"
cp config.toml "$data/share/tympan/"
scripts/install.sh copy-light /usr/local "$built/installed" "$program" 2>/dev/null
mv "$built/installed/usr/local/share"/{man,bash-completion,fish,zsh} "$data/share/"
rm -r "$built/installed"
strip_program "$program"
bring_libasound "$program" "$data/lib/tympan" ../lib/tympan
libasound_terms "$data/share/doc/tympan"
packaging/third_party.py "$processor-unknown-linux-gnu" --no-default-features >"$data/share/doc/tympan/THIRD-PARTY.txt"
chmod -R u=rwX,go=rX "$unpacked"

# the C library that both ask for, as the wheel's name says it
glibc=$(objdump -T "$program" "$data/lib/tympan/libasound.so.2" | grep -o 'GLIBC_2\.[0-9]*' | sort -V | tail -n 1)
wheel pack --dest-dir "$packages" "$unpacked" >&2
name=$(wheel tags --remove --platform-tag "manylinux_2_${glibc#GLIBC_2.}_$processor" "$packages/tympan-$version-py3-none-linux_$processor.whl")
rm -rf "$built"
echo "$packages/$name"
