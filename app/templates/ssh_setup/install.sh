#!/bin/sh
# Installs Stationmaster's SSH files for OpenSSH. It can be run any number of times.
set -eu
umask 077
folder=$HOME/.ssh/stationmaster
config=$HOME/.ssh/config
include={{ include|sh }}

# Replaces a file in one step: ssh never reads half of it.
put() {
  printf '%s' "$2" >"$folder/$1.new"
  mv -f "$folder/$1.new" "$folder/$1"
}

# Only above the first Host or Match does the line hold for every machine.
is_included() {
  [ -f "$config" ] && awk -v line="$include" '
    tolower($1) ~ /^(host|match)(=|$)/ { exit }
    $0 == line { found = 1; exit }
    END { exit !found }
  ' "$config"
}

include_config() {
  if is_included; then return; fi
  { printf '%s\n\n' "$include" && if [ -f "$config" ]; then cat "$config"; fi; } >"$config.new"
  # Written in place: the configuration may be a link to a file that is kept elsewhere.
  cat "$config.new" >"$config"
  rm "$config.new"
}

# In a function, so that a download that breaks off does nothing.
main() {
  mkdir -p "$folder"
  chmod 700 "$HOME/.ssh" "$folder"
{% for name, text in files.texts.items() %}
  put {{ name|sh }} {{ text|sh }}
{% endfor %}
  include_config
  chmod 600 "$config"
  echo {{ summary|sh }}
}

main
