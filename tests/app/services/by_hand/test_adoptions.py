"""Adoption: who holds the shared stack meanwhile, what becomes of the request that waits, and what is stored."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.errors import ConflictError
from app.models import AuditEntry, Run, RunKind, RunStatus, StateVersion, Workstation
from app.services.by_hand import adoptions, checkouts
from app.services.by_hand.adoptions import LeasedStack
from app.services.people import members
from app.services.shared import shared_settings, shared_stack
from app.services.shared.shared_stack import SharedStackSpec
from app.services.terraform import state_versions
from app.services.terraform.state_versions import State
from app.services.workstations import Adopted
from app.services.workstations.specs import WorkstationSpec
from tests.stage import Stage

pytestmark = pytest.mark.anyio
STATE = State(json.dumps({"version": 4, "serial": 3, "lineage": "seed", "outputs": {}, "resources": []}).encode())


class Desk:
    """Ada at a terminal, and a portal with her request for a shared stack."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.database, self.clock = stage, stage.database, stage.clock

    async def spec(self) -> str:
        async with self.stage.acting("ada") as ctx:
            stack = await shared_stack.find(ctx)
            await shared_stack.lock(ctx.session, stack)
            spec = SharedStackSpec(shared_settings.defaults(ctx.settings))
            return (await shared_stack.request(ctx, stack, spec, "To begin")).id

    async def begin(self) -> LeasedStack:
        async with self.stage.acting("ada") as ctx:
            return await adoptions.begin_shared(ctx)

    async def finish(self, leased: LeasedStack) -> None:
        async with self.database.sessions.begin() as session:
            await adoptions.finish_shared(self.stage.context(session), leased, STATE, ["projects/p/a"])

    async def run(self, run_id: str) -> Run:
        async with self.database.sessions() as session:
            return await session.get_one(Run, run_id)

    async def set_status(self, run_id: str, status: RunStatus) -> None:
        async with self.database.sessions.begin() as session:
            (await session.get_one(Run, run_id)).status = status

    async def queued(self) -> list[Run]:
        async with self.database.sessions() as session:
            return list(await session.scalars(select(Run).where(Run.status == RunStatus.QUEUED)))


@pytest.fixture
def desk(stage: Stage) -> Desk:
    return Desk(stage)


async def test_the_state_and_the_decision_are_written_down(desk: Desk) -> None:
    await desk.spec()
    leased = await desk.begin()
    assert leased.secrets.keys() == set(shared_stack.SECRETS)
    assert not any(secret in repr(leased) for secret in leased.secrets.values())
    await desk.finish(leased)
    assert (await desk.run(leased.run_id)).status is RunStatus.APPLIED
    async with desk.database.sessions() as session:
        stored = await state_versions.newest(session, desk.stage.vault, leased.stack_id)
        assert stored
        assert stored.serial == 3
        entry = await session.scalar(select(AuditEntry).where(AuditEntry.action == "stack.adopt"))
        assert entry
        assert (entry.actor, entry.after["adopted"]) == ("ada@example.com", ["projects/p/a"])


async def test_a_plan_that_waited_for_approval_is_made_anew_afterwards(desk: Desk) -> None:
    waiting = await desk.spec()
    await desk.set_status(waiting, RunStatus.AWAITING_APPROVAL)
    leased = await desk.begin()
    assert (await desk.run(waiting)).status is RunStatus.SUPERSEDED
    [again] = await desk.queued()
    before = await desk.run(waiting)
    assert (again.inputs, again.changes, again.reason) == (before.inputs, before.changes, "To begin")
    await desk.finish(leased)
    assert [run.id for run in await desk.queued()] == [again.id]


async def test_without_a_request_the_stack_as_it_is_wanted_is_asked_for(desk: Desk) -> None:
    leased = await desk.begin()
    [queued] = await desk.queued()
    assert (queued.kind, queued.inputs) == (RunKind.CONFIGURE, leased.inputs)


async def test_a_run_at_work_comes_first(desk: Desk) -> None:
    await desk.set_status(await desk.spec(), RunStatus.PLANNING)
    with pytest.raises(ConflictError, match="must end first"):
        await desk.begin()


async def test_given_back_nothing_is_stored_and_the_request_goes_on(stage: Stage, desk: Desk) -> None:
    await desk.spec()
    leased = await desk.begin()
    async with desk.database.sessions.begin() as session:
        await checkouts.discard(stage.context(session), leased.run_id, "Given back.")
    with pytest.raises(ConflictError):
        await desk.finish(leased)
    async with desk.database.sessions() as session:
        assert await session.scalar(select(StateVersion.number)) is None
    assert len(await desk.queued()) == 1


async def test_a_lease_ends_by_itself(desk: Desk) -> None:
    leased = await desk.begin()
    assert (await desk.run(leased.run_id)).lease_until == desk.clock() + timedelta(hours=1)


async def test_a_workstation_is_asked_for_around_an_old_disk(stage: Stage, desk: Desk) -> None:
    async with stage.acting("ada") as ctx:
        grace = await members.by_address(ctx, "grace@example.com")
        run = await adoptions.request_around(
            ctx,
            LeasedStack("abc123", {}),
            grace,
            WorkstationSpec(name="gpu-1", machine_type="g2-standard-8"),
            Adopted("abc123", "persistent-disk-grace", None),
            STATE,
        )
        assert (run.inputs["disk_name"], run.inputs["address_name"]) == ("persistent-disk-grace", None)
    async with desk.database.sessions() as session:
        made = await session.get_one(Workstation, "abc123")
        assert (made.owner_id, made.disk_name) == (grace.id, "persistent-disk-grace")
        assert await state_versions.newest(session, desk.stage.vault, "abc123")
