"""The look at what running machines say: how often, and what becomes of it."""

from dataclasses import replace

import pytest
from google.auth.exceptions import DefaultCredentialsError

from app.models import Workstation
from app.models.machine_health import Aspect, Level
from app.worker.claim import Tools
from app.worker.execute import execute
from app.worker.watch import Watch
from tests.app.worker.scripted import PromptCompute, Script, ask_destroy, provisioned, workstation_of
from tests.app.worker.test_readiness import ANOTHER, UNMOUNTED
from tests.parts import MovingClock
from tests.portal_process import free_port

pytestmark = pytest.mark.anyio


class Asked(PromptCompute):
    """Counts how often it was asked, and can be out of reach."""

    asked = 0
    is_away = False

    async def guest_attributes(self, zone: str, instance: str) -> dict[str, str]:
        self.asked += 1
        if self.is_away:
            raise DefaultCredentialsError("no credentials")
        return self.told


def without_ssh(tools: Tools) -> Tools:
    """A worker for which no SSH server answers."""
    return replace(tools, settings=tools.settings.model_copy(update={"ssh_port": free_port()}))


def ssh_of(workstation: Workstation) -> Level:
    return next(each.level for each in workstation.health.findings if each.check is Aspect.SSH)


@pytest.fixture
def compute(tools: Tools) -> Asked:
    compute = Asked(tools.settings)
    # The tools are frozen; the fixture's owner may still say what is in them.
    object.__setattr__(tools, "compute", compute)
    return compute


async def test_a_machine_that_is_well_is_asked_every_minute(
    tools: Tools, script: Script, compute: Asked, clock: MovingClock
) -> None:
    workstation_id = await provisioned(tools, script)
    compute.asked = 0
    await Watch(tools).observe()
    clock.advance(seconds=30)
    await Watch(tools).observe()
    assert compute.asked == 0
    clock.advance(seconds=31)
    compute.told["mount"] = compute.told["mount"].replace("free=60", "free=20")
    await Watch(tools).observe()
    await Watch(tools).observe()
    assert compute.asked == 1
    workstation = await workstation_of(tools, workstation_id)
    assert workstation.machine.mount
    assert (workstation.machine.mount.free_bytes, workstation.reported_at) == (20, clock())


async def test_a_machine_that_is_being_mended_is_asked_often_and_its_new_keys_are_pinned(
    tools: Tools, script: Script, compute: Asked, clock: MovingClock
) -> None:
    good = compute.told["mount"]
    compute.told |= {"mount": UNMOUNTED, "boot-stage": "failed 2026-01-05T12:00:00.000Z"}
    workstation_id = await provisioned(tools, script)
    assert (await workstation_of(tools, workstation_id)).is_without_disk
    clock.advance(seconds=6)
    compute.told |= {"mount": good, "hostkeys-ssh-ed25519": ANOTHER}
    await Watch(tools).observe()
    workstation = await workstation_of(tools, workstation_id)
    assert not workstation.is_without_disk
    assert workstation.host_keys == {"ssh-ed25519": ANOTHER}


async def test_keys_of_a_boot_that_goes_on_are_not_pinned_yet(
    tools: Tools, script: Script, compute: Asked, clock: MovingClock
) -> None:
    workstation_id = await provisioned(tools, script)
    pinned = (await workstation_of(tools, workstation_id)).host_keys
    clock.advance(seconds=61)
    compute.told |= {"boot-stage": "keys 2026-01-05T13:00:00.000Z", "hostkeys-ssh-ed25519": ANOTHER}
    await Watch(tools).observe()
    assert (await workstation_of(tools, workstation_id)).host_keys == pinned


async def test_google_being_away_changes_nothing(
    tools: Tools, script: Script, compute: Asked, clock: MovingClock
) -> None:
    workstation_id = await provisioned(tools, script)
    before = (await workstation_of(tools, workstation_id)).report
    clock.advance(seconds=61)
    compute.is_away = True
    await Watch(tools).observe()
    assert (await workstation_of(tools, workstation_id)).report == before


async def test_ssh_that_stops_to_answer_is_bad_after_two_minutes_and_well_again_at_once(
    tools: Tools, script: Script, compute: Asked, clock: MovingClock
) -> None:
    workstation_id = await provisioned(tools, script)
    clock.advance(seconds=61)
    await Watch(tools).observe()
    assert ssh_of(await workstation_of(tools, workstation_id)) is Level.OK
    for minutes, level in enumerate([Level.UNKNOWN, Level.UNKNOWN, Level.BAD]):
        clock.advance(seconds=61)
        await Watch(without_ssh(tools)).observe()
        assert ssh_of(await workstation_of(tools, workstation_id)) is level, minutes
    assert (await workstation_of(tools, workstation_id)).health_level is Level.BAD
    clock.advance(seconds=61)
    await Watch(tools).observe()
    workstation = await workstation_of(tools, workstation_id)
    assert (ssh_of(workstation), workstation.unreachable_since) == (Level.OK, None)


async def test_a_worker_that_never_reached_a_machine_does_not_say_that_it_is_away(
    tools: Tools, script: Script, compute: Asked, clock: MovingClock
) -> None:
    workstation_id = await provisioned(tools, script)
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).reached_at = None
    for _ in range(5):
        clock.advance(seconds=61)
        await Watch(without_ssh(tools)).observe()
    assert ssh_of(await workstation_of(tools, workstation_id)) is Level.UNKNOWN


async def test_a_machine_without_an_address_is_not_probed(
    tools: Tools, script: Script, compute: Asked, clock: MovingClock
) -> None:
    workstation_id = await provisioned(tools, script)
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).address = None
    ready_at = tools.clock()
    clock.advance(seconds=61)
    await Watch(tools).observe()
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.probed_at, ssh_of(workstation)) == (ready_at, Level.UNKNOWN)


async def test_a_machine_that_stops_to_report_is_silent_but_not_because_google_is_away(
    tools: Tools, script: Script, compute: Asked, clock: MovingClock
) -> None:
    compute.told["mount"] = compute.told["mount"].replace("at=", f"at={clock().isoformat()}")
    workstation_id = await provisioned(tools, script)
    compute.is_away = True
    clock.advance(minutes=10)
    await Watch(tools).observe()
    assert (await workstation_of(tools, workstation_id)).health_level is not Level.BAD
    compute.is_away = False
    clock.advance(seconds=61)
    await Watch(tools).observe()
    workstation = await workstation_of(tools, workstation_id)
    assert [each.check for each in workstation.health.troubles] == [Aspect.REPORTS]


async def test_a_stop_forgets_what_was_wrong(tools: Tools, script: Script, compute: Asked, clock: MovingClock) -> None:
    compute.told["driver"] = "broken 6.8.0"
    workstation_id = await provisioned(tools, script)
    assert (await workstation_of(tools, workstation_id)).health_level is Level.BAD
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Workstation, workstation_id)).observe("TERMINATED", clock())
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.health_level, workstation.health.findings) == (Level.UNKNOWN, ())


async def test_what_does_not_run_is_not_asked(tools: Tools, script: Script, compute: Asked, clock: MovingClock) -> None:
    workstation_id = await provisioned(tools, script)
    script.on("plan", "true")
    script.on("apply", "")
    await execute(tools, await ask_destroy(tools, workstation_id))
    clock.advance(seconds=61)
    compute.asked = 0
    await Watch(tools).observe()
    assert compute.asked == 0
