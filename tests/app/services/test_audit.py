"""What is written down of decisions, and that it stays."""

from datetime import date, timedelta

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import origin
from app.config import Settings
from app.crypto import Vault
from app.db import Database, libpq_url
from app.errors import ConflictError, InvalidError
from app.models import Action, AuditEntry, CancelMode, Member
from app.models.audit_entry import KINDS
from app.services import api_tokens, audit, checkouts, decisions, members, sign_ins, ssh_keys, workstations
from app.services.audit import AuditFilter
from app.services.catalog import Catalog
from app.services.wishes import WorkstationChange, WorkstationWish
from tests.app.conftest import MovingClock, SecretsInMemory, identity
from tests.database import dump

pytestmark = pytest.mark.anyio
WISH = WorkstationWish(name="dev-1", machine_type="e2-standard-4")
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJz1Qn8uFTb9bX0p0Y0n1p0sXQ0v8Q7Yl6m0f0l3c1aB"


@pytest.fixture
async def grace(session: AsyncSession, settings: Settings, clock: MovingClock) -> Member:
    return await members.sign_in(session, identity("grace"), settings, clock())


@pytest.fixture
def catalog(settings: Settings) -> Catalog:
    return Catalog.load(settings.catalog_file)


async def told(session: AsyncSession, **wanted: object) -> list[AuditEntry]:
    """Entries, the oldest first."""
    await session.flush()
    return (await audit.entries(session, AuditFilter.model_validate(wanted)))[::-1]


async def actions(session: AsyncSession, **wanted: object) -> list[str]:
    return [entry.action for entry in await told(session, **wanted)]


def note(session: AsyncSession, by: Member | None, name: str, clock: MovingClock) -> None:
    audit.record(session, by, Action.ADD_SSH_KEY, f"id-of-{name}", name, now=clock())


def test_every_action_has_words_and_a_kind() -> None:
    assert all(action.words and "." in action for action in Action)
    assert set(KINDS) == {action.kind for action in Action}


def test_an_action_that_is_no_longer_known_is_shown_as_it_is() -> None:
    assert AuditEntry(action="server.explode").words == "server.explode"
    assert AuditEntry(action="run.approve").words == "approved run"


async def test_an_entry_says_who_what_when_and_from_where(
    session: AsyncSession, grace: Member, clock: MovingClock
) -> None:
    with origin.bound("203.0.113.7", "a-request"):
        audit.record(session, grace, Action.CHANGE_MEMBER, "x", "y", {"a": 1, "b": 2}, {"b": 3, "a": 1}, now=clock())
    entry = (await told(session))[-1]

    assert (entry.actor_id, entry.actor, entry.at) == (grace.id, "grace@example.com", clock())
    assert (entry.action, entry.thing_kind, entry.thing_id, entry.thing_name) == ("member.change", "member", "x", "y")
    assert (entry.origin, entry.request_id) == ("203.0.113.7", "a-request")
    assert (entry.before, entry.after) == ({"b": 2}, {"b": 3})


async def test_who_is_no_member_is_the_operator_or_the_portal_itself(session: AsyncSession, clock: MovingClock) -> None:
    note(session, None, "by hand", clock)
    with origin.bound("198.51.100.1", "r"):
        note(session, None, "by itself", clock)

    assert [(entry.actor_id, entry.actor, entry.origin) for entry in await told(session)] == [
        (None, "operator", "command line"),
        (None, "Stationmaster", "198.51.100.1"),
    ]


async def test_a_decision_that_is_rolled_back_leaves_no_entry(
    database: Database, settings: Settings, clock: MovingClock
) -> None:
    async with database.sessions.begin() as session:
        grace = await members.sign_in(session, identity("grace"), settings, clock())
    async with database.sessions() as session:
        await api_tokens.create(session, grace, "CI", clock())
        assert await actions(session) == ["member.join", "token.make"]
        await session.rollback()
    async with database.sessions() as session:
        assert await actions(session) == ["member.join"]


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
    database: Database, settings: Settings, clock: MovingClock, change: str
) -> None:
    async with database.sessions.begin() as session:
        await members.sign_in(session, identity("grace"), settings, clock())
    before = dump(settings.database_url)

    with psycopg.connect(libpq_url(settings.database_url)) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(change.encode())

    assert "append-only" in str(refused.value) or "GENERATED ALWAYS" in str(refused.value)
    assert dump(settings.database_url) == before


async def test_entries_keep_nobody_from_being_deleted(session: AsyncSession, grace: Member, clock: MovingClock) -> None:
    grace_id = grace.id
    await session.delete(grace)
    await session.flush()

    assert [entry.actor_id for entry in await told(session)] == [grace_id]


async def test_what_happens_to_a_workstation_is_told_from_before_to_after(
    session: AsyncSession,
    settings: Settings,
    grace: Member,
    catalog: Catalog,
    secrets: SecretsInMemory,
    clock: MovingClock,
) -> None:
    asked = (session, grace, WISH, catalog, secrets, settings, clock())
    workstation, run, _ = await workstations.request(*asked)
    await workstations.request(*asked)
    change = WorkstationChange(machine_type="e2-standard-8", disk_size_gb=100)
    await workstations.request_change(session, workstation, grace, change, catalog, settings, clock())
    nothing = WorkstationChange()
    await workstations.request_change(session, workstation, grace, nothing, catalog, settings, clock())
    await workstations.request_destroy(session, workstation, grace, clock(), keep_disk=True)
    requested, changed, checked, destroyed = await told(session, kind="workstation")

    assert (requested.action, requested.thing_id, requested.thing_name) == (
        "workstation.request",
        workstation.id,
        "dev-1",
    )
    assert requested.after["machine_type"] == "e2-standard-4"
    assert requested.after["run"] == run.id
    assert changed.before == {"machine_type": "e2-standard-4"}
    assert changed.after.keys() == {"machine_type", "run"}
    assert (checked.action, checked.before, checked.after.keys()) == ("workstation.check", {}, {"run"})
    assert (destroyed.action, destroyed.after["keep_disk"]) == ("workstation.destroy", True)


async def test_decisions_about_a_run_are_told_and_refused_ones_are_not(
    session: AsyncSession,
    settings: Settings,
    grace: Member,
    catalog: Catalog,
    secrets: SecretsInMemory,
    clock: MovingClock,
) -> None:
    workstation, run, _ = await workstations.request(session, grace, WISH, catalog, secrets, settings, clock())
    lost = [{"address": "disk.data", "action": "delete"}]
    run.claim("worker", "host", clock())
    run.await_approval(lost, clock())
    await session.flush()
    with pytest.raises(InvalidError):
        await decisions.approve(session, run, grace, "not the disk", clock())
    await decisions.approve(session, run, grace, workstation.disk_name, clock())
    with pytest.raises(ConflictError):
        await decisions.discard(session, run, grace, clock())
    await decisions.cancel(session, run, grace, CancelMode.UNDO, clock())
    approved, canceled = await told(session, kind="run")

    assert (approved.action, approved.thing_id, approved.thing_name) == ("run.approve", run.id, "provision dev-1")
    assert approved.after == {"awaits": ["delete disk.data"]}
    assert (canceled.action, canceled.after["mode"]) == ("run.cancel", "undo")


async def test_a_discarded_run_that_is_retried_names_the_new_one(
    session: AsyncSession,
    settings: Settings,
    grace: Member,
    catalog: Catalog,
    secrets: SecretsInMemory,
    clock: MovingClock,
) -> None:
    workstation, run, _ = await workstations.request(session, grace, WISH, catalog, secrets, settings, clock())
    run.claim("worker", "host", clock())
    run.await_approval([], clock())
    await session.flush()
    await decisions.discard(session, run, grace, clock())
    again = await decisions.retry(session, run, grace, clock())
    discarded, retried = await told(session, kind="run")

    assert (discarded.action, retried.action) == ("run.discard", "run.retry")
    assert (retried.thing_id, retried.after) == (run.id, {"again": again.id})
    assert workstation.name in retried.thing_name


async def test_keys_tokens_and_sign_ins_are_told_without_a_secret(
    session: AsyncSession, settings: Settings, grace: Member, secrets: SecretsInMemory, clock: MovingClock
) -> None:
    made = await ssh_keys.generate(session, grace, "laptop", secrets, settings, clock())
    private = await ssh_keys.private(session, grace, made, secrets, clock())
    await ssh_keys.delete(session, grace, made, secrets, clock())
    pasted = await ssh_keys.add(session, grace, "desk", PUBLIC_KEY, clock())
    token, plain = await api_tokens.create(session, grace, "CI", clock())
    await api_tokens.revoke(session, grace, token.id, clock())
    await api_tokens.revoke(session, grace, token.id, clock())
    browser = {"lasts": timedelta(hours=1), "address": "127.0.0.9", "user_agent": "x"}
    first, cookie = await sign_ins.start(session, grace, **browser, now=clock())
    second, _ = await sign_ins.start(session, grace, **browser, now=clock())
    await sign_ins.sign_out(session, cookie, clock())
    await sign_ins.sign_out(session, cookie, clock())
    await sign_ins.revoke(session, grace, second.id, clock())
    assert await actions(session) == [
        "member.join",
        *("ssh_key.generate", "ssh_key.read", "ssh_key.delete", "ssh_key.add"),
        *("token.make", "token.revoke"),
        *("sign_in.start", "sign_in.start", "sign_in.end", "sign_in.revoke"),
    ]
    entries = await told(session)
    assert entries[1].after == {"fingerprint": made.fingerprint}
    text = repr([[getattr(entry, column.key) for column in AuditEntry.__table__.columns] for entry in entries])

    for secret in (private, plain, cookie, token.hint, first.token_hash, pasted.public_key.split()[1]):
        assert secret not in text


async def test_a_token_made_on_the_command_line_is_the_operators_doing(
    session: AsyncSession, settings: Settings, clock: MovingClock
) -> None:
    await api_tokens.create_for_email(session, "ada@example.com", "first", settings, clock())
    joined, made = await told(session)

    assert (joined.actor, joined.after) == ("operator", {"email": "ada@example.com", "role": "admin"})
    assert (made.actor, made.thing_name, made.after) == ("operator", "first", {"member": "ada@example.com"})


async def test_a_members_role_and_address_are_told_when_they_change(
    session: AsyncSession, settings: Settings, grace: Member, clock: MovingClock
) -> None:
    await members.sign_in(session, identity("grace"), settings, clock())
    await members.sign_in(session, identity("grace", email="hopper@example.com"), settings, clock())
    joined, changed = await told(session, kind="member")

    assert (joined.action, joined.actor, joined.after["role"]) == ("member.join", "grace@example.com", "member")
    assert (changed.action, changed.before, changed.after) == (
        "member.change",
        {"email": "grace@example.com"},
        {"email": "hopper@example.com"},
    )


async def test_whose_address_went_to_somebody_else_lost_it_by_the_portal_itself(
    session: AsyncSession, settings: Settings, grace: Member, clock: MovingClock
) -> None:
    with origin.bound("203.0.113.7", "r"):
        await members.sign_in(session, identity("grace", sub="newcomer"), settings, clock())
    lost, joined = (await told(session, kind="member"))[1:]

    assert (lost.actor, lost.thing_id, lost.before) == ("Stationmaster", grace.id, {"email": "grace@example.com"})
    assert (joined.action, joined.actor_id != grace.id) == ("member.join", True)


async def test_work_by_hand_is_told(
    session: AsyncSession,
    settings: Settings,
    grace: Member,
    catalog: Catalog,
    secrets: SecretsInMemory,
    clock: MovingClock,
) -> None:
    vault = Vault(settings.encryption_keys)
    ada = await members.sign_in(session, identity("ada"), settings, clock())
    workstation, run, _ = await workstations.request(session, grace, WISH, catalog, secrets, settings, clock())
    run.claim("worker", "host", clock())
    run.find_no_changes(clock())
    await session.flush()
    for end in ("check in", "give back", "expire"):
        taken = await checkouts.check_out(session, vault, workstation.id, ada, timedelta(hours=1), clock())
        if end == "check in":
            inputs = taken.run.inputs
            await checkouts.check_in(session, vault, taken.run.id, None, inputs, clock(), unsettled=False)
        elif end == "give back":
            await checkouts.give_back(session, taken.run.id, "Given back.", clock())
        else:
            await checkouts.expire(session, taken.run, clock())
    entries = await told(session, kind="stack")

    assert [entry.action.removeprefix("stack.") for entry in entries] == [
        *("check_out", "check_in", "check_out", "give_back", "check_out", "expire")
    ]
    assert {(entry.thing_id, entry.thing_name) for entry in entries} == {(workstation.id, "dev-1")}
    assert [entry.actor_id for entry in entries] == [ada.id] * 5 + [None]


@pytest.fixture
async def three(session: AsyncSession, settings: Settings, grace: Member, clock: MovingClock) -> AsyncSession:
    """Besides Grace's joining on 2 March: hers of the 3rd, Linus's two of the 4th."""
    linus = await members.sign_in(session, identity("linus"), settings, clock())
    clock.advance(days=1)
    note(session, grace, "100%", clock)
    clock.advance(days=1)
    note(session, linus, "laptop", clock)
    audit.record(session, linus, Action.APPROVE_RUN, "run-1", "update dev_1", now=clock())
    return session


@pytest.mark.parametrize(
    ("wanted", "names"),
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
    three: AsyncSession, wanted: dict[str, object], names: list[str]
) -> None:
    assert [entry.thing_name for entry in await told(three, **wanted)] == names


async def test_a_page_begins_below_the_last_entry_of_the_one_before(three: AsyncSession) -> None:
    wanted = AuditFilter()
    first = await audit.entries(three, wanted, limit=3)
    rest = await audit.entries(three, wanted, below=first[-1].number, limit=3)
    everything = list(await three.scalars(select(AuditEntry.number).order_by(AuditEntry.number.desc())))

    assert [entry.number for entry in first + rest] == everything


async def test_all_of_them_are_read_in_batches(
    three: AsyncSession, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three.commit()
    monkeypatch.setattr(audit, "ENTRIES_A_BATCH", 2)

    assert [len(batch) async for batch in audit.batches(database, AuditFilter())] == [2, 2, 1]


async def test_a_stack_without_a_workstation_is_called_by_its_id(session: AsyncSession) -> None:
    assert await audit.name_of_stack(session, "abc") == "abc"
