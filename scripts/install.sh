#!/usr/bin/env bash
# Installs and uninstalls tympan; `make install`, `make uninstall` and what makes packages call it.
#
#   install.sh install       PREFIX DESTDIR PROGRAM      builds first, unless sudo runs it and there is a PROGRAM
#   install.sh install-light PREFIX DESTDIR PROGRAM      the same for the build without libtorch
#   install.sh copy          PREFIX DESTDIR PROGRAM      what install does, without building
#   install.sh copy-light    PREFIX DESTDIR PROGRAM      what install-light does, without building
#   install.sh uninstall     PREFIX DESTDIR
#
#   EMULATOR                                     how a PROGRAM for another processor is run, as it prints its completions
#
#   PREFIX/bin/tympan                            finds its libraries by the way from bin/ to lib/, wherever PREFIX is
#   PREFIX/lib/tympan/                           libtorch's CPU libraries, but for the light build
#   PREFIX/share/tympan/models/esc50/            the bundle
#   PREFIX/share/tympan/config.toml              the configuration as delivered
#   PREFIX/share/tympan/prometheus/, opentelemetry/   alerts, and configurations of a Collector
#   PREFIX/etc/tympan/config.toml                the one in use (/etc/tympan where PREFIX is /usr)
#   PREFIX/lib/systemd/system/tympan.service     with the paths of this installation
#   PREFIX/lib/systemd/user/tympan.service       the one for desktop sessions
#   PREFIX/share/man/man1/                       a page for each subcommand
#   PREFIX/share/{bash-completion,zsh,fish}/     completions
#   PREFIX/share/doc/tympan/                     README, docs/, changelog, licences
#   PREFIX/share/tympan/installed                all files put there and folders/ made: what uninstall removes
#
# A configuration that was edited is neither overwritten nor removed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() { echo "install: $*" >&2; exit 1; }

[ $# -ge 3 ] || { sed -n '4,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
action=$1 prefix=${2%/} destdir=${3%/} program=${4:-}
[[ $prefix == /* ]] || die "PREFIX is '$prefix'; it must be an absolute path, as in PREFIX=/usr/local."
[[ $prefix != *[[:space:]\"\\\|\&%]* ]] || die "PREFIX is '$prefix'; systemd and config.toml want it without blanks and \" \\ | & %."
config=$prefix/etc/tympan/config.toml
[ "$prefix" != /usr ] || config=/etc/tympan/config.toml
pristine=$prefix/share/tympan/config.toml
list=$prefix/share/tympan/installed

edited() { [ -e "$destdir$config" ] && ! cmp -s "$destdir$config" "$destdir$pristine"; }

# Removes the files and the folders, now empty, of a list on stdin; a folder that holds more stays.
remove() {
  local path folders=()
  while IFS= read -r path; do
    case $path in */) folders+=("$destdir$path") ;; *) rm -f "$destdir$path" ;; esac
  done
  [ ${#folders[@]} = 0 ] || printf '%s\n' "${folders[@]}" | LC_ALL=C sort -ru | while IFS= read -r path; do
    rmdir "$path" 2>/dev/null || true
  done
}

uninstall() {
  [ -e "$destdir$list" ] || die "tympan is not installed below $destdir$prefix: there is no $destdir$list."
  local kept='' paths
  ! edited || kept=$config
  paths=$(grep -vxF "${kept:-/}" "$destdir$list")
  rm "$destdir$list"
  remove <<<"$paths"
  [ -z "$kept" ] || echo "install: kept $destdir$config, which was edited" >&2
}

# put MODE SOURCE TARGET: copies, and notes it. Written beside and renamed: a running daemon keeps its own file.
put() {
  local folder=${3%/*}
  while [ -n "$folder" ] && [ ! -d "$destdir$folder" ]; do echo "$folder/" >>"$new_list"; folder=${folder%/*}; done
  mkdir -p "$destdir${3%/*}"
  cp --reflink=auto "$2" "$destdir$3.new"
  chmod "$1" "$destdir$3.new"
  mv -f "$destdir$3.new" "$destdir$3"
  echo "$3" >>"$new_list"
}

# The installed program looks for libtorch beside itself only, not in the cache folder of whoever built it.
cut_rpath() {
  python3 - "$1" <<'PYTHON'
import pathlib, re, sys
program = pathlib.Path(sys.argv[1])
image = program.read_bytes()
kept = rb"\$ORIGIN/\.\./lib/tympan"
cut, places = re.subn(rb"(\0" + kept + rb")(:[^\0]*)", lambda m: m[1] + bytes(len(m[2])), image)
if not places and not re.search(rb"\0" + kept + rb"\0", image):
    sys.exit("install: the program has no run path to cut; was it built by `make build`?")
program.write_bytes(cut)
PYTHON
}

# What makes systemd know the unit: it looks below /usr and /usr/local by itself.
as_service() {
  local unit=lib/systemd/system/tympan.service
  case $prefix in
    /usr | /usr/local) echo "systemctl daemon-reload && systemctl enable --now tympan" ;;
    "${HOME:-/root}"/*)
      echo "systemctl --user link $prefix/lib/systemd/user/tympan.service && systemctl --user enable --now tympan" ;;
    *) echo "systemctl link $prefix/$unit && systemctl enable --now tympan" ;;
  esac
}

# Completions and man pages, as the program makes them, into the scratch folder.
generate() {
  local run=() shell
  read -ra run <<<"${EMULATOR:-}"
  run+=("$(realpath "$program")")
  mkdir "$scratch/completions"
  for shell in bash zsh fish; do
    "${run[@]}" completions "$shell" >"$scratch/completions/$shell" ||
      die "$program did not print its completions. For a program of another processor, set EMULATOR, as qemu-aarch64-static."
  done
  "${run[@]}" man-pages "$scratch/man"
}

# Where zsh looks below PREFIX: what Debian's packages install has a folder of its own.
zsh_folder() {
  if [ "$prefix" = /usr ] && [ -e /etc/debian_version ]; then echo vendor-completions; else echo site-functions; fi
}

install_all() {
  local build=$1 libraries=
  [ -e "$program" ] || die "there is no $program; run \`make $build\` first."
  if [ "$build" = build ]; then
    [ -e "$program.libtorch" ] || die "$program was built without libtorch; run \`make build\` first."
    libraries=$(<"$program.libtorch")/lib
    [ -e "$libraries/libtorch_cpu.so" ] || die "there is no $libraries/libtorch_cpu.so; run \`make build\` again."
  else
    [ ! -e "$program.libtorch" ] || die "$program was built with libtorch; run \`make build-light\` first."
  fi
  for file in config.toml models/esc50/model.toml; do [ -e "$file" ] || die "there is no $PWD/$file."; done

  local above=$destdir$prefix
  while [ ! -d "$above" ]; do above=${above%/*}; above=${above:-/}; done
  [ -w "$above" ] || die "$above cannot be written. Run \`sudo make install\`, or choose another PREFIX."

  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  new_list=$scratch/list
  # folders that an earlier installation made are still ours
  [ ! -e "$destdir$list" ] || grep '/$' "$destdir$list" >"$new_list" || true
  kept=
  ! edited || kept=yes

  sed "s|^\( *[a-z_.]* *= *\"\)models/esc50\"|\1$prefix/share/tympan/models/esc50\"|" config.toml >"$scratch/config.toml"
  grep -q "^[^#]*= *\"$prefix/share/tympan/models/esc50\"" "$scratch/config.toml" ||
    die "config.toml has no line that names \"models/esc50\" as the bundle, so the installed one would not find it."
  for unit in tympan tympan-user; do
    sed "s|/usr/local/bin/|$prefix/bin/|g; s|/usr/local/share/|$prefix/share/|g; s|/usr/local/etc/tympan/config.toml|$config|g" \
      systemd/$unit.service >"$scratch/$unit.service"
  done
  generate
  cp "$program" "$scratch/tympan"
  if [ -n "$libraries" ]; then
    scripts/system-packages.sh install
    cut_rpath "$scratch/tympan"
    for file in "$libraries"/lib*.so*; do
      [ "${file##*/}" = libtorch.so ] || put 644 "$file" "$prefix/lib/tympan/${file##*/}" # that one is for the linker
    done
  fi
  put 755 "$scratch/tympan" "$prefix/bin/tympan"
  # what an archive brings along for systems without it
  [ ! -e lib/libasound.so.2 ] || put 644 lib/libasound.so.2 "$prefix/lib/tympan/libasound.so.2"
  [ ! -d licences ] || for file in licences/*; do put 644 "$file" "$prefix/share/doc/tympan/$file"; done
  while IFS= read -r file; do put 644 "$file" "$prefix/share/tympan/$file"; done < <(find models/esc50 -type f)
  for file in prometheus/alerts.yml opentelemetry/logs.yaml opentelemetry/metrics.yaml; do
    put 644 "packaging/$file" "$prefix/share/tympan/$file"
  done
  put 644 "$scratch/completions/bash" "$prefix/share/bash-completion/completions/tympan"
  put 644 "$scratch/completions/zsh" "$prefix/share/zsh/$(zsh_folder)/_tympan"
  put 644 "$scratch/completions/fish" "$prefix/share/fish/vendor_completions.d/tympan.fish"
  for file in "$scratch"/man/*.1; do put 644 "$file" "$prefix/share/man/man1/${file##*/}"; done
  put 644 "$scratch/tympan.service" "$prefix/lib/systemd/system/tympan.service"
  put 644 "$scratch/tympan-user.service" "$prefix/lib/systemd/user/tympan.service"
  # with what they link to
  for file in README.md CHANGELOG.md CONTRIBUTING.md LICENSE LICENSE-MIT LICENSE-APACHE config.toml docs/*.md docs/*.png \
    models/README.md models/esc50/README.md models/esc50/verifier/README.md; do
    [ ! -e "$file" ] || put 644 "$file" "$prefix/share/doc/tympan/$file"
  done
  local licences=${libraries%/lib}/licenses
  [ -z "$libraries" ] || [ ! -d "$licences" ] || while IFS= read -r file; do
    put 644 "$licences/$file" "$prefix/share/doc/tympan/libtorch/$file"
  done < <(cd "$licences" && find . -type f -printf '%P\n')
  put 644 "$scratch/config.toml" "$pristine"
  if [ -n "$kept" ]; then
    echo "$config" >>"$new_list"
    echo "install: kept $destdir$config, which was edited; the delivered one is $destdir$pristine" >&2
  else
    put 644 "$scratch/config.toml" "$config"
  fi

  LC_ALL=C sort -u -o "$new_list" "$new_list"
  # What an earlier version put there and this one does not have.
  [ ! -e "$destdir$list" ] || LC_ALL=C comm -23 <(LC_ALL=C sort "$destdir$list") "$new_list" | remove
  cp "$new_list" "$destdir$list"
  chmod 644 "$destdir$list"
  echo "install: $destdir$prefix/bin/tympan; configuration: $destdir$config" >&2
  [ -n "$destdir" ] || echo "install: as a service: $(as_service)" >&2
}

# Builds as the user asked, unless sudo runs this and there is a program: root may lack the toolchain.
build() {
  if [ -z "${SUDO_UID:-}" ] || [ ! -x "$program" ]; then "${MAKE:-make}" "$1"; fi
  install_all "$1"
}

case $action in
  install) build build ;;
  install-light) build build-light ;;
  copy) install_all build ;;
  copy-light) install_all build-light ;;
  uninstall) uninstall ;;
  *) die "unknown action '$action'" ;;
esac
