"""A workstation's history: what its machine reports of boots and mounts, and what became of its SSH keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncssh
import pytest
from sqlalchemy import text

from app.models import MachineEvent, MachineEventKind, Workstation
from app.models.machine_report import MachineReport
from app.services import runs
from app.services.keys import ssh_keys
from app.services.offboarding import access
from app.services.people import members
from app.services.workstations import history, observations, reports
from app.services.workstations.history import KeyChange, TimelineEntry
from app.services.workstations.observations import Sighting
from tests.parts import identity
from tests.stage import Stage

pytestmark = pytest.mark.anyio
K = MachineEventKind


def told(stage: Stage, word: str = "ready", *, mount: str = "mounted", booted: datetime | None = None) -> MachineReport:
    now, reason = stage.clock().isoformat(), "" if mount == "mounted" else "No."
    line = f"state={mount} volume=/dev/sdb device=/dev/sdb type=ext4 size=9 free=8 at={now} reason={reason}"
    return MachineReport.read({"boot-stage": f"{word} {booted.isoformat() if booted else now}", "mount": line})


async def report(stage: Stage, workstation_id: str, *reported: MachineReport) -> None:
    async with stage.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        for each in reported:
            await reports.record(stage.context(session), workstation, each)


async def past(stage: Stage, workstation_id: str) -> history.History:
    async with stage.database.sessions() as session:
        made = await runs.of_stack(session, workstation_id, history.MOST_OF_EACH)
        return await history.of(session, workstation_id, made)


async def events(stage: Stage, workstation_id: str) -> list[tuple[K, str | None]]:
    """Of the machine, the oldest first."""
    found = (await past(stage, workstation_id)).entries
    return [(entry.event.kind, entry.event.detail) for entry in reversed(found) if entry.event]


async def consoles_asked_for(stage: Stage) -> Sequence[str]:
    async with stage.database.sessions() as session:
        query = "SELECT args ->> 'name' FROM procrastinate_jobs WHERE args ->> 'name' LIKE 'console:%' ORDER BY id"
        return (await session.execute(text(query))).scalars().all()


async def test_a_boot_and_its_mount_are_written_down_once(stage: Stage) -> None:
    machine = await stage.make()
    booted = told(stage)
    await report(stage, machine.id, MachineReport.read({"boot-stage": f"keys {stage.clock().isoformat()}"}), booted)
    stage.clock.advance(minutes=1)
    await report(stage, machine.id, booted, told(stage, booted=booted.stage_at))
    assert sorted(await events(stage, machine.id)) == [(K.BOOTED, None), (K.MOUNTED, None)]
    assert len(await consoles_asked_for(stage)) == 1


async def test_a_second_boot_is_another_one_also_if_nobody_asked_for_it(stage: Stage) -> None:
    machine = await stage.make()
    await report(stage, machine.id, told(stage))
    stage.clock.advance(hours=2)
    await report(stage, machine.id, told(stage))
    kinds = [kind for kind, _ in await events(stage, machine.id)]
    assert (kinds.count(K.BOOTED), kinds.count(K.MOUNTED)) == (2, 2)


async def test_a_boot_without_the_disk_failed_with_the_machines_reason(stage: Stage) -> None:
    machine = await stage.make()
    failed = told(stage, "failed", mount="unmounted")
    await report(stage, machine.id, failed)
    assert set(await events(stage, machine.id)) == {(K.BOOT_FAILED, "No."), (K.MOUNT_FAILED, "No.")}
    boot = (await past(stage, machine.id)).failed_boot
    assert boot
    assert boot.detail == "No."
    stage.clock.advance(minutes=5)
    await report(stage, machine.id, told(stage, "failed", mount="mounted", booted=failed.stage_at))
    assert (await events(stage, machine.id))[-1][0] is K.MOUNTED
    stage.clock.advance(minutes=5)
    await report(stage, machine.id, told(stage))
    assert (await past(stage, machine.id)).failed_boot is None


@pytest.mark.parametrize("away", [timedelta(days=-400), timedelta(hours=1)])
async def test_a_boot_at_a_time_that_makes_no_sense_is_left_out(stage: Stage, away: timedelta) -> None:
    machine = await stage.make()
    await report(stage, machine.id, told(stage, booted=stage.clock() + away))
    assert await events(stage, machine.id) == []


async def test_a_machine_that_makes_up_boots_gets_few_of_them(stage: Stage) -> None:
    machine = await stage.make()
    for _ in range(30):
        stage.clock.advance(seconds=5)
        await report(stage, machine.id, told(stage))
    kinds = [kind for kind, _ in await events(stage, machine.id)]
    assert kinds.count(K.BOOTED) == reports.MOST_BOOTS_AN_HOUR
    assert len(await consoles_asked_for(stage)) == reports.MOST_BOOTS_AN_HOUR


async def test_what_happened_at_google_is_not_what_the_machine_said(stage: Stage) -> None:
    machine = await stage.make()
    async with stage.database.sessions.begin() as session:
        await observations.observe(stage.context(session), machine.id, Sighting("TERMINATED"), stage.clock())
    stage.clock.advance(minutes=1)
    await report(stage, machine.id, told(stage))
    last = (await past(stage, machine.id)).last_at_google
    assert last
    assert last.kind is K.STOPPED


async def test_all_is_in_one_order_and_ends_where_a_list_was_cut(stage: Stage) -> None:
    machine = await stage.make()
    async with stage.database.sessions.begin() as session:
        for number in range(60):
            at = stage.clock.advance(minutes=1)
            event = MachineEvent(id=f"e{number}", workstation_id=machine.id, kind=K.STOPPED, at=at, by="system")
            session.add(event)
    run = await stage.change(machine.id, disk_size_gb=200)
    found = (await past(stage, machine.id)).entries
    assert found[0].run
    assert found[0].run.id == run.id
    assert [entry.at for entry in found] == sorted((entry.at for entry in found), reverse=True)
    # The run that created it is older than the oldest event that is shown.
    assert sum(entry.run is not None for entry in found) == 1


def line() -> str:
    return asyncssh.generate_private_key("ssh-ed25519", comment="x").export_public_key().decode()


def changes(entries: Sequence[TimelineEntry]) -> list[KeyChange]:
    """The oldest first."""
    return [entry.keys for entry in reversed(entries) if entry.keys]


async def deploy(stage: Stage, workstation_id: str) -> None:
    await stage.carry_out(await stage.pending(workstation_id))
    stage.clock.advance(minutes=1)


async def test_keys_are_put_on_and_taken_off_with_who_and_why(stage: Stage) -> None:
    async with stage.acting("grace") as ctx:
        laptop = (await ssh_keys.add(ctx, "laptop", line())).id
    stage.clock.advance(minutes=1)
    machine = await stage.make()
    async with stage.acting("grace") as ctx:
        await ssh_keys.add(ctx, "desktop", line())
    await deploy(stage, machine.id)
    async with stage.acting("grace") as ctx:
        await ssh_keys.delete(ctx, await ssh_keys.find(ctx.session, ctx.member, laptop))
    await deploy(stage, machine.id)
    found = [
        (each.run.requester_name, each.added, each.removed, each.why)
        for each in changes((await past(stage, machine.id)).entries)
    ]
    assert [(added, removed, why) for _, added, removed, why in found][-2:] == [
        (["desktop"], [], "added SSH key desktop"),
        ([], ["laptop"], "deleted SSH key laptop"),
    ]
    assert "laptop" in found[0][1]
    assert {name for name, *_ in found} == {found[0][0]}


async def test_a_member_who_is_disabled_loses_all_keys_and_the_history_says_by_whom(stage: Stage) -> None:
    machine = await stage.make()
    async with stage.acting("ada") as ctx:
        grace = await members.sign_in(ctx, identity("grace"))
        await access.disable(ctx, grace)
    await deploy(stage, machine.id)
    last = changes((await past(stage, machine.id)).entries)[-1]
    assert (last.added, last.why) == ([], "disabled member grace@example.com")
    assert last.removed
    assert last.run.requester_name.lower().startswith("ada")
