# shellcheck shell=bash
# What somebody sees who logs in: which disk stays, how much is free on it, and what the portal adds: the price. Part of startup.sh.

# pam_motd, on Debian and Ubuntu, runs what is in this folder as root at each login. Other images show no banner.
write_banner() {
  local file=$motd_folder/60-stationmaster
  [[ -d $motd_folder ]] || return 0
  {
    echo "#!/bin/bash"
    declare -p mount_point run_folder home_file
    declare -f show_banner
    echo show_banner
    # shellcheck disable=SC2016 # the banner's own variable
    echo '[[ ! -r $run_folder/banner ]] || cat "$run_folder/banner"'
  } >"$file"
  chmod 755 "$file"
}

show_banner() {
  local size free home
  if ! findmnt --noheadings --mountpoint "$mount_point" >/dev/null; then
    echo "WARNING: the data disk is not mounted at $mount_point. What you write there is lost with the machine."
    return
  fi
  read -r size free < <(df --block-size=1 --output=size,avail "$mount_point" | tail -n 1)
  echo "Data disk: $mount_point, $(numfmt --to=iec "$free") free of $(numfmt --to=iec "$size"). Keep your work there."
  if home=$(cat "$home_file" 2>/dev/null) && findmnt --noheadings --mountpoint "$home" >/dev/null; then
    echo "Your home folder is on it, too. Everything else is on the boot disk. It is deleted with the machine, and when its"
  else
    echo "Everything else, also your home folder, is on the boot disk. It is deleted with the machine, and when its"
  fi
  echo "image, GPU or Spot setting changes."
}
