"""The worker reads serial consoles: when a boot has ended, when it has not, and when somebody asks."""

from dataclasses import replace

import pytest
from google.api_core.exceptions import BadRequest, ServiceUnavailable
from sqlalchemy import select, text

from app.models import Inspection, MachineEvent, MachineEventKind, RunStatus
from app.services.workstations import consoles
from app.services.workstations.consoles import Console
from app.worker.claim import Tools
from app.worker.execute import execute
from app.worker.inspections import take
from tests.app.worker.scripted import PromptCompute, Script, ask_destroy, provisioned, run_of, spec, writes_state

pytestmark = pytest.mark.anyio


class Printing(PromptCompute):
    """A machine with a serial console."""

    console: str | Exception = "\x1b[0mbooted\r\n"
    reads = 0

    async def serial_console(self, zone: str, instance: str) -> str:
        self.reads += 1
        if isinstance(self.console, Exception):
            raise self.console
        return self.console


@pytest.fixture
def compute(tools: Tools) -> Printing:
    compute = Printing(tools.settings)
    # The tools are frozen; the fixture's owner may still say what is in them.
    object.__setattr__(tools, "compute", compute)
    return compute


async def take_what_is_asked_for(tools: Tools) -> None:
    """As the job queue has it."""
    async with tools.database.sessions() as session:
        query = "SELECT args ->> 'name' FROM procrastinate_jobs WHERE args ->> 'name' LIKE 'console:%'"
        names = (await session.execute(text(query))).scalars().all()
    for name in names:
        await take(tools, name)


async def console_of(tools: Tools, workstation_id: str, boot_id: str = "") -> Console | None:
    async with tools.database.sessions() as session:
        return await consoles.read(session, workstation_id, boot_id)


async def boots(tools: Tools, workstation_id: str) -> list[MachineEvent]:
    async with tools.database.sessions() as session:
        query = select(MachineEvent).where(MachineEvent.workstation_id == workstation_id)
        return [each for each in await session.scalars(query) if each.kind.is_boot]


async def test_a_boot_is_read_once(tools: Tools, script: Script, compute: Printing) -> None:
    compute.told["boot-stage"] = f"ready {tools.clock().isoformat()}"
    workstation_id = await provisioned(tools, script)
    await take_what_is_asked_for(tools)
    [boot] = await boots(tools, workstation_id)
    console = await console_of(tools, workstation_id, boot.id)
    assert boot.kind is MachineEventKind.BOOTED
    assert console
    assert (console.text, compute.reads) == ("^[[0mbooted", 1)


async def test_a_boot_that_does_not_come_to_its_end_is_read_as_well(
    tools: Tools, script: Script, compute: Printing
) -> None:
    tools = replace(tools, settings=tools.settings.model_copy(update={"boot_timeout": 1}))
    compute.booting, compute.console = True, "Kernel panic - not syncing\r\n"
    script.on("apply", writes_state(3))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.ERRORED
    await take_what_is_asked_for(tools)
    [boot] = await boots(tools, workstation_id)
    console = await console_of(tools, workstation_id, boot.id)
    assert boot.kind is MachineEventKind.BOOT_FAILED
    assert console
    assert console.text == "Kernel panic - not syncing"


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (BadRequest("The resource 'projects/p/instances/i' is not ready"), "of running machines only"),
        (ServiceUnavailable("projects/p: no permission"), "did not return the serial console"),
    ],
)
async def test_a_console_that_google_does_not_return_is_said_without_googles_words(
    tools: Tools, script: Script, compute: Printing, refusal: Exception, said: str
) -> None:
    workstation_id = await provisioned(tools, script)
    compute.console = refusal
    async with tools.database.sessions.begin() as session:
        await consoles.request(session, workstation_id)
    await take_what_is_asked_for(tools)
    console = await console_of(tools, workstation_id)
    assert console
    assert console.problem
    assert said in console.problem
    assert "projects/" not in console.problem


async def test_a_machine_that_is_deleted_takes_its_consoles_along(
    tools: Tools, script: Script, compute: Printing
) -> None:
    compute.told["boot-stage"] = f"ready {tools.clock().isoformat()}"
    workstation_id = await provisioned(tools, script)
    await take_what_is_asked_for(tools)
    [boot] = await boots(tools, workstation_id)
    assert await console_of(tools, workstation_id, boot.id)
    script.on("plan", "true")
    script.on("apply", "")
    await execute(tools, await ask_destroy(tools, workstation_id))
    await take_what_is_asked_for(tools)
    assert await console_of(tools, workstation_id, boot.id) is None


async def test_a_machine_that_does_not_exist_any_more_is_passed_over(tools: Tools) -> None:
    await take(tools, consoles.name_of("nobody"))
    async with tools.database.sessions() as session:
        assert not list(await session.scalars(select(Inspection)))
