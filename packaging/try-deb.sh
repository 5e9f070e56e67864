#!/usr/bin/env bash
# Installs, upgrades, removes and purges a Debian package in a bare Debian with systemd booted, and fails at what is not as
# docs/INSTALL.md says it.
#
#   packaging/try-deb.sh PACKAGE.deb
#
# Needs root, debootstrap and systemd-container. The root folder is made once, in the user's cache (TRY_ROOT), from this
# machine's own package source (DEBIAN_SOURCE), and each call works on a copy, thrown away afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source packaging/common.sh
[ $# = 1 ] || { sed -n '5p' "$0" >&2; exit 2; }
package=$1
name=$(dpkg-deb --field "$package" Package)

work=$(mktemp -d)
nspawn=
finish() {
  [ -z "$nspawn" ] || { kill "$nspawn" 2>/dev/null && wait "$nspawn" || true; }
  umount -l "$work/root" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

base=${TRY_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/tympan/try-deb}
bare_root "$base" "$(. /etc/os-release && echo "$VERSION_CODENAME")" systemd systemd-sysv dbus man-db
mkdir "$work"/{root,upper,scratch}
mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/scratch" "$work/root"
cp "$package" "$work/root/root/package.deb"

# The next version: the same program, another delivered configuration.
dpkg-deb --raw-extract "$package" "$work/next"
sed -i 's/^Version: .*/&+next/' "$work/next/DEBIAN/control"
echo '# a line that the next version adds' >>"$work/next/etc/tympan/config.toml"
dpkg-deb --root-owner-group -Zgzip -z1 --build "$work/next" "$work/root/root/next.deb" >/dev/null

systemd-nspawn --quiet --boot --directory="$work/root" --register=no --keep-unit --console=read-only \
  >"$work/console" 2>&1 </dev/null &
nspawn=$!
init=
for _ in $(seq 120); do
  sleep 0.5
  init=$(pgrep --parent "$nspawn" | head -n 1 || true)
  [ -z "$init" ] || [ "$(inside systemctl is-system-running 2>/dev/null || true)" = starting ] || break
done
inside() {
  nsenter --target "$init" --mount --uts --ipc --pid --cgroup --root --wd -- \
    env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
# expect WHAT COMMAND…: fails with what the command printed
expect() {
  local what=$1 printed; shift
  if printed=$(inside "$@" 2>&1); then say "ok: $what"; return; fi
  printf '%s\n' "$printed" >&2
  inside journalctl --no-pager -n 30 -u tympan >&2 || true
  die "not so: $what"
}
is() { expect "$1" sh -c "$2"; }

expect 'it installs' apt-get install -y -qq --no-install-recommends /root/package.deb
is 'the unit is there, and neither enabled nor started' \
  'test -e /usr/lib/systemd/system/tympan.service; test "$(systemctl is-enabled tympan)" = disabled; test "$(systemctl is-active tympan)" = inactive'
is 'the man page of a command is found' 'man -w tympan-run'
is 'doctor knows the unit' 'tympan doctor --source demo --seconds 1 | grep -q "unit.*not enabled"'

is 'the configuration can be edited' \
  'sed -i "s/^kind = \"microphone\"/kind = \"demo\"/" /etc/tympan/config.toml; printf "\n# edited here\n" >>/etc/tympan/config.toml; grep -q "^kind = \"demo\"" /etc/tympan/config.toml'
expect 'it starts' systemctl enable --now tympan
is 'it classifies' 'sleep 8; tympan status | tee /dev/stderr | grep -q listening; journalctl -u tympan --no-pager | grep -q "\"event\""'
is 'it runs as a user of its own' 'uid=$(stat -c %u "/proc/$(systemctl show -P MainPID tympan)"); test "$uid" -ge 61184 && test "$uid" -le 65519'

is 'an upgrade keeps an edited configuration, and restarts the service' \
  'before=$(systemctl show -P MainPID tympan); dpkg -i --force-confdef /root/next.deb; grep -q "edited here" /etc/tympan/config.toml; test -e /etc/tympan/config.toml.dpkg-dist; systemctl is-active tympan; test "$before" != "$(systemctl show -P MainPID tympan)"'
is 'an upgrade with the same configuration asks nothing' \
  'dpkg -i /root/next.deb </dev/null; grep -q "edited here" /etc/tympan/config.toml; systemctl is-active tympan'

expect 'it is removed' apt-get remove -y -qq "$name"
is 'nothing runs, and the configuration is kept' \
  '! systemctl is-active tympan; ! test -e /usr/bin/tympan; grep -q "edited here" /etc/tympan/config.toml; test -d /var/lib/private/tympan && test -d /var/log/private/tympan'
is 'installed again, it runs as before' \
  'dpkg -i /root/next.deb </dev/null; grep -q "edited here" /etc/tympan/config.toml; systemctl is-enabled tympan; systemctl start tympan; systemctl is-active tympan'
expect 'it is purged' apt-get purge -y -qq "$name"
is 'nothing is left' \
  'rest=$(find / -xdev \( -path /proc -o -path /sys -o -path /root \) -prune -o -iname "*tympan*" -print); echo "$rest"; test -z "$rest"; ! getent passwd tympan'
say "all as it should be: $package"
