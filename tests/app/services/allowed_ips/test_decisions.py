"""What members ask for, what admins decide, and the runs that follow."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app import origin
from app.config import Settings
from app.errors import ConflictError, InvalidError, NotFoundError
from app.models import AllowedIp, Member, SharedStack, Standing
from app.services import allowed_ips, decisions, runs
from app.services.allowed_ips import listing
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.people import members
from app.services.shared import shared_stack
from tests.app import shared_stack_play as play
from tests.app.conftest import MovingClock, identity
from tests.app.services.test_audit import actions, told
from tests.app.services.test_audit import grace as grace

pytestmark = pytest.mark.anyio
HOME = AllowedIpSpec("203.0.113.7", "home")
OFFICE = AllowedIpSpec("198.51.100.0/24", "office")
S = Standing


@pytest.fixture
async def ada(session: AsyncSession, settings: Settings, clock: MovingClock) -> Member:
    return await members.sign_in(session, identity("ada"), settings, clock())


@pytest.fixture
async def stack(session: AsyncSession, settings: Settings, clock: MovingClock) -> SharedStack:
    return await play.make_shared_stack(session, settings, clock())


async def ask(session: AsyncSession, member: Member, now: datetime, spec: AllowedIpSpec = HOME) -> AllowedIp:
    return (await allowed_ips.ask(session, member, spec, now))[0]


async def standing(session: AsyncSession, ip: AllowedIp, now: datetime) -> Standing:
    return (await listing.entry_of(session, ip, now)).standing


async def notes(session: AsyncSession, ip: AllowedIp, now: datetime) -> tuple[str, ...]:
    return (await listing.entry_of(session, ip, now)).notes


async def test_from_the_ask_to_the_end_of_its_time(
    session: AsyncSession, settings: Settings, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    ip = await ask(session, grace, clock(), replace(HOME, expires_at=clock() + timedelta(hours=1)))
    assert await standing(session, ip, clock()) is S.ASKED
    assert await runs.pending(session, stack.id) == []

    await allowed_ips.approve(session, ip, ada, ip.expires_at, settings, clock())
    run = await play.pending_run(session, stack)
    assert (run.requested_by, run.reason) == (ada.id, "Allow 203.0.113.7/32 (home)")
    assert run.inputs["mlflow_allowed_ips"] == ["203.0.113.7/32"]
    assert await standing(session, ip, clock()) is S.BEING_ADDED
    await play.apply(session, stack, clock())
    assert await standing(session, ip, clock()) is S.ON_THE_LIST

    clock.advance(minutes=59)
    assert await allowed_ips.expire(session, settings, clock()) == []
    clock.advance(minutes=1)
    assert await standing(session, ip, clock()) is S.BEING_REMOVED
    assert await allowed_ips.expire(session, settings, clock()) == [ip]
    assert await allowed_ips.expire(session, settings, clock()) == []
    run = await play.pending_run(session, stack)
    assert (run.requested_by, run.inputs["mlflow_allowed_ips"]) == (None, [])
    assert await standing(session, ip, clock()) is S.BEING_REMOVED
    await play.apply(session, stack, clock())

    assert await standing(session, ip, clock()) is S.EXPIRED
    assert await actions(session, kind="allowed_ip") == ["allowed_ip.ask", "allowed_ip.approve", "allowed_ip.expire"]


async def test_decisions_are_written_down_with_who_and_until_when(
    session: AsyncSession, settings: Settings, grace: Member, ada: Member, clock: MovingClock
) -> None:
    asked = await ask(session, grace, clock())
    await allowed_ips.approve(session, asked, ada, clock() + timedelta(days=1), settings, clock())
    added = await allowed_ips.add(session, ada, grace, OFFICE, settings, clock())
    await allowed_ips.remove(session, added, ada, settings, clock())
    refused = await ask(session, grace, clock(), replace(HOME, cidr="2001:db8::/48"))
    await allowed_ips.refuse(session, refused, ada, clock())
    clock.advance(days=1)
    # As in a worker.
    with origin.bound(origin.WORKER, "none"):
        await allowed_ips.expire(session, settings, clock())
    entries = await told(session, kind="allowed_ip")

    assert [entry.action.partition(".")[2] for entry in entries] == [
        *("ask", "approve", "add", "remove", "ask", "refuse", "expire")
    ]
    assert entries[0].thing_name == "203.0.113.7/32 (home)"
    assert entries[0].after == {"owner": "grace@example.com", "expires_at": None}
    assert (entries[1].before, entries[1].after) == ({"expires_at": None}, {"expires_at": "2026-03-03T09:30:00+00:00"})
    assert (entries[2].actor, entries[2].after["owner"]) == ("ada@example.com", "grace@example.com")
    assert (entries[6].actor, entries[6].actor_id) == ("Stationmaster", None)


async def test_many_changes_at_once_become_one_run(
    session: AsyncSession, settings: Settings, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    asked = [await ask(session, grace, clock(), replace(HOME, cidr=f"203.0.113.{number}")) for number in range(6)]
    for ip in asked[:4]:
        await allowed_ips.approve(session, ip, ada, None, settings, clock())
    await allowed_ips.refuse(session, asked[4], ada, clock())
    await allowed_ips.remove(session, asked[0], ada, settings, clock())
    await allowed_ips.add(session, ada, ada, OFFICE, settings, clock())

    run = await play.pending_run(session, stack)
    assert run.inputs["mlflow_allowed_ips"] == [
        *("198.51.100.0/24", "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32")
    ]
    await play.apply(session, stack, clock())
    assert [await standing(session, ip, clock()) for ip in asked] == [
        *(S.REMOVED, S.ON_THE_LIST, S.ON_THE_LIST, S.ON_THE_LIST, S.REFUSED, S.ASKED)
    ]


async def test_those_that_end_together_go_by_one_run(
    session: AsyncSession, settings: Settings, stack: SharedStack, ada: Member, clock: MovingClock
) -> None:
    end = clock() + timedelta(hours=1)
    for number in (1, 2, 3):
        spec = AllowedIpSpec(f"203.0.113.{number}", "desk", end)
        await allowed_ips.add(session, ada, ada, spec, settings, clock())
    await play.apply(session, stack, clock())
    clock.advance(hours=2)

    assert len(await allowed_ips.expire(session, settings, clock())) == 3
    assert (await play.pending_run(session, stack)).inputs["mlflow_allowed_ips"] == []


async def test_a_change_while_a_run_is_applied_is_the_next_run(
    session: AsyncSession, settings: Settings, stack: SharedStack, ada: Member, clock: MovingClock
) -> None:
    first = await allowed_ips.add(session, ada, ada, HOME, settings, clock())
    await play.begin(session, stack, clock())
    await allowed_ips.remove(session, first, ada, settings, clock())
    executing, queued = await runs.pending(session, stack.id)

    assert executing.inputs["mlflow_allowed_ips"] == ["203.0.113.7/32"]
    assert queued.inputs["mlflow_allowed_ips"] == []
    # The firewall may have it already.
    assert await standing(session, first, clock()) is S.BEING_REMOVED


async def test_one_range_of_two_people_stays_until_neither_wants_it(
    session: AsyncSession, settings: Settings, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    hers = await ask(session, grace, clock(), replace(HOME, expires_at=clock() + timedelta(days=1)))
    adas = await ask(session, ada, clock())
    await allowed_ips.approve(session, hers, ada, hers.expires_at, settings, clock())
    await play.begin(session, stack, clock())
    # The same ranges: this joins the run that is being applied.
    await allowed_ips.approve(session, adas, ada, None, settings, clock())
    run = await play.pending_run(session, stack)
    stack.take(run.changes)
    run.succeed(clock())
    assert [await standing(session, ip, clock()) for ip in (hers, adas)] == [S.ON_THE_LIST] * 2

    await allowed_ips.remove(session, hers, grace, settings, clock())
    assert (await play.pending_run(session, stack)).inputs["mlflow_allowed_ips"] == ["203.0.113.7/32"]
    await play.apply(session, stack, clock())
    assert [await standing(session, ip, clock()) for ip in (hers, adas)] == [S.REMOVED, S.ON_THE_LIST]


async def test_what_a_failed_run_left_undone_is_said_and_tried_again(
    session: AsyncSession, settings: Settings, stack: SharedStack, ada: Member, clock: MovingClock
) -> None:
    ip = await allowed_ips.add(session, ada, ada, HOME, settings, clock())
    await play.fail(session, stack, clock())
    assert await standing(session, ip, clock()) is S.NOT_APPLIED

    await allowed_ips.apply_again(session, ada, settings, clock())
    assert await standing(session, ip, clock()) is S.BEING_ADDED
    await play.apply(session, stack, clock())
    await allowed_ips.remove(session, ip, ada, settings, clock())
    await play.fail(session, stack, clock())
    found = await listing.read(session, clock())

    assert (await standing(session, ip, clock()), found.has_left_overs) == (S.STILL_LET_IN, True)
    assert [entry.ip for entry in found.current] == [ip]


async def test_a_retry_of_an_old_run_takes_nobody_off_who_was_approved_since(
    session: AsyncSession, settings: Settings, stack: SharedStack, ada: Member, clock: MovingClock
) -> None:
    await allowed_ips.add(session, ada, ada, HOME, settings, clock())
    old = await play.pending_run(session, stack)
    await play.fail(session, stack, clock())
    await allowed_ips.add(session, ada, ada, OFFICE, settings, clock())
    await play.apply(session, stack, clock())
    again = await decisions.retry(session, old, ada, clock())

    assert again.inputs["mlflow_allowed_ips"] == ["198.51.100.0/24", "203.0.113.7/32"]


async def test_where_there_is_no_shared_stack_what_is_approved_comes_with_it(
    session: AsyncSession, settings: Settings, ada: Member, clock: MovingClock
) -> None:
    ip = await allowed_ips.add(session, ada, ada, HOME, settings, clock())
    assert await standing(session, ip, clock()) is S.NOT_APPLIED
    with pytest.raises(ConflictError, match="no shared stack yet"):
        await allowed_ips.apply_again(session, ada, settings, clock())

    stack = await play.make_shared_stack(session, settings, clock())
    spec = await shared_stack.desired(session, stack, settings)
    run = await shared_stack.request(session, stack, spec, ada, settings, clock())
    assert run.inputs["mlflow_allowed_ips"] == ["203.0.113.7/32"]
    assert await standing(session, ip, clock()) is S.BEING_ADDED


async def test_while_the_stack_is_being_destroyed_nothing_is_added_and_time_goes_on(
    session: AsyncSession, settings: Settings, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    spec = replace(HOME, expires_at=clock() + timedelta(hours=1))
    ip = await allowed_ips.add(session, ada, ada, spec, settings, clock())
    asked = await ask(session, grace, clock(), OFFICE)
    await play.apply(session, stack, clock())
    await shared_stack.request_destroy(session, stack, ada, clock())
    with pytest.raises(ConflictError, match="being destroyed"):
        await allowed_ips.approve(session, asked, ada, None, settings, clock())
    clock.advance(hours=1)

    assert await allowed_ips.expire(session, settings, clock()) == [ip]
    assert len(await runs.pending(session, stack.id)) == 1


async def test_the_same_asked_for_twice_joins(session: AsyncSession, grace: Member, clock: MovingClock) -> None:
    first, first_is_new = await allowed_ips.ask(session, grace, HOME, clock())
    again, again_is_new = await allowed_ips.ask(session, grace, replace(HOME, label="elsewhere"), clock())

    assert (first.id, first_is_new, again_is_new) == (again.id, True, False)
    assert await actions(session, kind="allowed_ip") == ["allowed_ip.ask"]


async def test_what_an_admin_adds_approves_the_owners_ask_for_it(
    session: AsyncSession, settings: Settings, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    ip = await ask(session, grace, clock())

    assert await allowed_ips.add(session, ada, grace, HOME, settings, clock()) == ip
    assert await standing(session, ip, clock()) is S.BEING_ADDED


async def test_what_is_allowed_already_is_said_unless_it_would_last_longer(
    session: AsyncSession, settings: Settings, grace: Member, ada: Member, clock: MovingClock
) -> None:
    spec = replace(OFFICE, expires_at=clock() + timedelta(days=10))
    await allowed_ips.add(session, ada, ada, spec, settings, clock())
    desk = AllowedIpSpec("198.51.100.9", "desk", clock() + timedelta(days=9))
    with pytest.raises(InvalidError) as caught:
        await allowed_ips.ask(session, grace, desk, clock())
    with pytest.raises(InvalidError):
        await allowed_ips.add(session, ada, ada, desk, settings, clock())
    longer = await ask(session, grace, clock(), replace(desk, expires_at=clock() + timedelta(days=11)))

    assert caught.value.fields == {"cidr": "198.51.100.9/32 is already allowed by 198.51.100.0/24 (office)."}
    assert await notes(session, longer, clock()) == ("Already allowed by 198.51.100.0/24 (office).",)


async def test_what_becomes_superfluous_is_said(
    session: AsyncSession, settings: Settings, grace: Member, ada: Member, clock: MovingClock
) -> None:
    await allowed_ips.add(session, ada, ada, AllowedIpSpec("198.51.100.9", "desk"), settings, clock())
    ip = await ask(session, grace, clock(), OFFICE)

    assert await notes(session, ip, clock()) == ("Includes 198.51.100.9/32 (desk), which it makes superfluous.",)
    with pytest.raises(InvalidError) as caught:
        await ask(session, grace, clock(), replace(OFFICE, cidr="198.51.100.3"))
    assert "You have already asked for 198.51.100.0/24" in caught.value.fields["cidr"]


async def test_what_is_doubtful_is_confirmed_and_an_admin_sees_why(
    session: AsyncSession, grace: Member, clock: MovingClock
) -> None:
    private = AllowedIpSpec("10.1.2.3", "lab")
    with pytest.raises(InvalidError) as caught:
        await ask(session, grace, clock(), private)
    assert caught.value.fields["confirm"].startswith("10.1.2.3/32 is private")

    confirmed = await ask(session, grace, clock(), replace(private, is_confirmed=True))
    own = await ask(session, grace, clock(), AllowedIpSpec("127.0.0.1", "here", comes_from="127.0.0.1"))
    with pytest.raises(InvalidError):
        await ask(session, grace, clock(), AllowedIpSpec("127.0.0.0/24", "near", comes_from="127.0.0.1"))

    assert "is private" in (await notes(session, confirmed, clock()))[0]
    assert "is loopback" in (await notes(session, own, clock()))[0]


@pytest.mark.parametrize("label", ["", "  ", "x" * 61, "nul\0", "two\nlines", "\ud800"])
async def test_a_label_that_does_not_fit_is_said(
    session: AsyncSession, grace: Member, clock: MovingClock, label: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        await ask(session, grace, clock(), replace(HOME, label=label))
    assert caught.value.fields.keys() == {"label"}


async def test_a_time_that_is_over_or_far_away_is_said(
    session: AsyncSession, settings: Settings, grace: Member, ada: Member, clock: MovingClock
) -> None:
    ip = await ask(session, grace, clock())
    for end in (clock(), clock() - timedelta(seconds=1), clock() + timedelta(days=5 * 365 + 1)):
        with pytest.raises(InvalidError):
            await ask(session, grace, clock(), replace(OFFICE, expires_at=end))
        with pytest.raises(InvalidError):
            await allowed_ips.approve(session, ip, ada, end, settings, clock())
    assert await standing(session, ip, clock()) is S.ASKED


async def test_one_member_can_ask_for_so_many_at_once(session: AsyncSession, grace: Member, clock: MovingClock) -> None:
    for number in range(allowed_ips.MOST_A_MEMBER):
        await ask(session, grace, clock(), replace(HOME, cidr=f"203.0.113.{number}"))
    with pytest.raises(ConflictError, match="You have 20 already"):
        await ask(session, grace, clock(), replace(HOME, cidr="203.0.113.99"))


async def test_what_is_decided_stays_decided(
    session: AsyncSession, settings: Settings, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    ip = await ask(session, grace, clock())
    await allowed_ips.refuse(session, ip, ada, clock())
    with pytest.raises(ConflictError):
        await allowed_ips.approve(session, ip, ada, None, settings, clock())
    with pytest.raises(ConflictError):
        await allowed_ips.refuse(session, ip, ada, clock())
    await allowed_ips.remove(session, ip, grace, settings, clock())

    assert await standing(session, ip, clock()) is S.REFUSED
    assert await runs.pending(session, stack.id) == []


async def test_an_ask_whose_time_is_over_ends_without_a_run(
    session: AsyncSession, settings: Settings, stack: SharedStack, grace: Member, clock: MovingClock
) -> None:
    ip = await ask(session, grace, clock(), replace(HOME, expires_at=clock() + timedelta(hours=1)))
    clock.advance(hours=1)
    assert await standing(session, ip, clock()) is S.EXPIRED
    assert await allowed_ips.expire(session, settings, clock()) == [ip]
    assert await runs.pending(session, stack.id) == []


async def test_ones_own_are_found_and_others_only_by_admins(
    session: AsyncSession, settings: Settings, grace: Member, ada: Member, clock: MovingClock
) -> None:
    linus = await members.sign_in(session, identity("linus"), settings, clock())
    ip = await ask(session, grace, clock())

    assert await allowed_ips.find(session, grace, ip.id) == await allowed_ips.find(session, ada, ip.id) == ip
    with pytest.raises(NotFoundError):
        await allowed_ips.find(session, linus, ip.id)
