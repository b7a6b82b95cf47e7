"""Workstations: what may be asked for, by whom, and the rows that a wish becomes."""

import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.config import Settings
from app.errors import ConflictError, InvalidError, NotFoundError
from app.infra.secrets import SecretStore
from app.models import Member, Root, Run, RunKind, SshKey, Stack, Workstation, WorkstationStatus
from app.services import runs, ssh_keys
from app.services.catalog import BOOT_DISK_GB, Catalog, MachineType

NAME = re.compile(r"[a-z]([-a-z0-9]{0,28}[a-z0-9])?")
NAME_RULE = "Use 1 to 30 lower-case letters, digits and hyphens; begin with a letter, end with a letter or digit."
DISK_SIZE_GB = range(10, 64_001)
SNAPSHOT = re.compile(r"(projects/[-a-z0-9.:]{1,80}/global/snapshots/)?[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


class WorkstationWish(BaseModel):
    """What a member asks for. Whether it fits the catalog is checked by `request`."""

    # Strict: a script that sends "yes" for true, or a field that is not there, means something we would not do.
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(description="Name of the machine, unique among its owner's.", examples=["gpu-1"])
    machine_type: str = Field(description="Machine type of the catalog.", examples=["g2-standard-8"])
    accelerator: str | None = Field(None, description="GPU to attach; by default the one the machine type comes with.")
    zone: str | None = Field(None, description="Zone; by default the portal's.", examples=["europe-west4-a"])
    disk_size_gb: int = Field(100, description="Size of the data disk at /home/jupyter, in GB.")
    disk_type: str = Field("pd-balanced", description="Type of the data disk.")
    image: str | None = Field(None, description="Boot image as project/family; by default one that fits the machine.")
    snapshot: str | None = Field(None, description="Snapshot to boot from, instead of the image.")
    spot: bool = Field(False, description="Cheaper, but Google may stop the machine at any time.")


def check(wish: WorkstationWish, catalog: Catalog, settings: Settings) -> dict[str, str]:
    """What does not fit: field → sentence."""
    machine_type = catalog.machine_type(wish.machine_type)
    zone = wish.zone or settings.default_zone
    problems: dict[str, str | None] = {
        "name": None if NAME.fullmatch(wish.name) else NAME_RULE,
        "machine_type": None if machine_type else "That machine type is not on offer.",
        "zone": _zone_problem(zone, machine_type, catalog),
        "accelerator": _accelerator_problem(wish.accelerator, machine_type),
        "disk_size_gb": None if wish.disk_size_gb in DISK_SIZE_GB else "Ask for 10 to 64,000 GB.",
        "disk_type": None
        if any(offer.name == wish.disk_type for offer in catalog.disk_types)
        else "That disk type is not on offer.",
        "image": _image_problem(wish.image, machine_type, catalog),
        "snapshot": None
        if wish.snapshot is None or SNAPSHOT.fullmatch(wish.snapshot)
        else "That is not the name of a snapshot.",
    }
    return {field: problem for field, problem in problems.items() if problem}


def _zone_problem(zone: str, machine_type: MachineType | None, catalog: Catalog) -> str | None:
    if zone not in catalog.zones:
        return "That zone is not on offer."
    if machine_type and zone not in machine_type.zones:
        return f"{machine_type.name} is not in {zone}; it is in {', '.join(machine_type.zones)}."
    return None


def _accelerator_problem(accelerator: str | None, machine_type: MachineType | None) -> str | None:
    if machine_type is None or accelerator in {None, machine_type.accelerator}:
        return None
    if machine_type.gpu and not machine_type.accelerator:
        return f"{machine_type.name} has its {machine_type.gpu} built in: leave the accelerator out."
    if machine_type.accelerator:
        return f"{machine_type.name} comes with {machine_type.accelerator}."
    return f"{machine_type.name} takes no GPU."


def _image_problem(image: str | None, machine_type: MachineType | None, catalog: Catalog) -> str | None:
    if image is None or machine_type is None:
        return None
    offer = next((offer for offer in catalog.images if offer.name == image), None)
    if offer is None:
        return "That image is not on offer."
    if machine_type.gpu and not offer.gpu:
        return "That image has no GPU driver: choose one that has."
    return None


async def request(
    session: AsyncSession,
    member: Member,
    wish: WorkstationWish,
    catalog: Catalog,
    secrets: SecretStore,
    settings: Settings,
    now: datetime,
) -> tuple[Workstation, Run, bool]:
    """Write down a wish and queue its run; returns the workstation, its run, and whether they are new.

    An identical wish joins the one under way; a member without an SSH key gets a pair. Raises InvalidError, or
    ConflictError when the name is taken.
    """
    problems = check(wish, catalog, settings)
    if problems:
        raise InvalidError("This machine cannot be made as asked for.", fields=problems)
    machine_type = catalog.machine_type(wish.machine_type)
    if machine_type is None:
        raise LookupError(wish.machine_type)
    stack = Stack(root=Root.WORKSTATION, created_at=now)
    workstation = _from_wish(wish, machine_type, member, catalog, settings, now)
    try:
        async with session.begin_nested():
            session.add(stack)
            await session.flush()
            workstation.id = stack.id
            session.add(workstation)
    except IntegrityError:
        return *await _join(session, workstation), False
    keys = await ssh_keys.ensure_key(session, member, secrets, settings, now)
    inputs = terraform_inputs(workstation, machine_type, keys, settings)
    run = await runs.request(session, stack, RunKind.PROVISION, member, inputs, now)
    return workstation, run, True


def _from_wish(
    wish: WorkstationWish,
    machine_type: MachineType,
    member: Member,
    catalog: Catalog,
    settings: Settings,
    now: datetime,
) -> Workstation:
    return Workstation(
        owner_id=member.id,
        name=wish.name,
        status=WorkstationStatus.REQUESTED,
        machine_type=wish.machine_type,
        accelerator=machine_type.accelerator,
        accelerator_count=machine_type.gpu_count if machine_type.accelerator else 0,
        zone=wish.zone or settings.default_zone,
        image=wish.image or catalog.default_image(machine_type).name,
        snapshot=wish.snapshot,
        disk_size_gb=wish.disk_size_gb,
        disk_type=wish.disk_type,
        spot=wish.spot,
        ssh_username=member.ssh_username,
        host_keys={},
        created_at=now,
    )


async def _join(session: AsyncSession, wished: Workstation) -> tuple[Workstation, Run]:
    existing = await session.scalar(
        select(Workstation)
        .where(Workstation.owner_id == wished.owner_id, Workstation.name == wished.name)
        .where(Workstation.status != WorkstationStatus.DESTROYED)
    )
    if existing:
        run = await runs.under_way(session, existing.id, RunKind.PROVISION)
        if run and existing.is_same_wish(wished):
            return existing, run
    taken = f"You already have a workstation called {wished.name}."
    raise ConflictError(taken, hint="Choose another name, or destroy that one first.", fields={"name": taken})


def terraform_inputs(
    workstation: Workstation, machine_type: MachineType, keys: list[SshKey], settings: Settings
) -> dict[str, Any]:
    """The variables of terraform/workstation for this machine."""
    accelerator = {"type": workstation.accelerator, "count": workstation.accelerator_count}
    return {
        "project": settings.google_project,
        "zone": workstation.zone,
        "name": workstation.resource_name,
        "stack_id": workstation.id,
        "owner": workstation.ssh_username,
        "machine_type": workstation.machine_type,
        "accelerator": accelerator if workstation.accelerator else None,
        "gpu": bool(machine_type.gpu),
        "boot_image": workstation.image,
        "boot_snapshot": workstation.snapshot,
        "boot_disk_size_gb": BOOT_DISK_GB,
        "disk_size_gb": workstation.disk_size_gb,
        "disk_type": workstation.disk_type,
        "spot": workstation.spot,
        "network": settings.network,
        "subnetwork": settings.subnetwork,
        "service_account_email": settings.service_account_email,
        "ssh_username": workstation.ssh_username,
        "ssh_public_keys": [key.public_key for key in keys],
        "disk_only": False,
    }


async def list_of(session: AsyncSession, member: Member) -> list[Workstation]:
    """A member's workstations, newest first; of the destroyed ones those whose disk was kept."""
    query = (
        select(Workstation)
        .where(Workstation.owner_id == member.id)
        .where(or_(Workstation.status != WorkstationStatus.DESTROYED, Workstation.disk_kept))
        .order_by(Workstation.created_at.desc(), Workstation.id)
    )
    return list(await session.scalars(query))


async def find(session: AsyncSession, member: Member, workstation_id: str) -> Workstation:
    """One workstation, with its owner; raises NotFoundError for what is neither one's own nor an admin's to see."""
    workstation = await session.get(Workstation, workstation_id, options=[joinedload(Workstation.owner)])
    if workstation is None or not (workstation.owner_id == member.id or member.is_admin):
        raise NotFoundError("workstation")
    return workstation


async def request_destroy(
    session: AsyncSession, workstation: Workstation, member: Member, now: datetime, *, keep_disk: bool
) -> Run:
    """Queue its destruction, with or without the data disk; an identical wish joins the one under way."""
    if workstation.is_destroyed and not (workstation.disk_kept and not keep_disk):
        raise ConflictError(f"{workstation.name} is destroyed already.")
    stack = await session.get_one(Stack, workstation.id)
    last = await runs.last_inputs(session, stack.id)
    return await runs.request(session, stack, RunKind.DESTROY, member, {**last, "disk_only": keep_disk}, now)
