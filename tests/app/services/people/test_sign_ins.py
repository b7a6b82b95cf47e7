import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.crypto import digest
from app.db import Database
from app.errors import NotFoundError
from app.models import Member, SignIn
from app.services.context import Context
from app.services.people import members, sign_ins
from tests.database import dump
from tests.parts import MovingClock, identity
from tests.stage import By

pytestmark = pytest.mark.anyio


async def start(ctx: Context, user_agent: str = "Firefox") -> tuple[SignIn, str]:
    made = await sign_ins.start(ctx, address="192.0.2.1", user_agent=user_agent)
    return made.row, made.secret


async def test_a_sign_in_is_found_by_its_secret_until_it_expires(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    sign_in, secret = await start(by(grace))

    found = await sign_ins.find(session, secret, clock.advance(days=6, hours=23))
    assert found is sign_in
    assert found.member is grace
    assert await sign_ins.find(session, secret, clock.advance(hours=1)) is None


async def test_another_secret_finds_nothing(session: AsyncSession, by: By, grace: Member, clock: MovingClock) -> None:
    sign_in, _ = await start(by(grace))

    for secret in ("", "x", sign_in.token_hash, sign_in.id, "é"):
        assert await sign_ins.find(session, secret, clock()) is None


async def test_the_database_holds_only_the_hash(
    session: AsyncSession, by: By, grace: Member, database_url: str
) -> None:
    _, secret = await start(by(grace))
    await session.commit()

    assert secret not in dump(database_url)
    assert digest(secret) in dump(database_url)


async def test_last_seen_is_written_once_a_minute(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    sign_in, secret = await start(by(grace))
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
    session: AsyncSession, by: By, database: Database, grace: Member, clock: MovingClock
) -> None:
    _, secret = await start(by(grace))
    await session.commit()
    later = clock.advance(minutes=5)

    await sign_ins.find(session, secret, later)  # holds the row: not committed
    async with database.sessions() as second:
        assert await sign_ins.find(second, secret, later) is not None


async def test_signing_out_ends_one_browser_and_leaves_the_others(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    _, secret = await start(by(grace))
    other, other_secret = await start(by(grace))
    await sign_ins.sign_out(by(), secret)
    await sign_ins.sign_out(by(), "of nobody")

    assert await sign_ins.find(session, secret, clock()) is None
    assert await sign_ins.find(session, other_secret, clock()) is other
    assert await sign_ins.list_of(session, grace, clock()) == [other]


async def test_the_one_seen_last_is_listed_first_and_ended_ones_are_not(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    first, _ = await start(by(grace))
    clock.advance(hours=1)
    second, _ = await start(by(grace))

    assert await sign_ins.list_of(session, grace, clock()) == [second, first]
    assert await sign_ins.list_of(session, grace, clock.advance(days=6, hours=23)) == [second]


async def test_a_member_revokes_their_own_sign_ins_only(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    linus = await members.sign_in(by(), identity("linus"))
    sign_in, secret = await start(by(grace))

    with pytest.raises(NotFoundError):
        await sign_ins.revoke(by(linus), sign_in.id)
    assert await sign_ins.find(session, secret, clock()) is sign_in
    await sign_ins.revoke(by(grace), sign_in.id)
    assert await sign_ins.find(session, secret, clock()) is None


async def test_ended_sign_ins_are_forgotten_after_a_month(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    await start(by(grace))
    await sign_ins.forget_ended(session, clock.advance(days=36))
    assert await session.scalar(select(func.count(SignIn.id))) == 1

    await sign_ins.forget_ended(session, clock.advance(days=2))
    assert await session.scalar(select(func.count(SignIn.id))) == 0


async def test_a_very_long_user_agent_is_cut(by: By, grace: Member) -> None:
    sign_in, _ = await start(by(grace), user_agent="x" * 10_000)

    assert len(sign_in.user_agent) == sign_ins.USER_AGENT_LENGTH
