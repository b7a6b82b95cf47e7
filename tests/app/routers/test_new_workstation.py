"""The form of a new workstation: what it offers, what it refuses, and its prices."""

import html
import re
from dataclasses import replace

import httpx2
import pytest
from fastapi import FastAPI

from app.db import Database
from app.models import Run, Workstation
from app.services.catalog.availability import Availability
from tests.app.counting import rows
from tests.clients import create, refusal, run_of
from tests.parts import MovingClock
from tests.stage import Stage

pytestmark = pytest.mark.anyio
HTMX = {"HX-Request": "true"}


async def test_the_form_is_ready_to_be_sent_as_it_is(grace: httpx2.AsyncClient) -> None:
    await create(grace)
    page = await grace.get("/workstations/new")

    assert 'value="dev-2"' in page.text
    assert "NVIDIA L4" in page.text
    assert "$0.18</span> per hour" in page.text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "Big One", "Use 1 to 30 lower-case letters"),
        ("name", "", "Use 1 to 30 lower-case letters"),
        ("name", 'x"><script>alert(1)</script>', "Use 1 to 30 lower-case letters"),
        ("machine_type", "m9-huge", "This machine type is not available."),
        ("machine_type", "", "This machine type is not available."),
        ("zone", "mars-central1-a", "This zone is not available."),
        ("disk_size_gb", "lots", "Enter a whole number of GB"),
        ("disk_size_gb", "9" * 5000, "Enter a whole number of GB"),
        ("disk_size_gb", "-1", "Enter a size from 10 to 64,000 GB."),
        ("boot_disk_size_gb", "49", "Enter a size from 50 to 64,000 GB."),
        ("boot_disk_size_gb", "0x50", "Enter a whole number of GB, such as 50."),
        ("disk_type", "floppy", "This disk type is not available."),
        ("disk_type", "hyperdisk-balanced", "does not support Hyperdisk Balanced disks. Choose Balanced or SSD."),
        ("zone", "us-central1-f", "g2-standard-8 is not available in us-central1-f. Available in europe-west4-a"),
        ("image", "evil/image", "This image is not available."),
        ("snapshot", "../../x", "This is not a valid snapshot name."),
        ("snapshot", "nul\0", "This is not a valid snapshot name."),
        ("name", "nul\0", "Use 1 to 30 lower-case letters"),
        ("name", "Ünïcödé", "Use 1 to 30 lower-case letters"),
        ("disk_size_gb", "1e309", "Enter a whole number of GB"),
        ("disk_size_gb", "true", "Enter a whole number of GB"),
    ],
)
async def test_what_does_not_fit_is_said_at_its_field_with_what_was_typed_kept(
    database: Database, grace: httpx2.AsyncClient, field: str, value: str, sentence: str
) -> None:
    typed = {"name": "keep-me", "machine_type": "g2-standard-8", "disk_size_gb": "321", field: value}
    page = await refusal(grace, "/workstations", typed)

    assert f'id="{field}-error"' in page.text
    assert sentence in page.text
    assert "<script>alert" not in page.text
    if field != "name":
        assert 'value="keep-me"' in page.text
    assert await rows(database, Workstation, Run) == [0, 0]


@pytest.mark.parametrize("body", [b"", b"{}", b"%00=%00&=&&", b"name=%ff%00"])
async def test_a_form_without_its_fields_is_shown_again(
    database: Database, grace: httpx2.AsyncClient, body: bytes
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await grace.post("/workstations", content=body, headers=form)
    page = await grace.get(answer.headers["location"])

    assert 'id="name-error"' in page.text
    assert await rows(database, Workstation) == [0]


async def test_a_name_that_is_taken_is_said_at_the_field(grace: httpx2.AsyncClient) -> None:
    await create(grace)
    page = await refusal(grace, "/workstations", {"name": "dev-1", "machine_type": "g2-standard-8"})

    assert 'id="name-error"' in page.text
    assert 'value="dev-1"' in page.text
    assert "You already have a workstation named dev-1." in page.text


async def test_a_second_click_joins_the_first(database: Database, grace: httpx2.AsyncClient) -> None:
    assert await create(grace) == await create(grace)
    assert await rows(database, Run) == [1]


async def test_the_price_follows_the_choice(grace: httpx2.AsyncClient) -> None:
    chosen = {"name": "dev-1", "machine_type": "g2-standard-8", "zone": "us-central1-f", "disk_size_gb": "100"}
    form = await grace.get("/workstations/new", params=chosen, headers=HTMX)

    assert "<html" not in form.text
    assert "Not available in us-central1-f" in form.text


async def test_what_does_not_go_together_is_said_before_it_is_sent(grace: httpx2.AsyncClient) -> None:
    chosen = {"machine_type": "a3-highgpu-1g", "zone": "europe-west4-a", "disk_type": "pd-standard"}
    form = (await grace.get("/workstations/new", params=chosen, headers=HTMX)).text

    assert 'id="name-error"' not in form
    assert "a3-highgpu-1g is not available in europe-west4-a. Available in europe-west4-b, europe-west4-c" in form
    assert "does not support Standard (slow) disks. Choose Balanced, SSD or Hyperdisk Balanced." in form
    assert "is only available as Spot. Select Spot, or choose another machine type." in form


async def test_a_preset_fills_the_form_by_a_link(grace: httpx2.AsyncClient) -> None:
    page = (await grace.get("/workstations/new?name=mine&zone=europe-west4-c&machine_type=e2-standard-4")).text
    links = {
        label: html.unescape(link)
        for link, label in re.findall(r'class="preset"\s+href="(.+?)".*?<strong>(.+?)<', page, re.DOTALL)
    }

    assert list(links) == ["Small CPU", "Large CPU", "T4", "L4", "A100"]
    filled = (await grace.get(links["A100"])).text
    assert 'value="mine"' in filled
    assert 'value="500"' in filled
    assert re.search(r'value="a2-highgpu-1g"\s+checked', filled)
    assert '<option value="europe-west4-a" selected>' in filled, "the nearest zone that has it"
    assert 'aria-current="true"' in filled


async def test_the_price_is_said_by_the_month_as_well_and_what_spot_makes_of_it(grace: httpx2.AsyncClient) -> None:
    chosen = {"machine_type": "g2-standard-8", "zone": "us-central1-a", "disk_size_gb": "100"}
    on_demand = (await grace.get("/workstations/new", params=chosen)).text
    spot = (await grace.get("/workstations/new", params={**chosen, "spot": "yes"})).text

    assert "$641.78</span> per month, running 24/7" in " ".join(on_demand.split())
    assert 'Save <span class="nowrap">$0.37</span> per hour with Spot' in " ".join(on_demand.split())
    assert "Spot saves" in spot


async def test_a_price_that_is_known_in_part_is_said_to_be_so(grace: httpx2.AsyncClient) -> None:
    page = (await grace.get("/workstations/new?machine_type=g4-standard-48&zone=us-central1-b")).text

    assert "$4.50</span> per hour" in page
    assert "Disks not included" in page


async def test_how_long_it_takes_is_learnt_from_earlier_machines(
    stage: Stage, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    assert "Ready in about a minute, an estimate" in (await grace.get("/workstations/new")).text
    run_id = await run_of(grace, await create(grace, machine_type="e2-standard-4"))
    clock.advance(minutes=7)
    await stage.carry_out(run_id)

    page = (await grace.get("/workstations/new")).text
    assert "Ready in about 7 minutes, based on earlier builds." in page
    elsewhere = (await grace.get("/workstations/new?machine_type=e2-standard-4&zone=us-central1-a")).text
    assert "an estimate" in elsewhere


async def test_what_the_project_has_not_is_neither_offered_nor_accepted(
    app: FastAPI, grace: httpx2.AsyncClient, clock: MovingClock
) -> None:
    seen = Availability(absent={"europe-west4-a": ("e2-standard-4",)}, quotas={"europe-west4": {"NVIDIA_L4_GPUS": 0}})
    async with app.state.portal.database.sessions.begin() as session:
        await seen.keep(session, clock())
    page = (await grace.get("/workstations/new?machine_type=g2-standard-8&zone=europe-west4-a")).text
    refused = await refusal(grace, "/workstations", {"name": "dev-1", "machine_type": "e2-standard-4"})

    assert "Not in this zone" in page
    assert "No quota in this region" in page
    assert "Zones and quotas updated" in page
    assert "e2-standard-4 is not available in europe-west4-a. Available in europe-west4-b" in refused.text


@pytest.mark.parametrize("disk", ["disk_size_gb", "boot_disk_size_gb"])
@pytest.mark.parametrize("size", ["", "x", "٣", "1_000", "9" * 5000, "-5"])
async def test_a_disk_of_nonsense_leaves_the_other_prices_known(
    grace: httpx2.AsyncClient, disk: str, size: str
) -> None:
    form = await grace.get("/workstations/new", params={"machine_type": "e2-standard-4", disk: size})
    other = {"disk_size_gb": "Boot disk:", "boot_disk_size_gb": "Data disk alone:"}

    assert form.status_code == 200
    assert "Price unknown" not in form.text
    assert "Disks not included" in form.text
    assert [label for label in other.values() if label in form.text] == [other[disk]]


async def test_the_form_says_how_many_there_may_be_and_keeps_what_was_typed(
    app: FastAPI, grace: httpx2.AsyncClient
) -> None:
    portal = app.state.portal
    app.state.portal = replace(portal, settings=portal.settings.model_copy(update={"workstation_limit": 1}))
    assert "0 of 1 workstations" in (await grace.get("/workstations/new")).text
    await create(grace)
    refused = await refusal(grace, "/workstations", {"name": "another", "machine_type": "e2-standard-4"})

    assert "You have 1 of 1 workstations." in refused.text
    assert "ask an admin to raise the limit" in refused.text
    assert 'value="another"' in refused.text
    assert "another" not in (await grace.get("/")).text


async def test_the_home_folder_can_be_kept_on_the_data_disk(stage: Stage, grace: httpx2.AsyncClient) -> None:
    kept = await create(grace, name="kept", home_on_data_disk="yes")
    plain = await create(grace, name="plain")
    async with stage.database.sessions() as session:
        for machine_id, is_kept in ((kept, True), (plain, False)):
            run = await session.get_one(Run, await run_of(grace, machine_id))
            assert run.inputs["home_on_data_disk"] is is_kept
            assert (await session.get_one(Workstation, machine_id)).home_on_data_disk is is_kept
