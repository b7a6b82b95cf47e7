"""The admins' list of workstations, and what became of machines at Google, as a browser shows them."""

import pytest

from app.models import BulkVerb, MachineEventKind, Workstation
from app.services.terraform import orphans
from app.services.terraform.orphans import Orphan, OrphanSearch
from app.services.workstations import bulk, observations
from app.services.workstations.observations import Cause, Sighting
from tests.app.in_browser.windows import Windows, problems
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
K = MachineEventKind


async def becomes(stage: Stage, machine: Workstation, google_status: str, kind: MachineEventKind) -> None:
    async with stage.database.sessions.begin() as session:
        ctx = stage.context(session)
        await observations.lead(ctx, "w")
        cause = Cause(f"operation-{machine.id}", kind, stage.clock(), "linus@example.com")
        await observations.observe(ctx, machine.id, Sighting(google_status), stage.clock(), cause)
        await observations.record_answer(session, stage.clock())


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
async def test_the_pages_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, scheme: str, width: int
) -> None:
    preempted = await stage.make("train-1", machine_type="g2-standard-4", spot=True)
    deleted = await stage.make("notes")
    await becomes(stage, preempted, "TERMINATED", K.PREEMPTED)
    await becomes(stage, deleted, "ABSENT", K.DELETED)
    async with stage.acting("ada") as ctx:
        action = await bulk.request(ctx, BulkVerb.STOP, [preempted.id, deleted.id])
        await bulk.request_next(ctx, action.id)
    async with stage.database.sessions.begin() as session:
        orphan = Orphan("projects/p/zones/europe-west4-a/disks/dev-1-lost-home", "lost", "grace", "no such stack")
        await orphans.keep(session, OrphanSearch([orphan], ["busy1"]), stage.clock())
    page = await windows.page("ada", color_scheme=scheme, viewport={"width": width, "height": 900})
    found: list[str] = []
    for path in (
        "/admin/workstations",
        "/admin/workstations?q=color:red",
        "/admin/workstations/actions/all?verb=delete&q=owner:grace",
        f"/admin/workstations/actions/{action.id}",
        "/admin/workstations/orphans",
        f"/workstations/{preempted.id}",
        f"/workstations/{deleted.id}",
    ):
        await page.goto(path)
        found += await problems(page)
    assert found == []
