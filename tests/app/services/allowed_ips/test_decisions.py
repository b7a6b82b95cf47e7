"""What members ask for, what admins decide, and the runs that follow."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app import origin
from app.errors import ConflictError
from app.models import Member, SharedStack, Standing
from app.services import allowed_ips, decisions, runs
from app.services.allowed_ips import listing
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.shared import shared_stack
from tests.app.services.allowed_ips.ranges import HOME, OFFICE, ask, standing
from tests.parts import MovingClock
from tests.stage import By
from tests.steps import apply, audit_actions, audit_entries, carry_out, fail, make_shared_stack, pending_run

pytestmark = pytest.mark.anyio
S = Standing


async def test_from_the_ask_to_the_end_of_its_time(
    session: AsyncSession, by: By, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    ip = await ask(by(grace), replace(HOME, expires_at=clock() + timedelta(hours=1)))
    assert await standing(by(), ip) is S.ASKED
    assert await runs.pending(session, stack.id) == []

    await allowed_ips.approve(by(ada), ip, ip.expires_at)
    run = await pending_run(by(), stack)
    assert (run.requested_by, run.reason) == (ada.id, "Allow 203.0.113.7/32 (home)")
    assert run.inputs["mlflow_allowed_ips"] == ["203.0.113.7/32"]
    assert await standing(by(), ip) is S.BEING_ADDED
    await carry_out(by(), await pending_run(by(), stack))
    assert await standing(by(), ip) is S.ON_THE_LIST

    clock.advance(minutes=59)
    assert await allowed_ips.expire(by()) == []
    clock.advance(minutes=1)
    assert await standing(by(), ip) is S.BEING_REMOVED
    assert await allowed_ips.expire(by()) == [ip]
    assert await allowed_ips.expire(by()) == []
    run = await pending_run(by(), stack)
    assert (run.requested_by, run.inputs["mlflow_allowed_ips"]) == (None, [])
    assert await standing(by(), ip) is S.BEING_REMOVED
    await carry_out(by(), await pending_run(by(), stack))

    assert await standing(by(), ip) is S.EXPIRED
    assert await audit_actions(session, kind="allowed_ip") == [
        "allowed_ip.ask",
        "allowed_ip.approve",
        "allowed_ip.expire",
    ]


async def test_decisions_are_written_down_with_who_and_until_when(
    session: AsyncSession, by: By, grace: Member, ada: Member, clock: MovingClock
) -> None:
    asked = await ask(by(grace))
    await allowed_ips.approve(by(ada), asked, clock() + timedelta(days=1))
    added = await allowed_ips.add(by(ada), grace, OFFICE)
    await allowed_ips.remove(by(ada), added)
    refused = await ask(by(grace), replace(HOME, cidr="2001:db8::/48"))
    await allowed_ips.refuse(by(ada), refused)
    clock.advance(days=1)
    # As in a worker.
    with origin.bound(origin.WORKER, "none"):
        await allowed_ips.expire(by())
    entries = await audit_entries(session, kind="allowed_ip")

    assert [entry.action.partition(".")[2] for entry in entries] == [
        *("ask", "approve", "add", "remove", "ask", "refuse", "expire")
    ]
    assert entries[0].thing_name == "203.0.113.7/32 (home)"
    assert entries[0].after == {"owner": "grace@example.com", "expires_at": None}
    assert (entries[1].before, entries[1].after) == ({"expires_at": None}, {"expires_at": "2026-03-03T09:30:00+00:00"})
    assert (entries[2].actor, entries[2].after["owner"]) == ("ada@example.com", "grace@example.com")
    assert (entries[6].actor, entries[6].actor_id) == ("Stationmaster", None)


async def test_many_changes_at_once_become_one_run(
    session: AsyncSession, by: By, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    asked = [await ask(by(grace), replace(HOME, cidr=f"203.0.113.{number}")) for number in range(6)]
    for ip in asked[:4]:
        await allowed_ips.approve(by(ada), ip, None)
    await allowed_ips.refuse(by(ada), asked[4])
    await allowed_ips.remove(by(ada), asked[0])
    await allowed_ips.add(by(ada), ada, OFFICE)

    run = await pending_run(by(), stack)
    assert run.inputs["mlflow_allowed_ips"] == [
        *("198.51.100.0/24", "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32")
    ]
    await carry_out(by(), await pending_run(by(), stack))
    assert [await standing(by(), ip) for ip in asked] == [
        *(S.REMOVED, S.ON_THE_LIST, S.ON_THE_LIST, S.ON_THE_LIST, S.REFUSED, S.ASKED)
    ]


async def test_those_that_end_together_go_by_one_run(
    by: By, stack: SharedStack, ada: Member, clock: MovingClock
) -> None:
    end = clock() + timedelta(hours=1)
    for number in (1, 2, 3):
        spec = AllowedIpSpec(f"203.0.113.{number}", "desk", end)
        await allowed_ips.add(by(ada), ada, spec)
    await carry_out(by(), await pending_run(by(), stack))
    clock.advance(hours=2)

    assert len(await allowed_ips.expire(by())) == 3
    assert (await pending_run(by(), stack)).inputs["mlflow_allowed_ips"] == []


async def test_a_change_while_a_run_is_applied_is_the_next_run(
    session: AsyncSession, by: By, stack: SharedStack, ada: Member, clock: MovingClock
) -> None:
    first = await allowed_ips.add(by(ada), ada, HOME)
    await apply(by(), await pending_run(by(), stack))
    await allowed_ips.remove(by(ada), first)
    executing, queued = await runs.pending(session, stack.id)

    assert executing.inputs["mlflow_allowed_ips"] == ["203.0.113.7/32"]
    assert queued.inputs["mlflow_allowed_ips"] == []
    # The firewall may have it already.
    assert await standing(by(), first) is S.BEING_REMOVED


async def test_one_range_of_two_people_stays_until_neither_wants_it(
    session: AsyncSession, by: By, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    hers = await ask(by(grace), replace(HOME, expires_at=clock() + timedelta(days=1)))
    adas = await ask(by(ada))
    await allowed_ips.approve(by(ada), hers, hers.expires_at)
    await apply(by(), await pending_run(by(), stack))
    # The same ranges: this joins the run that is being applied.
    await allowed_ips.approve(by(ada), adas, None)
    run = await pending_run(by(), stack)
    stack.take(run.changes)
    run.succeed(clock())
    assert [await standing(by(), ip) for ip in (hers, adas)] == [S.ON_THE_LIST] * 2

    await allowed_ips.remove(by(grace), hers)
    assert (await pending_run(by(), stack)).inputs["mlflow_allowed_ips"] == ["203.0.113.7/32"]
    await carry_out(by(), await pending_run(by(), stack))
    assert [await standing(by(), ip) for ip in (hers, adas)] == [S.REMOVED, S.ON_THE_LIST]


async def test_what_a_failed_run_left_undone_is_said_and_tried_again(
    session: AsyncSession, by: By, stack: SharedStack, ada: Member, clock: MovingClock
) -> None:
    ip = await allowed_ips.add(by(ada), ada, HOME)
    await fail(by(), await pending_run(by(), stack))
    assert await standing(by(), ip) is S.NOT_APPLIED

    await allowed_ips.apply_again(by(ada))
    assert await standing(by(), ip) is S.BEING_ADDED
    await carry_out(by(), await pending_run(by(), stack))
    await allowed_ips.remove(by(ada), ip)
    await fail(by(), await pending_run(by(), stack))
    found = await listing.read(by())

    assert (await standing(by(), ip), found.needs_update) == (S.STILL_LET_IN, True)
    assert [entry.ip for entry in found.current] == [ip]


async def test_a_retry_of_an_old_run_takes_nobody_off_who_was_approved_since(
    by: By, stack: SharedStack, ada: Member
) -> None:
    await allowed_ips.add(by(ada), ada, HOME)
    old = await pending_run(by(), stack)
    await fail(by(), await pending_run(by(), stack))
    await allowed_ips.add(by(ada), ada, OFFICE)
    await carry_out(by(), await pending_run(by(), stack))
    again = await decisions.retry(by(ada), old)

    assert again.inputs["mlflow_allowed_ips"] == ["198.51.100.0/24", "203.0.113.7/32"]


async def test_where_there_is_no_shared_stack_what_is_approved_comes_with_it(
    session: AsyncSession, by: By, ada: Member, clock: MovingClock
) -> None:
    ip = await allowed_ips.add(by(ada), ada, HOME)
    assert await standing(by(), ip) is S.NOT_APPLIED
    with pytest.raises(ConflictError, match="not deployed"):
        await allowed_ips.apply_again(by(ada))

    stack = await make_shared_stack(by())
    spec = await shared_stack.desired(by(), stack)
    run = await shared_stack.request(by(ada), stack, spec)
    assert run.inputs["mlflow_allowed_ips"] == ["203.0.113.7/32"]
    assert await standing(by(), ip) is S.BEING_ADDED


async def test_while_the_stack_is_being_destroyed_nothing_is_added_and_time_goes_on(
    session: AsyncSession, by: By, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    spec = replace(HOME, expires_at=clock() + timedelta(hours=1))
    ip = await allowed_ips.add(by(ada), ada, spec)
    asked = await ask(by(grace), OFFICE)
    await carry_out(by(), await pending_run(by(), stack))
    await shared_stack.request_destroy(by(ada), stack)
    with pytest.raises(ConflictError, match="being deleted"):
        await allowed_ips.approve(by(ada), asked, None)
    clock.advance(hours=1)

    assert await allowed_ips.expire(by()) == [ip]
    assert len(await runs.pending(session, stack.id)) == 1


async def test_what_is_decided_stays_decided(
    session: AsyncSession, by: By, stack: SharedStack, grace: Member, ada: Member, clock: MovingClock
) -> None:
    ip = await ask(by(grace))
    await allowed_ips.refuse(by(ada), ip)
    with pytest.raises(ConflictError):
        await allowed_ips.approve(by(ada), ip, None)
    with pytest.raises(ConflictError):
        await allowed_ips.refuse(by(ada), ip)
    await allowed_ips.remove(by(grace), ip)

    assert await standing(by(), ip) is S.REFUSED
    assert await runs.pending(session, stack.id) == []


async def test_an_ask_whose_time_is_over_ends_without_a_run(
    session: AsyncSession, by: By, stack: SharedStack, grace: Member, clock: MovingClock
) -> None:
    ip = await ask(by(grace), replace(HOME, expires_at=clock() + timedelta(hours=1)))
    clock.advance(hours=1)
    assert await standing(by(), ip) is S.EXPIRED
    assert await allowed_ips.expire(by()) == [ip]
    assert await runs.pending(session, stack.id) == []
