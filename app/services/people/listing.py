"""The list of members: searched, and read page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.orm import aliased

from app.models import Member, MemberAccess, Role
from app.services.context import Context
from app.services.people import limits
from app.services.people.limits import Allowance

MEMBERS_A_PAGE = 50


@dataclass(frozen=True)
class ListedMember:
    """A member as in the list of members."""

    member: Member
    access: MemberAccess
    allowance: Allowance
    """How many workstations they have and may have."""


@dataclass(frozen=True)
class MembersPage:
    """Part of the list."""

    entries: Sequence[ListedMember]
    after: str | None
    """The id of its last member, if others follow: where the next page begins."""


async def page(ctx: Context, *, search: str = "", after: str = "", limit: int = MEMBERS_A_PAGE) -> MembersPage:
    """Members whose name or address contains `search`: admins first, then by email address.

    :param after: id of the member behind whom the page begins; empty for the first page.
    """
    query = _search(search).order_by(*_place(Member)).limit(limit + 1)
    if after:
        other = aliased(Member)
        query = query.where(tuple_(*_place(Member)) > select(*_place(other)).where(other.id == after).scalar_subquery())
    found = list(await ctx.session.scalars(query))
    rows = found[:limit]
    allowances = await limits.of_each(ctx, rows)
    entries = [ListedMember(row, row.access(ctx.settings), allowances[row.id]) for row in rows]
    return MembersPage(entries, rows[-1].id if len(found) > limit else None)


def _search(search: str) -> Select[Member]:
    query = select(Member)
    if search:
        contains = [column.icontains(search, autoescape=True) for column in (Member.name, Member.email)]
        query = query.where(or_(*contains))
    return query


def _place(member: type[Member]) -> tuple[Any, ...]:
    """By which the list is sorted; no two members have the same."""
    return member.role != Role.ADMIN, member.email
