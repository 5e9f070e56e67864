#!/usr/bin/env bash
# Carries out the steps of packaging/Containerfile in a bare Debian and runs what it makes in namespaces, where there is no
# container engine: once on the demo, once on a PulseAudio server of this machine whose socket is mounted.
#
#   packaging/try-container.sh FOLDER      FOLDER has the Debian package, as TARGET/packages
#
# Needs root, debootstrap, and pulseaudio. It knows FROM (always a bare Debian), COPY, RUN, ENV, USER, WORKDIR, ENTRYPOINT and CMD.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source packaging/common.sh
[ $# = 1 ] || { sed -n '5p' "$0" >&2; exit 2; }
context=$(cd "$1" && pwd)

base=${TRY_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/tympan/try-container}
bare_root "$base" bookworm
work=$(mktemp -d)
server='' noise=''
finish() {
  for process in $noise $server; do kill "$process" 2>/dev/null || true; done
  umount -lR "$work/root" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
mkdir "$work"/{root,upper,scratch,pulse}
mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/scratch" "$work/root"
mount --rbind /dev "$work/root/dev"
mount --make-rslave "$work/root/dev"

user=root folder=/ entry=() command=() settings=(LANG=C.UTF-8)
# a step that goes on in the next line is joined; comments are dropped
while read -r step rest; do
  case $step in
    FROM) say "FROM $rest" ;;
    COPY) say "COPY $rest"; (cd "$context" && eval "cp ${rest% *} \"$work/root${rest##* }\"") ;;
    RUN) say "RUN $rest"; chroot "$work/root" sh -c "$rest" >&2 ;;
    ENV) settings+=("$rest") ;;
    USER) user=$rest ;;
    WORKDIR) folder=$rest ;;
    ENTRYPOINT) mapfile -t entry < <(python3 -c 'import json, sys; print(*json.loads(sys.argv[1]), sep="\n")' "$rest") ;;
    CMD) mapfile -t command < <(python3 -c 'import json, sys; print(*json.loads(sys.argv[1]), sep="\n")' "$rest") ;;
    *) die "packaging/Containerfile has a step that this script does not know: $step" ;;
  esac
done < <(sed -e '/^ *#/d' packaging/Containerfile | sed -e ':again' -e '/\\$/N; s/\\\n//; t again')

# inside ARGUMENTS…: the container's program as its user, in namespaces of its own
inside() {
  unshare --mount --pid --fork --ipc --uts --net --kill-child \
    sh -c 'mount -t proc proc "$1/proc" && shift && exec "$@"' sh "$work/root" \
    chroot "$work/root" setpriv --reuid "$user" --regid "$(chroot "$work/root" id -g "$user")" --init-groups \
    env -i -C "$folder" HOME="$folder" PATH=/usr/local/bin:/usr/bin:/bin "${settings[@]}" "${entry[@]}" "$@"
}

say "its own command, with the demo"
inside "${command[@]}" --source demo --seconds 12 --fast >"$work/demo.jsonl"
grep -q '"phase":"onset"' "$work/demo.jsonl" || die "no event came from the demo"
say "as $(chroot "$work/root" id "$user")"

say "PulseAudio by its socket, mounted at /run/pulse/native"
uid=$(chroot "$work/root" id -u "$user")
install -d -o "$uid" -m 700 "$work/pulse/home" "$work/pulse/run"
chmod 755 "$work" "$work/pulse"
setpriv --reuid "$uid" --regid "$uid" --clear-groups env -i HOME="$work/pulse/home" XDG_RUNTIME_DIR="$work/pulse/run" PATH="$PATH" \
  pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no --disallow-exit \
  --load="module-null-sink sink_name=desk" --load="module-native-protocol-unix socket=$work/pulse/run/native auth-anonymous=1" \
  >"$work/pulse/log" 2>&1 &
server=$!
for _ in $(seq 100); do [ -S "$work/pulse/run/native" ] && break; sleep 0.1; done
mkdir -p "$work/root/run/pulse"
mount --bind "$work/pulse/run" "$work/root/run/pulse"
settings+=(PULSE_SERVER=unix:/run/pulse/native)
# noise, quiet enough to be no clipping
head -c 20000000 /dev/urandom | PULSE_SERVER=unix:$work/pulse/run/native pacat --raw --format=s16le --volume=16000 \
  --device=desk >/dev/null 2>&1 &
noise=$!
inside devices --host pulseaudio >"$work/devices"
grep -q 'pulseaudio:desk.monitor' "$work/devices" || { cat "$work/devices" >&2; die "the server's source is not listed"; }
inside doctor --source microphone:pulseaudio:desk.monitor --seconds 2 >"$work/doctor" || true
grep -E ' (capture|level) ' "$work/doctor" >&2
grep -qE '^✓ capture ' "$work/doctor" || die "nothing was captured"
! grep -q 'dead' "$work/doctor" || die "what was captured is silence"
say "all as it should be"
