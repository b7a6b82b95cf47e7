"""Rotating encryption keys: everything opens with the newest alone, while others go on writing."""

import asyncio
import json

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from app.crypto import Vault
from app.models import Run, StateVersion
from app.models.base import Base
from app.services import workstations
from app.services.by_hand import encryption
from app.services.shared import shared_stack
from app.services.terraform import plans, state_versions
from app.services.terraform.state_versions import State
from app.services.workstations.specs import WorkstationSpec
from tests.stage import Stage
from tests.waiting import until_a_transaction_waits

pytestmark = pytest.mark.anyio
MORE_THAN_A_BATCH = encryption.ROWS_A_BATCH + 7


def state(serial: int) -> State:
    return State(json.dumps({"version": 4, "serial": serial, "lineage": "one", "resources": []}).encode())


async def fill(stage: Stage) -> str:
    """States, a plan and the shared stack's passwords; returns the run."""
    async with stage.acting("grace") as ctx:
        spec = WorkstationSpec.model_validate({"name": "dev-1", "machine_type": "e2-standard-4"})
        run = (await workstations.request(ctx, ctx.member, spec)).run
        for serial in range(MORE_THAN_A_BATCH):
            await state_versions.store(ctx.session, ctx.vault, run, state(serial), ctx.now)
        await plans.keep(ctx.session, ctx.vault, run.id, {}, ctx.now, b"a plan file")
        await shared_stack.find(ctx)
        return run.id


async def opened(stage: Stage, keys: tuple[str, ...]) -> dict[int, int]:
    return dict(await encryption.counts(stage.database, Vault(keys)))


async def rotate(stage: Stage, vault: Vault) -> dict[str, int]:
    return {table: changed async for table, changed in encryption.rotate(stage.database, vault)}


def test_whatever_is_sealed_is_found() -> None:
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    sealed = {str(column) for column in columns if column.name.startswith("sealed")}
    assert sealed == {str(each.column) for each in encryption.sealed_columns()}
    assert len(sealed) >= 3


async def test_everything_opens_with_the_newest_key_alone(stage: Stage) -> None:
    run_id = await fill(stage)
    old, new = stage.settings.encryption_keys[0], Fernet.generate_key().decode()
    assert await opened(stage, (new, old)) == {1: MORE_THAN_A_BATCH + 2}

    changed = await rotate(stage, Vault([new, old]))
    assert changed == {"plans": 1, "shared_stacks": 1, "state_versions": MORE_THAN_A_BATCH}
    assert await opened(stage, (new,)) == {0: MORE_THAN_A_BATCH + 2}
    assert await rotate(stage, Vault([new, old])) == dict.fromkeys(changed, 0)
    async with stage.database.sessions() as session:
        assert await plans.file_of(session, Vault([new]), run_id) == b"a plan file"
        versions = await session.scalars(select(StateVersion).order_by(StateVersion.number))
        assert [State(Vault([new]).open(each.sealed)).serial for each in versions] == list(range(MORE_THAN_A_BATCH))


async def test_what_no_key_opens_stays_as_it_is_and_is_counted(stage: Stage) -> None:
    await fill(stage)
    new, newest = (Fernet.generate_key().decode() for _ in range(2))
    assert set((await rotate(stage, Vault([newest, new]))).values()) == {0}
    assert await opened(stage, (newest, new)) == {encryption.NO_KEY: MORE_THAN_A_BATCH + 2}
    assert await opened(stage, stage.settings.encryption_keys) == {0: MORE_THAN_A_BATCH + 2}


async def test_a_plan_that_is_applied_meanwhile_stays_gone(stage: Stage) -> None:
    run_id = await fill(stage)
    vault = Vault([Fernet.generate_key().decode(), *stage.settings.encryption_keys])
    async with stage.database.sessions() as worker:
        await plans.forget(worker, run_id)
        rotating = asyncio.create_task(rotate(stage, vault))
        await until_a_transaction_waits(stage.database)
        await worker.commit()
    assert (await rotating)["plans"] == 0
    async with stage.database.sessions() as session:
        assert await plans.file_of(session, vault, run_id) is None


async def test_what_a_process_without_the_new_key_writes_is_found_by_the_next_rotation(stage: Stage) -> None:
    run_id = await fill(stage)
    vault = Vault([Fernet.generate_key().decode(), *stage.settings.encryption_keys])
    await rotate(stage, vault)
    async with stage.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        await state_versions.store(session, stage.vault, run, state(1_000), stage.clock())
    assert (await encryption.counts(stage.database, vault))[1] == 1
    assert (await rotate(stage, vault))["state_versions"] == 1
