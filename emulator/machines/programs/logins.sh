#!/bin/bash
# Stands in for loginctl, journalctl and who, as far as a workstation reports when it was last used, and by whom.
set -euo pipefail
machine=/home/.machine

# Each session is a file, which is touched when somebody types.
list_who() {
  local file user idle
  for file in "$machine"/run/sessions/*; do
    [[ -e $file ]] || continue
    read -r _ _ user <"$file"
    idle=$((($(date +%s) - $(stat -c %Y "$file")) / 60))
    if ((idle >= 1440)); then idle=old; elif ((idle == 0)); then idle=.; else printf -v idle %02d:%02d "$((idle / 60))" "$((idle % 60))"; fi
    printf '%-8s pts/0        Mar  2 10:00 %5s        1234 (192.0.2.7)\n' "$user" "$idle"
  done
}

case "${0##*/} $*" in
  who\ -u) list_who ;;
  loginctl\ enable-linger\ *) echo "$2" >"$machine/linger" ;;
  loginctl\ *list-sessions) cat "$machine"/run/sessions/* 2>/dev/null || true ;;
  journalctl\ *--identifier=sshd*) cat "$machine/login" 2>/dev/null || true ;;
  *)
    echo "This machine has no journal of that." >&2
    exit 1
    ;;
esac
