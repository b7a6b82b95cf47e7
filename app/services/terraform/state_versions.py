"""State versions: every state that Terraform has written, encrypted and numbered."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.crypto import Vault
from app.models import Run, StateVersion


class State:
    """A complete Terraform state (format version 4)."""

    def __init__(self, raw: bytes) -> None:
        """Raises ValueError if the JSON is empty, incomplete or not a state."""
        content = json.loads(raw)
        if not isinstance(content, dict) or not {"serial", "lineage"} <= content.keys():
            raise ValueError("not a Terraform state")
        self.raw = raw
        self.serial = int(content["serial"])
        self.lineage = str(content["lineage"])
        outputs = content.get("outputs", {})
        self.outputs = {name: output["value"] for name, output in outputs.items()}
        self.open_outputs = {name: output["value"] for name, output in outputs.items() if not output.get("sensitive")}
        """The outputs that are not sensitive."""
        managed = [resource for resource in content.get("resources", []) if resource["mode"] == "managed"]
        self.is_empty = not managed
        disks = [each for each in managed if (each["type"], each["name"]) == ("google_compute_disk", "data")]
        sizes = [instance["attributes"].get("size") for disk in disks for instance in disk["instances"]]
        self.disk_size_gb: int | None = max(filter(None, sizes), default=None)
        """The size of a workstation's data disk; None if there is none."""
        machines = [each for each in managed if each["type"] == "google_compute_instance"]
        boots = [_boot_disk_size_gb(instance["attributes"]) for each in machines for instance in each["instances"]]
        self.boot_disk_size_gb: int | None = max(filter(None, boots), default=None)
        """The size of a workstation's boot disk; None if there is none."""
        databases = [each for each in managed if each["type"] == "google_sql_database_instance"]
        names = [instance["attributes"]["name"] for each in databases for instance in each["instances"]]
        self.sql_generation: int | None = max(map(_number_in, names), default=None)
        """The number in the name of the shared stack's database; None if there is none."""


def _boot_disk_size_gb(machine: dict[str, Any]) -> int | None:
    """The size of a boot disk that was created with the machine; None for others."""
    made = [params for disk in machine.get("boot_disk") or [] for params in disk.get("initialize_params") or []]
    return made[0].get("size") if made else None


def _number_in(database: str) -> int:
    """The number in the name that terraform/modules/sql uses: postgres-PREFIX, then postgres-2-PREFIX. A prefix
    begins with a letter."""
    found = re.match(r"postgres-(\d+)-", database)
    return int(found[1]) if found else 1


async def newest(session: AsyncSession, vault: Vault, stack_id: str) -> State | None:
    """A stack's newest state; None if there is none."""
    query = select(StateVersion.sealed).where(StateVersion.stack_id == stack_id, StateVersion.quarantined.is_(False))
    sealed = await session.scalar(query.order_by(StateVersion.number.desc()).limit(1))
    return State(vault.open(sealed)) if sealed is not None else None


async def newest_of(session: AsyncSession, vault: Vault, stack_ids: Sequence[str]) -> dict[str, State]:
    """The newest state of each of these stacks that has one."""
    query = select(StateVersion.stack_id, StateVersion.sealed).ext(distinct_on(StateVersion.stack_id))
    query = query.where(StateVersion.stack_id.in_(stack_ids), StateVersion.quarantined.is_(False))
    newest_first = query.order_by(StateVersion.stack_id, StateVersion.number.desc())
    return {stack_id: State(vault.open(sealed)) for stack_id, sealed in await session.execute(newest_first)}


async def newest_opens(session: AsyncSession, vault: Vault) -> bool | None:
    """Whether the newest state of any stack can be decrypted; None if there are no states."""
    sealed = await session.scalar(select(StateVersion.sealed).order_by(StateVersion.created_at.desc()).limit(1))
    if sealed is None:
        return None
    try:
        vault.open(sealed)
    except InvalidToken:
        return False
    return True


async def store(session: AsyncSession, vault: Vault, run: Run, state: State, now: datetime) -> None:
    """Store a new version, unless it is already stored, for example because the response of a commit was lost.

    The caller holds the run's row lock, and has checked the attempt. A state of another lineage is quarantined.
    """
    await _one_at_a_time(session, run.stack_id)
    lineage = await session.scalar(_versions(run.stack_id).order_by(StateVersion.number.desc()).limit(1))
    is_stray = lineage is not None and lineage != state.lineage
    await _append(session, vault, run, run.attempt, state, now, quarantined=is_stray)


async def quarantine(session: AsyncSession, vault: Vault, run: Run, attempt: int, state: State, now: datetime) -> None:
    """Store, as evidence, a state from an attempt that had lost its run, unless the stack already has it."""
    await _one_at_a_time(session, run.stack_id)
    known = _versions(run.stack_id).where(StateVersion.lineage == state.lineage, StateVersion.serial >= state.serial)
    if await session.scalar(known.limit(1)) is None:
        await _append(session, vault, run, attempt, state, now, quarantined=True)


def _versions(stack_id: str) -> Select[str]:
    return select(StateVersion.lineage).where(StateVersion.stack_id == stack_id, StateVersion.quarantined.is_(False))


async def _one_at_a_time(session: AsyncSession, stack_id: str) -> None:
    """Lock the numbering of the stack's versions."""
    # Two attempts may write at the same time if one of them has lost its run.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"states of {stack_id}", 0))))


async def _append(
    session: AsyncSession, vault: Vault, run: Run, attempt: int, state: State, now: datetime, *, quarantined: bool
) -> None:
    of_stack = StateVersion.stack_id == run.stack_id
    same = select(StateVersion.number).where(
        of_stack,
        StateVersion.lineage == state.lineage,
        StateVersion.serial == state.serial,
        StateVersion.quarantined.is_(quarantined),
    )
    if await session.scalar(same) is not None:
        return
    newest_number = await session.scalar(select(func.coalesce(func.max(StateVersion.number), 0)).where(of_stack)) or 0
    version = StateVersion(
        stack_id=run.stack_id,
        number=newest_number + 1,
        run_id=run.id,
        attempt=attempt,
        serial=state.serial,
        lineage=state.lineage,
        sealed=vault.seal(state.raw),
        quarantined=quarantined,
        sql_generation=state.sql_generation,
        created_at=now,
    )
    session.add(version)
    await session.flush()
