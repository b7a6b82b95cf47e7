"""State versions: every state that Terraform wrote, encrypted, numbered and kept."""

import json
import re
from datetime import datetime

from cryptography.fernet import InvalidToken
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.crypto import Vault
from app.models import Run, StateVersion


class State:
    """A whole Terraform state (format version 4)."""

    def __init__(self, raw: bytes) -> None:
        """Raises ValueError when the JSON is empty, cut or not a state."""
        content = json.loads(raw)
        if not isinstance(content, dict) or not {"serial", "lineage"} <= content.keys():
            raise ValueError("not a Terraform state")
        self.raw = raw
        self.serial = int(content["serial"])
        self.lineage = str(content["lineage"])
        outputs = content.get("outputs", {})
        self.outputs = {name: output["value"] for name, output in outputs.items()}
        self.open_outputs = {name: output["value"] for name, output in outputs.items() if not output.get("sensitive")}
        """Those that are not marked as sensitive."""
        managed = [resource for resource in content.get("resources", []) if resource["mode"] == "managed"]
        self.is_empty = not managed
        disks = [each for each in managed if each["type"] == "google_compute_disk"]
        sizes = [instance["attributes"].get("size") for disk in disks for instance in disk["instances"]]
        self.disk_size_gb: int | None = max(filter(None, sizes), default=None)
        """Of a workstation's data disk; None where there is none."""
        databases = [each for each in managed if each["type"] == "google_sql_database_instance"]
        names = [instance["attributes"]["name"] for each in databases for instance in each["instances"]]
        self.sql_generation: int | None = max(map(_number_in, names), default=None)
        """Number of the shared stack's database; None where there is none."""


def _number_in(database: str) -> int:
    """As terraform/modules/sql names it: postgres-PREFIX, then postgres-2-PREFIX; a prefix begins with a letter."""
    found = re.match(r"postgres-(\d+)-", database)
    return int(found[1]) if found else 1


async def newest(session: AsyncSession, vault: Vault, stack_id: str) -> State | None:
    """A stack's current state; None before anything was made."""
    query = select(StateVersion.sealed).where(StateVersion.stack_id == stack_id, StateVersion.quarantined.is_(False))
    sealed = await session.scalar(query.order_by(StateVersion.number.desc()).limit(1))
    return State(vault.open(sealed)) if sealed is not None else None


async def newest_opens(session: AsyncSession, vault: Vault) -> bool | None:
    """Whether the keys open what was stored last, of any stack; None where nothing is stored."""
    sealed = await session.scalar(select(StateVersion.sealed).order_by(StateVersion.created_at.desc()).limit(1))
    if sealed is None:
        return None
    try:
        vault.open(sealed)
    except InvalidToken:
        return False
    return True


async def store(session: AsyncSession, vault: Vault, run: Run, state: State, now: datetime) -> None:
    """Append a version, unless it is stored already, as after a commit whose answer was lost.

    The caller holds the run's row lock and has checked its attempt. A state of another lineage than the stack's is no
    successor of it: that goes to quarantine.
    """
    await _one_at_a_time(session, run.stack_id)
    lineage = await session.scalar(_versions(run.stack_id).order_by(StateVersion.number.desc()).limit(1))
    is_stray = lineage is not None and lineage != state.lineage
    await _append(session, vault, run, run.attempt, state, now, quarantined=is_stray)


async def quarantine(session: AsyncSession, vault: Vault, run: Run, attempt: int, state: State, now: datetime) -> None:
    """Keep, as evidence, what an attempt wrote that no longer counts; unless the stack knows it already."""
    await _one_at_a_time(session, run.stack_id)
    known = _versions(run.stack_id).where(StateVersion.lineage == state.lineage, StateVersion.serial >= state.serial)
    if await session.scalar(known.limit(1)) is None:
        await _append(session, vault, run, attempt, state, now, quarantined=True)


def _versions(stack_id: str) -> Select[str]:
    return select(StateVersion.lineage).where(StateVersion.stack_id == stack_id, StateVersion.quarantined.is_(False))


async def _one_at_a_time(session: AsyncSession, stack_id: str) -> None:
    """Numbers are gapless, and two runs of a stack may write at once when one of them no longer counts."""
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
