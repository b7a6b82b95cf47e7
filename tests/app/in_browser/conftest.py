"""Chromium, and the portal as a server on a port of its own with its live hub and a clock that runs."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, async_playwright, expect

from app import clock as clocks
from tests.app.in_browser.windows import Windows
from tests.clients import signed_in
from tests.parts import MovingClock

# Long: two busy cores are slow, and a page that never shows it fails all the same.
expect.set_options(timeout=60_000)


class RunningClock(MovingClock):
    """The real time: a browser judges by that as well."""

    def __call__(self) -> datetime:
        return clocks.utc_now()


@pytest.fixture
def clock() -> MovingClock:
    return RunningClock()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def windows(browser: Browser, app: FastAPI) -> AsyncIterator[Windows]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    settings = app.state.portal.settings.model_copy(update={"public_url": address})
    app.state.portal = replace(app.state.portal, settings=settings)
    yield Windows(browser, app, address)
    app.state.portal.hub.close()
    server.should_exit = True
    await serving


@pytest.fixture
async def grace(app: FastAPI, windows: Windows) -> AsyncIterator[httpx2.AsyncClient]:
    """After the portal has got its address, which is in the cookie's name."""
    async with await signed_in(app, "grace") as client:
        yield client
