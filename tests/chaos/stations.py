"""Workstations after a round: what was requested, and what state, cloud and page say."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emulator.core.ids import last
from tests.chaos import things
from tests.chaos.findings import Fault, Finding
from tests.chaos.people import Promise
from tests.chaos.script import Act, Machine, Request
from tests.chaos.things import ADDRESS, DISK, INSTANCE, Things
from tests.chaos.world import World

WHOLE = {INSTANCE, DISK, ADDRESS}
TAKEN_BACK = {"canceled", "superseded"}
"""A request whose run ended so counts no more: somebody said so, or asked for something else."""
NOT_UNDONE = ("Rolling back would", "Terraform was killed while it rolled")
"""How the error begins of a run that was stopped and could not be undone whole: a person reads it, and asks again."""
NOTHING = Request(Act.DESTROY, Machine("", 0, spot=False))


@dataclass(frozen=True)
class Station:
    """One workstation."""

    id: str
    spec: Request | None
    """The last request that counts; None where its run was stopped and says what it could not undo."""
    power: str | None
    """What the page must say of a machine that is there; None where only page and cloud must agree."""
    state: Things
    cloud: Things
    page: dict[str, Any]
    """What the API says."""
    grown_to: set[int]
    """Disk sizes of requests that were stopped: a disk that had grown by then cannot shrink."""
    ever_had: set[str]
    """Ids in any state it ever had."""

    @property
    def name(self) -> str:
        return f"{self.page['name']} ({self.id})"

    def of(self, type_: str) -> list[dict[str, Any]]:
        """The cloud's objects of one type, with how they are."""
        return [
            each["state"] | {"status": each["cloud"].get("status")}
            for each in self.cloud.values()
            if each["type"] == type_
        ]

    def findings(self) -> Iterator[Finding]:
        """All that is not as it should be."""
        if self.spec:
            yield from as_in_state(self.name, self.state, self.cloud)
            yield from self._doubles()
            yield from self._as_promised(self.spec)

    def _doubles(self) -> Iterator[Finding]:
        for type_, count in Counter(thing["type"] for thing in self.cloud.values()).items():
            if count > 1:
                yield Finding(Fault.DUPLICATED, f"{self.name} has {count} of {type_}: {', '.join(self.cloud)}")

    def _as_promised(self, spec: Request) -> Iterator[Finding]:
        page = self.page
        has = {thing["type"] for thing in self.cloud.values()}
        if spec.act is not Act.DESTROY:
            desired, statuses = WHOLE, {self.power} if self.power else {"running", "stopped"}
        else:
            # A disk that was never made cannot be kept.
            may_keep = spec.keep_disk and any("/disks/" in id_ for id_ in self.ever_had)
            desired, statuses = {DISK} if may_keep else set(), {"destroyed"}
        if has != desired:
            yield Finding(
                Fault.LOST if desired - has else Fault.ORPHANED,
                f"{self.name}: requested {_words(desired)} by {spec}, and the cloud has {_words(has)}",
            )
        if page["status"] not in statuses or page["disk_kept"] != (desired == {DISK}):
            kept = ", its disk kept" if page["disk_kept"] else ""
            words = f"{page['status']}{kept}, not {' or '.join(sorted(statuses))}"
            yield Finding(Fault.LOST, f"{self.name}: the page says {words}, after {spec}")
        if desired == WHOLE:
            yield from self._as_requested(spec)

    def _as_requested(self, spec: Request) -> Iterator[Finding]:
        machine, page = spec.machine or Machine("", 0, spot=False), self.page
        size = page["disk_size_gb"] if page["disk_size_gb"] in self.grown_to else machine.disk_size_gb
        is_on = "RUNNING" if page["status"] == "running" else "TERMINATED"
        zone = machine.zone or page["zone"]
        expected = (machine.machine_type, max(size, machine.disk_size_gb), machine.spot, zone, is_on)
        said = {"the page": (page["machine_type"], page["disk_size_gb"], page["spot"], page["zone"], is_on)}
        for instance in self.of(INSTANCE):
            is_spot = instance["scheduling"][0]["preemptible"]
            type_, where = instance["machine_type"], last(instance["zone"])
            said["the machine"] = (type_, expected[1], is_spot, where, instance["status"])
        for disk in self.of(DISK):
            said["the disk"] = (expected[0], disk["size"], machine.spot, last(disk["zone"]), is_on)
        for address in self.of(ADDRESS):
            if address["address"] != page["address"]:
                yield Finding(Fault.LOST, f"{self.name}: the page names {page['address']}, not {address['address']}")
        for who, says in said.items():
            if says != expected:
                yield Finding(Fault.LOST, f"{self.name}: expected {expected}, and {who} says {says}")


def stations(world: World, promises: list[Promise], cloud: Things) -> Iterator[Station]:
    """Each workstation that was promised."""
    for station_id in dict.fromkeys(promise.stack_id for promise in promises):
        runs = {run["id"]: run for run in world.runs_of([station_id])}
        mine = [promise for promise in promises if promise.stack_id == station_id]
        count = [each for each in mine if runs[each.run_id]["status"] not in TAKEN_BACK]
        acts = [each for each in count if not each.spec.act.leaves_machine]
        last = next((each for each in reversed(acts) if not each.spec.act.is_order), None)
        states = [things.in_state(state) for state in world.states(station_id)]
        yield Station(
            id=station_id,
            spec=(None if could_not_undo(runs[last.run_id]) else last.spec) if last else NOTHING,
            power=_power([each.spec.act for each in acts]),
            state=states[-1] if states else {},
            cloud=things.of_stack(cloud, station_id),
            page=world.member.get(f"/api/v1/workstations/{station_id}").json(),
            grown_to={
                each.spec.machine.disk_size_gb for each in mine if each.spec.machine and runs[each.run_id]["cancel"]
            },
            ever_had={id_ for state in states for id_ in state},
        )


def as_in_state(name: str, state: Things, cloud: Things) -> Iterator[Finding]:
    """Cloud and newest state have the same."""
    for id_ in cloud.keys() - state.keys():
        yield Finding(Fault.ORPHANED, f"{name}: {id_} is in the cloud and not in the newest state")
    for id_ in state.keys() - cloud.keys():
        yield Finding(Fault.LOST, f"{name}: {id_} is in the newest state and not in the cloud")


def could_not_undo(run: dict[str, Any]) -> bool:
    """A run that was stopped, and says that what it did is not undone."""
    return bool(run["cancel"]) and str(run["error"]).startswith(NOT_UNDONE)


def _power(acts: list[Act]) -> str | None:
    """What was done to the machine last decides; a stopped one may be made anew, and then it is on."""
    decisive = [act for act in acts if act.is_order or act is Act.CREATE]
    if Act.STOP not in acts:
        return "running"
    if acts[-1] in {Act.CHANGE, Act.REVERT}:
        return None
    return "stopped" if decisive[-1] is Act.STOP else "running"


def _words(types: set[str]) -> str:
    return ", ".join(sorted(type_.removeprefix("google_compute_") for type_ in types)) or "nothing"
