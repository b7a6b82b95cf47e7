"""The list of IAM admins as the whole list: switched off, nobody loses the role for a moment."""

import json
from typing import Any

import pytest

from app.worker.claim import Tools
from app.worker.execute import execute
from tests.app.worker.scripted import Script
from tests.app.worker.shared_stack import Shared
from tests.parts import MovingClock

pytestmark = pytest.mark.anyio
BINDING = {
    "mode": "managed",
    "type": "google_project_iam_binding",
    "name": "this",
    "instances": [{"index_key": 0, "attributes": {"role": "roles/owner", "members": ["user:ada@example.com"]}}],
}


@pytest.fixture
def shared(tools: Tools, script: Script) -> Shared:
    return Shared(tools, script)


def seen(shared: Shared) -> dict[str, Any]:
    """The state that the last plan began with."""
    return dict(json.loads((shared.script.folder / "seen").read_text()))


@pytest.mark.parametrize(
    ("fields", "is_planned_with_it"),
    [
        ({"sql_tier": "db-g1-small"}, True),
        ({"authoritative_admins": False}, False),
        ({"iam_admin_role": "roles/editor"}, False),
    ],
)
async def test_a_binding_that_is_to_end_is_forgotten_since_its_end_takes_the_role_from_all(
    shared: Shared, clock: MovingClock, fields: dict[str, object], is_planned_with_it: bool
) -> None:
    await shared.applied(BINDING, authoritative_admins=True)
    shared.script.on("plan", f"cp terraform.tfstate {shared.script.folder}/seen; echo plan > tfplan\n")
    clock.advance(minutes=1)
    await execute(shared.tools, await shared.configure(**{"authoritative_admins": True, **fields}))
    assert (seen(shared)["serial"], BINDING in seen(shared)["resources"]) == (3, is_planned_with_it)

    await execute(shared.tools, await shared.ask("check"))
    assert (BINDING in seen(shared)["resources"]) is is_planned_with_it
    await execute(shared.tools, await shared.ask("destroy"))
    assert seen(shared)["resources"] == []
