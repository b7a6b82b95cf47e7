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
  *) echo "NVIDIA-SMI (emulated): $count x $gpu. No GPU is really here." ;;
esac
