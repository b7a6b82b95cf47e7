# shellcheck shell=bash
# The command keep: whoever works on the machine types "keep 4h", and the portal does not stop it before. Part of startup.sh.

write_keep() {
  {
    echo "#!/bin/bash"
    declare -p metadata portal
    declare -f keep post_keep
    # shellcheck disable=SC2016 # the command's own arguments
    echo 'keep "$@"'
  } >"$programs_folder/keep"
  chmod 755 "$programs_folder/keep"
}

# Anybody on the machine has its identity and may write guest attributes, so this needs no root. The portal answers a post at
# once; it reads guest attributes once a minute.
keep() {
  local until answer seconds=0
  if [[ $# -eq 1 && $1 =~ ^([1-9][0-9]{0,3})([mhd])$ ]]; then
    case ${BASH_REMATCH[2]} in
      m) seconds=$((BASH_REMATCH[1] * 60)) ;;
      h) seconds=$((BASH_REMATCH[1] * 3600)) ;;
      d) seconds=$((BASH_REMATCH[1] * 86400)) ;;
    esac
  fi
  if ((seconds == 0 || seconds > 7 * 86400)); then
    echo "Usage: keep 4h: the portal does not stop this machine within 4 hours. Also 30m or 2d, 7 days at most." >&2
    return 2
  fi
  if answer=$(post_keep $((seconds / 60)) 2>/dev/null) && [[ -n $answer ]]; then
    echo "$answer"
    return
  fi
  until=$(date --utc --date="+$seconds seconds" +%Y-%m-%dT%H:%M:%SZ)
  if ! curl --silent --show-error --fail --noproxy "*" --max-time 10 --header "Metadata-Flavor: Google" \
    --request PUT --data-binary "$until" "$metadata/guest-attributes/stationmaster/keep" >/dev/null; then
    echo "The portal could not be told. Keep the machine running on its page in the portal." >&2
    return 1
  fi
  echo "Kept running until $until, unless its end date is before that. Its page in the portal says so within two minutes."
}

# Prints the portal's answer; fails where it does not take the post. The token is no argument, which everybody could read.
post_keep() {
  local token
  [[ -n $portal ]] || return 1
  token=$(curl --silent --fail --noproxy "*" --max-time 5 --header "Metadata-Flavor: Google" \
    "$metadata/service-accounts/default/identity?audience=$portal&format=full") || return 1
  curl --silent --fail --max-time 10 --header "Content-Type: application/json" --data-binary "{\"minutes\": $1}" \
    --config - "$portal/api/v1/machine/keep" <<<"header = \"Authorization: Bearer $token\"" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["sentence"])'
}
