# shellcheck shell=bash
# What the machine says of itself, as guest attributes in a namespace of its own: the portal reads them through Google's API.
# Google's agent publishes host keys too, the first ones it sees, and not those that are put back later. Part of startup.sh.

read_metadata() {
  curl --silent --show-error --fail --noproxy "*" --max-time 10 --retry 5 --header "Metadata-Flavor: Google" "$metadata/$1"
}

tell() {
  curl --silent --show-error --fail --noproxy "*" --max-time 10 --retry 5 --header "Metadata-Flavor: Google" \
    --request PUT --data-binary "$2" "$metadata/guest-attributes/stationmaster/$1" >/dev/null ||
    say "The portal could not be told: $1 is $2"
}

# With its time: the attributes of an earlier boot are still there.
tell_stage() {
  tell boot-stage "$1 $(now)"
}

now() {
  date --utc +%Y-%m-%dT%H:%M:%S.%3NZ
}

volume_path() {
  if [[ -e $disk-part1 ]]; then echo "$disk-part1"; else echo "$disk"; fi
}

is_mounted() {
  local source
  source=$(findmnt --noheadings --output SOURCE --mountpoint "$mount_point") || return 1
  [[ -e $disk && $(readlink -f "$source") == "$(readlink -f "$(volume_path)")" ]]
}

# One line of NAME=VALUE; the last one, reason, is in words. Sizes are in bytes; boot_ ones are of /.
tell_mount() {
  local volume state=unmounted type size="" free="" boot_size="" boot_free="" reason=""
  volume=$(volume_path)
  type=$(blkid -p -s TYPE -o value "$volume" 2>/dev/null) || type=
  if is_mounted; then
    state=mounted
    read -r size free < <(df --block-size=1 --output=size,avail "$mount_point" | tail -n 1) || true
  else
    [[ -e $disk ]] || state=absent
    reason=$(tr "\n" " " <"$run_folder/reason") || reason=
  fi
  read -r boot_size boot_free < <(df --block-size=1 --output=size,avail / | tail -n 1) || true
  tell mount "state=$state volume=$volume device=$(readlink -f "$volume") type=$type size=$size free=$free boot_size=$boot_size boot_free=$boot_free at=$(now) reason=$reason"
}

tell_host_keys() {
  local type algorithm key
  for type in $(host_key_types); do
    read -r algorithm key _ <"$ssh_folder/ssh_host_${type}_key.pub"
    tell "hostkeys-$algorithm" "$key"
  done
}

# none without a GPU; missing where the driver is not installed; broken and the kernel's version where it is and does not
# answer, as after an upgrade of the kernel that its module was not built for; else ok and the driver's version.
tell_driver() {
  local state=none version
  if grep --quiet --no-messages 0x10de "$pci_devices"/*/vendor; then
    state=missing
    if command -v nvidia-smi >/dev/null; then
      version=$(timeout 20 nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1) || version=
      if [[ $version =~ ^[0-9.]+$ ]]; then state="ok $version"; else state="broken $(uname -r)"; fi
    fi
  fi
  tell driver "$state"
  echo "$state" >"$run_folder/driver"
}

# When somebody was last logged in: now while a session is open, else the last login in sshd's journal.
tell_use() {
  local used=""
  if [[ -n $(loginctl --no-legend list-sessions 2>/dev/null) ]]; then
    used=$(now)
  else
    read -r used _ < <(journalctl --quiet --no-pager --utc --output=short-iso --lines=1 --identifier=sshd \
      --identifier=sshd-session --grep="^Accepted " 2>/dev/null) || true
  fi
  [[ -z $used ]] || tell used "$used"
}

# Disks fill, a disk is mounted by hand, a driver breaks or is mended: told again every minute, until the machine goes down.
keep_telling() {
  local file=$run_folder/tell.sh
  {
    echo "export LC_ALL=C"
    declare -p disk mount_point pci_devices proc run_folder metadata
    declare -f say tell now volume_path is_mounted tell_mount tell_driver grow_volume grow_if_enlarged tell_memory note_kills \
      tell_use
    echo "grow_if_enlarged"
    echo "tell_mount"
    echo "tell_memory"
    echo "tell_use"
    echo "[[ \$(cat \"$run_folder/driver\") == none ]] || tell_driver"
  } >"$file"
  systemctl stop stationmaster-tell.timer 2>/dev/null || true
  systemd-run --quiet --unit=stationmaster-tell --on-active=60 --on-unit-active=60 bash "$file" ||
    say "What the portal shows of the machine will not be told again before the next boot."
}
