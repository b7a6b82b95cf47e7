"""The time after which Google stops a machine: part of its creation, and of no later plan."""

import pytest

from app.worker.decide import MACHINE
from tests.emulator.world import World
from tests.emulator_process import EmulatorProcess
from tests.terraform.workstation import Workstation

HOUR = 3600


def scheduling(emulator: EmulatorProcess) -> tuple[int | None, str | None]:
    """The machine's limit in seconds, and what Google does then."""
    [machine] = emulator.objects("google_compute_instance")
    [block] = machine["state"]["scheduling"]
    [limit] = block["max_run_duration"] or [{"seconds": None}]
    return limit["seconds"], block["instance_termination_action"] or None


@pytest.mark.parametrize("spot", [False, True])
def test_a_new_machine_has_the_limit(workstation: Workstation, emulator: EmulatorProcess, spot: bool) -> None:
    workstation.plan(run_limit_hours=72, spot=spot)
    workstation.run("apply", "tfplan")
    assert scheduling(emulator) == (72 * HOUR, "STOP")
    assert workstation.plan() == {}


def test_another_limit_changes_nothing_before_the_machine_is_made_anew(
    workstation: Workstation, emulator: EmulatorProcess
) -> None:
    workstation.plan()
    workstation.run("apply", "tfplan")
    assert scheduling(emulator) == (None, None)
    assert workstation.plan(run_limit_hours=24) == {}

    # As the portal does before a start.
    world = World(emulator)
    [machine] = emulator.objects("google_compute_instance")
    world.operation_done(world.rest(f"{machine['id']}/stop", "POST"))
    limit = {"maxRunDuration": {"seconds": str(24 * HOUR)}, "instanceTerminationAction": "STOP"}
    world.operation_done(emulator.call("POST", f"/compute/v1/{machine['id']}/setScheduling", limit))
    assert scheduling(emulator) == (24 * HOUR, "STOP")
    assert workstation.plan() == {}
    assert workstation.plan(run_limit_hours=0) == {}

    assert workstation.plan(run_limit_hours=48, spot=True)[MACHINE] == ["delete", "create"]
    workstation.run("apply", "tfplan")
    assert scheduling(emulator) == (48 * HOUR, "STOP")
