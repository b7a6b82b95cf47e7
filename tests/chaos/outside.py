"""After a round: machines are stopped, preempted and deleted outside the portal, or their end date passes; and they
are brought back."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from tests.chaos import processes
from tests.chaos.findings import Fault, Finding
from tests.chaos.people import ACCEPTED, Admin, Person
from tests.chaos.trouble import Kind
from tests.chaos.world import World

SAID = {"preempt": "preempted", "stop": "stopped", "delete": "missing", "end": "stopped"}
"""What happens at Google, by the emulator's name, or with the end date, and what the page then says."""
RETURNS = "return"
"""A Spot machine is preempted, and the portal starts it again by itself."""
SEEN_WITHIN_S = 90.0
"""A worker looks every 20 seconds; another one takes over from one that was killed after its lease."""
BACK_WITHIN_S = 120.0


@dataclass(frozen=True)
class Machine:
    """A running machine, and what happens to it."""

    id: str
    name: str
    event: str


def draw(world: World, people: list[Person], dice: random.Random) -> list[Machine]:
    """All running machines, each with what happens to it."""
    stacks = sorted({each.stack_id for person in people if not isinstance(person, Admin) for each in person.promises})
    pages = [_page(world, stack) for stack in stacks]
    return [
        Machine(page["id"], page["name"], dice.choice([*sorted(SAID), *[RETURNS] * (2 * bool(page["spot"]))]))
        for page in pages
        if page["status"] == "running"
    ]


def play(world: World, machines: list[Machine], dice: random.Random) -> list[Finding]:
    """All at once; often a worker is killed then, which may be the one that looks."""
    if dice.random() < 0.5:
        dice.choice(world.hosts).die(Kind.WORKER, 0.0)
    for machine in machines:
        _befall(world, machine)
    return list(_noticed(world, machines)) or [*_requested_back(world, machines), *_back(world, machines)]


def _befall(world: World, machine: Machine) -> None:
    if machine.event == "end":
        world.rows("UPDATE workstations SET ends_on = current_date - 3 WHERE id = %s RETURNING id", machine.id)
        return
    if machine.event == RETURNS:
        wishes = {"wait_hours": 0, "restart_preempted": True}
        world.member.put(f"/api/v1/workstations/{machine.id}/capacity", json=wishes).raise_for_status()
    preset = "preempt" if machine.event == RETURNS else machine.event
    world.emulator.fault(preset, id=f"{machine.name}-{machine.id}$", user="linus@example.com")


def _noticed(world: World, machines: list[Machine]) -> Iterator[Finding]:
    for machine in machines:
        if not processes.until(lambda: _is_noticed(world, machine), SEEN_WITHIN_S, every=0.5):  # noqa: B023 - called at once
            words = f"{machine.name}: after {machine.event} the page says {_status(world, machine)}"
            yield Finding(Fault.LOST, words)


def _is_noticed(world: World, machine: Machine) -> bool:
    """The page of one that returns by itself may be past that before anybody has looked: its run stays."""
    if machine.event == RETURNS:
        returns = "SELECT 1 FROM runs WHERE stack_id = %s AND kind = 'start' AND requested_by IS NULL"
        return bool(world.rows(returns, machine.id))
    return _status(world, machine) == SAID[machine.event]


def _requested_back(world: World, machines: list[Machine]) -> Iterator[Finding]:
    """By an order, or with a deleted machine by the same settings once more."""
    for machine in machines:
        if machine.event == RETURNS:
            continue
        path = f"/api/v1/workstations/{machine.id}"
        if machine.event == "end":
            world.member.delete(f"{path}/end-date")
        answer = world.member.patch(path, json={}) if machine.event == "delete" else world.member.post(f"{path}/start")
        if answer.status_code not in ACCEPTED:
            yield Finding(Fault.LOST, f"{machine.name}: after {machine.event}, {answer.status_code}: {answer.text}")


def _back(world: World, machines: list[Machine]) -> Iterator[Finding]:
    for machine in machines:
        if not processes.until(lambda: _status(world, machine) == "running", BACK_WITHIN_S, every=0.5):  # noqa: B023 - called at once
            words = f"{machine.name}: after {machine.event} it is {_status(world, machine)} and does not come back"
            yield Finding(Fault.STUCK, words)


def _status(world: World, machine: Machine) -> str:
    """Empty while web does not answer."""
    try:
        return str(_page(world, machine.id)["status"])
    except httpx2.TransportError:
        return ""


def _page(world: World, id_: str) -> dict[str, str]:
    answer: dict[str, str] = world.member.get(f"/api/v1/workstations/{id_}").json()
    return answer
