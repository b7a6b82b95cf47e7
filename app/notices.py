"""What a page says after a form was carried out.

The redirect after the form names it in the page's address; the page has the sentence. An address can only name
sentences that are here, so that nobody can have the portal say something else.
"""

from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

PARAMETER = "done"


class Done(StrEnum):
    """What was carried out: its name is in addresses, its value is the sentence on the page."""

    ACCESS_REQUESTED = "Access requested. An admin decides."
    RANGE_ADDED = "Range added. The firewall is being updated."
    REQUEST_APPROVED = "Request approved. The firewall is being updated."
    REQUEST_DENIED = "Request denied."
    IP_REMOVED = "Removed."
    ROLE_CHANGED = "Role changed."
    MEMBER_DISABLED = "Account disabled. SSH keys are being removed from its machines."
    MEMBER_ENABLED = "Account enabled."
    SIGNED_OUT = "All sessions ended."
    LIMITS_SAVED = "Limits saved."
    SESSION_REVOKED = "Session ended."
    ACCESS_REVOKED = "API token revoked."
    KEY_ADDED = "Key added. Your running workstations are being updated."
    KEY_GENERATED = "Key pair generated. Your running workstations are being updated."
    KEY_DELETED = "Key deleted. It is being removed from the workstations that have it."
    KEYS_DEPLOYING = "The keys are being deployed again."
    USERNAME_SAVED = "Username saved. It counts for new workstations."
    OFFICE_HOURS_SAVED = "Office hours saved."
    OFFICE_HOURS_OFF = "Office hours turned off."
    OFFICE_HOURS_SKIPPED = "Office hours skipped for that day."
    OFFICE_HOURS_RESUMED = "Office hours count again."
    DAILY_SNAPSHOTS_CHOSEN = "Saved."
    SNAPSHOT_DELETED = "Snapshot is being deleted."
    END_DATE_SAVED = "End date saved."
    END_DATE_REMOVED = "End date removed."
    WORKSTATION_KEPT = "Kept. You are asked again if it stays stopped."
    IDLE_STOP_SAVED = "Idle stop saved."
    KEPT_RUNNING = "Kept running."
    NOT_KEPT_RUNNING = "No longer kept running."
    POLICY_SAVED = "Policy saved."
    CAPACITY_SAVED = "Saved. It counts from the next start."
    HANDED_OVER = "Handed over. The SSH keys are being replaced."


def address(path: str, done: Done) -> str:
    """The address of a page that says so."""
    parts = urlsplit(path)
    query = "&".join(filter(None, (parts.query, f"{PARAMETER}={done.name.lower()}")))
    return urlunsplit(parts._replace(query=query))


def sentence(name: str) -> str:
    """What a page says to the parameter in its address; nothing if the address names no such sentence."""
    done = Done.__members__.get(name.upper())
    return done.value if done else ""
