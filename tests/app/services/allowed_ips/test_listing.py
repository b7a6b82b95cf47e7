"""A list that has grown long: what is over is not read, and nobody is compared with everybody."""

import ipaddress
import sys
from datetime import datetime
from types import FrameType

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from app.models import AllowedIp, AllowedIpStatus, Firewall, Member
from app.services import admin_inbox, allowed_ips
from app.services.allowed_ips import listing
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.people import members
from tests.app.counting import loaded, statements
from tests.parts import MovingClock, identity, make_settings
from tests.stage import By, Stage
from tests.steps import make_shared_stack

pytestmark = pytest.mark.anyio
SETTINGS = make_settings()
GRACE = Member(email="grace@example.com")


async def ask(by: By, member: Member, cidr: str, clock: MovingClock) -> AllowedIp:
    clock.advance(seconds=1)
    return (await allowed_ips.request_range(by(member), AllowedIpSpec(cidr, "x"))).ip


async def test_pages_go_from_requests_over_the_allowed_to_those_that_are_over(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    ada = await members.sign_in(by(), identity("ada"))
    for number in range(1, 60):
        await allowed_ips.remove(by(grace), await ask(by, grace, f"203.0.113.{number}", clock))
    allowed = await allowed_ips.add(by(ada), grace, AllowedIpSpec("198.51.100.2", "lab"))
    asked = await ask(by, grace, "198.51.100.1", clock)
    session.expunge_all()
    with loaded(AllowedIp) as seen:
        first = await listing.read(by())
    second = await listing.read(by(), after=first.after or "")

    assert ([e.ip.id for e in first.requested], [e.ip.id for e in first.current]) == ([asked.id], [allowed.id])
    over = [entry.ip.cidr for page in (first, second) for entry in page.ended]
    assert over == [f"203.0.113.{number}/32" for number in range(59, 0, -1)]
    assert (len(first.entries), len(second.entries), second.after) == (50, 11, None)
    assert len(seen) == 51
    assert (await listing.read(by(), after="nobody")).entries == ()


async def test_nothing_of_the_list_is_read_to_count_requests(by: By, grace: Member, clock: MovingClock) -> None:
    asked = await ask(by, grace, "198.51.100.1", clock)
    by().session.expunge_all()
    with loaded(AllowedIp) as seen:
        assert (await admin_inbox.for_admins(by())).allowed_ip_requests == 1
    assert seen == []
    assert (await listing.entry_of(by(), asked)).standing == "asked"


@pytest.mark.parametrize(
    ("search", "found"),
    [("LAB", ["lab"]), ("203.0.113", ["home"]), ("grace@", ["home", "lab"]), ("Ada", ["desk"]), ("%", [])],
)
async def test_ranges_are_found_by_label_range_and_owner(
    by: By, grace: Member, clock: MovingClock, search: str, found: list[str]
) -> None:
    ada = await members.sign_in(by(), identity("ada"))
    for owner, cidr, label in (
        (ada, "192.0.2.1", "desk"),
        (grace, "198.51.100.7", "lab"),
        (grace, "203.0.113.7", "home"),
    ):
        clock.advance(seconds=1)
        await allowed_ips.add(by(ada), owner, AllowedIpSpec(cidr, label))

    assert [entry.ip.label for entry in (await listing.read(by(), search=search)).entries] == found


async def test_a_member_s_own_are_listed_and_the_entry_around_their_address(
    by: By, grace: Member, clock: MovingClock
) -> None:
    ada = await members.sign_in(by(), identity("ada"))
    home = await ask(by, grace, "203.0.113.7", clock)
    floor = await allowed_ips.add(by(ada), ada, AllowedIpSpec("203.0.113.0/28", "floor"))

    assert [entry.ip.id for entry in (await listing.read(by(), owner=grace)).entries] == [home.id]
    for address, entry in (("203.0.113.9", floor), ("203.0.113.7", floor), ("192.0.2.1", None)):
        found = await listing.around(by(), ipaddress.ip_network(address))
        assert (found.ip if found else None) == entry
    assert await listing.around(by(), None) is None


async def test_a_page_takes_as_many_statements_however_long_the_list_is(
    by: By, grace: Member, clock: MovingClock, database: Database, stage: Stage
) -> None:
    ada = await members.sign_in(by(), identity("ada"))
    await make_shared_stack(by())
    for number in range(1, 60):
        await allowed_ips.add(by(ada), grace, AllowedIpSpec(f"203.0.113.{number}", "x"))
    await by().session.commit()
    async with database.sessions() as session:
        with statements(database) as sent:
            page = await listing.read(stage.context(session), search="grace")

    assert (len(page.entries), page.needs_update) == (listing.IPS_A_PAGE, False)
    assert len(sent) <= 4


def living(count: int, now: datetime) -> list[AllowedIp]:
    first = int(ipaddress.IPv4Address("203.0.0.0"))
    return [
        AllowedIp(
            id=f"{number}",
            cidr=f"{ipaddress.IPv4Address(first + number)}/32",
            label="x",
            created_at=now,
            status=AllowedIpStatus.APPROVED,
            owner=GRACE,
        )
        for number in range(count)
    ]


def calls_for(count: int, now: datetime) -> int:
    """How many calls of functions it takes to say how so many stand."""
    ips, calls = living(count, now), 0

    def seen(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(seen)
    try:
        listing.entries(ips, Firewall(), now, SETTINGS)
    finally:
        sys.setprofile(None)
    return calls


def test_the_work_grows_with_the_list_and_not_with_its_square(clock: MovingClock) -> None:
    assert calls_for(400, clock()) < 5 * calls_for(100, clock())


async def test_ranges_around_and_inside_are_named(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    ada = await members.sign_in(by(), identity("ada"))
    for cidr, label in (("203.0.113.7", "home"), ("203.0.113.0/28", "floor"), ("198.51.100.7", "lab")):
        clock.advance(seconds=1)
        await allowed_ips.add(by(ada), grace, AllowedIpSpec(cidr, label))
    await allowed_ips.add(by(ada), grace, AllowedIpSpec("203.0.113.0/24", "house"))
    notes = {entry.ip.label: entry.notes for entry in (await listing.read(by())).entries}
    assert notes == {
        "house": ("Includes 203.0.113.0/28 (floor), 203.0.113.7/32 (home), which is then no longer needed.",),
        "floor": (
            "Already allowed by 203.0.113.0/24 (house).",
            "Includes 203.0.113.7/32 (home), which is then no longer needed.",
        ),
        "home": ("Already allowed by 203.0.113.0/24 (house), 203.0.113.0/28 (floor).",),
        "lab": (),
    }
