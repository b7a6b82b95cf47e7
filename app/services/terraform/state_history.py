"""The states that a stack went through, newest first, each with what changed to the one before."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import InvalidToken
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.crypto import Vault
from app.models import Run, StateVersion
from app.services.terraform import state_diff
from app.services.terraform.attributes import Attribute, Change
from app.services.terraform.state_versions import State

VERSIONS_A_PAGE = 20


@dataclass(frozen=True)
class Step:
    """One stored state, and what changed to the one before; without both where it cannot be read any more."""

    version: StateVersion
    run: Run
    is_readable: bool
    changes: list[Change]
    outputs: list[Attribute]


async def steps(session: AsyncSession, vault: Vault, stack_id: str, below: int) -> list[Step]:
    """Up to VERSIONS_A_PAGE versions whose number is smaller than `below`, with nothing secret in them."""
    of_stack = select(StateVersion, Run).join(Run, Run.id == StateVersion.run_id)
    page = of_stack.where(StateVersion.stack_id == stack_id, StateVersion.number < below)
    newest_first = page.order_by(StateVersion.number.desc()).limit(VERSIONS_A_PAGE)
    rows = [(version, run) for version, run in await session.execute(newest_first)]
    if not rows:
        return []
    before = await _sealed_before(session, stack_id, rows[-1][0].number)
    # Decrypting and comparing are work for the processor: other requests go on meanwhile.
    return await asyncio.to_thread(_told, vault, rows[::-1], before)


async def _sealed_before(session: AsyncSession, stack_id: str, number: int) -> bytes | None:
    counted = select(StateVersion.sealed).where(StateVersion.stack_id == stack_id, StateVersion.quarantined.is_(False))
    earlier = counted.where(StateVersion.number < number).order_by(StateVersion.number.desc())
    return await session.scalar(earlier.limit(1))


def _told(vault: Vault, rows: Sequence[tuple[StateVersion, Run]], sealed_before: bytes | None) -> list[Step]:
    """Oldest first in, newest first out. What is in quarantine is compared, and nothing is compared with it."""
    before = _open(vault, sealed_before)
    found = []
    for version, run in rows:
        state = _open(vault, version.sealed)
        changes = state_diff.changes(before, state) if state else []
        outputs = state_diff.outputs(before, state) if state else []
        found.append(Step(version, run, state is not None, changes, outputs))
        before = before if version.quarantined else state
    return found[::-1]


def _open(vault: Vault, sealed: bytes | None) -> State | None:
    """None where there is none, or its key is no longer among the portal's."""
    try:
        return State(vault.open(sealed)) if sealed is not None else None
    except InvalidToken:
        return None
