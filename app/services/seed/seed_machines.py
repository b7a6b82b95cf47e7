"""The seed's machines as specs of workstations, with a note where the catalog has no longer the same on offer."""

import re
from dataclasses import dataclass
from typing import Any

from app.config import Settings
from app.services.catalog import Catalog, MachineType
from app.services.seed.reader import Seed, SeedMachine, SeedUser
from app.services.seed.tfvars import Problem
from app.services.workstations import specs
from app.services.workstations.specs import WorkstationSpec

SEEDS_CPU_TYPE = "n2-standard-4"
"""The machine type of all CPU machines of the seed, whatever the entries said."""
_GB_A_CPU = {"standard": 4, "highmem": 8, "highcpu": 1}
_SERIES = r"(?:a2|a3|a4|a4x|c2|c2d|c3|c3d|c4|c4a|c4d|e2|f1|g1|g2|g4|h3|m1|m2|m3|m4|n1|n2|n2d|n4|t2a|t2d|z3)"
_TYPE = re.compile(
    rf"{_SERIES}-(?:(?P<kind>standard|highmem|highcpu)-(?P<cpus>[1-9][0-9]{{0,2}})"
    rf"|(?:[a-z]+gpu)-(?P<gpus>[1-9][0-9]?)g|(?:ultramem|megamem|hypermem)-(?P<mem_cpus>[1-9][0-9]{{0,3}})"
    rf"|micro|small|medium|(?P<custom>custom-(?P<own_cpus>[1-9][0-9]{{0,2}})-(?P<own_mb>[1-9][0-9]{{2,6}})(?:-ext)?))"
    rf"|custom-(?P<n1_cpus>[1-9][0-9]{{0,2}})-(?P<n1_mb>[1-9][0-9]{{2,6}})"
)
_GPU = re.compile(
    r"nvidia-(?:tesla-)?(?P<model>k80|p4|p100|v100|t4|l4|a100|h100|h200|b200|rtx-pro-6000)(?:-(?P<gb>[0-9]+)gb)?(?:-[a-z]+)*"
)
_IMAGE = re.compile(r"(?:.*projects/)?(?P<project>[^/]+)/(?:global/images/)?(?:family/)?(?P<name>[^/]+)")
CPUS_A_GPU = 12
"""vCPUs for each GPU in the a2 series, whose names contain only the number of GPUs."""


@dataclass(frozen=True)
class Machine:
    """A workstation to request."""

    user: str
    line: int
    spec: WorkstationSpec
    notes: tuple[str, ...]


class Mapping:
    """Converts the seed's users and machines. What is not possible is collected in `problems`."""

    def __init__(self, seed: Seed, usernames: dict[str, str], catalog: Catalog, settings: Settings) -> None:
        """:param usernames: the SSH usernames in the portal, by the seed's user name."""
        self._seed, self._usernames, self._catalog, self._settings = seed, usernames, catalog, settings
        self.problems: list[Problem] = []
        self.skipped: list[str] = []

    def machines(self) -> list[Machine]:
        """All machines that can be requested. `skipped` names those that the seed had switched off."""
        return [machine for user in self._seed.users for machine in self._of(user)]

    def _of(self, user: SeedUser) -> list[Machine]:
        cpu = [entry for entry in user.machines if not entry.guest_accelerator]
        gpu = [entry for entry in user.machines if entry.guest_accelerator]
        found = []
        for kind, entries, switch in (
            ("cpu", cpu, self._seed.deploy_cpu_compute),
            ("gpu", gpu, self._seed.deploy_gpu_compute),
        ):
            if entries and switch is False:
                self.skipped.append(f"{user.name}: no {kind.upper()} machine, since deploy_{kind}_compute is false.")
                continue
            found += [self._machine(user, entry, f"{kind}-{n}") for n, entry in enumerate(entries, start=1)]
        if gpu and not cpu and self._seed.deploy_cpu_compute:
            # The seed created a CPU machine for everybody, and used only the zone of the entry.
            seeds = SeedMachine(gpu[0].line, SEEDS_CPU_TYPE, zone=gpu[0].zone)
            found.insert(0, self._machine(user, seeds, "cpu-1", ("the seed created a CPU machine for everybody",)))
        return [machine for machine in found if machine]

    def _machine(self, user: SeedUser, entry: SeedMachine, name: str, why: tuple[str, ...] = ()) -> Machine | None:
        zone = entry.zone or self._seed.gcp_zone or self._settings.default_zone
        notes = list(why)
        offer = self._fitting(entry, zone, notes)
        if offer is None:
            return None
        username = self._usernames.get(user.name)
        if username and entry.ssh_username not in {None, username}:
            notes.append(f"the SSH username is {username} instead of {entry.ssh_username}")
        if offer.spot_only:
            notes.append(f"Google sells {offer.name} only as Spot")
        disk: dict[str, Any] = {
            "disk_size_gb": self._seed.compute_persistent_disk_size_gb,
            "disk_type": self._disk_type(offer, notes),
        }
        spec = WorkstationSpec(
            name=name,
            machine_type=offer.name,
            zone=zone,
            image=self._image(entry, offer, notes),
            snapshot=_short(entry.boot_disk_snapshot),
            spot=offer.spot_only,
            **{field: value for field, value in disk.items() if value is not None},
        )
        return Machine(user.name, entry.line, spec, tuple(notes)) if self._fits(user, entry, spec) else None

    def _fits(self, user: SeedUser, entry: SeedMachine, spec: WorkstationSpec) -> bool:
        found = specs.check(spec, self._catalog, self._settings)
        if "zone" in found:
            found["zone"] = f"{spec.zone} is not available. Available zones: {', '.join(self._catalog.zones)}."
        of_all = {"disk_size_gb": "compute_persistent_disk_size_gb", "disk_type": "compute_persistent_disk_type"}
        for field, sentence in found.items():
            name = of_all.get(field, "gcp_zone" if field == "zone" and not entry.zone else "")
            line = self._seed.lines.get(name)
            text = f"{name}: {sentence}" if line else f"{user.name}: {sentence}"
            problem = Problem(self._seed.file, line or entry.line, text)
            if problem not in self.problems:
                self.problems.append(problem)
        return not found

    def _fitting(self, entry: SeedMachine, zone: str, notes: list[str]) -> MachineType | None:
        """The machine type itself, if it is on offer in the zone; else the smallest that has as much, with the same
        GPU."""
        gpu = _GPU.fullmatch(entry.guest_accelerator or "")
        if entry.guest_accelerator and not gpu:
            self._refuse(entry, f"{entry.guest_accelerator} is not a GPU at Google.")
            return None
        desired = _TYPE.fullmatch(entry.machine_type)
        if not desired:
            self._refuse(entry, f"{entry.machine_type} is not a machine type at Google.")
            return None
        there = [
            offer for offer in self._catalog.machine_types if zone in offer.zones or zone not in self._catalog.zones
        ]
        of_kind = [offer for offer in there if bool(offer.gpu) == bool(gpu)]
        same_gpu = [offer for offer in of_kind if gpu is None or _has(offer, gpu)]
        itself = next((offer for offer in same_gpu if offer.name == entry.machine_type), None)
        if itself:
            return itself
        # Nobody who had an ordinary machine expects one that Google can stop at any time.
        on_demand = [offer for offer in of_kind if not offer.spot_only]
        if not on_demand:
            self._refuse(entry, f"No machine type like {entry.machine_type} is available in {zone}.")
            return None
        chosen = _smallest([offer for offer in on_demand if offer in same_gpu] or on_demand, *_size(desired))
        described = f"{entry.machine_type} with {entry.guest_accelerator}" if gpu else entry.machine_type
        notes.append(f"{described} is not available, replaced by {chosen.name} ({chosen.label})")
        return chosen

    def _refuse(self, entry: SeedMachine, text: str) -> None:
        self.problems.append(Problem(self._seed.file, entry.line, text))

    def _disk_type(self, offer: MachineType, notes: list[str]) -> str:
        """The disk type in the file. If this machine type does not support it, the machine type's default."""
        given = self._seed.compute_persistent_disk_type
        if given and (given in offer.disk_types or self._catalog.disk_type(given) is None):
            return given
        if given:
            notes.append(f"{offer.name} does not support {given} disks, replaced by {offer.disk_types[0]}")
        return offer.disk_types[0]

    def _image(self, entry: SeedMachine, offer: MachineType, notes: list[str]) -> str | None:
        if not entry.boot_disk_image:
            return None
        found = _IMAGE.fullmatch(entry.boot_disk_image)
        name = f"{found['project']}/{found['name']}" if found else entry.boot_disk_image
        image = next((image for image in self._catalog.images if image.name == name), None)
        if image and (image.gpu or not offer.gpu):
            return image.name
        instead = self._catalog.default_image(offer)
        reason = "has no GPU driver" if image else "is retired or not in the catalog"
        notes.append(f"the image {entry.boot_disk_image} {reason}, replaced by {instead.label}")
        return None


def _has(offer: MachineType, gpu: re.Match[str]) -> bool:
    """Whether the machine type has that GPU."""
    model = gpu["model"].upper().replace("-", " ")
    is_model = (offer.gpu or "").upper().split(" ", 1)[-1] == model
    return is_model and (gpu["gb"] is None or offer.gpu_memory_gb == int(gpu["gb"]))


def _size(desired: re.Match[str]) -> tuple[int, int]:
    """vCPUs and GB of memory, as far as the machine type's name contains them."""
    of = desired.groupdict()
    if of["cpus"]:
        return int(of["cpus"]), int(of["cpus"]) * _GB_A_CPU[of["kind"]]
    if of["gpus"]:
        return CPUS_A_GPU * int(of["gpus"]), 0
    own = of["own_cpus"] or of["n1_cpus"]
    megabytes = of["own_mb"] or of["n1_mb"]
    return (int(own), int(megabytes) // 1024) if own else (int(of["mem_cpus"] or 1), 0)


def _smallest(offers: list[MachineType], cpus: int, memory_gb: int) -> MachineType:
    """The smallest machine type of at least this size; if there is none, the largest."""
    by_size = sorted(offers, key=lambda offer: (offer.vcpus, offer.memory_gb))
    # N1 has slightly less memory per vCPU than other series.
    enough = [offer for offer in by_size if offer.vcpus >= cpus and offer.memory_gb >= memory_gb * 15 // 16]
    return next(iter(enough), by_size[-1])


def _short(snapshot: str | None) -> str | None:
    """The part of a snapshot's self link that the portal uses."""
    if snapshot is None:
        return None
    return re.sub(r"^https://(www|compute)\.googleapis\.com/compute/v1/", "", snapshot)
