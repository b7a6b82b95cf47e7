"""The doctor: checks what the portal needs of Google, Terraform and its database, and says how to get what is missing.

Pure functions over the findings of app/worker/examine.py.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.infra.google import Quota
from app.infra.google_rest import GoogleIdentity
from app.services import inspections
from app.services.doctor import google_needs, portal_checks
from app.services.doctor.checks import Check, Findings, Unchecked, Verdict
from app.services.runs import stacks
from app.services.shared import shared_settings

INSPECTION = inspections.DOCTOR
OK, WARNING, MISSING = Verdict.OK, Verdict.WARNING, Verdict.MISSING
ACCOUNT_PLACEHOLDER = "serviceAccount:WORKER_SERVICE_ACCOUNT"
NEEDED_QUOTAS = ("CPUS_ALL_REGIONS", "CPUS", "DISKS_TOTAL_GB", "IN_USE_ADDRESSES", "SSD_TOTAL_GB", "STATIC_ADDRESSES")
GPU_QUOTAS = ("GPUS_ALL_REGIONS", "NVIDIA_L4_GPUS", "NVIDIA_T4_GPUS")
"""Quotas of GPUs in the catalog. A team may need none."""


def check(findings: Findings) -> list[Check]:
    """All checks, in the order in which problems should be fixed."""
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
    """Check the findings, and store the result for the page."""
    who = findings.identity
    content: dict[str, Any] = {
        "identity": who.email or who.kind if isinstance(who, GoogleIdentity) else None,
        "checks": [each.as_json() for each in check(findings)],
    }
    await inspections.keep(session, INSPECTION, content, now)


async def parts_in_use(session: AsyncSession, settings: Settings) -> tuple[str, ...]:
    """The parts to check: workstations, the parts in the settings, and those that the shared stack has."""
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
    """Check which identity the portal uses."""
    why = "Google grants the worker's permissions to this identity."
    who = findings.identity
    if isinstance(who, Unchecked):
        command = "gcloud auth application-default login"
        return Check("Identity", MISSING, f"No credentials found: {who.text}", why, (command,))
    found = f"Authenticated as {who.kind}" + (f", {who.email}." if who.email else ".")
    return Check("Identity", OK, found, why)


def project(findings: Findings) -> Check:
    """Check that the project exists and is the right one."""
    name, why = "Project", "All machines, disks and addresses are created in it."
    found = findings.project
    if isinstance(found, Unchecked):
        return _unanswered(name, why, found, findings, (f"gcloud projects describe {findings.project_id}",))
    described = f"{found.id} ({found.name}), number {found.number}"
    if found.id != findings.project_id:
        command = f"export STATIONMASTER_GOOGLE_PROJECT={found.id}"
        sentence = f"STATIONMASTER_GOOGLE_PROJECT is {findings.project_id}, but Google returned project {described}."
        return Check(name, MISSING, sentence, why, (command,))
    if not found.is_active:
        return Check(name, MISSING, f"{described}, is being deleted.", why, (f"gcloud projects undelete {found.id}",))
    return Check(name, OK, f"{described}.", why)


def billing(findings: Findings) -> Check:
    """Check that the project has an open billing account."""
    name, why = "Billing", "Google creates no resources without billing."
    if isinstance(findings.billing, Unchecked):
        unsure = _unanswered(name, why, findings.billing, findings)
        # Everything else works without the Billing API, and runs fail with a clear error if billing is off.
        return Check(name, WARNING, unsure.found, why, unsure.commands)
    if findings.billing:
        return Check(name, OK, "An open billing account is linked.", why)
    command = f"gcloud billing projects link {findings.project_id} --billing-account=BILLING_ACCOUNT"
    return Check(name, MISSING, "No open billing account is linked.", why, ("gcloud billing accounts list", command))


def apis(findings: Findings) -> list[Check]:
    """Check that the APIs of all parts in use are enabled."""
    if isinstance(findings.apis, Unchecked):
        return [_unanswered("APIs", "Google rejects calls to APIs that are not enabled.", findings.apis, findings)]
    return [
        _api(name, parts, name in findings.apis, findings.project_id)
        for name, parts in google_needs.apis(findings.parts).items()
    ]


def _api(name: str, parts: list[str], is_on: bool, project_id: str) -> Check:
    why = f"Needed for {', '.join(parts)}."
    if is_on:
        return Check(f"API {name}", OK, "Enabled.", why)
    command = f"gcloud services enable {name} --project={project_id}"
    return Check(f"API {name}", MISSING, "Not enabled.", why, (command,))


def permissions(findings: Findings) -> list[Check]:
    """Check the permissions that Terraform and the worker use, grouped by role."""
    if isinstance(findings.permissions, Unchecked):
        why = "Terraform and the worker need them."
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
        return Check(name, OK, f"All {needed} required permissions granted.", why)
    command = (
        f"gcloud projects add-iam-policy-binding {findings.project_id} --member={_member(findings)} "
        f"--role={role} --condition=None"
    )
    found = f"{len(lacking)} of {needed} required permissions missing: {', '.join(lacking)}."
    return Check(name, MISSING, found, why, (command,))


def acting_as(findings: Findings) -> list[Check]:
    """Check that machines may be given their service account, if one is set."""
    account, may = findings.service_account, findings.may_act_as_it
    if account is None:
        return []
    name, why = "Workstation service account", "It is attached to every machine."
    if isinstance(may, Unchecked):
        return [_unanswered(name, why, may, findings)]
    if may:
        return [Check(name, OK, f"{account} can be attached to machines.", why)]
    command = (
        f"gcloud iam service-accounts add-iam-policy-binding {account} --member={_member(findings)} "
        f"--role={google_needs.ACT_AS} --project={findings.project_id}"
    )
    return [Check(name, MISSING, f"Permission iam.serviceAccounts.actAs on {account} is missing.", why, (command,))]


def quotas(findings: Findings) -> list[Check]:
    """Check that the project's quotas leave room."""
    if isinstance(findings.quotas, Unchecked):
        return [_unanswered("Quotas", "Quotas limit what can be created.", findings.quotas, findings)]
    shown = {quota.metric: quota for quota in findings.quotas if quota.metric in (*NEEDED_QUOTAS, *GPU_QUOTAS)}
    return [_quota(shown[metric], findings.project_id) for metric in (*NEEDED_QUOTAS, *GPU_QUOTAS) if metric in shown]


def _quota(quota: Quota, project_id: str) -> Check:
    is_for_gpus = quota.metric in GPU_QUOTAS
    where = f"in {quota.region}" if quota.region else "in all regions"
    why = "Machines with a GPU need this quota." if is_for_gpus else "Machines, disks and addresses use this quota."
    name, found = f"Quota {quota.metric} {where}", f"{quota.usage:g} of {quota.limit:g} used"
    if quota.usage < quota.limit:
        return Check(name, OK, f"{found}.", why)
    if quota.limit == 0:
        verdict, found = WARNING if is_for_gpus else MISSING, "The limit is 0"
    else:
        verdict, found = WARNING, f"{found}: the quota is exhausted"
    return Check(name, verdict, f"{found}.", why, (_more_of(quota, project_id),))


def _more_of(quota: Quota, project_id: str) -> str:
    """The command that requests more of a quota. Google's quota IDs are the metrics with hyphens, and their scope."""
    per = "-per-project-region" if quota.region else "-per-project"
    region = f" --dimensions=region={quota.region}" if quota.region else ""
    return (
        f"gcloud beta quotas preferences create --service=compute.googleapis.com --project={project_id} "
        f"--quota-id={quota.metric.replace('_', '-')}{per}{region} --preferred-value={int(quota.limit) * 2 or 1}"
    )


def _member(findings: Findings) -> str:
    who = findings.identity
    if not isinstance(who, GoogleIdentity) or not who.email:
        return ACCOUNT_PLACEHOLDER
    kind = "serviceAccount" if who.email.endswith(".gserviceaccount.com") else "user"
    return f"{kind}:{who.email}"


def _unanswered(name: str, why: str, problem: Unchecked, findings: Findings, otherwise: Iterable[str] = ()) -> Check:
    """The check for a question that Google answered with an error."""
    api = problem.api_that_is_off
    command = f"gcloud services enable {api} --project={findings.project_id}"
    return Check(
        name, MISSING, f"Google returned an error: {problem.text}", why, (command,) if api else tuple(otherwise)
    )
