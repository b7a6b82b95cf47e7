"""What of the catalog the project really has, as a worker last saw it: zones by machine type, and quotas."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.zones import region_of
from app.services import snapshots
from app.services.catalog.offers import Catalog, MachineType

SNAPSHOT = "catalog"
EVERYWHERE = ""
"""In the place of a region: quotas of the whole project."""


class Availability(BaseModel):
    """What was seen; empty before the first look, when the catalog counts as it is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    absent: Mapping[str, tuple[str, ...]] = {}
    """Zone → machine types that the catalog has there and the project has not."""
    quotas: Mapping[str, Mapping[str, float]] = {}
    """Region, or EVERYWHERE → Google's metric → how many the project may have."""
    taken_at: datetime | None = None

    @classmethod
    async def read(cls, session: AsyncSession) -> Self:
        """The newest there is."""
        kept = await snapshots.read(session, SNAPSHOT)
        return cls.model_validate({**kept.content, "taken_at": kept.taken_at}) if kept else cls()

    async def keep(self, session: AsyncSession, now: datetime) -> None:
        """Put this in the place of the one before."""
        await snapshots.keep(session, SNAPSHOT, self.model_dump(mode="json", exclude={"taken_at"}), now)

    def narrow(self, catalog: Catalog) -> Catalog:
        """The catalog, with each machine type in those zones only where the project has it."""
        offers = [
            offer.model_copy(
                update={"zones": tuple(zone for zone in offer.zones if offer.name not in self.absent.get(zone, ()))}
            )
            for offer in catalog.machine_types
        ]
        # Validated anew, and not copied: a copy would take along what the catalog has remembered of itself.
        return Catalog.model_validate({**dict(catalog), "machine_types": tuple(offers)})

    def quota_for(self, offer: MachineType, zone: str, *, spot: bool) -> int | None:
        """How many such machines the project may have in this region; None where that is not known."""
        counts = [
            int(self.quotas[region][metric] // each)
            for region, metric, each in needs(offer, region_of(zone), spot=spot)
            if metric in self.quotas.get(region, {})
        ]
        return min(counts, default=None)


def needs(offer: MachineType, region: str, *, spot: bool) -> Iterator[tuple[str, str, int]]:
    """The quotas that one such machine counts against: region, metric, how many."""
    yield EVERYWHERE, "CPUS_ALL_REGIONS", offer.vcpus
    if offer.gpu:
        yield EVERYWHERE, "GPUS_ALL_REGIONS", offer.gpu_count
    if offer.gpu_quota:
        yield region, f"PREEMPTIBLE_{offer.gpu_quota}" if spot else offer.gpu_quota, offer.gpu_count
