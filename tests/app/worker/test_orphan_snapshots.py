"""Snapshots at Google that no workstation lists: found, shown with their price, and deleted."""

from datetime import timedelta

import pytest

from app.errors import NotFoundError
from app.infra.ownership import STACK_LABEL
from app.infra.snapshots import StoredSnapshot
from app.models import CancelMode, Run, RunStatus
from app.services.terraform import orphans
from app.services.terraform.orphans import OrphanSnapshot
from app.services.workstations import orphan_snapshots
from app.worker import claim as claims
from app.worker import inspections, periodic
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import PRESSED, PromptCompute, interrupt, run_of
from tests.app.worker.test_power import as_grace
from tests.app.worker.test_snapshots import ask, google, machine, rows

__all__ = ["machine"]
pytestmark = pytest.mark.anyio


async def found(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> list[OrphanSnapshot]:
    """What the page has after a search."""

    async def nothing(self: PromptCompute, label: str) -> list[object]:
        return []

    monkeypatch.setattr(PromptCompute, "labelled", nothing)
    await inspections.take(tools, orphans.INSPECTION)
    async with tools.database.sessions() as session:
        known = await orphans.read(session)
    assert known
    return known.snapshots


async def lost_and_canceled(tools: Tools, machine: str) -> str:
    """A worker dies while Google takes a snapshot, and its run is canceled before another one takes over."""
    run_id = await ask(tools, machine)
    claim = await claims.take(tools, run_id)
    assert claim
    async with claim.writing() as (_, run):
        run.begin_apply(tools.clock())
    name = f"dev-1-{machine}-{run_id}"
    labels = {STACK_LABEL: machine, "stationmaster-owner": "grace"}
    google(tools).stored[name] = StoredSnapshot(name, True, PRESSED, 100, 10 << 30, labels, "europe-west4")
    await interrupt(tools, run_id)
    async with as_grace(tools) as ctx:
        run = await ctx.session.get_one(Run, run_id)
        run.cancel, run.cancel_at = CancelMode.UNDO, ctx.now
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.CANCELED
    return name


async def test_one_whose_run_was_lost_and_canceled_is_found_priced_and_deleted(
    tools: Tools, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await lost_and_canceled(tools, machine)
    assert await rows(tools) == []
    [orphan] = await found(tools, monkeypatch)
    assert (orphan.name, orphan.owner, orphan.belongs_to) == (name, "grace", "dev-1 (running)")
    price = orphan_snapshots.usd_a_month(orphan, tools.catalog)
    # 10 GB at $0.053.
    assert f"{price:.2f}" == "0.53"

    async with as_grace(tools) as ctx:
        await orphan_snapshots.delete(ctx, name)
    assert await found(tools, monkeypatch) == []
    google(tools).troubles = [ConnectionResetError("lost")]
    await periodic.do(tools)
    assert name in google(tools).stored
    await periodic.do(tools)
    assert google(tools).stored == {}
    assert await rows(tools) == []


async def test_one_that_is_listed_being_taken_or_somebody_elses_is_none(
    tools: Tools, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await execute(tools, await ask(tools, machine))
    assert await found(tools, monkeypatch) == []
    labels = {STACK_LABEL: "nosuch"}
    google(tools).stored["other"] = StoredSnapshot("other", True, PRESSED - timedelta(days=1), 100, None, labels)
    [orphan] = await found(tools, monkeypatch)
    assert (orphan.name, orphan.belongs_to, orphan.run_id) == ("other", "no such stack", "")
    assert orphan_snapshots.usd_a_month(orphan, tools.catalog) is None
    async with as_grace(tools) as ctx:
        # Another portal's, maybe.
        with pytest.raises(NotFoundError):
            await orphan_snapshots.delete(ctx, "other")

    del google(tools).stored["other"]
    run_id = await ask(tools, machine)
    assert await claims.take(tools, run_id)
    name = f"dev-1-{machine}-{run_id}"
    google(tools).stored[name] = StoredSnapshot(name, True, PRESSED, 100, 5, {STACK_LABEL: machine})
    assert await found(tools, monkeypatch) == []
