#!/usr/bin/env bash
# Builds and tests the light build for 64-bit ARM (Raspberry Pi 3 and newer with a 64-bit system) on another machine.
#
#   packaging/cross-arm64.sh program      the program: TARGET/aarch64-unknown-linux-gnu/release/tympan
#   packaging/cross-arm64.sh packages     archive and Debian package of it, in TARGET/packages; `make arm64` calls it
#   packaging/cross-arm64.sh test NAME…   runs the tests (--lib and --test it) under qemu; `make try-arm64` calls it
#   packaging/cross-arm64.sh run ARG…     runs the program under qemu
#
# rustc and the linker are those of Debian testing, in a root folder made once in the user's cache (CROSS_ROOT), whose
# packages have a Rust new enough with the standard library for ARM. The libraries that the program is linked with are Debian
# 12's, so it runs there and on anything newer. Needs root, debootstrap and qemu-user-static. DEBIAN_SOURCE names the package
# source, by default this machine's own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source packaging/common.sh

triple=aarch64-unknown-linux-gnu
root=${CROSS_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/tympan/cross-arm64}
libraries=/opt/debian-12 # below the root: what programs for ARM are linked with, and run with
[ $# -ge 1 ] || { sed -n '4,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$(id -u)" = 0 ] || die "run it as root: debootstrap and chroot need that"
for tool in debootstrap qemu-aarch64-static; do
  command -v $tool >/dev/null || die "there is no $tool: apt-get install debootstrap qemu-user-static"
done

make_root() {
  bare_root "$root" testing cargo rustc gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross pkg-config
  [ ! -e "$root/.cross" ] || return 0
  local source
  source=$(sed -n 's/^deb \([^ ]*\) .*/\1/p' "$root/etc/apt/sources.list" | head -n 1)
  echo "deb $source bookworm main" >"$root/etc/apt/sources.list.d/bookworm.list"
  chroot "$root" bash -euo pipefail -s "$libraries" >&2 <<'END'
    export DEBIAN_FRONTEND=noninteractive
    dpkg --add-architecture arm64
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends -t testing libstd-rust-dev:arm64
    folder=$(mktemp -d)
    cd "$folder"
    for package in libc6 libc6-dev libgcc-s1 libasound2 libasound2-data libasound2-dev; do
      apt-get download -qq "$package:arm64/bookworm" || apt-get download -qq "$package/bookworm"
    done
    mkdir -p "$1"
    for package in *.deb; do dpkg-deb --extract "$package" "$1"; done
    # links such as that of libm.so lead to the libraries beside them, not to newer ones of this root
    find "$1" -type l -lname '/*' -printf '%p %l\n' | while read -r link goal; do ln -sfr "$1$goal" "$link"; done
    rm -r "$folder"
    cat >/usr/local/bin/arm64-linker <<'LINKER'
#!/bin/sh
exec aarch64-linux-gnu-gcc --sysroot=LIBRARIES -LLIBRARIES/lib/aarch64-linux-gnu -LLIBRARIES/usr/lib/aarch64-linux-gnu "$@"
LINKER
    sed -i "s|LIBRARIES|$1|g" /usr/local/bin/arm64-linker
    chmod +x /usr/local/bin/arm64-linker
END
  touch "$root/.cross"
}

# That Debian's Rust is another than this machine's; cargo's downloads are its own as well.
cargo_home=${CARGO_HOME:-$HOME/.cargo}/cross
mkdir -p "$target" "$cargo_home"
target=$(realpath "$target")
program=$target/$triple/release/tympan
settings=(
  CARGO_HOME="$cargo_home" CARGO_TARGET_DIR="$target" CARGO_BUILD_JOBS="${CARGO_BUILD_JOBS:-$(nproc)}"
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=arm64-linker
  PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_SYSROOT_DIR=$libraries PKG_CONFIG_LIBDIR=$libraries/usr/lib/aarch64-linux-gnu/pkgconfig
  SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
)

# in_root COMMAND…: with the clone, its target folder and cargo's downloads
in_root() {
  local folder status=0 mounted=()
  for folder in "$PWD" "$target" "$cargo_home" /proc /dev; do
    mkdir -p "$root$folder"
    mount --rbind "$folder" "$root$folder"
    mount --make-rslave "$root$folder"
    mounted=("$root$folder" "${mounted[@]}")
  done
  chroot "$root" env -i -C "$PWD" HOME=/root PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8 \
    "${settings[@]}" "$@" || status=$?
  umount -l "${mounted[@]}"
  return $status
}

options=(--locked --release --no-default-features --target "$triple")
build() {
  make_root
  in_root cargo build "${options[@]}" >&2
}

# The kernel runs programs for ARM by qemu, as tests do that start the program. Undone at the end when it was done here.
run_arm_programs() {
  local known=/proc/sys/fs/binfmt_misc
  [ -e $known/register ] || mount -t binfmt_misc binfmt_misc $known
  if [ ! -e $known/qemu-aarch64 ]; then
    trap 'echo -1 >/proc/sys/fs/binfmt_misc/qemu-aarch64' EXIT
    printf '%s' ':qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$(command -v qemu-aarch64-static)"':F' \
      >$known/register
  fi
  export QEMU_LD_PREFIX=$root$libraries
}

action=$1
shift
case $action in
  program) build && echo "$program" ;;
  packages)
    build
    command -v aarch64-linux-gnu-strip >/dev/null || apt-get install -y -qq --no-install-recommends binutils-aarch64-linux-gnu >&2
    export EMULATOR="qemu-aarch64-static -L $root$libraries" ARM_LIBRARIES=$root$libraries
    # no newer C library than Cargo.toml says for this package
    newest=$(aarch64-linux-gnu-objdump -T "$program" | grep -o 'GLIBC_2\.[0-9]*' | sort -V | tail -n 1)
    grep -q "^depends = .*libc6 (>= ${newest#GLIBC_})\"" Cargo.toml || die "the program asks for $newest; say so in Cargo.toml"
    packaging/archive.sh "$program"
    packaging/deb.sh light "$program"
    ;;
  test)
    make_root
    # cargo names the programs on standard error
    programs=$(in_root cargo test --no-run "${options[@]}" --lib --test it 2>&1 | tee /dev/stderr |
      sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
    run_arm_programs
    status=0
    for tests in $programs; do "$tests" "$@" || status=$?; done
    exit $status
    ;;
  run) run_arm_programs; "$program" "$@" ;;
  *) die "unknown action '$action'" ;;
esac
