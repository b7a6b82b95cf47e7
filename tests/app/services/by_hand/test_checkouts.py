"""Checkouts: who may work by hand, what waits meanwhile, what is taken over, and what ends them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.config import REPOSITORY
from app.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from app.models import Run, RunKind, RunStatus, Stack, StateVersion, Workstation, WorkstationStatus
from app.services import runs, workstations
from app.services.by_hand import checkouts
from app.services.by_hand.checkouts import CheckedOut
from app.services.catalog import Catalog
from app.services.people import members
from app.services.terraform import state_versions
from app.services.terraform.state_versions import State
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec
from app.worker.claim import candidates
from tests.parts import identity
from tests.stage import Stage

pytestmark = pytest.mark.anyio
CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")
HOST_KEYS = {"ssh-ed25519": "AAAA"}
LASTS = timedelta(hours=8)


def state(serial: int, *, lineage: str = "one", address: str = "127.70.1.2", machine: bool = True) -> State:
    """A state with a disk, and with a machine or without."""
    outputs = {"instance_name": "dev-1-x" if machine else None, "address": address if machine else None}
    resources = [{"mode": "managed", "type": "google_compute_disk", "name": "data", "instances": []}]
    written = {name: {"value": value} for name, value in outputs.items()}
    whole = {"version": 4, "serial": serial, "lineage": lineage, "outputs": written, "resources": resources}
    return State(json.dumps(whole).encode())


def empty_state(serial: int) -> State:
    return State(
        json.dumps({"version": 4, "serial": serial, "lineage": "one", "outputs": {}, "resources": []}).encode()
    )


class Desk:
    """Ada's, and Grace's machine that runs."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.database, self.clock = stage, stage.database, stage.clock
        self.id = ""

    async def open(self) -> None:
        async with self.stage.acting("grace") as ctx:
            await members.sign_in(ctx, identity("ada"))
            spec = WorkstationSpec.model_validate({"name": "dev-1", "machine_type": "e2-standard-4"})
            requested = await workstations.request(ctx, ctx.member, spec)
            workstation, run = requested.workstation, requested.run
            self.id = workstation.id
            run.claim("a-worker", "a-host", self.clock())
            run.begin_apply(self.clock())
            await state_versions.store(ctx.session, ctx.vault, run, state(4), self.clock())
            run.succeed(self.clock())
            workstation.become_running("127.70.1.2", HOST_KEYS, self.clock())
        self.clock.advance(minutes=1)

    async def check_out(self, stack_id: str = "", email: str | None = None) -> CheckedOut:
        async with self.database.sessions.begin() as session:
            by = await checkouts.admin(session, email)
            return await checkouts.check_out(self.stage.context(session, by), stack_id or self.id, LASTS)

    async def check_in(self, taken: CheckedOut, state: State | None, **inputs: object) -> str:
        async with self.database.sessions.begin() as session:
            return await checkouts.check_in(
                self.stage.context(session), taken.run.id, state, {**taken.run.inputs, **inputs}, needs_reconcile=False
            )

    async def give_back(self, taken: CheckedOut) -> None:
        async with self.database.sessions.begin() as session:
            await checkouts.discard(self.stage.context(session), taken.run.id, "Given back.")

    async def change(self, **fields: object) -> Run:
        async with self.stage.acting("grace") as ctx:
            workstation = await workstations.find(ctx.session, ctx.member, self.id)
            return await workstations.request_change(ctx, workstation, WorkstationPatch.model_validate(fields))

    async def run(self, run_id: str) -> Run:
        async with self.database.sessions() as session:
            return await session.get_one(Run, run_id)

    async def workstation(self) -> Workstation:
        async with self.database.sessions() as session:
            return await session.get_one(Workstation, self.id)

    async def needs_reconcile(self) -> bool:
        async with self.database.sessions() as session:
            return (await session.get_one(Stack, self.id)).needs_reconcile

    async def serials(self) -> list[int]:
        async with self.database.sessions() as session:
            return list(await session.scalars(select(StateVersion.serial).order_by(StateVersion.number)))

    async def log(self, run_id: str) -> list[str]:
        async with self.database.sessions() as session:
            return [line.message for line in await runs.read_log(session, run_id)]

    async def claimable(self) -> set[str]:
        async with self.database.sessions() as session:
            return set(await candidates(session, "host", self.clock()))


@pytest.fixture
async def desk(stage: Stage) -> Desk:
    desk = Desk(stage)
    await desk.open()
    return desk


async def test_an_admin_gets_what_was_applied_last_and_holds_the_stack(desk: Desk) -> None:
    taken = await desk.check_out()
    run = await desk.run(taken.run.id)
    assert (run.kind, run.status, run.worker_id, run.host) == (RunKind.MANUAL, RunStatus.APPLYING, None, None)
    assert run.lease_until == desk.clock() + LASTS
    assert run.inputs["disk_size_gb"] == 100
    assert taken.state is not None
    assert taken.state.serial == 4
    assert (taken.needed_reconcile, await desk.needs_reconcile()) == (False, True)
    assert await desk.log(run.id) == ["Checked out by Ada at 2026-03-02 09:31 UTC, until 2026-03-02 17:31 UTC."]
    assert (await desk.workstation()).status is WorkstationStatus.RUNNING
    assert (run.is_busy, run.can_cancel, run.can_be_claimed) == (False, False, False)


async def test_only_admins_work_by_hand_and_one_of_several_says_who_it_is(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="not an admin"):
        await desk.check_out(email="grace@example.com")
    with pytest.raises(RefusedError, match="not an admin"):
        await desk.check_out(email="nobody@example.com")
    async with desk.database.sessions.begin() as session:
        await session.execute(text("UPDATE members SET role = 'admin'"))
    with pytest.raises(RefusedError, match=r"There are 2 admins.*--as"):
        await desk.check_out()
    assert (await desk.check_out(email="Ada@example.com")).run.id


async def test_another_run_comes_first(desk: Desk) -> None:
    queued = await desk.change(disk_size_gb=200)
    with pytest.raises(ConflictError, match=rf"Run {queued.id} \(update, queued\)"):
        await desk.check_out()
    with pytest.raises(NotFoundError):
        await desk.check_out("nosuch")


async def test_it_is_checked_out_once(desk: Desk) -> None:
    taken = await desk.check_out()
    with pytest.raises(ConflictError, match=rf"Run {taken.run.id} \(manual, applying\)"):
        await desk.check_out()


async def test_what_was_made_by_hand_is_the_portals_after_checkin(desk: Desk) -> None:
    taken = await desk.check_out()
    desk.clock.advance(hours=1)
    desired: dict[str, Any] = {"machine_type": "n1-standard-8", "accelerator": {"type": "nvidia-tesla-t4", "count": 2}}
    told = await desk.check_in(taken, state(9, address="127.70.1.9"), disk_size_gb=120, spot=True, **desired)

    assert told == "Checked in by Ada: state version 2, serial 9."
    assert (await desk.log(taken.run.id))[-1] == told
    run, workstation = await desk.run(taken.run.id), await desk.workstation()
    assert (run.status, run.inputs["disk_size_gb"], run.lease_until) == (RunStatus.APPLIED, 120, None)
    assert (workstation.status, workstation.address) == (WorkstationStatus.RUNNING, "127.70.1.9")
    assert (workstation.machine_type, workstation.disk_size_gb, workstation.spot) == ("n1-standard-8", 120, True)
    assert (workstation.accelerator, workstation.accelerator_count) == ("nvidia-tesla-t4", 2)
    assert workstation.host_keys == HOST_KEYS
    assert not await desk.needs_reconcile()
    async with desk.database.sessions() as session:
        assert (await runs.last_inputs(session, desk.id))["disk_size_gb"] == 120


async def test_a_state_that_did_not_change_is_not_stored_again(desk: Desk) -> None:
    taken = await desk.check_out()
    assert await desk.check_in(taken, state(4)) == "Checked in by Ada: the state is unchanged."
    assert await desk.serials() == [4]


@pytest.mark.parametrize(
    ("left", "disk_kept"), [(state(9, machine=False), True), (empty_state(9), False)], ids=["a disk", "nothing"]
)
async def test_a_machine_destroyed_by_hand_is_destroyed(desk: Desk, left: State, disk_kept: bool) -> None:
    taken = await desk.check_out()
    await desk.check_in(taken, left, disk_only=disk_kept)
    workstation = await desk.workstation()
    assert (workstation.status, workstation.disk_kept) == (WorkstationStatus.DESTROYED, disk_kept)
    assert workstation.address is None


@pytest.mark.parametrize(
    ("left", "inputs", "said"),
    [
        (state(9, lineage="two"), {}, "another lineage"),
        (state(3), {}, "older"),
        (None, {}, "state is missing"),
        (state(9), {"stack_id": "other"}, "variable stack_id belongs to the portal"),
        (state(9), {"disk_size_gb": "120"}, "variable disk_size_gb is invalid"),
        (state(9), {"accelerator": {"type": "nvidia-tesla-t4"}}, "variable accelerator.count is invalid"),
    ],
)
async def test_what_cannot_be_taken_over_is_refused_and_nothing_is_done(
    desk: Desk, left: State | None, inputs: dict[str, Any], said: str
) -> None:
    taken = await desk.check_out()
    with pytest.raises((ConflictError, InvalidError), match=said):
        await desk.check_in(taken, left, **inputs)
    assert (await desk.run(taken.run.id)).status is RunStatus.APPLYING
    assert await desk.serials() == [4]
    assert await desk.needs_reconcile()


async def test_a_variable_left_out_is_named(stage: Stage, desk: Desk) -> None:
    taken = await desk.check_out()
    inputs = {name: value for name, value in taken.run.inputs.items() if name not in {"zone", "spot"}}
    async with desk.database.sessions.begin() as session:
        with pytest.raises(InvalidError, match=r"missing.*: spot, zone"):
            await checkouts.check_in(desk.stage.context(session), taken.run.id, state(9), inputs, needs_reconcile=False)


async def test_a_request_made_meanwhile_waits_and_leaves_alone_what_it_did_not_ask_for(desk: Desk) -> None:
    taken = await desk.check_out()
    spec = await desk.change(machine_type="e2-standard-8")
    await desk.check_in(taken, state(9), disk_size_gb=120)
    queued = await desk.run(spec.id)
    assert (queued.status, queued.inputs["machine_type"], queued.inputs["disk_size_gb"]) == (
        RunStatus.QUEUED,
        "e2-standard-8",
        120,
    )
    assert await desk.claimable() == {spec.id}


async def test_given_back_nothing_is_stored_and_what_was_made_is_looked_for(desk: Desk) -> None:
    taken = await desk.check_out()
    spec = await desk.change(machine_type="e2-standard-8")
    await desk.give_back(taken)
    assert (await desk.run(taken.run.id)).status is RunStatus.CANCELED
    assert await desk.needs_reconcile()
    assert await desk.claimable() == {spec.id}
    with pytest.raises(ConflictError, match=r"ended at 2026-03-02 09:31 UTC \(canceled\)\. Nothing was stored"):
        await desk.check_in(taken, state(9))


async def test_after_its_time_nothing_is_stored_any_more(stage: Stage, desk: Desk) -> None:
    taken = await desk.check_out()
    spec = await desk.change(machine_type="e2-standard-8")
    desk.clock.advance(hours=9)
    async with desk.database.sessions.begin() as session:
        run = await session.get_one(Run, taken.run.id, with_for_update=True)
        await checkouts.expire(desk.stage.context(session), run)
    ended = await desk.run(taken.run.id)
    assert (ended.status, ended.error, ended.can_retry) == (RunStatus.ERRORED, checkouts.EXPIRED, False)
    assert (await desk.workstation()).status is WorkstationStatus.RUNNING
    assert await desk.needs_reconcile()
    assert await desk.claimable() == {spec.id}
    with pytest.raises(ConflictError, match="Nothing was stored"):
        await desk.check_in(taken, state(9))
    assert await desk.serials() == [4]


async def test_a_run_that_is_no_checkout_cannot_be_checked_in(stage: Stage, desk: Desk) -> None:
    spec = await desk.change(disk_size_gb=200)
    async with desk.database.sessions.begin() as session:
        with pytest.raises(NotFoundError):
            await checkouts.discard(desk.stage.context(session), spec.id, "Given back.")
