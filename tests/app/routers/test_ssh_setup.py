"""The setup page, its command, its archive, and where other pages lead there."""

import html
import io
import re
import tarfile

import httpx2
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from tests.clients import client_of, create, run_of
from tests.parts import MovingClock
from tests.stage import Stage

pytestmark = pytest.mark.anyio
PAGES = ["/ssh-setup", "/ssh-setup/update"]


def token_in(page: httpx2.Response) -> str:
    assert page.status_code == 200, page.text
    return str(re.findall(r"stmsetup_[\w-]+", page.text)[0])


def with_token(app: FastAPI, token: str) -> httpx2.AsyncClient:
    return client_of(app, Authorization=f"Bearer {token}")


@pytest.fixture
async def machine(stage: Stage, grace: httpx2.AsyncClient) -> str:
    """A running machine of Grace's; its id."""
    workstation_id = await create(grace)
    await stage.carry_out(await run_of(grace, workstation_id))
    return workstation_id


@pytest.mark.usefixtures("machine")
async def test_the_page_shows_a_command_for_every_system(grace: httpx2.AsyncClient) -> None:
    page = await grace.get("/ssh-setup")
    shown, token = html.unescape(page.text), token_in(page)

    assert f'curl -fsS -H "Authorization: Bearer {token}" http://portal.test/ssh-setup.sh | sh' in shown
    assert f'irm http://portal.test/ssh-setup.ps1 -Headers @{{Authorization="Bearer {token}"}} | iex' in shown
    assert "Your private key <code>stationmaster</code>" in shown
    assert page.headers["cache-control"] == "no-store"
    assert re.search(r'value="unix"[^>]*checked', page.text)


async def test_a_browser_on_windows_gets_the_command_for_windows(grace: httpx2.AsyncClient) -> None:
    page = await grace.get("/ssh-setup", headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"})

    assert re.search(r'value="windows"[^>]*checked', page.text)
    assert "No workstation is running yet" in page.text


@pytest.mark.usefixtures("machine")
async def test_the_command_returns_a_script_with_the_files(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    with capture_logs() as logs:
        async with with_token(app, token := token_in(await grace.get("/ssh-setup"))) as computer:
            for path in ("/ssh-setup.sh", "/ssh-setup.ps1"):
                script = await computer.get(path)
                assert script.headers["content-type"] == "text/plain; charset=utf-8"
                for part in ("Host dev-1", "127.70.1.2 ssh-ed25519", "PRIVATE KEY-----", "stationmaster.pub"):
                    assert part in script.text

    assert token not in str(logs)


@pytest.mark.usefixtures("machine")
async def test_the_command_for_an_update_has_no_private_key(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    async with with_token(app, token_in(await grace.get("/ssh-setup/update"))) as computer:
        assert "PRIVATE" not in (await computer.get("/ssh-setup.sh")).text


@pytest.mark.usefixtures("machine")
async def test_private_keys_need_a_fresh_sign_in_and_the_other_files_do_not(
    grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    clock.advance(minutes=11)
    asked = {path: (await grace.get(path)).headers.get("location") for path in (*PAGES, "/ssh-setup/archive")}

    assert asked == {
        "/ssh-setup": "/sign-in?next=/ssh-setup",
        "/ssh-setup/update": None,
        "/ssh-setup/archive": "/sign-in?next=/ssh-setup",
    }


@pytest.mark.parametrize("path", ["/ssh-setup.sh", "/ssh-setup.ps1"])
async def test_without_a_valid_token_there_is_one_line_of_text(app: FastAPI, path: str) -> None:
    async with with_token(app, "stmsetup_x") as computer:
        refused = await computer.get(path)

    assert refused.status_code == 401
    assert refused.headers["content-type"] == "text/plain; charset=utf-8"
    assert refused.text == "This setup command has expired. Open its page again to get a new one.\n"


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(("path", "has_key"), [("/ssh-setup/archive", True), ("/ssh-setup/update/archive", False)])
async def test_the_archive_keeps_its_name_and_has_the_files(
    grace: httpx2.AsyncClient, path: str, has_key: bool
) -> None:
    answer = await grace.get(path)

    assert answer.headers["content-disposition"] == 'attachment; filename="stationmaster-ssh.tar.gz"'
    assert answer.headers["cache-control"] == "no-store"
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        names = {name.rpartition("/")[2] for name in tar.getnames() if name.startswith(".ssh/stationmaster/")}
    assert names == {"config", "known_hosts", "stationmaster.pub"} | ({"stationmaster"} if has_key else set())


async def test_pages_offer_the_setup_until_it_is_done_and_again_when_the_files_are_out_of_date(
    stage: Stage, grace: httpx2.AsyncClient, machine: str
) -> None:
    pages = ("/", f"/workstations/{machine}", "/ssh-keys")

    async def offer() -> set[str]:
        texts = [(await grace.get(page)).text for page in pages]
        titles = ("Set up SSH on this computer", "Your SSH files are out of date")
        return {"".join(title for title in titles if title in text) for text in texts}

    assert await offer() == {"Set up SSH on this computer"}
    await grace.get("/ssh-setup/archive")
    assert await offer() == {""}
    await stage.carry_out(await run_of(grace, await create(grace, name="dev-2")))
    assert await offer() == {"Your SSH files are out of date"}
    assert "<strong>dev-2</strong>" in (await grace.get("/")).text
    await grace.get("/ssh-setup/update/archive")
    assert await offer() == {""}
    await grace.post("/ssh-keys/generate", data={"pair_name": "second"})
    assert 'href="/ssh-setup"' in (await grace.get("/ssh-keys")).text
    assert await offer() == {"Your SSH files are out of date"}


async def test_an_admin_sees_no_steps_for_somebody_elses_machine(ada: httpx2.AsyncClient, machine: str) -> None:
    assert "/ssh-setup" not in (await ada.get(f"/workstations/{machine}")).text.partition("REMOTE HOST")[0]
