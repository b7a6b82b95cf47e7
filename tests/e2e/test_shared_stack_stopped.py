"""Terraform is stopped while it makes the shared stack: the next run takes in what is there, then all goes.

`STOPS=20 SEED=7` in the environment: so many points, drawn by this seed.
"""

import os
import random
import time
from collections.abc import Iterator

import pytest

from tests.e2e.shared_stack import SETTINGS, SharedStack
from tests.portal_process import ApiUser, PortalProcess

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
EVERYTHING = {
    "deploy_kubernetes": True,
    "member_service_accounts": True,
    "create_service_account_keys": True,
    "deletion_protection": False,
    "force_destroy_buckets": True,
}
STOPS, SEED = int(os.environ.get("STOPS", "5")), int(os.environ.get("SEED", "1"))
LAST = 66
"""Of the 70 things that are made: after it, Terraform may have ended before it is stopped."""


def drawn() -> list[tuple[int, list[str]]]:
    """Points at which Terraform is stopped, by the number of things made so far, and how."""
    draw = random.Random(SEED)
    return [(draw.randint(1, LAST), draw.choice((["now"], ["now", "force"]))) for _ in range(STOPS)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedStack]:
    """With waits, so that many things are being made at once."""
    portal = PortalProcess(tmp_path_factory.mktemp("stopped") / "data", {"EMULATOR_LATENCY": "0.5"})
    portal.start()
    yield SharedStack(portal, ApiUser(portal, "ada@example.com"))
    assert portal.stop() == 0, portal.log_file.read_text()


def stop(stack: SharedStack, run_id: str, modes: list[str]) -> None:
    """Interrupt Terraform, which abandons what it is making, or kill it as well."""
    for mode in modes:
        answer = stack.ada.call("POST", f"/api/v1/runs/{run_id}/cancel", {"mode": mode})
        assert answer.status == 200, answer.text


@pytest.mark.parametrize(("made", "modes"), drawn())
def test_what_a_stopped_terraform_left_is_taken_in(stack: SharedStack, made: int, modes: list[str]) -> None:
    run_id = stack.begin("PATCH", SETTINGS, {"settings": EVERYTHING})
    deadline = time.monotonic() + 200
    while len(stack.left()) < made:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stop(stack, run_id, modes)
    assert stack.ada.wait_run(run_id, "canceled", "errored", "applied")["status"] == "canceled"

    stack.configure(**EVERYTHING)
    assert stack.check() == "no_changes"
    stack.destroy()
    assert stack.left() == []
