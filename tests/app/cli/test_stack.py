"""`stationmaster stack`: what is written to the folder, what comes back from it, and what is left of it."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from app import origin
from app.__main__ import cli
from app.config import Settings
from app.db import Database
from app.errors import StationmasterError
from app.infra import google
from app.infra.google import Labelled
from app.models import Run, RunStatus
from app.services.people import members
from app.services.terraform import state_versions
from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import Script, SnapshotsInMemory, spec, state, writes_state
from tests.parts import identity
from tests.stage import Stage

pytestmark = pytest.mark.anyio
INIT = "mkdir -p .terraform/providers; echo '{}' > .terraform/modules.json; ln -s ../../main.tf .terraform/providers/it"


@pytest.fixture
async def stack_id(
    stage: Stage,
    tools: Tools,
    worker_settings: Settings,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> str:
    """A machine that runs; an admin; and the environment in which the command is run."""
    script.on("init", INIT)
    script.on("apply", writes_state(4))
    module = worker_settings.terraform_dir / "modules" / "compute"
    module.mkdir()
    (module / "main.tf").write_text("# a module")
    with origin.bound("a test"):
        workstation_id, run_id = await spec(tools)
        await execute(tools, run_id)
        async with tools.database.sessions.begin() as session:
            await members.sign_in(stage.context(session, settings=worker_settings), identity("ada"))
    for name in [name for name in os.environ if name.startswith(("STATIONMASTER_", "GOOGLE_", "TF_", "CLOUDSDK_"))]:
        monkeypatch.delenv(name)
    told = worker_settings.model_dump(mode="json", exclude_none=True)
    for name, value in told.items():
        setting = "DATABASE_URL" if name == "database_url" else f"STATIONMASTER_{name.upper()}"
        monkeypatch.setenv(setting, ",".join(value) if isinstance(value, list) else str(value))
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "it's secret")
    # These commands log to the terminal that they have; a test's is gone when the next one logs.
    monkeypatch.setattr("app.logs.configure", lambda _: None)
    return workstation_id


async def stack(*arguments: str | Path) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, cli, ["stack", *map(str, arguments)])


async def checked_out(stack_id: str, folder: Path) -> Path:
    result = await stack("checkout", stack_id, folder)
    assert result.exit_code == 0, result.output
    return folder


async def refused(*arguments: str | Path) -> str:
    """The sentence that `main` prints."""
    result = await stack(*arguments)
    assert isinstance(result.exception, StationmasterError), result.output
    return str(result.exception)


def apply_by_hand(folder: Path, serial: int = 9) -> None:
    (folder / "workstation" / "terraform.tfstate").write_text(state(serial))


async def manual_run(database: Database) -> Run:
    async with database.sessions() as session:
        found = await session.scalar(text("SELECT id FROM runs WHERE kind = 'manual' ORDER BY created_at DESC LIMIT 1"))
        return await session.get_one(Run, found)


async def test_checkout_writes_all_that_terraform_needs_for_its_owner_alone(stack_id: str, tmp_path: Path) -> None:
    folder = tmp_path / "by hand"
    result = await stack("checkout", stack_id, folder)
    assert f"cd '{folder}/workstation' && " in result.output
    assert f"stationmaster stack checkin '{folder}'" in result.output
    work = folder / "workstation"
    assert json.loads((work / "terraform.tfvars.json").read_text())["stack_id"] == stack_id
    assert (work / "terraform.tfstate").read_text().strip() == state(4)
    assert (work / ".terraform.lock.hcl").exists()
    assert (work / ".terraform" / "providers" / "it").read_text() == "# nothing"
    assert (folder / "modules" / "compute" / "main.tf").exists()
    assert (folder / "environment").read_text() == "export GOOGLE_OAUTH_ACCESS_TOKEN='it'\"'\"'s secret'\n"
    assert json.loads((folder / "checkout.json").read_text())["serial"] == 4
    assert folder.stat().st_mode & 0o777 == 0o700
    ours = [file for file in folder.rglob("*") if file.is_file() and ".terraform" not in file.parts]
    assert {file.stat().st_mode & 0o777 for file in ours} == {0o600}


async def test_checkin_stores_and_leaves_no_secret(stack_id: str, tools: Tools, tmp_path: Path) -> None:
    folder = await checked_out(stack_id, tmp_path / "by-hand")
    apply_by_hand(folder)
    result = await stack("checkin", folder)
    assert "Checked in by Ada: state version 2, serial 9." in result.output
    assert f"{folder} can be removed." in result.output
    left = {file.name for file in folder.rglob("*") if file.is_file()}
    assert not left & {"terraform.tfstate", "terraform.tfvars.json", "environment"}
    async with tools.database.sessions() as session:
        kept = await state_versions.newest(session, tools.vault, stack_id)
    assert kept is not None
    assert kept.serial == 9


async def test_checkin_may_keep_the_files(stack_id: str, tmp_path: Path) -> None:
    folder = await checked_out(stack_id, tmp_path / "by-hand")
    assert (await stack("checkin", folder, "--keep")).exit_code == 0
    assert (folder / "workstation" / "terraform.tfstate").exists()


async def test_a_changed_configuration_is_named_and_nothing_is_done(
    stack_id: str, database: Database, tmp_path: Path
) -> None:
    folder = await checked_out(stack_id, tmp_path / "by-hand")
    (folder / "workstation" / "main.tf").write_text("# edited")
    (folder / "workstation" / "extra.tf").write_text("# new")
    (folder / "modules" / "compute" / "main.tf").unlink()
    said = await refused("checkin", folder)
    assert "(modules/compute/main.tf, workstation/extra.tf, workstation/main.tf)" in said
    assert (folder / "workstation" / "terraform.tfstate").exists()
    assert (await manual_run(database)).status is RunStatus.APPLYING


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (".terraform.tfstate.lock.info", "{}", "Terraform is running"),
        ("errored.tfstate", "{}", "state push"),
        ("terraform.tfstate", '{"version": 4, "ser', "not a complete Terraform state"),
        ("terraform.tfvars.json", "[]", "not a JSON object"),
        ("extra.auto.tfvars", "spot = true", "workstation/extra.auto.tfvars"),
    ],
)
async def test_a_folder_that_is_not_at_rest_is_refused(
    stack_id: str, tmp_path: Path, name: str, content: str, said: str
) -> None:
    folder = await checked_out(stack_id, tmp_path / "by-hand")
    (folder / "workstation" / name).write_text(content)
    assert said in await refused("checkin", folder)


async def test_given_back_nothing_is_stored(stack_id: str, database: Database, tmp_path: Path) -> None:
    folder = await checked_out(stack_id, tmp_path / "by-hand")
    apply_by_hand(folder)
    assert "Nothing was stored" in (await stack("checkin", folder, "--discard", "--keep")).output
    assert (await manual_run(database)).status is RunStatus.CANCELED
    assert "Nothing was stored" in await refused("checkin", folder)


async def test_a_folder_that_cannot_be_written_ends_the_run_and_leaves_nothing(
    stack_id: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("app.cli.checkout_folder.json.dumps", full)
        assert isinstance((await stack("checkout", stack_id, tmp_path / "by-hand")).exception, OSError)
    assert (await manual_run(database)).status is RunStatus.CANCELED
    assert list((tmp_path / "by-hand").iterdir()) == []
    await checked_out(stack_id, tmp_path / "by-hand")


async def test_a_folder_with_something_in_it_is_not_touched(stack_id: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    assert "not an empty folder" in await refused("checkout", stack_id, tmp_path / "mine")
    assert "not the folder of a checkout" in await refused("checkin", tmp_path / "mine")


@pytest.fixture
def at_google(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """What Google has: id → labels."""
    there: dict[str, dict[str, str]] = {}
    taken = SnapshotsInMemory()

    class Shown(google.Compute):
        async def labelled(self, label: str) -> list[Labelled]:
            return [Labelled(each, labels) for each, labels in there.items() if label in labels]

        async def labels_of(self, resource_id: str) -> dict[str, str] | None:
            return None if resource_id.endswith("/gone") else there[resource_id]

        @property
        def snapshots(self) -> SnapshotsInMemory:
            return taken

    monkeypatch.setattr(google, "Compute", Shown)
    return there


DISK = "projects/p/zones/z/disks/"


async def test_what_no_state_holds_is_an_orphan(stack_id: str, at_google: dict[str, dict[str, str]]) -> None:
    assert (await stack("list-orphans")).output == "No orphans.\n"
    at_google[f"{DISK}lost"] = {"stationmaster-stack": stack_id, "stationmaster-owner": "grace"}
    at_google[f"{DISK}gone"] = {"stationmaster-stack": stack_id}
    at_google[f"{DISK}older"] = {"stationmaster-stack": "nosuch"}
    at_google[f"{DISK}else"] = {"purpose": "other"}
    result = await stack("list-orphans")
    assert result.exit_code == 0
    rows = [[cell for cell in line.split("  ") if cell] for line in result.output.splitlines()]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["ID", "STACK", "OWNER", "WORKSTATION"],
        [f"{DISK}lost", stack_id, "grace", "dev-1 (running)"],
        [f"{DISK}older", "nosuch", "no such stack"],
    ]


async def test_a_stack_that_is_worked_on_is_left_out(
    stack_id: str, at_google: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    at_google[f"{DISK}lost"] = {"stationmaster-stack": stack_id}
    folder = await checked_out(stack_id, tmp_path / "by-hand")
    result = await stack("list-orphans")
    assert "No orphans." in result.output
    assert f"Not checked, because they have a run in progress: {stack_id}." in result.output
    known = json.loads(state(9))
    held = {"mode": "managed", "type": "google_compute_disk", "name": "data"}
    known["resources"] = [{**held, "instances": [{"attributes": {"id": f"{DISK}lost"}}]}]
    (folder / "workstation" / "terraform.tfstate").write_text(json.dumps(known))
    assert (await stack("checkin", folder)).exit_code == 0
    assert (await stack("list-orphans")).output == "No orphans.\n"


@pytest.mark.parametrize("prefix", ["https://www.googleapis.com/compute/v1/", "http://127.0.0.1:9000/compute/v1/", ""])
async def test_the_disk_that_a_machine_boots_from_is_no_orphan(
    stack_id: str, at_google: dict[str, dict[str, str]], tmp_path: Path, prefix: str
) -> None:
    at_google[f"{DISK}server"] = {"stationmaster-stack": stack_id}
    at_google[f"{DISK}lost"] = {"stationmaster-stack": stack_id}
    folder = await checked_out(stack_id, tmp_path / "by-hand")
    known = json.loads(state(9))
    machine = {"id": "projects/p/zones/z/instances/server", "boot_disk": [{"source": f"{prefix}{DISK}server"}]}
    held = {"mode": "managed", "type": "google_compute_instance", "name": "server"}
    known["resources"] = [{**held, "instances": [{"attributes": machine}]}]
    (folder / "workstation" / "terraform.tfstate").write_text(json.dumps(known))
    assert (await stack("checkin", folder)).exit_code == 0

    result = await stack("list-orphans")
    assert f"{DISK}lost" in result.output
    assert f"{DISK}server" not in result.output
