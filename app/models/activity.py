"""What a machine does, as its agent (terraform/modules/compute/agent.py) measures it once a minute.

Everybody with root access to the machine can write it, so each value is checked by itself. One that is missing, or
makes no sense, is None: unknown. Nobody may take unknown for idle.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from app.models.machine_health import CLOCKS_DIFFER, SILENT_AFTER
from app.models.machine_report import LONGEST_ACTIVITY, LONGEST_NAME

MOST = 32
"""GPUs, sessions, terminals or minutes in one record."""
MEASURES = ("gpu", "cpu", "memory", "disk", "received", "sent", "typed", "jobs")
"""The numbers that are kept of each minute, in the order in which agents send them after the minute's time."""


def _or_unknown(value: object, parse: ValidatorFunctionWrapHandler) -> Any:
    try:
        return parse(value)
    except ValidationError:
        return None


def _printable(text: str) -> str | None:
    return "".join(each for each in text if each.isprintable()).strip()[:LONGEST_NAME] or None


def _named(value: object) -> object:
    """A minute arrives as a list, for want of space."""
    return dict(zip(("at", *MEASURES), value, strict=False)) if isinstance(value, list | tuple) else value


def _minute_of(value: object) -> object:
    """Its time is the number of minutes since 1970."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 27:
        raise ValueError("not a minute")
    return datetime.fromtimestamp(60 * value, UTC)


def _of_this_age(at: datetime) -> datetime:
    """In UTC. At the ends of the calendar, some times have none."""
    if not 2000 < at.year < 2200:
        raise ValueError("not a time that a machine could have")
    return at.astimezone(UTC)


_Unknown = WrapValidator(_or_unknown)
_Name = Annotated[str | None, AfterValidator(lambda text: text and _printable(text)), _Unknown]
_Number = Field(ge=0, le=1e15, strict=True, allow_inf_nan=False)
_Percent = Annotated[float | None, Field(ge=0, le=100, strict=True, allow_inf_nan=False), _Unknown]
_Amount = Annotated[float | None, _Number, _Unknown]
_Count = Annotated[int | None, Field(ge=0, le=1_000_000_000, strict=True), _Unknown]
_Flag = Annotated[bool | None, Field(strict=True), _Unknown]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Process(_Part):
    """A running process. Its arguments are nobody's business."""

    name: _Name = None
    age: _Count = None
    """Seconds since it began."""
    cpu: _Amount = None
    """Percent of one core in the last minute."""
    io: _Amount = None
    """Bytes a second that it read or wrote, of files, sockets and pipes, in the last minute."""


_Process = Annotated[Process | None, _Unknown]


class Gpu(_Part):
    """One GPU in the last minute."""

    use: _Percent = None
    """The most that its driver saw in any sample. It keeps them for 14 seconds: None if some were missed."""
    memory_used: _Amount = None
    """In bytes. A notebook that does nothing holds memory as well."""
    memory_total: _Amount = None
    process: _Process = None
    """The busiest of those that use it."""


class Login(_Part):
    """Somebody who is logged in."""

    user: _Name = None
    idle: _Count = None
    """Seconds since the last key was pressed. None where there is no terminal, as with an editor's connection."""


class Multiplexer(_Part):
    """A pane of tmux, or a window of screen, whether or not somebody looks at it."""

    kind: _Name = None
    """tmux or screen."""
    job: _Name = None
    """The name of what runs in it; None if that is a shell that waits."""
    has_job: _Flag = None


class Minute(_Part):
    """The numbers of one minute. They are kept, as means of more minutes when they are older."""

    at: Annotated[AwareDatetime, BeforeValidator(_minute_of)]
    """Its beginning."""
    gpu: _Percent = None
    """The most of any GPU; None if one of several is unknown, unless another is busy."""
    cpu: _Percent = None
    """Of all cores."""
    memory: _Percent = None
    disk: _Amount = None
    """Bytes a second, read and written."""
    received: _Amount = None
    """Bytes a second from the network: downloads."""
    sent: _Amount = None
    typed: _Amount = None
    """1 if somebody pressed a key in it, 0 if nobody did."""
    jobs: _Amount = None
    """How many panes of tmux or screen had a job, and how many Jupyter kernels computed."""


class Activity(_Part):
    """The newest record of a machine."""

    at: Annotated[AwareDatetime, AfterValidator(_of_this_age)]
    """The end of the minute that it is of, by the machine's clock."""
    cpu: _Percent = None
    load: _Amount = None
    """The mean number of processes that ran or waited for a disk in the minute."""
    memory_used: _Amount = None
    """In bytes, without what can be given back."""
    memory_total: _Amount = None
    disk_read: _Amount = None
    """Bytes a second, as the other rates are."""
    disk_written: _Amount = None
    received: _Amount = None
    sent: _Amount = None
    gpus: Annotated[tuple[Annotated[Gpu | None, _Unknown], ...] | None, Field(max_length=MOST), _Unknown] = None
    """Empty on a machine without GPU."""
    logins: Annotated[tuple[Annotated[Login | None, _Unknown], ...] | None, Field(max_length=MOST), _Unknown] = None
    multiplexers: Annotated[
        tuple[Annotated[Multiplexer | None, _Unknown], ...] | None, Field(max_length=MOST), _Unknown
    ] = None
    kernels: _Count = None
    """Jupyter kernels that are open."""
    busy_kernels: _Count = None
    """Those of them that computed in the last minute."""
    busiest: _Process = None
    """The process that used the most CPU time in the last minute."""
    minutes: Annotated[
        tuple[Annotated[Annotated[Minute, BeforeValidator(_named)] | None, _Unknown], ...] | None,
        Field(max_length=MOST),
        _Unknown,
    ] = None
    """This minute and some before it, for a reader that comes late."""

    @classmethod
    def parse(cls, text: str) -> "Activity | None":
        """Read an agent's record (JSON); None if it is none, or says no time."""
        if len(text) > LONGEST_ACTIVITY:
            return None
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None

    def is_current(self, now: datetime) -> bool:
        """Whether it still says something about the machine: an agent that is well sends one each minute."""
        return -CLOCKS_DIFFER <= now - self.at <= SILENT_AFTER

    @property
    def gpu_processes(self) -> Sequence[tuple[Gpu, Process]]:
        """The busiest process of each GPU that one uses, the busiest GPU first."""
        used = [(gpu, gpu.process) for gpu in self.gpus or () if gpu and gpu.process]
        return sorted(used, key=lambda each: -(each[0].use or 0))
