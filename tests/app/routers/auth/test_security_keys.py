"""Security keys: what they prove, for how long, and to whom."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tests.app.openid_provider import OpenIdServer, sign_in
from tests.app.routers.auth.conftest import use
from tests.app.routers.auth.security_keys import NEW, audited, is_fresh, rows
from tests.authenticator import ORIGIN, Authenticator, add_key, options_of, send_use, use_key
from tests.clients import client_of, script_of, signed_in
from tests.parts import MovingClock, make_settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    """With an address at which browsers offer security keys."""
    use(app, make_settings(public_url=ORIGIN))
    return app


@pytest.fixture
def device() -> Authenticator:
    return Authenticator()


async def test_with_a_key_only_the_key_makes_a_sign_in_fresh(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator, clock: MovingClock
) -> None:
    added = await add_key(grace, device)
    assert added.headers["location"] == "/account#security-keys"
    assert "blue" in (await grace.get("/account")).text
    assert await is_fresh(grace)

    async with await signed_in(app, "grace") as elsewhere:
        assert not await is_fresh(elsewhere)
        confirmed = await use_key(elsewhere, device, next="/ssh-keys")
        assert (confirmed.status_code, confirmed.headers["location"]) == (303, "/ssh-keys")
        assert await is_fresh(elsewhere)
        clock.advance(minutes=9)
        assert await is_fresh(elsewhere)
        clock.advance(minutes=1)
        assert not await is_fresh(elsewhere)
    assert await audited(app) == [("grace", "security_key.add", "blue"), ("grace", "security_key.use", "blue")]


async def test_a_sign_in_with_google_is_not_enough_any_more(
    app: FastAPI, provider: OpenIdServer, device: Authenticator
) -> None:
    use(app, make_settings(public_url=ORIGIN, oidc_issuer=provider.issuer))
    async with client_of(app) as browser:
        await sign_in(browser, provider, fresh="1")
        assert (await add_key(browser, device)).status_code == 303
        await sign_in(browser, provider, fresh="1")

        assert not await is_fresh(browser)
        assert "Confirm that it" in (await browser.get("/sign-in?next=/account")).text
        await use_key(browser, device)
        assert await is_fresh(browser)


async def test_another_key_is_added_only_by_the_first_one(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator
) -> None:
    await add_key(grace, device)
    async with await signed_in(app, "grace") as elsewhere:
        assert (await elsewhere.get(NEW)).headers["location"] == f"/sign-in?next={NEW}"
        refused = await elsewhere.post("/account/security-keys", data={"name": "mine", "response": "{}"})
        assert refused.headers["location"] == f"/sign-in?next={NEW}"
        await use_key(elsewhere, device)
        assert (await add_key(elsewhere, Authenticator(), "second")).status_code == 303

    assert [key.name for key in await rows(app)] == ["blue", "second"]
    known = options_of(await grace.get(NEW))["excludeCredentials"]
    assert [each["transports"] for each in known] == [["usb"], ["usb"]]


async def test_removing_a_key_needs_it_says_what_follows_and_ends_what_it_confirmed(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator
) -> None:
    await add_key(grace, device)
    [key] = await rows(app)
    path = f"/account/security-keys/{key.id}/remove"
    async with await signed_in(app, "grace") as elsewhere:
        for method in ("GET", "POST"):
            assert (await elsewhere.request(method, path)).headers["location"] == f"/sign-in?next={path}"
        await use_key(elsewhere, device)
        assert "This is your last security key" in (await elsewhere.get(path)).text
        await add_key(elsewhere, Authenticator(), "second")
        assert "Your other security keys stay" in (await elsewhere.get(path)).text
        assert (await elsewhere.post(path)).status_code == 303
        assert not await is_fresh(elsewhere)
    assert not await is_fresh(grace)
    assert (await audited(app))[-1] == ("grace", "security_key.remove", "blue")


async def test_a_challenge_is_answered_once_by_its_own_session_and_within_five_minutes(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator, clock: MovingClock
) -> None:
    await add_key(grace, device)
    async with await signed_in(app, "grace") as one, await signed_in(app, "grace") as other:
        said = device.use(options_of(await one.get("/sign-in")))
        options_of(await other.get("/sign-in"))
        for browser, status in ((other, 422), (one, 303), (one, 422)):
            answer = await send_use(browser, said)
            assert (answer.status_code, "opened too long ago" in answer.text) == (status, status == 422)

        late = device.use(options_of(await other.get("/sign-in")))
        clock.advance(minutes=5)
        refused = await send_use(other, late)
        assert (refused.status_code, "opened too long ago" in refused.text) == (422, True)
        assert (await send_use(other, device.use(options_of(refused)))).status_code == 303


async def test_a_wrong_response_uses_the_challenge_up(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator
) -> None:
    await add_key(grace, device)
    async with await signed_in(app, "grace") as browser:
        said = device.use(options_of(await browser.get("/sign-in")))
        signature = {**said["response"], "signature": "AAAA"}
        assert "could not be verified" in (await send_use(browser, {**said, "response": signature})).text
        assert "used already" in (await send_use(browser, said)).text
        assert not await is_fresh(browser)


async def test_pages_in_several_tabs_can_all_be_used(
    app: FastAPI, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    asked, answers = [], []
    for _ in range(11):
        clock.advance(seconds=1)
        asked.append(options_of(await grace.get(NEW)))
    for number in (10, 1, 0):
        made = json.dumps(Authenticator().create(asked[number]))
        added = await grace.post("/account/security-keys", data={"name": str(number), "response": made})
        answers.append(added.status_code)
    # The browser that has more pages open than anybody has loses the oldest.
    assert answers == [303, 303, 422]
    assert [key.name for key in await rows(app)] == ["1", "10"]


async def test_of_two_equal_responses_at_once_one_counts(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator
) -> None:
    await add_key(grace, device)
    async with await signed_in(app, "grace") as browser:
        said = device.use(options_of(await browser.get("/sign-in")))
        answers = await asyncio.gather(*(send_use(browser, said) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [303, 422, 422, 422]


async def test_somebody_else_s_key_is_refused(app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator) -> None:
    await add_key(grace, device)
    async with await signed_in(app, "linus") as linus:
        assert (await add_key(linus, device)).status_code == 409
        assert (await send_use(linus, device.use({"challenge": "AAAA"}))).status_code == 409
        assert (await add_key(linus, Authenticator(), "own")).status_code == 303
    async with await signed_in(app, "linus") as linus:
        refused = await use_key(linus, device)
        assert (refused.status_code, "is not one of yours" in refused.text) == (403, True)
        assert not await is_fresh(linus)
    [hers, _] = await rows(app)
    path = f"/account/security-keys/{hers.id}/remove"
    async with await signed_in(app, "linus") as linus:
        assert (await linus.get(path)).status_code == 404
        assert (await linus.post(path)).status_code == 404


async def test_a_counter_that_does_not_increase_is_refused_and_audited(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator
) -> None:
    device.sign_count = 7
    await add_key(grace, device)
    async with await signed_in(app, "grace") as browser:
        assert (await use_key(browser, device)).status_code == 303
    device.counts = 0
    async with await signed_in(app, "grace") as browser:
        refused = await use_key(browser, device)
        assert (refused.status_code, "there may be a copy" in refused.text) == (403, True)
        assert not await is_fresh(browser)
    assert (await audited(app))[-1] == ("grace", "security_key.refuse", "blue")
    assert (await rows(app))[0].sign_count == 8


async def test_a_device_that_does_not_count_is_used_again_and_again(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator
) -> None:
    device.counts = 0
    await add_key(grace, device)
    for _ in range(2):
        async with await signed_in(app, "grace") as browser:
            assert (await use_key(browser, device)).status_code == 303


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.test"},
        {"origin": "http://portal.test"},
        {"domain": "evil.test"},
        {"flags": 0x01},
        {"flags": 0x04},
    ],
    ids=str,
)
async def test_another_site_and_a_person_who_was_not_verified_are_refused(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator, wrong: dict[str, Any]
) -> None:
    assert (await add_key(grace, Authenticator(**wrong))).status_code == 422
    await add_key(grace, device)
    for name, value in wrong.items():
        setattr(device, name, value)
    async with await signed_in(app, "grace") as browser:
        assert (await use_key(browser, device)).status_code == 422
        assert not await is_fresh(browser)
    assert len(await rows(app)) == 1


async def test_api_tokens_need_no_key_and_cannot_add_one(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator
) -> None:
    await add_key(grace, device)
    async with await script_of(app, "grace") as script, await signed_in(app, "grace") as browser:
        key = (await script.post("/api/v1/ssh-keys/generate", json={"name": "pair"})).json()["id"]
        path = f"/api/v1/ssh-keys/{key}/private"
        assert (await script.get(path)).status_code == 200
        assert (await browser.get(path)).json()["error"]["code"] == "fresh_sign_in_required"
        assert (await script.get(NEW)).status_code == 401
        assert (await script.post("/sign-in/security-key")).status_code == 401


async def test_a_disabled_member_and_an_ended_session_are_refused(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator
) -> None:
    await add_key(grace, device)
    async with await signed_in(app, "grace") as ended, await signed_in(app, "ada") as ada:
        said = device.use(options_of(await ended.get("/sign-in")))
        await ended.post("/sign-out")
        assert (await send_use(ended, said)).status_code == 401
        member = (await rows(app))[0].member_id
        said = device.use(options_of(await (other := await signed_in(app, "grace")).get("/sign-in")))
        await ada.post(f"/admin/members/{member}/disable")
        assert (await send_use(other, said)).status_code == 401
        await other.aclose()
