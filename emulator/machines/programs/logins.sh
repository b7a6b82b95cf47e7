#!/bin/bash
# Stands in for loginctl and journalctl, as far as a workstation reports when it was last used.
set -euo pipefail
machine=/home/.machine

case "${0##*/} $*" in
  loginctl\ *list-sessions) cat "$machine"/run/sessions/* 2>/dev/null || true ;;
  journalctl\ *--identifier=sshd*) cat "$machine/login" 2>/dev/null || true ;;
  *)
    echo "This machine has no journal of that." >&2
    exit 1
    ;;
esac
