"""What a machine reports in its guest attributes (written by terraform/modules/compute/startup_tell.sh).

Everybody with root access to the machine can write them, so they are checked like any other input.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_HOST_KEY = re.compile(r"hostkeys-(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521))")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,2000}={0,2}")
# Strict, because the values come from the machine and are shown as commands to copy.
_PATH = re.compile(r"/dev/[A-Za-z0-9/_-]{1,200}")
_DRIVER = re.compile(r"none|missing|broken|[0-9.]{1,40}")
_KERNEL = re.compile(r"[A-Za-z0-9.+_-]{1,100}")
ACTIVITY = "activity"
"""What the machine does, which `activity.py` parses."""
KEEP = "keep"
"""Until when somebody wants the machine to run, who typed `keep` on it."""
SNAPSHOT = "snapshot"
"""The snapshot that is open on it."""
HOME = "home"
"""Where its owner's home folder is."""
_KEYS = ("boot-stage", "mount", "driver", "memory", "used", ACTIVITY, KEEP, SNAPSHOT, HOME)
_ACCOUNT = re.compile(r"data ([a-z_][a-z0-9_-]{0,31})")
_OPENED = re.compile(r"([0-9-]{1,20}) (?:mounted|failed (.*))", re.DOTALL)
LONGEST, LONGEST_ACTIVITY = 2000, 4000
LONGEST_NAME = 50
"""Of a process, in characters."""


class BootStage(StrEnum):
    """The progress of the startup script."""

    DISK = "disk"
    KEYS = "keys"
    READY = "ready"
    FAILED = "failed"


class MountState(StrEnum):
    """Whether the data disk is mounted."""

    MOUNTED = "mounted"
    UNMOUNTED = "unmounted"
    ABSENT = "absent"


@dataclass(frozen=True)
class Mount:
    """The data disk and the boot disk as the machine sees them at `at`. Sizes are in bytes."""

    state: MountState
    volume: str | None
    """The path to mount, which is the same after every boot."""
    device: str | None
    """The current device, such as /dev/sdb."""
    file_system: str | None
    size_bytes: int | None
    free_bytes: int | None
    boot_size_bytes: int | None
    """Free space of the boot disk's file system."""
    boot_free_bytes: int | None
    at: datetime | None
    reason: str | None
    """Why it is not mounted, as a sentence."""

    @property
    def is_mounted(self) -> bool:
        """Whether the data disk is mounted at /home/jupyter."""
        return self.state is MountState.MOUNTED

    @property
    def can_be_mounted(self) -> bool:
        """Whether the disk exists with a file system that the startup script would mount."""
        return self.state is MountState.UNMOUNTED and self.file_system == "ext4" and bool(self.volume)


@dataclass(frozen=True)
class Memory:
    """The memory as the machine sees it at `at`. Sizes are in bytes."""

    total_bytes: int
    available_bytes: int
    pressure: float
    """How much of the last minute all processes waited for memory, in percent."""
    kills: int
    """How many processes Linux has ended since the boot, because memory ran out."""
    killed_at: datetime | None
    """When the last one was."""
    killed: str | None
    """Its name."""
    at: datetime | None


@dataclass(frozen=True)
class OpenedSnapshot:
    """A snapshot that is open, as the machine sees it."""

    date: str
    """The name of its folder."""
    trouble: str | None
    """Why it cannot be mounted; None if it is."""


@dataclass(frozen=True)
class Home:
    """Where the owner's home folder is."""

    user: str | None
    """Whose home folder is on the data disk; None if it is on the boot disk."""
    trouble: str | None
    """Why it is not on the data disk, where it was to be, as a sentence."""


@dataclass(frozen=True)
class MachineReport:
    """The parsed attributes. What the machine has not reported (yet) is None or empty."""

    stage: BootStage | None = None
    stage_at: datetime | None = None
    mount: Mount | None = None
    driver: str | None = None
    """The GPU driver: "none" without a GPU, "missing", "broken", or the driver's version."""
    kernel: str | None = None
    """The kernel with which the driver does not work."""
    memory: Memory | None = None
    used_at: datetime | None = None
    """When somebody was last logged in."""
    keep_until: datetime | None = None
    """Until when somebody wants it to run, who typed `keep` on it."""
    opened: OpenedSnapshot | None = None
    home: Home | None = None
    host_keys: dict[str, str] = field(default_factory=dict)
    """SSH host keys: algorithm → base64, such as {"ssh-ed25519": "AAAA…"}."""
    attributes: dict[str, str] = field(default_factory=dict)
    """The attributes that this was parsed from, in a form that can be stored."""

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "MachineReport":
        """Parse guest attributes by key. Invalid values are left out."""
        attributes = {
            key: _clean(value, LONGEST_ACTIVITY if key == ACTIVITY else LONGEST)
            for key, value in values.items()
            if key in _KEYS or _HOST_KEY.fullmatch(key)
        }
        stage, _, at = attributes.get("boot-stage", "").partition(" ")
        driver, _, kernel = attributes.get("driver", "").removeprefix("ok ").partition(" ")
        return cls(
            stage=BootStage(stage) if stage in set(BootStage) else None,
            stage_at=_time(at),
            mount=_mount(attributes.get("mount", "")),
            driver=driver if _DRIVER.fullmatch(driver) else None,
            kernel=kernel if _KERNEL.fullmatch(kernel) else None,
            memory=_memory(attributes.get("memory", "")),
            used_at=_time(attributes.get("used", "")),
            keep_until=_time(attributes.get(KEEP, "")),
            opened=_opened(attributes.get(SNAPSHOT, "")),
            home=_home(attributes.get(HOME, "")),
            host_keys={
                found[1]: value
                for key, value in attributes.items()
                if (found := _HOST_KEY.fullmatch(key)) and _BASE64.fullmatch(value)
            },
            attributes=attributes,
        )

    @property
    def has_booted(self) -> bool:
        """Whether the startup script has ended, with or without errors."""
        return self.stage in {BootStage.READY, BootStage.FAILED}

    @property
    def trouble(self) -> str | None:
        """Why the startup script has failed, as a sentence."""
        reasons = (self.mount.reason if self.mount else None, self.home.trouble if self.home else None)
        return next(filter(None, reasons), None)

    @property
    def is_well(self) -> bool:
        """Whether the machine has booted with its data disk mounted."""
        return self.has_booted and self.mount is not None and self.mount.is_mounted


def _clean(text: str, longest: int) -> str:
    """Text that PostgreSQL can store: without NUL and unpaired surrogates."""
    return text[:longest].replace("\0", "").encode(errors="replace").decode()


def _mount(line: str) -> Mount | None:
    facts, _, reason = line.partition(" reason=")
    values = dict(word.partition("=")[::2] for word in facts.split())
    if values.get("state") not in set(MountState):
        return None
    return Mount(
        state=MountState(values["state"]),
        volume=_path(values.get("volume", "")),
        device=_path(values.get("device", "")),
        file_system=values.get("type") or None,
        size_bytes=_number(values.get("size", "")),
        free_bytes=_number(values.get("free", "")),
        boot_size_bytes=_number(values.get("boot_size", "")),
        boot_free_bytes=_number(values.get("boot_free", "")),
        at=_time(values.get("at", "")),
        reason=reason.strip() or None,
    )


def _memory(line: str) -> Memory | None:
    """None unless the sizes make sense together."""
    facts, _, killed = line.partition(" killed=")
    values = dict(word.partition("=")[::2] for word in facts.split())
    total, available = _number(values.get("total", "")), _number(values.get("available", ""))
    if not total or available is None or available > total:
        return None
    return Memory(
        total_bytes=total,
        available_bytes=available,
        pressure=_percent(values.get("pressure", "")),
        kills=_number(values.get("kills", "")) or 0,
        killed_at=_time(values.get("killed_at", "")),
        killed="".join(each for each in killed if each.isprintable()).strip()[:LONGEST_NAME] or None,
        at=_time(values.get("at", "")),
    )


def _opened(text: str) -> OpenedSnapshot | None:
    found = _OPENED.fullmatch(text)
    return OpenedSnapshot(found[1], found[2]) if found else None


def _home(text: str) -> Home | None:
    if found := _ACCOUNT.fullmatch(text):
        return Home(found[1], None)
    place, _, trouble = text.partition(" ")
    return Home(None, trouble.strip() or None) if place == "boot" else None


def _percent(text: str) -> float:
    """0 for what is none."""
    found = float(text) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", text) else 0.0
    return found if found <= 100 else 0.0


def _path(text: str) -> str | None:
    """The path if it has the form of one, since people copy it into commands."""
    return text if _PATH.fullmatch(text) else None


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Without a time zone, it could not be compared with Google's times.
    return at if at.tzinfo else None
