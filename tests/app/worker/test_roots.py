"""Roots: initialised once a host, by whoever of its workers is first, with the same provider everywhere."""

import asyncio
from pathlib import Path

import pytest

from app.config import Settings
from app.db import Database
from app.errors import ConfigurationError
from app.models import Root
from app.worker.roots import Roots
from tests.app.worker.scripted import Script
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio
BOTH_AT_ONCE = """
touch {folder}/here-$$
n=0; while [ $(ls {folder} | grep -c here-) -lt 2 ] && [ $n -lt 200 ]; do sleep 0.05; n=$((n+1)); done
"""


async def test_two_workers_of_a_host_may_initialise_at_once(
    worker_settings: Settings, database: Database, clock: MovingClock, script: Script
) -> None:
    script.on("init", BOTH_AT_ONCE.format(folder=script.folder))
    workers = [Roots(worker_settings, database, clock) for _ in range(2)]
    one, other = await asyncio.gather(*(roots.ready(Root.WORKSTATION) for roots in workers))
    assert one == other
    assert (one / "main.tf").exists()
    assert [folder.name for folder in one.parent.parent.iterdir()] == [one.parent.name]


async def test_it_is_initialised_once_and_again_when_its_files_change(
    worker_settings: Settings, database: Database, clock: MovingClock, script: Script, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    script.on("init", f"echo once >> {count}")
    first = await Roots(worker_settings, database, clock).ready(Root.WORKSTATION)
    assert await Roots(worker_settings, database, clock).ready(Root.WORKSTATION) == first
    (worker_settings.terraform_dir / "workstation" / "main.tf").write_text("# something")
    assert await Roots(worker_settings, database, clock).ready(Root.WORKSTATION) != first
    assert count.read_text().split() == ["once", "once"]


async def test_the_folders_of_a_module_come_with_it_but_for_its_tests(
    worker_settings: Settings, database: Database, clock: MovingClock
) -> None:
    module = worker_settings.terraform_dir / "modules" / "mlflow"
    for name in ("main.tf", "server/serve.sh", "server/__pycache__/a.pyc", "tests/a.tftest.hcl", ".terraform/lock/b"):
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text("# something")
    ready = (await Roots(worker_settings, database, clock).ready(Root.WORKSTATION)).parent / "modules" / "mlflow"
    files = {str(file.relative_to(ready)) for file in ready.rglob("*") if file.is_file()}
    assert files == {"main.tf", "server/serve.sh"}


async def test_a_failed_init_leaves_nothing_and_says_why(
    worker_settings: Settings, database: Database, clock: MovingClock, script: Script
) -> None:
    script.on("init", "echo 'registry is away' >&2; exit 1")
    with pytest.raises(ConfigurationError, match="registry is away"):
        await Roots(worker_settings, database, clock).ready(Root.WORKSTATION)
    assert not list((worker_settings.data_dir / "worker" / "roots").iterdir())


async def test_a_terraform_that_is_not_there_is_named(
    worker_settings: Settings, database: Database, clock: MovingClock
) -> None:
    settings = worker_settings.model_copy(update={"terraform": "/nowhere/terraform"})
    with pytest.raises(ConfigurationError, match="/nowhere/terraform"):
        Roots(settings, database, clock)
