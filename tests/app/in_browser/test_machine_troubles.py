"""Machines with troubles, their history and their serial consoles, as a browser shows them."""

import pytest

from app.models import MachineEvent, MachineEventKind, Workstation
from app.models.machine_report import MachineReport
from app.services.workstations import consoles
from tests.app.in_browser.windows import Windows, problems
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
UNWELL = {
    "mount": "state=mounted volume=/dev/sdb type=ext4 size=100 free=4 boot_size=100 boot_free=9 at= reason=",
    "driver": "broken 6.8.0-1031-gcp",
    "memory": "total=100 available=1 pressure=90.00 kills=0 killed_at= at= killed=",
}
UNMOUNTED = {"mount": "state=unmounted volume=/dev/sdb device=/dev/sdb type=ext4 at= reason=Bad superblock."}


async def reporting(stage: Stage, name: str, report: dict[str, str]) -> str:
    """A machine that reports this, and whose boot failed; returns its ID."""
    machine = await stage.make(name, machine_type="g2-standard-4")
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machine.id)
        row.record_report(MachineReport.read(report), stage.clock())
        boot_id, at, kind = f"boot-{machine.id}", stage.clock(), MachineEventKind.BOOT_FAILED
        session.add(MachineEvent(id=boot_id, workstation_id=machine.id, kind=kind, at=at, detail="Bad superblock."))
        await session.flush()
        output = "[    0.000000] Linux version 6.8.0 " + "x" * 300
        await consoles.keep(stage.context(session), consoles.name_of(machine.id, boot_id), output)
    return machine.id


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, scheme: str, width: int
) -> None:
    unwell = await reporting(stage, "trainer", UNWELL)
    unmounted = await reporting(stage, "without-disk", UNMOUNTED)
    page = await windows.page("grace", color_scheme=scheme, viewport={"width": width, "height": 900})
    found: list[str] = []
    for path in (
        f"/workstations/{unwell}",
        f"/workstations/{unmounted}",
        f"/workstations/{unwell}/console",
        f"/workstations/{unwell}/console?boot=boot-{unwell}",
        "/",
    ):
        await page.goto(path)
        found += await problems(page)
    assert found == []
    # What is wrong takes no room from the name.
    widths = await page.locator(".machine-name").evaluate_all("names => names.map(name => name.offsetWidth)")
    assert min(widths) > 120
