"""State versions: every state that Terraform wrote, encrypted, numbered and kept."""

import json
from datetime import datetime

from sqlalchemy import func, select
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
        self.outputs = {name: output["value"] for name, output in content.get("outputs", {}).items()}
        self.is_empty = not any(resource["mode"] == "managed" for resource in content.get("resources", []))


async def newest(session: AsyncSession, vault: Vault, stack_id: str) -> State | None:
    """A stack's current state; None before anything was made."""
    query = select(StateVersion.sealed).where(StateVersion.stack_id == stack_id, StateVersion.quarantined.is_(False))
    sealed = await session.scalar(query.order_by(StateVersion.number.desc()).limit(1))
    return State(vault.open(sealed)) if sealed is not None else None


async def store(session: AsyncSession, vault: Vault, run: Run, state: State, now: datetime) -> None:
    """Append a version, unless it is stored already, as after a commit whose answer was lost.

    The caller holds the run's row lock and has checked its attempt, so numbers are gapless.
    """
    same = select(StateVersion.number).where(
        StateVersion.stack_id == run.stack_id,
        StateVersion.lineage == state.lineage,
        StateVersion.serial == state.serial,
        StateVersion.quarantined.is_(False),
    )
    if await session.scalar(same) is not None:
        return
    newest_number = select(func.coalesce(func.max(StateVersion.number), 0))
    number = await session.scalar(newest_number.where(StateVersion.stack_id == run.stack_id)) or 0
    version = StateVersion(
        stack_id=run.stack_id,
        number=number + 1,
        run_id=run.id,
        attempt=run.attempt,
        serial=state.serial,
        lineage=state.lineage,
        sealed=vault.seal(state.raw),
        created_at=now,
    )
    session.add(version)
    await session.flush()
