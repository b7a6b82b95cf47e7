#!/bin/bash
# What a workstation does at every boot: mounts its data disk at /home/jupyter, takes its SSH host keys from there, and says
# how it is in guest attributes, which the portal reads. Google's guest agent runs this as root, and writes what it prints to
# the serial console and the system's log. metadata.tf joins this file and its neighbours startup_*.sh to one script.
#
# The disk may hold years of work. So this never formats a disk unless three looks at it agree that it is blank, and
# whenever it is in doubt it says so and leaves the disk alone. It needs no network but the metadata server, may run any
# number of times, and whatever goes wrong with the disk or with telling of it, the machine can be logged in to.
set -euo pipefail
export LC_ALL=C

# The tests and the emulator set these; on a machine they are what stands here.
disk=${STATIONMASTER_DISK:-/dev/disk/by-id/google-home}
disk_links=${STATIONMASTER_DISK_LINKS:-/dev/disk/by-id}
mount_point=${STATIONMASTER_MOUNT_POINT:-/home/jupyter}
fstab=${STATIONMASTER_FSTAB:-/etc/fstab}
ssh_folder=${STATIONMASTER_SSH_FOLDER:-/etc/ssh}
motd_folder=${STATIONMASTER_MOTD_FOLDER:-/etc/update-motd.d}
profile_folder=${STATIONMASTER_PROFILE_FOLDER:-/etc/profile.d}
bashrc=${STATIONMASTER_BASHRC:-/etc/bash.bashrc}
programs_folder=${STATIONMASTER_PROGRAMS_FOLDER:-/usr/local/bin}
pci_devices=${STATIONMASTER_PCI_DEVICES:-/sys/bus/pci/devices}
proc=${STATIONMASTER_PROC:-/proc}
run_folder=${STATIONMASTER_RUN_FOLDER:-/run/stationmaster}
metadata=http://metadata.google.internal/computeMetadata/v1/instance
seconds_to_wait=${STATIONMASTER_SECONDS_TO_WAIT:-120}

say() {
  echo "stationmaster: $*"
}

# Runs one step in a shell of its own that ends at its first failure. The boot goes on: somebody can log in and see.
attempt() {
  local status=0
  "$@" &
  wait "$!" || status=$?
  [[ $status -eq 0 ]] || outcome=failed
}

main() {
  outcome=ready
  mkdir -p "$run_folder"
  # None for a machine of an earlier portal, and where its URL is not known.
  portal=$(read_metadata attributes/stationmaster-portal 2>/dev/null) || portal=
  tell_stage disk
  attempt mount_disk
  tell_mount
  tell_stage keys
  attempt settle_host_keys
  tell_host_keys
  attempt keep_home
  tell_driver
  write_banner || say "Whoever logs in is shown no banner."
  write_prompt || say "Warnings are not shown before prompts."
  write_keep || say "The command keep is not there."
  keep_telling
  watch_snapshots
  start_agent
  keep_user_units
  tell_stage "$outcome"
  say "The machine is $outcome."
  [[ $outcome == ready ]]
}
