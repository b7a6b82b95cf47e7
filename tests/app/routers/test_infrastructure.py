"""The page of what is shared, its passwords, and the same as JSON."""

import json
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from structlog.testing import capture_logs

from app.deps import Portal
from app.models import AuditEntry, SharedStackStatus
from app.services.shared import infrastructure_state, shared_stack
from app.services.shared.infrastructure_state import PartStates
from tests.app.services.shared.infrastructure_samples import EVERYTHING, NOTHING, OF_PART, outputs
from tests.clients import client_of, create, script_of
from tests.database import dump
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio
PAGE, API = "/infrastructure", "/api/v1/infrastructure"
ALL_WELL = PartStates(machine="RUNNING", answers=True, database="RUNNABLE", cluster="RUNNING")


async def deploy(app: FastAPI, found: dict[str, Any], status: SharedStackStatus = SharedStackStatus.READY) -> None:
    """The shared stack was applied, and said this of itself."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        stack = await shared_stack.find(portal.context(session))
        stack.become_ready(found, portal.clock())
        stack.status = status


async def look(app: FastAPI, found: dict[str, Any], seen: PartStates = ALL_WELL) -> None:
    """A worker saw this of it."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        await infrastructure_state.keep(session, found, seen, portal.clock())


async def secrets(app: FastAPI) -> dict[str, str]:
    """By variable."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        stack = await shared_stack.find(portal.context(session))
        return shared_stack.secrets_of(stack, portal.vault)


async def entries(app: FastAPI) -> Sequence[AuditEntry]:
    portal: Portal = app.state.portal
    async with portal.database.sessions() as session:
        return (await session.scalars(select(AuditEntry).where(AuditEntry.action == "password.read"))).all()


async def test_before_anything_is_shared_members_learn_who_can_change_that(
    ada: httpx2.AsyncClient, grace: httpx2.AsyncClient
) -> None:
    page = (await grace.get(PAGE)).text
    assert "Nothing deployed yet" in page
    assert '<a href="mailto:ada@example.com">Ada</a>' in page
    assert "gcloud config set account grace@example.com" in page
    assert "/admin/shared-stack" not in page
    page = (await ada.get(PAGE)).text
    assert 'href="/admin/shared-stack"' in page
    assert "<figure" not in page


@pytest.mark.parametrize("key", OF_PART)
async def test_each_part_alone_is_shown(app: FastAPI, grace: httpx2.AsyncClient, key: str) -> None:
    await deploy(app, outputs(key))
    page = (await grace.get(PAGE)).text
    assert f'id="{key}"' in page
    assert [other for other in OF_PART if f'id="{other}"' in page] == [key]


async def test_a_stack_with_all_parts_off_has_its_network(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    await deploy(app, NOTHING)
    page = (await grace.get(PAGE)).text
    assert 'id="network"' in page
    assert [key for key in OF_PART if f'id="{key}"' in page] == []


async def test_everything_is_drawn_and_told_with_the_age_of_the_look(
    app: FastAPI, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    await deploy(app, EVERYTHING)
    clock.advance(minutes=3)
    await look(app, EVERYTHING, PartStates("RUNNING", answers=False, database="RUNNABLE", cluster="DEGRADED"))
    page = (await grace.get(PAGE)).text
    assert 'aria-label="Project ml-team · europe-west1"' in page
    assert page.partition("<figure")[2].partition("</figure>")[0].count("tag-warn") == 2
    assert "The machine is running, but MLflow does not respond" in page
    assert 'datetime="2026-03-02T09:30:00+00:00"' in page
    assert 'datetime="2026-03-02T09:33:00+00:00"' in page
    assert "Status out of date" not in page
    clock.advance(minutes=16)
    assert "Status out of date" in (await grace.get(PAGE)).text


async def test_a_change_under_way_is_said(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    await deploy(app, EVERYTHING, SharedStackStatus.CONFIGURING)
    assert "Configuring" in (await grace.get(PAGE)).text


async def test_asking_rings_for_a_worker_and_the_page_waits(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    await deploy(app, EVERYTHING)
    assert "Not checked yet" in (await grace.get(PAGE)).text
    assert (await grace.post(PAGE)).headers["location"] == PAGE
    page = (await grace.get(PAGE)).text
    assert ("Checking…" in page, "Refresh" in page, "every 10s" in page) == (True, False, True)


async def test_htmx_gets_the_fragment(grace: httpx2.AsyncClient) -> None:
    fragment = await grace.get(PAGE, headers={"HX-Request": "true"})
    assert fragment.text.lstrip().startswith('<div id="infrastructure"')


async def test_it_is_for_who_is_signed_in(client: httpx2.AsyncClient) -> None:
    assert (await client.get(PAGE)).headers["location"] == f"/sign-in?next={PAGE}"
    for answer in (await client.post(PAGE), await client.get(API), await client.post(f"{PAGE}/passwords/sql")):
        assert answer.status_code == 401


async def test_no_secret_is_on_the_page_or_in_the_api(
    app: FastAPI, ada: httpx2.AsyncClient, grace: httpx2.AsyncClient
) -> None:
    await deploy(app, EVERYTHING)
    await look(app, EVERYTHING)
    told = ""
    for who in (ada, grace):
        told += (await who.get(PAGE)).text + (await who.get(API)).text
    assert [name for name, secret in (await secrets(app)).items() if secret in told] == []


async def test_a_password_is_shown_once_asked_for_and_written_down(
    app: FastAPI, grace: httpx2.AsyncClient, database_url: str
) -> None:
    await deploy(app, EVERYTHING)
    known = await secrets(app)
    assert 'action="/infrastructure/passwords/mlflow-member"' in (await grace.get(PAGE)).text
    with capture_logs() as logs:
        answer = await grace.post(f"{PAGE}/passwords/mlflow-member")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    for line in (
        "export MLFLOW_TRACKING_URI=http://203.0.113.9:5000",
        "export MLFLOW_TRACKING_USERNAME=member",
        f"export MLFLOW_TRACKING_PASSWORD={known['mlflow_member_password']}",
    ):
        assert line in answer.text
    [entry] = await entries(app)
    assert (entry.actor, entry.thing_id, entry.before, entry.after) == ("grace@example.com", "mlflow-member", {}, {})
    assert known["mlflow_member_password"] not in f"{logs}{dump(database_url)}"


async def test_a_stale_sign_in_is_asked_for_again(app: FastAPI, grace: httpx2.AsyncClient, clock: MovingClock) -> None:
    await deploy(app, EVERYTHING)
    clock.advance(minutes=11)
    answer = await grace.post(f"{PAGE}/passwords/mlflow-member")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/infrastructure%23mlflow")
    assert "Sign in again" in (await grace.get(answer.headers["location"])).text
    assert await entries(app) == []


@pytest.mark.parametrize("key", ["mlflow-admin", "sql"])
async def test_some_passwords_are_the_admins(
    app: FastAPI, ada: httpx2.AsyncClient, grace: httpx2.AsyncClient, key: str
) -> None:
    await deploy(app, EVERYTHING)
    path = f"{PAGE}/passwords/{key}"
    assert path not in (await grace.get(PAGE)).text
    assert (await grace.post(path)).status_code == 404
    assert await entries(app) == []
    assert path in (await ada.get(PAGE)).text
    secret = (await secrets(app))[{"mlflow-admin": "mlflow_admin_password", "sql": "sql_password"}[key]]
    assert secret in (await ada.post(path)).text


@pytest.mark.parametrize("key", ["mlflow-member", "sql", "flask", "mlflow_secret_key"])
async def test_what_is_not_there_has_no_password(app: FastAPI, ada: httpx2.AsyncClient, key: str) -> None:
    assert (await ada.post(f"{PAGE}/passwords/{key}")).status_code == 404
    await deploy(app, outputs("storage"))
    assert (await ada.post(f"{PAGE}/passwords/{key}")).status_code == 404


async def test_a_token_reads_no_password(app: FastAPI) -> None:
    await deploy(app, EVERYTHING)
    async with await script_of(app, "grace") as script:
        assert (await script.post(f"{PAGE}/passwords/mlflow-member")).status_code == 401
    assert await entries(app) == []


async def test_a_script_learns_the_same(app: FastAPI, clock: MovingClock) -> None:
    async with await script_of(app, "grace") as script:
        absent = (await script.get(API)).json()
        assert (absent["status"], absent["looked_at"], [part["key"] for part in absent["parts"]]) == (
            *("absent", None),
            ["gcloud"],
        )
        await deploy(app, EVERYTHING)
        await look(app, EVERYTHING)
        told = (await script.get(API)).json()
    parts = {part["key"]: part for part in told["parts"]}
    assert parts.keys() == {*OF_PART, "network", "gcloud"}
    assert parts["mlflow"]["facts"]["mlflow_url"] == "http://203.0.113.9:5000"
    assert parts["sql"]["light"] == {"tone": "ok", "word": "Running", "detail": ""}
    assert parts["docker"]["light"] is None
    assert told["looked_at"] == clock().isoformat().replace("+00:00", "Z")
    assert "grace@example.com" in json.dumps(parts["gcloud"])


async def test_a_workstations_page_links_to_the_shared_mlflow(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    path = f"/workstations/{await create(grace)}"
    assert ">MLflow<" not in (await grace.get(path)).text
    await deploy(app, EVERYTHING)
    assert 'href="http://203.0.113.9:5000"' in (await grace.get(path)).text


async def test_nobody_in_particular_may_not_listen(app: FastAPI) -> None:
    async with client_of(app) as nobody:
        assert (await nobody.get(f"{PAGE}/events", headers={"HX-Request": "true"})).status_code == 401
