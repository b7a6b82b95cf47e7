"""The shared stack: many requests become one run, nothing is lost by a discard, and earlier settings come back."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.config import Settings
from app.errors import ConflictError, InvalidError
from app.models import AllowedIp, AllowedIpStatus, Member, Run, RunKind, RunStatus, SharedStack
from app.services.context import Context
from app.services.shared import shared_settings, shared_stack
from app.services.shared.shared_stack import SECRETS
from tests.database import dump
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def stack_of(stage: Stage) -> SharedStack:
    async with stage.acting("ada") as ctx:
        return await shared_stack.find(ctx)


async def apply(stage: Stage, run: Run) -> None:
    """Planned, approved, applied."""
    await stage.await_approval(run.id)
    stage.clock.advance(minutes=1)
    await stage.approve(run.id)
    await stage.carry_out(run.id)


def allowed_ip(ctx: Context, number: int, status: AllowedIpStatus, lasts: timedelta | None = None) -> AllowedIp:
    return AllowedIp(
        id=f"ip{number}",
        cidr=f"203.0.113.{number}/32",
        label="",
        owner_id=ctx.member.id,
        status=status,
        created_at=ctx.now,
        expires_at=ctx.now + lasts if lasts else None,
    )


async def test_there_is_one_however_many_look_at_it_first_at_once(stage: Stage) -> None:
    found = await asyncio.gather(*(stack_of(stage) for _ in range(5)))
    assert len({stack.id for stack in found}) == 1
    async with stage.database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(SharedStack)) == 1


async def test_its_passwords_are_made_once_and_are_in_no_row_in_plain_text(stage: Stage, database_url: str) -> None:
    secrets = shared_stack.secrets_of(await stack_of(stage), stage.vault)
    assert secrets.keys() == set(SECRETS)
    assert secrets == shared_stack.secrets_of(await stack_of(stage), stage.vault)
    await stage.configure()
    everything = dump(database_url)
    assert not [name for name, value in secrets.items() if value in everything]


async def test_requests_that_wait_become_one_run_with_all_their_reasons(stage: Stage) -> None:
    first = await stage.configure("A cluster", deploy_kubernetes=True)
    await stage.await_approval(first.id)
    second = await stage.configure("No PyPI", deploy_pypi_registry=False)
    assert (second.changes["settings"]["deploy_kubernetes"], second.inputs["deploy_pypi_registry"]) == (True, False)
    assert second.reason == "A cluster · No PyPI"
    assert (await stage.row(Run, first.id)).superseded_by == second.id


async def test_a_discarded_request_is_as_if_it_had_never_been(stage: Stage) -> None:
    await apply(stage, await stage.configure())
    spec = await stage.configure(deploy_kubernetes=True)
    await stage.await_approval(spec.id)
    await stage.discard(spec.id)
    async with stage.acting("ada") as ctx:
        stack = await shared_stack.find(ctx)
        assert (stack.status, stack.settings["deploy_kubernetes"]) == ("ready", False)
        assert not (await shared_stack.desired(ctx, stack)).settings.deploy_kubernetes


async def test_allowed_ips_that_expired_or_were_taken_back_are_no_longer_in_a_run(stage: Stage) -> None:
    async with stage.acting("ada") as ctx:
        ctx.session.add(allowed_ip(ctx, 0, AllowedIpStatus.APPROVED))
        ctx.session.add(allowed_ip(ctx, 1, AllowedIpStatus.APPROVED, timedelta(hours=1)))
        ctx.session.add(allowed_ip(ctx, 2, AllowedIpStatus.REMOVED))

    async def spec() -> list[str]:
        async with stage.acting("ada") as ctx:
            stack = await shared_stack.find(ctx)
            run = await shared_stack.request(ctx, stack, await shared_stack.desired(ctx, stack))
            return list(run.inputs["mlflow_allowed_ips"])

    assert await spec() == ["203.0.113.0/32", "203.0.113.1/32"]
    stage.clock.advance(hours=2)
    assert await spec() == ["203.0.113.0/32"]


async def test_rolling_back_brings_the_settings_of_then_and_leaves_the_rest(stage: Stage) -> None:
    first = await stage.configure(deploy_kubernetes=True)
    await apply(stage, first)
    await apply(stage, await stage.configure(deploy_kubernetes=False, sql_tier="db-g1-small"))
    async with stage.acting("ada") as ctx:
        stack = await shared_stack.find(ctx)
        stack.iam_admins = ["user:ada@example.com"]
        back = await shared_stack.roll_back(ctx, stack, await ctx.session.get_one(Run, first.id))
    assert back.changes["settings"] == first.changes["settings"]
    assert back.changes["iam_admins"] == ["user:ada@example.com"]
    assert back.reason.startswith("Roll back to 2 Mar 2026")


async def test_a_check_needs_something_to_compare_and_nothing_under_way(stage: Stage) -> None:
    async def check() -> Run:
        async with stage.acting("ada") as ctx:
            return await shared_stack.check(ctx, await shared_stack.find(ctx))

    with pytest.raises(ConflictError, match="not deployed"):
        await check()
    first = await stage.configure()
    with pytest.raises(ConflictError, match="Another run is in progress"):
        await check()
    await apply(stage, first)
    asked = await check()
    assert (asked.kind, asked.inputs) == (RunKind.CHECK, (await stage.row(Run, first.id)).inputs)
    assert (await check()).id == asked.id


async def test_nothing_can_be_asked_for_while_it_is_being_destroyed(stage: Stage) -> None:
    async with stage.acting("ada") as ctx:
        with pytest.raises(ConflictError, match="not deployed"):
            await shared_stack.request_destroy(ctx, await shared_stack.find(ctx))
    await apply(stage, await stage.configure())
    async with stage.acting("ada") as ctx:
        await shared_stack.request_destroy(ctx, await shared_stack.find(ctx))
    with pytest.raises(ConflictError, match="being deleted"):
        await stage.configure()


async def test_a_zone_that_is_not_on_offer_is_said_at_its_field(stage: Stage) -> None:
    with pytest.raises(InvalidError) as refused:
        await stage.configure(zone="moon-1-a")
    assert refused.value.fields == {"zone": "This zone is not available."}


async def test_no_domain_becomes_an_owner(stage: Stage) -> None:
    await stage.configure(iam_admin_role="roles/editor")
    async with stage.acting("ada") as ctx:
        stack = await shared_stack.find(ctx)
        admins = ("domain:example.com", "group:leads@example.com")
        await shared_stack.request(ctx, stack, replace(await shared_stack.desired(ctx, stack), iam_admins=admins))
    await stage.configure(sql_tier="db-g1-small")
    with pytest.raises(InvalidError) as refused:
        await stage.configure(iam_admin_role="roles/owner")
    assert "does not grant the Owner role to domains" in refused.value.fields["iam_admin_role"]


async def test_a_retry_asks_for_the_same_without_what_expired_meanwhile(stage: Stage) -> None:
    async with stage.acting("ada") as ctx:
        ctx.session.add(allowed_ip(ctx, 0, AllowedIpStatus.APPROVED, timedelta(hours=1)))
        stack = await shared_stack.find(ctx)
        asked = replace(await shared_stack.desired(ctx, stack), iam_admins=("user:x@example.com",))
        run = await shared_stack.request(ctx, stack, asked)
    assert run.inputs["mlflow_allowed_ips"] == ["203.0.113.0/32"]
    await stage.fail(run.id)
    stage.clock.advance(hours=2)
    again = await stage.retry(run.id, "ada")
    assert (again.kind, again.status) == (RunKind.CONFIGURE, RunStatus.QUEUED)
    assert (again.inputs["mlflow_allowed_ips"], again.changes["allowed_ips"]) == ([], [])
    assert again.changes["iam_admins"] == ["user:x@example.com"]


async def test_each_member_has_an_entry_of_their_own(stage: Stage) -> None:
    for name in ("a.b", "a-b"):
        async with stage.acting(name):
            pass
    run = await stage.configure(member_service_accounts=True)
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
