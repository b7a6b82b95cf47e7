import re

import httpx2
import pytest
from fastapi import FastAPI

from app.services.people import members
from tests.clients import client_of, create, create_token, refusal, signed_in
from tests.parts import MovingClock, identity
from tests.stage import Stage

pytestmark = pytest.mark.anyio
PAGE = "/admin/members"


async def id_of(ada: httpx2.AsyncClient, name: str) -> str:
    [found] = re.findall(rf'href="{PAGE}/(\w+)"><strong>{name}<', (await ada.get(PAGE)).text)
    return str(found)


async def test_only_admins_see_and_change_roles(
    client: httpx2.AsyncClient, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient
) -> None:
    grace_id = await id_of(ada, "Grace")
    assert (await client.get(PAGE)).status_code == 303
    assert (await grace.get(PAGE)).status_code == 403
    assert (await grace.post(f"{PAGE}/{grace_id}/role", data={"role": "admin"})).status_code == 403
    assert (await grace.get(PAGE)).status_code == 403


async def test_everybody_is_listed_with_role_machines_and_when_they_were_seen(
    ada: httpx2.AsyncClient, grace: httpx2.AsyncClient
) -> None:
    await create(grace)
    page = (await ada.get(PAGE)).text

    assert page.index("ada@example.com</span>") < page.index("grace@example.com")
    assert "1 of 5 workstations, 0 of 2 with a GPU" in page
    assert "0 of 5 workstations" in page
    assert 'datetime="2026-03-02T09:30:00+00:00"' in page
    assert "You are the only admin" in (await ada.get(f"{PAGE}/{await id_of(ada, 'Ada')}")).text
    assert f'href="{PAGE}"' in (await ada.get("/")).text
    assert f'href="{PAGE}"' not in (await grace.get("/")).text


async def test_a_role_is_given_and_taken_at_once_in_browsers_and_for_tokens(
    app: FastAPI, ada: httpx2.AsyncClient, grace: httpx2.AsyncClient
) -> None:
    role = f"{PAGE}/{await id_of(ada, 'Grace')}/role"
    await ada.post(role, data={"role": "admin"})
    token = await create_token(grace, scope="admin")
    async with client_of(app, Authorization=f"Bearer {token}") as script, await signed_in(app, "grace") as phone:
        for given, status in (("member", 403), ("admin", 200)):
            changed = await ada.post(role, data={"role": given})
            assert (changed.status_code, changed.headers["location"]) == (303, f"{role[:-5]}?done=role_changed")
            for client in (grace, phone, script):
                assert (await client.get(PAGE)).status_code == status
                assert (await client.get("/api/v1/members")).status_code == status


async def test_a_role_is_asked_about_and_given_after_a_fresh_sign_in_only(
    ada: httpx2.AsyncClient, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    role = f"{PAGE}/{await id_of(ada, 'Grace')}/role"
    assert "Make Grace an admin?" in (await ada.get(role)).text
    clock.advance(minutes=11)
    stale = await ada.post(role, data={"role": "admin"})

    assert stale.headers["location"] == f"/sign-in?next={role}"
    assert (await grace.get(PAGE)).status_code == 403


async def test_oneself_is_refused_with_the_reason(ada: httpx2.AsyncClient) -> None:
    refused = await refusal(ada, f"{PAGE}/{await id_of(ada, 'Ada')}/role", {"role": "member"})

    assert "You are the only admin" in refused.text
    assert "No changes were made" in refused.text
    assert (await ada.get(PAGE)).status_code == 200


@pytest.mark.parametrize(
    ("who", "role", "status"), [("nobody", "admin", 404), ("%00", "admin", 404), ("Ada", "king", 303)]
)
async def test_what_cannot_be_is_refused(ada: httpx2.AsyncClient, who: str, role: str, status: int) -> None:
    member_id = await id_of(ada, "Ada") if who == "Ada" else who

    assert (await ada.post(f"{PAGE}/{member_id}/role", data={"role": role})).status_code == status


async def test_limits_are_set_for_the_team_and_for_one(ada: httpx2.AsyncClient, grace: httpx2.AsyncClient) -> None:
    grace_id = await id_of(ada, "Grace")
    for path in (f"{PAGE}/limits", f"{PAGE}/{grace_id}/limits"):
        assert (await grace.post(path, data={"workstation_limit": "9"})).status_code == 403
        changed = await ada.post(path, data={"workstation_limit": "1", "gpu_workstation_limit": ""})
        assert (changed.status_code, changed.headers["location"]) == (303, f"{path[:-7]}?done=limits_saved#limits")
    await create(grace)
    for path in (PAGE, f"{PAGE}/{grace_id}"):
        page = (await ada.get(path)).text
        assert "1 of 1 workstations, 0 of 2 with a GPU" in page
        assert 'value="1"' in page


async def test_a_limit_that_cannot_be_is_said_where_it_was_typed(
    ada: httpx2.AsyncClient, grace: httpx2.AsyncClient
) -> None:
    grace_id = await id_of(ada, "Grace")
    refused = await refusal(
        ada, f"{PAGE}/{grace_id}/limits", {"workstation_limit": "many", "gpu_workstation_limit": ""}
    )

    assert 'id="workstation_limit-error"' in refused.text
    assert 'value="many"' in refused.text
    assert (await ada.post(f"{PAGE}/nobody/limits")).status_code == 404


async def test_the_list_is_searched_and_read_page_by_page(stage: Stage, ada: httpx2.AsyncClient) -> None:
    async with stage.database.sessions.begin() as session:
        for number in range(51):
            await members.sign_in(stage.context(session), identity(f"member-{number:02}"))
    first = (await ada.get(f"{PAGE}?q=MEMBER")).text
    [path] = re.findall(rf'href="({PAGE}[^"]+after[^"]+)"', first)
    second = (await ada.get(path.replace("&amp;", "&"))).text

    assert ("Member-00" in first, "Member-50" in first, first.count('id="member-')) == (True, False, 50)
    assert ("Member-49" in second, "Member-50" in second, "Next page" in second) == (False, True, False)
    assert "No members found" in (await ada.get(f"{PAGE}?q=nobody")).text
    for wrong in ("after=%00", "q=%00", f"q={'x' * 201}", "after=A-B"):
        assert (await ada.get(f"{PAGE}?{wrong}")).status_code == 422


async def test_a_member_is_disabled_and_enabled_on_their_page(
    ada: httpx2.AsyncClient, grace: httpx2.AsyncClient
) -> None:
    path = f"{PAGE}/{await id_of(ada, 'Grace')}"
    assert (await ada.post(f"{path}/disable")).headers["location"] == f"{path}?done=member_disabled"
    assert "Disabled since" in (await ada.get(path)).text
    assert "Disabled" in (await ada.get(PAGE)).text
    assert (await grace.get("/account")).headers["location"] == "/sign-in?next=/account"
    assert (await ada.post(f"{path}/enable")).headers["location"] == f"{path}?done=member_enabled"
    assert "Disable account" in (await ada.get(path)).text


async def test_an_admin_cannot_disable_herself(ada: httpx2.AsyncClient) -> None:
    path = f"{PAGE}/{await id_of(ada, 'Ada')}"
    refused = await refusal(ada, f"{path}/disable")

    assert "disable your own account" in refused.text
    assert "Disable account" not in (await ada.get(path)).text
