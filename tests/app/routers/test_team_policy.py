"""The admins' page of the team's policy."""

import re

import httpx2
import pytest

from tests.clients import refusal
from tests.stage import Stage
from tests.steps import audit_entries

pytestmark = pytest.mark.anyio
PATH = "/admin/policy"
FORM = {
    "grace_days": "14",
    "dormant_days": "60",
    "rest_days": "14",
    "idle_minutes": "120",
    "idle_least": "60",
    "idle_most": "1440",
    "idle_gpu_percent": "5",
    "idle_cpu_percent": "10",
    "run_limit_hours": "0",
}


async def test_it_is_saved_and_audited(stage: Stage, ada: httpx2.AsyncClient) -> None:
    assert re.search(r'name="dormant_days"[^>]*value="30"', (await ada.get(PATH)).text)
    saved = await ada.post(PATH, data=FORM)
    assert saved.headers["location"] == f"{PATH}?done=policy_saved"
    assert re.search(r'name="dormant_days"[^>]*value="60"', (await ada.get(PATH)).text)
    await ada.post(PATH, data=FORM)
    async with stage.database.sessions() as session:
        [entry] = await audit_entries(session, action="team.change_policy")
    assert entry.before == {"grace_days": 7, "dormant_days": 30, "idle_minutes": 0}
    assert entry.after == {"grace_days": 14, "dormant_days": 60, "idle_minutes": 120}


async def test_an_idle_stop_can_be_required(ada: httpx2.AsyncClient) -> None:
    await ada.post(PATH, data={**FORM, "idle_required": "yes"})
    assert re.search(r'name="idle_required"[^>]*checked', (await ada.get(PATH)).text)
    await ada.post(PATH, data=FORM)
    assert not re.search(r'name="idle_required"[^>]*checked', (await ada.get(PATH)).text)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"grace_days": "0"}, "Enter a whole number from 1 to 90."),
        ({"grace_days": "91"}, "Enter a whole number from 1 to 90."),
        ({"grace_days": "1.5"}, "Enter a whole number from 1 to 90."),
        ({"dormant_days": ""}, "Enter a whole number from 7 to 365."),
        ({"rest_days": "91"}, "Enter a whole number from 0 to 90."),
        ({"rest_days": "-1"}, "Enter a whole number from 0 to 90."),
        ({"idle_least": "10"}, "Enter a whole number from 45 to 10080."),
        ({"idle_most": "59", "idle_minutes": "0"}, "Enter no less than the fewest minutes."),
        ({"idle_minutes": "59"}, "Enter a number within the bounds, or 0."),
        ({"idle_gpu_percent": "0"}, "Enter a whole number from 1 to 100."),
        ({"run_limit_hours": "2881"}, "Enter a whole number from 0 to 2880."),
        ({"dormant_days": "a month"}, "Enter a whole number from 7 to 365."),
    ],
)
async def test_what_is_out_of_bounds_is_refused_at_its_field(
    ada: httpx2.AsyncClient, changes: dict[str, str], sentence: str
) -> None:
    page = (await refusal(ada, PATH, {**FORM, **changes})).text
    field = next(iter(changes))
    assert re.search(rf'id="{field}-error".*?{re.escape(sentence)}', page, re.DOTALL)
    assert page.count('class="field-error"') == 1
