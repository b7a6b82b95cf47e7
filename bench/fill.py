"""A database as a large team has it: 2,000 members, 10,000 workstations, and what the portal knows of each."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    ActivityBlock,
    AllowedIp,
    AllowedIpStatus,
    Member,
    Root,
    Run,
    RunKind,
    RunningTime,
    RunStatus,
    Stack,
    Workstation,
    WorkstationStatus,
)
from app.models.activity import MEASURES
from app.models.activity_block import SLOTS, beginning
from app.services.workstations import running_times

MEMBERS, WORKSTATIONS, IPS, MONTHS, RUNS = 2_000, 10_000, 2_000, 6, 3
ZONE = "europe-west4-a"
TYPES = ("e2-standard-4", "e2-standard-8", "g2-standard-4", "a2-highgpu-1g")
S = WorkstationStatus
GOOGLE = {S.RUNNING: "RUNNING", S.STOPPED: "TERMINATED", S.PREEMPTED: "TERMINATED"}
A_BATCH = 2_000


async def fill(session: AsyncSession, now: datetime) -> None:
    """Into an empty database; `now` is the newest time in it."""
    tables: list[tuple[Any, Iterator[dict[str, Any]]]] = [
        (Member, (_member(n, now) for n in range(MEMBERS))),
        (Stack, ({"id": f"w{n}", "root": Root.WORKSTATION, "created_at": now} for n in range(WORKSTATIONS))),
        (Workstation, (_workstation(n, now) for n in range(WORKSTATIONS))),
        (RunningTime, _times(now)),
        (ActivityBlock, _activity(now)),
        (Run, (_run(n, m, now) for n in range(WORKSTATIONS) for m in range(RUNS))),
        (AllowedIp, (_ip(n, now) for n in range(IPS))),
    ]
    for model, rows in tables:
        whole = list(rows)
        for start in range(0, len(whole), A_BATCH):
            await session.execute(insert(model), whole[start : start + A_BATCH])
    await session.execute(text("ANALYZE"))


def _member(n: int, now: datetime) -> dict[str, Any]:
    row = {"id": f"m{n}", "sub": f"s{n}", "email": f"member{n}@example.com", "account_name": f"member{n}"}
    return row | {"name": f"Member {n}", "created_at": now, "last_seen_at": now - timedelta(minutes=n)}


def _workstation(n: int, now: datetime) -> dict[str, Any]:
    status = S.STOPPED if n % 10 == 8 else {9: S.DESTROYED, 19: S.PREEMPTED}.get(n % 50, S.RUNNING)
    return {
        "id": f"w{n}",
        "owner_id": f"m{n % MEMBERS}",
        "name": f"dev-{n}",
        "status": status,
        "status_before": status,
        "machine_type": TYPES[n % 4],
        "accelerator_count": 0,
        "zone": "us-central1-a" if n % 4 == 3 else ZONE,
        "image": "ubuntu-os-cloud/ubuntu-2404-lts-amd64",
        "boot_disk_size_gb": 50,
        "disk_size_gb": 100 + n % 50,
        "disk_type": "pd-balanced",
        "spot": n % 3 == 0,
        "ssh_username": "member",
        "owner_label": "member",
        "disk_kept": status is S.DESTROYED,
        "destroyed_at": now if status is S.DESTROYED else None,
        "created_at": now - timedelta(minutes=7 * n),
        "google_status": GOOGLE.get(status),
        "running_since": now - timedelta(hours=n % 700) if status is S.RUNNING else None,
        "used_at": now - timedelta(minutes=3 * n) if n % 3 else None,
    }


def _times(now: datetime) -> Iterator[dict[str, Any]]:
    month = running_times.month_of(now)
    for _ in range(MONTHS):
        for n in range(WORKSTATIONS):
            yield {"workstation_id": f"w{n}", "month": month, "seconds": float(n * 37 % 900_000)}
        month = running_times.month_of(running_times.beginning(month) - timedelta(days=1))


def _activity(now: datetime) -> Iterator[dict[str, Any]]:
    """Of the last hour, of every second running machine, in which all minutes are known."""
    known = {measure: [float(minute % 100) for minute in range(SLOTS)] for measure in MEASURES}
    for n in range(0, WORKSTATIONS, 2):
        if _workstation(n, now)["status"] is S.RUNNING:
            for begins_at in (beginning(now - timedelta(hours=1), 1), beginning(now, 1)):
                yield {"workstation_id": f"w{n}", "step": 1, "begins_at": begins_at, "is_folded": False, **known}


def _run(n: int, m: int, now: datetime) -> dict[str, Any]:
    row = {"id": f"r{n}x{m}", "stack_id": f"w{n}", "requested_by": f"m{n % MEMBERS}", "kind": RunKind.PROVISION}
    return row | {"status": RunStatus.APPLIED, "inputs": {}, "created_at": now, "finished_at": now}


def _ip(n: int, now: datetime) -> dict[str, Any]:
    status = (AllowedIpStatus.APPROVED, AllowedIpStatus.APPROVED, AllowedIpStatus.REMOVED, AllowedIpStatus.ASKED)[n % 4]
    row = {"id": f"i{n}", "cidr": f"203.{n // 250}.{n % 250}.7/32", "label": f"home {n}", "owner_id": f"m{n % MEMBERS}"}
    return row | {"status": status, "created_at": now - timedelta(minutes=n)}
