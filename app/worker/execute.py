"""From a claimed run to its end: follow what still goes on, reach the goal, wait for the machine, write it down."""

from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select

from app import queue
from app.errors import ConfigurationError
from app.infra.events import Event
from app.models import LogLevel, Root, Run, RunKind, RunStatus, Stack, Workstation
from app.models.run import LostClaimError
from app.models.run_states import UNDOABLE, WITHOUT_TERRAFORM
from app.services import stacks
from app.services.keys import machine_keys
from app.services.terraform import state_versions
from app.worker import claim as claims
from app.worker import completion
from app.worker.claim import Claim, Tools
from app.worker.commands import Commands
from app.worker.completion import Completion
from app.worker.converge import Convergence, Goal
from app.worker.errors import ApprovalRequiredError, CanceledError, HandedOverError, RunFailedError
from app.worker.folder import RunFolder
from app.worker.restart import Restart

log = structlog.get_logger()
STOP_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Work:
    """What is to be done, read once at the claim."""

    kind: RunKind
    root: Root
    stack_id: str
    inputs: dict[str, Any]
    is_approved: bool
    step: str | None
    log_offset: int


async def execute(tools: Tools, run_id: str) -> None:
    """Claim a run and bring it to its end, if it is there to be claimed."""
    claim = await claims.take(tools, run_id)
    if claim is None:
        return
    folder = RunFolder((tools.settings.data_dir / "worker" / "runs" / run_id).resolve())
    with structlog.contextvars.bound_contextvars(run=run_id, attempt=claim.attempt):
        try:
            await Execution(claim, folder).run()
        except LostClaimError:
            log.warning("another attempt has taken this run over")
            await leave_to_the_other(claim, folder)
        except Exception as error:
            log.exception("run was dropped by an unexpected error")
            await give_back(claim, error)
        else:
            await bring_keys(tools, run_id)


class Execution:
    """One attempt at one run."""

    def __init__(self, claim: Claim, folder: RunFolder) -> None:
        self._claim, self._tools, self._folder = claim, claim.tools, folder
        self._commands = Commands(claim, folder)

    async def run(self) -> None:
        """Do the work; whatever ends it, the run's row says how."""
        work = await self._read()
        log.info("run begins", kind=work.kind, stack=work.stack_id)
        try:
            try:
                await self._do(work)
            except CanceledError:
                await self._undo(work)
        except ApprovalRequiredError:
            log.info("run waits for a decision")
        except HandedOverError:
            await self._hand_over()
            return
        except (RunFailedError, ConfigurationError) as failure:
            await self._fail(str(failure))
        self._folder.remove()

    async def _read(self) -> Work:
        async with self._tools.database.sessions() as session:
            run = await session.get_one(Run, self._claim.run_id)
            state = await state_versions.newest(session, self._tools.vault, run.stack_id)
            self._commands.serial = state.serial if state else 0
            stack = await session.get_one(Stack, run.stack_id)
            is_approved = run.approved_at is not None
            return Work(run.kind, stack.root, run.stack_id, run.inputs, is_approved, run.step, run.log_offset)

    async def _do(self, work: Work) -> None:
        if work.step and self._folder.step(work.step).has_started:
            await self._claim.log("The worker was lost; what Terraform did meanwhile was not. Following on.")
            await self._commands.follow(work.step, work.log_offset)
        if await self._claim.requested_cancel():
            raise CanceledError
        if work.kind is RunKind.RESTART:
            await Restart(self._claim, self._commands, work.stack_id).run()
            return
        goal = Goal(work.inputs, work.kind, work.root)
        changes = await Convergence(self._claim, self._commands, work.stack_id).reach(goal)
        await self._settle(work, changes)
        log.info("run ended well", kind=work.kind)

    async def _settle(self, work: Work, changes: list[Event]) -> None:
        settlement = Completion(self._claim, self._commands, work.stack_id)
        if work.kind is RunKind.CHECK:
            await settlement.checked(len(changes))
        elif work.kind is RunKind.REKEY and not work.is_approved:
            await settlement.rekeyed()
        elif work.kind is RunKind.DESTROY:
            await (settlement.destroyed() if work.root is Root.WORKSTATION else settlement.shared_destroyed())
        else:
            await (settlement.machine() if work.root is Root.WORKSTATION else settlement.shared())

    async def _undo(self, work: Work) -> None:
        """Nothing of the run goes on any more: bring back what was before it, and end it as cancelled."""
        self._commands.begin_undoing(await self._claim.requested_cancel())
        goal = await self._goal_of_undo(work)
        if goal:
            await self._claim.log("Cancelled: undoing what was done.", LogLevel.WARN)
            await Convergence(self._claim, self._commands, work.stack_id).reach(goal)
        async with self._claim.writing() as (session, run):
            subject = await stacks.subject(session, work.stack_id, lock=True)
            if goal and goal.kind is RunKind.DESTROY:
                await completion.gone(self._claim, session, run)
            elif goal or not run.has_changed_anything:
                subject.restore_status()
            else:
                subject.become_failed()
            await self._claim.log_in(session, run, "Cancelled." if goal is None else "Cancelled, and undone.")
            run.end_canceled(self._tools.clock())
            await claims.end(session, run, self._claim)
        log.info("run was cancelled", kind=work.kind)

    async def _goal_of_undo(self, work: Work) -> Goal | None:
        """What was before: no machine before its first run, else the last one that was reached. None: nothing to do."""
        async with self._claim.writing() as (session, run):
            if run.kind not in UNDOABLE:
                return None
            workstation = await session.get_one(Workstation, work.stack_id, with_for_update=True)
            if run.kind is RunKind.PROVISION and workstation.running_at is None:
                workstation.begin_undo()
                # A disk that was taken over was there before the run: it stays.
                return Goal({**work.inputs, "disk_only": workstation.adopted_disk is not None}, RunKind.DESTROY)
            if not run.has_changed_anything:
                return None
            reached = (
                select(Run.inputs)
                .where(Run.stack_id == work.stack_id, Run.status.in_((RunStatus.APPLIED, RunStatus.NO_CHANGES)))
                .where(Run.kind.not_in(WITHOUT_TERRAFORM))
                .order_by(Run.finished_at.desc())
            )
            before = await session.scalar(reached.limit(1))
            if not before:
                return None
            state = await state_versions.newest(session, self._tools.vault, work.stack_id)
            size_gb = max(before["disk_size_gb"], (state and state.disk_size_gb) or 0)
            if size_gb > before["disk_size_gb"]:
                await self._claim.log_in(
                    session, run, "It cannot shrink: the data disk stays as large as it has become."
                )
            kind = RunKind.REKEY if run.kind is RunKind.REKEY else RunKind.UPDATE
            return Goal({**before, "disk_size_gb": size_gb}, kind)

    async def _hand_over(self) -> None:
        """This worker leaves; the folder stays, for whoever goes on may be on this host."""
        async with self._claim.writing() as (session, run):
            await self._claim.log_in(session, run, "The worker is leaving: handing over.")
            run.hand_over(self._tools.clock())
            await queue.enqueue(session, run.id)

    async def _fail(self, error: str) -> None:
        async with self._claim.writing() as (session, run):
            await claims.end(session, run, self._claim, error=error)
        log.info("run failed")


async def bring_keys(tools: Tools, run_id: str) -> None:
    """The owner's keys may be others since the run began, and what it did not reach it did not bring.

    A change of keys that failed is not tried again by itself: the page of SSH keys says so, and offers it.
    """
    await tools.database.reachable()
    # A transaction of its own: whoever asks for something locks the stack before its runs, so no run may be held here.
    async with tools.database.sessions.begin() as session:
        run = await session.get_one(Run, run_id)
        workstation = await session.get(Workstation, run.stack_id)
        if workstation and run.is_final and run.kind is not RunKind.REKEY:
            await machine_keys.bring(session, workstation, None, tools.clock())


async def give_back(claim: Claim, error: Exception) -> None:
    """Something went wrong that nobody thought of: the run is free for another attempt, and says why."""
    async with claim.writing() as (session, run):
        run.error = f"{type(error).__name__}: {error}"
        await claim.log_in(
            session, run, f"The worker met an unexpected error ({type(error).__name__}).", LogLevel.ERROR
        )
        run.interrupt(claim.tools.clock())
        await queue.enqueue(session, run.id, claim.tools.host)


async def leave_to_the_other(claim: Claim, folder: RunFolder) -> None:
    """Another attempt has the run. On this host it follows our Terraform; on another one ours must end.

    What ours still wrote goes to quarantine, and the stack is not settled: it may have made what the other did not see.
    """
    async with claim.tools.database.sessions() as session:
        run = await session.get_one(Run, claim.run_id)
        if run.host == claim.tools.host:
            return
    step = folder.newest_step()
    if step is not None:
        step.interrupt()
        await step.wait(folder.watch, STOP_POLL_SECONDS)
    folder.pick_up_errored_state()
    state = folder.read_state()
    async with claim.tools.database.sessions.begin() as session:
        run = await session.get_one(Run, claim.run_id, with_for_update=True)
        (await session.get_one(Stack, run.stack_id)).needs_reconcile = True
        if state is not None:
            now = claim.tools.clock()
            await state_versions.quarantine(session, claim.tools.vault, run, claim.attempt, state, now)
    folder.remove()
