"""The doctor: what a portal needs of Google, of Terraform and of its database, and how to get what is missing.

Pure rules over what app/worker/examine.py found.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.infra.google import Quota
from app.infra.google_project import Identity
from app.services import snapshots, stacks
from app.services.doctor import google_needs, portal_checks
from app.services.doctor.checks import Check, Findings, Trouble, Verdict
from app.services.shared import shared_settings

SNAPSHOT = "doctor"
OK, WARNING, MISSING = Verdict.OK, Verdict.WARNING, Verdict.MISSING
ACCOUNT_PLACEHOLDER = "serviceAccount:WORKER_SERVICE_ACCOUNT"
NEEDED_QUOTAS = ("CPUS_ALL_REGIONS", "CPUS", "DISKS_TOTAL_GB", "IN_USE_ADDRESSES", "SSD_TOTAL_GB", "STATIC_ADDRESSES")
GPU_QUOTAS = ("GPUS_ALL_REGIONS", "NVIDIA_L4_GPUS", "NVIDIA_T4_GPUS")
"""Of the GPUs in the catalog. A team without GPUs does without them."""


def check(findings: Findings) -> list[Check]:
    """Every check, in the order in which to mend things."""
    return [
        portal_checks.settings(findings),
        *portal_checks.database(findings.database),
        portal_checks.terraform(findings.terraform),
        portal_checks.provider(findings.provider),
        *portal_checks.space(findings.space),
        identity(findings),
        project(findings),
        billing(findings),
        *apis(findings),
        *permissions(findings),
        *acting_as(findings),
        *quotas(findings),
    ]


async def keep(session: AsyncSession, findings: Findings, now: datetime) -> None:
    """Check, and keep the result for the page."""
    who = findings.identity
    content: dict[str, Any] = {
        "identity": who.email or who.kind if isinstance(who, Identity) else None,
        "checks": [each.as_json() for each in check(findings)],
    }
    await snapshots.keep(session, SNAPSHOT, content, now)


async def parts_in_use(session: AsyncSession, settings: Settings) -> tuple[str, ...]:
    """What is checked for: workstations, the parts that the settings name, and those that the shared stack has."""
    stack = await stacks.shared(session)
    switched_on = _parts_of(shared_settings.of(stack, settings)) if stack and stack.exists else set()
    return google_needs.parts_for(switched_on | set(settings.shared_parts))


def _parts_of(chosen: shared_settings.SharedSettings) -> set[str]:
    switches = {
        google_needs.ACCESS: True,
        "storage": chosen.deploy_storage,
        "registries": chosen.deploy_docker_registry or chosen.deploy_pypi_registry,
        "keys": chosen.create_service_account_keys,
        "sql": chosen.deploy_sql,
        "mlflow": chosen.deploy_mlflow,
        "kubernetes": chosen.deploy_kubernetes,
    }
    return {part for part, is_on in switches.items() if is_on}


def identity(findings: Findings) -> Check:
    """Who asks."""
    why = "Google decides by it what the worker may do."
    who = findings.identity
    if isinstance(who, Trouble):
        command = "gcloud auth application-default login"
        return Check("Identity", MISSING, f"No credentials were found: {who.text}", why, (command,))
    told = f"Google sees {who.kind}" + (f", {who.email}." if who.email else ".")
    return Check("Identity", OK, told, why)


def project(findings: Findings) -> Check:
    """Whether it is there, and the one that is meant."""
    name, why = "Project", "Every machine, disk and address is made in it."
    found = findings.project
    if isinstance(found, Trouble):
        return _unanswered(name, why, found, findings, (f"gcloud projects describe {findings.project_id}",))
    told = f"{found.id} ({found.name}), number {found.number}"
    if found.id != findings.project_id:
        command = f"export STATIONMASTER_GOOGLE_PROJECT={found.id}"
        sentence = f"STATIONMASTER_GOOGLE_PROJECT is {findings.project_id}, and Google calls that project {told}."
        return Check(name, MISSING, sentence, why, (command,))
    if not found.is_active:
        return Check(name, MISSING, f"{told}, is being deleted.", why, (f"gcloud projects undelete {found.id}",))
    return Check(name, OK, f"{told}.", why)


def billing(findings: Findings) -> Check:
    """Whether somebody pays."""
    name, why = "Billing", "Without it Google makes nothing."
    if isinstance(findings.billing, Trouble):
        unsure = _unanswered(name, why, findings.billing, findings)
        # Every other call works without this API, and Google says by itself when nobody pays.
        return Check(name, WARNING, unsure.found, why, unsure.commands)
    if findings.billing:
        return Check(name, OK, "A billing account that is open pays for the project.", why)
    command = f"gcloud billing projects link {findings.project_id} --billing-account=BILLING_ACCOUNT"
    return Check(name, MISSING, "No open billing account is linked.", why, ("gcloud billing accounts list", command))


def apis(findings: Findings) -> list[Check]:
    """Each API that a part in use needs."""
    if isinstance(findings.apis, Trouble):
        return [_unanswered("APIs", "Google answers for nothing that is not enabled.", findings.apis, findings)]
    return [
        _api(name, parts, name in findings.apis, findings.project_id)
        for name, parts in google_needs.apis(findings.parts).items()
    ]


def _api(name: str, parts: list[str], is_on: bool, project_id: str) -> Check:
    why = f"Needed for {', '.join(parts)}."
    if is_on:
        return Check(f"API {name}", OK, "It is enabled.", why)
    command = f"gcloud services enable {name} --project={project_id}"
    return Check(f"API {name}", MISSING, "It is not enabled.", why, (command,))


def permissions(findings: Findings) -> list[Check]:
    """The permissions that Terraform and the worker use, by the role that has them."""
    if isinstance(findings.permissions, Trouble):
        why = "Terraform acts with them."
        return [_unanswered("Permissions", why, findings.permissions, findings)]
    has = findings.permissions
    return [
        _role(role, [one for one in needed if one not in has], len(needed), findings)
        for role, needed in google_needs.grants(findings.parts).items()
    ]


def _role(role: str, lacking: list[str], needed: int, findings: Findings) -> Check:
    parts = [part for part in findings.parts if role in google_needs.NEEDS[part].grants]
    name, why = f"Permissions of {role}", f"Needed for {', '.join(parts)}."
    if not lacking:
        return Check(name, OK, f"All {needed} that are used are there.", why)
    command = (
        f"gcloud projects add-iam-policy-binding {findings.project_id} --member={_member(findings)} "
        f"--role={role} --condition=None"
    )
    return Check(name, MISSING, f"{len(lacking)} of {needed} are missing: {', '.join(lacking)}.", why, (command,))


def acting_as(findings: Findings) -> list[Check]:
    """Whether machines may be given their service account, where there is one."""
    account, may = findings.service_account, findings.may_act_as_it
    if account is None:
        return []
    name, why = "Service account of the workstations", "Every machine is made with it."
    if isinstance(may, Trouble):
        return [_unanswered(name, why, may, findings)]
    if may:
        return [Check(name, OK, f"Machines may be given {account}.", why)]
    command = (
        f"gcloud iam service-accounts add-iam-policy-binding {account} --member={_member(findings)} "
        f"--role={google_needs.ACT_AS} --project={findings.project_id}"
    )
    return [Check(name, MISSING, f"iam.serviceAccounts.actAs on {account} is missing.", why, (command,))]


def quotas(findings: Findings) -> list[Check]:
    """What the project may have, and how much of that is taken."""
    if isinstance(findings.quotas, Trouble):
        return [_unanswered("Quotas", "They limit what can be made.", findings.quotas, findings)]
    shown = {quota.metric: quota for quota in findings.quotas if quota.metric in (*NEEDED_QUOTAS, *GPU_QUOTAS)}
    return [_quota(shown[metric], findings.project_id) for metric in (*NEEDED_QUOTAS, *GPU_QUOTAS) if metric in shown]


def _quota(quota: Quota, project_id: str) -> Check:
    is_for_gpus = quota.metric in GPU_QUOTAS
    where = f"in {quota.region}" if quota.region else "in all regions"
    why = "Machines with a GPU need it." if is_for_gpus else "Machines, their disks and addresses count against it."
    name, told = f"Quota {quota.metric} {where}", f"{quota.usage:g} of {quota.limit:g} are used"
    if quota.usage < quota.limit:
        return Check(name, OK, f"{told}.", why)
    if quota.limit == 0:
        verdict, told = WARNING if is_for_gpus else MISSING, "It is 0: Google gives none"
    else:
        verdict, told = WARNING, f"{told}: there is no room for one more"
    return Check(name, verdict, f"{told}.", why, (_more_of(quota, project_id),))


def _more_of(quota: Quota, project_id: str) -> str:
    """Google's quota ids are the metrics with hyphens, and where they count."""
    per = "-per-project-region" if quota.region else "-per-project"
    region = f" --dimensions=region={quota.region}" if quota.region else ""
    return (
        f"gcloud beta quotas preferences create --service=compute.googleapis.com --project={project_id} "
        f"--quota-id={quota.metric.replace('_', '-')}{per}{region} --preferred-value={int(quota.limit) * 2 or 1}"
    )


def _member(findings: Findings) -> str:
    who = findings.identity
    if not isinstance(who, Identity) or not who.email:
        return ACCOUNT_PLACEHOLDER
    kind = "serviceAccount" if who.email.endswith(".gserviceaccount.com") else "user"
    return f"{kind}:{who.email}"


def _unanswered(name: str, why: str, trouble: Trouble, findings: Findings, otherwise: Iterable[str] = ()) -> Check:
    """Google was asked, and did not tell."""
    api = trouble.api_that_is_off
    command = f"gcloud services enable {api} --project={findings.project_id}"
    return Check(name, MISSING, f"Google does not tell: {trouble.text}", why, (command,) if api else tuple(otherwise))
