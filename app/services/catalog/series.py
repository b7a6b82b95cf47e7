"""Which changes of machine type Google makes without replacing the machine.

The series can change only among those of the first and second generation, except A2 and T2A, and not with local SSDs.
Removing a GPU requires a replacement as well, because a machine cannot be moved while it has one. Source:
https://cloud.google.com/compute/docs/instances/changing-machine-type-of-stopped-instance
"""

import re

from app.models.gpus import has_built_in_gpu

_HAS_LOCAL_SSD = re.compile(r"a2-ultragpu-|a3-|g4-")
_NEVER = {"a2", "t2a"}


def changes_in_place(before: str, after: str) -> bool:
    """Whether Google changes a stopped machine from type `before` to type `after`."""
    if before == after:
        return True
    if _HAS_LOCAL_SSD.match(before) or _HAS_LOCAL_SSD.match(after):
        return False
    if has_built_in_gpu(before) != has_built_in_gpu(after):
        return False
    one, other = before.partition("-")[0], after.partition("-")[0]
    return one == other or (_is_interchangeable(one) and _is_interchangeable(other))


def _is_interchangeable(series: str) -> bool:
    return series[1:2] in {"1", "2"} and series not in _NEVER
