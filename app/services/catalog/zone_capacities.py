"""What was seen of Google's capacity: recorded by runs, and read for the forms and the API."""

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import ZoneCapacity
from app.models.placement import Placement
from app.services.catalog.offers import Catalog

COUNTS_FOR = timedelta(days=7)
"""What was seen longer ago says nothing about today."""


async def record(session: AsyncSession, placement: Placement, now: datetime, *, found: bool) -> None:
    """Somebody asked for a machine: Google had one, or none."""
    seen = {"found_at" if found else "none_at": now}
    key = {"zone": placement.zone, "machine_type": placement.machine_type, "spot": placement.spot}
    upsert = insert(ZoneCapacity).values(**key, **seen)
    await session.execute(upsert.on_conflict_do_update(index_elements=list(key), set_=seen))


async def of(
    session: AsyncSession, catalog: Catalog, now: datetime, machine_type: str, *, spot: bool | None = None
) -> list[ZoneCapacity]:
    """What was seen lately of a machine type in each zone, or of others that need the same GPUs; the newest first.

    :param spot: as Spot, or on demand; None for both.
    """
    since = now - COUNTS_FOR
    query = select(ZoneCapacity).where(
        ZoneCapacity.machine_type.in_(_alike(catalog, machine_type)),
        or_(ZoneCapacity.found_at > since, ZoneCapacity.none_at > since),
    )
    if spot is not None:
        query = query.where(ZoneCapacity.spot == spot)
    found = list(await session.scalars(query))
    return sorted(found, key=lambda seen: (seen.seen_at or since, seen.zone, seen.machine_type), reverse=True)


async def newest_of(
    session: AsyncSession, catalog: Catalog, now: datetime, placement: Placement
) -> dict[str, ZoneCapacity]:
    """What was seen last in each zone, of this machine type and price."""
    seen = await of(session, catalog, now, placement.machine_type, spot=placement.spot)
    return {each.zone: each for each in reversed(seen)}


def _alike(catalog: Catalog, name: str) -> list[str]:
    """The machine types with the same GPUs, which is what is scarce; a type without GPUs is only like itself."""
    chosen = catalog.machine_type(name)
    if chosen is None or not chosen.gpu:
        return [name]
    gpus = (chosen.gpu, chosen.gpu_count)
    return [offer.name for offer in catalog.machine_types if (offer.gpu, offer.gpu_count) == gpus]
