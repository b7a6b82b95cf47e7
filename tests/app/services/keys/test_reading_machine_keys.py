"""How much is read to know which keys are on which machine."""

import pytest

from app.models import Run
from tests.app.counting import loaded, statements
from tests.app.services.keys.grace_keys import Keys, names

pytestmark = pytest.mark.anyio


async def test_the_keys_on_many_machines_are_read_at_once(keys: Keys) -> None:
    counted = []
    for name in ("dev-1", "dev-2", "dev-3"):
        await keys.make(name)
        with statements(keys.stage.database) as sent:
            await keys.on(name)
        counted.append(len(sent))
    assert counted == [counted[0]] * 3


async def test_of_a_long_history_only_what_came_since_the_last_success_is_read(keys: Keys) -> None:
    machine = await keys.make()
    for size in range(200, 230):
        await keys.stage.change(machine, disk_size_gb=size)
        await keys.carry_out(machine)
    await keys.add("laptop")
    with loaded(Run) as seen:
        found = await keys.on()
    assert len(seen) == 2
    assert (names(found.certain), found.will_be_up_to_date) == (["stationmaster"], True)
