"""The list of allowed IPs for pages and the API: each with its state and notes for whoever decides."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, cast, extract, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, contains_eager

from app.config import Settings
from app.models import AllowedIp, AllowedIpStatus, Firewall, Member, Run, RunKind, RunStatus, SharedStack, Standing
from app.models.allowed_ip import Network
from app.models.run_states import EXECUTING
from app.services.context import Context
from app.services.shared import ip_ranges

IPS_A_PAGE = 50

BUSY = {Standing.BEING_ADDED, Standing.BEING_REMOVED}
ENDED = {Standing.REFUSED, Standing.REMOVED, Standing.EXPIRED}
PENDING = {*EXECUTING, RunStatus.QUEUED}


@dataclass(frozen=True)
class Entry:
    """One allowed IP with its current state."""

    ip: AllowedIp
    standing: Standing
    notes: tuple[str, ...] = ()
    """Sentences that matter to whoever decides about it."""


@dataclass(frozen=True)
class AllowedIpList:
    """A page of allowed IPs: requests, then those of the firewall, then those that are over, each newest first."""

    entries: tuple[Entry, ...]
    run: Run | None
    """The pending run that updates the firewall, if there is one."""
    needs_update: bool
    """Whether the firewall differs from the decisions and no run is pending that updates it."""
    after: str | None
    """The id of its last entry, if others follow: where the next page begins."""

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
        """Those that were denied, removed or have expired."""
        return [entry for entry in self.entries if entry.standing in ENDED]

    @property
    def is_busy(self) -> bool:
        """Whether an entry is being changed or awaits a decision."""
        return any(entry.standing in BUSY or entry.standing is Standing.ASKED for entry in self.entries)


async def read(
    ctx: Context, *, owner: Member | None = None, search: str = "", after: str = "", limit: int = IPS_A_PAGE
) -> AllowedIpList:
    """A page of a member's allowed IPs, or of everybody's.

    :param search: part of the label, the range, or the owner's name or address.
    :param after: id of the entry behind which the page begins; empty for the first page.
    """
    firewall, run = await _firewall(ctx.session)
    query = _select().where(*_search(search), *([AllowedIp.owner_id == owner.id] if owner else []))
    if after:
        behind = select(*_place(AllowedIp, firewall)).where(AllowedIp.id == after).correlate(None).scalar_subquery()
        query = query.where(tuple_(*_place(AllowedIp, firewall)) > behind)
    query = query.order_by(*_place(AllowedIp, firewall)).limit(limit + 1)
    rows = list(await ctx.session.execute(query.add_columns(_needs_update(ctx, firewall))))
    page = [ip for ip, _ in rows[:limit]]
    shown = await _entries_of(ctx, page, firewall)
    needs_update = any(found for _, found in rows)
    return AllowedIpList(tuple(shown), run, needs_update, page[-1].id if len(rows) > limit else None)


def _search(search: str) -> list[ColumnElement[bool]]:
    columns = (AllowedIp.label, AllowedIp.cidr, Member.name, Member.email)
    return [or_(*(column.icontains(search, autoescape=True) for column in columns))] if search else []


def _place(ip: type[AllowedIp], firewall: Firewall) -> tuple[Any, ...]:
    """By which the list is sorted; no two entries have the same."""
    group = case((ip.status == AllowedIpStatus.ASKED, 0), (_is_current(firewall), 1), else_=2)
    return group, -extract("epoch", ip.created_at), ip.id


async def _entries_of(ctx: Context, page: Sequence[AllowedIp], firewall: Firewall) -> list[Entry]:
    """How each stands, in their order, with notes about others that overlap."""
    others = await _overlapping(ctx.session, page, firewall)
    every = {ip.id: ip for ip in (*others, *page)}
    found = {entry.ip.id: entry for entry in entries(list(every.values()), firewall, ctx.now, ctx.settings)}
    return [found[ip.id] for ip in page]


async def _overlapping(session: AsyncSession, page: Sequence[AllowedIp], firewall: Firewall) -> Sequence[AllowedIp]:
    """What is asked for or allowed and contains one of these, or is in one."""
    mine = aliased(AllowedIp)
    overlaps = cast(AllowedIp.cidr, INET).op("&&")(cast(mine.cidr, INET))
    ids = select(AllowedIp.id).join(mine, overlaps).where(mine.id.in_([ip.id for ip in page]), _is_current(firewall))
    return list(await session.scalars(_select().where(AllowedIp.id.in_(ids))))


async def around(ctx: Context, address: Network | None) -> Entry | None:
    """The entry that covers an address: an active one if there is one, otherwise the one closest to it."""
    if address is None:
        return None
    firewall, _ = await _firewall(ctx.session)
    covers = cast(AllowedIp.cidr, INET).op(">>=")(cast(str(address), INET))
    found = list(await ctx.session.scalars(_select().where(covers, _is_current(firewall))))
    order = [Standing.ON_THE_LIST, Standing.BEING_ADDED, Standing.NOT_APPLIED, Standing.ASKED]
    standing = [each for each in entries(found, firewall, ctx.now, ctx.settings) if each.standing in order]
    return min(standing, key=lambda entry: order.index(entry.standing), default=None)


def _needs_update(ctx: Context, firewall: Firewall) -> ColumnElement[bool]:
    """Whether some entry is NOT_APPLIED or STILL_LET_IN."""
    may_sign_in = Member.can_sign_in(ctx.settings)
    is_approved = AllowedIp.status == AllowedIpStatus.APPROVED
    lasts = or_(AllowedIp.expires_at.is_(None), AllowedIp.expires_at > ctx.now)
    is_to_come = and_(is_approved, lasts, may_sign_in, AllowedIp.id.not_in(firewall.planned))
    is_to_go = and_(AllowedIp.id.in_(firewall.perhaps_open_to & firewall.planned), ~and_(is_approved, may_sign_in))
    return _select().where(or_(is_to_come, is_to_go)).correlate(None).exists()


async def not_ended_of(ctx: Context, member: Member) -> list[Entry]:
    """A member's that were asked for or approved, or that the firewall still lets in; without notes."""
    firewall, _ = await _firewall(ctx.session)
    query = _select().where(AllowedIp.owner_id == member.id, _is_current(firewall))
    found = await ctx.session.scalars(query.order_by(AllowedIp.created_at.desc(), AllowedIp.id))
    return [Entry(ip, ip.standing(firewall, ctx.now, ctx.settings)) for ip in found]


async def entry_of(ctx: Context, ip: AllowedIp) -> Entry:
    """The entry of one allowed IP."""
    firewall, _ = await _firewall(ctx.session)
    found = await ctx.session.scalars(_select().where(AllowedIp.id == ip.id))
    return (await _entries_of(ctx, [found.one()], firewall))[0]


async def count_requested(session: AsyncSession, now: datetime) -> int:
    """How many wait for an admin."""
    query = select(func.count()).where(AllowedIp.status == AllowedIpStatus.ASKED)
    return await session.scalar(query.where(or_(AllowedIp.expires_at.is_(None), AllowedIp.expires_at > now))) or 0


def _select() -> Select[AllowedIp]:
    return select(AllowedIp).join(AllowedIp.owner).options(contains_eager(AllowedIp.owner))


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
    is_pending = and_(Run.stack_id == SharedStack.id, Run.kind == RunKind.CONFIGURE, Run.status.in_(PENDING))
    rows = list(await session.execute(select(SharedStack, Run).outerjoin(Run, is_pending)))
    if not rows:
        return Firewall(), None
    stack: SharedStack = rows[0][0]
    configuring = sorted((run for _, run in rows if run), key=lambda run: run.is_queued)
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
