"""When a machine counts as running: it says that it has booted, and SSH answers with the host key that it told of."""

import socket
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.models import RunStatus, WorkstationStatus
from app.models.machine_report import MountState
from app.worker.claim import Tools
from app.worker.execute import execute
from app.worker.readiness import report_of
from tests.app.worker.scripted import (
    HOST_KEYS,
    READY,
    PromptCompute,
    Script,
    log_of,
    run_of,
    spec,
    workstation_of,
    writes_state,
)

pytestmark = pytest.mark.anyio
DISK = "/dev/disk/by-id/google-home"
UNMOUNTED = f"state=unmounted volume={DISK} device=/dev/sdb type=ext4 size= free= at= reason=Bad superblock."
ANOTHER = "AAAAC3NzaC1lZDI1NTE5AAAAIJz1Qn8uFTb9bX0p0Y0n1p0sXQ0v8Q7Yl6m0f0l3c1aB"


def telling(tools: Tools, **told: str) -> tuple[Tools, PromptCompute]:
    """A machine that says something else; it has two seconds to arrive."""
    compute = PromptCompute(tools.settings)
    compute.told |= {key.replace("_", "-"): value for key, value in told.items()}
    return replace(tools, compute=compute, settings=tools.settings.model_copy(update={"boot_timeout": 2})), compute


async def run_to_the_end(tools: Tools, script: Script) -> tuple[str, str]:
    script.on("apply", writes_state(3))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    return workstation_id, run_id


async def test_a_machine_that_arrives_is_running_with_what_it_says(tools: Tools, script: Script) -> None:
    workstation_id, run_id = await run_to_the_end(tools, script)
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.status, workstation.host_keys) == (WorkstationStatus.RUNNING, HOST_KEYS)
    assert workstation.report == READY
    assert workstation.reported_at == workstation.reached_at == tools.clock()
    assert "cannot reach" not in await log_of(tools, run_id)


async def test_a_machine_without_its_disk_runs_and_the_log_says_why(tools: Tools, script: Script) -> None:
    tools, _ = telling(tools, boot_stage="failed 2026-01-05T12:00:00.000Z", mount=UNMOUNTED)
    workstation_id, run_id = await run_to_the_end(tools, script)
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.status, workstation.is_without_disk) == (WorkstationStatus.RUNNING, True)
    assert "booted with errors. Bad superblock." in await log_of(tools, run_id)


async def test_a_machine_that_answers_with_another_key_never_runs(tools: Tools, script: Script) -> None:
    tools, _ = telling(tools, **{"hostkeys-ssh-ed25519": ANOTHER})
    workstation_id, run_id = await run_to_the_end(tools, script)
    run = await run_of(tools, run_id)
    assert run.status is RunStatus.ERRORED
    assert "presented an unexpected host key" in (run.error or "")
    assert (await workstation_of(tools, workstation_id)).status is WorkstationStatus.FAILED


async def test_a_machine_behind_a_firewall_runs_on_its_word_and_the_log_says_so(
    tools: Tools, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.worker.readiness.SILENCE_SECONDS", 0.1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        tools = replace(tools, settings=tools.settings.model_copy(update={"ssh_port": port}))
        workstation_id, run_id = await run_to_the_end(tools, script)
    workstation = await workstation_of(tools, workstation_id)
    assert (workstation.status, workstation.reached_at) == (WorkstationStatus.RUNNING, None)
    assert f"cannot reach 127.70.1.2 port {port}" in await log_of(tools, run_id)


async def test_a_machine_that_never_answers_in_time_fails(tools: Tools, script: Script) -> None:
    tools, _ = telling(tools)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        _, run_id = await run_to_the_end(
            replace(tools, settings=tools.settings.model_copy(update={"ssh_port": port})), script
        )
    assert "did not answer by SSH" in ((await run_of(tools, run_id)).error or "")


@pytest.mark.parametrize("stage", ["disk 2026-01-05T12:00:00.000Z", "keys 2026-01-05T12:00:00.000Z", "nonsense"])
async def test_a_boot_that_does_not_end_fails(tools: Tools, script: Script, stage: str) -> None:
    tools, _ = telling(tools, boot_stage=stage)
    _, run_id = await run_to_the_end(tools, script)
    assert "did not report that it has booted" in ((await run_of(tools, run_id)).error or "")


async def test_what_was_said_before_the_last_start_does_not_count(tools: Tools) -> None:
    _, compute = telling(tools)
    compute.started_at = datetime(2026, 1, 5, 11, 59, 59, tzinfo=UTC)
    assert (await report_of(compute, "z", "i")).has_booted
    compute.started_at = datetime(2026, 1, 5, 12, 0, 5, tzinfo=UTC)
    report = await report_of(compute, "z", "i")
    assert (report.has_booted, report.attributes) == (False, {})


def test_the_mount_states_are_those_of_the_script() -> None:
    assert set(MountState) == {"mounted", "unmounted", "absent"}
