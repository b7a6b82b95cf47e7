"""The shared stack: many wishes become one run, nothing is lost by a discard, and earlier settings come back."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.config import Settings
from app.errors import ConflictError, InvalidError
from app.models import AllowedIp, AllowedIpStatus, Member, Run, RunKind, RunStatus, SharedStack
from app.services import decisions, runs
from app.services.people import members
from app.services.runs import stacks
from app.services.shared import shared_settings, shared_stack
from app.services.shared.shared_settings import SharedSettings
from app.services.shared.shared_stack import SECRETS
from tests.database import dump
from tests.stage import Stage, identity

pytestmark = pytest.mark.anyio


class Play:
    """Ada, the admin, with the worker played by hand."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.database, self.clock, self.vault = stage, stage.database, stage.clock, stage.vault

    async def ada(self) -> Member:
        async with self.database.sessions.begin() as session:
            return await members.sign_in(self.stage.context(session), identity("ada"))

    async def stack(self) -> SharedStack:
        async with self.database.sessions.begin() as session:
            return await shared_stack.find(self.stage.context(session))

    async def configure(self, reason: str = "", **fields: object) -> Run:
        """Ask for other settings, a minute later."""
        ada = await self.ada()
        async with self.database.sessions.begin() as session:
            stack = await shared_stack.find(self.stage.context(session))
            now = self.clock.advance(minutes=1)
            desired = (await shared_stack.desired(self.stage.context(session), stack)).settings
            chosen = SharedSettings.model_validate({**desired.model_dump(), **fields})
            return await shared_stack.configure(self.stage.context(session, ada, now=now), stack, chosen, reason)

    async def step(self, run_id: str, *what: Callable[[Run, SharedStack], None]) -> Run:
        async with self.database.sessions.begin() as session:
            run = await session.get_one(Run, run_id)
            stack = await session.get_one(SharedStack, run.stack_id)
            for action in what:
                action(run, stack)
            return run

    async def plan(self, run: Run) -> None:
        now = self.clock()

        def planned(run: Run, stack: SharedStack) -> None:
            run.claim("w", "h", now)
            stack.begin(run)
            run.await_approval([], now)
            stack.restore_status(now)

        await self.step(run.id, planned)

    async def apply(self, run: Run) -> None:
        """Planned, approved, applied."""
        await self.plan(run)
        ada, now = await self.ada(), self.clock.advance(minutes=1)

        def done(run: Run, stack: SharedStack) -> None:
            run.approve(ada, now)
            run.claim("w", "h", now)
            stack.begin(run)
            run.begin_apply(now)
            stack.take(run.changes)
            stack.become_ready({"mlflow_url": "http://mlflow"}, now)
            run.succeed(now)

        await self.step(run.id, done)

    async def discard(self, run: Run) -> None:
        ada = await self.ada()
        async with self.database.sessions.begin() as session:
            await decisions.discard(self.stage.context(session, ada), await runs.find(session, ada, run.id))


def allowed_ip(
    owner: Member, number: int, status: AllowedIpStatus, now: datetime, expires: datetime | None
) -> AllowedIp:
    return AllowedIp(
        id=f"ip{number}",
        cidr=f"203.0.113.{number}/32",
        label="",
        owner_id=owner.id,
        status=status,
        created_at=now,
        expires_at=expires,
    )


@pytest.fixture
def play(stage: Stage) -> Play:
    return Play(stage)


async def test_there_is_one_however_many_look_at_it_first_at_once(play: Play) -> None:
    found = await asyncio.gather(*(play.stack() for _ in range(5)))
    assert len({stack.id for stack in found}) == 1
    async with play.database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(SharedStack)) == 1


async def test_its_passwords_are_made_once_and_are_in_no_row_in_plain_text(play: Play, database_url: str) -> None:
    secrets = shared_stack.secrets_of(await play.stack(), play.vault)
    assert secrets.keys() == set(SECRETS)
    assert secrets == shared_stack.secrets_of(await play.stack(), play.vault)
    await play.configure()
    everything = dump(database_url)
    assert not [name for name, value in secrets.items() if value in everything]


async def test_wishes_that_wait_become_one_run_with_all_their_reasons(play: Play) -> None:
    first = await play.configure("A cluster", deploy_kubernetes=True)
    await play.plan(first)
    second = await play.configure("No PyPI", deploy_pypi_registry=False)
    assert (second.changes["settings"]["deploy_kubernetes"], second.inputs["deploy_pypi_registry"]) == (True, False)
    assert second.reason == "A cluster · No PyPI"
    async with play.database.sessions() as session:
        assert (await session.get_one(Run, first.id)).superseded_by == second.id


async def test_a_discarded_wish_is_as_if_it_had_never_been(stage: Stage, play: Play) -> None:
    await play.apply(await play.configure())
    spec = await play.configure(deploy_kubernetes=True)
    await play.plan(spec)
    await play.discard(spec)
    stack = await play.stack()
    assert (stack.status, stack.settings["deploy_kubernetes"]) == ("ready", False)
    async with play.database.sessions() as session:
        assert not (await shared_stack.desired(stage.context(session), stack)).settings.deploy_kubernetes


async def test_allowed_ips_that_expired_or_were_taken_back_are_no_longer_in_a_run(stage: Stage, play: Play) -> None:
    ada, now = await play.ada(), play.clock()
    async with play.database.sessions.begin() as session:
        for number, (status, expires) in enumerate(
            [
                (AllowedIpStatus.APPROVED, None),
                (AllowedIpStatus.APPROVED, now + timedelta(hours=1)),
                (AllowedIpStatus.REMOVED, None),
            ]
        ):
            session.add(allowed_ip(ada, number, status, now, expires))
    stack = await play.stack()

    async def spec() -> list[str]:
        async with play.database.sessions.begin() as session:
            asked = await shared_stack.desired(stage.context(session), stack)
            run = await shared_stack.request(stage.context(session, ada), stack, asked)
            return list(run.inputs["mlflow_allowed_ips"])

    assert await spec() == ["203.0.113.0/32", "203.0.113.1/32"]
    play.clock.advance(hours=2)
    assert await spec() == ["203.0.113.0/32"]


async def test_rolling_back_brings_the_settings_of_then_and_leaves_the_rest(stage: Stage, play: Play) -> None:
    first = await play.configure(deploy_kubernetes=True)
    await play.apply(first)
    await play.apply(await play.configure(deploy_kubernetes=False, sql_tier="db-g1-small"))
    ada = await play.ada()
    async with play.database.sessions.begin() as session:
        stack = await stacks.shared(session)
        assert stack
        stack.iam_admins = ["user:ada@example.com"]
        earlier = await session.get_one(Run, first.id)
        back = await shared_stack.roll_back(stage.context(session, ada), stack, earlier)
    assert back.changes["settings"] == first.changes["settings"]
    assert back.changes["iam_admins"] == ["user:ada@example.com"]
    assert back.reason.startswith("Roll back to 2 Mar 2026")


async def test_a_check_needs_something_to_compare_and_nothing_under_way(stage: Stage, play: Play) -> None:
    ada = await play.ada()

    async def check() -> Run:
        async with play.database.sessions.begin() as session:
            stack = await shared_stack.find(stage.context(session))
            return await shared_stack.check(stage.context(session, ada), stack)

    with pytest.raises(ConflictError, match="not deployed"):
        await check()
    first = await play.configure()
    with pytest.raises(ConflictError, match="Another run is in progress"):
        await check()
    await play.apply(first)
    asked = await check()
    assert (asked.kind, asked.inputs) == (RunKind.CHECK, first.inputs)
    assert (await check()).id == asked.id


async def test_nothing_can_be_asked_for_while_it_is_being_destroyed(stage: Stage, play: Play) -> None:
    ada = await play.ada()
    stack = await play.stack()
    async with play.database.sessions.begin() as session:
        with pytest.raises(ConflictError, match="not deployed"):
            await shared_stack.request_destroy(stage.context(session, ada), await session.merge(stack))
    await play.apply(await play.configure())
    async with play.database.sessions.begin() as session:
        found = await shared_stack.find(stage.context(session))
        await shared_stack.request_destroy(stage.context(session, ada), found)
    with pytest.raises(ConflictError, match="being deleted"):
        await play.configure()


async def test_a_zone_that_is_not_on_offer_is_said_at_its_field(play: Play) -> None:
    with pytest.raises(InvalidError) as refused:
        await play.configure(zone="moon-1-a")
    assert refused.value.fields == {"zone": "This zone is not available."}


async def test_no_domain_becomes_an_owner(play: Play) -> None:
    await play.configure(iam_admin_role="roles/editor")
    async with play.stage.acting("ada") as ctx:
        stack = await shared_stack.find(ctx)
        admins = ("domain:example.com", "group:leads@example.com")
        await shared_stack.request(ctx, stack, replace(await shared_stack.desired(ctx, stack), iam_admins=admins))
    await play.configure(sql_tier="db-g1-small")
    with pytest.raises(InvalidError) as refused:
        await play.configure(iam_admin_role="roles/owner")
    assert "does not grant the Owner role to domains" in refused.value.fields["iam_admin_role"]


async def test_a_retry_asks_for_the_same_without_what_expired_meanwhile(stage: Stage, play: Play) -> None:
    ada, now = await play.ada(), play.clock()
    async with play.database.sessions.begin() as session:
        session.add(allowed_ip(ada, 0, AllowedIpStatus.APPROVED, now, now + timedelta(hours=1)))
        stack = await shared_stack.find(stage.context(session, now=now))
        desired = await shared_stack.desired(stage.context(session), stack)
        asked = shared_stack.SharedStackSpec(desired.settings, ("user:x@example.com",))
        run = await shared_stack.request(stage.context(session, ada, now=now), stack, asked)
    assert run.inputs["mlflow_allowed_ips"] == ["203.0.113.0/32"]
    await play.step(run.id, lambda run, _: run.claim("w", "h", now), lambda run, _: run.fail("No luck", now))
    play.clock.advance(hours=2)
    async with play.database.sessions.begin() as session:
        again = await decisions.retry(stage.context(session, ada), await runs.find(session, ada, run.id))
    assert (again.kind, again.status) == (RunKind.CONFIGURE, RunStatus.QUEUED)
    assert (again.inputs["mlflow_allowed_ips"], again.changes["allowed_ips"]) == ([], [])
    assert again.changes["iam_admins"] == ["user:x@example.com"]


async def test_each_member_has_an_entry_of_their_own(stage: Stage, play: Play) -> None:
    async with stage.database.sessions.begin() as session:
        for email in ("a.b@example.com", "a-b@example.com"):
            await members.sign_in(stage.context(session), identity("x", sub=email, email=email))
    run = await play.configure(member_service_accounts=True)
    assert sorted(run.inputs["members"].values()) == [
        "user:a-b@example.com",
        "user:a.b@example.com",
        "user:ada@example.com",
    ]


@pytest.mark.parametrize(
    ("outputs", "account"),
    [
        ({}, "from-settings@x"),
        ({"workstation_service_account_email": "all@x"}, "all@x"),
        (
            {"workstation_service_account_email": "all@x", "member_service_account_emails": {"grace-x": "hers@x"}},
            "hers@x",
        ),
        ({"member_service_account_emails": {"grace": "predecessors@x"}}, "from-settings@x"),
    ],
)
def test_a_machine_acts_as_its_owners_account_or_everybodys(
    settings: Settings, outputs: dict[str, object], account: str
) -> None:
    grace = Member(email="grace@example.com", account_name="grace-x")
    stack = SharedStack(id="s1", outputs=outputs)
    given = settings.model_copy(update={"service_account_email": "from-settings@x"})
    assert shared_stack.service_account_of(stack, grace, given) == account


def test_the_settings_of_a_stack_that_was_never_applied_are_the_defaults(settings: Settings) -> None:
    assert shared_settings.of(SharedStack(id="s1", settings={}), settings) == shared_settings.defaults(settings)
