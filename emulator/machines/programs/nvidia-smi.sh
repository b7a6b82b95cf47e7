#!/bin/sh
# A pretend nvidia-smi: names the GPU that Google would have put here, unless its driver is broken (see kernel.sh).
gpu='@GPU@' count='@COUNT@'
if [ -e /home/.machine/driver.broken ]; then
  echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running."
  echo
  exit 9
fi
case ${1:-} in
  -L | --list-gpus)
    n=0
    while [ "$n" -lt "$count" ]; do echo "GPU $n: $gpu (emulated)" && n=$((n + 1)); done ;;
  --query-gpu=driver_version)
    n=0
    while [ "$n" -lt "$count" ]; do echo 580.95.05 && n=$((n + 1)); done ;;
  # What runs on them, all of them alike, is in this file: the most of 14 seconds, MiB, and a process (see workloads.py).
  -q)
    read -r use _ </home/.machine/gpu
    n=0
    while [ "$n" -lt "$count" ]; do
      printf 'GPU 00000000:00:%02d.0\n    GPU Utilization Samples\n' "$((n + 4))"
      printf '        %-34s: %s\n' Duration '14.00 sec' 'Number of Samples' 71 Max "$use %" Min '0 %' Avg "$((use / 2)) %"
      n=$((n + 1))
    done ;;
  --query-gpu=uuid,memory.used,memory.total)
    read -r _ used _ </home/.machine/gpu
    n=0
    while [ "$n" -lt "$count" ]; do echo "GPU-$n, $used, 23034" && n=$((n + 1)); done ;;
  --query-compute-apps=gpu_uuid,pid)
    read -r _ _ process </home/.machine/gpu
    [ -z "$process" ] || echo "GPU-0, $process" ;;
  *) echo "NVIDIA-SMI (emulated): $count x $gpu. No GPU is really here." ;;
esac
