"""One cloud a module, and things to put in it."""

from collections.abc import Iterator

import pytest

from tests.emulator.world import World
from tests.emulator_process import start_emulator


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    emulator = start_emulator(tmp_path_factory.mktemp("cloud"))
    yield World(emulator)
    emulator.stop()
    # What a machine or a request tripped over shows up nowhere else.
    assert "Traceback" not in emulator.log, emulator.log
    assert "never awaited" not in emulator.log, emulator.log


@pytest.fixture(autouse=True)
def no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "world" in request.fixturenames:
        world: World = request.getfixturevalue("world")
        if world.emulator.process:
            world.emulator.clear_faults()
