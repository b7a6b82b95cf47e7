# shellcheck shell=bash
# The SSH host keys: kept on the data disk, so that a machine that is rebuilt is still the one that people's ssh knows. Part
# of startup.sh.

kept_keys=$mount_point/.stationmaster/ssh

# The data disk's keys become the machine's. A disk that carries another stack's id is a copy of that stack's: two machines
# with one key could pass for each other, so it gets keys of its own. Without the data disk the boot disk's keys stay.
settle_host_keys() {
  local stack
  if ! is_mounted; then
    say "The SSH host keys are the boot disk's."
    return
  fi
  stack=$(read_metadata attributes/stationmaster-stack)
  if [[ $(cat "$kept_keys/stack" 2>/dev/null) != "$stack" ]]; then
    say "Making SSH host keys for this disk."
    make_host_keys "$stack"
  fi
  put_host_keys_back
}

# Always fresh ones: those of the boot disk may come from a snapshot of another machine. They and the stack's id appear at
# once, so that a power cut leaves either no keys or all of them.
make_host_keys() {
  local stack=$1 draft=$kept_keys.new type
  rm -rf "$draft"
  install --directory --mode=700 "${kept_keys%/*}" "$draft"
  for type in $(host_key_types); do
    ssh-keygen -q -t "$type" -N "" -C "" -f "$draft/ssh_host_${type}_key"
  done
  echo "$stack" >"$draft/stack"
  rm -rf "$kept_keys"
  mv "$draft" "$kept_keys"
}

# Those that this image's sshd is set up with.
host_key_types() {
  local type
  for type in ed25519 ecdsa rsa; do
    [[ ! -e $ssh_folder/ssh_host_${type}_key ]] || echo "$type"
  done
}

put_host_keys_back() {
  local key have_changed=
  for key in "$kept_keys"/ssh_host_*_key; do
    if ! cmp --quiet "$key" "$ssh_folder/${key##*/}"; then
      install --mode=644 "$key.pub" "$ssh_folder/"
      install --mode=600 "$key" "$ssh_folder/"
      have_changed=yes
    fi
  done
  [[ -z $have_changed ]] || reload_sshd
}

# Its unit is called ssh on Debian and Ubuntu. An sshd that is not running yet reads the new keys when it starts.
reload_sshd() {
  systemctl try-reload-or-restart ssh.service || systemctl try-reload-or-restart sshd.service
}
