"""Which decisions are written down, and what of them."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app import origin
from app.config import Settings
from app.errors import ConflictError, InvalidError
from app.models import AuditEntry, CancelMode, Member
from app.services import decisions, lifecycle, workstations
from app.services.by_hand import checkouts
from app.services.catalog import Catalog
from app.services.keys import ssh_keys
from app.services.people import api_tokens, members, sign_ins
from app.services.workstations.specs import WorkstationPatch, WorkstationSpec
from tests.parts import MovingClock, identity
from tests.stage import By
from tests.steps import audit_actions, audit_entries

pytestmark = pytest.mark.anyio
SPEC = WorkstationSpec(name="dev-1", machine_type="e2-standard-4")
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJz1Qn8uFTb9bX0p0Y0n1p0sXQ0v8Q7Yl6m0f0l3c1aB"


@pytest.fixture
def catalog(settings: Settings) -> Catalog:
    return Catalog.load(settings.catalog_file)


async def test_what_happens_to_a_workstation_is_told_from_before_to_after(
    session: AsyncSession,
    by: By,
    grace: Member,
) -> None:
    made = await workstations.request(by(grace), grace, SPEC)
    workstation, run = made.workstation, made.run
    await workstations.request(by(grace), grace, SPEC)
    change = WorkstationPatch(machine_type="e2-standard-8", disk_size_gb=100)
    await workstations.request_change(by(grace), workstation, change)
    nothing = WorkstationPatch()
    await workstations.request_change(by(grace), workstation, nothing)
    await workstations.request_destroy(by(grace), workstation, keep_disk=True)
    requested, changed, checked, destroyed = await audit_entries(session, kind="workstation")

    assert (requested.action, requested.thing_id, requested.thing_name) == (
        "workstation.request",
        workstation.id,
        "dev-1",
    )
    assert requested.after["machine_type"] == "e2-standard-4"
    assert requested.after["run"] == run.id
    assert changed.before == {"machine_type": "e2-standard-4"}
    assert changed.after.keys() == {"machine_type", "run"}
    assert (checked.action, checked.before, set(checked.after)) == ("workstation.restore", {}, {"run"})
    assert (destroyed.action, destroyed.after["keep_disk"]) == ("workstation.destroy", True)


async def test_decisions_about_a_run_are_told_and_refused_ones_are_not(
    session: AsyncSession,
    by: By,
    grace: Member,
    clock: MovingClock,
) -> None:
    requested = await workstations.request(by(grace), grace, SPEC)
    workstation, run = requested.workstation, requested.run
    lost = [{"address": "disk.data", "action": "delete", "name": workstation.disk_name}]
    run.claim("worker", "host", clock())
    run.await_approval(lost, clock())
    await session.flush()
    with pytest.raises(InvalidError):
        await decisions.approve(by(grace), run, ["not the disk"])
    await decisions.approve(by(grace), run, [workstation.disk_name])
    with pytest.raises(ConflictError):
        await decisions.discard(by(grace), run)
    await decisions.cancel(by(grace), run, CancelMode.UNDO)
    approved, canceled = await audit_entries(session, kind="run")

    assert (approved.action, approved.thing_id, approved.thing_name) == ("run.approve", run.id, "provision dev-1")
    assert approved.after == {"awaits": ["delete disk.data"]}
    assert (canceled.action, canceled.after["mode"]) == ("run.cancel", "undo")


async def test_a_discarded_run_that_is_retried_names_the_new_one(
    session: AsyncSession,
    by: By,
    grace: Member,
) -> None:
    requested = await workstations.request(by(grace), grace, SPEC)
    workstation, run = requested.workstation, requested.run
    assert await lifecycle.claim(by(), run, "worker", "host")
    await lifecycle.await_approval(by(), run, [])
    await session.flush()
    await decisions.discard(by(grace), run)
    again = await decisions.retry(by(grace), run)
    discarded, retried = await audit_entries(session, kind="run")

    assert (discarded.action, retried.action) == ("run.discard", "run.retry")
    assert (retried.thing_id, retried.after) == (run.id, {"again": again.id})
    assert workstation.name in retried.thing_name


async def test_keys_tokens_and_sign_ins_are_told_without_a_secret(session: AsyncSession, by: By, grace: Member) -> None:
    made = await ssh_keys.generate(by(grace), "laptop")
    private = await ssh_keys.private(by(grace), made)
    await ssh_keys.delete(by(grace), made)
    pasted = await ssh_keys.add(by(grace), "desk", PUBLIC_KEY)
    token = await api_tokens.create(by(grace), "CI")
    await api_tokens.revoke(by(grace), token.row)
    await api_tokens.revoke(by(grace), token.row)
    start = partial(sign_ins.start, address="127.0.0.9", user_agent="x")
    first, second = [await start(by(grace)) for _ in range(2)]
    await sign_ins.sign_out(by(), first.secret)
    await sign_ins.sign_out(by(), first.secret)
    await sign_ins.revoke(by(grace), second.row.id)
    assert await audit_actions(session) == [
        "member.join",
        *("ssh_key.generate", "ssh_key.read", "ssh_key.delete", "ssh_key.add"),
        *("token.make", "token.revoke"),
        *("sign_in.start", "sign_in.start", "sign_in.end", "sign_in.revoke"),
    ]
    entries = await audit_entries(session)
    assert entries[1].after == {"fingerprint": made.fingerprint}
    text = repr([[getattr(entry, column.key) for column in AuditEntry.__table__.columns] for entry in entries])

    for secret in (
        private,
        token.plain,
        first.secret,
        token.row.hint,
        first.row.token_hash,
        pasted.public_key.split()[1],
    ):
        assert secret not in text


async def test_a_token_made_on_the_command_line_is_the_operators_doing(session: AsyncSession, by: By) -> None:
    with origin.bound(origin.COMMAND_LINE):
        await api_tokens.create_for_email(by(), "ada@example.com", "first")
    joined, made = await audit_entries(session)

    assert (joined.actor, joined.after) == ("operator", {"email": "ada@example.com", "role": "admin"})
    assert (made.actor, made.thing_name) == ("operator", "first")
    assert made.after == {"member": "ada@example.com", "scope": "admin", "expires_at": "2026-05-31T09:30:00+00:00"}


async def test_a_members_role_and_address_are_told_when_they_change(
    session: AsyncSession, by: By, grace: Member
) -> None:
    await members.sign_in(by(), identity("grace"))
    await members.sign_in(by(), identity("grace", email="hopper@example.com"))
    joined, changed = await audit_entries(session, kind="member")

    assert (joined.action, joined.actor, joined.after["role"]) == ("member.join", "grace@example.com", "member")
    assert (changed.action, changed.before, changed.after) == (
        "member.change",
        {"email": "grace@example.com"},
        {"email": "hopper@example.com"},
    )


async def test_whose_address_went_to_somebody_else_lost_it_by_the_portal_itself(
    session: AsyncSession, by: By, grace: Member
) -> None:
    with origin.bound("203.0.113.7", "r"):
        await members.sign_in(by(), identity("grace", sub="newcomer"))
    lost, joined = (await audit_entries(session, kind="member"))[1:]

    assert (lost.actor, lost.thing_id, lost.before) == ("Stationmaster", grace.id, {"email": "grace@example.com"})
    assert (joined.action, joined.actor_id != grace.id) == ("member.join", True)


async def test_work_by_hand_is_told(
    session: AsyncSession,
    by: By,
    grace: Member,
    clock: MovingClock,
) -> None:
    ada = await members.sign_in(by(), identity("ada"))
    requested = await workstations.request(by(grace), grace, SPEC)
    workstation, run = requested.workstation, requested.run
    run.claim("worker", "host", clock())
    run.find_no_changes(clock())
    await session.flush()
    for end in ("check in", "give back", "expire"):
        taken = await checkouts.check_out(by(ada), workstation.id, timedelta(hours=1))
        if end == "check in":
            inputs = taken.run.inputs
            await checkouts.check_in(by(), taken.run.id, None, inputs, needs_reconcile=False)
        elif end == "give back":
            await checkouts.discard(by(), taken.run.id, "Given back.")
        else:
            await checkouts.expire(by(), taken.run)
    entries = await audit_entries(session, kind="stack")

    assert [entry.action.removeprefix("stack.") for entry in entries] == [
        *("check_out", "check_in", "check_out", "give_back", "check_out", "expire")
    ]
    assert {(entry.thing_id, entry.thing_name) for entry in entries} == {(workstation.id, "dev-1")}
    assert [entry.actor_id for entry in entries] == [ada.id] * 5 + [None]
