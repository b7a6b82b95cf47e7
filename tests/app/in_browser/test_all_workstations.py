"""The admins' list of workstations, and what became of machines at Google, as a browser shows them."""

import pytest

from app.models import MachineEventKind, Workstation
from app.services.workstations import observations
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
    page = await windows.page("ada", color_scheme=scheme, viewport={"width": width, "height": 900})
    found: list[str] = []
    for path in (
        "/admin/workstations",
        "/admin/workstations?q=color:red",
        f"/workstations/{preempted.id}",
        f"/workstations/{deleted.id}",
    ):
        await page.goto(path)
        found += await problems(page)
    assert found == []
