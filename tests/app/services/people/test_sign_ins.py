from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.crypto import digest
from app.db import Database
from app.errors import NotFoundError
from app.models import Member, SignIn
from app.services.people import members, sign_ins
from tests.app.conftest import MovingClock, identity
from tests.database import dump

pytestmark = pytest.mark.anyio


@pytest.fixture
async def grace(session: AsyncSession, settings: Settings, clock: MovingClock) -> Member:
    return await members.sign_in(session, identity("grace"), settings, clock())


async def start(
    session: AsyncSession, member: Member, clock: MovingClock, user_agent: str = "Firefox"
) -> tuple[SignIn, str]:
    return await sign_ins.start(
        session, member, lasts=timedelta(days=7), address="192.0.2.1", user_agent=user_agent, now=clock()
    )


async def test_a_sign_in_is_found_by_its_secret_until_it_expires(
    session: AsyncSession, grace: Member, clock: MovingClock
) -> None:
    sign_in, secret = await start(session, grace, clock)

    found = await sign_ins.find(session, secret, clock.advance(days=6, hours=23))
    assert found is sign_in
    assert found.member is grace
    assert await sign_ins.find(session, secret, clock.advance(hours=1)) is None


async def test_another_secret_finds_nothing(session: AsyncSession, grace: Member, clock: MovingClock) -> None:
    sign_in, _ = await start(session, grace, clock)

    for secret in ("", "x", sign_in.token_hash, sign_in.id, "é"):
        assert await sign_ins.find(session, secret, clock()) is None


async def test_the_database_holds_only_the_hash(
    session: AsyncSession, grace: Member, clock: MovingClock, database_url: str
) -> None:
    _, secret = await start(session, grace, clock)
    await session.commit()

    assert secret not in dump(database_url)
    assert digest(secret) in dump(database_url)


async def test_last_seen_is_written_once_a_minute(session: AsyncSession, grace: Member, clock: MovingClock) -> None:
    sign_in, secret = await start(session, grace, clock)
    started = clock()

    await sign_ins.find(session, secret, clock.advance(seconds=59))
    await session.refresh(sign_in)
    assert sign_in.last_seen_at == started

    await sign_ins.find(session, secret, clock.advance(seconds=1))
    await session.refresh(sign_in)
    await session.refresh(grace)
    assert sign_in.last_seen_at == clock()
    assert grace.last_seen_at == clock()


async def test_a_second_request_does_not_wait_for_the_first_to_write_last_seen(
    session: AsyncSession, database: Database, grace: Member, clock: MovingClock
) -> None:
    _, secret = await start(session, grace, clock)
    await session.commit()
    later = clock.advance(minutes=5)

    await sign_ins.find(session, secret, later)  # holds the row: not committed
    async with database.sessions() as second:
        assert await sign_ins.find(second, secret, later) is not None


async def test_signing_out_ends_one_browser_and_leaves_the_others(
    session: AsyncSession, grace: Member, clock: MovingClock
) -> None:
    _, secret = await start(session, grace, clock)
    other, other_secret = await start(session, grace, clock)
    await sign_ins.sign_out(session, secret, clock())
    await sign_ins.sign_out(session, "of nobody", clock())

    assert await sign_ins.find(session, secret, clock()) is None
    assert await sign_ins.find(session, other_secret, clock()) is other
    assert await sign_ins.list_of(session, grace, clock()) == [other]


async def test_the_one_seen_last_is_listed_first_and_ended_ones_are_not(
    session: AsyncSession, grace: Member, clock: MovingClock
) -> None:
    first, _ = await start(session, grace, clock)
    clock.advance(hours=1)
    second, _ = await start(session, grace, clock)

    assert await sign_ins.list_of(session, grace, clock()) == [second, first]
    assert await sign_ins.list_of(session, grace, clock.advance(days=6, hours=23)) == [second]


async def test_a_member_revokes_their_own_sign_ins_only(
    session: AsyncSession, settings: Settings, grace: Member, clock: MovingClock
) -> None:
    linus = await members.sign_in(session, identity("linus"), settings, clock())
    sign_in, secret = await start(session, grace, clock)

    with pytest.raises(NotFoundError):
        await sign_ins.revoke(session, linus, sign_in.id, clock())
    assert await sign_ins.find(session, secret, clock()) is sign_in
    await sign_ins.revoke(session, grace, sign_in.id, clock())
    assert await sign_ins.find(session, secret, clock()) is None


async def test_ended_sign_ins_are_forgotten_after_a_month(
    session: AsyncSession, grace: Member, clock: MovingClock
) -> None:
    await start(session, grace, clock)
    await sign_ins.forget_ended(session, clock.advance(days=36))
    assert await session.scalar(select(func.count(SignIn.id))) == 1

    await sign_ins.forget_ended(session, clock.advance(days=2))
    assert await session.scalar(select(func.count(SignIn.id))) == 0


async def test_a_very_long_user_agent_is_cut(session: AsyncSession, grace: Member, clock: MovingClock) -> None:
    sign_in, _ = await start(session, grace, clock, user_agent="x" * 10_000)

    assert len(sign_in.user_agent) == sign_ins.USER_AGENT_LENGTH
