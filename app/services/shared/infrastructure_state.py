"""How the parts of the shared infrastructure are doing, from what a worker saw of them."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Snapshot
from app.services import snapshots

SNAPSHOT = "infrastructure"
STALE_AFTER = timedelta(minutes=15)
"""A worker looks every five minutes; after three looks missed, what was seen says little of now."""
UNSEEN = "unseen"
"""In the place of what Google calls a state: it was asked, and did not tell."""

Outputs = dict[str, Any]
"""The shared stack's, by the names of terraform/shared."""


@dataclass(frozen=True)
class Light:
    """One part's state as people read it."""

    tone: str
    """As badges have it: ok, busy, warn, bad, idle."""
    word: str
    detail: str = ""


@dataclass
class Sighting:
    """What a worker saw; each state is as Google calls it, None where the thing is not there."""

    machine: str | None = None
    answers: bool | None = None
    """Whether MLflow answers; None where its firewall does not let the worker through."""
    database: str | None = None
    cluster: str | None = None


NOT_LOOKED = Light("idle", "Not looked at yet")
_UNKNOWN = Light("idle", "Unknown", "Google did not tell. The doctor's page shows admins what is missing.")
_GONE = Light("bad", "Not there", "Google has nothing of that name. An admin can apply the shared stack again.")
_NO_ANSWER = Light("warn", "No answer", "Its machine runs, and MLflow does not answer: it is starting, or broken.")
_NOT_LET_IN = Light("ok", "Machine runs", "Whether MLflow answers is unknown: its firewall does not let the portal in.")

_MACHINE = {
    "PROVISIONING": Light("busy", "Starting"),
    "STAGING": Light("busy", "Starting"),
    "REPAIRING": Light("busy", "Being repaired"),
    "STOPPING": Light("busy", "Stopping"),
    "SUSPENDING": Light("busy", "Stopping"),
    "SUSPENDED": Light("bad", "Stopped", "Its machine is suspended."),
    "TERMINATED": Light("bad", "Stopped", "Its machine is stopped."),
}
_DATABASE = {
    "RUNNABLE": Light("ok", "Running"),
    "PENDING_CREATE": Light("busy", "Being made"),
    "MAINTENANCE": Light("warn", "In maintenance"),
    "ONLINE_MAINTENANCE": Light("ok", "Running", "In maintenance, which can be felt little."),
    "REPAIRING": Light("warn", "Being repaired"),
    "STOPPED": Light("bad", "Stopped"),
    "SUSPENDED": Light("bad", "Suspended", "Google has suspended it, as it does when a bill is not paid."),
    "PENDING_DELETE": Light("bad", "Being deleted"),
    "FAILED": Light("bad", "Failed"),
}
_CLUSTER = {
    "RUNNING": Light("ok", "Running"),
    "PROVISIONING": Light("busy", "Being made"),
    "RECONCILING": Light("busy", "Being updated", "Pods go on meanwhile."),
    "STOPPING": Light("bad", "Being deleted"),
    "DEGRADED": Light("warn", "Degraded", "Its nodes run, but something of it wants mending."),
    "ERROR": Light("bad", "Failed"),
}


def lights(outputs: Outputs, seen: Sighting) -> dict[str, Light]:
    """A light for each part that runs: mlflow, sql, kubernetes."""
    found = {}
    if outputs.get("mlflow_instance_name"):
        found["mlflow"] = _mlflow(seen)
    if outputs.get("sql_instance_name"):
        found["sql"] = _named(seen.database, _DATABASE)
    if outputs.get("kubernetes_cluster_name"):
        found["kubernetes"] = _named(seen.cluster, _CLUSTER)
    return found


def _mlflow(seen: Sighting) -> Light:
    if seen.answers:
        return Light("ok", "Running")
    if seen.machine == "RUNNING":
        return _NOT_LET_IN if seen.answers is None else _NO_ANSWER
    return _named(seen.machine, _MACHINE)


def _named(state: str | None, known: dict[str, Light]) -> Light:
    if state is None:
        return _GONE
    return _UNKNOWN if state == UNSEEN else known.get(state) or Light("idle", state.capitalize().replace("_", " "))


async def keep(session: AsyncSession, outputs: Outputs, seen: Sighting, now: datetime) -> None:
    """Keep what was seen for the page."""
    content = {"lights": {part: asdict(light) for part, light in lights(outputs, seen).items()}}
    await snapshots.keep(session, SNAPSHOT, content, now)


def lights_of(snapshot: Snapshot | None) -> dict[str, Light]:
    """As they were kept; none before anybody looked."""
    return {part: Light(**kept) for part, kept in snapshot.content["lights"].items()} if snapshot else {}


def is_stale(snapshot: Snapshot, now: datetime) -> bool:
    """Whether no worker has looked for longer than it should be."""
    return snapshot.age(now) > STALE_AFTER
