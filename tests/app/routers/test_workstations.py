"""The pages of workstations: the dashboard, one workstation, and its end."""

import html
import re

import httpx2
import pytest
from fastapi import FastAPI

from app.db import Database
from app.models import Run, Workstation
from app.routers import streams
from tests.app.counting import rows
from tests.app.routers.test_workstation_states import state, store
from tests.clients import create, refusal, run_of
from tests.parts import MovingClock
from tests.stage import Stage
from tests.steps import HOST_KEYS

pytestmark = pytest.mark.anyio

HTMX = {"HX-Request": "true"}


async def test_a_member_without_machines_is_led_to_the_first_one(grace: httpx2.AsyncClient) -> None:
    page = await grace.get("/")

    assert page.status_code == 200
    assert 'href="/workstations/new"' in page.text
    assert "Set up SSH" not in page.text


async def test_a_created_machine_is_on_the_dashboard_with_state_machine_and_price(grace: httpx2.AsyncClient) -> None:
    workstation_id = await create(grace, name="big-one", machine_type="e2-standard-16")
    page = await grace.get("/")

    assert f'href="/workstations/{workstation_id}"' in page.text
    for shown in ("big-one", "Requested", "16 vCPU, 64 GB", "per hour"):
        assert shown in page.text
    assert "Set up SSH" not in page.text


async def test_a_machine_being_built_shows_stages_and_follows_by_itself(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    workstation_id = await create(grace)
    await stage.claim(await run_of(grace, workstation_id))
    page = await grace.get(f"/workstations/{workstation_id}")

    assert "Provisioning" in page.text
    assert "seconds left" in page.text
    assert 'http-equiv="refresh"' in page.text
    assert 'hx-trigger="every 10s"' in page.text
    assert "ssh dev-1" not in page.text


async def test_a_running_machine_shows_how_to_connect(stage: Stage, grace: httpx2.AsyncClient) -> None:
    workstation_id = await create(grace)
    await stage.carry_out(await run_of(grace, workstation_id))
    page = await grace.get(f"/workstations/{workstation_id}")

    for shown in (
        "ssh dev-1",
        "vscode://vscode-remote/ssh-remote+dev-1/home/jupyter",
        "cursor://vscode-remote/ssh-remote+dev-1/home/jupyter",
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "ssh-keygen -R 127.70.1.2 -f ~/.ssh/stationmaster/known_hosts",
        "SHA256:",
        "lsblk",
        "sudo mount /dev/disk/by-id/google-home /home/jupyter",
        "sudo chmod a+w /home/jupyter",
    ):
        assert shown in page.text
    assert "every 10s" not in page.text
    assert "MLflow" not in page.text


async def test_htmx_gets_the_fragment_alone(grace: httpx2.AsyncClient) -> None:
    workstation_id = await create(grace)
    for path in ("/", f"/workstations/{workstation_id}"):
        fragment = await grace.get(path, headers=HTMX)
        restored = await grace.get(path, headers={**HTMX, "HX-History-Restore-Request": "true"})

        assert "<html" not in fragment.text
        assert "dev-1" in fragment.text
        assert fragment.headers["vary"] == "HX-Request"
        assert "<html" in restored.text


async def test_a_failed_machine_shows_the_hint_first_and_can_be_retried_or_removed(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    workstation_id = await create(grace)
    run_id = await run_of(grace, workstation_id)
    await stage.fail(run_id)
    page = (await grace.get(f"/workstations/{workstation_id}")).text

    assert page.index("no capacity for this machine type") < page.index("ZONE_RESOURCE_POOL_EXHAUSTED")
    assert f'action="/runs/{run_id}/retry"' in page
    assert f'href="/workstations/{workstation_id}/destroy"' in page


async def test_a_failed_machine_keeps_its_failure_when_a_change_of_keys_comes_between(
    stage: Stage, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    workstation_id = await create(grace)
    run_id = await run_of(grace, workstation_id)
    await stage.fail(run_id)
    clock.advance(minutes=1)
    await grace.post("/ssh-keys/generate", data={"pair_name": "another"})
    rekey = await stage.pending(workstation_id)
    waiting = (await grace.get(f"/workstations/{workstation_id}")).text
    await stage.carry_out(rekey)
    after = (await grace.get(f"/workstations/{workstation_id}")).text

    for page in (waiting, after):
        assert "no capacity for this machine type" in page
        assert f'action="/runs/{run_id}/retry"' in page
        assert f'href="/workstations/{workstation_id}/destroy"' in page


async def test_the_price_of_a_failed_machine_and_the_page_that_deletes_it_name_what_exists(
    app: FastAPI, stage: Stage, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    workstation_id = await create(grace)
    path, run_id = f"/workstations/{workstation_id}", await run_of(grace, workstation_id)
    await stage.fail(run_id)
    pages = [(await grace.get("/")).text, (await grace.get(path)).text, (await ada.get("/admin/workstations")).text]
    assert ["Nothing is billed" in page for page in pages] == [True] * 3
    asked = (await grace.get(f"{path}/destroy")).text
    assert ("Nothing of it exists" in asked, "Keep the disk" in asked) == (True, False)

    await store(app, run_id, state(1, 100))
    assert "for what exists" in (await grace.get(path)).text
    asked = (await grace.get(f"{path}/destroy")).text
    assert ("There is no machine." in asked, "external IP" in asked) == (True, False)
    assert re.findall(r'value="(\w+)"\s+checked', asked) == ["no"]


async def test_a_stock_out_leads_to_the_same_form_in_zones_that_google_suggests_first(
    stage: Stage, grace: httpx2.AsyncClient
) -> None:
    workstation_id = await create(grace, machine_type="g2-standard-8", disk_size_gb="250", spot="yes")
    error = "unavailable in the europe-west4-a zone. Consider trying your request in the europe-west4-c zone(s)"
    await stage.fail(await run_of(grace, workstation_id), error)
    page = html.unescape((await grace.get(f"/workstations/{workstation_id}")).text)
    links = re.findall(r'href="(/workstations/new\?[^"]+)"', page)
    form = (await grace.get(links[0])).text

    assert re.findall(r"Try in ([\w-]+)", page)[:2] == ["europe-west4-c", "europe-west4-b"]
    assert page.count("Google has capacity there.") == 1
    assert re.findall(r'value="([\w-]+)"\s+(?:checked|selected)', form)[:2] == ["g2-standard-8", "europe-west4-c"]
    for shown in ('value="250"', 'name="spot"'):
        assert shown in form


async def test_an_error_of_another_kind_leads_nowhere_else(stage: Stage, grace: httpx2.AsyncClient) -> None:
    workstation_id = await create(grace)
    await stage.fail(await run_of(grace, workstation_id), "Quota 'CPUS' exceeded.")

    assert "Try in" not in (await grace.get(f"/workstations/{workstation_id}")).text


async def test_the_dashboard_says_what_waits_for_a_decision(
    stage: Stage, grace: httpx2.AsyncClient, linus: httpx2.AsyncClient
) -> None:
    machine = await stage.make()
    run = await stage.change(machine.id, disk_size_gb=50)
    await stage.await_approval(run.id, [{"address": "a", "action": "replace", "name": machine.disk_name}])
    waiting, others = (await grace.get("/")).text, (await linus.get("/")).text
    await stage.approve(run.id, "grace", confirm=[machine.disk_name])

    assert "Update dev-1 requires approval" in waiting
    assert f'href="/runs/{run.id}"' in waiting
    assert "requires approval" not in others + (await grace.get("/")).text


async def test_destroying_asks_first_and_keeps_the_disk_unless_told_otherwise(
    stage: Stage, app: FastAPI, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    workstation_id = await create(grace)
    await stage.carry_out(await run_of(grace, workstation_id))
    clock.advance(hours=1)
    asked = await grace.get(f"/workstations/{workstation_id}/destroy")
    answered = await grace.post(f"/workstations/{workstation_id}/destroy")

    assert "Keep the disk" in asked.text
    assert "127.70.1.2" in asked.text
    assert answered.status_code == 303
    async with app.state.portal.database.sessions() as session:
        run = await session.get_one(Run, await run_of(grace, workstation_id))
        assert run.inputs["disk_only"] is True


async def test_an_unknown_answer_destroys_nothing(database: Database, grace: httpx2.AsyncClient) -> None:
    workstation_id = await create(grace)
    await refusal(grace, f"/workstations/{workstation_id}/destroy", {"keep_disk": "maybe"})

    assert await rows(database, Run) == [1]


async def test_a_kept_disk_has_its_place_on_the_dashboard(
    app: FastAPI, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    workstation_id = await create(grace)
    async with app.state.portal.database.sessions.begin() as session:
        workstation = await session.get_one(Workstation, workstation_id)
        workstation.become_destroyed(clock(), disk_kept=True)
    page = await grace.get("/")
    asked = await grace.get(f"/workstations/{workstation_id}/destroy")

    machine = await grace.get(f"/workstations/{workstation_id}")

    assert "for the disk" in machine.text
    assert f"dev-1-{workstation_id}-home" in page.text
    assert "per month" in page.text
    assert "Delete the disk" in asked.text
    assert "Keep the disk" not in asked.text


async def test_workstations_of_others_are_not_listed(grace: httpx2.AsyncClient, linus: httpx2.AsyncClient) -> None:
    await create(grace)

    assert "dev-1" not in (await linus.get("/")).text


async def test_nobody_is_sent_to_sign_in(client: httpx2.AsyncClient) -> None:
    page = await client.get("/workstations/new")
    fragment = await client.get("/", headers=HTMX)

    assert page.status_code == 303
    assert page.headers["location"].startswith("/sign-in?next=")
    assert fragment.status_code == 401


async def test_the_ssh_files_have_the_running_machines(stage: Stage, grace: httpx2.AsyncClient) -> None:
    await stage.carry_out(await run_of(grace, await create(grace)))
    await create(grace, name="not-yet")
    config = await grace.get("/ssh_compute_config")
    known_hosts = await grace.get("/ssh_known_hosts")

    assert config.headers["content-type"].startswith("text/plain")
    assert "Host dev-1\n    HostName 127.70.1.2\n" in config.text
    assert "not-yet" not in config.text
    assert known_hosts.text == f"127.70.1.2 ssh-ed25519 {HOST_KEYS['ssh-ed25519']}\n"


async def test_a_stream_of_changes_speaks_at_once_and_ends_with_the_process(
    app: FastAPI, grace: httpx2.AsyncClient
) -> None:
    hub = app.state.portal.hub
    with hub.subscribe("workstation:abc") as signals:
        woken = streams.wakes(signals)
        assert await anext(woken)
        hub.close()
        assert [changed async for changed in woken] == []

    assert (await grace.get("/events")).content == streams.CHANGED


async def test_an_admin_sees_whose_it_is_and_no_steps_that_only_work_for_its_owner(
    stage: Stage, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    workstation_id = await create(grace)
    await stage.carry_out(await run_of(grace, workstation_id))
    own, hers = [(await each.get(f"/workstations/{workstation_id}")).text for each in (grace, ada)]

    assert ("Grace’s workstation" in own, "Open in VS Code" in own, 'id="connect"' in own) == (False, True, True)
    assert ("Grace’s workstation" in hers, "Open in VS Code" in hers, 'id="connect"' in hers) == (True, False, False)
