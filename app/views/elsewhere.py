"""Where else a machine can be for which Google has no capacity in its zone: created, or moved there with its files."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from app.infra import hints
from app.infra.zones import region_of
from app.models import Run, RunKind, Workstation, ZoneCapacity
from app.models.placement import Placement
from app.services.catalog import zone_capacities
from app.services.context import Context
from app.services.workstations import specs

MOST = 3
_MOVES = {RunKind.START, RunKind.UPDATE}
_FIELDS = ("machine_type", "image", "boot_disk_size_gb", "disk_size_gb", "disk_type")
_BOXES = ("spot", "home_on_data_disk")


@dataclass(frozen=True)
class Elsewhere:
    """Another zone, with a link to the form that creates the machine there, or moves it."""

    zone: str
    is_move: bool
    """Whether the machine exists, so that its files move along."""
    is_suggested: bool
    """Whether Google says that it has capacity there."""
    seen: ZoneCapacity | None
    """What was last seen there."""
    price: Decimal | None
    """US dollars per hour; None if unknown."""
    href: str


async def of(ctx: Context, run: Run | None, workstation: Workstation) -> list[Elsewhere]:
    """Other zones with the machine type: those that Google suggests, then those of the same region.

    Empty unless the run failed for want of capacity, or waits for it.
    """
    suggested = _suggested(run, workstation) if run else None
    if run is None or suggested is None:
        return []
    wanted = specs.columns(workstation) | run.changes
    machine = ctx.catalog.machine_type(wanted["machine_type"])
    seen = await zone_capacities.newest_of(ctx.session, ctx.catalog, ctx.now, Placement.read(wanted))
    tried = {workstation.zone, wanted["zone"], *(each.placement.zone for each in run.tried)}
    others = [zone for zone in (machine.zones if machine else ()) if zone not in tried]
    region, is_move = region_of(workstation.zone), run.kind in _MOVES
    if is_move:
        others = [zone for zone in others if zone in suggested or region_of(zone) == region]
    others.sort(key=lambda zone: (zone not in suggested, region_of(zone) != region, _is_empty(seen.get(zone))))
    disks = specs.disks(workstation)
    return [
        Elsewhere(
            zone=zone,
            is_move=is_move,
            is_suggested=zone in suggested,
            seen=seen.get(zone),
            price=ctx.catalog.price_per_hour(wanted["machine_type"], zone, disks, spot=wanted["spot"]),
            href=_href_of_move(run, workstation, wanted, zone) if is_move else _href_of_new(workstation, zone),
        )
        for zone in others[:MOST]
    ]


def _suggested(run: Run, workstation: Workstation) -> tuple[str, ...] | None:
    """The zones that Google suggests, if any; None if the run does not lack capacity, or can go nowhere else."""
    if run.kind in _MOVES and run.waiting_since and not run.is_final:
        return run.tried[-1].suggested if run.tried else ()
    if not run.error:
        return None
    # A disk that was kept or adopted stays in its zone.
    can_be_new = run.kind is RunKind.PROVISION and not (workstation.destroyed_at or workstation.adopted_disk)
    can_move = run.kind in _MOVES and (workstation.is_off or workstation.has_failed)
    if not (can_move or (can_be_new and workstation.has_failed)):
        return None
    return () if hints.OTHERS_WAIT in run.error else hints.zones_elsewhere(run.error)


def _is_empty(seen: ZoneCapacity | None) -> bool:
    return seen is not None and not seen.has_any


def _href_of_new(workstation: Workstation, zone: str) -> str:
    names = (*_FIELDS, "snapshot")
    same = {name: value for name in names if (value := getattr(workstation, name))}
    return f"/workstations/new?{urlencode({**same, **_ticked(specs.columns(workstation)), 'zone': zone})}"


def _href_of_move(run: Run, workstation: Workstation, wanted: dict[str, Any], zone: str) -> str:
    changed = {name: wanted[name] for name in _FIELDS if name in run.changes}
    if changed or any(box in run.changes for box in _BOXES):
        # The form takes what is not ticked for a choice as soon as a machine type is.
        changed |= {"machine_type": wanted["machine_type"], **_ticked(wanted)}
    return f"/workstations/{workstation.id}/change?{urlencode({**changed, 'zone': zone})}"


def _ticked(columns: dict[str, Any]) -> dict[str, str]:
    return {box: "yes" for box in _BOXES if columns[box]}
