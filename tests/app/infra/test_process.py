"""Detached steps: real processes, ended, interrupted, killed, and followed by somebody else than who started them."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from app.infra.process import WATCHED, Step

pytestmark = pytest.mark.anyio
ENVIRONMENT = {"PATH": os.environ["PATH"]}


async def nothing() -> None:
    pass


def shell(step: Step, script: str) -> None:
    step.start(["/bin/sh", "-c", script], ENVIRONMENT)


async def recorded(file: Path) -> str:
    async with asyncio.timeout(10):
        while not file.exists() or not file.read_text():
            await asyncio.sleep(0.01)
    return file.read_text()


async def gone(pid: int) -> None:
    """Until that process has ended: a kill takes its moment. Of a zombie nothing but its number is left."""
    command = Path(f"/proc/{pid}/cmdline")
    async with asyncio.timeout(10):
        with suppress(FileNotFoundError, ProcessLookupError):
            while command.read_bytes():
                await asyncio.sleep(0.01)


async def test_output_and_exit_code_are_kept_in_files(tmp_path: Path) -> None:
    step = Step(tmp_path, "plan-1")
    shell(step, "echo told; echo wrong >&2; exit 3")
    assert await step.wait(nothing, 0.05) == 3
    assert step.file("jsonl").read_text() == "told\n"
    assert step.file("err").read_text() == "wrong\n"


async def test_a_step_started_by_a_process_that_is_gone_can_be_followed(tmp_path: Path) -> None:
    starter = (
        "import sys; from pathlib import Path; from app.infra.process import Step;"
        "command = ['/bin/sh', '-c', 'sleep 0.5; echo done; exit 4'];"
        "Step(Path(sys.argv[1]), 'apply-1').start(command, {'PATH': '/usr/bin:/bin'})"
    )
    subprocess.run([sys.executable, "-c", starter, str(tmp_path)], check=True)
    step = Step(tmp_path, "apply-1")
    assert step.is_running()
    assert await step.wait(nothing, 0.05) == 4
    assert step.file("jsonl").read_text() == "done\n"


IGNORING = """
import signal, sys
from pathlib import Path
from app.infra.process import Step
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1})
Step(Path(sys.argv[1]), "apply-1").start(["/bin/sh", "-c", sys.argv[2]], {"PATH": "/usr/bin:/bin"})
"""
"""Starts a step as a worker under `nohup`, or under a careless supervisor, does."""


async def test_a_command_inherits_no_ignored_and_no_blocked_signal(tmp_path: Path) -> None:
    script = "exec grep -E 'Sig(Blk|Ign)' /proc/self/status"
    subprocess.run([sys.executable, "-c", IGNORING, str(tmp_path), script], check=True)
    step = Step(tmp_path, "apply-1")
    assert await step.wait(nothing, 0.05) == 0
    masks = [int(line.split()[1], 16) for line in step.file("jsonl").read_text().splitlines()]
    # Signals 32 and 33 are the C library's own: no program can set them back.
    assert {mask & ~(0b11 << 31) for mask in masks} == {0}


async def test_a_worker_that_ignores_interrupts_still_passes_them_on(tmp_path: Path) -> None:
    script = "trap 'echo told; exit 1' INT; touch up; while true; do sleep 0.05; done"
    subprocess.run([sys.executable, "-c", IGNORING, str(tmp_path), script], check=True)
    step = Step(tmp_path, "apply-1")
    async with asyncio.timeout(10):
        while not (tmp_path / "up").exists():
            await asyncio.sleep(0.01)
    assert step.interrupt()
    assert await step.wait(nothing, 0.05) == 1
    assert step.file("jsonl").read_text() == "told\n"


async def test_however_often_it_is_interrupted_the_command_hears_it_once(tmp_path: Path) -> None:
    step = Step(tmp_path, "apply-1")
    trap = 'n=0; trap "n=\\$((n+1)); echo heard \\$n" INT; echo up;'
    shell(step, trap + " i=0; while [ $i -lt 30 ]; do sleep 0.05; i=$((i+1)); done")
    async with asyncio.timeout(10):
        while "up" not in step.file("jsonl").read_text():
            await asyncio.sleep(0.01)
    for _ in range(5):
        step.interrupt()
        await asyncio.sleep(0.05)
    await step.wait(nothing, 0.05)
    assert step.file("jsonl").read_text() == "up\nheard 1\n"


async def test_a_killed_shim_does_not_end_the_wait_before_the_command(tmp_path: Path) -> None:
    step = Step(tmp_path, "apply-1")
    shell(step, "sleep 0.6; echo late")
    await recorded(step.file("pid"))
    os.kill(int(step.file("sid").read_text().split()[0]), signal.SIGKILL)
    assert await step.wait(nothing, 0.05) is None
    assert step.file("jsonl").read_text() == "late\n"


async def test_what_a_killed_command_leaves_running_is_swept(tmp_path: Path) -> None:
    step = Step(tmp_path, "apply-1")
    shell(step, "sleep 300 & echo $! > left; kill -9 $$")
    assert await step.wait(nothing, 0.05) == -9
    left = Path("/proc", (tmp_path / "left").read_text().strip(), "stat")
    async with asyncio.timeout(10):
        while left.exists() and left.read_text().rpartition(")")[2].split()[0] != "Z":
            await asyncio.sleep(0.01)


async def test_a_pid_that_was_given_to_another_process_is_not_mistaken(tmp_path: Path) -> None:
    step = Step(tmp_path, "apply-1")
    step.file("sid").write_text(f"{os.getpid()} 1")
    step.file("rc").write_text("0")
    assert not step.is_running()


async def test_a_session_number_that_others_have_got_since_is_not_swept(tmp_path: Path) -> None:
    other = subprocess.Popen(["/bin/sleep", "300"], cwd="/", start_new_session=True)
    try:
        step = Step(tmp_path, "apply-1")
        step.file("sid").write_text(f"{other.pid} 1")
        step.file("jsonl").touch()
        assert await step.wait(nothing, 0.05) is None
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


async def test_a_command_that_nobody_watches_is_asked_to_stop_once(tmp_path: Path) -> None:
    watched = tmp_path / WATCHED
    watched.touch()
    long_ago = watched.stat().st_mtime - 60
    os.utime(watched, (long_ago, long_ago))
    step = Step(tmp_path, "apply-1")
    shell(step, "trap 'echo told; exit 1' INT; while true; do sleep 0.05; done")
    assert await step.wait(nothing, 0.05) == 1
    assert step.file("jsonl").read_text() == "told\n"
    assert not step.interrupt()


async def test_after_the_shims_death_the_command_gets_its_interrupt_directly(tmp_path: Path) -> None:
    step = Step(tmp_path, "apply-1")
    shell(step, "trap 'echo told; exit 1' INT; echo ready; while true; do sleep 0.05; done")
    shim = int((await recorded(step.file("sid"))).split()[0])
    await recorded(step.file("pid"))
    while "ready" not in step.file("jsonl").read_text():
        await asyncio.sleep(0.01)
    os.kill(shim, signal.SIGKILL)
    os.waitpid(shim, 0)
    assert step.interrupt()
    await step.wait(nothing, 0.05)
    assert step.file("jsonl").read_text() == "ready\ntold\n"


async def test_killing_ends_the_command_and_what_it_started(tmp_path: Path) -> None:
    step = Step(tmp_path, "apply-1")
    shell(step, "trap '' INT TERM; sleep 60 & echo $! > child; while true; do sleep 0.05; done")
    child = int(await recorded(tmp_path / "child"))
    assert step.kill()
    await step.wait(nothing, 0.05)
    assert not step.is_running()
    assert not step.kill()
    await gone(child)


async def test_nothing_is_started_that_could_not_be_written_down(tmp_path: Path) -> None:
    step = Step(tmp_path, "apply-1")
    (tmp_path / "apply-1.sid.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        shell(step, "touch started")
    (tmp_path / "apply-1.sid.tmp").unlink()
    (tmp_path / "apply-1.rc.tmp").symlink_to("/dev/full")
    shell(step, "touch started")
    assert await step.wait(nothing, 0.05) is None
    assert "No space left" in step.file("err").read_text()
    assert not (tmp_path / "started").exists()
