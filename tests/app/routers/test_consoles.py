"""The serial console and the history of a workstation, as pages and in the API."""

import httpx2
import pytest

from app.models import MachineEvent, MachineEventKind
from app.services.workstations import consoles
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def booted(stage: Stage, kind: MachineEventKind = MachineEventKind.BOOTED, detail: str | None = None) -> str:
    """A machine with one boot, whose console was read; returns its ID."""
    machine = await stage.make()
    async with stage.database.sessions.begin() as session:
        session.add(MachineEvent(id="boot-1", workstation_id=machine.id, kind=kind, at=stage.clock(), detail=detail))
        await session.flush()
        output = "<b>Linux</b> \x1b[1m6.8\r\n"
        await consoles.keep(stage.context(session), consoles.name_of(machine.id, "boot-1"), output)
    return machine.id


async def test_it_is_read_on_demand_and_says_so_meanwhile(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine = await stage.make()
    path = f"/workstations/{machine.id}/console"
    assert f'action="{path}"' in (await grace.get(f"/workstations/{machine.id}")).text
    assert "Not read yet." in (await grace.get(path)).text
    assert (await grace.post(path)).headers["location"] == path
    page = (await grace.get(path)).text
    assert "Reading…" in page
    assert f'hx-sse:connect="/workstations/{machine.id}/events"' in page


async def test_a_boots_console_is_linked_from_the_history(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine_id = await booted(stage)
    page = (await grace.get(f"/workstations/{machine_id}")).text
    path = f"/workstations/{machine_id}/console?boot=boot-1"
    assert f'href="{path}"' in page
    assert "The last boot failed" not in page
    assert "&lt;b&gt;Linux&lt;/b&gt; ^[[1m6.8" in (await grace.get(path)).text


async def test_a_failed_boots_console_is_on_the_machines_page(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine_id = await booted(stage, MachineEventKind.BOOT_FAILED, "Bad superblock.")
    page = (await grace.get(f"/workstations/{machine_id}")).text
    assert "The last boot failed" in page
    assert "Bad superblock." in page
    assert "&lt;b&gt;Linux&lt;/b&gt; ^[[1m6.8" in page


async def test_a_boot_of_another_machine_is_not_found_there(stage: Stage, grace: httpx2.AsyncClient) -> None:
    await booted(stage)
    other = await stage.make("dev-2")
    page = (await grace.get(f"/workstations/{other.id}/console?boot=boot-1")).text
    assert "Linux" not in page
    assert "Only the newest boots keep their console." in page


async def test_the_api_has_the_history_and_the_console(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine_id = await booted(stage, MachineEventKind.BOOT_FAILED, "Bad superblock.")
    path = f"/api/v1/workstations/{machine_id}"
    found = (await grace.get(f"{path}/history")).json()
    boot = next(each for each in found if each["kind"] == "boot_failed")
    assert (boot["detail"], boot["boot_id"], boot["run_id"]) == ("Bad superblock.", "boot-1", None)
    assert {"run", "ssh_keys", "boot_failed"} == {each["kind"] for each in found}
    console = (await grace.get(f"{path}/console?boot=boot-1")).json()
    assert console["text"] == "<b>Linux</b> ^[[1m6.8"
    asked = await grace.post(f"{path}/console")
    assert (asked.status_code, asked.json()["is_requested"], asked.json()["text"]) == (202, True, "")
