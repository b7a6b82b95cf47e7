"""The list of allowed IPs for pages and the API: each with its state and notes for whoever decides."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.config import Settings
from app.models import AllowedIp, AllowedIpStatus, Firewall, Member, Run, RunKind, Standing
from app.models.allowed_ip import Network
from app.services import runs
from app.services.context import Context
from app.services.runs import stacks
from app.services.shared import ip_ranges

SHOWN = 50
"""How many ended entries are listed at most."""

BUSY = {Standing.BEING_ADDED, Standing.BEING_REMOVED}
ENDED = {Standing.REFUSED, Standing.REMOVED, Standing.EXPIRED}
LEFT = {Standing.NOT_APPLIED, Standing.STILL_LET_IN}


@dataclass(frozen=True)
class Entry:
    """One allowed IP with its current state."""

    ip: AllowedIp
    standing: Standing
    notes: tuple[str, ...] = ()
    """Sentences that matter to whoever decides about it."""


@dataclass(frozen=True)
class AllowedIpList:
    """Allowed IPs, newest first, and the run that updates the firewall."""

    entries: tuple[Entry, ...]
    run: Run | None
    """The pending run that updates the firewall, if there is one."""

    @property
    def requested(self) -> list[Entry]:
        """Requests that await a decision."""
        return [entry for entry in self.entries if entry.standing is Standing.ASKED]

    @property
    def current(self) -> list[Entry]:
        """Ranges that the firewall allows, or is to allow."""
        return [entry for entry in self.entries if entry.standing not in ENDED and entry.standing is not Standing.ASKED]

    @property
    def ended(self) -> list[Entry]:
        """The newest of those that were denied, removed or have expired."""
        return [entry for entry in self.entries if entry.standing in ENDED]

    @property
    def needs_update(self) -> bool:
        """Whether the firewall differs from the decisions and no run is pending that updates it."""
        return any(entry.standing in LEFT for entry in self.entries)

    @property
    def is_busy(self) -> bool:
        """Whether an entry is being changed or awaits a decision."""
        return any(entry.standing in BUSY or entry.standing is Standing.ASKED for entry in self.entries)

    def of_owner(self, member: Member) -> "AllowedIpList":
        """The entries of one member."""
        return replace(self, entries=tuple(entry for entry in self.entries if entry.ip.owner_id == member.id))

    def around(self, address: Network | None) -> Entry | None:
        """The entry that covers an address: an active one if there is one, otherwise the one closest to it."""
        order = [Standing.ON_THE_LIST, Standing.BEING_ADDED, Standing.NOT_APPLIED, Standing.ASKED]
        around = [entry for entry in self.entries if address and entry.standing in order and entry.ip.contains(address)]
        return min(around, key=lambda entry: order.index(entry.standing), default=None)


async def read(ctx: Context, *, ended_of: Member | None = None) -> AllowedIpList:
    """All active entries, and the newest of those that have ended.

    :param ended_of: the owner of the ended entries; None for all owners.
    """
    session = ctx.session
    firewall, run = await _firewall(session)
    ended = _select().where(~_is_current(firewall)).order_by(AllowedIp.created_at.desc(), AllowedIp.id)
    if ended_of:
        ended = ended.where(AllowedIp.owner_id == ended_of.id)
    ips = [*await session.scalars(_select().where(_is_current(firewall))), *await session.scalars(ended.limit(SHOWN))]
    return AllowedIpList(tuple(entries(ips, firewall, ctx.now, ctx.settings)), run)


async def entry_of(ctx: Context, ip: AllowedIp) -> Entry:
    """The entry of one allowed IP."""
    firewall, _ = await _firewall(ctx.session)
    ips = await ctx.session.scalars(_select().where(or_(_is_current(firewall), AllowedIp.id == ip.id)))
    return next(entry for entry in entries(list(ips), firewall, ctx.now, ctx.settings) if entry.ip.id == ip.id)


async def count_requested(session: AsyncSession, now: datetime) -> int:
    """How many wait for an admin."""
    query = select(func.count()).where(AllowedIp.status == AllowedIpStatus.ASKED)
    return await session.scalar(query.where(or_(AllowedIp.expires_at.is_(None), AllowedIp.expires_at > now))) or 0


def _select() -> Select[AllowedIp]:
    return select(AllowedIp).options(joinedload(AllowedIp.owner))


def _is_current(firewall: Firewall) -> ColumnElement[bool]:
    """The condition for entries that are requested, approved, or possibly still allowed by the firewall."""
    active = AllowedIp.status.in_({AllowedIpStatus.ASKED, AllowedIpStatus.APPROVED})
    return or_(active, AllowedIp.id.in_(firewall.perhaps_open_to | firewall.planned))


def entries(ips: Sequence[AllowedIp], firewall: Firewall, now: datetime, settings: Settings) -> list[Entry]:
    """How each stands, the newest first. Their owners have to be loaded."""
    active = [ip for ip in ips if ip.is_active(now)]
    around, inside = _nesting(active, {ip.id for ip in active if ip.is_desired(now, settings)})
    standings = {ip.id: ip.standing(firewall, now, settings) for ip in ips}
    notes = {ip.id: tuple(_notes(ip, standings[ip.id], around[ip.id], inside[ip.id])) for ip in active}
    newest_first = sorted(ips, key=lambda ip: (-ip.created_at.timestamp(), ip.id))
    return [Entry(ip, standings[ip.id], notes.get(ip.id, ())) for ip in newest_first]


async def _firewall(session: AsyncSession) -> tuple[Firewall, Run | None]:
    stack = await stacks.shared(session)
    if stack is None:
        return Firewall(), None
    configuring = [run for run in await runs.pending(session, stack.id) if run.kind is RunKind.CONFIGURE]
    open_to = frozenset(stack.allowed_ips)
    executing = [each for run in configuring if run.has_changed_anything for each in run.changes["allowed_ips"]]
    ending_well = [run for run in configuring if not run.is_canceling]
    planned = frozenset(ending_well[-1].changes["allowed_ips"]) if ending_well else open_to
    return Firewall(open_to, open_to | frozenset(executing), planned), ending_well[-1] if ending_well else None


Names = defaultdict[str, list[str]]
"""Names of others, by the id of one."""


def _nesting(active: Sequence[AllowedIp], wanted: Collection[str]) -> tuple[Names, Names]:
    """For each active range, the desired ranges (`wanted`, by ID) that contain it, and those within it.

    Ranges in CIDR notation contain each other or are disjoint. So in sorted order, the ranges around one are those that
    have not ended before it.
    """
    around, inside = Names(list), Names(list)
    open_ranges: list[AllowedIp] = []
    for ip in sorted(active, key=lambda ip: (ip.network.version, ip.network.network_address, ip.network.prefixlen)):
        network = ip.network
        while open_ranges and not open_ranges[-1].contains(network):
            open_ranges.pop()
        for other in open_ranges:
            if other.id in wanted:
                around[ip.id].append(_named(other))
            if ip.id in wanted:
                (around if other.cidr == ip.cidr else inside)[other.id].append(_named(ip))
        open_ranges.append(ip)
    return around, inside


def _notes(ip: AllowedIp, standing: Standing, around: Sequence[str], inside: Sequence[str]) -> list[str]:
    """Why the range is unusual or not allowed, and how it overlaps with others."""
    notes = ip_ranges.doubts(ip.network)
    if standing is Standing.SUSPENDED:
        notes.append(f"{ip.owner.email} can't sign in, so it is not allowed.")
    if around:
        notes.append(f"Already allowed by {', '.join(around)}.")
    if inside:
        notes.append(f"Includes {', '.join(inside)}, which is then no longer needed.")
    return notes


def _named(ip: AllowedIp) -> str:
    return f"{ip.cidr} ({ip.label})"
