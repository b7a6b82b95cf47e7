"""Google reads and writes guest attributes a few times a minute and no more."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from emulator.core.errors import CloudError
from emulator.core.rate_limit import RateLimit
from tests.emulator.world import World, refused
from tests.emulator_process import start_emulator


def test_a_limit_is_for_each_minute_and_each_machine() -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    limit = RateLimit(2, lambda: now[0])
    for _ in range(2):
        limit.count("one")
    with pytest.raises(CloudError, match="Quota exceeded for quota metric 'Queries'"):
        limit.count("one")
    limit.count("other")
    now[0] += timedelta(seconds=60)
    limit.count("one")


def test_without_a_limit_everything_goes() -> None:
    limit = RateLimit(0, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for _ in range(100):
        limit.count("one")


def write(world: World, instance: str) -> int:
    url = f"{world.emulator.url}/_emulator/machines/{instance}/computeMetadata/v1/instance/guest-attributes/a/b"
    try:
        with urlopen(Request(url, b"c", {"Metadata-Flavor": "Google"}, method="PUT")) as answer:
            return int(answer.status)
    except OSError as error:
        return int(getattr(error, "code", 0))


def test_the_setting_limits_reads_and_writes(tmp_path: Path) -> None:
    emulator = start_emulator(tmp_path, EMULATOR_GUEST_ATTRIBUTES_PER_MINUTE="3")
    try:
        world = World(emulator)
        instance = world.instance()
        assert [write(world, instance) for _ in range(4)] == [200, 200, 200, 429]
        for _ in range(3):
            world.rest(f"{instance}/getGuestAttributes?queryPath=a/")
        error = refused(lambda: world.rest(f"{instance}/getGuestAttributes?queryPath=a/"))
        assert (error["code"], error["errors"][0]["reason"]) == (403, "rateLimitExceeded")
    finally:
        emulator.stop()
