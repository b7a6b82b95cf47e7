"""Bringing the seed over: what becomes of its file, what is wrong with it, and nothing by halves or twice."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.config import REPOSITORY
from app.crypto import Vault
from app.errors import ConflictError, RefusedError
from app.models import AllowedIp, AuditEntry, Member, Run, RunKind, SharedStack, Stack, Workstation
from app.services import workstations
from app.services.catalog import Catalog
from app.services.people import members
from app.services.seed import imports
from app.services.seed.imports import Import, ImportRefusedError, Source
from app.services.shared import ip_ranges
from app.services.workstations.specs import WorkstationSpec
from tests.parts import identity, make_settings
from tests.stage import Stage

pytestmark = pytest.mark.anyio
CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")
SETTINGS = make_settings()
VAULT = Vault(SETTINGS.encryption_keys)
PEOPLE = "name,email\nGrace,grace@example.com\nLinus,Linus@example.com\n"
SHARED = """
prefix               = "neurips"
sql_user             = "mlflow_user"
gcp_zone             = "europe-west4-a"
gcp_region           = "europe-west4"
admins               = ["user:ada@example.com"]
mlflow_whitelist_ips = ["203.0.113.7"]
"""


def users(*entries: str, name: str = "Grace") -> str:
    return f"users = {{\n{name} = [\n" + ",\n".join(f"{{ {entry} }}" for entry in entries) + "\n]\n}\n"


class Office:
    """An operator with two files, and a portal that nobody has used yet."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.database, self.clock, self.secrets = stage, stage.database, stage.clock, stage.secrets

    async def prepare(self, text: str, people: str = PEOPLE) -> Import:
        async with self.database.sessions() as session:
            files = Source("terraform.tfvars", text), Source("people.csv", people)
            return await imports.prepare(self.stage.context(session), *files)

    async def submit(self, prepared: Import) -> None:
        async with self.database.transaction() as session:
            ctx = self.stage.context(session)
            ctx = ctx.acting(await imports.importer(ctx, None))
            await imports.submit(ctx, prepared, await imports.first_pairs(ctx, prepared))

    async def problems(self, text: str, people: str = PEOPLE) -> list[str]:
        with pytest.raises(ImportRefusedError) as refused:
            await self.prepare(text, people)
        return str(refused.value).splitlines()

    async def count(self, model: type) -> int:
        async with self.database.sessions() as session:
            return await session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


async def machines(office: Office, text: str) -> dict[str, str]:
    """Workstation → machine type."""
    prepared = await office.prepare(text)
    return {desired.machine.spec.name: desired.machine.spec.machine_type for desired in prepared.workstations}


GPU = 'machine_type = "n1-standard-8", guest_accelerator = "nvidia-tesla-t4"'
CPU = 'machine_type = "e2-standard-8", guest_accelerator = ""'


@pytest.mark.parametrize(
    ("switches", "entries", "becomes"),
    [
        ("", [GPU], {"gpu-1": "n1-standard-8"}),
        ("", [CPU, GPU, CPU], {"cpu-1": "e2-standard-8", "cpu-2": "e2-standard-8", "gpu-1": "n1-standard-8"}),
        ("deploy_cpu_compute = true", [GPU], {"cpu-1": "e2-standard-4", "gpu-1": "n1-standard-8"}),
        ("deploy_cpu_compute = true", [CPU, GPU], {"cpu-1": "e2-standard-8", "gpu-1": "n1-standard-8"}),
        ("deploy_cpu_compute = false", [CPU, GPU], {"gpu-1": "n1-standard-8"}),
        ("deploy_gpu_compute = false", [CPU, GPU], {"cpu-1": "e2-standard-8"}),
        ("", ['machine_type = "e2-standard-4"'], {"cpu-1": "e2-standard-4"}),
        ("", [], {}),
    ],
)
async def test_entries_and_switches_say_which_machines(
    office: Office, switches: str, entries: list[str], becomes: dict[str, str]
) -> None:
    assert await machines(office, f"{switches}\n{users(*entries)}") == becomes


@pytest.mark.parametrize(
    ("entry", "becomes"),
    [
        ('machine_type = "n2-standard-8", guest_accelerator = null', "e2-standard-8"),
        ('machine_type = "n2-highmem-4", guest_accelerator = null', "e2-standard-8"),
        ('machine_type = "n1-standard-4", guest_accelerator = null', "e2-standard-4"),
        ('machine_type = "custom-6-20480", guest_accelerator = null', "e2-standard-8"),
        ('machine_type = "m1-ultramem-160", guest_accelerator = null', "e2-standard-16"),
        ('machine_type = "g2-standard-8", guest_accelerator = "nvidia-l4"', "g2-standard-8"),
        ('machine_type = "g2-standard-8", guest_accelerator = "nvidia-tesla-t4"', "n1-standard-8"),
        ('machine_type = "n1-standard-8", guest_accelerator = "nvidia-tesla-v100"', "n1-standard-8"),
    ],
)
async def test_what_is_no_longer_on_offer_becomes_what_fits(office: Office, entry: str, becomes: str) -> None:
    [desired] = (await office.prepare(users(entry))).workstations
    assert desired.machine.spec.machine_type == becomes
    is_itself = f'"{becomes}"' in entry and "v100" not in entry
    assert bool(desired.machine.notes) is not is_itself


async def test_a_retired_image_becomes_the_default_with_a_note(office: Office) -> None:
    entry = f'{GPU}, boot_disk_image = "deeplearning-platform-release/common-cu113"'
    [desired] = (await office.prepare(users(entry))).workstations
    assert desired.machine.spec.image is None
    assert "retired" in desired.machine.notes[0]
    kept = "projects/deeplearning-platform-release/global/images/family/pytorch-2-9-cu129-ubuntu-2404-nvidia-580"
    [desired] = (await office.prepare(users(f'{GPU}, boot_disk_image = "{kept}"'))).workstations
    assert (desired.machine.spec.image or "").endswith("/pytorch-2-9-cu129-ubuntu-2404-nvidia-580")
    assert desired.machine.notes == ()


async def test_what_is_sold_as_spot_only_becomes_spot(office: Office) -> None:
    entry = 'machine_type = "a3-highgpu-1g", guest_accelerator = "nvidia-h100-80gb", zone = "europe-west4-b"'
    [desired] = (await office.prepare(users(entry))).workstations
    assert (desired.machine.spec.machine_type, desired.machine.spec.spot) == ("a3-highgpu-1g", True)
    assert desired.machine.notes == ("Google sells a3-highgpu-1g only as Spot",)


async def test_a_disk_type_that_the_machine_does_not_take_becomes_its_default(office: Office) -> None:
    entry = 'machine_type = "g2-standard-8", guest_accelerator = "nvidia-l4"'
    text = 'compute_persistent_disk_type = "pd-standard"\n' + users(entry, CPU)
    found = {desired.machine.spec.name: desired.machine for desired in (await office.prepare(text)).workstations}
    assert {name: machine.spec.disk_type for name, machine in found.items()} == {
        "cpu-1": "pd-standard",
        "gpu-1": "pd-balanced",
    }
    assert "does not support pd-standard disks" in found["gpu-1"].notes[0]


async def test_ranges_within_others_are_left_out_and_doubts_are_told(office: Office) -> None:
    prepared = await office.prepare('mlflow_whitelist_ips = ["203.0.113.7", "203.0.113.0/24", "10.1.2.3"]')
    assert prepared.shared.cidrs == ("203.0.113.0/24", "10.1.2.3/32")
    assert any("10.1.2.3/32 is private" in note for note in prepared.notes)


async def test_everything_that_is_wrong_is_listed_with_its_line(office: Office) -> None:
    text = """\
prefix = "Not A Prefix"
admins = ["user:ada@example.com",
  "user:ada@example"]
mlflow_whitelist_ips = ["203.0.113.7", "0.0.0.0/0",
  "somewhere"]
compute_persistent_disk_type = "floppy"
users = {
  Grace = [
    { machine_type = "n1-standard-8", guest_accelerator = "voodoo-2" },
    { machine_type = "toaster", guest_accelerator = "" },
    { guest_accelerator = "" },
    { machine_type = "e2-standard-4", guest_accelerator = "", zone = "mars-north1-a" },
  ]
  Nobody = []
  Linus = "one, please"
}
"""
    people = "name,email\nGrace,grace@example.com\nEve,eve@elsewhere.test\nLinus\n"
    assert await office.problems(text, people) == [
        "people.csv:3: eve@elsewhere.test may not sign in: add it to STATIONMASTER_ALLOWED_EMAILS.",
        "people.csv:4: Every row needs a name and an email address.",
        "terraform.tfvars:1: prefix: use 2 to 18 lower-case letters, digits and hyphens, and start with a letter.",
        "terraform.tfvars:3: user:ada@example: example is not a valid domain: an ending such as .com is missing.",
        "terraform.tfvars:4: 0.0.0.0/0 allows everyone. Enter the ranges that people connect from.",
        f"terraform.tfvars:5: somewhere is not an IP address or range. Use a form such as {ip_ranges.EXAMPLES}.",
        "terraform.tfvars:6: compute_persistent_disk_type: This disk type is not available.",
        "terraform.tfvars:9: voodoo-2 is not a GPU at Google.",
        "terraform.tfvars:10: toaster is not a machine type at Google.",
        "terraform.tfvars:11: users.Grace[2] has no machine_type.",
        "terraform.tfvars:12: Grace: mars-north1-a is not available. Available zones: "
        + ", ".join(CATALOG.zones)
        + ".",
        "terraform.tfvars:14: Nobody is not in people.csv.",
        "terraform.tfvars:15: users.Linus must be a list of machines.",
    ]
    assert await office.count(Member) == 0


@pytest.mark.parametrize(
    ("people", "problem"),
    [
        ("Grace,grace@example.com\n", "people.csv:1: The first line must be: name,email"),
        ("name,email\nGrace,grace\n", "people.csv:2: grace is not an email address."),
        ("name,email\nGrace,g@example.com\nGrace,h@example.com\n", "people.csv:3: Grace is already in line 2."),
        (
            "name,email\nGrace,g@example.com\nG,G@example.com\n",
            "people.csv:3: g@example.com already belongs to Grace (line 2).",
        ),
        ("", "people.csv:1: The first line must be: name,email"),
    ],
)
async def test_what_is_wrong_with_the_people_is_said_with_its_line(office: Office, people: str, problem: str) -> None:
    assert problem in await office.problems(users(CPU), people)


async def test_it_is_filed_in_the_names_of_the_owners_by_the_admin(office: Office) -> None:
    await office.submit(await office.prepare(SHARED + users(CPU, GPU)))
    async with office.database.sessions() as session:
        found = list(await session.scalars(select(Workstation).order_by(Workstation.name)))
        owners = {(await session.get_one(Member, each.owner_id)).email for each in found}
        assert ([each.name for each in found], owners) == (["cpu-1", "gpu-1"], {"grace@example.com"})
        ada = await session.scalar(select(Member.id).where(Member.email == "ada@example.com"))
        assert set(await session.scalars(select(Run.requested_by))) == {ada}
        decided = select(AuditEntry.actor, AuditEntry.origin).where(AuditEntry.action == "workstation.request")
        assert {actor for actor, _ in await session.execute(decided)} == {"ada@example.com"}


async def test_who_has_not_signed_in_yet_finds_their_machine(stage: Stage, office: Office) -> None:
    await office.submit(await office.prepare(users(CPU)))
    async with office.database.sessions.begin() as session:
        grace = await members.sign_in(stage.context(session), identity("grace"))
        assert [each.name for each in await workstations.list_of(session, grace)] == ["cpu-1"]
        eve = identity("eve", email="grace@example.com", email_verified=False)
        with pytest.raises(RefusedError):
            await members.sign_in(stage.context(session), eve)


async def test_the_shared_part_is_one_request(office: Office) -> None:
    await office.submit(await office.prepare(SHARED))
    async with office.database.sessions() as session:
        [run] = list(await session.scalars(select(Run)))
        assert run.kind is RunKind.CONFIGURE
        desired = {
            name: run.inputs[name] for name in ("prefix", "sql_user", "zone", "iam_admins", "mlflow_allowed_ips")
        }
        assert desired == {
            "prefix": "neurips",
            "sql_user": "mlflow_user",
            "zone": "europe-west4-a",
            "iam_admins": ["user:ada@example.com"],
            "mlflow_allowed_ips": ["203.0.113.7/32"],
        }


async def test_a_second_time_doubles_nothing(office: Office) -> None:
    text = SHARED + users(CPU, GPU)
    await office.submit(await office.prepare(text))
    before = [await office.count(model) for model in (Stack, Run, AllowedIp, Member, AuditEntry)]
    again = await office.prepare(text)
    assert again.changes_nothing
    await office.submit(again)
    assert [await office.count(model) for model in (Stack, Run, AllowedIp, Member, AuditEntry)] == before
    more = await office.prepare(SHARED.replace('"203.0.113.7"', '"203.0.113.7", "198.51.100.0/24"') + users(CPU))
    assert (more.to_request, more.shared.cidrs, more.shared.settings) == ([], ("198.51.100.0/24",), {})


async def test_what_was_made_meanwhile_takes_all_of_it_back(stage: Stage, office: Office) -> None:
    prepared = await office.prepare(SHARED + users(CPU, GPU))
    async with office.database.transaction() as session:
        grace = await members.sign_in(stage.context(session), identity("grace"))
        asked = WorkstationSpec(name="gpu-1", machine_type="e2-standard-4")
        await workstations.request(stage.context(session, grace), grace, asked)
    with pytest.raises(ConflictError):
        await office.submit(prepared)
    assert [await office.count(model) for model in (Workstation, SharedStack, AllowedIp)] == [1, 0, 0]


async def test_only_an_admin_brings_the_seed_over(stage: Stage, office: Office) -> None:
    async with office.database.sessions.begin() as session:
        await members.sign_in(stage.context(session), identity("grace"))
        with pytest.raises(RefusedError, match="is not an admin"):
            await imports.importer(stage.context(session), "grace@example.com")
        with pytest.raises(RefusedError, match="is not allowed to use"):
            await imports.importer(stage.context(session), "eve@elsewhere.test")
    nobody = make_settings(first_admin="")
    async with office.database.sessions() as session:
        with pytest.raises(RefusedError, match="no admin yet"):
            await imports.importer(stage.context(session, settings=nobody), None)


async def test_a_prefix_with_too_little_room_is_left_out_with_a_note(office: Office) -> None:
    prepared = await office.prepare('prefix = "neurips-llm-efficiency-challenge"\nsql_user = "mlflow_user"')
    assert prepared.shared.settings == {"sql_user": "mlflow_user"}
    assert any("longer than 18 characters" in note for note in prepared.notes)


async def test_what_is_shown_is_compared_by_value(office: Office) -> None:
    prepared = await office.prepare(SHARED + users(CPU))
    assert prepared == await office.prepare(SHARED + users(CPU))
    assert prepared != replace(prepared, notes=("other",))
