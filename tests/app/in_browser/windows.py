"""Windows of people's browsers on the portal, and what is wrong with what they show."""

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, Page

from app.deps import cookie_name
from tests.clients import signed_in


class Windows:
    """Chromium, and the portal on a port of its own."""

    def __init__(self, browser: Browser, app: FastAPI, address: str) -> None:
        self._browser, self._app, self._address = browser, app, address

    async def open(self, name: str, **options: object) -> BrowserContext:
        """A window of `name`@example.com, who signs in just now."""
        context = await self._browser.new_context(base_url=self._address, **options)  # type: ignore[arg-type]  # playwright's own names
        await self.sign_in(context, name)
        return context

    async def sign_in(self, context: BrowserContext, name: str) -> None:
        """Another session in this window, in the place of the one before."""
        cookie = cookie_name(self._app.state.portal.settings)
        async with await signed_in(self._app, name) as client:
            await context.add_cookies([{"name": cookie, "value": client.cookies[cookie], "url": self._address}])

    async def page(self, name: str, **options: object) -> Page:
        """The only page in such a window."""
        return await (await self.open(name, **options)).new_page()


async def problems(page: Page) -> list[str]:
    """What keeps somebody from reading it, by axe's rules, and whether it is wider than the window."""
    results = await Axe().run(page)
    found = [
        f"{page.url} {violation['id']}: {violation['nodes'][0]['html']}" for violation in results.response["violations"]
    ]
    return found + await too_wide(page)


async def too_wide(page: Page) -> list[str]:
    """The page, where it is wider than the window."""
    is_wider = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [f"{page.url} is wider than the window"] if is_wider else []
