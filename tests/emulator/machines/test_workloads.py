"""What a machine is made to do, as its own agent measures it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.models.activity import Activity
from tests.emulator.machines.ssh import Key, Ssh, make_key
from tests.emulator.world import World, nat_ip, until

PATIENCE_S = 200.0
"""Where a computer has much to do, the agent needs a whole minute or two: it measures at the end of each."""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return make_key(tmp_path_factory.mktemp("laptop") / "id_ed25519")


def booted(world: World, name: str, key: Key, **state: str) -> str:
    instance = world.workstation(name, key.public, world.disk(f"{name}-home", size=20), **state)
    world.boot_report(instance)
    return instance


def works(world: World, workload: str, name: str) -> None:
    world.emulator.call("POST", "/_emulator/faults", {"preset": workload, "id": f"/{name}$"})


def seen(world: World, instance: str, is_so: Callable[[Activity], object] = lambda _: True) -> Activity:
    """The agent's record, once it is so."""

    def found() -> Activity | None:
        record = activity(world, instance)
        return record if record and is_so(record) else None

    record = until(found, PATIENCE_S)
    assert record
    return record


def activity(world: World, instance: str) -> Activity | None:
    return Activity.parse(world.boot_report(instance).get("activity", ""))


def test_a_training_is_measured_with_its_process(world: World, key: Key) -> None:
    instance = booted(world, "trains", key, machine_type="g2-standard-8")
    works(world, "train", "trains")

    found = seen(
        world, instance, lambda record: record.gpu_processes and record.gpu_processes[0][0].use == 97 and record.cpu
    )
    [(gpu, process)] = found.gpu_processes
    assert (gpu.memory_used, process.name) == (18_000 << 20, "python3")
    assert 6 * 3600 <= (process.age or 0) < 7 * 3600
    assert 30 < (found.cpu or 0) < 45
    assert found.busiest
    assert found.busiest.name == "python3"


def test_a_machine_at_rest_has_no_jobs_and_no_gpu(world: World, key: Key) -> None:
    instance = booted(world, "rests", key)
    works(world, "rest", "rests")
    found = seen(world, instance)
    assert (found.gpus, found.multiplexers, found.kernels, found.logins) == ((), (), 0, ())


def jobs(world: World, instance: str) -> list[str | None]:
    found = activity(world, instance)
    return [each.job for each in (found.multiplexers if found else None) or () if each]


def test_a_job_in_tmux_and_a_download_are_seen(world: World, key: Key) -> None:
    instance = booted(world, "busy", key)
    works(world, "tmux-job", "busy")
    assert until(lambda: jobs(world, instance), PATIENCE_S) == ["preprocess"]
    works(world, "download", "busy")
    seen(world, instance, lambda record: (record.received or 0) > 10_000_000)


def test_whoever_is_logged_in_is_seen_with_an_idle_time(world: World, key: Key, tmp_path: Path) -> None:
    instance = booted(world, "visited", key)
    host_key = world.boot_report(instance)["hostkeys-ssh-ed25519"]
    ssh = Ssh(nat_ip(world.read("google_compute_instance", instance)), host_key, key, tmp_path)
    with subprocess.Popen(
        ssh.command("while sleep 2; do kill -USR1 $(cat /home/.machine/run/agent/pid); done"), stdin=subprocess.PIPE
    ) as session:
        try:
            found = seen(world, instance, lambda record: record.logins)
        finally:
            session.kill()
    assert [each.user for each in found.logins or () if each] == ["grace"]


def test_an_agent_that_lies_is_no_record(world: World, key: Key) -> None:
    instance = booted(world, "lies", key)
    works(world, "rest", "lies")
    seen(world, instance)
    works(world, "lie", "lies")
    assert "tomorrow" in world.boot_report(instance)["activity"]
    assert activity(world, instance) is None
