# shellcheck shell=bash
# Snapshots that the portal opens: each is a disk google-snapshot-DATE, which comes and goes while the machine runs. It is mounted
# read-only at .snapshots/DATE on the data disk, and the portal is told. Part of startup.sh.

snapshots=$mount_point/.snapshots

# A loop of its own: whoever opens a snapshot waits for it.
watch_snapshots() {
  local file=$run_folder/snapshots.sh
  {
    echo "export LC_ALL=C"
    declare -p disk mount_point fstab disk_links snapshots run_folder metadata
    declare -f say tell now volume_path is_mounted probe fstab_source write_fstab follow_snapshots open_snapshot close_snapshot \
      tell_snapshot
    echo "while follow_snapshots; sleep 2; do :; done"
  } >"$file"
  tell_snapshot none
  systemctl stop stationmaster-snapshots.service 2>/dev/null || true
  systemd-run --quiet --unit=stationmaster-snapshots --property=Restart=always --property=RestartSec=60 bash "$file" ||
    say "Snapshots that the portal opens will not be mounted before the next boot."
}

follow_snapshots() {
  local link folder date
  for folder in "$snapshots"/*; do
    date=${folder##*/}
    [[ ! $date =~ ^[0-9-]+$ || -e $disk_links/google-snapshot-$date ]] || close_snapshot "$folder"
  done
  is_mounted || return 0
  for link in "$disk_links"/google-snapshot-*; do
    date=${link##*/google-snapshot-}
    # Not the links of partitions, which end in -part1.
    [[ ! $date =~ ^[0-9-]+$ ]] || open_snapshot "$link" "$snapshots/$date"
  done
}

# ext4 finishes on the disk, which is a copy, what the machine was writing when the snapshot was taken; then nobody can write.
open_snapshot() {
  local link=$1 folder=$2 trouble
  local date=${folder##*/}
  ! findmnt --noheadings --mountpoint "$folder" >/dev/null || return 0
  # The copy has the data disk's UUID. A line with that would mount the one or the other, and let systemd unmount both.
  volume=$(volume_path)
  write_fstab
  mkdir -p "$folder"
  [[ ! -e $link-part1 ]] || link=$link-part1
  if trouble=$(mount -t ext4 -o ro "$link" "$folder" 2>&1); then
    say "The snapshot of $date is mounted at $folder."
    tell_snapshot "$date mounted"
  else
    tell_snapshot "$date failed ${trouble//$'\n'/ }"
  fi
}

# The disk is gone. Whoever reads in it gets errors.
close_snapshot() {
  local folder=$1
  if findmnt --noheadings --mountpoint "$folder" >/dev/null; then
    umount --lazy "$folder" || return 0
    say "The snapshot at $folder is closed."
    tell_snapshot none
  fi
  rmdir "$folder" "$snapshots" 2>/dev/null || true
}

# Told once, and not every time that a mount fails again.
tell_snapshot() {
  local file=$run_folder/snapshot
  [[ $1 != "$(cat "$file" 2>/dev/null)" ]] || return 0
  echo "$1" >"$file"
  tell snapshot "$1"
}
