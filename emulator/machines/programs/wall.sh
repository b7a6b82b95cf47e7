#!/bin/bash
# Stands in for wall: shows what it reads in every terminal of this machine, as real ones do where somebody is logged in.
set -euo pipefail
text=$(cat)
for terminal in /dev/pts/[0-9]*; do
  [[ ! -c $terminal ]] ||
    printf '\r\n\aBroadcast message from root@%s (somewhere) (%(%a %b %e %H:%M:%S %Y)T):\r\n\r\n%s\r\n\r\n' \
      "$HOSTNAME" -1 "${text//$'\n'/$'\r\n'}" >"$terminal"
done
