"""Explanations of Google's and Terraform's errors, each with what to do."""

import hashlib
import re
from dataclasses import dataclass

from app.infra import google_errors


@dataclass(frozen=True)
class Hint:
    """What happened, and what to do."""

    title: str
    action: str


OTHERS_WAIT = "Others have been waiting for this capacity for longer."
_TABLE: tuple[tuple[str, str, str], ...] = (
    (
        r"The checkout's time was over",
        "A checkout expired before it was checked in.",
        "Check the workstation for drift, or edit it. The plan will include resources that were created by hand.",
    ),
    (
        r"belongs to something else\. It was not changed",
        "A resource with this name exists at Google and belongs to something else.",
        "Create a workstation with another name, or ask an admin to remove the conflicting resource, then retry.",
    ),
    (
        r"but not as requested, and would be replaced",
        "A resource from an earlier attempt does not match the requested settings.",
        "Retry to replace it, or delete the workstation and create it again.",
    ),
    (
        r"Rolling back would delete the data disk",
        "The change was not rolled back, because that would delete the data disk.",
        "The changes made so far are kept. Edit the workstation, or retry.",
    ),
    (
        r"Saved plan is stale",
        "Something changed between the plan and its approval.",
        "Retry to create a new plan and review it.",
    ),
    (
        r"Given up after \d+ interrupted attempts",
        "The run was interrupted repeatedly because its workers stopped.",
        "Ask an admin to check the workers' logs and memory. A retry continues with the resources that exist.",
    ),
    (
        OTHERS_WAIT,
        "Others in the team wait for the same machine type in this zone.",
        "Wait for capacity to join the queue, or choose another zone or machine type.",
    ),
    (
        r"The disk is full: ",
        "The worker's disk is full.",
        "Ask an admin to free space in the folder named in the full error message. The run continues by itself.",
    ),
    (
        r"Error acquiring the state lock",
        "Another Terraform process is using this state.",
        "Wait for the other run to finish, then retry.",
    ),
    (
        r"did not report that it has booted",
        "The machine exists but has not reported a successful boot.",
        "Retry to wait for it again. If that does not help, check its serial console for boot errors.",
    ),
    (
        r"did not answer by SSH",
        "The machine has booted but does not accept SSH connections.",
        "The full error message shows the response: none (check the firewall), or an unexpected host key. Then retry.",
    ),
    (
        r"Terraform was killed|Plugin did not respond|Plugin error|transport is closing|error reading from server|"
        r"Failed to (load plugin|obtain provider) schema|failed to instantiate provider|"
        r"Unrecognized remote plugin message",
        "Terraform was killed repeatedly while it was running.",
        "Ask an admin to check the worker's memory. A retry continues with the resources that exist.",
    ),
    *google_errors.TABLE,
)

_HINTS = tuple((re.compile(pattern, re.IGNORECASE), Hint(title, action)) for pattern, title, action in _TABLE)
_ZONES = re.compile(r"Consider trying your request in the ([a-z0-9, -]+) zone\(s\)")
_VARYING = re.compile(r"""projects/\S+|"[^"]*"|'[^']*'|\S*\d\S*""")
"""Names, numbers and times, which differ each time that the same error occurs."""
UNKNOWN = Hint("The run failed.", "The full error message shows why. Retry, or show it to an admin.")


def find(error: str) -> Hint:
    """The first hint whose pattern matches, or a general one. It names the zones that Google suggests."""
    hint = _known(error) or Hint(UNKNOWN.title, f"{UNKNOWN.action} Error code: {unknown_code(error)}.")
    zones = _ZONES.search(error)
    return Hint(hint.title, f"{hint.action} Google has capacity in {zones[1]}.") if zones else hint


def zones_elsewhere(error: str) -> tuple[str, ...] | None:
    """The zones that Google suggests where it has no capacity; None if the error is another one."""
    zones = _ZONES.search(error)
    if zones:
        return tuple(zone.strip() for zone in zones[1].split(","))
    hint = _known(error)
    return () if hint and hint.title == google_errors.NO_CAPACITY else None


def is_stock_out(error: str) -> bool:
    """Whether Google has no capacity for a machine in its zone."""
    return zones_elsewhere(error) is not None


def is_snapshot_rate(error: str) -> bool:
    """Whether Google has taken as many snapshots of the disk as it does in an hour."""
    hint = _known(error)
    return hint is not None and hint.title == google_errors.SNAPSHOT_RATE


def unknown_code(error: str) -> str | None:
    """A code for an error without a hint of its own, which occurrences of the same error share; None if it has one."""
    if _known(error):
        return None
    words = " ".join(_VARYING.sub("", error).split())
    return f"E-{hashlib.sha256(words.encode()).hexdigest()[:8]}"


def _known(error: str) -> Hint | None:
    return next((hint for pattern, hint in _HINTS if pattern.search(error)), None)
