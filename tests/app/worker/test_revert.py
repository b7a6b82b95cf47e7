"""A revert of the data disk: decided by a person, with a snapshot of what is there, or not begun."""

import pytest

from app.models import CancelMode, RunStatus, Snapshot, Workstation
from app.services import decisions, runs
from app.services.workstations import disk_reverts
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import DISK, VM, Script, run_of, tells, workstation_of, writes_state
from tests.app.worker.test_power import as_grace
from tests.app.worker.test_snapshot_before_change import QUOTA
from tests.app.worker.test_snapshots import ask, google, machine, rows

__all__ = ["machine"]
pytestmark = pytest.mark.anyio


@pytest.fixture
async def waiting(tools: Tools, script: Script, machine: str) -> str:
    """A revert whose plan has to be decided; returns its run's ID."""
    await execute(tools, await ask(tools, machine))
    script.on(
        "plan",
        "echo plan > tfplan\n" + tells("planned_change", DISK, "replace") + tells("planned_change", VM, "replace"),
    )
    script.on("apply", writes_state(5, disk_gb=100))
    [snapshot] = await rows(tools)
    async with as_grace(tools) as ctx:
        workstation = await ctx.session.get_one(Workstation, machine)
        run_id = (await disk_reverts.request(ctx, workstation, await ctx.session.merge(snapshot))).id
    await execute(tools, run_id)
    return run_id


async def approve(tools: Tools, run_id: str) -> None:
    async with as_grace(tools) as ctx:
        run = await runs.find(ctx.session, ctx.member, run_id)
        await decisions.approve(ctx, run, run.confirmations)


async def test_the_disk_as_it_was_is_kept_and_the_new_one_is_made_from_the_snapshot(
    tools: Tools, waiting: str, machine: str
) -> None:
    [source] = await rows(tools)
    asked = await run_of(tools, waiting)
    await approve(tools, waiting)
    await execute(tools, waiting)
    run = await run_of(tools, waiting)

    assert (asked.status, run.status) == (RunStatus.AWAITING_APPROVAL, RunStatus.APPLIED), run.error
    assert run.inputs["disk_snapshot"] == source.name
    assert {each.name for each in await rows(tools)} == {source.name, f"dev-1-{machine}-{waiting}"}
    assert (await workstation_of(tools, machine)).disk_snapshot is None


async def test_a_revert_whose_snapshot_fails_leaves_nothing_to_make_the_disk_from(
    tools: Tools, script: Script, waiting: str, machine: str
) -> None:
    google(tools).troubles = [QUOTA]
    await approve(tools, waiting)
    before = len(script.calls)
    await execute(tools, waiting)

    assert str(QUOTA) in ((await run_of(tools, waiting)).error or "")
    assert not any(call.startswith("apply") for call in script.calls[before:])
    assert (await workstation_of(tools, machine)).disk_snapshot is None


async def test_a_revert_that_is_being_canceled_is_not_joined(tools: Tools, waiting: str, machine: str) -> None:
    [snapshot] = await rows(tools)
    async with as_grace(tools) as ctx:
        run = await runs.find(ctx.session, ctx.member, waiting)
        run.cancel = CancelMode.UNDO
        workstation = await ctx.session.get_one(Workstation, machine)
        again = await disk_reverts.request(ctx, workstation, await ctx.session.merge(snapshot))
    assert again.id != waiting


async def test_nothing_is_replaced_once_the_snapshot_is_being_deleted(
    tools: Tools, script: Script, waiting: str
) -> None:
    [source] = await rows(tools)
    async with as_grace(tools) as ctx:
        (await ctx.session.get_one(Snapshot, source.id)).delete_requested_at = ctx.now
    await approve(tools, waiting)
    before = len(script.calls)
    await execute(tools, waiting)

    assert (await run_of(tools, waiting)).error == "The snapshot has been deleted, so nothing was changed."
    assert not any(call.startswith("apply") for call in script.calls[before:])
