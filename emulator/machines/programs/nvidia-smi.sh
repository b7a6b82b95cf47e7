#!/bin/sh
# A pretend nvidia-smi: names the GPU that Google would have put here.
gpu='@GPU@' count='@COUNT@'
case ${1:-} in
  -L | --list-gpus)
    n=0
    while [ "$n" -lt "$count" ]; do echo "GPU $n: $gpu (emulated)" && n=$((n + 1)); done ;;
  --query-gpu=driver_version)
    n=0
    while [ "$n" -lt "$count" ]; do echo 580.95.05 && n=$((n + 1)); done ;;
  *) echo "NVIDIA-SMI (emulated): $count x $gpu. No GPU is really here." ;;
esac
