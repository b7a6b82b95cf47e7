"""The deletion of a data disk, and where its files are found again, as a browser shows them."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from app.models import Run, SnapshotReason
from tests.app.in_browser.windows import Windows, problems
from tests.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
async def test_the_pages_are_accessible_and_fit_the_window(
    stage: Stage, windows: Windows, scheme: str, width: int
) -> None:
    gone = await stage.make("a-name-as-long-as-they-can-be1")
    machine = await stage.make("dev-2")
    run = await stage.destroy(gone.id, keep_disk=False)
    expires_at = stage.clock() + timedelta(days=14)
    await stage.snapshot(gone.id, reason=SnapshotReason.DELETED, expires_at=expires_at)
    await stage.carry_out(run.id)

    view = {"width": width, "height": 900}
    page = await windows.page("grace", color_scheme=scheme, viewport=view)
    found: list[str] = []
    for path in (f"/workstations/{gone.id}", "/", f"/workstations/{machine.id}/destroy"):
        await page.goto(path)
        found += await problems(page)
    await expect(page.get_by_label("Delete the files at once")).to_be_hidden()
    await page.get_by_label("Delete the disk too").check()
    await page.get_by_label("Delete the files at once").check()
    await page.get_by_role("button", name="Delete dev-2").click()
    await expect(page.get_by_role("heading", name="Deleting dev-2")).to_be_visible()
    assert (await stage.row(Run, await stage.pending(machine.id))).rest_days == 0
    await page.goto("/")
    await page.get_by_role("region", name="Deleted disks").get_by_role("link", name="New machine").click()
    await expect(page.get_by_label("Files on the data disk")).to_contain_text("a-name-as-long-as-they-can-be1")
    admin = await windows.page("ada", color_scheme=scheme, viewport=view)
    await admin.goto("/admin/policy")
    await admin.get_by_label("Days for deleted disks").fill("91")
    await admin.get_by_role("button", name="Save policy").click()
    await expect(admin.locator("#rest_days-error")).to_have_text("Enter a whole number from 0 to 90.")
    found += await problems(admin)
    assert found == []
