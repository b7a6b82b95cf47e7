"""`stationmaster keys`: a new key, everything encrypted with it, and the word that the old one can go."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.__main__ import cli
from app.cli import data_folder
from app.crypto import fingerprint
from app.services.shared import shared_stack
from tests.app.test_config import NEEDED
from tests.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Path:
    """The data folder of an `up` that made its own key."""
    for name, value in {**NEEDED, "STATIONMASTER_DATA_DIR": str(tmp_path), "DATABASE_URL": database_url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("STATIONMASTER_ENCRYPTION_KEYS", raising=False)
    return tmp_path


async def run(*arguments: str, keys: str | None = None) -> str:
    environment = {"STATIONMASTER_ENCRYPTION_KEYS": keys}
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["keys", *arguments], env=environment)
    return result.output


async def test_from_one_key_to_the_next(stage: Stage, data: Path) -> None:
    old = stage.settings.encryption_keys[0]
    data_folder.write_private(data / "encryption.key", old)
    async with stage.acting("ada") as ctx:
        await shared_stack.find(ctx)
    assert "There is only one key" in await run("rotate", keys=old)

    assert "restart `stationmaster up`" in await run("new")
    new, *others = data_folder.own_keys(data).split(",")
    assert others == [old]
    assert (data / "encryption.key").stat().st_mode & 0o777 == 0o600

    said = await run("list", keys=f"{new},{old}")
    assert f"{fingerprint(old)}  decrypting              1" in said
    said = await run("rotate", keys=f"{new},{old}")
    assert "shared_stacks: 1 re-encrypted" in said
    assert f"{fingerprint(old)} is no longer used" in said
    assert "cannot be decrypted" not in await run("list", keys=new)
    assert "1 values cannot be decrypted with these keys" in await run("list", keys=old)


async def test_replicas_are_told_the_order_in_which_no_one_meets_an_unknown_key(data: Path) -> None:
    said = await run("new", keys="m" * 43 + "=")
    assert said.index("Put it last") < said.index("Put it first") < said.index("keys rotate")
    assert not (data / "encryption.key").exists()
