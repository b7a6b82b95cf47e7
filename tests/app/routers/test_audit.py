"""The audit's page and files, for admins alone."""

import csv
import io
import json

import httpx2
import pytest
from fastapi import FastAPI

from app.models import Action
from app.routers.audit_files import AuditEntryAnswer
from app.services import audit
from tests.app.routers.lost_disk import await_approval
from tests.clients import client_of, create, refusal, restore, run_of, signed_in
from tests.stage import Stage

pytestmark = pytest.mark.anyio
PATHS = ("/admin/audit", "/admin/audit.csv", "/admin/audit.jsonl", "/api/v1/audit")


async def write(app: FastAPI, *names: str) -> None:
    """Entries about things of these names."""
    portal = app.state.portal
    async with portal.database.sessions.begin() as session:
        for name in names:
            audit.record(portal.context(session), Action.ADD_SSH_KEY, "x", name, {"was": None}, {"is": name})


async def lines(browser: httpx2.AsyncClient, query: str = "") -> list[dict[str, object]]:
    answer = await browser.get(f"/admin/audit.jsonl{query}")
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("path", PATHS)
async def test_only_admins_see_it(
    grace: httpx2.AsyncClient, ada: httpx2.AsyncClient, client: httpx2.AsyncClient, path: str
) -> None:
    assert (await client.get(path)).status_code in {303, 401}
    assert (await grace.get(path)).status_code == 403
    assert (await grace.get(f"{path}?person=x")).status_code == 403
    assert (await ada.get(path)).status_code == 200


async def test_only_admins_are_led_there(grace: httpx2.AsyncClient, ada: httpx2.AsyncClient) -> None:
    assert "/admin/audit" in (await ada.get("/")).text
    assert "/admin/audit" not in (await grace.get("/")).text


async def test_the_page_says_who_did_what_from_where_with_a_link_to_it(
    grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    machine_id = await create(grace)
    page = (await ada.get("/admin/audit?kind=workstation")).text

    assert "<strong>grace@example.com</strong>" in page
    assert "created workstation <a href" in page
    assert f'<a href="/workstations/{machine_id}">dev-1</a>' in page
    assert "· 127.0.0.1" in page
    assert "e2-standard-4" in page


async def test_an_entry_bears_the_request_and_the_clients_address(
    app: FastAPI, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    away = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, client=("203.0.113.7", 4711)),
        base_url="http://portal.test",
        cookies=grace.cookies,
        headers={"X-Request-Id": "from-afar"},
    )
    async with away:
        await away.post("/ssh-keys/generate", data={"pair_name": "laptop"})
    entry = (await lines(ada, "?action=ssh_key.generate"))[0]

    assert (entry["origin"], entry["request_id"], entry["thing_name"]) == ("203.0.113.7", "from-afar", "laptop")


async def test_a_refused_decision_leaves_no_entry(
    stage: Stage, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    machine_id = await create(grace)
    await stage.carry_out(await run_of(grace, machine_id))
    asked = await restore(grace, machine_id)
    await await_approval(stage, asked)
    before = await lines(ada)
    await refusal(grace, f"/runs/{asked}/approve", {"confirm": "no"})
    await refusal(grace, f"/runs/{asked}/retry")
    await refusal(grace, "/workstations", {"name": "dev-1", "machine_type": "n9"})
    assert await lines(ada) == before

    await grace.post(f"/runs/{asked}/discard")
    assert [entry["action"] for entry in await lines(ada)][: -len(before)] == ["run.discard"]


async def test_it_is_filtered_and_what_was_asked_for_stays_in_the_form(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    await write(app, "one", "two")
    page = (await ada.get("/admin/audit?thing=tw&kind=ssh_key&person=&from=2026-03-02&to=")).text

    assert page.count("added SSH key ") == 1
    assert '<option value="ssh_key" selected>' in page
    assert 'value="2026-03-02"' in page
    assert "/admin/audit.csv?kind=ssh_key&amp;thing=tw&amp;from=2026-03-02" in page


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("from=2026-03-03&to=2026-03-02", "to"),
        ("person=%00", "person"),
        ("thing=" + "x" * 201, "thing"),
    ],
)
async def test_a_filter_that_cannot_be_is_said_at_its_field(ada: httpx2.AsyncClient, query: str, field: str) -> None:
    page = await ada.get(f"/admin/audit?{query}")
    fragment = await ada.get(f"/admin/audit?{query}", headers={"HX-Request": "true"})

    assert (page.status_code, fragment.status_code) == (422, 200)
    for answer in (page, fragment):
        assert f'id="{field}-error"' in answer.text
        assert "Fix the errors above" in answer.text
    assert "<html" not in fragment.text
    for path in PATHS[1:]:
        assert (await ada.get(f"{path}?{query}")).status_code == 422


async def test_older_entries_are_a_page_away(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    await write(app, *(f"key {number}" for number in range(audit.ENTRIES_A_PAGE + 3)))
    first = (await ada.get("/admin/audit?kind=ssh_key")).text
    link = first.split('<a href="/admin/audit?')[1].split('"')[0].replace("&amp;", "&")
    second = (await ada.get(f"/admin/audit?{link}")).text

    assert first.count("added SSH key ") == audit.ENTRIES_A_PAGE
    assert second.count("added SSH key ") == 3
    assert "Older entries" not in second
    for below in ("0", "x", "9" * 30):
        assert (await ada.get(f"/admin/audit?below={below}")).status_code == 422


async def test_the_table_is_whole_and_no_cell_is_a_formula(
    app: FastAPI, ada: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\t=1", "＝1", 'a "name", of two\nlines', "plain"]
    await write(app, *names)
    monkeypatch.setattr(audit, "ENTRIES_A_BATCH", 3)
    answer = await ada.get("/admin/audit.csv?kind=ssh_key")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    assert list(rows[0]) == list(AuditEntryAnswer.model_fields)
    told = [row["thing_name"] for row in rows][::-1]
    assert told == ["'" + name for name in names[:6]] + names[6:]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for row in rows for cell in row.values())
    assert json.loads(rows[0]["after"]) == {"is": "plain"}


async def test_the_file_of_json_lines_is_what_the_api_says(
    app: FastAPI, ada: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(app, "one", "two", "three")
    monkeypatch.setattr(audit, "ENTRIES_A_BATCH", 2)
    answer = (await ada.get("/api/v1/audit?kind=ssh_key&limit=2")).json()
    rest = (await ada.get(f"/api/v1/audit?kind=ssh_key&limit=2&below={answer['next_below']}")).json()

    assert [entry["thing_name"] for entry in answer["items"]] == ["three", "two"]
    assert rest["next_below"] is None
    assert await lines(ada, "?kind=ssh_key") == answer["items"] + rest["items"]


async def test_names_are_text(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    await write(app, "<img src=x>")

    assert "<img" not in (await ada.get("/admin/audit")).text


async def test_a_private_half_that_was_read_is_told(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    async with await signed_in(app, "grace") as grace:
        await grace.post("/ssh-keys/generate", data={"pair_name": "laptop"})
        key = (await grace.get("/api/v1/ssh-keys")).json()["items"][0]
        assert (await grace.get(f"/ssh-keys/{key['id']}/private")).status_code == 200
    async with client_of(app) as nobody:
        await nobody.get(f"/ssh-keys/{key['id']}/private")
    read = await lines(ada, "?action=ssh_key.read")

    assert [(entry["actor"], entry["thing_id"]) for entry in read] == [("grace@example.com", key["id"])]
