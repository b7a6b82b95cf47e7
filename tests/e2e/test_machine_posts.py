"""A machine that posts to the portal is answered: a stop is warned of in its terminals, and `keep` is known at once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.conftest import NO_QUESTION, Laptop, Person, install
from tests.portal_process import ApiUser, PortalProcess, running_portal

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]
PATIENCE_S = 400
"""An agent reports every minute: on a busy computer, later."""
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    account = {"STATIONMASTER_SERVICE_ACCOUNT_EMAIL": "workstations@pocket-project.iam.gserviceaccount.com"}
    with running_portal(tmp_path_factory.mktemp("posts") / "data", account) as portal:
        yield portal


@pytest.fixture(scope="module")
def grace_api(portal: PortalProcess) -> ApiUser:
    return ApiUser(portal, "grace@example.com")


def stop_in(minutes: int) -> dict[str, object]:
    """Office hours that end so soon."""
    return {"stop": f"{datetime.now(UTC) + timedelta(minutes=minutes):%H:%M}", "days": DAYS, "time_zone": "UTC"}


def test_a_stop_is_warned_of_in_the_terminal_and_keep_is_answered(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("working")
    grace_api.wait(made["id"], "running")
    path = f"/api/v1/workstations/{made['id']}"
    install(person, equipped, grace_api)

    with equipped.terminal("ssh", *NO_QUESTION, "working") as terminal:
        terminal.wait_for("Keep your work there.", PATIENCE_S)
        answer = grace_api.call("PUT", f"{path}/office-hours", stop_in(20))
        assert answer.status == 200, answer.text
        terminal.wait_for("Broadcast message from root@", PATIENCE_S)
        terminal.wait_for("its office hours end. To keep it running, type: keep 4h", PATIENCE_S)
        terminal.enter("true")
        terminal.wait_for("its office hours end. To keep it running, type: keep 4h", PATIENCE_S, times=2)
        terminal.enter("keep 4h")
        terminal.wait_for("Kept running until ", PATIENCE_S)
        state = grace_api.call("GET", f"{path}/idle-stop").json
        kept = datetime.fromisoformat(state["kept_until"])
        assert timedelta(hours=3) < kept - datetime.now(UTC) <= timedelta(hours=4)
        assert terminal.shown.count("Broadcast message") == 1
    with equipped.terminal("ssh", *NO_QUESTION, "working") as terminal:
        terminal.wait_for("This machine costs $", PATIENCE_S)
