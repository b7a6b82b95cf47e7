"""The list of IAM admins: what becomes of a change, how an entry stands meanwhile, and who has to stay."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from app.errors import ConflictError, InvalidError, NotFoundError
from app.models import Member, Run, SharedStack
from app.services import doctor, inspections, runs
from app.services.people import iam_admins
from app.services.people.iam_admins import IamAdmin, IamAdminState
from app.services.shared import shared_stack
from tests.parts import make_settings
from tests.stage import By, Stage
from tests.steps import audit_entries, await_approval, carry_out, fail

pytestmark = pytest.mark.anyio
GRACE = "user:grace@example.com"
LINUS = "user:linus@example.com"
ADA = "user:ada@example.com"
WORKER = "serviceAccount:worker@test-project.iam.gserviceaccount.com"
AWAITS = [{"address": "google_project_iam_member.admin", "action": "create"}]


@pytest.fixture
async def stack(by: By) -> SharedStack:
    return await shared_stack.find(by())


class List:
    """What Ada does with it, and what a worker does about that."""

    def __init__(self, session: AsyncSession, stack: SharedStack, ada: Member, stage: Stage) -> None:
        self.session, self.stack, self.ada, self.stage, self.clock = session, stack, ada, stage, stage.clock

    async def add(self, typed: str, *, confirm_outside: bool = False) -> Run:
        self.clock.advance(minutes=1)
        return await iam_admins.add(
            self.stage.context(self.session, self.ada), self.stack, typed, confirm_outside=confirm_outside
        )

    async def remove(self, principal: str) -> Run:
        self.clock.advance(minutes=1)
        return await iam_admins.remove(self.stage.context(self.session, self.ada), self.stack, principal)

    async def entries(self) -> dict[str, IamAdmin]:
        found = await iam_admins.list_of(self.stage.context(self.session, self.ada), self.stack)
        return {entry.principal: entry for entry in found}

    async def states(self) -> dict[str, str]:
        return {name: str(entry.state) for name, entry in (await self.entries()).items()}

    async def ask(self, run: Run) -> None:
        await await_approval(self.stage.context(self.session), run, AWAITS)

    async def apply(self, run: Run) -> None:
        if run.can_approve:
            run.approve(self.ada, self.clock())
        await carry_out(self.stage.context(self.session), run)

    async def have(self, *names: str) -> None:
        for name in names:
            await self.apply(await self.add(name, confirm_outside=True))


@pytest.fixture
def the_list(session: AsyncSession, stack: SharedStack, ada: Member, stage: Stage) -> List:
    return List(session, stack, ada, stage)


async def test_an_added_one_is_planned_with_a_reason_and_the_audit_says_before_and_after(
    session: AsyncSession, the_list: List
) -> None:
    await the_list.have(ADA)
    run = await the_list.add("Grace@example.com ")
    first, second = await audit_entries(session, kind="iam_admin")

    assert run.inputs["iam_admins"] == [ADA, GRACE]
    assert run.reason == f"Add IAM admin {GRACE}"
    assert (first.actor, first.action, first.thing_name) == ("ada@example.com", "iam_admin.add", ADA)
    assert (second.before, second.after) == ({"iam_admins": [ADA]}, {"iam_admins": [ADA, GRACE], "run": run.id})


async def test_a_removed_one_is_planned_with_a_reason_and_the_audit_says_before_and_after(
    session: AsyncSession, the_list: List
) -> None:
    await the_list.have(ADA, GRACE)
    run = await the_list.remove(GRACE.upper())
    removal = (await audit_entries(session, kind="iam_admin"))[-1]

    assert run.inputs["iam_admins"] == [ADA]
    assert run.reason == f"Remove IAM admin {GRACE}"
    assert (removal.action, removal.thing_name) == ("iam_admin.remove", GRACE)
    assert (removal.before, removal.after["iam_admins"]) == ({"iam_admins": [ADA, GRACE]}, [ADA])


async def test_a_domain_is_no_owner_and_is_told_so_at_the_field(the_list: List) -> None:
    with pytest.raises(InvalidError) as refused:
        await the_list.add("domain:example.com")
    assert "Google does not grant the Owner role" in refused.value.fields["principal"]
    assert await the_list.entries() == {}


async def test_an_entry_is_followed_from_the_request_to_its_end(the_list: List) -> None:
    run = await the_list.add(GRACE)
    assert await the_list.states() == {GRACE: "being_added"}
    await the_list.ask(run)
    assert await the_list.states() == {GRACE: "awaiting_approval"}
    await the_list.apply(run)
    assert await the_list.states() == {GRACE: "applied"}

    await the_list.have(LINUS)
    run = await the_list.remove(GRACE)
    entry = (await the_list.entries())[GRACE]
    assert (entry.state, entry.run, entry.can_remove, entry.can_keep) == (
        IamAdminState.BEING_REMOVED,
        run,
        False,
        True,
    )
    await the_list.ask(run)
    assert await the_list.states() == {GRACE: "awaiting_approval", LINUS: "applied"}
    await the_list.apply(run)
    assert await the_list.states() == {LINUS: "applied"}


async def test_what_a_discarded_run_was_to_add_is_shown_as_not_applied(the_list: List) -> None:
    await the_list.have(LINUS)
    run = await the_list.add(GRACE)
    await the_list.ask(run)
    run.discard(the_list.ada, the_list.clock())
    await the_list.session.flush()
    entry = (await the_list.entries())[GRACE]

    assert (entry.state, entry.run, entry.is_wanted, entry.can_remove) == (
        IamAdminState.NOT_APPLIED,
        run,
        False,
        False,
    )
    await the_list.have(GRACE)
    assert await the_list.states() == {GRACE: "applied", LINUS: "applied"}


async def test_a_removal_that_failed_halfway_is_not_said_to_have_left_all_as_it_was(the_list: List) -> None:
    await the_list.have(LINUS, GRACE)
    run = await the_list.remove(GRACE)
    await fail(the_list.stage.context(the_list.session), run)

    assert await the_list.states() == {GRACE: "not_applied", LINUS: "applied"}


async def test_one_about_to_be_removed_can_be_kept_after_all(the_list: List) -> None:
    await the_list.have(LINUS, GRACE)
    going = await the_list.remove(GRACE)
    await the_list.ask(going)
    await the_list.add(GRACE)

    assert going.superseded_by
    assert await the_list.states() == {GRACE: "applied", LINUS: "applied"}


async def test_changes_that_wait_become_one_run(the_list: List) -> None:
    first = await the_list.add(GRACE)
    await the_list.ask(first)
    second = await the_list.add(LINUS)

    assert second.inputs["iam_admins"] == [GRACE, LINUS]
    assert second.reason == f"Add IAM admin {GRACE} · Add IAM admin {LINUS}"
    assert first.superseded_by == second.id


async def test_a_list_that_is_destroyed_is_going(stage: Stage, the_list: List) -> None:
    await the_list.have(GRACE, LINUS)
    run = await shared_stack.request_destroy(stage.context(the_list.session, the_list.ada), the_list.stack)
    entry = (await the_list.entries())[GRACE]

    assert (entry.state, entry.run, entry.can_remove, entry.can_keep) == (
        IamAdminState.BEING_REMOVED,
        run,
        False,
        False,
    )
    with pytest.raises(ConflictError, match="being deleted"):
        await the_list.add(ADA)


async def test_the_last_one_stays(the_list: List) -> None:
    await the_list.have(GRACE)

    assert (await the_list.entries())[GRACE].kept_because == iam_admins.NO_LAST
    with pytest.raises(ConflictError, match="last IAM admin"):
        await the_list.remove(GRACE)


async def test_the_last_one_stays_also_while_the_others_are_only_about_to_go(the_list: List) -> None:
    await the_list.have(GRACE, LINUS)
    await the_list.remove(LINUS)

    with pytest.raises(ConflictError, match="last IAM admin"):
        await the_list.remove(GRACE)


async def test_two_admins_who_remove_each_the_other_leave_one(
    by: By, stage: Stage, the_list: List, database: Database
) -> None:
    await the_list.have(GRACE, LINUS)
    await the_list.session.commit()
    stack_id, ada_id = the_list.stack.id, the_list.ada.id

    async def remove(principal: str) -> None:
        async with database.sessions.begin() as session:
            stack = await session.get_one(SharedStack, stack_id)
            by = await session.get_one(Member, ada_id)
            await iam_admins.remove(stage.context(session, by), stack, principal)

    results = await asyncio.gather(remove(GRACE), remove(LINUS), return_exceptions=True)

    assert [type(result) for result in results if result] == [ConflictError]
    pending = await runs.pending(the_list.session, stack_id)
    assert [len(run.changes["iam_admins"]) for run in pending] == [1]


async def test_nobody_takes_the_role_from_themselves(the_list: List) -> None:
    await the_list.have(ADA, GRACE)

    assert (await the_list.entries())[ADA].kept_because == iam_admins.NOT_ONESELF
    with pytest.raises(ConflictError, match="your own admin role"):
        await the_list.remove(ADA)


async def test_the_worker_s_account_stays_as_google_names_it(the_list: List) -> None:
    await the_list.have(WORKER, GRACE)
    content = {"identity": WORKER.partition(":")[2], "checks": []}
    await inspections.keep(the_list.session, doctor.INSPECTION, content, the_list.clock())

    assert (await the_list.entries())[WORKER].kept_because == iam_admins.NOT_THE_PORTAL
    with pytest.raises(ConflictError, match="portal's own account"):
        await the_list.remove(WORKER)


async def test_the_portal_s_accounts_stay_as_the_settings_name_them(the_list: List) -> None:
    the_list.stage.settings = make_settings(portal_accounts="web@x.test, Worker@test-project.iam.gserviceaccount.com")
    await the_list.have(WORKER, GRACE)

    with pytest.raises(ConflictError, match="portal's own account"):
        await the_list.remove(WORKER)
    await the_list.remove(GRACE)


@pytest.mark.parametrize("principal", ["user:nobody@example.com", "nonsense", "\0", ""])
async def test_who_is_not_on_the_list_cannot_be_removed(the_list: List, principal: str) -> None:
    await the_list.have(GRACE)
    with pytest.raises(NotFoundError):
        await the_list.remove(principal)


async def test_who_is_on_the_list_is_not_added_again(the_list: List) -> None:
    await the_list.add(GRACE)
    with pytest.raises(ConflictError) as raised:
        await the_list.add("grace@EXAMPLE.com")
    assert raised.value.fields == {"principal": f"{GRACE} is already an IAM admin."}


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("eve@elsewhere.test", "user:eve@elsewhere.test is outside"),
        ("ada@gmial.com", "Did you mean gmail.com?"),
        ("group:team@exmaple.com", "Did you mean example.com?"),
        ("serviceAccount:ci@other.iam.gserviceaccount.com", "is outside"),
    ],
)
async def test_somebody_from_outside_has_to_be_confirmed(
    session: AsyncSession, the_list: List, typed: str, sentence: str
) -> None:
    with pytest.raises(InvalidError) as raised:
        await the_list.add(typed)
    assert sentence in raised.value.fields["confirm_outside"]
    assert await runs.pending(session, the_list.stack.id) == []

    assert (await the_list.add(typed, confirm_outside=True)).is_queued


async def test_a_typing_error_writes_nothing_however_it_is_confirmed(session: AsyncSession, the_list: List) -> None:
    with pytest.raises(InvalidError):
        await the_list.add("user:grace@example", confirm_outside=True)

    assert await runs.pending(session, the_list.stack.id) == []
    assert await audit_entries(session, kind="iam_admin") == []
