"""How far a run is, in stages a person knows, with an estimate from earlier runs of the same kind of machine."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import ResourceState, Run, RunKind, RunResource, RunStatus, SharedStack, Workstation
from app.models.machine_report import BootStage
from app.services.catalog import MachineType

PRIOR_SECONDS = {
    RunKind.PROVISION: 75.0,
    RunKind.UPDATE: 60.0,
    RunKind.DESTROY: 60.0,
    RunKind.REKEY: 20.0,
    RunKind.RESTART: 45.0,
    RunKind.CONFIGURE: 300.0,
    RunKind.CHECK: 30.0,
}
"""How long a run takes where there is none to learn from yet: what Google usually needs, rounded up."""
PRIOR_SECONDS_WITH_GPU = 150.0
"""The same of making a machine with a GPU: its image is large, and its driver starts."""
LEARN_FROM = 20
_LEARN_FROM_STATUS = (RunStatus.APPLIED, RunStatus.PLANNED)


class StageState(StrEnum):
    """How far one stage is."""

    TO_COME = "to_come"
    NOW = "now"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Stage:
    """One step of the way."""

    label: str
    state: StageState


@dataclass(frozen=True)
class Progress:
    """The way of one run. `percent` never claims 100 before the end."""

    stages: list[Stage]
    percent: int
    elapsed_seconds: int
    expected_seconds: int
    """In all; of a run that has ended what it was before that."""
    remaining_seconds: int | None


async def of_run(session: AsyncSession, run: Run, resources: list[RunResource], now: datetime) -> Progress:
    """Where this run stands."""
    elapsed = ((run.finished_at or now) - run.created_at).total_seconds()
    expected = await _expected_seconds(session, run)
    is_shared = await session.get(SharedStack, run.stack_id) is not None
    boot = await _boot_of(session, run)
    stages = _of_shared_stack(run, resources) if is_shared else _of_workstation(run, resources, boot)
    if run.is_final:
        return Progress(stages, 100, round(elapsed), round(expected), None)
    percent = min(99, round(100 * elapsed / expected)) if not run.is_queued else 0
    return Progress(stages, percent, round(elapsed), round(expected), max(1, round(expected - elapsed)))


async def _boot_of(session: AsyncSession, run: Run) -> BootStage | None:
    """How far the boot is that the run waits for; None before the machine has said a word."""
    workstation = await session.get(Workstation, run.stack_id) if run.booting_at else None
    return workstation.machine.stage if workstation else None


async def _expected_seconds(session: AsyncSession, run: Run) -> float:
    workstation = await session.get(Workstation, run.stack_id)
    if workstation is None:
        return (await _learnt(session, _of_kind(run.kind).where(Run.stack_id == run.stack_id))) or PRIOR_SECONDS[
            run.kind
        ]
    return (await usual(session, run.kind, workstation.machine_type, workstation.zone)) or PRIOR_SECONDS[run.kind]


@dataclass(frozen=True)
class Expectation:
    """How long it takes until a new machine runs; learnt from earlier ones, or a guess."""

    seconds: float
    is_learnt: bool


async def to_running(session: AsyncSession, machine: MachineType, zone: str) -> Expectation:
    """For a machine of this type in this zone."""
    learnt = await usual(session, RunKind.PROVISION, machine.name, zone)
    guess = PRIOR_SECONDS_WITH_GPU if machine.gpu else PRIOR_SECONDS[RunKind.PROVISION]
    return Expectation(learnt or guess, is_learnt=learnt is not None)


async def usual(session: AsyncSession, kind: RunKind, machine_type: str, zone: str) -> float | None:
    """Seconds that runs of this kind take for this machine type in this zone; None before there were any."""
    its_own = _of_kind(kind).join(Workstation, Workstation.id == Run.stack_id)
    return await _learnt(session, its_own.where(Workstation.machine_type == machine_type, Workstation.zone == zone))


def _of_kind(kind: RunKind) -> Select[datetime, datetime | None]:
    return select(Run.created_at, Run.finished_at).where(Run.kind == kind, Run.status.in_(_LEARN_FROM_STATUS))


async def _learnt(session: AsyncSession, query: Select[datetime, datetime | None]) -> float | None:
    """The upper quartile of the latest."""
    query = query.order_by(Run.finished_at.desc()).limit(LEARN_FROM)
    took = sorted((ended - began).total_seconds() for began, ended in await session.execute(query) if ended)
    return max(took[len(took) * 3 // 4], 1.0) if took else None


_MACHINE = ("Machine", "compute_instance")
_MAKING = (("Disk", "compute_disk"), ("Address", "compute_address"), _MACHINE)
_WORKED_ON = {RunKind.DESTROY: _MAKING[::-1], RunKind.REKEY: (_MACHINE,), RunKind.RESTART: ()}
"""What has its stages in another order, or not all of them."""


def _of_shared_stack(run: Run, resources: list[RunResource]) -> list[Stage]:
    stages = [Stage("Queued", StageState.NOW if run.is_queued else StageState.DONE), Stage("Planning", _preparing(run))]
    if run.kind is RunKind.CHECK:
        return [*stages, Stage("Compared", _ready(run))]
    done = sum(resource.state is ResourceState.DONE for resource in resources)
    label = f"Applying, {done} of {len(resources)}" if run.has_changed_anything and resources else "Applying"
    decided = StageState.DONE if run.approved_at or run.has_changed_anything else StageState.TO_COME
    return [*stages, Stage("Decided", decided), Stage(label, _applying(run)), Stage("Ready", _ready(run))]


def _applying(run: Run) -> StageState:
    if run.is_success:
        return StageState.DONE
    if not run.has_changed_anything:
        return StageState.TO_COME
    return StageState.FAILED if run.is_final else StageState.NOW


def _of_workstation(run: Run, resources: list[RunResource], boot: BootStage | None) -> list[Stage]:
    making = _WORKED_ON.get(run.kind, _MAKING)
    stages = [Stage("Queued", StageState.NOW if run.is_queued else StageState.DONE)]
    stages.append(Stage("Resetting" if run.kind is RunKind.RESTART else "Preparing", _preparing(run)))
    for label, kind in making:
        its_own = [resource for resource in resources if resource.kind == kind]
        if its_own or not _is_known(run, resources):
            stages.append(Stage(label, _of_resources(its_own, run)))
    if run.kind is RunKind.DESTROY:
        return [*stages, Stage("Gone", StageState.DONE if run.is_success else StageState.TO_COME)]
    if run.kind is RunKind.REKEY:
        return [*stages, Stage("Ready", _ready(run))]
    mounting = Stage("Mounting", _mounting(run, boot))
    return [*stages, Stage("Booting", _booting(run, boot)), mounting, Stage("Ready", _ready(run))]


def _preparing(run: Run) -> StageState:
    if run.is_queued:
        return StageState.TO_COME
    has_begun = run.has_changed_anything and run.kind is not RunKind.RESTART
    if has_begun or run.booting_at or run.is_success:
        return StageState.DONE
    return StageState.FAILED if run.is_final else StageState.NOW


def _is_known(run: Run, resources: list[RunResource]) -> bool:
    """Whether Terraform has said what this run has to do."""
    return run.is_final or run.booting_at is not None or (run.has_changed_anything and bool(resources))


def _of_resources(resources: list[RunResource], run: Run) -> StageState:
    states = {resource.state for resource in resources}
    if ResourceState.FAILED in states:
        return StageState.FAILED
    if states == {ResourceState.DONE}:
        return StageState.DONE
    return StageState.NOW if ResourceState.WORKING in states and not run.is_final else StageState.TO_COME


def _booting(run: Run, boot: BootStage | None) -> StageState:
    """Until its startup script says the first word."""
    if run.is_success or boot is not None:
        return StageState.DONE
    return _under_way(run) if run.booting_at else StageState.TO_COME


def _mounting(run: Run, boot: BootStage | None) -> StageState:
    """While its startup script is at the disk; whether that went well, the machine's page tells."""
    if run.is_success or boot not in {None, BootStage.DISK}:
        return StageState.DONE
    return _under_way(run) if boot else StageState.TO_COME


def _under_way(run: Run) -> StageState:
    return StageState.FAILED if run.is_final else StageState.NOW


def _ready(run: Run) -> StageState:
    return StageState.DONE if run.is_success else StageState.TO_COME
