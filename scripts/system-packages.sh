#!/usr/bin/env bash
# Sees to it that the programs and libraries which tympan needs from the system are there.
#
#   scripts/system-packages.sh [build|libtorch|install|test|lint|peers|package]...  all groups but the last two when none is named
#
#   build     to compile and link: C++ compiler, pkg-config, ALSA headers
#   libtorch  to fetch libtorch:   Python with pip
#   install   to install what was built: Python
#   test      for the tests that drive a real microphone, PulseAudio and its ALSA plugin; to make recordings and to decode
#             them for comparison, ffmpeg and libsndfile's programs; for the metrics, Prometheus and its promtool; to check the
#             man pages, man; the MQTT broker mosquitto, and openssl for its
#             certificates
#   lint      to check the systemd unit
#   peers     to compare with other runtimes: Python with venv
#   package   to make packages:    Python with venv, dpkg-dev, patchelf
#
# Each need is asked for by what it does, not by a package's name, so a compiler or Python from elsewhere counts.
# What is missing is installed with apt-get when this is root or sudo asks for no password; otherwise the exact
# command is printed and the exit is 1. Nothing is ever removed. TYMPAN_NO_PACKAGES=1 skips it all.
set -euo pipefail

say() { printf 'system-packages: %s\n' "$*" >&2; }

has_compiler() { # tympan links the OpenMP runtime as well; the compiler knows where it lies
  command -v c++ >/dev/null && command -v cc >/dev/null && [[ $(c++ -print-file-name=libgomp.so) == /* ]]
}
has_pkg_config() { command -v pkg-config >/dev/null; }
has_alsa() { has_pkg_config && pkg-config --exists alsa; }
has_pip() { command -v python3 >/dev/null && python3 -c 'import pip, sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; }
has_python() { command -v python3 >/dev/null; }
has_venv() { command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null; }
has_pulse() { command -v pulseaudio >/dev/null; }
has_pulse_utils() { command -v pactl >/dev/null && command -v paplay >/dev/null; }
has_shlibdeps() { command -v dpkg-shlibdeps >/dev/null; }
has_patchelf() { command -v patchelf >/dev/null; }
has_systemd_analyze() { command -v systemd-analyze >/dev/null; }
has_man() { command -v man >/dev/null; }
has_ffmpeg() { command -v ffmpeg >/dev/null; }
has_mosquitto() { [ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null; }
has_openssl() { command -v openssl >/dev/null; }
has_sndfile() { command -v sndfile-convert >/dev/null; }
has_prometheus() { command -v prometheus >/dev/null && command -v promtool >/dev/null; }
has_alsa_plugin() { compgen -G '/usr/lib*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null ||
  compgen -G '/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null; }

# group | probe | Debian and Ubuntu packages | what it is called elsewhere
needs='
build|has_compiler|g++|a C++17 compiler with its OpenMP runtime (c++, cc, libgomp)
build|has_pkg_config|pkg-config|pkg-config
build|has_alsa|libasound2-dev|the ALSA headers (alsa.pc)
libtorch|has_pip|python3 python3-pip|Python 3.8 or newer with pip
install|has_python|python3|Python 3
test|has_pulse|pulseaudio|PulseAudio 15 or newer (pulseaudio)
test|has_pulse_utils|pulseaudio-utils|the PulseAudio client tools (pactl, paplay)
test|has_alsa_plugin|libasound2-plugins|the pulse plugin of ALSA
test|has_ffmpeg|ffmpeg|ffmpeg
test|has_man|man-db|man
test|has_sndfile|sndfile-programs|the programs of libsndfile (sndfile-convert)
test|has_prometheus|prometheus|Prometheus with promtool
test|has_mosquitto|mosquitto|the MQTT broker mosquitto, with mosquitto_passwd
test|has_openssl|openssl|openssl
lint|has_systemd_analyze|systemd|systemd-analyze
peers|has_venv|python3 python3-venv|Python with venv
package|has_venv|python3 python3-venv|Python with venv
package|has_shlibdeps|dpkg-dev|dpkg-shlibdeps
package|has_patchelf|patchelf|patchelf
'

# Prints the rows of the wanted groups whose probe fails.
missing() {
  local group probe packages name
  while IFS='|' read -r group probe packages name; do
    [ -n "$group" ] && [[ " $wanted " == *" $group "* ]] || continue
    "$probe" || printf '%s|%s\n' "$packages" "$name"
  done <<<"$needs"
}

wanted="${*:-build libtorch install test lint}"
for group in $wanted; do
  case $group in
    build | libtorch | install | test | lint | peers | package) ;;
    *) say "unknown group '$group'; there are build, libtorch, install, test, lint, peers and package"; exit 2 ;;
  esac
done
[ -z "${TYMPAN_NO_PACKAGES:-}" ] || { say "skipped, as TYMPAN_NO_PACKAGES asks"; exit 0; }

lacking=$(missing)
[ -n "$lacking" ] || exit 0
packages=$(cut -d'|' -f1 <<<"$lacking" | tr '\n' ' '); packages=${packages% }

if ! command -v apt-get >/dev/null; then
  say "this system has no apt-get; please install by its own means:"
  cut -d'|' -f2 <<<"$lacking" | sed 's/^/  - /' >&2
  exit 1
fi

# --no-remove: a desktop whose sound server would have to give way to PulseAudio keeps it.
install=(apt-get install --yes --no-install-recommends --no-remove)
if [ "$(id -u)" = 0 ]; then
  root=(env DEBIAN_FRONTEND=noninteractive)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  root=(sudo -n env DEBIAN_FRONTEND=noninteractive)
else
  say "missing: $packages. Please install them and start again:"
  printf '  sudo apt-get update && sudo %s %s\n' "${install[*]}" "$packages" >&2
  exit 1
fi

say "installing $packages"
# shellcheck disable=SC2086 # a list of package names
if ! { "${root[@]}" apt-get update -qq && "${root[@]}" "${install[@]}" -qq $packages; } >&2; then
  say "apt-get did not install: $packages. See its message above; then try"
  printf '  sudo apt-get update && sudo %s %s\n' "${install[*]}" "$packages" >&2
  exit 1
fi

lacking=$(missing)
[ -z "$lacking" ] || { say "still missing after the installation:"; cut -d'|' -f2 <<<"$lacking" | sed 's/^/  - /' >&2; exit 1; }
