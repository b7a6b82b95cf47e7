"""A workstation's history, in one list and one order: its runs, what happened to its machine at Google, its boots and
mounts, and the SSH keys that were put on it or taken off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import live
from app.models import Action, AuditEntry, MachineEvent, MachineEventKind, Run, RunKind, Workstation
from app.models.base import short_id
from app.services import runs
from app.services.context import Context
from app.services.keys import public_keys
from app.services.runs.applied import MAKERS
from app.services.workstations import observations

MOST_OF_EACH = 50
_WHY = (
    *(Action.ADD_SSH_KEY, Action.GENERATE_SSH_KEY, Action.DELETE_SSH_KEY),
    *(Action.DISABLE_MEMBER, Action.ENABLE_MEMBER, Action.HAND_OVER_WORKSTATION),
)
"""The decisions that change the keys of machines."""


@dataclass(frozen=True)
class KeyChange:
    """SSH keys that a run has put on the machine or taken off, by their names."""

    run: Run
    added: list[str]
    removed: list[str]
    why: str | None
    """The decision from which it follows: "deleted SSH key old"; None if the run was made for something else."""


@dataclass(frozen=True)
class TimelineEntry:
    """A run, an event, or a change of keys."""

    at: datetime
    run: Run | None = None
    event: MachineEvent | None = None
    keys: KeyChange | None = None


@dataclass(frozen=True)
class History:
    """The entries, newest first."""

    entries: list[TimelineEntry]

    @property
    def last_at_google(self) -> MachineEvent | None:
        """What happened last at Google, outside the portal's runs."""
        return next((event for event in self._events if event.kind.is_at_google), None)

    @property
    def failed_boot(self) -> MachineEvent | None:
        """The newest boot, if it failed."""
        boot = next((event for event in self._events if event.kind.is_boot), None)
        return boot if boot and boot.kind is MachineEventKind.BOOT_FAILED else None

    @property
    def _events(self) -> list[MachineEvent]:
        return [entry.event for entry in self.entries if entry.event]


async def of(session: AsyncSession, workstation_id: str, made: Sequence[Run]) -> History:
    """It goes back as far as everything is known.

    :param made: the newest runs, MOST_OF_EACH at most.
    """
    events = await observations.events_of(session, workstation_id, MOST_OF_EACH)
    changes = await _key_changes(session, made, is_whole=len(made) < MOST_OF_EACH)
    entries = [
        *(TimelineEntry(run.created_at, run=run) for run in made),
        *(TimelineEntry(event.at, event=event) for event in events),
        *(TimelineEntry(change.run.finished_at, keys=change) for change in changes if change.run.finished_at),
    ]
    # Beyond the end of a list that was cut, the others would look like all there was.
    oldest = [made[-1].created_at] if len(made) == MOST_OF_EACH else []
    oldest += [events[-1].at] if len(events) == MOST_OF_EACH else []
    shown = [entry for entry in entries if all(entry.at >= at for at in oldest)]
    return History(sorted(shown, key=lambda entry: entry.at, reverse=True))


async def record(ctx: Context, workstation: Workstation, kind: MachineEventKind, detail: str) -> None:
    """Add what followed from one of the portal's policies, and have open pages follow."""
    event = MachineEvent(id=short_id(12), workstation_id=workstation.id, kind=kind, at=ctx.now, detail=detail)
    ctx.session.add(event)
    await live.signal(ctx.session, live.stack_topic(workstation.id), live.member_topic(workstation.owner_id))


async def _key_changes(session: AsyncSession, made: Sequence[Run], *, is_whole: bool) -> list[KeyChange]:
    """:param is_whole: these are all runs that there ever were, so that there were no keys before the first."""
    done = [run for run in reversed(made) if run.is_success and run.kind in MAKERS]
    pairs = list(zip([None, *done], done, strict=False))[0 if is_whole else 1 :]
    changed = [
        (run, before, after)
        for earlier, run in pairs
        if (before := _keys(earlier)) != (after := _keys(run)) and run.kind is not RunKind.DESTROY
    ]
    reasons = await _reasons(session, [run for run, _, _ in changed])
    return [
        KeyChange(
            run,
            added=[name for key, name in after.items() if key not in before],
            removed=[name for key, name in before.items() if key not in after],
            why=reasons.get((run.created_at, run.requested_by)),
        )
        for run, before, after in changed
    ]


def _keys(run: Run | None) -> dict[str, str]:
    """The keys that a machine has after this run: identity → name."""
    lines = run.inputs.get(runs.KEYS_INPUT, []) if run else []
    return {public_keys.identity(line): line.split(maxsplit=2)[-1] for line in lines}


async def _reasons(session: AsyncSession, made: Sequence[Run]) -> dict[tuple[datetime, str | None], str]:
    """When and by whom a decision was made, from which runs follow in the same transaction → the decision in words."""
    if not made:
        return {}
    query = select(AuditEntry).where(AuditEntry.at.in_([run.created_at for run in made]), AuditEntry.action.in_(_WHY))
    entries = await session.scalars(query.order_by(AuditEntry.number))
    return {(entry.at, entry.actor_id): f"{entry.words} {entry.thing_name}" for entry in entries}
