#!/bin/bash
# Installs and starts MLflow. Google's guest agent runs this as root at every boot, and writes what it prints to the
# serial console and the system's log: so no secret is printed, nor given as an argument that a process list would show.
#
# It takes everything from the machine's metadata, except for the secrets: those come from Secret Manager, by the rights
# of the machine's service account, and stay in memory. It may run any number of times.
set -euo pipefail
export LC_ALL=C

# The tests set these; on a machine they are what stands here.
root=${STATIONMASTER_ROOT:-}
metadata_url=${STATIONMASTER_METADATA_URL:-http://metadata.google.internal/computeMetadata/v1}
secrets_url=${STATIONMASTER_SECRETS_URL:-https://secretmanager.googleapis.com/v1}
seconds_to_wait=${STATIONMASTER_SECONDS_TO_WAIT:-600}

program=$root/opt/mlflow
settings=$root/etc/mlflow/settings
secrets=$root/run/mlflow/secrets
unit=$root/etc/systemd/system/mlflow.service

say() {
  echo "stationmaster: $*"
}

give_up() {
  say "ERROR: $*" >&2
  exit 1
}

metadata() {
  curl --silent --show-error --fail --retry 5 --retry-connrefused --header "Metadata-Flavor: Google" "$metadata_url/$1"
}

attribute() {
  metadata "instance/attributes/mlflow-$1" || give_up "The machine's metadata has no mlflow-$1."
}

# Writes a file in one step, so that a boot that is cut short leaves the earlier one.
install_attribute() {
  local name=$1 file=$2 mode=$3
  mkdir -p "${file%/*}"
  attribute "$name" >"$file.new"
  chmod "$mode" "$file.new"
  mv "$file.new" "$file"
}

install_files() {
  install_attribute serve "$program/serve.sh" 755
  install_attribute accounts "$program/accounts.py" 644
  install_attribute requirements "$program/requirements.txt" 644
  install_attribute settings "$settings" 644
  install_attribute unit "$unit" 644
  # Whitelisted people come by the public address; pods and workstations come from inside the network.
  local card=instance/network-interfaces/0 inside outside
  inside=$(metadata "$card/ip")
  outside=$(metadata "$card/access-configs/0/external-ip")
  echo "MLFLOW_PUBLIC_HOSTS=$outside,$inside,localhost" >>"$settings"
}

# One environment for each set of versions, and a link to the current one: going back needs no network.
install_mlflow() {
  local version checksum environment
  version=$(attribute version)
  checksum=$(sha256sum <"$program/requirements.txt")
  environment=$program/$version-${checksum::8}
  if [[ ! -e $environment/.installed ]]; then
    say "Installing MLflow $version."
    python3 -c "import ensurepip" 2>/dev/null || install_python
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir \
      "mlflow[auth]==$version" --requirement "$program/requirements.txt" || give_up "MLflow $version could not be installed."
    touch "$environment/.installed"
  fi
  ln --symbolic --force --no-dereference "${environment##*/}" "$program/current"
}

install_python() {
  apt-get -qq -o DPkg::Lock::Timeout=300 update
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y python3-venv >/dev/null ||
    give_up "python3-venv could not be installed."
}

# The answer of Google for the newest version of a secret. The token goes to curl by its input: arguments can be read by
# everybody on the machine.
secret_answer() {
  local project token
  project=$(metadata project/project-id)
  token=$(metadata instance/service-accounts/default/token | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
  curl --silent --show-error --fail --config - "$secrets_url/projects/$project/secrets/$1/versions/latest:access" \
    <<<"header = \"Authorization: Bearer $token\""
}

# Rights that were given a moment ago may take minutes to count.
fetch_secret() {
  local waited=0
  until secret_answer "$1"; do
    ((waited < seconds_to_wait)) || return 1
    sleep 10
    waited=$((waited + 10))
  done
}

# Turns Google's answer into a line NAME="VALUE" that systemd reads as it was meant.
as_setting() {
  # shellcheck disable=SC2016 # What looks like the shell's is Python's.
  python3 -c '
import base64, json, sys
value = base64.b64decode(json.load(sys.stdin)["payload"]["data"]).decode()
quoted = value.replace("\\", "\\\\").replace("\"", "\\\"").replace("$", "\\$").replace("`", "\\`")
print(f"{sys.argv[1]}=\"{quoted}\"")' "$1"
}

fetch_secrets() {
  local list name id
  list=$(attribute secrets)
  install -d -m 700 "${secrets%/*}"
  (umask 077 && : >"$secrets.new")
  while read -r name id; do
    fetch_secret "$id" | as_setting "$name" >>"$secrets.new" ||
      give_up "The secret $id could not be read. Has it a version, and may the machine's service account access it?"
  done <<<"$list"
  mv "$secrets.new" "$secrets"
}

start_server() {
  id --user mlflow >/dev/null 2>&1 || useradd --system --home-dir /var/lib/mlflow --shell /usr/sbin/nologin mlflow
  systemctl daemon-reload
  systemctl restart mlflow.service
}

install_files
install_mlflow
fetch_secrets
start_server
say "MLflow is starting: journalctl -u mlflow says how it goes."
