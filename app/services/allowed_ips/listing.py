"""The list of allowed IPs as people read it: how each stands, and what is to be known of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.models import AllowedIp, Firewall, Member, Run, RunKind, Standing
from app.models.allowed_ip import Network
from app.services import ip_ranges, runs, stacks

ENDED_SHOWN = 50

BUSY = {Standing.BEING_ADDED, Standing.BEING_REMOVED}
ENDED = {Standing.REFUSED, Standing.REMOVED, Standing.EXPIRED}
LEFT = {Standing.NOT_APPLIED, Standing.STILL_LET_IN}


@dataclass(frozen=True)
class Entry:
    """One allowed IP as it stands now."""

    ip: AllowedIp
    standing: Standing
    notes: tuple[str, ...] = ()
    """What whoever decides should know, in sentences."""


@dataclass(frozen=True)
class AllowedIpList:
    """Entries, the newest first, and the run that changes what the firewall has of them."""

    entries: tuple[Entry, ...]
    run: Run | None
    """The pending run that brings the firewall to what was decided."""

    @property
    def asked(self) -> list[Entry]:
        """Those that wait for an admin."""
        return [entry for entry in self.entries if entry.standing is Standing.ASKED]

    @property
    def current(self) -> list[Entry]:
        """Those that the firewall lets in, or is to."""
        return [entry for entry in self.entries if entry.standing not in ENDED and entry.standing is not Standing.ASKED]

    @property
    def ended(self) -> list[Entry]:
        """Those that are over: some of the newest."""
        return [entry for entry in self.entries if entry.standing in ENDED][:ENDED_SHOWN]

    @property
    def has_left_overs(self) -> bool:
        """The firewall is not as decided, and nothing is under way to change that."""
        return any(entry.standing in LEFT for entry in self.entries)

    @property
    def is_busy(self) -> bool:
        """Something goes on, or waits for somebody."""
        return any(entry.standing in BUSY or entry.standing is Standing.ASKED for entry in self.entries)

    def of_owner(self, member: Member) -> "AllowedIpList":
        """A member's own."""
        return replace(self, entries=tuple(entry for entry in self.entries if entry.ip.owner_id == member.id))

    def entry(self, ip: AllowedIp) -> Entry:
        """That of one."""
        return next(entry for entry in self.entries if entry.ip.id == ip.id)

    def around(self, address: Network | None) -> Entry | None:
        """The entry that says most about an address: one that lets it in, else one that is to, else one asked for."""
        order = [Standing.ON_THE_LIST, Standing.BEING_ADDED, Standing.NOT_APPLIED, Standing.ASKED]
        around = [entry for entry in self.entries if address and entry.standing in order and entry.ip.contains(address)]
        return min(around, key=lambda entry: order.index(entry.standing), default=None)


async def read(session: AsyncSession, now: datetime) -> AllowedIpList:
    """All of them."""
    query = select(AllowedIp).options(joinedload(AllowedIp.owner)).order_by(AllowedIp.created_at.desc(), AllowedIp.id)
    every = list(await session.scalars(query))
    firewall, run = await _firewall(session)
    entries = [Entry(ip, ip.standing(firewall, now), tuple(_notes(ip, every, now))) for ip in every]
    return AllowedIpList(tuple(entries), run)


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


def _notes(ip: AllowedIp, every: Sequence[AllowedIp], now: datetime) -> list[str]:
    """What is doubtful about it, and how it stands to others on the list."""
    if not ip.is_living(now):
        return []
    others = [other for other in every if other.is_wanted(now) and other.id != ip.id]
    around = [_named(other) for other in others if other.contains(ip.network)]
    inside = [_named(other) for other in others if ip.contains(other.network) and other.cidr != ip.cidr]
    notes = ip_ranges.doubts(ip.network)
    if around:
        notes.append(f"Already allowed by {', '.join(around)}.")
    if inside:
        notes.append(f"Includes {', '.join(inside)}, which it makes superfluous.")
    return notes


def _named(ip: AllowedIp) -> str:
    return f"{ip.cidr} ({ip.label})"
