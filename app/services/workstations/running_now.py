"""What runs on a machine just now, in words, for those who are about to end it."""

from dataclasses import dataclass
from datetime import datetime

from app.errors import InvalidError
from app.models import Workstation
from app.models.activity import Activity, Gpu, Process

BUSY_CPU = 10.0
"""Percent of one core: a process that takes more is said."""
BUSY_GPU = 1.0
"""Percent: a process on a GPU that is used more is at work, whatever its CPU time."""
DOWNLOADS = 1e6
"""Bytes a second: what comes faster is a download."""
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class RunningNow:
    """What a machine does, as of its newest record."""

    at: datetime | None
    """None if that is not known: the agent is silent."""
    work: list[str]
    """What would be lost."""
    people: list[str]
    """Who is logged in."""


def of(workstation: Workstation, now: datetime) -> RunningNow | None:
    """None for a machine that does not run."""
    if not workstation.is_running:
        return None
    activity = workstation.activity
    if activity is None or not activity.is_current(now):
        return RunningNow(None, [], [])
    return RunningNow(min(activity.at, now), list(dict.fromkeys(_work(activity))), _people(activity))


def require_confirmation(workstation: Workstation, now: datetime, *, is_confirmed: bool) -> None:
    """Raise InvalidError if work would be lost that nobody has agreed to end."""
    found = of(workstation, now)
    if found and found.work and not is_confirmed:
        sentence = f"Confirm that this may end: {'; '.join(found.work)}."
        raise InvalidError(f"{workstation.name} is at work.", fields={"end_work": sentence})


def _work(activity: Activity) -> list[str]:
    on_gpus = [each for each in activity.gpu_processes if _is_at_work(*each)]
    named = {process.name for _, process in on_gpus}
    jobs = [pane for pane in activity.multiplexers or () if pane and pane.job and pane.job not in named]
    found = [_described(process, _gpu_use(gpu)) for gpu, process in on_gpus]
    found += [f"{pane.job} in {pane.kind or 'a terminal'}" for pane in jobs]
    busiest = activity.busiest
    if busiest and (busiest.cpu or 0) >= BUSY_CPU and busiest.name not in named | {pane.job for pane in jobs}:
        found.append(_described(busiest, f"CPU {busiest.cpu:.0f}%"))
    if activity.kernels:
        busy = f", {activity.busy_kernels} of them busy" if activity.busy_kernels else ""
        found.append(f"{activity.kernels} Jupyter kernel{'s' if activity.kernels > 1 else ''}{busy}")
    if (activity.received or 0) >= DOWNLOADS:
        found.append(f"a download, {rate(activity.received or 0)}")
    return found


def _is_at_work(gpu: Gpu, process: Process) -> bool:
    return gpu.use is None or gpu.use >= BUSY_GPU or (process.cpu or 0) >= 1


def _gpu_use(gpu: Gpu) -> str:
    return "GPU use unknown" if gpu.use is None else f"GPU {gpu.use:.0f}%"


def _described(process: Process, use: str) -> str:
    age = f", for {duration(process.age)}" if process.age is not None else ""
    return f"{process.name or 'a process'}, {use}{age}"


def _people(activity: Activity) -> list[str]:
    logins = [each for each in activity.logins or () if each]
    return [
        f"{each.user or 'somebody'}{f', idle for {duration(each.idle)}' if each.idle else ''}"
        f"{', without a terminal' if each.idle is None else ''}"
        for each in logins
    ]


def duration(seconds: int) -> str:
    """In its largest whole unit, such as 6 h."""
    unit, size = next((each for each in _UNITS if seconds >= each[1]), _UNITS[-1])
    return f"{seconds // size} {unit}"


def rate(value: float) -> str:
    """Such as 12.5 MB/s."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}/s"
    return f"{value:.0f} B/s"
