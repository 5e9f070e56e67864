# What the scripts beside this one share; they source it, in the root of the repository.
# shellcheck shell=bash

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
die() { say "$*"; exit 1; }

target=${CARGO_TARGET_DIR:-target}
packages=$target/packages
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

# Times in packages are that of the last commit, so that two builds of one commit name the same.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.toml)}
export SOURCE_DATE_EPOCH

# machine PROGRAM: the processor that it is for, as uname says it.
machine() {
  case $(od -An -tu2 -j18 -N2 "$1" | tr -d ' ') in
    62) echo x86_64 ;;
    183) echo aarch64 ;;
    *) die "$1 is for no processor that packages are made for (x86_64, aarch64)" ;;
  esac
}

# Removes what only a debugger reads.
strip_program() {
  local tool
  tool=$(machine "$1")-linux-gnu-strip
  command -v "$tool" >/dev/null || tool=strip
  "$tool" --strip-unneeded --remove-section=.comment --remove-section=.note "$1"
}

# The folders in which a system keeps the libraries of a processor.
system_libraries() {
  echo "/lib/$1-linux-gnu:/usr/lib/$1-linux-gnu:/lib64:/usr/lib64:/lib:/usr/lib"
}

# bring_libasound PROGRAM FOLDER WHERE…: copies the ALSA library that PROGRAM links into FOLDER, with its terms, and has
# PROGRAM look for it in the system first, which knows its own devices and plugins, then in WHERE (from $ORIGIN).
bring_libasound() {
  local program=$1 folder=$2 processor library path
  shift 2
  processor=$(machine "$program")
  library=
  for path in "${ARM_LIBRARIES:-}"{,/usr}/lib/"$processor-linux-gnu"/libasound.so.2 /usr/lib64/libasound.so.2 /usr/lib/libasound.so.2; do
    [ -e "$path" ] && [ "$(machine "$(realpath "$path")")" = "$processor" ] && { library=$path; break; }
  done
  [ -n "$library" ] || die "there is no libasound.so.2 for $processor to bring along"
  mkdir -p "$folder"
  install -m 644 "$(realpath "$library")" "$folder/libasound.so.2"
  path=$(system_libraries "$processor")
  for library; do path+=:\$ORIGIN/$library; done
  patchelf --set-rpath "$path" "$program"
}

# libasound_terms FOLDER: under what terms that library may be passed on.
libasound_terms() {
  local terms
  mkdir -p "$1"
  for terms in /usr/share/doc/libasound2{,t64}/copyright; do
    [ ! -e "$terms" ] || install -m 644 "$terms" "$1/libasound2-copyright"
  done
  [ -e "$1/libasound2-copyright" ] || die "there is no copyright file of libasound2 to bring along"
  install -m 644 /usr/share/common-licenses/LGPL-2.1 "$1/LGPL-2.1"
}

# bare_root FOLDER SUITE PACKAGE…: a Debian with these packages and no more, made once. DEBIAN_SOURCE names the package
# source; by default it is this machine's own, with its certificates and its settings for apt.
bare_root() {
  local folder=$1 suite=$2 source
  shift 2
  [ ! -e "$folder/.done" ] || return 0
  command -v debootstrap >/dev/null || die "there is no debootstrap: apt-get install debootstrap"
  source=${DEBIAN_SOURCE:-$(sed -nE 's/^URIs: +//p; s/^deb +(\[[^]]*\] +)?([^ ]+).*/\2/p' /etc/apt/sources.list \
    /etc/apt/sources.list.d/debian* 2>/dev/null | head -n 1 || true)}
  [ -n "$source" ] || die "where are this machine's packages from? Name the package source in DEBIAN_SOURCE"
  rm -rf "$folder"
  mkdir -p "$folder"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$folder" "$source" >&2
  cp -L /etc/resolv.conf /etc/hosts "$folder/etc/"
  cp -aL /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
  cp -a /etc/apt/apt.conf.d/. "$folder/etc/apt/apt.conf.d/"
  [ $# = 0 ] || chroot "$folder" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"' sh "$@" >&2
  touch "$folder/.done"
}
