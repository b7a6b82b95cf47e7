"""Snapshots as a browser shows them: one that is open, and one that no workstation lists."""

import pytest

from app.models import Run, Workstation
from app.services.terraform import orphans
from app.services.terraform.orphans import OrphanSearch, OrphanSnapshot
from tests.app.in_browser.windows import Windows, problems
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
ORPHANS = "/admin/workstations/orphans"


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, scheme: str, width: int
) -> None:
    machine = await stage.make()
    snapshot = await stage.snapshot(machine.id)
    await stage.snapshot(machine.id, storage_bytes=None)
    run = await stage.row(Run, snapshot.run_id)
    lost = OrphanSnapshot(
        f"dev-1-{machine.id}-{run.id}",
        machine.id,
        "grace",
        "dev-1 (running)",
        run.id,
        "europe-west4",
        100,
        5 << 30,
        stage.clock().isoformat(),
    )
    async with stage.database.sessions.begin() as session:
        opened = {"name": snapshot.name, "date": snapshot.date, "size_gb": 100, "disk_type": "pd-balanced"}
        row = await session.get_one(Workstation, machine.id)
        row.set_opened(opened, stage.clock())
        row.moves_itself = True
        await orphans.keep(session, OrphanSearch([], [], [lost]), stage.clock())
    found_there: list[str] = []
    for who, paths in {
        "grace": (f"/workstations/{machine.id}", f"/workstations/{machine.id}/capacity"),
        "ada": (ORPHANS, f"{ORPHANS}/snapshots/{lost.name}/delete"),
    }.items():
        page = await windows.page(who, color_scheme=scheme, viewport={"width": width, "height": 900})
        for path in paths:
            await page.goto(path)
            found_there += await problems(page)

    assert found_there == []
