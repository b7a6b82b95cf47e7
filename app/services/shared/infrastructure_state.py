"""The status of the parts of the shared infrastructure, derived from what a worker saw."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Inspection
from app.services import inspections

INSPECTION = "infrastructure"
STALE_AFTER = timedelta(minutes=15)
"""A worker checks every five minutes; after three missed checks, the status is out of date."""
UNSEEN = "unseen"
"""The value in place of a state if Google was asked but did not answer."""

Outputs = dict[str, Any]
"""Outputs of the shared stack, by their names in terraform/shared."""


@dataclass(frozen=True)
class Light:
    """The status of a part for people."""

    tone: str
    """The tone of the badge: ok, busy, warn, bad, idle."""
    word: str
    detail: str = ""


@dataclass
class PartStates:
    """What a worker saw. States are Google's; None if the resource does not exist."""

    machine: str | None = None
    answers: bool | None = None
    """Whether MLflow answers; None if its firewall does not let the worker through."""
    database: str | None = None
    cluster: str | None = None


NOT_LOOKED = Light("idle", "Not checked yet")
_UNKNOWN = Light("idle", "Unknown", "Google did not return a status. Admins can open the doctor page to see why.")
_GONE = Light("bad", "Not found", "It does not exist at Google. An admin can apply the shared stack again.")
_NO_ANSWER = Light("warn", "Not responding", "The machine is running, but MLflow does not respond. It may be starting.")
_NOT_LET_IN = Light("ok", "Machine running", "MLflow itself could not be checked: its firewall blocks the portal.")

_MACHINE = {
    "PROVISIONING": Light("busy", "Starting"),
    "STAGING": Light("busy", "Starting"),
    "REPAIRING": Light("busy", "Being repaired"),
    "STOPPING": Light("busy", "Stopping"),
    "SUSPENDING": Light("busy", "Stopping"),
    "SUSPENDED": Light("bad", "Stopped", "The machine is suspended."),
    "TERMINATED": Light("bad", "Stopped", "The machine is stopped."),
}
_DATABASE = {
    "RUNNABLE": Light("ok", "Running"),
    "PENDING_CREATE": Light("busy", "Being created"),
    "MAINTENANCE": Light("warn", "In maintenance"),
    "ONLINE_MAINTENANCE": Light("ok", "Running", "Maintenance in progress, with little impact."),
    "REPAIRING": Light("warn", "Being repaired"),
    "STOPPED": Light("bad", "Stopped"),
    "SUSPENDED": Light("bad", "Suspended", "Suspended by Google, for example because of an unpaid bill."),
    "PENDING_DELETE": Light("bad", "Being deleted"),
    "FAILED": Light("bad", "Failed"),
}
_CLUSTER = {
    "RUNNING": Light("ok", "Running"),
    "PROVISIONING": Light("busy", "Being created"),
    "RECONCILING": Light("busy", "Being updated", "Pods keep running."),
    "STOPPING": Light("bad", "Being deleted"),
    "DEGRADED": Light("warn", "Degraded", "Nodes are running, but the cluster needs attention."),
    "ERROR": Light("bad", "Failed"),
}


def lights(outputs: Outputs, seen: PartStates) -> dict[str, Light]:
    """The status of each part that can run: mlflow, sql, kubernetes."""
    found = {}
    if outputs.get("mlflow_instance_name"):
        found["mlflow"] = _mlflow(seen)
    if outputs.get("sql_instance_name"):
        found["sql"] = _named(seen.database, _DATABASE)
    if outputs.get("kubernetes_cluster_name"):
        found["kubernetes"] = _named(seen.cluster, _CLUSTER)
    return found


def _mlflow(seen: PartStates) -> Light:
    if seen.answers:
        return Light("ok", "Running")
    if seen.machine == "RUNNING":
        return _NOT_LET_IN if seen.answers is None else _NO_ANSWER
    return _named(seen.machine, _MACHINE)


def _named(state: str | None, known: dict[str, Light]) -> Light:
    if state is None:
        return _GONE
    return _UNKNOWN if state == UNSEEN else known.get(state) or Light("idle", state.capitalize().replace("_", " "))


async def keep(session: AsyncSession, outputs: Outputs, seen: PartStates, now: datetime) -> None:
    """Store what was seen for the page."""
    content = {"lights": {part: asdict(light) for part, light in lights(outputs, seen).items()}}
    await inspections.keep(session, INSPECTION, content, now)


def lights_of(inspection: Inspection | None) -> dict[str, Light]:
    """The stored status; empty if no worker has looked yet."""
    return {part: Light(**kept) for part, kept in inspection.content["lights"].items()} if inspection else {}


def is_stale(inspection: Inspection, now: datetime) -> bool:
    """Whether the last check is older than it should be."""
    return inspection.age(now) > STALE_AFTER
