"""Generated key pairs: Secret Manager is asked between transactions, and keeps nothing that no key names."""

import asyncio
from typing import ClassVar

import asyncssh
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app.db import libpq_url
from app.errors import ConflictError, UnavailableError
from app.models import SshKey, UnclaimedSecret
from app.services import workstations
from app.services.keys import key_pairs, ssh_keys
from app.services.workstations.requests import Requested
from app.services.workstations.specs import WorkstationSpec
from tests.clients import signed_in
from tests.parts import SecretsInMemory
from tests.stage import By, Stage

pytestmark = pytest.mark.anyio
LINE = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
SPEC = WorkstationSpec(name="dev-1", machine_type="e2-standard-4")
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"


class WatchingSecrets(SecretsInMemory):
    """Notes how many transactions are open whenever it is asked for something."""

    def __init__(self, database_url: str) -> None:
        super().__init__()
        self._url = libpq_url(database_url)
        self.seen: list[tuple[str, int]] = []

    async def _look(self, asked: str) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            [row] = await (await connection.execute(OPEN)).fetchall()
            self.seen.append((asked, row[0]))

    async def put(self, name: str, payload: bytes) -> None:
        await self._look("put")
        await super().put(name, payload)

    async def get(self, name: str) -> bytes:
        await self._look("get")
        return await super().get(name)

    async def delete(self, name: str) -> None:
        await self._look("delete")
        await super().delete(name)


@pytest.fixture
def secrets(database_url: str) -> WatchingSecrets:
    return WatchingSecrets(database_url)


async def request(stage: Stage, **changes: object) -> Requested:
    async with stage.acting("grace") as ctx:
        return await workstations.request(ctx, ctx.member, SPEC.model_copy(update=changes))


async def rows(stage: Stage) -> tuple[list[str], int]:
    """Names of keys, and how many secrets nobody has claimed."""
    async with stage.database.sessions() as session:
        names = await session.scalars(select(SshKey.name))
        return sorted(names), len((await session.scalars(select(UnclaimedSecret))).all())


async def test_no_transaction_is_open_while_secret_manager_is_asked(app: FastAPI, secrets: WatchingSecrets) -> None:
    async with await signed_in(app, "grace") as grace:
        made = await grace.post("/api/v1/workstations", json=SPEC.model_dump(mode="json", exclude_none=True))
        assert made.status_code == 201
        assert (await grace.post("/ssh-keys/generate", data={"pair_name": "laptop"})).status_code == 303
        first, second = (await grace.get("/api/v1/ssh-keys")).json()["items"]
        assert (await grace.get(f"/api/v1/ssh-keys/{first['id']}/private")).status_code == 200
        assert (await grace.delete(f"/api/v1/ssh-keys/{second['id']}")).status_code == 204
    assert secrets.seen == [("put", 0), ("put", 0), ("get", 0), ("delete", 0)]


async def test_of_two_first_requests_at_once_one_pair_stays(stage: Stage, secrets: WatchingSecrets) -> None:
    first, second = await asyncio.gather(request(stage, name="dev-1"), request(stage, name="dev-2"))
    assert (first.is_new, second.is_new) == (True, True)
    names, unclaimed = await rows(stage)
    assert (names, unclaimed) == (["stationmaster"], len(secrets.kept) - 1)
    await clean_up(stage)
    assert (len(secrets.kept), await rows(stage)) == (1, (["stationmaster"], 0))


async def clean_up(stage: Stage) -> None:
    stage.clock.advance(minutes=3)
    await key_pairs.delete_unclaimed(stage.database, stage.secrets, stage.clock)


async def test_a_request_that_is_refused_in_the_end_leaves_neither_key_nor_secret(
    stage: Stage, secrets: WatchingSecrets
) -> None:
    await request(stage)
    async with stage.acting("grace") as ctx:
        [key] = await ssh_keys.list_of(ctx.session, ctx.member)
        await ssh_keys.delete(ctx, key)
    with pytest.raises(ConflictError):
        await request(stage, machine_type="e2-standard-8")
    assert (await rows(stage), len(secrets.kept)) == (([], 1), 1)
    await clean_up(stage)
    assert (await rows(stage), secrets.kept) == (([], 0), {})


async def test_what_secret_manager_did_not_answer_is_cleaned_up_when_it_does(stage: Stage) -> None:
    class Silent(SecretsInMemory):
        answers: ClassVar[bool] = False

        async def put(self, name: str, payload: bytes) -> None:
            self.kept[name] = payload
            raise UnavailableError("Secret Manager is not responding.")

        async def delete(self, name: str) -> None:
            if not self.answers:
                raise UnavailableError("Secret Manager is not responding.")
            await super().delete(name)

    stage.secrets = silent = Silent()
    with pytest.raises(UnavailableError):
        await request(stage)
    with pytest.raises(UnavailableError):
        await clean_up(stage)
    assert (await rows(stage), len(silent.kept)) == (([], 1), 1)
    Silent.answers = True
    await clean_up(stage)
    assert (await rows(stage), silent.kept) == (([], 0), {})


async def test_a_pair_whose_secret_is_being_deleted_cannot_be_claimed(stage: Stage, by: By) -> None:
    async with stage.acting("grace") as ctx:
        pair = await key_pairs.generate(ctx, ctx.member)
        stage.clock.advance(minutes=3)
        await key_pairs.delete_unclaimed(stage.database, stage.secrets, stage.clock)
        with pytest.raises(ConflictError, match="too long"):
            await key_pairs.claim(ctx, ctx.member, pair, "laptop")


async def test_who_has_a_key_gets_none(stage: Stage, secrets: WatchingSecrets) -> None:
    async with stage.acting("grace") as ctx:
        await ssh_keys.add(ctx, "laptop", LINE)
    await request(stage)
    assert (await rows(stage), secrets.kept) == ((["laptop"], 0), {})
