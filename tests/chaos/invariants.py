"""What must be so once it is quiet: cloud, states, pages and requests agree, and nothing is left over."""

from collections.abc import Iterator

from tests.chaos import things
from tests.chaos.findings import Fault, Finding
from tests.chaos.left_over import left_over
from tests.chaos.people import Admin, Person, Promise
from tests.chaos.script import Act
from tests.chaos.shared_stack import SharedStack
from tests.chaos.stations import could_not_undo, stations
from tests.chaos.things import Things
from tests.chaos.world import World


def check(world: World, people: list[Person]) -> list[Finding]:
    """All of it."""
    promises = [promise for person in people for promise in person.promises]
    stacks = sorted({promise.stack_id for promise in promises})
    found = [Finding(Fault.LOST, complaint) for person in people for complaint in person.complaints]
    found += [*_own_deaths(world), *_applied_twice(world, stacks), *_runs(world, stacks)]
    cloud = things.cloud(world)
    of_workstations = [each for person in people if not isinstance(person, Admin) for each in person.promises]
    for station in stations(world, of_workstations, cloud):
        found += station.findings()
    found += [*_strangers(world, cloud), *_snapshots(world), *_taken(world, promises)]
    for admin in people:
        if isinstance(admin, Admin):
            found += SharedStack.read(world, admin.promises, cloud).findings()
    found += _numbers(world, stacks)
    return found + left_over(world, sorted({promise.run_id for promise in promises}))


def _own_deaths(world: World) -> Iterator[Finding]:
    for host in world.hosts:
        while host.own_deaths:
            yield Finding(Fault.LOST, f"the worker of {host.name} ended by itself, {host.own_deaths.pop()}")


def _applied_twice(world: World, stacks: list[str]) -> Iterator[Finding]:
    stack_of = {run["id"]: run["stack_id"] for run in world.runs_of(stacks)}
    for words in world.applies.twice(stack_of):
        yield Finding(Fault.DUPLICATED, words)


def _runs(world: World, stacks: list[str]) -> Iterator[Finding]:
    for run in world.runs_of(stacks):
        words = f"run {run['id']} ({run['kind']} of {run['stack_id']})"
        if run["finished_at"] is None:
            yield Finding(Fault.STUCK, f"{words} is still {run['status']} in attempt {run['attempt']}")
        elif run["status"] == "errored" and not could_not_undo(run):
            yield Finding(Fault.LOST, f"{words} ended with an error: {run['error']}")


def _strangers(world: World, cloud: Things) -> Iterator[Finding]:
    """In the cloud, and of no stack that there is."""
    stacks = {row["id"] for row in world.rows("SELECT id FROM workstations")}
    shared = [row["id"] for row in world.rows("SELECT id FROM shared_stacks")]
    known = {id_ for stack in shared for state in world.states(stack)[-1:] for id_ in things.in_state(state)}
    for id_ in things.of_none(cloud, stacks).keys() - known:
        yield Finding(Fault.ORPHANED, f"{id_} is in the cloud and of no stack")


def _snapshots(world: World) -> Iterator[Finding]:
    """The portal lists those that Google has."""
    listed, there = {row["name"] for row in world.rows("SELECT name FROM snapshots")}, things.snapshots(world)
    for name in there - listed:
        yield Finding(Fault.ORPHANED, f"snapshot {name} is in the cloud, and the portal does not list it")
    for name in listed - there:
        yield Finding(Fault.LOST, f"the portal lists snapshot {name}, and it is not in the cloud")


def _taken(world: World, promises: list[Promise]) -> Iterator[Finding]:
    """Each snapshot that was requested, and whose run came to its end, is in the list."""
    wanted = [promise.run_id for promise in promises if promise.spec.act is Act.SNAPSHOT]
    missing = world.rows(
        "SELECT id FROM runs WHERE id = ANY(%s) AND status = 'succeeded'"
        " AND NOT EXISTS (SELECT 1 FROM snapshots WHERE snapshots.run_id = runs.id)",
        wanted,
    )
    for run in missing:
        yield Finding(Fault.LOST, f"run {run['id']} took a snapshot that the portal does not list")


def _numbers(world: World, stacks: list[str]) -> Iterator[Finding]:
    """State versions and log lines are gapless from 1."""
    gaps = world.rows(
        """
        SELECT 'state versions of ' || stack_id AS words FROM state_versions WHERE stack_id = ANY(%s)
        GROUP BY stack_id HAVING count(*) <> max(number) OR min(number) <> 1
        UNION ALL
        SELECT 'log lines of run ' || runs.id FROM runs LEFT JOIN log_lines ON log_lines.run_id = runs.id
        WHERE runs.stack_id = ANY(%s) GROUP BY runs.id
        HAVING count(seq) <> runs.log_seq OR coalesce(max(seq), 0) <> runs.log_seq OR coalesce(min(seq), 1) <> 1
        """,
        stacks,
        stacks,
    )
    for gap in gaps:
        yield Finding(Fault.LOST, f"the {gap['words']} are not gapless from 1")
