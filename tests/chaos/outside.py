"""After a round: machines are stopped, preempted and deleted outside the portal, and brought back by it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from tests.chaos import processes
from tests.chaos.findings import Fault, Finding
from tests.chaos.people import ACCEPTED, Admin, Person
from tests.chaos.trouble import Kind
from tests.chaos.world import World

SAID = {"preempt": "preempted", "stop": "stopped", "delete": "missing"}
"""What happens at Google, by the emulator's name, and what the page then says."""
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
    events = sorted(SAID)
    return [Machine(page["id"], page["name"], dice.choice(events)) for page in pages if page["status"] == "running"]


def play(world: World, machines: list[Machine], dice: random.Random) -> list[Finding]:
    """All at once; often a worker is killed then, which may be the one that looks."""
    if dice.random() < 0.5:
        dice.choice(world.hosts).die(Kind.WORKER, 0.0)
    for machine in machines:
        world.emulator.fault(machine.event, id=f"{machine.name}-{machine.id}$", user="linus@example.com")
    return list(_noticed(world, machines)) or list(_brought_back(world, machines))


def _noticed(world: World, machines: list[Machine]) -> Iterator[Finding]:
    for machine in machines:
        expected = SAID[machine.event]
        if not processes.until(lambda: _status(world, machine) == expected, SEEN_WITHIN_S, every=0.5):  # noqa: B023 - called at once
            words = f"{machine.name}: after {machine.event} at Google the page says {_status(world, machine)}"
            yield Finding(Fault.LOST, words)


def _brought_back(world: World, machines: list[Machine]) -> Iterator[Finding]:
    """By an order, or with a deleted machine by the same settings once more."""
    for machine in machines:
        path = f"/api/v1/workstations/{machine.id}"
        answer = world.member.patch(path, json={}) if machine.event == "delete" else world.member.post(f"{path}/start")
        if answer.status_code not in ACCEPTED:
            yield Finding(Fault.LOST, f"{machine.name}: after {machine.event}, {answer.status_code}: {answer.text}")
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
