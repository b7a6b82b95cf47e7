"""Security keys as Chromium uses them, with a virtual device: added, asked for, lost."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, CDPSession, Page, expect

from tests.app.in_browser.windows import Windows
from tests.app.in_browser.windows import problems as problems_of

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
DEVICE = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
async def windows(windows: Windows, browser: Browser, app: FastAPI) -> Windows:
    """By name: browsers offer no security keys at an IP address."""
    portal = app.state.portal
    address = portal.settings.public_url.replace("127.0.0.1", "localhost")
    app.state.portal = replace(portal, settings=portal.settings.model_copy(update={"public_url": address}))
    return Windows(browser, app, address)


async def plug_in(page: Page) -> tuple[CDPSession, str]:
    """A device for this page, whose person is there and is verified; returns its id."""
    devices = await page.context.new_cdp_session(page)
    await devices.send("WebAuthn.enable")
    added = await devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return devices, added["authenticatorId"]


async def add(page: Page, name: str = "blue") -> None:
    await page.goto("/account")
    await page.get_by_role("link", name="Add security key").click()
    await expect(page.get_by_text("Turn JavaScript on")).to_be_hidden()
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Add security key").click()
    await expect(page.get_by_role("link", name=f"Remove {name}")).to_be_visible()


async def create_token(page: Page) -> None:
    await page.goto("/account")
    await page.get_by_label("Name").fill("CI")
    await page.get_by_role("button", name="Create token").click()


async def sign_in_anew(windows: Windows, page: Page) -> None:
    """The same browser with the same device, but another session, which no key has confirmed."""
    await page.context.clear_cookies()
    await windows.sign_in(page.context, "grace")


async def test_a_key_is_added_and_from_then_on_needed(windows: Windows) -> None:
    page = await windows.page("grace")
    devices, device = await plug_in(page)
    await add(page)
    await create_token(page)
    await expect(page.get_by_text("Token created")).to_be_visible()

    await sign_in_anew(windows, page)
    await create_token(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it's you")
    await expect(page.get_by_text("Your security key: blue")).to_be_visible()
    await page.get_by_role("button", name="Use security key").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Account")
    await create_token(page)
    await expect(page.get_by_text("Token created")).to_be_visible()
    [credential] = (await devices.send("WebAuthn.getCredentials", {"authenticatorId": device}))["credentials"]
    assert credential["signCount"] > 0


async def test_a_person_who_is_not_verified_and_a_copy_are_told_so(windows: Windows) -> None:
    page = await windows.page("grace")
    devices, device = await plug_in(page)
    await add(page)
    await sign_in_anew(windows, page)
    await page.goto("/sign-in?next=/account")
    await devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    await page.get_by_role("button", name="Use security key").click()
    await expect(page.get_by_role("alert")).to_contain_text("The browser stopped waiting for the security key")
    await devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})

    await _count_from_the_start(devices, device)
    await page.get_by_role("button", name="Use security key").click()
    await expect(page.get_by_text("there may be a copy of this security key")).to_be_visible()
    await create_token(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it's you")


async def _count_from_the_start(devices: CDPSession, device: str) -> None:
    """As a copy of the device would."""
    asked: dict[str, Any] = {"authenticatorId": device}
    [credential] = (await devices.send("WebAuthn.getCredentials", asked))["credentials"]
    await devices.send("WebAuthn.clearCredentials", asked)
    await devices.send("WebAuthn.addCredential", {**asked, "credential": {**credential, "signCount": 0}})


async def test_the_same_device_is_not_added_twice(windows: Windows) -> None:
    page = await windows.page("grace")
    await plug_in(page)
    await add(page)
    await page.get_by_role("link", name="Add security key").click()
    await page.get_by_label("Name").fill("again")
    await page.get_by_role("button", name="Add security key").click()
    await expect(page.get_by_role("alert")).to_contain_text("already on your account")


async def test_a_lost_key_is_removed_by_an_admin(windows: Windows) -> None:
    page = await windows.page("grace")
    await plug_in(page)
    await add(page, "lost")
    admin = await windows.page("ada")
    await admin.goto("/admin/members")
    await admin.get_by_role("link", name="Grace").click()
    await admin.get_by_role("button", name="Remove security key lost").click()
    await expect(admin.get_by_text("No security keys.")).to_be_visible()

    await create_token(page)
    await expect(page.get_by_text("Token created")).to_be_visible()


async def test_without_javascript_the_page_says_what_to_do(windows: Windows) -> None:
    page = await windows.page("grace", java_script_enabled=False)
    await page.goto("/account/security-keys/new")
    await expect(page.get_by_text("Turn JavaScript on for this page")).to_be_visible()
    await expect(page.get_by_role("button", name="Add security key")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_are_accessible_and_fit_the_window(windows: Windows, scheme: str, width: int) -> None:
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    page = await windows.page("ada", **options)
    await plug_in(page)
    await add(page, "a-name-as-long-as-somebody-may-write-it-down-60-characters-x")
    problems: list[str] = []
    member = await page.evaluate("document.querySelector('a[href*=\"/remove\"]').pathname")
    for path in ("/account", "/account/security-keys/new", member, "/admin/members"):
        await page.goto(path)
        problems += await problems_of(page)
    await page.get_by_role("button", name="Require security keys").click()
    await page.get_by_role("link", name="Ada").click()
    problems += await problems_of(page)
    await page.context.clear_cookies()
    await windows.sign_in(page.context, "ada")
    await page.goto("/sign-in?next=/account")
    problems += await problems_of(page)

    assert problems == []
