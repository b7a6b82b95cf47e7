"""How long machines ran in each month, from what Google says of them and when it was asked."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.models import MachineEventKind, Workstation
from app.services.workstations import observations, running_times, specs, usage
from app.services.workstations.observations import Cause, Sighting
from tests.stage import Stage

pytestmark = pytest.mark.anyio
MARCH, APRIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


class Machine:
    """A workstation, and what the observer is told of its machine by the stage's clock."""

    def __init__(self, stage: Stage, workstation_id: str) -> None:
        self.stage, self.id = stage, workstation_id

    async def look(self, seen: Sighting, cause: Cause | None = None) -> None:
        async with self.stage.database.sessions.begin() as session:
            ctx = self.stage.context(session)
            assert await observations.lead(ctx, "w")
            await observations.observe(ctx, self.id, seen, self.stage.clock(), cause)
            await observations.record_answer(session, self.stage.clock())

    async def hours(self) -> float:
        async with self.stage.database.sessions() as session:
            row = await session.get_one(Workstation, self.id)
            return (await usage.read(session, row, self.stage.catalog, self.stage.clock())).hours

    def at(self, moment: datetime) -> None:
        self.stage.clock.now = moment


@pytest.fixture
async def machine(stage: Stage) -> Machine:
    stage.clock.now = MARCH + timedelta(days=1)
    made = Machine(stage, (await stage.make()).id)
    stage.clock.now = MARCH + timedelta(days=2)
    return made


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("begin", "end", "months"),
    [
        (MARCH, MARCH, {}),
        (MARCH, MARCH + hours(2), {MARCH: 7200}),
        (APRIL - hours(1), APRIL, {MARCH: 3600}),
        (APRIL - hours(1), APRIL + hours(2), {MARCH: 3600, APRIL: 7200}),
        (
            datetime(2027, 12, 31, 23, tzinfo=UTC),
            datetime(2028, 3, 1, 1, tzinfo=UTC),
            {
                datetime(2027, 12, 1, tzinfo=UTC): 3600,
                datetime(2028, 1, 1, tzinfo=UTC): 31 * 86400,
                datetime(2028, 2, 1, tzinfo=UTC): 29 * 86400,
                datetime(2028, 3, 1, tzinfo=UTC): 3600,
            },
        ),
        (datetime.fromisoformat("2026-04-01T01:30+02:00"), APRIL + hours(1), {MARCH: 1800, APRIL: 3600}),
    ],
)
def test_a_span_is_split_at_the_months_of_utc(begin: datetime, end: datetime, months: dict[datetime, float]) -> None:
    assert running_times.by_month(begin, end) == {month.date(): seconds for month, seconds in months.items()}


async def test_what_goes_on_counts_from_googles_start_and_what_is_over_until_googles_stop(machine: Machine) -> None:
    began = machine.stage.clock()
    machine.at(began + timedelta(seconds=20))
    await machine.look(Sighting("RUNNING", began))
    machine.at(began + hours(3))
    assert await machine.hours() == 3
    stopped = machine.stage.clock()
    machine.at(stopped + timedelta(seconds=15))
    await machine.look(Sighting("TERMINATED", began, stopped))
    machine.at(began + hours(30))
    assert await machine.hours() == 3
    await machine.look(Sighting("RUNNING", machine.stage.clock(), stopped))
    machine.at(began + hours(31))
    assert await machine.hours() == 4


async def test_a_new_month_begins_with_nothing_but_what_goes_on(machine: Machine) -> None:
    machine.at(APRIL - hours(10))
    await machine.look(Sighting("RUNNING", APRIL - hours(10)))
    machine.at(APRIL - timedelta(microseconds=1))
    assert await machine.hours() == pytest.approx(10)
    machine.at(APRIL + hours(2))
    assert await machine.hours() == 2
    await machine.look(Sighting("TERMINATED", APRIL - hours(10), APRIL + hours(1)))
    assert await machine.hours() == 1
    machine.at(APRIL - hours(1))
    assert await machine.hours() == 10


async def test_a_preemption_ends_it_when_google_did_it(machine: Machine) -> None:
    began = machine.stage.clock()
    await machine.look(Sighting("RUNNING", began))
    machine.at(began + hours(2))
    cause = Cause("operation-1", MachineEventKind.PREEMPTED, began + hours(1), "system")
    await machine.look(Sighting("TERMINATED", began), cause)
    assert await machine.hours() == 1


async def test_a_stop_and_a_start_that_nobody_saw_are_counted_by_googles_times(machine: Machine) -> None:
    began = machine.stage.clock()
    await machine.look(Sighting("RUNNING", began))
    machine.at(began + hours(72))
    await machine.look(Sighting("RUNNING", began + hours(70), began + hours(5)))
    assert await machine.hours() == 5 + 2


async def test_one_that_is_gone_without_a_trace_ran_until_it_was_last_seen(machine: Machine) -> None:
    began = machine.stage.clock()
    await machine.look(Sighting("RUNNING", began))
    machine.at(began + hours(4))
    await machine.look(Sighting("RUNNING", began))
    machine.at(began + hours(100))
    await machine.look(Sighting("ABSENT"))
    assert await machine.hours() == 4


async def test_what_passes_neither_ends_nor_begins_anything(machine: Machine) -> None:
    began = machine.stage.clock()
    await machine.look(Sighting("STAGING"))
    assert await machine.hours() == 0
    await machine.look(Sighting("RUNNING", began))
    machine.at(began + hours(1))
    await machine.look(Sighting("STOPPING", began))
    machine.at(began + hours(2))
    assert await machine.hours() == 2


async def test_a_resumed_machine_whose_start_is_not_new_counts_from_when_it_was_seen(machine: Machine) -> None:
    began = machine.stage.clock()
    await machine.look(Sighting("RUNNING", began))
    machine.at(began + hours(2))
    await machine.look(Sighting("SUSPENDED", began, began + hours(1)))
    machine.at(began + hours(5))
    await machine.look(Sighting("RUNNING", began, began + hours(1)))
    machine.at(began + hours(6))
    assert await machine.hours() == 1 + 1


async def test_one_that_is_back_although_it_was_called_gone_counts_no_time_twice(machine: Machine) -> None:
    began = machine.stage.clock()
    await machine.look(Sighting("RUNNING", began))
    for number in range(1, 4):
        machine.at(began + hours(number))
        await machine.look(Sighting("RUNNING", began))
        await machine.look(Sighting("ABSENT"))
        await machine.look(Sighting("RUNNING", began))
    assert await machine.hours() == 3


async def test_googles_clock_may_be_ahead(machine: Machine) -> None:
    began = machine.stage.clock()
    await machine.look(Sighting("RUNNING", began + timedelta(seconds=30)))
    assert await machine.hours() == 0
    machine.at(began + hours(1))
    await machine.look(Sighting("RUNNING", began + timedelta(seconds=30)))
    assert await machine.hours() == pytest.approx(1, abs=0.01)


async def test_a_deleted_workstation_ran_until_then(machine: Machine) -> None:
    began = machine.stage.clock()
    await machine.look(Sighting("RUNNING", began))
    machine.at(began + hours(2))
    async with machine.stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machine.id)
        row.become_destroyed(machine.stage.clock(), disk_kept=True)
    machine.at(began + hours(9))
    assert await machine.hours() == 2
    async with machine.stage.database.sessions.begin() as session:
        await observations.lead(machine.stage.context(session), "w")
        await observations.record_answer(session, machine.stage.clock())
    assert await machine.hours() == 2
    assert (await machine.stage.row(Workstation, machine.id)).running_since is None


async def test_the_cost_is_that_of_the_machine_while_it_ran_and_of_its_disks_all_the_time(machine: Machine) -> None:
    stage, row = machine.stage, await machine.stage.row(Workstation, machine.id)
    offer = stage.catalog.machine_type(row.machine_type)
    assert offer
    rate = offer.usd_an_hour(row.zone, spot=False)
    existed = MARCH + timedelta(days=11) - row.created_at
    without = usage.Usage.of(row, 0, stage.catalog, MARCH + timedelta(days=11)).cost
    with_machine = usage.Usage.of(row, 36_000, stage.catalog, MARCH + timedelta(days=11)).cost
    assert rate
    assert without
    assert with_machine
    assert with_machine - without == rate * 10
    # A stopped machine's price an hour is that of its disks and its address.
    row.become_stopped()
    off = stage.catalog.price_per_hour(row.machine_type, row.zone, specs.disks(row), spot=False, is_off=True)
    assert off
    assert without == pytest.approx(off * Decimal(existed.total_seconds()) / 3600)


async def test_the_cost_is_unknown_where_a_price_is(machine: Machine) -> None:
    row = await machine.stage.row(Workstation, machine.id)
    row.machine_type = "of-the-past"
    assert usage.Usage.of(row, 3600, machine.stage.catalog, machine.stage.clock()).cost is None
