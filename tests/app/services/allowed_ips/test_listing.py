"""A list that has grown long: what is over is not read, and nobody is compared with everybody."""

import ipaddress
import sys
from datetime import datetime
from types import FrameType

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import AllowedIp, AllowedIpStatus, Firewall, Member
from app.services import admin_inbox, allowed_ips
from app.services.allowed_ips import listing
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.people import members
from tests.app.counting import loaded
from tests.parts import MovingClock, identity, make_settings
from tests.stage import By

pytestmark = pytest.mark.anyio
SETTINGS = make_settings()
GRACE = Member(email="grace@example.com")


async def ask(by: By, member: Member, cidr: str, clock: MovingClock) -> AllowedIp:
    clock.advance(seconds=1)
    return (await allowed_ips.request_range(by(member), AllowedIpSpec(cidr, "x"))).ip


async def test_of_those_that_are_over_only_some_are_read(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    first = await ask(by, grace, "203.0.113.1", clock)
    await allowed_ips.remove(by(grace), first)
    for number in range(2, 70):
        await allowed_ips.remove(by(grace), await ask(by, grace, f"203.0.113.{number}", clock))
    asked = await ask(by, grace, "198.51.100.1", clock)
    session.expunge_all()
    with loaded(AllowedIp) as seen:
        found = await listing.read(by())
    assert [entry.ip.id for entry in found.requested] == [asked.id]
    assert [entry.ip.cidr for entry in found.ended] == [f"203.0.113.{number}/32" for number in range(69, 19, -1)]
    assert len(seen) == 51
    assert (await listing.entry_of(by(), first)).standing == "removed"

    session.expunge_all()
    with loaded(AllowedIp) as seen:
        assert (await admin_inbox.for_admins(session, clock())).allowed_ip_requests == 1
    assert seen == []


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
