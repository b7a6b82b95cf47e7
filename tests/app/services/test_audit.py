"""What is written down of decisions, and that it stays."""

from datetime import date

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import origin
from app.config import Settings
from app.db import Database, libpq_url
from app.models import Action, AuditEntry, Member
from app.models.audit_entry import KINDS
from app.services import audit
from app.services.audit import AuditFilter
from app.services.context import Context
from app.services.people import api_tokens, members
from tests.database import dump
from tests.parts import MovingClock, identity
from tests.stage import By, Stage
from tests.steps import audit_actions, audit_entries

pytestmark = pytest.mark.anyio


def note(ctx: Context, name: str) -> None:
    audit.record(ctx, Action.ADD_SSH_KEY, f"id-of-{name}", name)


def test_every_action_has_words_and_a_kind() -> None:
    assert all(action.words and "." in action for action in Action)
    assert set(KINDS) == {action.kind for action in Action}


def test_an_action_that_is_no_longer_known_is_shown_as_it_is() -> None:
    assert AuditEntry(action="server.explode").words == "server.explode"
    assert AuditEntry(action="run.approve").words == "approved run"


async def test_an_entry_says_who_what_when_and_from_where(
    session: AsyncSession, by: By, grace: Member, clock: MovingClock
) -> None:
    with origin.bound("203.0.113.7", "a-request"):
        audit.record(by(grace), Action.CHANGE_MEMBER, "x", "y", {"a": 1, "b": 2}, {"b": 3, "a": 1})
    entry = (await audit_entries(session))[-1]

    assert (entry.actor_id, entry.actor, entry.at) == (grace.id, "grace@example.com", clock())
    assert (entry.action, entry.thing_kind, entry.thing_id, entry.thing_name) == ("member.change", "member", "x", "y")
    assert (entry.origin, entry.request_id) == ("203.0.113.7", "a-request")
    assert (entry.before, entry.after) == ({"b": 2}, {"b": 3})


async def test_who_is_no_member_is_the_operator_or_the_portal_itself(session: AsyncSession, by: By) -> None:
    with origin.bound(origin.COMMAND_LINE):
        note(by(), "by hand")
    with origin.bound("198.51.100.1", "r"):
        note(by(), "by itself")

    assert [(entry.actor_id, entry.actor, entry.origin) for entry in await audit_entries(session)] == [
        (None, "operator", "command line"),
        (None, "Stationmaster", "198.51.100.1"),
    ]


async def test_a_decision_that_is_rolled_back_leaves_no_entry(stage: Stage, database: Database) -> None:
    async with database.sessions.begin() as session:
        grace = await members.sign_in(stage.context(session), identity("grace"))
    async with database.sessions() as session:
        await api_tokens.create(stage.context(session, grace), "CI")
        assert await audit_actions(session) == ["member.join", "token.make"]
        await session.rollback()
    async with database.sessions() as session:
        assert await audit_actions(session) == ["member.join"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entries SET actor = 'linus@example.com'",
        "UPDATE audit_entries SET actor = 'nobody' WHERE false",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "INSERT INTO audit_entries SELECT * FROM audit_entries",
    ],
)
async def test_the_database_takes_new_entries_and_refuses_everything_else(
    stage: Stage, database: Database, settings: Settings, change: str
) -> None:
    async with database.sessions.begin() as session:
        await members.sign_in(stage.context(session), identity("grace"))
    before = dump(settings.database_url)

    with psycopg.connect(libpq_url(settings.database_url)) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(change.encode())

    assert "append-only" in str(refused.value) or "GENERATED ALWAYS" in str(refused.value)
    assert dump(settings.database_url) == before


async def test_entries_keep_nobody_from_being_deleted(session: AsyncSession, grace: Member) -> None:
    grace_id = grace.id
    await session.delete(grace)
    await session.flush()

    assert [entry.actor_id for entry in await audit_entries(session)] == [grace_id]


@pytest.fixture
async def three(session: AsyncSession, by: By, grace: Member, clock: MovingClock) -> AsyncSession:
    """Besides Grace's joining on 2 March: hers of the 3rd, Linus's two of the 4th."""
    linus = await members.sign_in(by(), identity("linus"))
    clock.advance(days=1)
    note(by(grace), "100%")
    clock.advance(days=1)
    note(by(linus), "laptop")
    audit.record(by(linus), Action.APPROVE_RUN, "run-1", "update dev_1")
    return session


@pytest.mark.parametrize(
    ("desired", "names"),
    [
        ({"person": "LINUS", "kind": "ssh_key"}, ["laptop"]),
        ({"person": "example", "action": "run.approve"}, ["update dev_1"]),
        ({"thing": "%"}, ["100%"]),
        ({"thing": "v_1"}, ["update dev_1"]),
        ({"thing": "run-1"}, ["update dev_1"]),
        ({"thing": "run-"}, []),
        ({"from": "2026-03-03", "to": "2026-03-03"}, ["100%"]),
        ({"from": date(2026, 3, 4), "to": ""}, ["laptop", "update dev_1"]),
        ({"from": "", "to": "2026-03-02"}, ["grace@example.com", "linus@example.com"]),
        ({"to": "9999-12-31", "from": "0001-01-01", "kind": "run"}, ["update dev_1"]),
        ({"kind": "nothing"}, []),
    ],
)
async def test_entries_are_found_by_person_decision_thing_and_day(
    three: AsyncSession, desired: dict[str, object], names: list[str]
) -> None:
    assert [entry.thing_name for entry in await audit_entries(three, **desired)] == names


async def test_a_page_begins_below_the_last_entry_of_the_one_before(three: AsyncSession) -> None:
    desired = AuditFilter()
    first = await audit.entries(three, desired, limit=3)
    rest = await audit.entries(three, desired, below=first[-1].number, limit=3)
    everything = list(await three.scalars(select(AuditEntry.number).order_by(AuditEntry.number.desc())))

    assert [entry.number for entry in first + rest] == everything


async def test_all_of_them_are_read_in_batches(
    three: AsyncSession, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three.commit()
    monkeypatch.setattr(audit, "ENTRIES_A_BATCH", 2)

    assert [len(batch) async for batch in audit.batches(database, AuditFilter())] == [2, 2, 1]
