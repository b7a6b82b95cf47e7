"""The seed's shared part as one wish: prefix, zone and SQL user, IAM admins, and who may reach MLflow."""

import ipaddress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.crypto import Vault
from app.models import Action, AllowedIp, Member, RunKind
from app.models.allowed_ip import AllowedIpStatus
from app.services import audit, runs, shared_settings, shared_stack, stacks
from app.services.catalog import Catalog
from app.services.seed import Seed
from app.services.shared_settings import LONGEST_PREFIX, SharedSettings
from app.services.shared_stack import Wish
from app.services.tfvars import Problem

REASON = "Brought over from the seed's terraform.tfvars"
LABEL = "from the seed's whitelist"
_NAMES = {"prefix": "prefix", "zone": "gcp_zone", "sql_user": "sql_user"}
"""Setting → variable of the seed."""
WIDEST = {4: 8, 6: 16}
"""The shortest prefix of a range that terraform/shared lets reach MLflow, by IP version."""


@dataclass(frozen=True)
class SharedPart:
    """What the shared stack is to be besides what it is."""

    settings: dict[str, Any]
    """What the file says, and is not so yet."""
    iam_admins: tuple[str, ...]
    cidrs: tuple[str, ...]
    """Those that are new, as are the IAM admins."""
    is_wanted: bool
    """Whether there is anything to ask for."""
    notes: tuple[str, ...]


async def prepare(
    session: AsyncSession, seed: Seed, catalog: Catalog, settings: Settings, now: datetime, problems: list[Problem]
) -> SharedPart:
    """Compare the file with what is wanted already; what is wrong is added to `problems`."""
    stack = await stacks.shared(session)
    wanted = await shared_stack.wanted(session, stack, settings) if stack else Wish(shared_settings.defaults(settings))
    notes = _notes(seed, wanted.settings, settings)
    given = _settings(seed, catalog, problems)
    chosen = _chosen(wanted.settings, given, seed, problems)
    known = {ip.cidr for ip in await _allowed(session, wanted)}
    cidrs = [cidr for cidr in _cidrs(seed, problems) if cidr not in known]
    admins = [admin for admin, _ in seed.admins if admin not in wanted.iam_admins]
    differing = {name: value for name, value in given.items() if getattr(wanted.settings, name) != value}
    says_anything = bool(given or seed.admins or seed.mlflow_whitelist_ips)
    is_there = stack is not None and (stack.exists or await runs.under_way(session, stack.id, RunKind.CONFIGURE))
    return SharedPart(
        settings=differing if chosen else {},
        iam_admins=tuple(dict.fromkeys(admins)),
        cidrs=tuple(dict.fromkeys(cidrs)),
        is_wanted=bool(differing or admins or cidrs) or (says_anything and not is_there),
        notes=tuple(notes if says_anything else ()),
    )


def _settings(seed: Seed, catalog: Catalog, problems: list[Problem]) -> dict[str, Any]:
    prefix = seed.prefix if seed.prefix and len(seed.prefix) <= LONGEST_PREFIX else None
    given = {"prefix": prefix, "zone": seed.gcp_zone, "sql_user": seed.sql_user}
    zone, region = seed.gcp_zone, seed.gcp_region
    if zone and zone not in catalog.zones:
        line = seed.lines["gcp_zone"]
        # Said once, also where machines of users are in that zone.
        if not any(problem.line == line and problem.file == seed.file for problem in problems):
            problems.append(Problem(seed.file, line, f"gcp_zone: {zone} is not on offer."))
    elif zone and region and zone.rpartition("-")[0] != region:
        problems.append(Problem(seed.file, seed.lines["gcp_region"], f"gcp_region: {zone} is not in {region}."))
    return {name: value for name, value in given.items() if value}


def _chosen(base: SharedSettings, given: dict[str, Any], seed: Seed, problems: list[Problem]) -> SharedSettings | None:
    try:
        return SharedSettings.model_validate({**base.model_dump(), **given})
    except ValidationError as error:
        for each in error.errors():
            name = _NAMES[str(each["loc"][0])]
            said = str(each["msg"]).removeprefix("Value error, ")
            problems.append(Problem(seed.file, seed.lines[name], f"{name}: {said}."))
    return None


def _cidrs(seed: Seed, problems: list[Problem]) -> list[str]:
    found = []
    for text, line in seed.mlflow_whitelist_ips:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            problems.append(Problem(seed.file, line, f"{text} is no address and no range, such as 203.0.113.7/32."))
            continue
        if network.prefixlen < WIDEST[network.version]:
            problems.append(Problem(seed.file, line, f"{text} is too wide: MLflow is never open to everybody."))
        found.append(str(network))
    return found


def _notes(seed: Seed, wanted: SharedSettings, settings: Settings) -> list[str]:
    notes = []
    if seed.prefix and len(seed.prefix) > LONGEST_PREFIX:
        told = f"has more than {LONGEST_PREFIX} characters, and account ids have no room for it"
        notes.append(
            f"The prefix {seed.prefix} {told}: {wanted.prefix} it is. What has the old names stays the seed's."
        )
    if seed.project and seed.project != settings.google_project:
        notes.append(f"The file is of project {seed.project}; this portal works in {settings.google_project}.")
    if not wanted.deploy_kubernetes:
        notes.append("The seed always had a Kubernetes cluster. Here it is a switch of the shared stack, and is off.")
    return notes


async def _allowed(session: AsyncSession, wanted: Wish) -> list[AllowedIp]:
    return list(await session.scalars(select(AllowedIp).where(AllowedIp.id.in_(wanted.allowed_ips))))


async def file(
    session: AsyncSession, part: SharedPart, by: Member, vault: Vault, settings: Settings, now: datetime
) -> None:
    """Ask for it, as one run whose plan waits for approval."""
    if not part.is_wanted:
        return
    stack = await shared_stack.find(session, vault, now)
    await shared_stack.hold(session, stack)
    before = await shared_stack.wanted(session, stack, settings)
    wish = replace(
        before,
        settings=SharedSettings.model_validate({**before.settings.model_dump(), **part.settings}),
        iam_admins=(*before.iam_admins, *part.iam_admins),
        allowed_ips=(*before.allowed_ips, *[await _allow(session, cidr, by, now) for cidr in part.cidrs]),
    )
    for admin in part.iam_admins:
        audit.record(session, by, Action.ADD_IAM_ADMIN, stack.id, admin, now=now)
    before_settings, after_settings = before.settings.model_dump(), wish.settings.model_dump()
    audit.record(
        session, by, Action.CONFIGURE_SHARED_STACK, stack.id, stack.name, before_settings, after_settings, now=now
    )
    await shared_stack.request(session, stack, wish, by, settings, now, REASON)


async def _allow(session: AsyncSession, cidr: str, by: Member, now: datetime) -> str:
    ip = AllowedIp(
        cidr=cidr,
        label=LABEL,
        owner_id=by.id,
        status=AllowedIpStatus.APPROVED,
        created_at=now,
        decided_at=now,
        decided_by=by.id,
    )
    session.add(ip)
    await session.flush()
    audit.record(session, by, Action.ADD_ALLOWED_IP, ip.id, cidr, after={"cidr": cidr, "label": LABEL}, now=now)
    return ip.id
