"""The desired state of a machine, read from the store."""

import re
from dataclasses import dataclass
from pathlib import Path

from emulator.core.accelerators import of_machine
from emulator.core.attachments import attachments_of
from emulator.core.catalog import MACHINE_TYPES
from emulator.core.ids import DISK, last
from emulator.core.store import CloudResource, Json, Store

HOME_DEVICE = "home"
"""The device name of the disk that workstations mount at /home/jupyter."""
WORKSTATION_MARK = "stationmaster-stack"
"""Metadata that only workstations have."""
DEVICE_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


@dataclass(frozen=True)
class MachineSpec:
    id: str
    name: str
    address: str
    boots: int
    """How often it was switched on; a change means that it went down in between."""
    boot_disk: int
    """Numbers of disks name their folders."""
    boot_size_gb: int
    home_disk: int | None
    home_size_gb: int
    other_disks: dict[str, tuple[int, int]]
    """Device name → number, and size in GB."""
    gpu: str
    gpus: int
    cpus: int
    memory_gb: int
    publishes_attributes: bool
    startup_script: str

    def needs_reboot(self, other: "MachineSpec") -> bool:
        mine, its = (self.address, self.boots, self.boot_disk), (other.address, other.boots, other.boot_disk)
        return mine != its


def machine_spec(store: Store, instance: CloudResource | None) -> MachineSpec | None:
    """The spec of a machine; None if it should not answer, because it is not running or has no public address."""
    if instance is None or instance.cloud.get("status") != "RUNNING" or not instance.cloud.get("nat_ip"):
        return None
    boot, boot_size, home, size = 0, 0, None, 0
    others: dict[str, tuple[int, int]] = {}
    for attachment in attachments_of(store, instance):
        disk = store.get(DISK, attachment.disk)
        if disk and attachment.boot:
            boot, boot_size = disk.number, int(disk.state.get("size") or 10)
        elif disk and attachment.device_name == HOME_DEVICE:
            home, size = disk.number, int(disk.state.get("size") or 10)
        elif disk and DEVICE_NAME.fullmatch(attachment.device_name):
            others[attachment.device_name] = disk.number, int(disk.state.get("size") or 10)
    gpu, gpus = next(iter(of_machine(instance.state)), ("", 0))
    type_ = MACHINE_TYPES.get(last(str(instance.state.get("machine_type") or "")))
    return MachineSpec(
        id=instance.id,
        name=last(instance.id),
        address=str(instance.cloud["nat_ip"]),
        boots=int(instance.cloud["boots"]),
        boot_disk=boot,
        boot_size_gb=boot_size,
        home_disk=home,
        home_size_gb=size,
        other_disks=others,
        gpu=gpu,
        gpus=gpus,
        cpus=type_.cpus if type_ else 2,
        memory_gb=type_.memory_gb if type_ else 8,
        publishes_attributes=publishes_attributes(instance),
        startup_script=_workstations_script(instance, "startup-script"),
    )


def metadata_of(instance: CloudResource) -> Json:
    return dict(instance.state.get("metadata") or {})


def shutdown_script(instance: CloudResource | None) -> str:
    """What a machine runs when it is switched off; empty if that is not what happens to it."""
    if instance is None or instance.cloud.get("status") not in ("STOPPING", "TERMINATED"):
        return ""
    return _workstations_script(instance, "shutdown-script")


def _workstations_script(instance: CloudResource, key: str) -> str:
    """A script of a workstation; empty for other machines, whose scripts could change this computer."""
    metadata = metadata_of(instance)
    return str(metadata.get(key) or "") if WORKSTATION_MARK in metadata else ""


def publishes_attributes(instance: CloudResource) -> bool:
    """Whether Google accepts guest attributes from the machine."""
    return _is_true(metadata_of(instance).get("enable-guest-attributes"))


def public_keys_of(instance: CloudResource | None) -> dict[str, list[str]]:
    """User → public keys in OpenSSH's form, from the metadata's `ssh-keys`.

    Empty with OS Login, which makes Google's guest agent ignore the metadata.
    """
    if instance is None or _is_true(metadata_of(instance).get("enable-oslogin")):
        return {}
    keys: dict[str, list[str]] = {}
    for line in str(metadata_of(instance).get("ssh-keys") or "").splitlines():
        user, _, key = line.strip().partition(":")
        if USER_NAME.fullmatch(user) and key:
            keys.setdefault(user, []).append(key)
    return keys


def machine_path(instance_id: str) -> str:
    """The path of the machine's metadata server at the emulator's HTTP server."""
    return f"/_emulator/machines/{instance_id}"


def disk_folder(folder: Path, number: int) -> Path:
    return folder / str(number)


def _is_true(value: object) -> bool:
    return str(value).lower() in ("true", "1", "y", "yes")
