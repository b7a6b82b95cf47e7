import html
import subprocess
import sys
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI

from app.models import Worker, Workstation
from app.services import doctor, inspections
from app.services.doctor.checks import Check, Verdict
from app.services.terraform import orphans
from tests.stage import Stage

pytestmark = pytest.mark.anyio
COMMAND = "gcloud services enable compute.googleapis.com --project=ml-team"


async def keep(app: FastAPI, *checks: Check, identity: str | None = "worker@x.iam.gserviceaccount.com") -> None:
    portal = app.state.portal
    content = {"identity": identity, "checks": [check.as_json() for check in checks]}
    async with portal.database.sessions.begin() as session:
        await inspections.keep(session, doctor.INSPECTION, content, portal.clock())


async def test_before_anybody_looked_the_page_offers_to(ada: httpx2.AsyncClient) -> None:
    page = await ada.get("/admin/doctor")
    assert "No checks run yet" in page.text
    assert "Run checks" in page.text


async def test_each_check_is_shown_with_what_mends_it_the_ill_first(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    await keep(
        app,
        Check("Terraform", Verdict.OK, "Version 1.14.", "It makes everything."),
        Check("Quota GPUS", Verdict.WARNING, "It is <0>.", "Machines with a GPU need it."),
        Check("API compute", Verdict.MISSING, "It is not enabled.", "Needed for workstations.", (COMMAND,)),
    )
    page = (await ada.get("/admin/doctor")).text
    assert page.index("API compute") < page.index("Quota GPUS") < page.index("Terraform")
    assert "Requirements missing" in page
    assert f'data-copy="{COMMAND}"' in page
    assert "It is &lt;0&gt;." in page
    assert 'datetime="2026-03-02T09:30:00+00:00"' in page
    assert "as worker@x.iam.gserviceaccount.com" in page


async def test_what_runs_is_checked_as_it_is_now(stage: Stage, ada: httpx2.AsyncClient) -> None:
    assert "No worker is running." in (await ada.get("/admin/doctor")).text
    failed, drifted = await stage.request("broken"), await stage.make("other")
    await stage.fail(failed.run.id)
    async with stage.database.sessions.begin() as session:
        now = stage.clock()
        for pid, seen_at in ((1, now), (2, now - timedelta(minutes=5))):
            session.add(Worker(host="host-1", pid=pid, started_at=now, seen_at=seen_at))
        (await session.get_one(Workstation, drifted.id)).become_checked("a-run", now)
        found = orphans.OrphanSearch([orphans.Orphan("projects/p/disks/lost", "abc", "grace", "nobody")], [])
        await orphans.keep(session, found, now)
    page = html.unescape((await ada.get("/admin/doctor")).text)

    for shown in (
        "1 worker running; no heartbeat from process 2 on host-1.",
        "broken of grace@example.com (failed).",
        "Found in other of grace@example.com.",
        "projects/p/disks/lost.",
    ):
        assert shown in page


async def test_asking_wakes_a_worker_and_the_page_waits(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    await keep(app, Check("Terraform", Verdict.OK, "Version 1.14.", "Why."), identity=None)
    page = (await ada.get("/admin/doctor")).text
    assert ("Run checks again" in page, "Checking…" in page) == (True, False)
    assert (await ada.post("/admin/doctor")).headers["location"] == "/admin/doctor"
    assert (await ada.post("/admin/doctor")).status_code == 303
    page = (await ada.get("/admin/doctor")).text
    assert ("Checking…" in page, "Run checks again" in page, 'id="poll"' in page) == (True, False, True)


async def test_htmx_gets_the_fragment(ada: httpx2.AsyncClient) -> None:
    fragment = await ada.get("/admin/doctor", headers={"HX-Request": "true"})
    assert fragment.text.lstrip().startswith('<div id="doctor"')


async def test_it_is_for_admins_only(grace: httpx2.AsyncClient, client: httpx2.AsyncClient) -> None:
    for answer in (
        await grace.get("/admin/doctor"),
        await grace.post("/admin/doctor"),
        await grace.get("/admin/doctor/events"),
    ):
        assert answer.status_code == 403
    assert "/admin/doctor" not in (await grace.get("/")).text
    assert (await client.get("/admin/doctor")).headers["location"] == "/sign-in?next=/admin/doctor"


def test_the_web_process_does_not_import_the_compute_client() -> None:
    look = "import sys, app.main, app.routers.doctor; sys.exit('google.cloud.compute_v1' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
