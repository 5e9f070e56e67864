#!/usr/bin/env bash
# Format, clippy and documentation, with warnings denied; `make lint` calls it. A component that this toolchain lacks
# is named and passed over, but not in CI (CI=true), where nothing is.
set -euo pipefail

cargo=${CARGO:-cargo}
failed=()

# gate NAME COMPONENT COMMAND…
gate() {
  local name=$1 component=$2; shift 2
  if ! "$cargo" "$component" --version >/dev/null 2>&1; then
    echo "lint: $name skipped: this toolchain has no $component (rustup component add ${component/fmt/rustfmt})" >&2
    [ "${CI:-}" != true ] || failed+=("$name")
    return
  fi
  echo "lint: $name" >&2
  "$@" || failed+=("$name")
}

gate format fmt "$cargo" fmt --check
gate 'clippy without torch' clippy "$cargo" clippy --locked --all-targets --no-default-features -- -D warnings
gate 'clippy with torch' clippy "$cargo" clippy --locked --all-targets -- -D warnings
gate documentation doc env RUSTDOCFLAGS='-D warnings' "$cargo" doc --locked --no-deps --document-private-items

[ ${#failed[@]} = 0 ] || { printf 'lint: failed: %s\n' "${failed[@]}" >&2; exit 1; }
