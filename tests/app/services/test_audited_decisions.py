"""Which decisions are written down, and what of them."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app import origin
from app.config import Settings
from app.crypto import Vault
from app.errors import ConflictError, InvalidError
from app.models import AuditEntry, CancelMode, Member
from app.services import decisions, lifecycle, workstations
from app.services.by_hand import checkouts
from app.services.catalog import Catalog
from app.services.keys import ssh_keys
from app.services.people import api_tokens, members, sign_ins
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec
from tests.app.conftest import MovingClock, SecretsInMemory, identity
from tests.app.services.test_audit import actions, told
from tests.app.services.test_audit import grace as grace

pytestmark = pytest.mark.anyio
WISH = WorkstationSpec(name="dev-1", machine_type="e2-standard-4")
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJz1Qn8uFTb9bX0p0Y0n1p0sXQ0v8Q7Yl6m0f0l3c1aB"


@pytest.fixture
def catalog(settings: Settings) -> Catalog:
    return Catalog.load(settings.catalog_file)


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
    change = WorkstationPatch(machine_type="e2-standard-8", disk_size_gb=100)
    await workstations.request_change(session, workstation, grace, change, catalog, settings, clock())
    nothing = WorkstationPatch()
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
    assert (checked.action, checked.before, set(checked.after)) == ("workstation.check", {}, {"run"})
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
    lost = [{"address": "disk.data", "action": "delete", "name": workstation.disk_name}]
    run.claim("worker", "host", clock())
    run.await_approval(lost, clock())
    await session.flush()
    with pytest.raises(InvalidError):
        await decisions.approve(session, run, grace, ["not the disk"], clock())
    await decisions.approve(session, run, grace, [workstation.disk_name], clock())
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
    vault = Vault(settings.encryption_keys)
    assert await lifecycle.claim(session, vault, run, "worker", "host", clock())
    await lifecycle.await_approval(session, run, [], clock())
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
    start = partial(sign_ins.start, session, grace, lasts=timedelta(hours=1), address="127.0.0.9", user_agent="x")
    first, cookie = await start(now=clock())
    second, _ = await start(now=clock())
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
            await checkouts.check_in(session, vault, taken.run.id, None, inputs, clock(), needs_reconcile=False)
        elif end == "give back":
            await checkouts.give_back(session, vault, taken.run.id, "Given back.", clock())
        else:
            await checkouts.expire(session, vault, taken.run, clock())
    entries = await told(session, kind="stack")

    assert [entry.action.removeprefix("stack.") for entry in entries] == [
        *("check_out", "check_in", "check_out", "give_back", "check_out", "expire")
    ]
    assert {(entry.thing_id, entry.thing_name) for entry in entries} == {(workstation.id, "dev-1")}
    assert [entry.actor_id for entry in entries] == [ada.id] * 5 + [None]
