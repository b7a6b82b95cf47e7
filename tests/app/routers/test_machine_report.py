"""What the workstation's page and the API show of what the machine says of itself."""

import re

import httpx2
import pytest

from app.models import Workstation
from app.models.machine_report import MachineReport
from tests.clients import create, run_of
from tests.stage import Stage
from tests.steps import HOST_KEYS

pytestmark = pytest.mark.anyio
AT = "2026-03-02T09:29:00.000Z"
VOLUME = "/dev/disk/by-id/google-home"
MOUNTED = (
    f"state=mounted volume={VOLUME}-part1 device=/dev/sdb1 type=ext4 size=107374182400 free=42949672960 "
    f"boot_size=53687091200 boot_free=1073741824 at={AT} reason="
)
TROUBLE = "cannot be mounted. <b>Its file system</b> may want e2fsck."


async def running(stage: Stage, grace: httpx2.AsyncClient, **told: str) -> tuple[str, str]:
    """A machine that says so; returns its id and its page."""
    workstation = await stage.make()
    attributes = {"boot-stage": f"ready {AT}", "hostkeys-ssh-ed25519": HOST_KEYS["ssh-ed25519"]}
    report = MachineReport.read({**attributes, **{key.replace("_", "-"): value for key, value in told.items()}})
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation.id)).record_report(report, stage.clock())
    return workstation.id, (await grace.get(f"/workstations/{workstation.id}")).text


async def test_the_page_shows_mount_space_driver_and_boot(stage: Stage, grace: httpx2.AsyncClient) -> None:
    _, page = await running(stage, grace, mount=MOUNTED, driver="ok 580.95.05")
    for shown in (
        "Mounted from",
        "/dev/sdb1",
        "(ext4)",
        "40.0 GiB of 100.0 GiB",
        "1.0 GiB of 50.0 GiB",
        "580.95.05",
        "Ready,",
        AT[:19],
    ):
        assert shown in page
    assert "is not mounted" not in page


async def test_a_disk_that_is_not_mounted_leads_to_the_commands_for_this_machine(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    mount = f"state=unmounted volume={VOLUME}-part1 device=/dev/sdb1 type=ext4 size= free= at={AT} reason={TROUBLE}"
    _, page = await running(stage, grace, mount=mount, boot_stage=f"failed {AT}")
    assert "/home/jupyter is not mounted" in page
    assert f"sudo mount {VOLUME}-part1 /home/jupyter" in page
    assert f"sudo e2fsck -f {VOLUME}-part1" in page
    assert "&lt;b&gt;Its file system&lt;/b&gt;" in page


async def test_a_disk_with_something_else_on_it_is_looked_at_and_not_mounted(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    _, page = await running(stage, grace, mount=f"state=unmounted volume={VOLUME} device=/dev/sdb type=xfs reason=No.")
    assert f"sudo wipefs --no-act {VOLUME}" in page
    assert "sudo mount" not in page


async def test_the_dashboard_says_that_a_disk_is_not_mounted(stage: Stage, grace: httpx2.AsyncClient) -> None:
    await running(stage, grace, mount=f"state=absent volume={VOLUME} type= reason=No.")
    assert "The data disk of dev-1 is not mounted" in (await grace.get("/")).text


async def test_a_disk_that_is_not_there_is_attached_by_restoring_the_settings(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    workstation_id, page = await running(
        stage, grace, mount=f"state=absent volume={VOLUME} type= reason=Is it attached?"
    )
    assert "Is it attached?" in page
    assert f'action="/workstations/{workstation_id}/restore"' in page
    assert "sudo mount" not in page


async def test_a_machine_that_has_said_nothing_gets_the_general_help(stage: Stage, grace: httpx2.AsyncClient) -> None:
    workstation_id = await create(grace)
    await stage.carry_out(await run_of(grace, workstation_id))
    page = (await grace.get(f"/workstations/{workstation_id}")).text
    assert "No report yet" in page
    assert f"sudo mount {VOLUME} /home/jupyter" in page


async def test_a_missing_driver_is_said(stage: Stage, grace: httpx2.AsyncClient) -> None:
    _, page = await running(stage, grace, mount=MOUNTED, driver="missing")
    assert "Not installed yet" in page


@pytest.mark.parametrize(
    ("told", "chosen", "shown"),
    [
        ("boot", False, "On the boot disk"),
        ("boot", True, "On the boot disk, and on the data disk from the next start"),
        ("data grace", True, "On the data disk"),
        ("data grace", False, "On the data disk, and on the boot disk from the next start"),
        ("boot It is <b>full</b>.", True, "On the boot disk. It is &lt;b&gt;full&lt;/b&gt;."),
    ],
)
async def test_the_page_says_where_the_home_folder_is(
    stage: Stage, grace: httpx2.AsyncClient, told: str, *, chosen: bool, shown: str
) -> None:
    machine_id, _ = await running(stage, grace, home=told)
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, machine_id)).home_on_data_disk = chosen
    page = (await grace.get(f"/workstations/{machine_id}")).text
    found = re.findall(r"<dt[^>]*>Home folder</dt>\s*<dd[^>]*>(.*?)</dd>", page, re.DOTALL)
    assert [" ".join(each.split()) for each in found] == [shown]
    assert ("is on it, too" in page) is (shown == "On the data disk")
