#!/usr/bin/env bash
# Finds or fetches libtorch and prints its folder as the only line of stdout; all else goes to stderr.
#
#   LIBTORCH=$(scripts/libtorch.sh)     $LIBTORCH itself if set, else the user's cache folder, filled if need be
#   scripts/libtorch.sh --verify        also compares every file's hash (seconds), not its size alone
#
# The cache folder is ${XDG_CACHE_HOME:-~/.cache}/tympan/libtorch-VERSION: headers, the CPU libraries, the licences
# and two manifests. It is made from the Python packages in libtorch-requirements.txt, whose hashes pip checks, in a
# folder of its own beside it that is renamed once whole. So what has the name is complete, an interrupted run leaves
# nothing that counts, and of two runs at once the second waits for the first. Every run compares names and sizes of
# all files with the manifest; a folder that differs is made anew.
set -euo pipefail

version=2.13.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
requirements=$here/libtorch-requirements.txt
needed_kb=1500000 # the largest wheel twice while pip copies it, then once beside what is unpacked from it

say() { printf 'libtorch: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

verify=sizes
case ${1:-} in
  '') ;;
  --verify) verify=hashes ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac

# --- a libtorch of the user's own -----------------------------------------------------------------------------------
if [ -n "${LIBTORCH:-}" ]; then
  advice="Set LIBTORCH to an unpacked libtorch $version, or unset it to have one fetched."
  for file in lib/libtorch_cpu.so lib/libc10.so include/torch/csrc/api/include/torch/torch.h; do
    [ -e "$LIBTORCH/$file" ] || die "LIBTORCH is $LIBTORCH, where there is no $file. $advice"
  done
  if [ -e "$LIBTORCH/build-version" ]; then
    found=$(head -n 1 "$LIBTORCH/build-version")
    [ "${found%%+*}" = "$version" ] || die "LIBTORCH is $LIBTORCH, which is libtorch $found, not $version. $advice"
  fi
  (cd "$LIBTORCH" && pwd)
  exit
fi

# --- the cache folder -----------------------------------------------------------------------------------------------
cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set: set it, XDG_CACHE_HOME or LIBTORCH}/.cache}/tympan
folder=$cache/libtorch-$version

sizes() { (cd "$1" && find . -type f ! -name 'manifest.*' -printf '%s %P\n' | LC_ALL=C sort); }

# Sets `fault` to the reason when it is not.
is_whole() {
  fault=
  [ -d "$folder" ] || return 1
  fault="$folder has no manifest"
  [ -s "$folder/manifest.sizes" ] && [ -s "$folder/manifest.sha256" ] || return 1
  fault="$folder has files missing, added or of another size"
  sizes "$folder" | cmp -s - "$folder/manifest.sizes" || return 1
  fault="$folder has files with another content"
  [ $verify = sizes ] || (cd "$folder" && sha256sum --check --quiet manifest.sha256 >&2) || return 1
}

if is_whole; then echo "$folder"; exit; fi

[ "$(uname -s)" = Linux ] || die "libtorch is fetched for Linux only; set LIBTORCH to an unpacked libtorch $version."
mkdir -p "$cache" || die "cannot make $cache; set XDG_CACHE_HOME to a folder that can be written."
exec 9>"$folder.lock"
flock --nonblock 9 || { say "another run is fetching libtorch; waiting for it"; flock 9; }
if is_whole; then echo "$folder"; exit; fi # that other run may have made it
[ -z "$fault" ] || say "$fault; it is made anew"

"$here/system-packages.sh" libtorch

child=
partial=
clean_up() {
  [ -z "$child" ] || kill "$child" 2>/dev/null || true
  rm -rf "$partial" "$folder.broken"
}
trap clean_up EXIT
trap 'say "interrupted; nothing was kept"; exit 130' INT TERM HUP
rm -rf "$folder".partial.* "$folder.broken" # of a run that was killed; the lock says that nobody is at work there

free_kb=$(df -Pk "$cache" | awk 'NR == 2 { print $4 }')
[ "$free_kb" -ge $needed_kb ] ||
  die "$cache has $((free_kb / 1000)) MB free; $((needed_kb / 1000)) MB are needed (a third of it stays). Free some, or set XDG_CACHE_HOME to another disk."

partial=$(mktemp -d "$folder.partial.XXXXXX") # unlike that of a killed run, whose pip may still be writing
chmod 755 "$partial"
mkdir -p "$partial/tree/lib" "$partial/wheels" "$partial/tmp"

# Downloads the one package into wheels/. The Python version is fixed, for it names the wheel, not who may unpack it.
fetch() {
  grep "^$1==" "$requirements" >"$partial/wanted.txt"
  # In the background and waited for, so that a signal is heard at once; the lock is not handed on.
  TMPDIR=$partial/tmp python3 -m pip download --no-deps --no-cache-dir --only-binary=:all: --python-version 3.11 \
    --require-hashes --dest "$partial/wheels" --requirement "$partial/wanted.txt" >&2 9>&- &
  child=$!
  wait "$child" || die "pip could not download $1 (see above). Check the network and pip's configuration and start again, or set LIBTORCH to an unpacked libtorch $version."
  child=
}

# unpack WHEEL TARGET PREFIX PATTERN: members that match go to tree/TARGET/, without PREFIX.
unpack() {
  python3 - "$@" "$partial/tree" <<'PYTHON'
import pathlib, re, shutil, sys, zipfile
wheel, target, prefix, pattern, tree = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        if member.is_dir() or not re.fullmatch(pattern, member.filename):
            continue
        path = pathlib.Path(tree, target, re.sub("^" + prefix, "", member.filename))
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, open(path, "wb") as out:  # the archive's checksum is checked at its end
            shutil.copyfileobj(source, out, 1 << 20)
PYTHON
}

say "fetching libtorch $version (530 MB) from the Python package index into $folder"
fetch torch
wheel=$(echo "$partial"/wheels/torch-*.whl)
say "unpacking the headers and the CPU libraries"
unpack "$wheel" include torch/include/ 'torch/include/.*'
# All but what only CUDA and Python need: on some machines that is more than libtorch_cpu, libc10 and libgomp.
unpack "$wheel" lib torch/lib/ \
  'torch/lib/lib(?!(torch_cuda|c10_cuda|caffe2_nvrtc|torch_nvshmem|torch_python|torch_global_deps|torch\.so|shm))[^/]*\.so[^/]*'
unpack "$wheel" licenses/torch '.*/licenses/' '.*\.dist-info/licenses/.*'
rm "$wheel"

# The default build asks for two CUDA libraries even where it computes on the CPU; the CPU build does not.
for pair in libcudart:nvidia-cuda-runtime libcupti:nvidia-cuda-cupti; do
  library=${pair%:*} package=${pair#*:}
  asked=$(ldd "$partial/tree/lib/libtorch_cpu.so") # whole, not through a pipe that grep may close under ldd
  [[ $asked == *"$library"* ]] || continue
  fetch "$package"
  wheel=$(echo "$partial"/wheels/nvidia_*.whl)
  unpack "$wheel" lib '.*/' ".*/lib/$library\.so[^/]*"
  unpack "$wheel" "licenses/$package" '.*/licenses/' '.*\.dist-info/licenses/.*'
  rm "$wheel"
done

tree=$partial/tree
chmod 755 "$tree"/lib/*
absent=$(ldd "$tree/lib/libtorch_cpu.so" | awk '/not found/ { print $1 }' | tr '\n' ' ')
[ -z "$absent" ] || die "libtorch_cpu.so asks for libraries that neither its packages nor this system have: $absent"
echo 'INPUT(libtorch_cpu.so libc10.so)' >"$tree/lib/libtorch.so" # for the linker, which is given -ltorch
echo "$version" >"$tree/build-version"
sizes "$tree" >"$partial/manifest.sizes"
(cd "$tree" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) >"$partial/manifest.sha256"
mv "$partial/manifest.sizes" "$partial/manifest.sha256" "$tree/"
sync -f "$tree" # the name must not survive a power cut that the content does not
[ ! -e "$folder" ] || mv "$folder" "$folder.broken"
mv "$tree" "$folder"
say "done: $(du -sh "$folder" | cut -f1) in $folder"
echo "$folder"
