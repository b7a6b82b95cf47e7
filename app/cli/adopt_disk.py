"""The adoption of a data disk: a workstation is created around it."""

from dataclasses import dataclass, replace
from typing import Self

import typer

from app.cli import terminal
from app.cli.adoption_folder import AdoptionFolder, Found
from app.config import Settings
from app.errors import ConflictError, InvalidError, NotFoundError
from app.infra.zones import region_of
from app.models.base import short_id
from app.services import runs, workstations
from app.services.by_hand import adoptions
from app.services.by_hand.adoptions import LeasedStack
from app.services.context import Context
from app.services.people import members
from app.services.runs import stacks
from app.services.seed import imports
from app.services.shared import shared_stack
from app.services.terraform.state_versions import State
from app.services.workstations import Adopted, specs
from app.services.workstations.specs import WorkstationSpec

DISK = "module.compute_configure.google_compute_disk.data"
ADDRESS = "module.compute_configure.google_compute_address.static_ip[0]"


@dataclass(frozen=True)
class DiskRequest:
    """The arguments of the command."""

    disk: str
    owner: str
    name: str
    machine_type: str
    zone: str | None
    address: str | None


@dataclass
class DiskAdoption:
    """The adoption of one disk."""

    portal: terminal.Installation
    owner: str
    spec: WorkstationSpec
    adopted: Adopted
    leased: LeasedStack

    @property
    def settings(self) -> Settings:
        """The portal's settings."""
        return self.portal.settings

    @classmethod
    async def prepare(cls, ctx: Context, typed: DiskRequest, portal: terminal.Installation) -> Self:
        """Check the arguments. The transaction must not be committed. Raises InvalidError, RefusedError or
        ConflictError."""
        session, settings = ctx.session, ctx.settings
        owner = await members.by_address(ctx, typed.owner)
        zone = typed.zone or settings.default_zone
        spec = WorkstationSpec(name=typed.name, machine_type=typed.machine_type, zone=zone)
        if problems := specs.check(spec, ctx.catalog, settings):
            raise InvalidError(" ".join(f"{field}: {problem}" for field, problem in problems.items()))
        if any(each.name == spec.name and not each.is_destroyed for each in await workstations.list_of(session, owner)):
            raise ConflictError(f"{owner.email} already has a workstation named {spec.name}.")
        adopted = Adopted(short_id(6), typed.disk, typed.address)
        account = shared_stack.service_account_of(await stacks.shared(session), owner, settings)
        machine = workstations.draft(ctx, owner, spec, adopted)
        inputs = {**specs.terraform_inputs(machine, {}, account, ctx.catalog, settings), runs.KEYS_INPUT: []}
        return cls(portal, owner.email, spec, adopted, LeasedStack(adopted.stack_id, inputs))

    async def take(self, adoption: AdoptionFolder) -> tuple[list[Found], dict[str, str]]:
        """Find the resources and import them; returns them, and the next run's action for each address.

        Raises NotFoundError or ConflictError.
        """
        inputs = self.leased.inputs
        zone = inputs["zone"]
        project, region = inputs["project"], region_of(zone)
        desired = {DISK: f"projects/{project}/zones/{zone}/disks/{self.adopted.disk}"}
        if self.adopted.address:
            desired[ADDRESS] = f"projects/{project}/regions/{region}/addresses/{self.adopted.address}"
        found = []
        for address, resource_id in desired.items():
            there = await adoption.find(address, resource_id)
            if there is None:
                raise NotFoundError(f"{resource_id} at Google")
            _refuse_used(there)
            found.append(there)
        # The workstation gets the disk's own size and type, so that the disk stays unchanged.
        disk = found[0].attributes
        self.spec = self.spec.model_copy(update={"disk_size_gb": int(disk["size"]), "disk_type": str(disk["type"])})
        if problems := specs.check(self.spec, self.portal.catalog, self.settings):
            raise ConflictError(f"{found[0].resource_id} cannot be used: {' '.join(problems.values())}")
        inputs = {**inputs, "disk_size_gb": self.spec.disk_size_gb, "disk_type": self.spec.disk_type}
        self.leased = replace(self.leased, inputs=inputs)
        adoption.write_variables(inputs)
        await adoption.import_all(found, typer.echo)
        return found, await adoption.impact(found)

    async def submit(self, state: State, email: str | None) -> str:
        """Request the workstation; returns a summary as a sentence."""
        async with self.portal.database.transaction() as session:
            ctx = self.portal.context(session)
            ctx = ctx.acting(await imports.importer(ctx, email))
            owner = await members.by_address(ctx, self.owner)
            run = await adoptions.request_around(ctx, self.leased, owner, self.spec, self.adopted, state)
            return f"Adopted. Run {run.id} creates workstation {self.spec.name} of {self.owner} with the disk."


def _refuse_used(found: Found) -> None:
    """Raise ConflictError if another machine uses the resource."""
    if users := found.attributes.get("users"):
        machines = ", ".join(str(user).rpartition("/")[2] for user in users)
        raise ConflictError(
            f"{found.resource_id} is still used by {machines}. Delete that machine and keep its disks"
            f" (gcloud compute instances delete {machines} --keep-disks=all), then run this again."
        )
