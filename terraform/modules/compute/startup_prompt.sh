# shellcheck shell=bash
# What the portal warns of is shown before a shell's next prompt: an editor's terminals get no broadcasts. Part of startup.sh.

write_prompt() {
  local file=$run_folder/prompt.sh line
  stationmaster_warnings=$run_folder/warnings stationmaster_shown=" "
  {
    # shellcheck disable=SC2016 # the shell's own variables
    echo '[[ $- == *i* ]] || return 0'
    declare -p stationmaster_warnings stationmaster_shown
    declare -f stationmaster_warn
    # shellcheck disable=SC2016
    echo 'PROMPT_COMMAND="stationmaster_warn${PROMPT_COMMAND:+;$PROMPT_COMMAND}"'
  } >"$file"
  # Other shells read these files too, and each may be read after the other.
  line="[ -z \"\${BASH_VERSION-}\" ] || [ -n \"\${stationmaster_shown-}\" ] || [ ! -r '$file' ] || . '$file'"
  [[ ! -d $profile_folder ]] || echo "$line" >"$profile_folder/stationmaster.sh"
  # The only one that Debian's and Ubuntu's interactive shells read that are no login shells.
  [[ ! -f $bashrc ]] || grep --quiet --line-regexp --fixed-strings "$line" "$bashrc" || echo "$line" >>"$bashrc"
}

# Each warning once in a shell. The exit status stays that of the command before, for whatever comes after this.
stationmaster_warn() {
  local status=$? id text
  if [[ -r $stationmaster_warnings ]]; then
    while read -r id text; do
      if [[ $stationmaster_shown != *" $id "* ]]; then
        stationmaster_shown+="$id "
        printf '\n%s\n\n' "$text"
      fi
    done <"$stationmaster_warnings"
  fi
  return "$status"
}
