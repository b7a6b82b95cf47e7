import re

import asyncssh
import httpx2
import pytest
from structlog.testing import capture_logs

from tests.clients import create, refusal, run_of
from tests.database import dump
from tests.parts import MovingClock, SecretsInMemory
from tests.stage import Stage

pytestmark = pytest.mark.anyio
LINE = asyncssh.generate_private_key("ssh-ed25519", comment="grace@laptop").export_public_key().decode()


async def make_pair(client: httpx2.AsyncClient, name: str = "laptop") -> str:
    """Its id."""
    made = await client.post("/ssh-keys/generate", data={"pair_name": name})
    assert made.status_code == 303, made.text
    return made.headers["location"].partition("#key-")[2]


async def test_the_first_visit_leads_to_a_key(grace: httpx2.AsyncClient) -> None:
    page = (await grace.get("/ssh-keys")).text

    assert "No SSH keys yet" in page
    assert 'action="/ssh-keys/generate"' in page
    assert 'value="stationmaster"' in page


async def test_a_pasted_key_is_listed_with_its_fingerprint(grace: httpx2.AsyncClient) -> None:
    added = await grace.post("/ssh-keys", data={"name": "laptop", "public_key": LINE})
    assert added.status_code == 303
    page = (await grace.get("/ssh-keys")).text

    assert asyncssh.import_public_key(LINE).get_fingerprint() in page
    assert "/private" not in page
    assert "ln -s ~/.ssh/YOUR-KEY ~/.ssh/stationmaster/laptop" in page


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": "laptop", "public_key": "ssh-ed25519 <b>"}, "damaged or incomplete"),
        ({"name": "La ptop", "public_key": LINE}, "lower-case letters"),
        ({"name": "laptop", "public_key": ""}, "Paste a public key"),
        ({}, "lower-case letters"),
    ],
)
async def test_what_does_not_fit_is_said_at_the_field_with_what_was_typed_kept(
    grace: httpx2.AsyncClient, form: dict[str, str], sentence: str
) -> None:
    refused = await refusal(grace, "/ssh-keys", form)

    assert sentence in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert form.get("public_key", "").replace("<", "&lt;").replace(">", "&gt;").strip() in refused.text
    assert "No SSH keys yet" in refused.text


async def test_a_private_key_pasted_by_mistake_is_not_shown_again(grace: httpx2.AsyncClient, database_url: str) -> None:
    private = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with capture_logs() as logs:
        refused = await refusal(grace, "/ssh-keys", {"name": "laptop", "public_key": private})

        assert "This is a private key" in refused.text
    assert private.splitlines()[2] not in f"{refused.text}{logs}{dump(database_url)}"
    assert 'value="laptop"' in refused.text


async def test_a_pair_is_made_and_its_private_half_downloaded(
    grace: httpx2.AsyncClient, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with capture_logs() as logs:
        key_id = await make_pair(grace)
        page = (await grace.get("/ssh-keys")).text
        file = await grace.get(f"/ssh-keys/{key_id}/private")

    assert file.headers["content-disposition"] == 'attachment; filename="laptop"'
    assert file.headers["cache-control"] == "no-store"
    assert asyncssh.import_private_key(file.text).get_fingerprint() in page
    assert "chmod 600 ~/.ssh/stationmaster/laptop" in page
    assert file.text.splitlines()[2] not in f"{page}{logs}{caplog.text}{dump(database_url)}"
    assert [entry["event"] for entry in logs].count("private key read") == 1


async def test_a_pair_with_a_taken_name_is_said_at_its_own_field(grace: httpx2.AsyncClient) -> None:
    await make_pair(grace)
    refused = await refusal(grace, "/ssh-keys/generate", {"pair_name": "laptop"})

    assert 'id="pair_name-error"' in refused.text
    assert 'id="name-error"' not in refused.text


async def test_a_private_half_wants_a_fresh_sign_in(grace: httpx2.AsyncClient, clock: MovingClock) -> None:
    key_id = await make_pair(grace)
    clock.advance(minutes=11)
    answer = await grace.get(f"/ssh-keys/{key_id}/private")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next=/ssh-keys%23key-{key_id}")
    assert "PRIVATE KEY" not in answer.text
    assert "Sign in again" in (await grace.get(answer.headers["location"])).text


async def test_deleting_asks_first_and_then_destroys_the_secret(
    grace: httpx2.AsyncClient, secrets: SecretsInMemory
) -> None:
    key_id = await make_pair(grace)
    page = (await grace.get(f"/ssh-keys/{key_id}/delete")).text
    assert "cannot be undone" in page
    action = re.search(r'action="([^"]+/delete)"', page)
    assert action
    assert secrets.kept

    assert (await grace.post(action[1])).headers["location"] == "/ssh-keys?done=key_deleted"
    assert secrets.kept == {}
    assert (await grace.get(f"/ssh-keys/{key_id}/delete")).status_code == 404


async def test_keys_of_others_are_not_listed(grace: httpx2.AsyncClient, linus: httpx2.AsyncClient) -> None:
    assert await make_pair(grace) not in (await linus.get("/ssh-keys")).text


async def test_the_page_says_which_key_is_where_and_what_is_on_its_way(
    stage: Stage, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    await make_pair(grace)
    machine = await create(grace)
    await stage.carry_out(await run_of(grace, machine))
    page = (await grace.get("/ssh-keys")).text
    assert "dev-1</span>" in page
    assert "All workstations accept exactly these keys" in page
    assert "Up to date" in page

    clock.advance(minutes=1)
    await grace.post("/ssh-keys", data={"name": "desktop", "public_key": LINE})
    page = (await grace.get("/ssh-keys")).text
    assert "dev-1 (deploying)</span>" in page
    assert f"/runs/{await run_of(grace, machine)}" in page
    assert "All workstations accept exactly" not in page


async def test_a_deleted_key_that_is_still_let_in_is_said_and_can_be_retried(
    stage: Stage, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    lost = await make_pair(grace, "lost-laptop")
    await make_pair(grace, "desktop")
    machine = await create(grace)
    await stage.carry_out(await run_of(grace, machine))
    clock.advance(minutes=1)
    assert "will be removed from dev-1" in (await grace.get(f"/ssh-keys/{lost}/delete")).text
    await grace.post(f"/ssh-keys/{lost}/delete")
    assert "lost-laptop" in (await grace.get("/ssh-keys")).text

    await stage.fail(await run_of(grace, machine), "Error: quota")
    page = (await grace.get("/ssh-keys")).text
    assert "A deleted key is still accepted" in page
    assert "Not up to date" in page

    clock.advance(minutes=1)
    retried = await grace.post(f"/ssh-keys/machines/{machine}")
    assert retried.headers["location"] == "/ssh-keys?done=keys_deploying#machines"
    await stage.carry_out(await run_of(grace, machine))
    page = (await grace.get("/ssh-keys")).text
    assert "lost-laptop" not in page
    assert "All workstations accept exactly these keys" in page


async def test_the_last_key_is_deleted_with_a_warning(grace: httpx2.AsyncClient) -> None:
    first, second = await make_pair(grace, "laptop"), await make_pair(grace, "desktop")
    assert "This is your last key" not in (await grace.get(f"/ssh-keys/{first}/delete")).text
    await create(grace)
    await grace.post(f"/ssh-keys/{first}/delete")
    page = (await grace.get(f"/ssh-keys/{second}/delete")).text
    assert "This is your last key" in page
    assert "nobody can log in" in page
    await grace.post(f"/ssh-keys/{second}/delete")
    assert "You have no SSH keys" in (await grace.get("/ssh-keys")).text


async def test_a_chosen_user_name_is_that_of_machines_to_come(grace: httpx2.AsyncClient) -> None:
    before = await create(grace)
    assert (await grace.post("/ssh-keys/username", data={"ssh_username": "hopper"})).status_code == 303
    after = await create(grace, name="dev-2")
    names = [(await grace.get(f"/api/v1/workstations/{each}")).json()["ssh_username"] for each in (before, after)]
    assert names == ["grace", "hopper"]
    page = (await grace.get("/ssh-keys")).text
    assert 'value="hopper"' in page
    assert "keep their username" in page

    await grace.post("/ssh-keys/username", data={"ssh_username": ""})
    assert 'value="grace"' in (await grace.get("/ssh-keys")).text


@pytest.mark.parametrize("name", ["root", "jupyter", "docker", "Grace", "1st", "-x", "a b", "x" * 33, "a\nb", "é"])
async def test_a_user_name_that_no_machine_takes_is_said_at_its_field(grace: httpx2.AsyncClient, name: str) -> None:
    refused = await refusal(grace, "/ssh-keys/username", {"ssh_username": name})
    assert 'id="ssh_username-error"' in refused.text
    assert 'id="name-error"' not in refused.text


async def test_a_machine_that_was_never_made_has_no_key(stage: Stage, grace: httpx2.AsyncClient) -> None:
    key_id = await make_pair(grace)
    requested = await stage.request()
    await stage.claim(requested.run.id)
    await stage.fail(requested.run.id)
    page = (await grace.get("/ssh-keys")).text
    [machine] = (await grace.get("/api/v1/ssh-keys")).json()["machines"]

    assert "Not created" in page
    assert "Up to date" not in page
    assert "All workstations accept exactly these keys" not in page
    assert "(not deployed)" in page
    assert "/ssh-keys/machines/" not in page, "a retry would create the machine"
    assert (machine["is_up_to_date"], machine["keys"], machine["leftover"]) == (False, [], [])

    stage.clock.advance(minutes=1)
    await grace.post(f"/ssh-keys/{key_id}/delete")
    assert "Deleted, but still accepted" in (await grace.get("/ssh-keys")).text
