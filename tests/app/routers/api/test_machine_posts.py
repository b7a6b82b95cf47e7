"""What machines post themselves: whose token is accepted, and that a record counts once, whatever way it comes."""

from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.infra.machine_tokens import MOST_A_MINUTE
from app.models.machine_report import LONGEST_ACTIVITY
from app.services.workstations.observations import Sighting
from tests.app.routers.api.posting import ACTIVITY, NUMBER, PORTAL, Machine, forget_posts

pytestmark = pytest.mark.anyio
NO_JSON = (b"", b"{", b"\xff", b"[" * 3000)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda each: st.lists(each, max_size=3)
)
RECORDS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("at", "cpu", "gpus", "minutes", "logins", "busiest", "kernels"), JSON)
)


async def test_a_record_is_taken_in_at_once(machine: Machine) -> None:
    answer = await machine.tell_portal(machine.record())
    assert answer.status_code == 200, answer.text
    assert await machine.cpu() == (42, [42])


async def test_a_record_counts_once_whatever_way_it_comes(machine: Machine) -> None:
    earlier, record = machine.record(11, before=1), machine.record(42)
    again = {**record, "cpu": 43, "minutes": [[record["minutes"][0][0], None, 43]]}
    await machine.tell_portal(record)
    await machine.tell(again)
    await machine.tell(earlier)
    await machine.tell_portal(again)
    assert await machine.cpu() == (42, [42])


async def test_an_older_post_does_not_replace_what_was_read(machine: Machine) -> None:
    await machine.tell(machine.record(42))
    assert (await machine.tell_portal(machine.record(11, before=1))).status_code == 200
    assert (await machine.cpu())[0] == 42


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://accounts.google.com.evil.test"},
        {"iss": None},
        {"aud": "portal"},
        {"aud": [PORTAL, 7]},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": 1 << 40},
        {"iat": None},
        {"google": None},
        {"google": "compute_engine"},
        {"google": {"compute_engine": []}},
        {"google": {"compute_engine": {"instance_id": 7}}},
    ],
    ids=str,
)
async def test_a_token_with_another_claim_is_refused(machine: Machine, claims: dict[str, Any]) -> None:
    answer = await machine.tell_portal(machine.record(), machine.token(**claims))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "sign_in_required")
    assert await machine.cpu() == (None, [])


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"project_id": "another-project"}, 401),
        ({"instance_id": 7290415528930012345}, 401),
        ({"instance_id": "1"}, 404),
        ({"instance_name": "another"}, 404),
        ({"zone": "us-central1-a"}, 404),
        ({"zone": "\0"}, 404),
        ({"instance_id": "\0"}, 401),
    ],
    ids=str,
)
async def test_another_machine_is_refused(machine: Machine, changed: dict[str, Any], status: int) -> None:
    assert (await machine.tell_portal(machine.record(), machine.token(of=changed))).status_code == status
    assert await machine.cpu() == (None, [])


async def test_a_token_that_google_did_not_sign_is_refused(machine: Machine) -> None:
    machine.google.forged = True
    assert (await machine.tell_portal(machine.record())).status_code == 401
    machine.google.forged, machine.google.algorithm = False, "none"
    assert (await machine.tell_portal(machine.record())).status_code == 401
    for token in ("x", "a.b.c", "e30.e30.e30", machine.token()[:-9], machine.token() * 9):
        assert (await machine.tell_portal(machine.record(), token)).status_code == 401, token


async def test_an_old_token_is_refused(machine: Machine) -> None:
    token = machine.token()
    machine.stage.clock.advance(minutes=11)
    assert (await machine.tell_portal(machine.record(), token)).status_code == 401


async def test_a_deleted_machine_is_not_its_successor_of_the_same_name(machine: Machine) -> None:
    await machine.seen(Sighting("RUNNING", machine.stage.clock(), google_id="8"))
    assert (await machine.tell_portal(machine.record())).status_code == 404
    assert (await machine.tell_portal(machine.record(), machine.token(of={"instance_id": "8"}))).status_code == 200


async def test_a_machine_that_does_not_run_posts_nothing(machine: Machine) -> None:
    await machine.seen(Sighting("TERMINATED", google_id=NUMBER))
    assert (await machine.tell_portal(machine.record())).status_code == 409
    await machine.seen(Sighting("ABSENT"))
    assert (await machine.tell_portal(machine.record())).status_code == 404


async def test_a_machines_token_opens_nothing_else(machine: Machine) -> None:
    headers = {"Authorization": f"Bearer {machine.token()}"}
    for path in ("/api/v1/workstations", f"/api/v1/workstations/{machine.row.id}", "/ssh_compute_config", "/"):
        assert (await machine.client.get(path, headers=headers)).status_code == 401, path


async def test_a_machine_that_posts_without_end_is_told_to_wait(machine: Machine) -> None:
    answers = [await machine.tell_portal(machine.record()) for _ in range(MOST_A_MINUTE + 1)]
    assert [answer.status_code for answer in answers] == [200] * MOST_A_MINUTE + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_google_does_not_say_its_keys(machine: Machine) -> None:
    machine.google.discovery_status = 500
    assert (await machine.tell_portal(machine.record())).status_code == 503
    machine.google.discovery_status = 200
    assert (await machine.tell_portal(machine.record())).status_code == 200


async def test_a_record_that_is_too_large_is_not_read(machine: Machine) -> None:
    large = await machine.tell_portal({**machine.record(), "filler": "x" * LONGEST_ACTIVITY})
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"{}",
        b'{"record": {}}',
        b'{"record": 7}',
        b'{"record": {"at": "tomorrow"}}',
        b"[" * 3000,
    ],
)
async def test_nonsense_is_refused(machine: Machine, body: bytes) -> None:
    answer = await machine.post(body, ACTIVITY)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["error"]["message"]
    assert await machine.cpu() == (None, [])


async def test_no_record_breaks_anything(machine: Machine, app: FastAPI) -> None:
    bodies: list[dict[str, Any]] = []

    @settings(max_examples=40, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(RECORDS)
    def collect(record: dict[str, Any]) -> None:
        bodies.append(record)

    collect()
    at = machine.record()["at"]
    for number, record in enumerate(bodies):
        if not number % MOST_A_MINUTE:
            forget_posts(app, machine.google)
        answer = await machine.tell_portal({"at": at, **record} if number % 2 else record)
        assert answer.status_code in {200, 422}, (record, answer.text)
    assert await machine.cpu()
