"""The list of members: in order, page by page, searched, with few questions to the database."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from app.models import Member, MemberAccess
from app.services.people import listing, members
from tests.app.counting import statements
from tests.parts import MovingClock, identity
from tests.stage import By, Stage

pytestmark = pytest.mark.anyio


async def names(by: By, ada: Member, **asked: object) -> list[str]:
    page = await listing.page(by(ada), **asked)  # type: ignore[arg-type]  # what the tests ask for
    return [entry.member.name for entry in page.entries]


async def test_admins_are_listed_first_then_by_address_with_the_number_of_their_machines(
    stage: Stage, by: By, ada: Member, grace: Member
) -> None:
    await members.sign_in(by(), identity("aaron"))
    await by().session.commit()
    await stage.request("dev-1", "grace", machine_type="g2-standard-8")
    page = await listing.page(by(ada))

    found = [
        (entry.member.name, entry.allowance.used.workstations, entry.allowance.used.gpus) for entry in page.entries
    ]
    assert found == [("Ada", 0, 0), ("Aaron", 0, 0), ("Grace", 1, 1)]
    assert page.after is None


async def test_pages_follow_each_other_without_gap_or_double(by: By, ada: Member, grace: Member) -> None:
    for name in ("aaron", "bob", "zoe"):
        await members.sign_in(by(), identity(name))
    found, after = [], ""
    while True:
        page = await listing.page(by(ada), after=after, limit=2)
        found += [entry.member.name for entry in page.entries]
        if page.after is None:
            break
        assert len(page.entries) == 2
        after = page.after

    assert found == ["Ada", "Aaron", "Bob", "Grace", "Zoe"]
    assert await names(by, ada, after="nobody") == []


@pytest.mark.parametrize(
    ("search", "found"),
    [("RAC", ["Grace"]), ("@example.com", ["Ada", "Grace"]), ("%", []), ("a_a", []), ("ada@", ["Ada"])],
)
async def test_members_are_found_by_parts_of_name_and_address(
    by: By, ada: Member, grace: Member, search: str, found: list[str]
) -> None:
    assert await names(by, ada, search=search) == found


async def test_who_cannot_sign_in_is_listed_as_such(
    session: AsyncSession, by: By, ada: Member, grace: Member, clock: MovingClock
) -> None:
    refused, gone = [await members.sign_in(by(), identity(name)) for name in ("linus", "zoe")]
    grace.disabled_at = refused.refused_at = clock()
    gone.email = "zoe@elsewhere.test"
    await session.flush()

    assert {entry.member.name: entry.access for entry in (await listing.page(by(ada))).entries} == {
        "Ada": MemberAccess.ACTIVE,
        "Grace": MemberAccess.DISABLED,
        "Linus": MemberAccess.NOT_ALLOWED,
        "Zoe": MemberAccess.NOT_ALLOWED,
    }


async def test_a_page_takes_as_many_statements_however_many_there_are(
    stage: Stage, by: By, ada: Member, database: Database
) -> None:
    for number in range(60):
        await members.sign_in(by(), identity(f"member-{number}"))
    await by().session.commit()
    async with database.sessions() as session:
        me = await session.get_one(Member, ada.id)
        with statements(database) as sent:
            page = await listing.page(stage.context(session, me), search="member")

    assert (len(page.entries), page.after is not None) == (listing.MEMBERS_A_PAGE, True)
    assert len(sent) <= 4
