#!/bin/bash
# Stands in for the commands by which the startup script touches a disk, systemd or Google. Called by the name it stands in for, it notes the call in
# $STAND_IN/calls and acts on plain files: what is on a device stands in DEVICE.holds, as "TYPE UUID", and nothing stands
# for a blank one.
set -euo pipefail
name=${0##*/}
echo "$name $*" >>"$STAND_IN/calls"
for last; do :; done
holds=$(cat "$(readlink -f -- "${last:-/}").holds" 2>/dev/null || true)
read -r type uuid <<<"$holds" || true

if [[ -e $STAND_IN/$name.fails ]]; then
  echo "$name: made to fail" >&2
  exit 1
fi

case "$name $*" in
  blkid\ -t*) grep --only-matching --line-regexp "${2#UUID=} .*" "$STAND_IN/uuids" || exit 2 ;;
  blkid\ -p\ -s\ UUID*) echo "$uuid" ;;
  blkid\ -p\ -s\ TYPE*) [[ $type == ambiguous || $type == dos || $type == overlooked ]] || echo "$type" ;;
  blkid*)
    [[ -n $holds && $type != overlooked ]] || exit 2
    [[ $type != ambiguous ]] || exit 8
    echo "$last: TYPE=\"$type\""
    ;;
  wipefs*) [[ -z $holds ]] || echo "0x200 $type" ;;
  mkfs.ext4*) echo "ext4 made-at-first-boot" >"$(readlink -f -- "$last").holds" ;;
  mount\ --bind*)
    echo "$(readlink -f -- "${*: -2:1}") $last" >>"$STAND_IN/mounts"
    # An empty folder shows from now on what is mounted there.
    ! rmdir "$last" 2>/dev/null || ln -s "${*: -2:1}" "$last"
    ;;
  mount*) echo "$(readlink -f -- "${*: -2:1}") $last" >>"$STAND_IN/mounts" ;;
  umount*) sed -i "\\| $last\$|d" "$STAND_IN/mounts" ;;
  findmnt*) awk -v target="$last" '$2 == target { print $1; found = 1 } END { exit !found }' "$STAND_IN/mounts" ;;
  df*) printf '     Size     Avail\n10000000   4000000\n' ;;
  curl*--request\ PUT*) echo "${*: -2:1}" >"$STAND_IN/attributes/${last##*/}" ;;
  curl*/attributes/ssh-keys) cat "$STAND_IN/ssh-keys" ;;
  curl*/instance/preempted) cat "$STAND_IN/preempted" ;;
  sudo*)
    shift 4
    exec "$@"
    ;;
  curl*/service-accounts/default/identity*) echo a-token ;;
  curl*/api/v1/machine/keep) cat "$STAND_IN/answer" ;;
  curl*/attributes/stationmaster-portal) cat "$STAND_IN/portal" ;;
  curl*/attributes/stationmaster-home) cat "$STAND_IN/home-user" ;;
  getent\ passwd\ grace) cat "$STAND_IN/account" ;;
  curl*/attributes/stationmaster-stack) cat "$STAND_IN/stack" ;;
  nvidia-smi*) cat "$STAND_IN/driver-version" ;;
  blockdev*) stat -L -c %s "$last" ;;
  loginctl\ enable-linger*) ;;
  loginctl*) cat "$STAND_IN/sessions" ;;
  journalctl*--identifier=sshd*) tail -n 1 "$STAND_IN/journal" ;;
  dmesg*) cat "$STAND_IN/kernel-log" ;;
  growpart*) [[ -e $STAND_IN/grown ]] || exit 1 ;;
  resize2fs*) if [[ -e $STAND_IN/grown ]]; then echo "It is now 2048 blocks long."; else echo "Nothing to do!"; fi ;;
  udevadm*) [[ ! -e $STAND_IN/late-partition ]] || mv "$STAND_IN/late-partition" "$STATIONMASTER_DISK-part1" ;;
  sleep*) [[ ! -e $STAND_IN/late-disk ]] || mv "$STAND_IN/late-disk" "$STATIONMASTER_DISK" ;;
esac
