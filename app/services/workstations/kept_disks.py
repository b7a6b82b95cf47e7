"""Kept disks: data disks of deleted workstations, and new machines created from them."""

from pydantic import BaseModel, ConfigDict, Field

from app.errors import ConflictError
from app.models import Action, Member, Run, RunKind, Stack, Workstation
from app.services import audit, runs, workstations
from app.services.context import Context
from app.services.people import limits
from app.services.runs import stacks
from app.services.shared import shared_stack
from app.services.workstations import specs
from app.services.workstations.specs import WorkstationPatch


class MachineSpec(BaseModel):
    """A new machine for a kept disk. Fields that are omitted or null are the same as before."""

    model_config = ConfigDict(extra="forbid", strict=True)

    machine_type: str | None = Field(None, description="A machine type in the catalog.", examples=["g2-standard-8"])
    image: str | None = Field(None, description="Boot image as project/family. A default one follows a new GPU.")
    spot: bool | None = Field(None, description="Use a Spot VM: cheaper, but Google can stop it at any time.")


async def request_machine(ctx: Context, workstation: Workstation, spec: MachineSpec) -> Run:
    """Queue a new machine with the kept disk, and with the same name, zone and host keys.

    Raises InvalidError if the spec does not fit the catalog, ConflictError if no disk was kept, the name is taken,
    or the owner has as many workstations as they may have.
    """
    session = ctx.session
    owner = await session.get_one(Member, workstation.owner_id)
    await limits.lock(session, owner)
    pending = await runs.lock(session, workstation.id)
    # Another request may have changed it before the lock was taken.
    await session.refresh(workstation)
    if not workstation.can_come_back:
        raise ConflictError(f"{workstation.name} has no kept disk.", hint="Create a new workstation.")
    if pending:
        raise ConflictError("The disk is being deleted.", hint="Cancel that run first.")
    if await workstations.namesake(session, workstation):
        hint = "The machine must have the disk's name. Delete the other workstation first."
        raise ConflictError(f"Another workstation is named {workstation.name}.", hint=hint)
    before = specs.columns(workstation)
    change = WorkstationPatch.model_validate(spec.model_dump())
    changes = specs.changed(workstation, {}, change, ctx.catalog, ctx.settings)
    await limits.check(ctx, owner, changes.get("machine_type", workstation.machine_type))
    workstation.come_back(changes)
    account = shared_stack.service_account_of(await stacks.shared(session), owner, ctx.settings)
    inputs = specs.terraform_inputs(workstation, {}, account, ctx.catalog, ctx.settings)
    stack = await session.get_one(Stack, workstation.id)
    run = await runs.request(ctx, stack, RunKind.PROVISION, inputs)
    run.wait_hours = workstation.wait_hours
    after = {**before, **changes, "run": run.id}
    audit.record(ctx, Action.REVIVE_WORKSTATION, workstation.id, workstation.name, before, after)
    return run
