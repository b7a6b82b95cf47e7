# shellcheck shell=bash
# The owner's home folder on the data disk, where they chose that: copied there once, and mounted over the one of the boot disk,
# so that it outlives the boot disk like everything else on the data disk. Part of startup.sh.

homes=$mount_point/.home
boot_home=$run_folder/boot-home
home_file=$run_folder/home

# Whatever goes wrong, the home folder of the boot disk is there, with Google's keys in it, and the machine can be logged in to.
keep_home() {
  local user account
  rm -f "$home_file"
  user=$(read_metadata attributes/stationmaster-home 2>/dev/null) || user=
  if [[ -z $user ]] || ! is_mounted || ! may_have_account "$user"; then
    tell home boot
    return
  fi
  account=$(wait_for_account "$user") || leave_home "The account $user does not exist."
  IFS=: read -r _ _ uid gid _ home _ <<<"$account"
  kept=$homes/$user
  [[ ! -L $homes && ! -L $kept && ! -L $kept/.ssh ]] || leave_home "$kept is a link."
  copy_home || leave_home "It could not be copied to the data disk. Is that full?"
  own_home || leave_home "$kept could not be given to $user."
  mount_home || leave_home "$kept could not be mounted at $home."
  echo "$home" >"$home_file"
  tell home "data $user"
  say "$home is on the data disk."
}

# Ends the shell it is called in.
leave_home() {
  say "ERROR: the home folder stays on the boot disk. $*"
  tell home "boot $*"
  exit 1
}

# Google's agent makes no account that nobody may log in to.
may_have_account() {
  getent passwd "$1" >/dev/null || [[ -n $(read_metadata attributes/ssh-keys 2>/dev/null) ]]
}

# Prints its line of passwd. Google's agent makes the account, and may not have done so yet.
wait_for_account() {
  local waited=0
  until getent passwd "$1"; do
    ((waited < seconds_to_wait)) || return 1
    sleep 1
    waited=$((waited + 1))
  done
}

# Appears at once, so that a power cut leaves either no copy or all of it.
copy_home() {
  [[ ! -d $kept ]] || return 0
  rm -rf "$kept.new"
  mkdir -p "$homes" || return 1
  if ! cp --archive "$home" "$kept.new"; then
    rm -rf "$kept.new"
    return 1
  fi
  mv "$kept.new" "$kept"
}

# Another image may give the account another number. sshd refuses keys from a folder that others may write to.
own_home() {
  local was
  was=$(stat --format=%u:%g "$kept") || return 1
  if [[ $was != "$uid:$gid" ]]; then
    chown --recursive --no-dereference --from=":${was#*:}" ":$gid" "$kept" || return 1
    chown --recursive --no-dereference --from="${was%:*}" "$uid" "$kept" || return 1
  fi
  chmod go-w "$kept"
}

# Google's agent writes the keys before or after this; either way the newest are in the folder that sshd sees.
mount_home() {
  ! findmnt --noheadings --mountpoint "$home" >/dev/null || return 0
  mkdir -p "$boot_home"
  mount --bind "$home" "$boot_home" || return 1
  bring_keys || return 1
  mount --bind "$kept" "$home" || return 1
  bring_keys || return 1
  # Started before this by whoever's units run without a login; it has read those of the boot disk.
  systemctl try-restart "user@$uid.service" || say "Units of the home folder will start at the next login."
}

# The keys are those of this machine, not of an earlier one with this disk.
bring_keys() {
  local keys=$boot_home/.ssh/authorized_keys
  if [[ ! -e $keys ]]; then
    rm -f "$kept/.ssh/authorized_keys"
    return
  fi
  install --directory --mode=700 --owner="$uid" --group="$gid" "$kept/.ssh" &&
    install --mode=600 --owner="$uid" --group="$gid" "$keys" "$kept/.ssh/authorized_keys"
}
