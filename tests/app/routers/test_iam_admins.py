import re

import httpx2
import pytest
from fastapi import FastAPI

from app.models import Run, SharedStack
from app.services import runs
from tests.clients import refusal
from tests.stage import Stage

pytestmark = pytest.mark.anyio
PAGE = "/admin/iam"


async def add(ada: httpx2.AsyncClient, principal: str, **more: str) -> str:
    """Plan it; returns the run's id."""
    answer = await ada.post(PAGE, data={"principal": principal, **more})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).removeprefix("/runs/")


async def apply(app: FastAPI, run_id: str) -> None:
    """As a worker does, once it is approved."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        stack = await session.get_one(SharedStack, run.stack_id)
        run.claim("worker", "host", portal.clock())
        run.begin_apply(portal.clock())
        run.succeed(portal.clock())
        stack.take(run.changes)
        stack.become_ready({}, portal.clock())
        await runs.announce(session, run)


async def test_only_admins_see_and_change_the_list(
    client: httpx2.AsyncClient, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    assert (await client.get(PAGE)).status_code == 303
    for path in (PAGE, f"{PAGE}/remove"):
        assert (await grace.post(path, data={"principal": "user:grace@example.com"})).status_code == 403
    assert (await grace.get(PAGE)).status_code == 403
    assert "None managed here" in (await ada.get(PAGE)).text


async def test_one_added_is_seen_on_the_list_with_a_link_to_the_run(stage: Stage, ada: httpx2.AsyncClient) -> None:
    run_id = await add(ada, "grace@example.com")
    page = (await ada.get(PAGE)).text
    assert "user:grace@example.com" in page
    assert "Adding" in page
    assert f'<a href="/runs/{run_id}">View run to add it</a>' in page
    assert "Add IAM admin user:grace@example.com" not in page

    await stage.carry_out(run_id)
    page = (await ada.get(PAGE)).text
    assert "Applied" in page
    assert "remove the last IAM admin" in page
    assert ">Remove<" not in page


async def test_one_removed_is_seen_going_and_can_be_kept(stage: Stage, ada: httpx2.AsyncClient) -> None:
    await stage.carry_out(await add(ada, "grace@example.com"))
    await stage.carry_out(await add(ada, "eve@elsewhere.test", confirm_outside="yes"))
    gone = await ada.post(f"{PAGE}/remove", data={"principal": "user:eve@elsewhere.test"})
    assert gone.headers["location"].startswith("/runs/")
    page = (await ada.get(PAGE)).text

    assert "Removing" in page
    assert "Keep user:eve@elsewhere.test" in page
    kept = await ada.post(PAGE, data=dict(re.findall(r'name="(\w+)" value="([^"]+)"', page.partition("Keep")[0])))
    assert kept.status_code == 303
    assert "Removing" not in (await ada.get(PAGE)).text


@pytest.mark.parametrize(
    ("principal", "sentence"),
    [
        ("", "Enter a principal"),
        ("user:grace@example", "an ending such as .com is missing"),
        ("user:ci@x.iam.gserviceaccount.com", "Enter serviceAccount:ci@x.iam"),
        ("<b>@example.com", "is not valid before the @"),
    ],
)
async def test_what_does_not_fit_is_said_at_the_field_with_what_was_typed_kept(
    ada: httpx2.AsyncClient, principal: str, sentence: str
) -> None:
    refused = await refusal(ada, PAGE, {"principal": principal})

    assert sentence in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert f'value="{principal.replace("<", "&lt;").replace(">", "&gt;")}"' in refused.text
    assert "None managed here" in refused.text


async def test_somebody_from_outside_is_asked_about_once(ada: httpx2.AsyncClient) -> None:
    asked = await refusal(ada, PAGE, {"principal": "eve@gmial.com"})

    assert "Did you mean gmail.com?" in asked.text
    assert 'name="confirm_outside"' in asked.text
    assert 'name="confirm_outside"' not in (await ada.get(PAGE)).text
    await add(ada, "eve@gmial.com", confirm_outside="yes")


async def test_who_has_to_stay_does_with_the_reason(stage: Stage, ada: httpx2.AsyncClient) -> None:
    await stage.carry_out(await add(ada, "user:ada@example.com"))
    await stage.carry_out(await add(ada, "user:grace@example.com"))
    refused = await refusal(ada, f"{PAGE}/remove", {"principal": "user:ada@example.com"})

    assert "remove your own admin role" in refused.text
    assert "No changes were made" in refused.text
    assert (await ada.post(f"{PAGE}/remove", data={"principal": "user:nobody@example.com"})).status_code == 404


async def test_the_audit_leads_to_the_list(ada: httpx2.AsyncClient) -> None:
    await add(ada, "grace@example.com")
    page = (await ada.get("/admin/audit?kind=iam_admin")).text

    assert '<a href="/admin/iam">user:grace@example.com</a>' in page
    assert "added IAM admin" in page
