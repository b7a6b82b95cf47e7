# shellcheck shell=bash
# The owner's systemd user units run without a login, and so come back with the machine. Part of startup.sh.

keep_user_units() {
  local keys user
  keys=$(curl --silent --fail --header "Metadata-Flavor: Google" "$metadata/attributes/ssh-keys") || return 0
  user=${keys%%:*}
  [[ -n $user ]] || return 0
  # Google's agent makes the account at the first boot, and may not have done so yet.
  (for _ in {1..60}; do if loginctl enable-linger "$user"; then break; else sleep 1; fi; done) </dev/null >/dev/null 2>&1 &
}
