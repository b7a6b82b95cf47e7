"""How much a workstation was used this month, and what it has cost."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import RunningTime, Workstation
from app.services.catalog import Catalog
from app.services.workstations import running_times, specs


@dataclass(frozen=True)
class Usage:
    """In the current month (UTC)."""

    hours: float
    """How long the machine ran."""
    cost: Decimal | None
    """US dollars so far, estimated with its present settings and the catalog's prices; None if one is unknown."""

    @classmethod
    def of(cls, workstation: Workstation, seconds: float, catalog: Catalog, now: datetime) -> Self:
        """:param seconds: how long the machine ran (running_times.seconds)."""
        return cls(seconds / 3600, _cost(workstation, Decimal(seconds) / 3600, catalog, now))


def _cost(workstation: Workstation, hours: Decimal, catalog: Catalog, now: datetime) -> Decimal | None:
    disks, zone = specs.disks(workstation), workstation.zone
    machine = catalog.machine_type(workstation.machine_type)
    machine_price = machine.usd_an_hour(zone, spot=workstation.spot) if machine else None
    off_price = catalog.price_per_hour(workstation.machine_type, zone, disks, spot=workstation.spot, is_off=True)
    disk_price = catalog.disk_price_per_hour(zone, disks.data_gb, disks.data_type)
    if machine_price is None or off_price is None or disk_price is None:
        return None
    begin = max(workstation.created_at, running_times.beginning(running_times.month_of(now)))
    end = max(begin, workstation.destroyed_at or now) if workstation.is_destroyed else now
    # After a deletion, only the data disk is left.
    return machine_price * hours + off_price * _hours(begin, end) + disk_price * _hours(end, now)


def _hours(begin: datetime, end: datetime) -> Decimal:
    return Decimal(max(0.0, (end - begin).total_seconds())) / 3600


async def read(session: AsyncSession, workstation: Workstation, catalog: Catalog, now: datetime) -> Usage:
    """The usage of one workstation."""
    seconds = running_times.seconds(Workstation, RunningTime, now)
    joined = (
        select(seconds)
        .select_from(Workstation)
        .outerjoin(RunningTime, running_times.is_of(Workstation, RunningTime, now))
    )
    found = await session.scalar(joined.where(Workstation.id == workstation.id))
    return Usage.of(workstation, found or 0.0, catalog, now)
