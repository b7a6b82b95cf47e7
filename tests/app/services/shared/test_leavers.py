"""People who may no longer sign in: Google is to know nothing of them either, by a run that somebody approves."""

from collections.abc import Awaitable, Callable

import pytest

from app.config import Settings
from app.models import Member, Run, SharedStack, Standing
from app.services import allowed_ips, decisions, runs
from app.services.allowed_ips import listing
from app.services.allowed_ips.requests import AllowedIpSpec
from app.services.context import Context
from app.services.people import members
from app.services.shared import leavers, shared_stack
from app.services.shared.shared_settings import SharedSettings
from tests.parts import MovingClock, identity, make_settings
from tests.stage import By
from tests.steps import carry_out, fail, make_shared_stack, pending_run

pytestmark = pytest.mark.anyio
Due = Callable[..., Awaitable[Run | None]]
WITHOUT_GRACE = make_settings(allowed_domains=(), allowed_emails=("ada@example.com", "linus@example.com"))


@pytest.fixture
async def stack(by: By, ada: Member, grace: Member) -> SharedStack:
    """It has an account for each member, and lets Grace in from her home."""
    stack = await make_shared_stack(by())
    chosen = SharedSettings(prefix="team", zone="europe-west4-a", member_service_accounts=True)
    await shared_stack.configure(by(ada), stack, chosen, "The team begins")
    await allowed_ips.add(by(ada), grace, AllowedIpSpec("203.0.113.7", "home"))
    run = await carry_out(by(), await pending_run(by(), stack))
    assert sorted(run.inputs["members"].values()) == ["user:ada@example.com", "user:grace@example.com"]
    return stack


@pytest.fixture
def due(by: By, clock: MovingClock) -> Due:
    """What the worker does once a minute."""

    async def do(settings: Settings | None = None) -> Run | None:
        clock.advance(minutes=1)
        return await leavers.request_if_due(by(settings=settings) if settings else by())

    return do


async def standing(ctx: Context) -> Standing:
    [entry] = (await listing.read(ctx)).entries
    return entry.standing


async def test_while_everybody_may_sign_in_nothing_is_due(by: By, due: Due, stack: SharedStack) -> None:
    await members.sign_in(by(), identity("linus"))
    assert await due() is None


async def test_whom_no_rule_names_is_taken_away_once(by: By, due: Due, ada: Member, stack: SharedStack) -> None:
    assert await standing(by(settings=WITHOUT_GRACE)) is Standing.STILL_LET_IN
    run = await due(WITHOUT_GRACE)
    assert run
    assert (run.requested_by, run.reason) == (None, "Remove access of grace@example.com")
    assert list(run.inputs["members"].values()) == ["user:ada@example.com"]
    assert run.inputs["mlflow_allowed_ips"] == []
    assert await due(WITHOUT_GRACE) is None
    assert await standing(by(settings=WITHOUT_GRACE)) is Standing.BEING_REMOVED

    await fail(by(), await pending_run(by(), stack))
    assert await due(WITHOUT_GRACE) is None
    again = await decisions.retry(by(ada, settings=WITHOUT_GRACE), run)
    assert list(again.inputs["members"].values()) == ["user:ada@example.com"]
    await carry_out(by(), await pending_run(by(), stack))
    assert await due(WITHOUT_GRACE) is None
    [entry] = (await listing.read(by(settings=WITHOUT_GRACE))).entries
    assert (entry.standing, entry.notes) == (
        Standing.SUSPENDED,
        ("grace@example.com can't sign in, so it is not allowed.",),
    )
    assert await standing(by()) is Standing.NOT_APPLIED


async def test_whose_account_google_refused_is_taken_away(by: By, due: Due, stack: SharedStack, grace: Member) -> None:
    grace.refused_at = by().now
    run = await due()
    assert run
    assert list(run.inputs["members"].values()) == ["user:ada@example.com"]


async def test_no_invalid_address_reaches_google(by: By, due: Due, stack: SharedStack, grace: Member) -> None:
    successor = await members.sign_in(by(), identity("grace", sub="another-sub"))
    assert grace.email.endswith(".invalid")
    run = await due()
    assert run
    assert run.inputs["members"] == {
        name: f"user:{email}"
        for name, email in (await shared_stack.people(by())).items()
        if email in {"ada@example.com", successor.email}
    }
    assert not any("invalid" in principal for principal in run.inputs["members"].values())
    assert run.inputs["mlflow_allowed_ips"] == []


async def test_a_plan_that_waits_is_left_alone(by: By, due: Due, ada: Member, stack: SharedStack) -> None:
    spec = await shared_stack.desired(by(), stack)
    await shared_stack.configure(by(ada), stack, spec.settings.model_copy(update={"deploy_sql": False}), "Smaller")
    assert await due(WITHOUT_GRACE) is None
    [pending] = await runs.pending(by().session, stack.id)
    assert len(pending.inputs["members"]) == 2
    await fail(by(), await pending_run(by(), stack))
    assert await due(WITHOUT_GRACE)
