"""What is wrong with a running machine, on its page, in lists, in the API and in the metrics."""

import httpx2
import pytest

from app.models import Workstation
from app.models.machine_report import MachineReport
from tests.stage import Stage

pytestmark = pytest.mark.anyio
GIB = 1 << 30
WELL = {
    "mount": f"state=mounted volume=/dev/sdb device=/dev/sdb type=ext4 size={100 * GIB} free={50 * GIB} "
    f"boot_size={50 * GIB} boot_free={40 * GIB} at= reason=",
    "driver": "none",
    "memory": f"total={16 * GIB} available={8 * GIB} pressure=0.00 kills=0 killed_at= at= killed=",
}
FULL = WELL["mount"].replace(f" free={50 * GIB}", f" free={4 * GIB}")


async def reporting(stage: Stage, name: str = "dev-1", **told: str) -> str:
    workstation = await stage.make(name)
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, workstation.id)
        row.record_report(MachineReport.read(WELL | told), stage.clock())
    return workstation.id


async def page_of(grace: httpx2.AsyncClient, workstation_id: str) -> str:
    answer = await grace.get(f"/workstations/{workstation_id}")
    assert answer.status_code == 200
    return answer.text


async def test_a_machine_that_is_well_is_not_spoken_of(stage: Stage, grace: httpx2.AsyncClient) -> None:
    page = await page_of(grace, await reporting(stage))
    assert "needs attention" not in page
    assert "8.0 GiB of 16.0 GiB" in page
    assert "tag-bad" not in (await grace.get("/")).text


async def test_a_full_data_disk_is_said_with_a_button_that_leads_to_a_larger_one(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    workstation_id = await reporting(stage, mount=FULL)
    page = await page_of(grace, workstation_id)
    assert "This machine needs attention" in page
    assert "/home/jupyter is 96% full: 4.0 GiB of 100.0 GiB are free." in page
    path = f"/workstations/{workstation_id}/change?disk_size_gb=150"
    assert f'href="{path}"' in page
    assert 'value="150"' in (await grace.get(path)).text
    assert "Disk almost full" in (await grace.get("/")).text


async def test_a_full_boot_disk_is_said_with_the_restart_that_it_takes(stage: Stage, grace: httpx2.AsyncClient) -> None:
    full = WELL["mount"].replace(f"boot_free={40 * GIB}", f"boot_free={5 * GIB}")
    page = await page_of(grace, await reporting(stage, mount=full))
    assert "/ is 90% full" in page
    assert "change?boot_disk_size_gb=" in page
    assert "callout-warn" in page


async def test_a_broken_driver_is_said_with_the_commands_that_mend_it(stage: Stage, grace: httpx2.AsyncClient) -> None:
    page = await page_of(grace, await reporting(stage, driver="broken 6.8.0-1031-gcp"))
    assert "The GPU driver does not work with kernel 6.8.0-1031-gcp" in page
    assert "sudo dkms autoinstall" in page
    assert "Restart machine" in page


async def test_several_troubles_are_one_block(stage: Stage, grace: httpx2.AsyncClient) -> None:
    low = WELL["memory"].replace(f"available={8 * GIB}", "available=1")
    page = await page_of(grace, await reporting(stage, mount=FULL, memory=low, driver="missing"))
    assert page.count("This machine needs attention") == 1
    assert "Memory is almost full: 0.0 GiB of 16.0 GiB are available." in page
    assert "The GPU driver is not installed." in page
    assert "3 problems" in (await grace.get("/")).text


async def test_a_disk_that_is_not_mounted_has_its_own_block_and_a_word_in_the_list(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    page = await page_of(grace, await reporting(stage, mount="state=absent volume=/dev/sdb type= reason=No disk."))
    assert "/home/jupyter is not mounted" in page
    assert "needs attention" not in page
    assert "Data disk not mounted" in (await grace.get("/")).text


async def test_admins_find_machines_by_their_health(
    stage: Stage, ada: httpx2.AsyncClient, grace: httpx2.AsyncClient
) -> None:
    await reporting(stage, "full", mount=FULL)
    await reporting(stage, "well")
    off = await reporting(stage, "off", mount=FULL)
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, off)).become_stopped()
    page = (await ada.get("/admin/workstations?q=health:bad")).text
    assert "<strong>full</strong>" in page
    assert "Disk almost full" in page
    assert "<strong>well</strong>" not in page
    assert "<strong>off</strong>" not in page
    assert "<strong>well</strong>" in (await ada.get("/admin/workstations?q=health:ok")).text
    assert "There is no health poorly." in (await ada.get("/admin/workstations?q=health:poorly")).text


async def test_the_api_says_each_finding(stage: Stage, grace: httpx2.AsyncClient) -> None:
    workstation_id = await reporting(stage, mount=FULL)
    answer = (await grace.get(f"/api/v1/workstations/{workstation_id}")).json()
    assert answer["health"]["level"] == "bad"
    assert answer["health"]["findings"][1] == {
        "check": "home_disk",
        "level": "bad",
        "message": "/home/jupyter is 96% full: 4.0 GiB of 100.0 GiB are free.",
    }
    assert answer["machine"]["memory"]["available_bytes"] == 8 * GIB


async def test_nothing_is_known_of_a_machine_that_does_not_run(stage: Stage, grace: httpx2.AsyncClient) -> None:
    workstation_id = await reporting(stage, mount=FULL)
    async with stage.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).become_stopped()
    answer = (await grace.get(f"/api/v1/workstations/{workstation_id}")).json()
    assert answer["health"] == {"level": "unknown", "checked_at": None, "findings": []}
    assert "needs attention" not in await page_of(grace, workstation_id)


async def test_the_metrics_count_running_machines_by_health(stage: Stage, client: httpx2.AsyncClient) -> None:
    await reporting(stage, "full", mount=FULL)
    await reporting(stage, "well")
    lines = (await client.get("/metrics")).text.splitlines()
    assert 'stationmaster_machines_health{level="bad"} 1.0' in lines
    assert 'stationmaster_machines_health{level="ok"} 1.0' in lines
    assert 'stationmaster_machines_health{level="warn"} 0.0' in lines
