"""Security keys that the team requires, keys that are lost, and addresses at which there are none."""

import httpx2
import pytest
from fastapi import FastAPI

from tests.app.openid_provider import OpenIdServer, sign_in
from tests.app.routers.auth.conftest import use
from tests.app.routers.auth.security_keys import NEW, audited, is_fresh, rows
from tests.authenticator import ORIGIN, Authenticator, add_key, options_of, use_key
from tests.clients import client_of, refusal, signed_in
from tests.parts import make_settings

pytestmark = pytest.mark.anyio
SWITCH = "/admin/members/security-keys"


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    """With an address at which browsers offer security keys."""
    use(app, make_settings(public_url=ORIGIN))
    return app


async def require(ada: httpx2.AsyncClient) -> Authenticator:
    """Ada adds a key of her own, and requires one of everybody."""
    await add_key(ada, device := Authenticator(), "Ada's")
    assert (await ada.post(SWITCH, data={"required": "yes"})).status_code == 303
    return device


async def test_an_admin_without_a_key_requires_none_of_others(app: FastAPI) -> None:
    async with await signed_in(app, "ada") as ada:
        assert "add one to your own account" in (await ada.get("/admin/members")).text
        assert "to your own account first" in (await refusal(ada, SWITCH, {"required": "yes"})).text
        await require(ada)
        page = (await ada.get("/admin/members")).text
        assert ("Stop requiring" in page, "1 member has" in page) == (True, True)
    async with await signed_in(app, "ada") as stale:
        back = await stale.post(SWITCH, data={"required": "no"})
        assert back.headers["location"] == "/sign-in?next=/admin/members%23security-keys"
    assert await audited(app) == [
        ("ada", "security_key.add", "Ada's"),
        ("ada", "team.require_security_keys", "team"),
    ]


async def test_a_member_without_a_key_adds_one_after_signing_in_with_google(
    app: FastAPI, provider: OpenIdServer
) -> None:
    use(app, make_settings(public_url=ORIGIN, oidc_issuer=provider.issuer))
    async with await signed_in(app, "ada") as ada:
        await require(ada)
    async with client_of(app) as grace:
        await sign_in(grace, provider)
        page = await grace.get("/sign-in?next=/ssh-keys")
        assert "Your team requires a security key" in page.text
        assert 'href="/auth/start?next=%2Faccount%2Fsecurity-keys%2Fnew&amp;fresh=1"' in page.text
        assert (await grace.get(NEW)).headers["location"] == f"/sign-in?next={NEW}"

        back = await sign_in(grace, provider, next=NEW, fresh="1")
        assert back.headers["location"] == NEW
        assert not await is_fresh(grace)
        assert (await grace.get("/sign-in?next=/ssh-keys")).headers["location"] == NEW
        assert (await add_key(grace, Authenticator())).status_code == 303
        assert await is_fresh(grace)


async def test_a_lost_key_is_removed_by_an_admin_who_is_freshly_signed_in(app: FastAPI) -> None:
    async with await signed_in(app, "grace") as grace, await signed_in(app, "ada") as ada:
        await add_key(grace, Authenticator(), "lost")
        [key] = await rows(app)
        page = f"/admin/members/{key.member_id}"
        path = f"{page}/security-keys/{key.id}/remove"
        assert "lost" in (await ada.get(page)).text
        assert (await grace.post(path)).status_code == 403
        assert (await ada.post(path)).headers["location"] == f"{page}#security-keys"
        assert (await ada.post(path)).status_code == 404
        assert await rows(app) == []
        # The session that the lost key confirmed is confirmed no longer by that, but still by Google.
        assert await is_fresh(grace)
    assert (await audited(app))[-1] == ("ada", "security_key.remove", "lost")


async def test_an_admin_with_a_key_needs_it_to_remove_another_s(app: FastAPI) -> None:
    async with await signed_in(app, "grace") as grace, await signed_in(app, "ada") as ada:
        await add_key(grace, Authenticator(), "graces")
        await add_key(ada, device := Authenticator(), "mine")
        [key, _] = await rows(app)
        path = f"/admin/members/{key.member_id}/security-keys/{key.id}/remove"
    async with await signed_in(app, "ada") as ada:
        back = await ada.post(path)
        assert back.headers["location"] == f"/sign-in?next=/admin/members/{key.member_id}%23security-keys"
        await use_key(ada, device)
        assert (await ada.post(path)).headers["location"] == f"/admin/members/{key.member_id}#security-keys"


@pytest.mark.parametrize("address", ["https://new.test", "http://127.0.0.1:8000", "http://new.test"])
async def test_under_another_address_nobody_is_locked_out(app: FastAPI, address: str) -> None:
    async with await signed_in(app, "grace") as grace:
        await add_key(grace, Authenticator(), "old")
    use(app, make_settings(public_url=address))
    async with await signed_in(app, "grace") as grace:
        assert await is_fresh(grace)
        account = (await grace.get("/account")).text
        assert "Only for portal.test" in account
        assert (await grace.post(f"/account/security-keys/{(await rows(app))[0].id}/remove")).status_code == 303
    assert await rows(app) == []


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://127.0.0.1:8000", "need a domain name"),
        ("https://[::1]:8000", "need a domain name"),
        ("http://portal.test", "need HTTPS"),
        ("http://notlocalhost", "need HTTPS"),
    ],
)
async def test_where_browsers_offer_no_keys_the_page_says_why(app: FastAPI, address: str, why: str) -> None:
    use(app, make_settings(public_url=address))
    async with await signed_in(app, "grace") as grace, await signed_in(app, "ada") as ada:
        for page in ("/account", NEW):
            assert why in (await grace.get(page)).text
        assert why in (await ada.get("/admin/members")).text
        refused = await grace.post("/account/security-keys", data={"name": "blue", "response": "{}"})
        assert (refused.status_code, why in refused.text) == (409, True)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://Portal.TEST:443/", "https://portal.test"),
        ("https://portal.test:8443", "https://portal.test:8443"),
    ],
)
async def test_the_origin_is_the_browser_s_form_of_the_public_url(app: FastAPI, address: str, origin: str) -> None:
    use(app, make_settings(public_url=address))
    device = Authenticator(domain=httpx2.URL(origin).host, origin=origin)
    async with await signed_in(app, "grace") as grace:
        options = options_of(await grace.get(NEW))
        assert (options["rp"]["id"], options["authenticatorSelection"]["userVerification"]) == (
            device.domain,
            "required",
        )
        assert (await add_key(grace, device)).status_code == 303
