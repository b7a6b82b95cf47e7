"""The two files, as programs fetch them: whatever goes wrong is a line of text, never a page to be kept as a file."""

import httpx2
import pytest

pytestmark = pytest.mark.anyio
FILES = ["/ssh_compute_config", "/ssh_known_hosts"]
TOKEN = {"Authorization": "Bearer stm_x"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer stm_x"}, {"Authorization": "Bearer stm_x", **BROWSER}]
)
async def test_who_is_not_known_gets_a_line_of_text(
    client: httpx2.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    refused = await client.get(path, headers=headers)

    assert refused.status_code == 401
    assert refused.headers["content-type"] == "text/plain; charset=utf-8"
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.text.count("\n") == 1
    assert "<" not in refused.text


@pytest.mark.parametrize("path", FILES)
async def test_a_browser_is_sent_to_the_sign_in(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.get(path, headers=BROWSER)).headers["location"] == f"/sign-in?next={path}"


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(
    ("headers", "type_"), [({}, "text/plain; charset=utf-8"), (BROWSER, "application/octet-stream")]
)
async def test_a_browser_gets_a_file_that_keeps_its_name_and_a_program_gets_text(
    grace: httpx2.AsyncClient, path: str, headers: dict[str, str], type_: str
) -> None:
    answer = await grace.get(path, headers=headers)

    assert answer.headers["content-type"] == type_
    assert answer.headers["content-disposition"] == f'attachment; filename="{path.removeprefix("/")}"'
