"""The page that changes a workstation, and the check."""

import re

import httpx2
import pytest

from app.models import Run, RunKind, Workstation
from app.services.terraform import plans
from tests.clients import create, refusal, run_from, run_of
from tests.parts import MovingClock
from tests.stage import Stage

pytestmark = pytest.mark.anyio
AS_IT_IS = {"machine_type": "e2-standard-4", "disk_size_gb": "100", "disk_type": "pd-balanced", "image": ""}


@pytest.fixture
async def machine_id(stage: Stage, grace: httpx2.AsyncClient, clock: MovingClock) -> str:
    machine_id = await create(grace)
    await stage.carry_out(await run_of(grace, machine_id))
    clock.advance(minutes=1)
    return machine_id


async def _request(
    stage: Stage, grace: httpx2.AsyncClient, machine_id: str, action: str, data: dict[str, str] | None = None
) -> Run:
    return await stage.row(Run, await run_from(grace, machine_id, action, data))


async def test_the_form_starts_with_what_the_machine_is(grace: httpx2.AsyncClient, machine_id: str) -> None:
    assert f'href="/workstations/{machine_id}/change"' in (await grace.get(f"/workstations/{machine_id}")).text
    page = (await grace.get(f"/workstations/{machine_id}/change")).text

    assert 'value="100"' in page
    assert "Current (Ubuntu 24.04" in page
    assert "No changes yet" in page
    assert "$0.18</span> per hour" in page


async def test_the_form_starts_with_what_the_machine_is_going_to_be(grace: httpx2.AsyncClient, machine_id: str) -> None:
    await grace.post(f"/workstations/{machine_id}/change", data={**AS_IT_IS, "disk_size_gb": "200", "spot": "yes"})
    page = (await grace.get(f"/workstations/{machine_id}/change")).text

    assert 'value="200"' in page
    assert page.count("checked") == 2


async def test_what_a_choice_does_is_said_before_it_is_sent(grace: httpx2.AsyncClient, machine_id: str) -> None:
    chosen = {**AS_IT_IS, "machine_type": "g2-standard-8", "disk_size_gb": "50"}
    form = await grace.get(f"/workstations/{machine_id}/change", params=chosen, headers={"HX-Request": "true"})

    assert "<html" not in form.text
    for sentence in (
        "Reducing the disk",
        "review the plan before",
        "Adding the NVIDIA L4: the machine is replaced",
        "Changing the image",
    ):
        assert sentence in form.text


@pytest.mark.parametrize(
    ("before", "after", "sentence", "image"),
    [
        (
            "g2-standard-8",
            "n1-standard-8",
            "Replacing the NVIDIA L4 by the NVIDIA T4: the machine is replaced",
            "Current",
        ),
        ("g2-standard-8", "e2-standard-4", "Removing the NVIDIA L4: the machine is replaced", "Default"),
        ("n1-standard-8", "e2-standard-4", "Removing the NVIDIA T4: the machine is replaced", "Default"),
        ("g2-standard-8", "g2-standard-12", "the machine is stopped and started again", "Current"),
    ],
)
async def test_what_becomes_of_a_gpu_and_the_image_is_said(
    stage: Stage, grace: httpx2.AsyncClient, before: str, after: str, sentence: str, image: str
) -> None:
    machine = await stage.make(machine_type=before)
    chosen = {**AS_IT_IS, "machine_type": after}
    form = (await grace.get(f"/workstations/{machine.id}/change", params=chosen)).text

    assert sentence in form
    assert "in place" not in form
    assert ("is replaced, and files" in form) != ("stopped and started" in form)
    assert re.findall(r'<option value=""[^>]*>\s*(\w+) \(', form) == [image]


async def test_a_larger_boot_disk_has_its_price_and_no_restart(grace: httpx2.AsyncClient, machine_id: str) -> None:
    chosen = {**AS_IT_IS, "boot_disk_size_gb": "150"}
    form = (await grace.get(f"/workstations/{machine_id}/change", params=chosen, headers={"HX-Request": "true"})).text
    assert "The boot disk is enlarged to 150 GB while the machine runs." in form
    assert "Boot disk: " in form
    before = (await grace.get(f"/workstations/{machine_id}/change", params=AS_IT_IS)).text
    assert _price(form) > _price(before)


async def test_only_what_differs_is_changed(stage: Stage, grace: httpx2.AsyncClient, machine_id: str) -> None:
    run = await _request(stage, grace, machine_id, "change", {**AS_IT_IS, "disk_size_gb": "200"})

    assert (run.kind, run.changes) == (RunKind.UPDATE, {"disk_size_gb": 200})


async def test_spot_is_switched_off_by_leaving_its_box_empty(
    stage: Stage, grace: httpx2.AsyncClient, machine_id: str
) -> None:
    await grace.post(f"/workstations/{machine_id}/change", data={**AS_IT_IS, "spot": "yes"})
    run = await _request(stage, grace, machine_id, "change", AS_IT_IS)

    assert run.changes == {"spot": False}


async def test_the_home_folder_is_moved_by_a_box(stage: Stage, grace: httpx2.AsyncClient, machine_id: str) -> None:
    kept = await _request(stage, grace, machine_id, "change", {**AS_IT_IS, "home_on_data_disk": "yes"})
    assert (kept.changes, kept.inputs["home_on_data_disk"]) == ({"home_on_data_disk": True}, True)
    left = await _request(stage, grace, machine_id, "change", AS_IT_IS)
    assert left.changes == {"home_on_data_disk": False}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("machine_type", "m9-huge", "This machine type is not available."),
        ("boot_disk_size_gb", "lots", "Enter a whole number of GB, such as 50."),
        ("boot_disk_size_gb", "49", "A boot disk cannot shrink. Enter 50 GB or more."),
        ("disk_size_gb", "lots", "Enter a whole number of GB"),
        ("disk_size_gb", "9" * 5000, "Enter a whole number of GB"),
        ("disk_size_gb", "9", "Enter a size from 10 to 64,000 GB."),
        ("disk_type", "floppy", "This disk type is not available."),
        ("image", "evil/image", "This image is not available."),
    ],
)
async def test_what_does_not_fit_is_said_at_its_field_with_what_was_typed_kept(
    grace: httpx2.AsyncClient, machine_id: str, field: str, value: str, sentence: str
) -> None:
    typed = {**AS_IT_IS, "spot": "yes", field: value}
    page = await refusal(grace, f"/workstations/{machine_id}/change", typed)

    assert f'id="{field}-error"' in page.text
    assert sentence in page.text
    assert 'name="spot"' in page.text


async def test_a_form_that_changes_nothing_is_shown_again(grace: httpx2.AsyncClient, machine_id: str) -> None:
    page = await refusal(grace, f"/workstations/{machine_id}/change", AS_IT_IS)

    assert "No changes to apply" in page.text


async def test_a_check_changes_nothing_and_a_restore_plans_the_same_again(
    stage: Stage, grace: httpx2.AsyncClient, machine_id: str
) -> None:
    check = await _request(stage, grace, machine_id, "check")
    assert check.kind is RunKind.CHECK
    again = await grace.post(f"/workstations/{machine_id}/check")
    assert (again.headers["location"], await stage.pending(machine_id)) == (f"/workstations/{machine_id}", check.id)
    restore = await _request(stage, grace, machine_id, "restore")
    assert (restore.kind, restore.changes) == (RunKind.UPDATE, {})
    assert "in progress" in (await refusal(grace, f"/workstations/{machine_id}/check")).text


async def test_a_machine_that_has_drifted_says_so_and_what_can_be_done(
    stage: Stage, grace: httpx2.AsyncClient, machine_id: str
) -> None:
    run_id = await run_of(grace, machine_id)
    async with stage.working_on(run_id) as (ctx, _):
        (await ctx.session.get_one(Workstation, machine_id)).become_checked(run_id, ctx.now)
    page = (await grace.get(f"/workstations/{machine_id}")).text
    assert "has drifted from its settings" in page
    assert f'action="/workstations/{machine_id}/restore"' in page
    assert "/keep-drift" not in page
    await refusal(grace, f"/workstations/{machine_id}/keep-drift")
    differs = {"path": "machine_type", "before": "e2-standard-8", "after": "e2-standard-4", "note": None}
    found = {"address": "a", "type": "google_compute_instance", "name": "workstation", "action": "update"}
    async with stage.working_on(run_id) as (ctx, _):
        view = {"changes": [{**found, "attributes": [differs]}], "outputs": []}
        await plans.keep(ctx.session, ctx.vault, run_id, view, ctx.now)
    assert "/keep-drift" in (await grace.get(f"/workstations/{machine_id}")).text
    kept = await _request(stage, grace, machine_id, "keep-drift")
    assert (kept.kind, kept.changes["machine_type"]) == (RunKind.UPDATE, "e2-standard-8")


async def test_a_machine_on_its_way_out_is_not_changed(grace: httpx2.AsyncClient, machine_id: str) -> None:
    await grace.post(f"/workstations/{machine_id}/destroy")
    form = await grace.get(f"/workstations/{machine_id}/change")
    assert (form.status_code, "is being deleted" in form.text) == (409, True)
    changed = await grace.post(f"/workstations/{machine_id}/change", data={**AS_IT_IS, "spot": "yes"})
    assert "is being deleted" in (await grace.get(changed.headers["location"])).text
    assert "is being deleted" in (await refusal(grace, f"/workstations/{machine_id}/check")).text


def _price(page: str) -> float:
    """Dollars an hour of what is chosen."""
    found = re.search(r'class="estimate-price">.*?\$([0-9.]+)', page, re.DOTALL)
    assert found
    return float(found[1])
