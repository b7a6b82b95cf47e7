"""Terraform is stopped while it makes the shared stack: the next run takes in what is there, then all goes.

`STOPS=20 SEED=7` in the environment: so many points, drawn by this seed.
"""

import os
import random
import time
from collections.abc import Iterator

import pytest

from tests.e2e.shared_stack import SETTINGS, SharedStack
from tests.portal_process import ApiUser, running_portal

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
PARTS = ("docker_registry", "kubernetes", "mlflow", "pypi_registry", "service_accounts", "sql", "storage")
NOTHING = {f"deploy_{part}": False for part in PARTS} | {"enable_services": False}
EVERYTHING = {
    **dict.fromkeys((*NOTHING, "authoritative_admins"), True),
    "member_service_accounts": True,
    "create_service_account_keys": True,
    "deletion_protection": False,
    "force_destroy_buckets": True,
}
STOPS, SEED = int(os.environ.get("STOPS", "5")), int(os.environ.get("SEED", "1"))
LAST = 66
"""Of the 70 things that are made: after it, Terraform may have ended before it is stopped."""
OWNERS = ["user:ada@example.com", "user:grace@example.com"]


def drawn() -> list[tuple[int, list[str]]]:
    """Points at which Terraform is stopped, by the number of things made so far, and how."""
    draw = random.Random(SEED)
    return [(draw.randint(1, LAST), draw.choice((["now"], ["now", "force"]))) for _ in range(STOPS)]


def destroy(stack: SharedStack) -> None:
    """Nothing is left, and no role either: the admins' grants go with it, as whoever approves that is told."""
    stack.destroy()
    assert (stack.left(), stack.granted()) == ([], [])


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedStack]:
    """With waits, so that many things are being made at once."""
    with running_portal(tmp_path_factory.mktemp("stopped") / "data", {"EMULATOR_LATENCY": "0.5"}) as portal:
        stack = SharedStack(portal, ApiUser(portal, "ada@example.com"))
        # A list that is to be exclusive has to be there first.
        stack.configure(**NOTHING)
        for principal in OWNERS:
            stack.run("POST", "/api/v1/iam-admins", {"principal": principal})
        destroy(stack)
        yield stack


def stop(stack: SharedStack, run_id: str, modes: list[str]) -> None:
    """Interrupt Terraform, which abandons what it is making, or kill it as well."""
    for mode in modes:
        answer = stack.ada.call("POST", f"/api/v1/runs/{run_id}/cancel", {"mode": mode})
        assert answer.status == 200, answer.text


def stop_at(stack: SharedStack, made: int, modes: list[str], **settings: object) -> None:
    """Stop Terraform once it has made so many things."""
    run_id = stack.begin("PATCH", SETTINGS, {"settings": settings})
    deadline = time.monotonic() + 200
    while len(stack.left()) < made:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stop(stack, run_id, modes)
    assert stack.ada.wait_run(run_id, "canceled", "errored", "applied")["status"] == "canceled"


@pytest.mark.parametrize(("made", "modes"), drawn())
def test_what_a_stopped_terraform_left_is_taken_in(stack: SharedStack, made: int, modes: list[str]) -> None:
    stop_at(stack, made, modes, **EVERYTHING)
    stack.configure(**EVERYTHING)
    assert stack.check() == "no_changes"
    destroy(stack)


@pytest.mark.parametrize(("made", "modes"), drawn()[:2])
def test_what_a_stopped_terraform_left_is_destroyed_at_once(stack: SharedStack, made: int, modes: list[str]) -> None:
    stop_at(stack, made, modes, **EVERYTHING)
    destroy(stack)


def test_what_a_stopped_terraform_left_is_deleted_by_who_does_not_want_it(stack: SharedStack) -> None:
    stop_at(stack, 20, ["now", "force"], **EVERYTHING)
    stack.configure(**NOTHING, authoritative_admins=False)
    assert stack.objects("google_storage_bucket") == []
    destroy(stack)
