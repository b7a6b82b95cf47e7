"""A stack's stored states, newest first, each with its differences from the one before."""

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
class StateChange:
    """One stored state, and its differences from the one before; empty if it cannot be decrypted."""

    version: StateVersion
    run: Run
    is_readable: bool
    changes: list[Change]
    outputs: list[Attribute]


async def changes(session: AsyncSession, vault: Vault, stack_id: str, below: int) -> list[StateChange]:
    """Up to VERSIONS_A_PAGE versions whose number is smaller than `below`, without any secrets."""
    of_stack = select(StateVersion, Run).join(Run, Run.id == StateVersion.run_id)
    page = of_stack.where(StateVersion.stack_id == stack_id, StateVersion.number < below)
    newest_first = page.order_by(StateVersion.number.desc()).limit(VERSIONS_A_PAGE)
    rows = [(version, run) for version, run in await session.execute(newest_first)]
    if not rows:
        return []
    before = await _sealed_before(session, stack_id, rows[-1][0].number)
    # Decrypting and comparing take processor time, so they must not block the event loop.
    return await asyncio.to_thread(_compare, vault, rows[::-1], before)


async def _sealed_before(session: AsyncSession, stack_id: str, number: int) -> bytes | None:
    counted = select(StateVersion.sealed).where(StateVersion.stack_id == stack_id, StateVersion.quarantined.is_(False))
    earlier = counted.where(StateVersion.number < number).order_by(StateVersion.number.desc())
    return await session.scalar(earlier.limit(1))


def _compare(vault: Vault, rows: Sequence[tuple[StateVersion, Run]], sealed_before: bytes | None) -> list[StateChange]:
    """Compare each version, oldest first, with the one before; returns newest first."""
    before = _open(vault, sealed_before)
    found = []
    for version, run in rows:
        state = _open(vault, version.sealed)
        changed = state_diff.changes(before, state) if state else []
        outputs = state_diff.outputs(before, state) if state else []
        found.append(StateChange(version, run, state is not None, changed, outputs))
        # A quarantined version is no part of the history: the next one did not follow from it.
        before = before if version.quarantined else state
    return found[::-1]


def _open(vault: Vault, sealed: bytes | None) -> State | None:
    """The decrypted state; None if there is none, or no key of the portal decrypts it."""
    try:
        return State(vault.open(sealed)) if sealed is not None else None
    except InvalidToken:
        return None
