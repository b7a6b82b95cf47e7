"""Which keys are on which machine, and the runs that bring them there."""

from collections.abc import Callable
from typing import Any

import asyncssh
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import REPOSITORY
from app.errors import ConflictError, NotFoundError
from app.models import CancelMode, Run, RunKind, RunStatus, Workstation, WorkstationStatus
from app.services import decisions, runs, workstations
from app.services.catalog import Catalog
from app.services.context import Context
from app.services.keys import machine_keys, ssh_keys
from app.services.keys.machine_keys import MachineKeys
from app.services.people import members
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec
from tests.app.conftest import make_settings
from tests.app.counting import loaded, statements
from tests.stage import By, Stage, identity

pytestmark = pytest.mark.anyio
CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")
SETTINGS = make_settings()


def line() -> str:
    return asyncssh.generate_private_key("ssh-ed25519", comment="x").export_public_key().decode()


class Play:
    """Grace with her machines; the worker is played by hand."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.clock = stage, stage.clock

    async def do(self, what: Callable[[Context], Any]) -> Any:
        """One request, a minute after the one before."""
        self.clock.advance(minutes=1)
        async with self.stage.acting("grace") as ctx:
            return await what(ctx)

    async def add(self, name: str) -> str:
        key = await self.do(lambda ctx: ssh_keys.add(ctx, name, line()))
        return str(key.id)

    async def delete(self, key_id: str) -> None:
        async def it(ctx: Context) -> None:
            key = await ssh_keys.find(ctx.session, ctx.member, key_id)
            await ssh_keys.delete(ctx, key)

        await self.do(it)

    async def create(self, name: str = "dev-1") -> str:
        spec = WorkstationSpec.model_validate({"name": name, "machine_type": "e2-standard-4"})
        asked = await self.do(lambda ctx: workstations.request(ctx, ctx.member, spec))
        return str(asked.workstation.id)

    async def change(self, workstation_id: str, **fields: object) -> str:
        async def it(ctx: Context) -> str:
            workstation = await ctx.session.get_one(Workstation, workstation_id)
            change = WorkstationPatch.model_validate(fields)
            run = await workstations.request_change(ctx, workstation, change)
            return run.id

        return str(await self.do(it))

    async def begin(self, workstation_id: str) -> str:
        """A worker claims what is queued."""

        async def it(ctx: Context) -> str:
            queued = select(Run).where(Run.stack_id == workstation_id, Run.status == RunStatus.QUEUED)
            run = (await ctx.session.scalars(queued)).one()
            await machine_keys.bind(ctx.session, run)
            run.claim("w", "h", self.clock())
            (await ctx.session.get_one(Workstation, workstation_id)).begin(run)
            return run.id

        return str(await self.do(it))

    async def end(self, run_id: str, how: Callable[[Run], None] | None = None) -> None:
        """It is applied, and ends well or as said; then its worker looks after the keys."""

        async def it(ctx: Context) -> None:
            run = await ctx.session.get_one(Run, run_id)
            workstation = await ctx.session.get_one(Workstation, run.stack_id)
            if run.status is RunStatus.PLANNING:
                run.begin_apply(self.clock())
            if how:
                how(run)
                workstation.become_failed()
            else:
                run.succeed(self.clock())
                if run.kind is not RunKind.REKEY:
                    workstation.become_running("127.70.1.2", {"ssh-ed25519": "AAAA"}, self.clock())

        await self.do(it)

        async def look(ctx: Context) -> None:
            run = await ctx.session.get_one(Run, run_id)
            if run.kind is not RunKind.REKEY:
                workstation = await ctx.session.get_one(Workstation, run.stack_id)
                await machine_keys.bring(ctx, workstation)

        await self.do(look)

    async def make(self, name: str = "dev-1") -> str:
        """A machine that runs."""
        workstation_id = await self.create(name)
        await self.end(await self.begin(workstation_id))
        return workstation_id

    async def destroy(self, workstation_id: str) -> str:
        async def it(ctx: Context) -> str:
            workstation = await ctx.session.get_one(Workstation, workstation_id)
            return (await workstations.request_destroy(ctx, workstation, keep_disk=False)).id

        return str(await self.do(it))

    async def pending(self, workstation_id: str) -> list[Run]:
        async def it(ctx: Context) -> list[Run]:
            return await runs.pending(ctx.session, workstation_id)

        return list(await self.do(it))

    async def look(self, name: str = "dev-1") -> MachineKeys:
        found: list[MachineKeys] = await self.do(lambda ctx: machine_keys.of_member(ctx.session, ctx.member))
        return next(each for each in found if each.workstation.name == name)


@pytest.fixture
def play(stage: Stage) -> Play:
    return Play(stage)


def failing(run: Run) -> None:
    run.fail("Error: quota", run.created_at)


def names(keys: dict[str, str]) -> list[str]:
    return sorted(text.split()[-1] for text in keys.values())


async def test_a_key_goes_to_every_machine_and_changes_nothing_else(play: Play) -> None:
    await play.add("laptop")
    first, second = await play.make("dev-1"), await play.make("dev-2")
    made = (await play.look()).last
    await play.add("desktop")
    assert made
    for machine in (first, second):
        [run] = await play.pending(machine)
        assert (run.kind, run.is_queued) == (RunKind.REKEY, True)
        await play.begin(machine)
        [run] = await play.pending(machine)
        assert [key.split()[-1] for key in run.inputs["ssh_public_keys"]] == ["laptop", "desktop"]
    [run] = await play.pending(made.stack_id)
    assert {name for name in run.inputs if run.inputs[name] != made.inputs[name]} == {"ssh_public_keys"}


async def test_the_machine_stays_what_it_was_while_its_keys_change(play: Play) -> None:
    machine = await play.make()
    await play.add("laptop")
    run = await play.begin(machine)
    assert (await play.look()).workstation.status is WorkstationStatus.RUNNING
    await play.end(run, failing)
    assert (await play.look()).workstation.status is WorkstationStatus.RUNNING


async def test_two_keys_in_a_row_take_one_run(play: Play) -> None:
    machine = await play.make()
    await play.add("laptop")
    await play.add("desktop")
    [_] = await play.pending(machine)
    await play.end(await play.begin(machine))
    keys = await play.look()
    assert keys.is_up_to_date
    assert names(keys.certain) == ["desktop", "laptop", "stationmaster"]


async def test_a_key_that_comes_while_keys_change_follows_in_a_run_of_its_own(play: Play) -> None:
    machine = await play.make()
    await play.add("laptop")
    run = await play.begin(machine)
    await play.add("desktop")
    assert [each.is_queued for each in await play.pending(machine)] == [False, True]
    await play.end(run)
    assert names((await play.look()).certain) == ["laptop", "stationmaster"]
    await play.end(await play.begin(machine))
    assert (await play.look()).is_up_to_date


async def test_what_is_queued_takes_the_keys_with_it(play: Play) -> None:
    machine = await play.create()
    await play.add("laptop")
    [provision] = await play.pending(machine)
    assert provision.kind is RunKind.PROVISION
    assert (await play.look()).is_on_its_way
    await play.end(await play.begin(machine))
    assert names((await play.look()).certain) == ["laptop", "stationmaster"]
    assert await play.pending(machine) == []


async def test_a_key_waits_behind_the_building_of_its_machine(play: Play) -> None:
    machine = await play.create()
    provision = await play.begin(machine)
    await play.add("laptop")
    assert [run.kind for run in await play.pending(machine)] == [RunKind.PROVISION, RunKind.REKEY]
    await play.end(provision)
    await play.end(await play.begin(machine))
    assert (await play.look()).is_up_to_date


async def test_a_queued_change_is_kept_and_brings_the_keys(play: Play) -> None:
    machine = await play.make()
    asked = await play.change(machine, disk_size_gb=200)
    await play.add("laptop")
    [run] = await play.pending(machine)
    assert run.id == asked
    assert await play.begin(machine) == asked
    [run] = await play.pending(machine)
    assert (run.inputs["disk_size_gb"], len(run.inputs["ssh_public_keys"])) == (200, 2)


async def test_keys_queued_behind_a_change_that_fails_do_not_make_that_change(play: Play) -> None:
    machine = await play.make()
    await play.change(machine, disk_size_gb=200)
    change = await play.begin(machine)
    await play.add("laptop")
    await play.end(change, failing)
    await play.begin(machine)
    [run] = await play.pending(machine)
    assert (run.inputs["disk_size_gb"], len(run.inputs["ssh_public_keys"])) == (100, 2)


async def test_a_change_cancelled_in_the_queue_leaves_the_keys_to_a_run_of_theirs(stage: Stage, play: Play) -> None:
    machine = await play.make()
    asked = await play.change(machine, disk_size_gb=200)
    await play.add("laptop")

    async def cancel(ctx: Context) -> None:
        run = await ctx.session.get_one(Run, asked)
        await decisions.cancel(ctx, run, CancelMode.UNDO)

    await play.do(cancel)
    await play.begin(machine)
    [run] = await play.pending(machine)
    assert (run.kind, run.inputs["disk_size_gb"]) == (RunKind.REKEY, 100)


async def test_a_change_asked_for_takes_the_place_and_the_keys_of_a_run_of_keys(play: Play) -> None:
    machine = await play.make()
    await play.add("laptop")
    asked = await play.change(machine, disk_size_gb=200)
    await play.begin(machine)
    [run] = await play.pending(machine)
    assert (run.id, len(run.inputs["ssh_public_keys"])) == (asked, 2)


async def test_what_waits_for_a_decision_is_not_superseded_by_keys(play: Play) -> None:
    machine = await play.make()
    await play.change(machine, disk_size_gb=50)
    asked = await play.begin(machine)

    async def ask(ctx: Context) -> None:
        (await ctx.session.get_one(Run, asked)).await_approval([], play.clock())

    await play.do(ask)
    await play.add("laptop")
    waiting, rekey = await play.pending(machine)
    assert (waiting.id, waiting.can_approve, rekey.kind) == (asked, True, RunKind.REKEY)
    keys = await play.look()
    assert keys.waits_for_decision
    assert keys.run
    assert keys.run.id == asked


async def test_a_deleted_key_is_said_to_be_there_until_it_is_gone_for_sure(stage: Stage, play: Play) -> None:
    lost = await play.add("lost-laptop")
    await play.add("desktop")
    machine = await play.make()
    await play.delete(lost)
    assert (await play.look()).leftover == ["lost-laptop"]

    await play.end(await play.begin(machine), failing)
    keys = await play.look()
    assert (keys.leftover, keys.can_retry, keys.is_on_its_way) == (["lost-laptop"], True, False)
    assert names(keys.certain) == ["desktop"]
    assert await play.pending(machine) == []

    failed = keys.last
    assert failed

    async def retry(ctx: Context) -> None:
        await decisions.retry(ctx, await ctx.session.get_one(Run, failed.id))

    await play.do(retry)
    await play.end(await play.begin(machine))
    keys = await play.look()
    assert (keys.leftover, keys.is_up_to_date) == ([], True)
    with pytest.raises(ConflictError, match="already"):
        await play.do(retry)


async def test_a_retry_of_an_old_run_brings_no_deleted_key_back(stage: Stage, play: Play) -> None:
    lost = await play.add("lost-laptop")
    machine = await play.create()
    failed = await play.begin(machine)
    await play.end(failed, failing)
    await play.add("desktop")
    await play.delete(lost)

    async def retry(ctx: Context) -> None:
        await decisions.retry(ctx, await ctx.session.get_one(Run, failed))

    await play.do(retry)
    await play.begin(machine)
    [run] = await play.pending(machine)
    assert [key.split()[-1] for key in run.inputs["ssh_public_keys"]] == ["desktop"]


async def test_without_keys_nobody_is_let_in_and_the_next_pair_goes_to_all(play: Play) -> None:
    only = await play.add("laptop")
    machine = await play.make()
    await play.delete(only)
    await play.end(await play.begin(machine))
    assert (await play.look()).possible == {}
    await play.create("dev-2")
    await play.begin(machine)
    [run] = await play.pending(machine)
    assert [key.split()[-1] for key in run.inputs["ssh_public_keys"]] == ["stationmaster"]


async def test_a_machine_that_goes_is_left_alone(play: Play) -> None:
    machine = await play.make()
    await play.destroy(machine)
    await play.add("laptop")
    assert [run.kind for run in await play.pending(machine)] == [RunKind.DESTROY]
    keys = await play.look()
    assert (keys.is_on_its_way, keys.is_up_to_date, keys.can_retry) == (False, False, False)


async def test_a_destroy_asked_for_before_anything_was_claimed_has_all_of_terraforms_variables(play: Play) -> None:
    machine = await play.create()
    [provision] = await play.pending(machine)
    await play.destroy(machine)
    await play.begin(machine)
    [destroy] = await play.pending(machine)
    assert destroy.inputs == {**provision.inputs, "ssh_public_keys": [], "disk_only": False}


async def test_a_destroy_says_of_the_keys_what_the_run_before_it_brought(play: Play) -> None:
    machine = await play.make()
    changing = await play.change(machine, disk_size_gb=120)
    await play.begin(machine)
    await play.destroy(machine)
    await play.add("laptop")
    await play.end(changing)
    await play.begin(machine)
    [destroy] = await play.pending(machine)
    assert destroy.inputs["disk_size_gb"] == 120
    assert [key.split()[-1] for key in destroy.inputs["ssh_public_keys"]] == ["stationmaster"]


async def test_nobody_else_brings_keys_to_it_admins_included(by: By, play: Play, session: AsyncSession) -> None:
    machine = await play.make()
    for name in ("linus", "ada"):
        other = await members.sign_in(by(), identity(name))
        with pytest.raises(NotFoundError):
            await machine_keys.find(session, other, machine)


async def test_the_keys_on_many_machines_are_read_at_once(play: Play) -> None:
    counted = []
    for name in ("dev-1", "dev-2", "dev-3"):
        await play.make(name)
        with statements(play.stage.database) as sent:
            await play.look(name)
        counted.append(len(sent))
    assert counted == [counted[0]] * 3


async def test_of_a_long_history_only_what_came_since_the_last_success_is_read(play: Play) -> None:
    machine = await play.make()
    for size in range(200, 230):
        await play.change(machine, disk_size_gb=size)
        await play.end(await play.begin(machine))
    await play.add("laptop")
    with loaded(Run) as seen:
        keys = await play.look()
    assert len(seen) == 2
    assert (names(keys.certain), keys.is_on_its_way) == (["stationmaster"], True)
