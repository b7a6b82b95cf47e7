"""The import of the seed's shared infrastructure: prefix, zone, SQL user, IAM admins and allowed IPs."""

from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from app.config import Settings
from app.errors import InvalidError
from app.infra.zones import region_of
from app.models import Action, AllowedIp, RunKind
from app.models.allowed_ip import Network
from app.services import allowed_ips, audit, runs
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.catalog import Catalog
from app.services.context import Context
from app.services.runs import stacks
from app.services.seed.reader import Seed
from app.services.seed.tfvars import Problem
from app.services.shared import ip_ranges, shared_settings, shared_stack
from app.services.shared.shared_settings import LONGEST_PREFIX, SharedSettings
from app.services.shared.shared_stack import SharedStackSpec

REASON = "Imported from the seed's terraform.tfvars"
LABEL = "from the seed's whitelist"
_NAMES = {"prefix": "prefix", "zone": "gcp_zone", "sql_user": "sql_user"}
"""Setting → the seed's variable."""


@dataclass(frozen=True)
class SharedPart:
    """What the import changes in the shared stack."""

    settings: dict[str, Any]
    """Settings that differ from the desired ones."""
    iam_admins: tuple[str, ...]
    cidrs: tuple[str, ...]
    """Ranges that are not allowed yet."""
    is_desired: bool
    """Whether there is anything to request."""
    notes: tuple[str, ...]


async def prepare(ctx: Context, seed: Seed, problems: list[Problem]) -> SharedPart:
    """Compare the file with the desired state. Errors are added to `problems`."""
    stack = await stacks.shared(ctx.session)
    desired = (
        await shared_stack.desired(ctx, stack) if stack else SharedStackSpec(shared_settings.defaults(ctx.settings))
    )
    notes = _notes(seed, desired.settings, ctx.settings)
    given = _settings(seed, ctx.catalog, problems)
    chosen = _chosen(desired.settings, given, seed, problems)
    active = await allowed_ips.active(ctx.session, ctx.now)
    known = [ip.network for ip in active if ip.is_desired(ctx.now, ctx.settings) and ip.expires_at is None]
    networks = [network for network in _networks(seed, problems) if not _is_inside(network, known)]
    notes += [doubt for network in networks for doubt in ip_ranges.doubts(network)]
    admins = [admin for admin, _ in seed.admins if admin not in desired.iam_admins]
    differing = {name: value for name, value in given.items() if getattr(desired.settings, name) != value}
    says_anything = bool(given or seed.admins or seed.mlflow_whitelist_ips)
    is_there = stack is not None and (stack.exists or await runs.under_way(ctx.session, stack.id, RunKind.CONFIGURE))
    return SharedPart(
        settings=differing if chosen else {},
        iam_admins=tuple(dict.fromkeys(admins)),
        cidrs=tuple(map(str, networks)),
        is_desired=bool(differing or admins or networks) or (says_anything and not is_there),
        notes=tuple(notes if says_anything else ()),
    )


def _settings(seed: Seed, catalog: Catalog, problems: list[Problem]) -> dict[str, Any]:
    prefix = seed.prefix if seed.prefix and len(seed.prefix) <= LONGEST_PREFIX else None
    given = {"prefix": prefix, "zone": seed.gcp_zone, "sql_user": seed.sql_user}
    zone, region = seed.gcp_zone, seed.gcp_region
    if zone and zone not in catalog.zones:
        line = seed.lines["gcp_zone"]
        # A machine in that zone may have reported it already.
        if not any(problem.line == line and problem.file == seed.file for problem in problems):
            problems.append(Problem(seed.file, line, f"gcp_zone: {zone} is not available."))
    elif zone and region and region_of(zone) != region:
        problems.append(Problem(seed.file, seed.lines["gcp_region"], f"gcp_region: {zone} is not in {region}."))
    return {name: value for name, value in given.items() if value}


def _chosen(base: SharedSettings, given: dict[str, Any], seed: Seed, problems: list[Problem]) -> SharedSettings | None:
    try:
        fitting = SharedSettings.model_validate({"prefix": base.prefix, "zone": base.zone, **given})
    except ValidationError as error:
        for each in error.errors():
            name = _NAMES[str(each["loc"][0])]
            said = str(each["msg"]).removeprefix("Value error, ")
            problems.append(Problem(seed.file, seed.lines[name], f"{name}: {said}."))
        return None
    return base.model_copy(update={name: getattr(fitting, name) for name in given})


def _networks(seed: Seed, problems: list[Problem]) -> list[Network]:
    """The ranges, without those that are within another one."""
    found = []
    for text, line in seed.mlflow_whitelist_ips:
        try:
            found.append(ip_ranges.read(text))
        except InvalidError as error:
            problems += [Problem(seed.file, line, sentence) for sentence in error.fields.values()]
    # So that a range is compared with all that may contain it.
    wider_first = sorted(dict.fromkeys(found), key=lambda network: network.prefixlen)
    return [network for index, network in enumerate(wider_first) if not _is_inside(network, wider_first[:index])]


def _is_inside(network: Network, others: list[Network]) -> bool:
    return any(AllowedIp(cidr=str(other)).contains(network) for other in others)


def _notes(seed: Seed, desired: SharedSettings, settings: Settings) -> list[str]:
    notes = []
    if seed.prefix and len(seed.prefix) > LONGEST_PREFIX:
        notes.append(
            f"The prefix {seed.prefix} is longer than {LONGEST_PREFIX} characters, too long for account IDs. "
            f"{desired.prefix} is used instead, and resources with the old names are not adopted."
        )
    if seed.project and seed.project != settings.google_project:
        notes.append(f"The file is for project {seed.project}, but this portal uses {settings.google_project}.")
    if not desired.deploy_kubernetes:
        notes.append("The seed always had a Kubernetes cluster. Here it is a setting, which is off.")
    return notes


async def submit(ctx: Context, part: SharedPart) -> None:
    """Request it, as one run that requires approval."""
    if not part.is_desired:
        return
    stack = await shared_stack.find(ctx)
    await shared_stack.lock(ctx.session, stack)
    before = await shared_stack.desired(ctx, stack)
    spec = replace(
        before,
        settings=shared_settings.stored(part.settings, before.settings),
        iam_admins=(*before.iam_admins, *part.iam_admins),
    )
    for cidr in part.cidrs:
        # Confirmed, because the command has shown the doubts.
        await allowed_ips.add(ctx, ctx.member, AllowedIpSpec(cidr, LABEL, is_confirmed=True))
    for admin in part.iam_admins:
        audit.record(ctx, Action.ADD_IAM_ADMIN, stack.id, admin)
    before_settings, after_settings = before.settings.model_dump(), spec.settings.model_dump()
    audit.record(ctx, Action.CONFIGURE_SHARED_STACK, stack.id, stack.name, before_settings, after_settings)
    await shared_stack.request(ctx, stack, spec, REASON)
