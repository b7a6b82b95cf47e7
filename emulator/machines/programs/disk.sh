#!/bin/bash
# Stands in for the commands that touch disks: called by the name of one of them, it does to a pretend disk what that would
# do to a real one. A pretend disk is /dev/sdX, a file of the disk's size without anything in it. In /dev/.disks/sdX stand
# `holds`, what is on it as "TYPE UUID" (nothing for a blank disk), `grown`, the size of its file system, and `files`. What is
# mounted stands in `mounts`, as "DEVICE FOLDER". Calls about anything else go to the real command.
set -euo pipefail
name=${0##*/}
machine=/home/.machine
mounts=$machine/mounts
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
words=("$@")
last=${words[-1]:-}

fail() {
  echo "$name: $2" >&2
  exit "$1"
}

real() {
  exec "$name" "${words[@]}"
}

# Sets $device and $folder to a pretend disk named by any of its links; fails for anything else.
find_disk() {
  case ${1:-} in
    /dev/disk/by-id/google-home) [[ -e $1 ]] && device=/dev/sdb || return 1 ;;
    *) device=$(readlink -f -- "${1:-/}") || return 1 ;;
  esac
  folder=/dev/.disks/${device#/dev/}
  [[ $device == /dev/sd? && -d $folder ]]
}

# Sets $type and $uuid to what is on the disk.
look() {
  type='' uuid=''
  [[ ! -e $folder/holds ]] || read -r type uuid <"$folder/holds"
}

mounted_at() {
  local source target
  while read -r source target; do
    [[ $target != "$1" ]] || { echo "$source" && return; }
  done <"$mounts"
  return 1
}

do_blockdev() {
  find_disk "$last" || real
  stat -c %s "$device"
}

do_blkid() {
  if [[ ${1:-} == -t ]]; then
    do_blkid_by_uuid "$2"
    return
  fi
  find_disk "$last" || real
  look
  [[ -n $type ]] || exit 2
  case "$*" in
    *"-s TYPE"*) echo "$type" ;;
    *"-s UUID"*) echo "$uuid" ;;
    *) echo "$last: UUID=\"$uuid\" TYPE=\"$type\"" ;;
  esac
}

# All disks with this UUID: a copy of a disk has the same.
do_blkid_by_uuid() {
  local each found=2
  for each in /dev/.disks/*; do
    find_disk "/dev/${each##*/}" || continue
    look
    [[ "UUID=$uuid" != "$1" ]] || { echo "$device" && found=0; }
  done
  [[ $found -eq 0 ]] || exit "$found"
}

do_wipefs() {
  find_disk "$last" || real
  look
  [[ -z $type ]] || echo "${device#/dev/} 0x438 $type $uuid"
}

do_mkfs() {
  find_disk "$last" || real
  [[ $(<"$mounts") != *"$device "* ]] || fail 1 "$device is mounted; will not make a filesystem here!"
  [[ ! -e $folder/files ]] || rm -rf "$folder/files"
  mkdir "$folder/files"
  stat -c %s "$device" >"$folder/grown"
  echo "ext4 $(</proc/sys/kernel/random/uuid)" >"$folder/holds"
}

do_mount() {
  if [[ $# -lt 2 ]] || ! find_disk "${*: -2:1}"; then real; fi
  look
  if [[ -e $machine/mount.fails ]]; then
    trouble=$(<"$machine/mount.fails")
    rm "$machine/mount.fails"
    fail 32 "$last: $trouble"
  fi
  [[ $type == ext4 ]] || fail 32 "$last: wrong fs type, bad option, bad superblock on $device."
  [[ -d $last ]] || fail 32 "$last: mount point does not exist."
  ! mounted_at "$last" >/dev/null || fail 32 "$last: $device already mounted on $last."
  mount --bind "$folder/files" "$last"
  [[ " $* " != *" -o ro "* ]] || mount -o remount,bind,ro "$last"
  echo "$device $last" >>"$mounts"
  # systemd's clock would let this be told within the minute.
  [[ ! -e $machine/run/timer ]] || PATH=$machine/bin:$PATH bash "$(<"$machine/run/timer")" >/dev/null 2>&1 || true
}

do_umount() {
  mounted_at "$last" >/dev/null || real
  umount "${words[@]}"
  sed -i "\\| $last\$|d" "$mounts"
}

do_df() {
  local total used
  if [[ $last == / && "$*" == *--output=size,avail* ]]; then
    total=$(<"$machine/size") used=$(du --summarize --block-size=1 /home | cut -f 1)
    say_space "$((used + (4 << 30)))" "$machine/ballast"
    return
  fi
  if [[ "$*" != *--output=size,avail* ]] || ! find_disk "$(mounted_at "$last")"; then real; fi
  total=$(<"$folder/grown") used=$(du --summarize --block-size=1 "$folder/files" | cut -f 1)
  say_space "$used" "$folder/ballast"
}

# Prints df's answer for a file system with so much in it, or with as much as somebody has said in the emulator (ballast).
say_space() {
  local used=$1 ballast=0
  [[ ! -e $2 ]] || ballast=$(<"$2")
  ((used >= ballast)) || used=$ballast
  printf '%s\n' " 1B-blocks Avail" "$total $((total > used ? total - used : 0))"
}

do_resize2fs() {
  find_disk "$last" || real
  if [[ $(<"$folder/grown") == "$(stat -c %s "$device")" ]]; then
    echo "The filesystem is already at its size. Nothing to do!"
  else
    stat -c %s "$device" >"$folder/grown"
    echo "The filesystem on $device is now $(($(<"$folder/grown") / 4096)) (4k) blocks long."
  fi
}

do_lsblk() {
  printf '%-4s %5s %-6s %s\n' NAME SIZE FSTYPE MOUNTPOINT
  [[ $last == /dev/sdb ]] || printf '%-4s %5s %-6s %s\n' sda "$(($(<"$machine/size") >> 30))G" ext4 /
  find_disk /dev/sdb || return 0
  look
  printf '%-4s %5s %-6s %s\n' sdb "$(($(stat -c %s "$device") >> 30))G" "$type" "$(awk '$1 == "/dev/sdb" { print $2 }' "$mounts")"
}

case $name in
  findmnt) mounted_at "$last" || real ;;
  mkfs.ext4) do_mkfs ;;
  *) "do_$name" "$@" ;;
esac
