"""Every page, by every rule of axe: empty, while things are under way, after failures, and full."""

import re
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from fastapi import FastAPI

from tests.app.in_browser.purged import left_out, missed
from tests.app.in_browser.test_machine_troubles import UNMOUNTED, UNWELL, reporting
from tests.app.in_browser.windows import Windows, problems, too_wide
from tests.app.routers.lost_disk import await_approval
from tests.app.routers.world import TABLE
from tests.clients import create, restore, run_of, signed_in
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]
NO_PAGES = ("/api/", "/auth/", "/healthz", "/readyz", "/metrics", "/sign-in")
PATHS = sorted(
    path for method, path in TABLE if method == "GET" and not path.startswith(NO_PAGES) and not path.endswith("/events")
)
MANY = 30
LOOKS = {"empty": ("dark", 320), "busy": ("light", 320), "failed": ("dark", 1280), "full": ("light", 1280)}
Ids = list[dict[str, str]]


async def empty(_: Stage, __: httpx2.AsyncClient, ___: httpx2.AsyncClient) -> Ids:
    return [{}]


async def busy(stage: Stage, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient) -> Ids:
    """A machine that is being made, one that waits for a decision, and a shared stack that does too."""
    await grace.post("/ssh-keys/generate", data={"pair_name": "laptop"})
    running, making = await create(grace, machine_type="g2-standard-8"), await create(grace, name="dev-2")
    await stage.carry_out(await run_of(grace, running))
    await stage.apply(applying := await run_of(grace, making))
    await await_approval(stage, waiting := await restore(grace, running))
    await stage.await_approval(configuring := (await stage.configure(deploy_storage=True)).id)
    await ada.post("/admin/workstations/actions", data={"verb": "stop", "workstation_id": [running]})
    runs = [{"run_id": run_id} for run_id in (applying, waiting, configuring)]
    return [{"workstation_id": running}, {"workstation_id": making}, *runs]


async def failed(stage: Stage, grace: httpx2.AsyncClient, _: httpx2.AsyncClient) -> Ids:
    """Machines that were not made, are not well or have no disk, and a shared stack that failed."""
    await stage.fail(run_id := await run_of(grace, broken := await create(grace, name="dev-2")))
    unwell = await reporting(stage, "trainer", UNWELL)
    unmounted = await reporting(stage, "without-disk", UNMOUNTED)
    await stage.fail(configuring := (await stage.configure(deploy_storage=True)).id)
    machines = [{"workstation_id": each} for each in (broken, unwell, unmounted)]
    return [*machines, {"run_id": run_id}, {"run_id": configuring}]


async def full(stage: Stage, grace: httpx2.AsyncClient, ada: httpx2.AsyncClient) -> Ids:
    """Many of everything, with long names, and a kept disk."""
    await stage.make_shared_stack()
    people = ["grace", *(f"person-{number}" for number in range(MANY // 4))]
    for number in range(MANY):
        machine = await stage.make(f"a-name-as-long-as-can-be-{number:05}", who=people[number // 4])
        await grace.post("/allowed-ips", data={"cidr": f"203.0.113.{number}", "label": f"The {number}th office"})
    await stage.carry_out((await stage.destroy(machine.id, who="ada")).id)
    await ada.post("/admin/workstations/actions", data={"verb": "stop", "workstation_id": [machine.id]})
    return [{"workstation_id": machine.id}]


STATES: dict[str, Callable[[Stage, httpx2.AsyncClient, httpx2.AsyncClient], Awaitable[Ids]]] = {
    "empty": empty,
    "busy": busy,
    "failed": failed,
    "full": full,
}


def addresses(ids: Ids) -> list[str]:
    """Of the pages without an ID, and of those of these things."""
    wanted = [path for path in PATHS if "{" not in path]
    for each in ids:
        wanted += [
            path.format(**each) for path in PATHS if "{" in path and set(re.findall(r"{(\w+)}", path)) == set(each)
        ]
    return wanted


async def are_pages(client: httpx2.AsyncClient, wanted: list[str]) -> list[str]:
    """Those that answer this person with a page, and not with a file or another address."""
    answers = {address: await client.get(address) for address in wanted}
    assert [address for address, answer in answers.items() if answer.is_server_error] == []
    return [
        address
        for address, answer in answers.items()
        if answer.is_success and answer.headers.get("content-type", "").startswith("text/html")
    ]


@pytest.mark.timeout(900)  # axe on 60 pages
@pytest.mark.parametrize("state", STATES)
async def test_nobody_is_kept_from_reading_any_page(
    state: str, app: FastAPI, stage: Stage, windows: Windows, grace: httpx2.AsyncClient
) -> None:
    ada = await signed_in(app, "ada")
    wanted = addresses(await STATES[state](stage, grace, ada))
    scheme, width = LOOKS[state]
    looks = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    visits = {"grace": await are_pages(grace, wanted)}
    visits["ada"] = [each for each in await are_pages(ada, wanted) if each not in visits["grace"]]
    assert min(len(visited) for visited in visits.values()) > 8
    found: list[str] = []
    for name, visited in visits.items():
        page = await windows.page(name, **looks)
        purged = await left_out(page)
        for address in visited:
            await page.goto(address)
            found += await problems(page) + await missed(page, purged)
            await page.set_viewport_size({"width": 320, "height": 640})
            found += await too_wide(page)
            await page.set_viewport_size({"width": width, "height": 800})
    assert not found, "\n".join(found)
