"""Follows what Google says of all machines: in a few calls, however many there are, and by one worker of all.

Each tick asks for what was done to machines lately, and for some pages of their list. Where those are not all pages,
the machines to which something was done are asked for by name: a change is noticed within a tick, and what no operation
tells of once the list has come round.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import OperationalError

from app.infra.machine_lists import MachineLists, MachineOperation
from app.infra.machines import MachineState
from app.models.workstation_states import ABSENT
from app.services.workstations import observations
from app.services.workstations.observations import OPERATIONS, Cause, Sighting
from app.worker.claim import Tools
from app.worker.errors import GOOGLE_ERRORS

log = structlog.get_logger()
TICK_SECONDS = 20.0
SHORTEST_PAUSE_SECONDS = 5.0
PAGES_A_TICK = 2
CLOCKS_DIFFER = timedelta(minutes=2)
"""How far Google's clock may be from this worker's; what was seen before is not taken for something new."""
LONGEST_OUTAGE = timedelta(days=1)
"""After a longer one, reasons are missing for what was done at its beginning."""
CONFIRMED_A_TICK = 20
"""So many machines that are not on the list are asked for one by one, before they count as deleted."""

Place = tuple[str, str]
"""A machine's zone and name."""


@dataclass
class Round:
    """Once through the list of all machines."""

    seen: set[Place] = field(default_factory=set)
    pages: int = 0
    next_page: str = ""

    @property
    def is_whole(self) -> bool:
        """All pages were read."""
        return self.pages > 0 and not self.next_page


class MachineObserver:
    """One worker's part in it; `observe` is one tick."""

    def __init__(self, tools: Tools, lists: MachineLists) -> None:
        self._tools, self._lists = tools, lists
        self._round = Round()
        self._events_since: datetime | None = None
        self._known_events: set[tuple[str, bool]] = set()

    async def observe_for_ever(self) -> None:
        """Observe until cancelled. A database that is away is waited for."""
        now = asyncio.get_running_loop().time
        while True:
            began = now()
            try:
                await self._tools.database.wait_until_reachable()
                await self.observe()
            except OperationalError as error:
                log.warning("the observer of machines cannot reach the database", error=str(error.orig))
            # Google's answers may take seconds; a change is to be noticed within a tick all the same.
            await asyncio.sleep(max(SHORTEST_PAUSE_SECONDS, began + TICK_SECONDS - now()))

    async def observe(self) -> None:
        """Take over what Google says now, unless another worker does."""
        as_of = self._tools.clock()
        async with self._tools.database.sessions.begin() as session:
            if not await observations.lead(self._tools.context(session), self._tools.worker_id):
                self._round = Round()
                return
        error = None
        try:
            await self._look(as_of)
        except GOOGLE_ERRORS as failure:
            error = str(failure)
            log.warning("Google does not say how machines are", error=error)
        async with self._tools.database.sessions.begin() as session:
            await observations.record_answer(session, as_of, error)

    async def _look(self, as_of: datetime) -> None:
        async with self._tools.database.sessions() as session:
            known = await observations.known(session)
            known_at = (await observations.watch(session)).known_at
        # What was done while no worker observed is asked for as well.
        since = self._events_since or max(known_at or as_of, as_of - LONGEST_OUTAGE)
        events = await self._lists.events(since - CLOCKS_DIFFER)
        touched = {_place(event) for event in events if (event.id, event.is_done) not in self._known_events}
        found = await self._turn_pages()
        if not (self._round.is_whole and self._round.pages <= PAGES_A_TICK):
            found |= await self._named(touched & known.keys() - found.keys())
        not_found = touched & known.keys() - found.keys()
        if self._round.is_whole:
            not_found |= known.keys() - self._round.seen
        gone = await self._gone([place for place in not_found if known[place].google_status != ABSENT])
        causes = _causes(events)
        for place, seen in {**{place: Sighting.of(each) for place, each in found.items()}, **gone}.items():
            machine = known.get(place)
            if machine and (place in touched or machine.needs_look(seen)):
                await self._take_over(machine.workstation_id, seen, as_of, causes.get(place))
        # What is still being done is looked at again when it is.
        self._events_since = min([as_of, *(event.at for event in events if not event.is_done)])
        self._known_events = {(event.id, event.is_done) for event in events}

    async def _turn_pages(self) -> dict[Place, MachineState]:
        """The next pages of the list; after the last one, a new round begins with the next tick."""
        if self._round.is_whole:
            self._round = Round()
        found: list[MachineState] = []
        for _ in range(PAGES_A_TICK):
            machines, self._round.next_page = await self._lists.page(self._round.next_page)
            self._round.pages += 1
            found += machines
            if self._round.is_whole:
                break
        places = _by_place(found)
        self._round.seen |= places.keys()
        return places

    async def _named(self, places: Iterable[Place]) -> dict[Place, MachineState]:
        names = sorted({name for _, name in places})
        return _by_place(await self._lists.named(names)) if names else {}

    async def _gone(self, places: list[Place]) -> dict[Place, Sighting]:
        """Those that really do not exist, asked for one by one: a list may be short of some."""
        asked = sorted(places)[:CONFIRMED_A_TICK]
        answers = [await self._tools.compute.machine(*place) for place in asked]
        return {place: Sighting(ABSENT) for place, answer in zip(asked, answers, strict=True) if answer is None}

    async def _take_over(self, workstation_id: str, seen: Sighting, as_of: datetime, cause: Cause | None) -> None:
        async with self._tools.database.sessions.begin() as session:
            await observations.observe(self._tools.context(session), workstation_id, seen, as_of, cause)


def _place(event: MachineOperation) -> Place:
    return event.zone, event.machine


def _by_place(machines: Iterable[MachineState]) -> dict[Place, MachineState]:
    return {(machine.zone, machine.name): machine for machine in machines}


def _causes(events: Iterable[MachineOperation]) -> dict[Place, Cause]:
    """The last operation on each machine that makes it another."""
    return {
        _place(event): Cause(event.id, OPERATIONS[event.kind], event.at, event.by)
        for event in events
        if event.kind in OPERATIONS
    }
