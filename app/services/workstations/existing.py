"""What exists at Google of a workstation whose last run failed or waits for capacity, by its newest Terraform state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.crypto import Vault
from app.infra.zones import region_of
from app.models import Workstation, WorkstationStatus
from app.services.catalog import Catalog
from app.services.terraform import state_resources, state_versions
from app.services.terraform.state_versions import State
from app.services.workstations import specs

_MAY_BE_INCOMPLETE = {WorkstationStatus.FAILED, WorkstationStatus.WAITING_FOR_CAPACITY}
"""Only the Terraform state says what exists of these."""


@dataclass(frozen=True)
class Existing:
    """The parts of a workstation that exist, and are billed."""

    machine: bool
    disk: bool
    """The data disk."""
    address: bool
    opened_gb: int = 0
    """The size of the disk of a snapshot that is open; 0 if there is none."""

    @classmethod
    def in_state(cls, state: State | None) -> Self:
        """The parts in a state."""
        if state is None:
            return cls(machine=False, disk=False, address=False)
        types = {instance.type for instance in state_resources.instances(state)}
        return cls(
            machine="google_compute_instance" in types,
            disk=state_resources.data_disk(state) is not None,
            address="google_compute_address" in types,
            opened_gb=state_resources.opened_gb(state),
        )

    def __bool__(self) -> bool:
        return self.machine or self.disk or self.address or self.opened_gb > 0

    def price_per_hour(self, workstation: Workstation, catalog: Catalog) -> Decimal | None:
        """US dollars per hour of these parts; None if a price is unknown."""
        zone, disks = workstation.zone, specs.disks(workstation)
        machine = catalog.machine_type(workstation.machine_type)
        parts: list[Decimal | None] = []
        if self.machine:
            parts.append(catalog.disk_price_per_hour(zone, disks.boot_gb, machine.boot_disk_type) if machine else None)
        # A machine that waits for capacity is off.
        is_off = workstation.costs_no_machine or workstation.status is WorkstationStatus.WAITING_FOR_CAPACITY
        if self.machine and not is_off:
            parts.append(machine.usd_an_hour(zone, spot=workstation.spot) if machine else None)
        if gigabytes := self.opened_gb + (disks.data_gb if self.disk else 0):
            parts.append(catalog.disk_price_per_hour(zone, gigabytes, disks.data_type))
        if self.address:
            parts.append(catalog.address_usd_per_hour.get(region_of(zone)))
        known = [part for part in parts if part is not None]
        return sum(known, Decimal()) if len(known) == len(parts) else None

    def has_empty_disk(self, workstation: Workstation) -> bool:
        """Whether there is a data disk that no machine has ever used, made from nothing."""
        is_new = workstation.running_at is None and workstation.destroyed_at is None
        was_made_empty = workstation.adopted_disk is None and workstation.disk_snapshot is None
        return self.disk and not self.machine and is_new and was_made_empty


async def of_incomplete(session: AsyncSession, vault: Vault, listed: Sequence[Workstation]) -> dict[str, Existing]:
    """What exists of those that may be incomplete, by workstation ID."""
    incomplete = [each for each in listed if each.status in _MAY_BE_INCOMPLETE]
    states = await state_versions.newest_of(session, vault, [each.id for each in incomplete]) if incomplete else {}
    found = {each.id: Existing.in_state(states.get(each.id)) for each in incomplete}
    # A disk that was adopted existed before the first state.
    adopted = {each.id: replace(found[each.id], disk=True) for each in incomplete if each.adopted_disk}
    return found | adopted


def price_per_hour(workstation: Workstation, catalog: Catalog, exists: Existing | None) -> Decimal | None:
    """US dollars per hour as it is now; None if a price is unknown.

    :param exists: what exists of one that may be incomplete.
    """
    if exists is not None:
        return exists.price_per_hour(workstation, catalog)
    zone, disks, is_off = workstation.zone, specs.disks(workstation), workstation.costs_no_machine
    return catalog.price_per_hour(workstation.machine_type, zone, disks, spot=workstation.spot, is_off=is_off)
