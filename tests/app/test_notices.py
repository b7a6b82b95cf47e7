"""What was done is said on the page that follows."""

import httpx2
import pytest

from app.notices import Done, address, sentence

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("done", Done)
def test_an_address_names_the_sentence_that_its_page_says(done: Done) -> None:
    assert sentence(address("/x", done).partition("done=")[2]) == done.value


def test_query_and_fragment_of_an_address_stay() -> None:
    assert address("/x?a=1#part", Done.KEY_ADDED) == "/x?a=1&done=key_added#part"


async def test_a_page_says_what_was_done_and_no_sentence_of_an_address(grace: httpx2.AsyncClient) -> None:
    saved = await grace.post("/ssh-keys/username", data={"ssh_username": "hopper"})

    assert "Username saved." in (await grace.get(saved.headers["location"])).text
    assert "Username saved." not in (await grace.get("/ssh-keys")).text
    assert "Pay%20now" not in (await grace.get("/ssh-keys?done=Pay%20now")).text
    assert 'role="status">' not in (await grace.get("/ssh-keys?done=Pay%20now")).text
