#!/bin/bash
# What a workstation does when it goes down. Google's guest agent runs this as root. Where Google takes a Spot machine back, it
# switches it off after 30 seconds. Until then the hook of its owner runs: /home/jupyter/.on-preempt, if that is a file that can
# be executed, as the user to whom it belongs, for 25 seconds at most. What it prints is in .on-preempt.log beside it.
set -uo pipefail
export LC_ALL=C

# The tests set these; on a machine they are what stands here.
hook=${STATIONMASTER_MOUNT_POINT:-/home/jupyter}/.on-preempt
seconds=${STATIONMASTER_HOOK_SECONDS:-25}
metadata=http://metadata.google.internal/computeMetadata/v1/instance

preempted=$(curl --silent --fail --max-time 2 --header "Metadata-Flavor: Google" "$metadata/preempted") || preempted=
[[ $preempted == TRUE ]] || exit 0
if [[ ! -f $hook || ! -x $hook ]]; then
  echo "stationmaster: Google takes this machine back. There is no $hook that can be executed."
  exit 0
fi

echo "stationmaster: Google takes this machine back. Running $hook."
status=0
timeout --kill-after=1 "$seconds" sudo -H -u "#$(stat -c %u "$hook")" -- bash -c \
  'cd "${1%/*}" && exec >>"$1.log" 2>&1 </dev/null && date --utc "+Preempted at %FT%TZ" && exec "$1"' hook "$hook" || status=$?
sync
echo "stationmaster: The hook ended with $status."
