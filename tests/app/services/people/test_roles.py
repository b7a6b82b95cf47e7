"""The two roles: who is listed with which, who may change them, and who has to stay what they are."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from app.errors import ConflictError, NotFoundError, RefusedError
from app.models import Member, Role
from app.services.people import members, roles
from tests.parts import MovingClock, identity, make_settings
from tests.stage import By, Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio


async def test_a_role_changes_there_and_back_and_the_audit_says_so(
    session: AsyncSession, by: By, ada: Member, grace: Member
) -> None:
    for role in (Role.ADMIN, Role.ADMIN, Role.MEMBER):
        await roles.change_role(by(ada), grace, role)
        assert grace.role is role
    changes = [entry for entry in await audit_entries(session, kind="member") if entry.action == "member.change"]

    assert [(entry.actor, entry.thing_name, entry.before, entry.after) for entry in changes] == [
        ("ada@example.com", "grace@example.com", {"role": "member"}, {"role": "admin"}),
        ("ada@example.com", "grace@example.com", {"role": "admin"}, {"role": "member"}),
    ]


async def test_nobody_takes_their_own_role(by: By, ada: Member, grace: Member) -> None:
    with pytest.raises(ConflictError, match="You are the only admin"):
        await roles.change_role(by(ada), ada, Role.MEMBER)
    await roles.change_role(by(ada), grace, Role.ADMIN)
    with pytest.raises(ConflictError, match="your own admin role"):
        await roles.change_role(by(ada), ada, Role.MEMBER)
    assert ada.is_admin


async def test_who_may_not_sign_in_becomes_no_admin(session: AsyncSession, by: By, ada: Member, grace: Member) -> None:
    grace.email = "grace@gone.invalid"
    await session.flush()

    with pytest.raises(ConflictError, match="not allowed to sign in"):
        await roles.change_role(by(ada), grace, Role.ADMIN)
    assert await roles.stays_because(by(ada), ada) == roles.NOT_THE_LAST
    assert await roles.stays_because(by(ada), grace) == "grace@gone.invalid is not allowed to sign in."


LEFT = {"allowed_domains": (), "allowed_emails": ("grace@example.com", "new@example.com")}


async def test_an_admin_who_cannot_sign_in_counts_for_none(by: By, ada: Member, grace: Member) -> None:
    await roles.change_role(by(ada), grace, Role.ADMIN)
    settings = make_settings(**LEFT, first_admin="")
    assert await members.admins(by(settings=settings)) == [grace]
    with pytest.raises(ConflictError, match="only admin who can sign in"):
        await roles.change_role(by(grace, settings=settings), grace, Role.MEMBER)
    await roles.change_role(by(grace, settings=settings), ada, Role.MEMBER)
    assert not ada.is_admin


@pytest.mark.parametrize("refused", [False, True])
async def test_the_first_admin_is_one_whenever_no_other_can_sign_in(
    by: By, clock: MovingClock, ada: Member, refused: bool
) -> None:
    settings = make_settings(first_admin="new@example.com", **({} if refused else LEFT))
    ada.refused_at = clock() if refused else None
    assert (await members.sign_in(by(settings=settings), identity("new"))).is_admin
    assert not (await members.sign_in(by(settings=settings), identity("grace"))).is_admin


async def test_the_operator_makes_an_admin_of_anybody_who_may_sign_in(
    session: AsyncSession, by: By, ada: Member
) -> None:
    grace = await roles.set_role(by(), " Grace@example.com ", Role.ADMIN)
    assert (grace.email, grace.is_admin) == ("grace@example.com", True)
    await roles.set_role(by(), "ada@example.com", Role.MEMBER)
    with pytest.raises(ConflictError, match="is the only admin who can sign in"):
        await roles.set_role(by(), "grace@example.com", Role.MEMBER)
    with pytest.raises(RefusedError):
        await roles.set_role(by(), "eve@elsewhere.test", Role.ADMIN)
    with pytest.raises(NotFoundError):
        await roles.set_role(by(), "linus@example.com", Role.MEMBER)
    entries = [entry for entry in await audit_entries(session, kind="member") if not entry.actor_id]
    assert [(entry.thing_name, entry.after) for entry in entries] == [
        ("grace@example.com", {"email": "grace@example.com", "role": "member"}),
        ("grace@example.com", {"role": "admin"}),
        ("ada@example.com", {"role": "member"}),
    ]


async def test_two_admins_who_take_the_role_from_each_other_leave_one(
    session: AsyncSession, by: By, stage: Stage, ada: Member, grace: Member, database: Database
) -> None:
    await roles.change_role(stage.context(session, ada), grace, Role.ADMIN)
    await session.commit()
    ada_id, grace_id = ada.id, grace.id
    both_are_in = asyncio.Barrier(2)

    async def demote(member_id: str, by_id: str) -> None:
        async with database.sessions.begin() as session:
            member, by = await session.get_one(Member, member_id), await session.get_one(Member, by_id)
            await both_are_in.wait()
            await roles.change_role(stage.context(session, by), member, Role.MEMBER)

    results = await asyncio.gather(demote(ada_id, grace_id), demote(grace_id, ada_id), return_exceptions=True)

    assert [type(result) for result in results if result] == [RefusedError]
    await session.refresh(ada)
    await session.refresh(grace)
    assert [ada.role, grace.role].count(Role.ADMIN) == 1


async def test_who_is_not_there_is_not_found(session: AsyncSession) -> None:
    with pytest.raises(NotFoundError):
        await members.find(session, "nobody")
