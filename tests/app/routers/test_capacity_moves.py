"""Whether a machine without capacity moves by itself, on the page of its capacity."""

import re

import httpx2
import pytest

from app.models import Workstation
from tests.clients import refusal
from tests.stage import Stage

pytestmark = pytest.mark.anyio


async def test_a_move_by_itself_is_chosen_on_the_same_page(stage: Stage, grace: httpx2.AsyncClient) -> None:
    machine = await stage.make()
    path = f"/workstations/{machine.id}"
    sentence, ticked = (
        "it then moves to another zone of its region by itself",
        r'name="moves_itself"\s+value="yes"\s+checked',
    )
    assert sentence not in (await grace.get(path)).text
    await grace.post(f"{path}/capacity", data={"wait_hours": "0", "moves_itself": "yes"})
    assert sentence in (await grace.get(path)).text
    assert re.search(ticked, (await grace.get(f"{path}/capacity")).text)
    wrong = await refusal(grace, f"{path}/capacity", {"wait_hours": "many"})
    assert not re.search(ticked, wrong.text)
    await grace.post(f"{path}/capacity", data={"wait_hours": "0"})
    assert not (await stage.row(Workstation, machine.id)).moves_itself
