"""Requests for a range: what is refused, joined or confirmed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, InvalidError
from app.models import Member, SharedStack, Standing
from app.services import allowed_ips
from app.services.allowed_ips.requests import AllowedIpSpec
from tests.app.services.allowed_ips.ranges import HOME, OFFICE, ask, notes, standing
from tests.parts import MovingClock
from tests.stage import By
from tests.steps import audit_actions

pytestmark = pytest.mark.anyio
S = Standing


async def test_the_same_asked_for_twice_joins(session: AsyncSession, by: By, grace: Member) -> None:
    first = await allowed_ips.request_range(by(grace), HOME)
    again = await allowed_ips.request_range(by(grace), replace(HOME, label="elsewhere"))

    assert (first.ip.id, first.is_new, again.is_new) == (again.ip.id, True, False)
    assert await audit_actions(session, kind="allowed_ip") == ["allowed_ip.ask"]


async def test_what_an_admin_adds_approves_the_owners_ask_for_it(
    session: AsyncSession, by: By, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    ip = await ask(by(grace))

    assert await allowed_ips.add(by(ada), grace, HOME) == ip
    assert await standing(by(), ip) is S.BEING_ADDED


async def test_what_is_allowed_already_is_said_unless_it_would_last_longer(
    session: AsyncSession, by: By, grace: Member, ada: Member, clock: MovingClock
) -> None:
    spec = replace(OFFICE, expires_at=clock() + timedelta(days=10))
    await allowed_ips.add(by(ada), ada, spec)
    desk = AllowedIpSpec("198.51.100.9", "desk", clock() + timedelta(days=9))
    with pytest.raises(InvalidError) as caught:
        await allowed_ips.request_range(by(grace), desk)
    with pytest.raises(InvalidError):
        await allowed_ips.add(by(ada), ada, desk)
    longer = await ask(by(grace), replace(desk, expires_at=clock() + timedelta(days=11)))

    assert caught.value.fields == {"cidr": "198.51.100.9/32 is already allowed by 198.51.100.0/24 (office)."}
    assert await notes(by(), longer) == ("Already allowed by 198.51.100.0/24 (office).",)


async def test_what_becomes_superfluous_is_said(
    session: AsyncSession, by: By, grace: Member, ada: Member, clock: MovingClock
) -> None:
    await allowed_ips.add(by(ada), ada, AllowedIpSpec("198.51.100.9", "desk"))
    ip = await ask(by(grace), OFFICE)

    assert await notes(by(), ip) == ("Includes 198.51.100.9/32 (desk), which is then no longer needed.",)
    with pytest.raises(InvalidError) as caught:
        await ask(by(grace), replace(OFFICE, cidr="198.51.100.3"))
    assert "You have already requested 198.51.100.0/24" in caught.value.fields["cidr"]


async def test_what_is_doubtful_is_confirmed_and_an_admin_sees_why(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    private = AllowedIpSpec("10.1.2.3", "lab")
    with pytest.raises(InvalidError) as caught:
        await ask(by(grace), private)
    assert caught.value.fields["confirm"].startswith("10.1.2.3/32 is private")

    confirmed = await ask(by(grace), replace(private, is_confirmed=True))
    own = await ask(by(grace), AllowedIpSpec("127.0.0.1", "here", comes_from="127.0.0.1"))
    with pytest.raises(InvalidError):
        await ask(by(grace), AllowedIpSpec("127.0.0.0/24", "near", comes_from="127.0.0.1"))

    assert "is private" in (await notes(by(), confirmed))[0]
    assert "is a loopback range" in (await notes(by(), own))[0]


@pytest.mark.parametrize("label", ["", "  ", "x" * 61, "nul\0", "two\nlines", "\ud800"])
async def test_a_label_that_does_not_fit_is_said(by: By, grace: Member, label: str) -> None:
    with pytest.raises(InvalidError) as caught:
        await ask(by(grace), replace(HOME, label=label))
    assert caught.value.fields.keys() == {"label"}


async def test_a_time_that_is_over_or_far_away_is_said(
    session: AsyncSession, by: By, grace: Member, ada: Member, clock: MovingClock
) -> None:
    ip = await ask(by(grace))
    for end in (clock(), clock() - timedelta(seconds=1), clock() + timedelta(days=5 * 365 + 1)):
        with pytest.raises(InvalidError):
            await ask(by(grace), replace(OFFICE, expires_at=end))
        with pytest.raises(InvalidError):
            await allowed_ips.approve(by(ada), ip, end)
    assert await standing(by(), ip) is S.ASKED


async def test_one_member_can_ask_for_so_many_at_once(by: By, grace: Member) -> None:
    for number in range(allowed_ips.MOST_A_MEMBER):
        await ask(by(grace), replace(HOME, cidr=f"203.0.113.{number}"))
    with pytest.raises(ConflictError, match="You already have 20"):
        await ask(by(grace), replace(HOME, cidr="203.0.113.99"))
