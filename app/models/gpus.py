"""Which machine types have GPUs of their own. Others, of N1, get them as accelerators.

Source: https://cloud.google.com/compute/docs/gpus
"""

import re

_ACCELERATOR_OPTIMIZED = re.compile(r"[ag][2-9]-")


def has_built_in_gpu(machine_type: str) -> bool:
    """Whether each machine of this type has GPUs, such as g2-standard-4."""
    return bool(_ACCELERATOR_OPTIMIZED.match(machine_type))
