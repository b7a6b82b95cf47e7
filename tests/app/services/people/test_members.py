import asyncio
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Settings
from app.db import Database
from app.errors import InvalidError, RefusedError
from app.models import AuditEntry, Member, Role
from app.services.people import members
from tests.parts import MovingClock, identity, make_settings
from tests.stage import By, Stage

pytestmark = pytest.mark.anyio


async def test_first_sign_in_makes_a_member(by: By, clock: MovingClock) -> None:
    grace = await members.sign_in(by(), identity("grace"))

    assert (grace.email, grace.name, grace.role) == ("grace@example.com", "Grace", Role.MEMBER)
    assert grace.created_at == clock()


async def test_a_second_sign_in_finds_the_same_member_and_takes_over_a_new_address(by: By, clock: MovingClock) -> None:
    before = await members.sign_in(by(), identity("grace"))
    later = clock.advance(days=1)
    married = identity("grace", email="grace.hopper@example.com", name="Grace Hopper")
    after = await members.sign_in(by(now=later), married)

    assert after.id == before.id
    assert (after.email, after.name, after.last_seen_at) == ("grace.hopper@example.com", "Grace Hopper", later)
    assert after.created_at == later - timedelta(days=1)


async def test_the_first_admin_of_the_settings_becomes_admin(by: By) -> None:
    assert (await members.sign_in(by(), identity("ada"))).is_admin
    assert not (await members.sign_in(by(), identity("grace"))).is_admin


async def test_a_first_admin_who_is_member_again_stays_one_while_there_are_other_admins(by: By) -> None:
    ada = await members.sign_in(by(), identity("ada"))
    grace = await members.sign_in(by(), identity("grace"))
    ada.role, grace.role = Role.MEMBER, Role.ADMIN

    assert not (await members.sign_in(by(), identity("ada"))).is_admin


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"email": "eve@elsewhere.test", "hd": "elsewhere.test"},
            "eve@elsewhere.test is not allowed",
        ),
        ({"email": "eve@elsewhere.test"}, "eve@elsewhere.test is not allowed"),
        ({"email_verified": False}, "has not verified"),
        ({"hd": None}, "not managed by example.com"),
        ({"hd": "elsewhere.test"}, "not managed by example.com"),
        ({"email": "eve@example.com.elsewhere.test"}, "is not allowed to use this portal"),
        ({"email": "eve@sub.example.com"}, "is not allowed to use this portal"),
    ],
)
async def test_an_account_that_no_rule_lets_in_is_refused(
    session: AsyncSession, by: By, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(RefusedError, match=sentence):
        await members.sign_in(by(), identity("eve", **changes))

    assert await session.scalar(select(func.count(Member.id))) == 0


async def test_a_single_address_needs_no_domain_but_must_be_verified(by: By, database_url: str) -> None:
    settings = make_settings(
        database_url=database_url, allowed_domains=(), allowed_emails=("guest@mail.test",), first_admin=""
    )
    guest = identity("guest", email="guest@mail.test", hd=None)

    assert (await members.sign_in(by(settings=settings), guest)).email == "guest@mail.test"
    with pytest.raises(RefusedError, match="has not verified"):
        await members.sign_in(by(settings=settings), identity("guest", email="guest@mail.test", email_verified=False))


async def test_an_address_given_to_somebody_else_does_not_make_them_its_former_holder(
    by: By, settings: Settings
) -> None:
    former = await members.sign_in(by(), identity("grace"))
    newcomer = await members.sign_in(by(), identity("grace", sub="another-sub"))

    assert newcomer.id != former.id
    assert newcomer.email == "grace@example.com"
    assert not settings.may_sign_in_by_rule(former.email)
    assert former.ssh_username == "grace"


async def test_two_members_may_swap_their_addresses(by: By) -> None:
    grace = await members.sign_in(by(), identity("grace"))
    linus = await members.sign_in(by(), identity("linus"))
    await members.sign_in(by(), identity("grace", email="linus@example.com"))
    await members.sign_in(by(), identity("linus", email="grace@example.com"))

    assert (grace.email, linus.email) == ("linus@example.com", "grace@example.com")


async def test_a_member_made_by_address_is_taken_over_by_their_first_sign_in(by: By) -> None:
    placeholder = await members.by_address(by(), " Grace@Example.com ")
    grace = await members.sign_in(by(), identity("grace"))

    assert grace.id == placeholder.id
    assert (grace.sub, grace.name) == ("sub-grace", "Grace")
    assert (await members.by_address(by(), "grace@example.com")).id == grace.id


async def test_a_member_made_by_address_may_be_the_first_admin(by: By) -> None:
    assert (await members.by_address(by(), "ada@example.com")).is_admin


@pytest.mark.parametrize("email", ["eve@elsewhere.test", "", "example.com", "@elsewhere.test"])
async def test_nobody_is_made_by_an_address_that_no_rule_names(by: By, email: str) -> None:
    with pytest.raises(RefusedError):
        await members.by_address(by(), email)


async def test_two_first_sign_ins_at_once_make_one_member(stage: Stage, database: Database) -> None:
    async def sign_in() -> str:
        async with database.sessions.begin() as session:
            return (await members.sign_in(stage.context(session), identity("grace"))).id

    assert len(set(await asyncio.gather(*(sign_in() for _ in range(4))))) == 1


async def test_a_chosen_ssh_username_is_audited_and_names_nobody_in_the_shared_stack(
    session: AsyncSession, by: By
) -> None:
    grace = await members.sign_in(by(), identity("grace"))
    await members.choose_ssh_username(by(grace), "linus")
    # Who takes another's name must not come by the service account that goes by it.
    assert (grace.ssh_username, grace.account_name) == ("linus", f"grace-{grace.id}")
    entry = (await session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))).one()
    assert (entry.action, entry.before, entry.after) == (
        "member.change",
        {"ssh_username": "grace"},
        {"ssh_username": "linus"},
    )
    with pytest.raises(InvalidError):
        await members.choose_ssh_username(by(grace), "root")
    assert grace.ssh_username == "linus"


@pytest.mark.parametrize("local", ["root", "jupyter", "www-data"])
def test_an_address_of_the_systems_own_name_makes_another_user(local: str) -> None:
    member = Member(email=f"{local}@example.com")
    assert (member.ssh_username, member.name_in_address) == (f"u-{local}", local)


async def test_no_two_members_ever_have_one_name_in_the_shared_stack(by: By) -> None:
    addresses = ["a.b@example.com", "a-b@example.com", f"{'x' * 40}.1@example.com", f"{'x' * 40}.2@example.com"]
    found = [await members.sign_in(by(), identity(f"m{n}", email=email)) for n, email in enumerate(addresses)]
    former = await members.sign_in(by(), identity("grace"))
    before = former.account_name
    successor = await members.sign_in(by(), identity("grace", sub="another-sub"))
    names = [member.account_name for member in (*found, former, successor)]
    assert (len(set(names)), max(map(len, names)), former.account_name) == (6, 32, before)
    assert all(re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", name) for name in names)
