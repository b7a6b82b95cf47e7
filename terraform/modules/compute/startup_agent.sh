# shellcheck shell=bash
# Starts the agent, which measures what the machine does (agent*.py, which metadata.tf adds as write_agent). Part of startup.sh.

start_agent() {
  local folder=$run_folder/agent
  mkdir -p "$folder"
  (cd "$folder" && write_agent && echo "$portal" >portal)
  systemctl stop stationmaster-agent.service 2>/dev/null || true
  systemd-run --quiet --unit=stationmaster-agent --property=Restart=always --property=RestartSec=60 --property=Nice=10 \
    --property=MemoryMax=100M --setenv=LC_ALL=C python3 "$folder/agent.py" ||
    say "What the machine does will not be told before the next boot."
}
