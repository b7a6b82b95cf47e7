# shellcheck shell=bash
# The data disk: found, formatted once if it is certainly blank, mounted, grown. Part of startup.sh.

# Ends the shell it is called in, which is the mounting's own.
give_up() {
  say "ERROR: $*"
  say "$mount_point is not the data disk: what is written there is lost with the machine."
  echo "$*" >"$run_folder/reason"
  exit 1
}

mount_disk() {
  echo "The mounting ended before its time; the system's log has more." >"$run_folder/reason"
  wait_for_disk
  find_volume
  write_fstab
  mount_volume
  grow_volume
  open_to_users
  say "$mount_point is ready."
}

wait_for_disk() {
  local waited=0
  until [[ -e $disk ]]; do
    ((waited < seconds_to_wait)) || give_up "The data disk did not appear at $disk within $seconds_to_wait seconds. Is it attached?"
    sleep 1
    waited=$((waited + 1))
  done
  # The links of a disk and of its partitions come one after the other.
  udevadm settle --timeout=30 || say "The device links may be incomplete: udevadm settle failed."
}

# Prints what blkid knows of a device under a tag such as TYPE. -p looks at the device itself, not at a cache.
probe() {
  blkid -p -s "$1" -o value "$2" || true
}

# Succeeds only for a disk on which nobody has ever written: blkid answers "nothing found" (2, and not 8 for ambiguous),
# wipefs lists no signature, and the first 4 MiB are zeros, as they are not on an encrypted disk without a header.
is_blank() {
  local device=$1 status=0 found signatures
  found=$(blkid -p "$device") || status=$?
  [[ $status -eq 2 && -z $found ]] || return 1
  signatures=$(wipefs --no-act "$device") || return 1
  [[ -z $signatures ]] || return 1
  cmp --quiet --bytes=$((4 * 1024 * 1024)) "$device" /dev/zero
}

# Sets $volume to the device with the file system: the first partition of a disk that was made from an image, as those
# of earlier workstations were, else the disk itself.
find_volume() {
  local partition=$disk-part1
  volume=$disk
  if [[ -e $partition ]]; then
    volume=$partition
    [[ $(probe TYPE "$partition") == ext4 ]] || give_up "$disk is partitioned and $partition holds no ext4 file system. I leave it as it is."
  elif [[ $(probe TYPE "$disk") == ext4 ]]; then
    say "Found an ext4 file system on $disk."
  elif is_blank "$disk"; then
    say "$disk is blank: making an ext4 file system on it."
    mkfs.ext4 -q -m 0 -L home "$disk" </dev/null || give_up "mkfs.ext4 failed on $disk."
  else
    give_up "$disk is neither ext4 nor certainly blank, it may hold data. I leave it as it is: $(wipefs --no-act "$disk" 2>&1 || true)"
  fi
}

# The volume as fstab names it: by UUID, unless another disk has the same one. A disk and a boot disk made from one image
# do, and the boot disk would then be mounted in its place.
fstab_source() {
  local uuid
  uuid=$(probe UUID "$volume")
  if [[ -n $uuid && $(blkid -t "UUID=$uuid" -o device | wc -l) -le 1 ]]; then
    echo "UUID=$uuid"
  else
    echo "$volume"
  fi
}

# Writes the mount point's line, in place of any earlier one. nofail: a machine without its disk still boots, and can
# then be looked at. systemd hears of it before the mount: it would undo a mount that contradicts the line it knows.
write_fstab() {
  local line
  line="$(fstab_source) $mount_point ext4 defaults,discard,nofail 0 2"
  if grep --quiet --line-regexp --fixed-strings "$line" "$fstab"; then
    return
  fi
  awk -v mount_point="$mount_point" '/^[[:space:]]*#/ || $2 != mount_point' "$fstab" >"$fstab.new"
  echo "$line" >>"$fstab.new"
  chmod --reference="$fstab" "$fstab.new"
  mv "$fstab.new" "$fstab"
  systemctl daemon-reload || say "systemd did not take in the new $fstab."
}

mount_volume() {
  local mounted
  mounted=$(findmnt --noheadings --output SOURCE --mountpoint "$mount_point" || true)
  if [[ -n $mounted && $(readlink -f "$mounted") != "$(readlink -f "$volume")" ]]; then
    say "$mounted is mounted at $mount_point in the data disk's place: unmounting it."
    umount "$mount_point" || give_up "$mounted is in use at $mount_point and cannot make way for $volume."
    mounted=
  fi
  if [[ -z $mounted ]]; then
    mkdir -p "$mount_point"
    mount -t ext4 -o defaults,discard "$volume" "$mount_point" || give_up "$volume cannot be mounted at $mount_point. Its file system may want e2fsck."
  fi
  say "$volume is mounted at $mount_point."
}

# A disk that was made larger is larger at once, its partition and its file system are not. Both can grow while in use.
grow_volume() {
  local report
  if [[ $volume == "$disk-part1" ]] && command -v growpart >/dev/null; then
    # 1 says that there is nothing to grow, 2 that it failed.
    growpart "$(readlink -f "$disk")" 1 >/dev/null || [[ $? -eq 1 ]] || say "The partition $volume could not be grown."
  fi
  if ! report=$(resize2fs "$volume" 2>&1); then
    say "The file system on $volume could not be grown: $report"
  elif [[ $report != *"Nothing to do"* ]]; then
    say "The file system on $volume has grown to the size of its disk."
  fi
}

# Whoever logs in may write at the top, whatever number the account had on an earlier machine. What lies below belongs to
# whom it belongs.
open_to_users() {
  chmod a+rwx "$mount_point" || say "$mount_point could not be made writable for everybody."
}
