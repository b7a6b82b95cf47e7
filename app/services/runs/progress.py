"""The progress of a run: its stages, and an estimate from earlier runs for the same machine type and zone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import ResourceState, Run, RunKind, RunResource, RunStatus, SharedStack, Workstation
from app.models.machine_report import BootStage
from app.services.catalog import MachineType

PRIOR_SECONDS_WITH_GPU = 150.0
"""How long it takes to create a machine with a GPU, before there was one. Its image is larger, and its driver has to
start."""
LEARN_FROM = 20
_LEARN_FROM_STATUS = (RunStatus.APPLIED, RunStatus.PLANNED)


class StageState(StrEnum):
    """The state of a stage."""

    TO_COME = "to_come"
    NOW = "now"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Stage:
    """A stage of a run."""

    label: str
    state: StageState


@dataclass(frozen=True)
class Progress:
    """The progress of a run. `percent` is below 100 until the end."""

    stages: list[Stage]
    percent: int
    elapsed_seconds: int
    expected_seconds: int
    """The estimate of the whole duration."""
    remaining_seconds: int | None


async def of_run(session: AsyncSession, run: Run, resources: list[RunResource], now: datetime) -> Progress:
    """The progress of this run."""
    elapsed = ((run.finished_at or now) - _began(run)).total_seconds()
    expected = await _expected_seconds(session, run)
    names = run.kind.traits.stages
    if await session.get(SharedStack, run.stack_id):
        names = run.kind.traits.shared_stages or names
    stages = _StageRules(run, resources, await _boot_of(session, run)).stages(names)
    if run.is_final:
        return Progress(stages, 100, round(elapsed), round(expected), None)
    # Only the end is 100 %, however long the run takes.
    percent = min(99, round(100 * elapsed / expected)) if not run.is_queued else 0
    return Progress(stages, percent, round(elapsed), round(expected), max(1, round(expected - elapsed)))


def _began(run: Run) -> datetime:
    """When the portal's part of a run began. People may take days to approve a plan."""
    return run.approved_at or run.created_at


def took(run: Run) -> timedelta | None:
    """How long the portal worked on a run; None if it has not ended, or ended while it awaited approval."""
    is_undecided = bool(run.awaits) and run.approved_at is None
    return run.finished_at - _began(run) if run.finished_at and not is_undecided else None


async def _boot_of(session: AsyncSession, run: Run) -> BootStage | None:
    """How far the machine's boot is; None if the run does not wait for it, or the machine has not reported yet."""
    workstation = await session.get(Workstation, run.stack_id) if run.booting_at else None
    return workstation.machine.stage if workstation else None


async def _expected_seconds(session: AsyncSession, run: Run) -> float:
    workstation = await session.get(Workstation, run.stack_id)
    if workstation is None:
        learnt = await _learnt(session, _of_kind(run.kind).where(Run.stack_id == run.stack_id))
    else:
        learnt = await usual_duration(session, run.kind, workstation.machine_type, workstation.zone)
    return learnt or run.kind.traits.prior_seconds


@dataclass(frozen=True)
class Expectation:
    """How long it takes until a new machine runs: learnt from earlier runs, or a guess."""

    seconds: float
    is_learnt: bool


async def time_to_running(session: AsyncSession, machine: MachineType, zone: str) -> Expectation:
    """The expectation for a machine of this type in this zone."""
    learnt = await usual_duration(session, RunKind.PROVISION, machine.name, zone)
    guess = PRIOR_SECONDS_WITH_GPU if machine.gpu else RunKind.PROVISION.traits.prior_seconds
    return Expectation(learnt or guess, is_learnt=learnt is not None)


async def usual_duration(session: AsyncSession, kind: RunKind, machine_type: str, zone: str) -> float | None:
    """How many seconds runs of this kind take for this machine type in this zone; None if there were none."""
    its_own = _of_kind(kind).join(Workstation, Workstation.id == Run.stack_id)
    return await _learnt(session, its_own.where(Workstation.machine_type == machine_type, Workstation.zone == zone))


def _of_kind(kind: RunKind) -> Select[datetime, datetime | None]:
    return select(func.coalesce(Run.approved_at, Run.created_at), Run.finished_at).where(
        Run.kind == kind, Run.status.in_(_LEARN_FROM_STATUS)
    )


async def _learnt(session: AsyncSession, query: Select[datetime, datetime | None]) -> float | None:
    """The upper quartile of the latest durations."""
    query = query.order_by(Run.finished_at.desc()).limit(LEARN_FROM)
    took = sorted((ended - began).total_seconds() for began, ended in await session.execute(query) if ended)
    # Not the median: people mind a wait that is longer than announced.
    return max(took[len(took) * 3 // 4], 1.0) if took else None


_RESOURCES = {"disk": "compute_disk", "address": "compute_address", "machine": "compute_instance"}
"""Stages that end when Terraform has finished a resource of this type."""


@dataclass(frozen=True)
class _StageRules:
    """Determines the stages of one run and their states."""

    run: Run
    resources: list[RunResource]
    boot: BootStage | None

    def stages(self, names: Sequence[str]) -> list[Stage]:
        shown = [name for name in names if name not in _RESOURCES or self._takes_part(name)]
        return [Stage(self._label(name), self._state(name)) for name in shown]

    def _takes_part(self, name: str) -> bool:
        """Whether the run changes a resource of this stage."""
        # Before the plan is known, all stages are shown.
        is_known = self.run.booting_at is not None or (self.run.has_changed_anything and bool(self.resources))
        return not (self.run.is_final or is_known) or bool(self._of_type(name))

    def _of_type(self, name: str) -> list[RunResource]:
        return [resource for resource in self.resources if resource.kind == _RESOURCES[name]]

    def _label(self, name: str) -> str:
        if name == "applying" and self.run.has_changed_anything and self.resources:
            done = sum(resource.state is ResourceState.DONE for resource in self.resources)
            return f"Applying, {done} of {len(self.resources)}"
        return name.capitalize()

    def _state(self, name: str) -> StageState:
        if name in _RESOURCES:
            return self._of_resources(self._of_type(name))
        judge = _JUDGES.get(name)
        return judge(self) if judge else self._at_the_end()

    def _of_resources(self, resources: list[RunResource]) -> StageState:
        states = {resource.state for resource in resources}
        if ResourceState.FAILED in states:
            return StageState.FAILED
        if states == {ResourceState.DONE}:
            return StageState.DONE
        is_now = ResourceState.WORKING in states and not self.run.is_final
        return StageState.NOW if is_now else StageState.TO_COME

    def _at_the_end(self) -> StageState:
        return StageState.DONE if self.run.is_success else StageState.TO_COME

    def _under_way(self) -> StageState:
        return StageState.FAILED if self.run.is_final else StageState.NOW

    def queued(self) -> StageState:
        return StageState.NOW if self.run.is_queued else StageState.DONE

    def preparing(self) -> StageState:
        """Before anything is changed: planning, or sending the order."""
        if self.run.is_queued:
            return StageState.TO_COME
        has_begun = self.run.has_changed_anything and self.run.kind.traits.uses_terraform
        is_over = has_begun or self.run.booting_at or self.run.is_success
        return StageState.DONE if is_over else self._under_way()

    def approved(self) -> StageState:
        is_approved = self.run.approved_at or self.run.has_changed_anything
        return StageState.DONE if is_approved else StageState.TO_COME

    def applying(self) -> StageState:
        if self.run.is_success:
            return StageState.DONE
        return self._under_way() if self.run.has_changed_anything else StageState.TO_COME

    def booting(self) -> StageState:
        """Until the startup script sends its first report."""
        if self.run.is_success or self.boot is not None:
            return StageState.DONE
        return self._under_way() if self.run.booting_at else StageState.TO_COME

    def mounting(self) -> StageState:
        """While the startup script mounts the disk. Whether that worked is on the machine's page."""
        if self.run.is_success or self.boot not in {None, BootStage.DISK}:
            return StageState.DONE
        return self._under_way() if self.boot else StageState.TO_COME


_JUDGES: dict[str, Callable[[_StageRules], StageState]] = {
    "queued": _StageRules.queued,
    "preparing": _StageRules.preparing,
    "planning": _StageRules.preparing,
    "resetting": _StageRules.preparing,
    "starting": _StageRules.preparing,
    "stopping": _StageRules.preparing,
    "suspending": _StageRules.preparing,
    "resuming": _StageRules.preparing,
    "copying": _StageRules.preparing,
    "approved": _StageRules.approved,
    "applying": _StageRules.applying,
    "booting": _StageRules.booting,
    "mounting": _StageRules.mounting,
}
"""How to determine the state of a stage. Stages without an entry are done when the run has succeeded."""
