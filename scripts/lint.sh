#!/usr/bin/env bash
# Format, clippy, documentation (warnings denied) and the systemd unit; `make lint` calls it. A check whose tool is not
# there is named and passed over, but not in CI (CI=true), where nothing is.
set -euo pipefail

cargo=${CARGO:-cargo}
failed=()

# gate NAME TOOL COMMAND…      TOOL: the command that shows whether the tool is there
gate() {
  local name=$1 tool=$2; shift 2
  if ! $tool --version >/dev/null 2>&1; then
    echo "lint: $name skipped: there is no \`$tool\` here" >&2
    [ "${CI:-}" != true ] || failed+=("$name: no $tool")
    return
  fi
  echo "lint: $name" >&2
  "$@" || failed+=("$name")
}

# The units as delivered, but for the program's path, which exists only once tympan is installed.
verify_unit() {
  local folder said status=0
  folder=$(mktemp -d)
  sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' systemd/tympan.service >"$folder/tympan.service"
  said=$(systemd-analyze verify "$folder/tympan.service" 2>&1) || status=1
  sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' systemd/tympan-user.service >"$folder/tympan-user.service"
  said+=$(systemd-analyze verify "$folder/tympan-user.service" 2>&1) || status=1
  # the most that the units may expose: 2.0 of 10, and 4.0 in a session, whose manager can take less away
  systemd-analyze security --offline=true --threshold=20 --no-pager "$folder/tympan.service" >"$folder/security" ||
    { tail -n 1 "$folder/security" >&2; status=1; }
  systemd-analyze security --offline=true --threshold=40 --no-pager "$folder/tympan-user.service" >"$folder/security" ||
    { tail -n 1 "$folder/security" >&2; status=1; }
  rm -r "$folder"
  # An unknown key is only warned of, with exit 0; what it says of the machine's other units is not ours.
  if grep 'tympan.*\.service' <<<"$said" >&2; then status=1; fi
  return $status
}

gate format "$cargo fmt" "$cargo" fmt --check
gate 'clippy without torch' "$cargo clippy" "$cargo" clippy --locked --all-targets --no-default-features -- -D warnings
gate 'clippy with torch' "$cargo clippy" "$cargo" clippy --locked --all-targets -- -D warnings
gate documentation rustdoc env RUSTDOCFLAGS='-D warnings' "$cargo" doc --locked --no-deps --document-private-items
gate 'systemd unit' systemd-analyze verify_unit

[ ${#failed[@]} = 0 ] || { printf 'lint: failed: %s\n' "${failed[@]}" >&2; exit 1; }
