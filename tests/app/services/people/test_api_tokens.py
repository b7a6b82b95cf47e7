import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidError, NotFoundError, RefusedError
from app.models import Member, Scope
from app.services.people import api_tokens, members
from app.services.people.api_tokens import TokenExpiredError
from tests.database import dump
from tests.parts import MovingClock, identity
from tests.stage import By
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio


async def test_a_token_acts_for_its_member_until_it_is_revoked(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    made = await api_tokens.create(by(grace), " CI ")
    token, plain = made.row, made.plain

    assert token.name == "CI"
    assert plain.startswith(f"stm_{token.hint.removeprefix('stm_')}")
    found = await api_tokens.authenticate(session, plain, clock())
    assert found is token
    assert found.member is grace
    await api_tokens.revoke(by(grace), token)
    assert await api_tokens.authenticate(session, plain, clock()) is None
    assert await api_tokens.list_of(session, grace, clock()) == []


async def test_the_database_holds_only_the_hash_and_the_first_letters(
    session: AsyncSession, by: By, grace: Member, database_url: str
) -> None:
    made = await api_tokens.create(by(grace), "CI")
    token, plain = made.row, made.plain
    await session.commit()

    assert plain not in dump(database_url)
    assert plain.removeprefix(token.hint) not in dump(database_url)


@pytest.mark.parametrize("wrong", ["", "stm_", "stm_x", "nonsense", "stm_é\x00"])
async def test_what_is_no_token_finds_nothing(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock, wrong: str
) -> None:
    await api_tokens.create(by(grace), "CI")

    assert await api_tokens.authenticate(session, wrong, clock()) is None


async def test_last_use_is_written_once_a_minute(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    made = await api_tokens.create(by(grace), "CI")
    token, plain = made.row, made.plain
    assert token.last_used_at is None

    for seconds, written in ((0, True), (59, False), (1, True)):
        clock.advance(seconds=seconds)
        await api_tokens.authenticate(session, plain, clock())
        await session.refresh(token)
        assert (token.last_used_at == clock()) is written


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\x00b", "two\nlines"])
async def test_a_name_that_does_not_fit_is_said(by: By, grace: Member, name: str) -> None:
    with pytest.raises(InvalidError) as refused:
        await api_tokens.create(by(grace), name)

    assert set(refused.value.fields) == {"name"}


async def test_nobody_collects_tokens_without_end(by: By, grace: Member) -> None:
    for number in range(api_tokens.MOST_A_MEMBER):
        await api_tokens.create(by(grace), f"token {number}")

    with pytest.raises(InvalidError):
        await api_tokens.create(by(grace), "one more")


async def test_a_token_lasts_for_the_chosen_days(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    by_default, longest = [await api_tokens.create(by(grace), "CI", days=days) for days in (90, 365)]
    for days, there_are in ((90, [longest]), (275, [])):
        clock.advance(days=days)
        for token in (by_default, longest):
            if token in there_are:
                assert await api_tokens.authenticate(session, token.plain, clock()) is token.row
            else:
                with pytest.raises(TokenExpiredError):
                    await api_tokens.authenticate(session, token.plain, clock())

    assert await api_tokens.list_of(session, grace, clock()) == [longest.row]


@pytest.mark.parametrize("days", [0, -1, 366])
async def test_no_token_lasts_longer_than_a_year(by: By, grace: Member, days: int) -> None:
    with pytest.raises(InvalidError) as refused:
        await api_tokens.create(by(grace), "CI", days=days)

    assert set(refused.value.fields) == {"days"}


async def test_expired_tokens_do_not_count(by: By, grace: Member, clock: MovingClock) -> None:
    for number in range(api_tokens.MOST_A_MEMBER):
        await api_tokens.create(by(grace), f"token {number}", days=1)
    clock.advance(days=1)

    assert (await api_tokens.create(by(grace), "one more")).row.name == "one more"


async def test_only_admins_have_tokens_that_act_as_admins(by: By, grace: Member) -> None:
    with pytest.raises(InvalidError) as refused:
        await api_tokens.create(by(grace), "CI", Scope.ADMIN)
    assert set(refused.value.fields) == {"scope"}
    assert (await api_tokens.create_for_email(by(), "grace@example.com", "cli")).row.scope is Scope.MACHINES
    assert (await api_tokens.create_for_email(by(), "ada@example.com", "cli")).row.scope is Scope.ADMIN


async def test_an_admin_finds_and_revokes_everybodys_tokens(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    ada = await members.sign_in(by(), identity("ada"))
    made = await api_tokens.create(by(grace), "CI")
    await api_tokens.revoke(by(ada), await api_tokens.find(session, ada, made.row.id))

    assert await api_tokens.authenticate(session, made.plain, clock()) is None
    [entry] = await audit_entries(session, action="token.revoke")
    assert (entry.actor, entry.thing_name) == ("ada@example.com", "CI")


async def test_a_member_revokes_their_own_tokens_only(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    linus = await members.sign_in(by(), identity("linus"))
    made = await api_tokens.create(by(grace), "CI")
    token, plain = made.row, made.plain

    for find in (api_tokens.own, api_tokens.find):
        with pytest.raises(NotFoundError):
            await find(session, linus, token.id)
    assert await api_tokens.authenticate(session, plain, clock()) is token


async def test_the_operator_makes_a_token_for_somebody_who_has_never_signed_in(
    session: AsyncSession, by: By, clock: MovingClock
) -> None:
    made = await api_tokens.create_for_email(by(), "grace@example.com", "first")
    token, plain = made.row, made.plain
    grace = await members.sign_in(by(), identity("grace"))

    assert (await api_tokens.list_of(session, grace, clock())) == [token]
    assert await api_tokens.authenticate(session, plain, clock()) is token


async def test_the_operator_makes_no_token_for_somebody_no_rule_names(by: By) -> None:
    with pytest.raises(RefusedError):
        await api_tokens.create_for_email(by(), "eve@elsewhere.test", "first")
