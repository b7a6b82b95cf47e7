# shellcheck shell=bash
# What is looked at every minute while the machine runs, beside what a boot tells: its memory, and whether the data disk was
# made larger. Part of startup.sh.

# A disk that was made larger while it is mounted: its file system grows without a boot.
grow_if_enlarged() {
  local size file=$run_folder/disk-size
  is_mounted || return 0
  size=$(blockdev --getsize64 "$disk") || return 0
  [[ $size != "$(cat "$file" 2>/dev/null)" ]] || return 0
  volume=$(volume_path)
  grow_volume
  echo "$size" >"$file"
}

# One line of NAME=VALUE; the last one, killed, is in words: what Linux ended last to free memory. Sizes are in bytes;
# pressure is how much of the last minute everything waited for memory, in percent, and empty where Linux does not say it.
tell_memory() {
  local total available pressure kills
  total=$(awk '$1 == "MemTotal:" { printf "%.0f", $2 * 1024 }' "$proc/meminfo")
  available=$(awk '$1 == "MemAvailable:" { printf "%.0f", $2 * 1024 }' "$proc/meminfo")
  pressure=$(sed -n 's/^full .*avg60=\([0-9.]*\) .*/\1/p' "$proc/pressure/memory" 2>/dev/null) || pressure=
  kills=$(awk '$1 == "oom_kill" { print $2 }' "$proc/vmstat")
  note_kills "${kills:-0}"
  tell memory "total=$total available=$available pressure=$pressure kills=$kills killed_at=$(cat "$run_folder/killed-at" 2>/dev/null) at=$(now) killed=$(cat "$run_folder/killed" 2>/dev/null)"
}

# Linux only counts them since the boot, so when it was is noted here.
note_kills() {
  local file=$run_folder/kills
  [[ $1 != "$(cat "$file" 2>/dev/null || echo 0)" ]] || return 0
  echo "$1" >"$file"
  now >"$run_folder/killed-at"
  dmesg 2>/dev/null | sed -n 's/.*Killed process [0-9]* (\([^)]*\)).*/\1/p' | tail -n 1 >"$run_folder/killed"
}
