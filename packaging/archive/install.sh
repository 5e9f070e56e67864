#!/usr/bin/env bash
# Installs what this archive holds, or removes it again: program, model, units, man pages, completions, documents.
#
#   ./install.sh [PREFIX]               PREFIX: /usr/local
#   ./install.sh uninstall [PREFIX]
#
# A configuration that was edited is neither overwritten nor removed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case ${1:-} in
  -*) sed -n '4,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  uninstall) "$here/scripts/install.sh" uninstall "${2:-/usr/local}" "" ;;
  *) "$here/scripts/install.sh" copy-light "${1:-/usr/local}" "" "$here/tympan" ;;
esac
