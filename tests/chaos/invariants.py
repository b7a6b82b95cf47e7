"""What must be so once it is quiet: cloud, states, pages and wishes agree, and nothing is left over."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos import processes
from tests.chaos.findings import Fault, Finding
from tests.chaos.host import temporary
from tests.chaos.people import Person
from tests.chaos.script import Act, Machine, Request
from tests.chaos.world import World

TIDY_WITHIN_S = 30.0
"""The grace after a run's end for processes, locks and folders of earlier attempts to go."""
INSTANCE, DISK, ADDRESS = (f"google_compute_{kind}" for kind in ("instance", "disk", "address"))
WHOLE = {INSTANCE, DISK, ADDRESS}
TAKEN_BACK = {"canceled", "superseded"}
"""A wish whose run ended so counts no more: somebody said so, or wished for something else."""
NOT_UNDONE = ("Rolling back would", "Terraform was killed while it rolled")
"""How the error begins of a run that was stopped and could not be undone whole: a person reads it, and asks again."""
NOTHING = Request(Act.DESTROY, Machine("", 0, spot=False))


@dataclass(frozen=True)
class Station:
    """One workstation after the round: what was wished for, and what its state, the cloud and the page say."""

    id: str
    spec: Request | None
    """The last one that counts; None where its run was stopped and says what it could not undo."""
    state: dict[str, dict[str, Any]]
    """Resource id → attributes."""
    cloud: dict[str, dict[str, Any]]
    """Resource id → {"type", "state"}."""
    page: dict[str, Any]
    """What the API says."""
    grown_to: set[int]
    """Disk sizes of wishes that were stopped: a disk that had grown by then cannot shrink."""
    ever_had: set[str]
    """Ids in any state it ever had."""

    @property
    def name(self) -> str:
        return f"{self.page['name']} ({self.id})"

    def of(self, type_: str) -> list[dict[str, Any]]:
        """The cloud's objects of one type."""
        return [each["state"] for each in self.cloud.values() if each["type"] == type_]


def check(world: World, people: list[Person]) -> list[Finding]:
    """All of it."""
    run_ids = sorted({promise.run_id for person in people for promise in person.promises})
    stacks = sorted({promise.station_id for person in people for promise in person.promises})
    things = cloud(world)
    found = [Finding(Fault.LOST, complaint) for person in people for complaint in person.complaints]
    found += [*_own_deaths(world), *_runs(world, stacks)]
    for station in _stations(world, people, things):
        if station.spec:
            found += [*_as_in_state(station), *_as_promised(station, station.spec)]
    found += _strangers(world, things)
    found += _numbers(world, stacks)
    return found + left_over(world, run_ids)


def left_over(world: World, run_ids: list[str]) -> list[Finding]:
    """What is still there of runs that are final, after a grace."""
    looks: tuple[Callable[[World, list[str]], list[str]], ...] = (_processes, _leases, _locks, _folders)
    processes.until(lambda: not any(look(world, run_ids) for look in looks), TIDY_WITHIN_S, every=0.2)
    return [Finding(Fault.STUCK, words) for look in looks for words in look(world, run_ids)]


def cloud(world: World) -> dict[str, dict[str, Any]]:
    """What Google holds by id, without boot disks that come and go with their machine."""
    things = {thing["id"]: thing for thing in world.emulator.objects() if thing["type"].startswith("google_compute_")}
    for instance in [thing for thing in things.values() if thing["type"] == INSTANCE]:
        for disk in instance["state"].get("boot_disk", []):
            things.pop("projects" + disk["source"].partition("/projects")[2], None)
    return things


def _stations(world: World, people: list[Person], things: dict[str, dict[str, Any]]) -> Iterator[Station]:
    promises = [promise for person in people for promise in person.promises]
    for station_id in dict.fromkeys(promise.station_id for promise in promises):
        runs = {run["id"]: run for run in world.runs_of([station_id])}
        mine = [promise for promise in promises if promise.station_id == station_id]
        counts = next((each for each in reversed(mine) if runs[each.run_id]["status"] not in TAKEN_BACK), None)
        states = [_resources(state) for state in world.states(station_id)]
        yield Station(
            id=station_id,
            spec=_spec(counts.spec, runs[counts.run_id]) if counts else NOTHING,
            state=states[-1] if states else {},
            cloud={id_: thing for id_, thing in things.items() if f"-{station_id}" in id_},
            page=world.api.get(f"/api/v1/workstations/{station_id}").json(),
            grown_to={each.spec.machine.disk_size_gb for each in mine if runs[each.run_id]["cancel"]},
            ever_had={id_ for state in states for id_ in state},
        )


def _spec(spec: Request, run: dict[str, Any]) -> Request | None:
    return None if _could_not_undo(run) else spec


def _could_not_undo(run: dict[str, Any]) -> bool:
    return bool(run["cancel"]) and str(run["error"]).startswith(NOT_UNDONE)


def _resources(state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        instance["attributes"]["id"]: instance["attributes"]
        for resource in state.get("resources", [])
        if resource["mode"] == "managed"
        for instance in resource["instances"]
    }


def _own_deaths(world: World) -> Iterator[Finding]:
    for host in world.hosts:
        while host.own_deaths:
            yield Finding(Fault.LOST, f"the worker of {host.name} ended by itself, exit code {host.own_deaths.pop()}")


def _runs(world: World, stacks: list[str]) -> Iterator[Finding]:
    for run in world.runs_of(stacks):
        words = f"run {run['id']} ({run['kind']} of {run['stack_id']})"
        if run["finished_at"] is None:
            yield Finding(Fault.STUCK, f"{words} is still {run['status']} in attempt {run['attempt']}")
        elif run["status"] == "errored" and not _could_not_undo(run):
            yield Finding(Fault.LOST, f"{words} ended with an error: {run['error']}")


def _as_in_state(station: Station) -> Iterator[Finding]:
    for id_ in station.cloud.keys() - station.state.keys():
        yield Finding(Fault.ORPHANED, f"{station.name}: {id_} is in the cloud and not in the newest state")
    for id_ in station.state.keys() - station.cloud.keys():
        yield Finding(Fault.LOST, f"{station.name}: {id_} is in the newest state and not in the cloud")
    for type_, count in Counter(thing["type"] for thing in station.cloud.values()).items():
        if count > 1:
            yield Finding(Fault.DUPLICATED, f"{station.name} has {count} of {type_}: {', '.join(station.cloud)}")


def _as_promised(station: Station, spec: Request) -> Iterator[Finding]:
    page = station.page
    has = {thing["type"] for thing in station.cloud.values()}
    if spec.act is not Act.DESTROY:
        desired, status = WHOLE, "running"
    else:
        # A disk that was never made cannot be kept.
        may_keep = spec.keep_disk and any("/disks/" in id_ for id_ in station.ever_had)
        desired, status = {DISK} if may_keep else set(), "destroyed"
    if has != desired:
        yield Finding(
            Fault.LOST if desired - has else Fault.ORPHANED,
            f"{station.name}: wished for {_words(desired)} by {spec}, and the cloud has {_words(has)}",
        )
    if page["status"] != status or page["disk_kept"] != (desired == {DISK}):
        kept = ", its disk kept" if page["disk_kept"] else ""
        yield Finding(Fault.LOST, f"{station.name}: the page says {page['status']}{kept}, and wished was {spec}")
    if desired == WHOLE:
        yield from _as_requested(station, spec)


def _as_requested(station: Station, spec: Request) -> Iterator[Finding]:
    machine = spec.machine
    page = station.page
    size = page["disk_size_gb"] if page["disk_size_gb"] in station.grown_to else machine.disk_size_gb
    expected = (machine.machine_type, max(size, machine.disk_size_gb), machine.spot)
    told = {"the page": (page["machine_type"], page["disk_size_gb"], page["spot"])}
    for instance in station.of(INSTANCE):
        told["the machine"] = (instance["machine_type"], *expected[1:2], instance["scheduling"][0]["preemptible"])
    for disk in station.of(DISK):
        told["the disk"] = (expected[0], disk["size"], expected[2])
    for address in station.of(ADDRESS):
        if address["address"] != page["address"]:
            yield Finding(Fault.LOST, f"{station.name}: the page names {page['address']}, not {address['address']}")
    for who, says in told.items():
        if says != expected:
            yield Finding(Fault.LOST, f"{station.name}: requested {expected}, and {who} says {says}")


def _words(types: set[str]) -> str:
    return ", ".join(sorted(type_.removeprefix("google_compute_") for type_ in types)) or "nothing"


def _strangers(world: World, things: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    """In the cloud, and of no stack that there is."""
    stacks = {row["id"] for row in world.rows("SELECT id FROM stacks")}
    for id_ in things:
        if not any(f"-{stack}" in id_ for stack in stacks):
            yield Finding(Fault.ORPHANED, f"{id_} is in the cloud and of no stack")


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


def _processes(world: World, run_ids: list[str]) -> list[str]:
    left = [(host, pid) for host in world.hosts for pid in processes.working_in(host.runs)]
    return [f"a process is left on {host.name}: {processes.describe(pid)}" for host, pid in left]


def _leases(world: World, run_ids: list[str]) -> list[str]:
    held = world.rows(
        "SELECT id, status FROM runs WHERE id = ANY(%s) AND finished_at IS NOT NULL AND lease_until IS NOT NULL",
        run_ids,
    )
    return [f"run {run['id']} is {run['status']} and has a lease" for run in held]


def _locks(world: World, run_ids: list[str]) -> list[str]:
    """Transactions that hold or await row and table locks for longer than any of ours should last."""
    held = world.rows(
        """
        SELECT DISTINCT pid, application_name, left(query, 100) AS query
        FROM pg_stat_activity JOIN pg_locks USING (pid)
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND locktype IN ('relation', 'transactionid', 'tuple', 'advisory')
          AND coalesce(xact_start, state_change) < clock_timestamp() - interval '2 s'
        """
    )
    return [f"{row['application_name']} (backend {row['pid']}) holds a lock: {row['query']}" for row in held]


def _folders(world: World, run_ids: list[str]) -> list[str]:
    folders: list[Path] = [host.runs / run_id for host in world.hosts for run_id in run_ids]
    folders += [temporary(run_id) for run_id in run_ids]
    return [f"a folder of a run that has ended is left: {folder}" for folder in folders if folder.exists()]
