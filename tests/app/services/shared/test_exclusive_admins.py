"""The admins' role for those on the list alone: whoever asks for that, and the portal, have to be on it."""

from typing import Any

import pytest

from app.errors import ConflictError, InvalidError
from app.models import Run
from app.services import inspections
from app.services.people import iam_admins
from app.services.shared import shared_stack
from tests.stage import Stage

pytestmark = pytest.mark.anyio
ADA, GRACE = "user:ada@example.com", "user:grace@example.com"
WORKER = "serviceAccount:worker@test-project.iam.gserviceaccount.com"


async def list_of(stage: Stage, *principals: str) -> Run:
    """These are IAM admins; the run that made the last one such."""
    for principal in principals:
        async with stage.acting("ada") as ctx:
            stack = await shared_stack.find(ctx)
            run = await iam_admins.add(ctx, stack, principal, confirm_outside=False)
        await stage.carry_out(run.id)
        stage.clock.advance(minutes=1)
    return run


async def knows_the_worker(stage: Stage) -> None:
    async with stage.acting("ada") as ctx:
        content = {"identity": WORKER.partition(":")[2], "checks": []}
        await inspections.keep(ctx.session, inspections.DOCTOR, content, ctx.now)


async def refusal(stage: Stage, **fields: Any) -> dict[str, str]:
    with pytest.raises(InvalidError) as refused:
        await stage.configure(**fields)
    return refused.value.fields


async def test_whoever_asks_for_it_has_to_be_on_the_list_and_so_has_the_portal(stage: Stage) -> None:
    await list_of(stage, GRACE)
    await knows_the_worker(stage)
    said = f"Add {WORKER} and {ADA} to the IAM admins first. You and the portal must keep the role."
    assert await refusal(stage, authoritative_admins=True) == {"authoritative_admins": said}
    await list_of(stage, ADA, WORKER)
    assert (await stage.configure(authoritative_admins=True)).inputs["authoritative_admins"]


async def test_so_it_is_for_another_role_while_what_leaves_the_role_alone_goes_on(stage: Stage) -> None:
    await list_of(stage, ADA)
    await stage.carry_out((await stage.configure(authoritative_admins=True)).id)
    await knows_the_worker(stage)
    assert (await stage.configure(sql_tier="db-g1-small")).inputs["authoritative_admins"]
    assert list(await refusal(stage, iam_admin_role="roles/editor")) == ["authoritative_admins"]


async def test_no_way_back_to_it_leads_around_that(stage: Stage) -> None:
    await list_of(stage, ADA)
    exclusive = await stage.configure(authoritative_admins=True)
    await stage.carry_out(exclusive.id)
    open_again = await stage.configure(authoritative_admins=False)
    await stage.carry_out(open_again.id)
    failed = await stage.configure(authoritative_admins=True)
    await stage.fail(failed.id)
    await knows_the_worker(stage)
    async with stage.acting("ada") as ctx:
        with pytest.raises(InvalidError):
            await shared_stack.roll_back(ctx, await shared_stack.find(ctx), exclusive)
    with pytest.raises(ConflictError, match="to the IAM admins first"):
        await stage.retry(failed.id, "ada")
