"""Which parts of the catalog are available in the project, as a worker last saw it: machine types by zone, and
quotas."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.zones import region_of
from app.services import inspections
from app.services.catalog.offers import Catalog, MachineType

INSPECTION = "catalog"
EVERYWHERE = ""
"""The key, in place of a region, for quotas of the whole project."""


class Availability(BaseModel):
    """What is available. Empty before a worker has looked; then everything in the catalog counts as available."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    absent: Mapping[str, tuple[str, ...]] = {}
    """Zone → machine types that the catalog has there, but the project does not."""
    quotas: Mapping[str, Mapping[str, float]] = {}
    """Region, or EVERYWHERE → Google's metric → the project's limit."""
    taken_at: datetime | None = None

    @classmethod
    async def read(cls, session: AsyncSession) -> Self:
        """The newest inspection."""
        kept = await inspections.read(session, INSPECTION)
        return cls.model_validate({**kept.content, "taken_at": kept.taken_at}) if kept else cls()

    async def keep(self, session: AsyncSession, now: datetime) -> None:
        """Replace the inspection with this one."""
        await inspections.keep(session, INSPECTION, self.model_dump(mode="json", exclude={"taken_at"}), now)

    def narrow(self, catalog: Catalog) -> Catalog:
        """The catalog without machine types in zones where the project does not have them."""
        offers = [
            offer.model_copy(
                update={"zones": tuple(zone for zone in offer.zones if offer.name not in self.absent.get(zone, ()))}
            )
            for offer in catalog.machine_types
        ]
        # Validated and not copied: a copy would keep cached properties of the original.
        return Catalog.model_validate({**dict(catalog), "machine_types": tuple(offers)})

    def quota_for(self, offer: MachineType, zone: str, *, spot: bool) -> int | None:
        """How many such machines the project's quotas allow in this region; None if that is unknown."""
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
