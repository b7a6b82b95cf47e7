"""A worker whose Terraform is a script, and whose machines say at once who they are."""

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
from google.api_core.exceptions import Conflict

from app.clock import Clock
from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.infra.google import Compute
from app.infra.machines import MachineState, Power
from app.infra.snapshots import DiskPlace, Snapshots, StoredSnapshot
from app.models import Run, RunStatus, Workstation
from app.services import runs, workstations
from app.services.catalog import Catalog
from app.services.people import members
from app.services.workstations.specs import WorkstationSpec
from app.worker import claim as claims
from app.worker.claim import Tools
from app.worker.execute import execute
from app.worker.roots import Roots
from app.worker.slots import Slots
from tests.app.worker.limits_in_memory import LimitsInMemory
from tests.parts import MovingClock, SecretsInMemory, identity

ADDRESS = "127.70.1.2"
KEY = asyncssh.generate_private_key("ssh-ed25519")
HOST_KEYS = {"ssh-ed25519": base64.b64encode(KEY.public_data).decode()}
READY = {
    "boot-stage": "ready 2026-01-05T12:00:00.000Z",
    "mount": "state=mounted volume=/dev/disk/by-id/google-home device=/dev/sdb type=ext4 size=100 free=60 at= reason=",
    "driver": "none",
    "hostkeys-ssh-ed25519": HOST_KEYS["ssh-ed25519"],
}
"""The guest attributes of a machine that has booted well."""
DISK = "module.compute_configure.google_compute_disk.data"
VM = "module.compute[0].google_compute_instance.workstation"
FAILS = """echo '{"type":"diagnostic","diagnostic":{"severity":"error","summary":"No luck"}}'; exit 1\n"""
"""Shell that fails for a reason of which nothing is known."""
SCRIPT = """#!/bin/sh
case "$1" in
version) echo "Terraform v1.11.0" ;;
init) if [ -e {folder}/init ]; then . {folder}/init; fi; echo locked > .terraform.lock.hcl ;;
*) echo "$*" >> {folder}/calls; . {folder}/$1 ;;
esac
"""


class Script:
    """What the stand-in does on each of Terraform's commands, as lines of shell in its working folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.executable = folder / "terraform"
        self.executable.write_text(SCRIPT.format(folder=folder))
        self.executable.chmod(0o755)
        self.on("show", "echo '{}'")

    def on(self, command: str, script: str) -> None:
        # A shell that reads the last one still reads on in that.
        (self.folder / command).unlink(missing_ok=True)
        (self.folder / command).write_text(script)

    @property
    def calls(self) -> list[str]:
        """The commands that were run, each with its arguments."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []


class SnapshotsInMemory(Snapshots):
    """Google's place taken: a snapshot is taken at once."""

    def __init__(self) -> None:
        super().__init__("project", {})
        self.stored: dict[str, StoredSnapshot] = {}
        self.requests: list[str] = []
        self.troubles: list[Exception] = []
        """What the next calls raise; those of `take` after Google has done its part if `answers_lost`."""
        self.answers_lost = False
        self.is_measured = True
        self.clock: Clock = lambda: PRESSED
        self.waits = 0
        """So many times it is not done yet."""

    async def take(self, disk: DiskPlace, name: str, labels: Mapping[str, str], request_id: str) -> bool:
        self.requests.append(request_id)
        if self.troubles and not self.answers_lost:
            raise self.troubles.pop(0)
        if name in self.stored and self.requests.count(request_id) == 1:
            raise Conflict("alreadyExists")
        size = (1 << 30) if self.is_measured else None
        self.stored[name] = StoredSnapshot(name, True, self.clock(), 100, size, dict(labels))
        if self.troubles:
            raise self.troubles.pop(0)
        if self.waits:
            self.waits -= 1
            return False
        return True

    async def read(self, name: str) -> StoredSnapshot | None:
        return self.stored.get(name)

    async def labelled(self, label: str) -> list[StoredSnapshot]:
        return [snapshot for snapshot in self.stored.values() if label in snapshot.labels]

    async def delete(self, name: str) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.stored.pop(name, None)


PRESSED = datetime(2026, 1, 5, 13, tzinfo=UTC)
"""When Google takes the order to press a reset button, an hour after READY."""


class PromptCompute(Compute):
    """Google's place taken: every machine has booted, and nothing exists that the test did not put there."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.kept, self.limits = SnapshotsInMemory(), LimitsInMemory()
        self.existing: dict[str, dict[str, str]] = {}
        self.pending: list[list[str]] = []
        self.booting = False
        self.told = dict(READY)
        self.started_at: datetime | None = None
        self.status = "RUNNING"
        self.orders: list[Power] = []
        self.reset: list[str] = []
        """The ids of the requests to press a reset button."""
        self.reset_troubles: list[Exception] = []
        self.answers_lost = 0
        """So many times the order is taken, and the answer lost on its way."""

    @property
    def snapshots(self) -> SnapshotsInMemory:
        return self.kept

    @property
    def run_limits(self) -> LimitsInMemory:
        return self.limits

    async def order(self, power: Power, zone: str, instance: str, request_id: str) -> datetime:
        if self.reset_troubles:
            raise self.reset_troubles.pop(0)
        self.reset.append(request_id)
        self.orders.append(power)
        self.status = {Power.STOP: "TERMINATED", Power.SUSPEND: "SUSPENDED"}.get(power, "RUNNING")
        if self.answers_lost:
            self.answers_lost -= 1
            raise ConnectionResetError("the answer was lost")
        return PRESSED

    async def warm_up(self) -> None:
        pass

    async def guest_attributes(self, zone: str, instance: str) -> dict[str, str]:
        return {} if self.booting else self.told

    async def machine(self, zone: str, instance: str) -> MachineState | None:
        return MachineState(instance, zone, self.status, self.started_at, is_spot=False, labels={}, id="1")

    async def labels_of(self, resource_id: str) -> dict[str, str] | None:
        return self.existing.get(resource_id)

    async def pending_operations(self, zone: str, stack_id: str) -> list[str]:
        return self.pending.pop(0) if self.pending else []


def make_tools(
    settings: Settings, database: Database, clock: MovingClock, worker_id: str = "worker-1", host: str = "host-1"
) -> Tools:
    return Tools(
        settings=settings,
        database=database,
        catalog=Catalog.load(settings.catalog_file),
        secrets=SecretsInMemory(),
        vault=Vault(settings.encryption_keys),
        clock=clock,
        roots=Roots(settings, database, clock),
        compute=PromptCompute(settings),
        slots=Slots(2),
        worker_id=worker_id,
        host=host,
    )


async def spec(tools: Tools, name: str = "dev-1") -> tuple[str, str]:
    """Grace asks for a machine; returns the ids of the workstation and its run."""
    async with tools.database.transaction() as session:
        grace = await members.sign_in(tools.context(session), identity("grace"))
        asked = WorkstationSpec.model_validate({"name": name, "machine_type": "e2-standard-4"})
        requested = await workstations.request(tools.context(session).acting(grace), grace, asked)
        return requested.workstation.id, requested.run.id


async def ask_destroy(tools: Tools, workstation_id: str, *, keep_disk: bool = False) -> str:
    async with tools.database.sessions.begin() as session:
        grace = await members.sign_in(tools.context(session), identity("grace"))
        workstation = await workstations.find(session, grace, workstation_id)
        run = await workstations.request_destroy(tools.context(session).acting(grace), workstation, keep_disk=keep_disk)
        return run.id


async def run_of(tools: Tools, run_id: str) -> Run:
    async with tools.database.sessions() as session:
        return await session.get_one(Run, run_id)


async def workstation_of(tools: Tools, workstation_id: str) -> Workstation:
    async with tools.database.sessions() as session:
        return await session.get_one(Workstation, workstation_id)


async def interrupt(tools: Tools, run_id: str) -> None:
    """What the heartbeat does once the lease has expired."""
    async with tools.database.sessions.begin() as session:
        (await session.get_one(Run, run_id)).interrupt(tools.clock())


def state(
    serial: int, *, address: str = ADDRESS, lineage: str = "one", empty: bool = False, disk_gb: int | None = None
) -> str:
    """A Terraform state as text."""
    disk = {"mode": "managed", "type": "google_compute_disk", "name": "data"}
    attributes = {"size": disk_gb, "zone": "europe-west4-a", "name": "dev-1-x-home"}
    instances = [] if disk_gb is None else [{"attributes": attributes}]
    outputs = {"address": address, "zone": "europe-west4-a", "instance_name": "dev-1-x"}
    return json.dumps(
        {
            "version": 4,
            "serial": serial,
            "lineage": lineage,
            "outputs": {} if empty else {name: {"value": value} for name, value in outputs.items()},
            "resources": [] if empty else [{**disk, "instances": instances}],
        }
    )


def writes_state(serial: int, *, empty: bool = False, disk_gb: int | None = None) -> str:
    """Shell that leaves this state behind."""
    return f"cat > terraform.tfstate <<'END'\n{state(serial, empty=empty, disk_gb=disk_gb)}\nEND\n"


def tells(kind: str, address: str, action: str) -> str:
    """Shell that prints one of Terraform's events about a resource."""
    event = {"@message": action, "type": kind, "change": {"resource": {"addr": address}, "action": action}}
    return f"printf '%s\\n' '{json.dumps(event)}'\n"


async def log_of(tools: Tools, run_id: str) -> str:
    async with tools.database.sessions() as session:
        return "\n".join(line.message for line in await runs.read_log(session, run_id))


async def provisioned(tools: Tools, script: Script) -> str:
    """A workstation that runs."""
    script.on("apply", writes_state(3))
    workstation_id, run_id = await spec(tools)
    await execute(tools, run_id)
    assert (await run_of(tools, run_id)).status is RunStatus.APPLIED
    return workstation_id


def start_as_an_earlier_worker(tools: Tools, run_id: str, step: str, shell: str) -> None:
    """A step whose worker is gone: started by a process that has ended."""
    folder = tools.settings.data_dir.resolve() / "worker" / "runs" / run_id / "work"
    folder.mkdir(parents=True)
    starter = (
        "import sys; from pathlib import Path; from app.infra.process import Step;"
        "Step(Path(sys.argv[1]), sys.argv[2]).start(['/bin/sh', '-c', sys.argv[3]], {'PATH': '/usr/bin:/bin'})"
    )
    subprocess.run([sys.executable, "-c", starter, str(folder), step, shell], check=True)


async def lost_at(tools: Tools, run_id: str, step: str) -> None:
    """Its first worker claimed it, began this step and was never heard of again."""
    claim = await claims.take(tools, run_id)
    assert claim
    async with claim.writing() as (_, run):
        run.step = step
        if step.startswith("apply"):
            run.begin_apply(tools.clock())
    await interrupt(tools, run_id)
