"""Executes a claimed run: follow a Terraform that is still running, do the work, record the result; or roll back, or
fail."""

import structlog

from app.errors import ConfigurationError
from app.infra import hints
from app.models import LogLevel, Run, Stack
from app.models.run_states import LostClaimError
from app.services import lifecycle
from app.services.terraform import state_versions
from app.worker import claim as claims
from app.worker.attempt import Attempt
from app.worker.claim import Claim, Tools
from app.worker.errors import (
    ApprovalRequiredError,
    CanceledError,
    CapacityAwaitedError,
    HandedOverError,
    RunFailedError,
)
from app.worker.folder import RunFolder
from app.worker.kinds import kind_of
from app.worker.kinds.base import Kind

log = structlog.get_logger()
STOP_POLL_SECONDS = 0.2


async def execute(tools: Tools, run_id: str) -> None:
    """Claim a run, if that is possible, and execute it."""
    claim = await claims.take(tools, run_id)
    if claim:
        await carry_out(claim)


async def carry_out(claim: Claim) -> None:
    """Execute a claimed run until it ends, waits for approval, or is handed over."""
    folder = RunFolder((claim.tools.settings.data_dir / "worker" / "runs" / claim.run_id).resolve())
    with structlog.contextvars.bound_contextvars(run=claim.run_id, attempt=claim.attempt):
        try:
            await Execution(claim, folder, await Attempt.read(claim, folder)).run()
        except LostClaimError:
            log.warning("another attempt has taken this run over")
            await yield_to_other_attempt(claim, folder)
        except Exception as error:
            log.exception("run was dropped by an unexpected error")
            await interrupt(claim, error)
        else:
            await deploy_missed_keys(claim)
        finally:
            claim.slot.release()


class Execution:
    """One attempt at one run."""

    def __init__(self, claim: Claim, folder: RunFolder, attempt: Attempt) -> None:
        self._claim, self._tools, self._folder = claim, claim.tools, folder
        self._attempt, self._commands = attempt, attempt.commands
        self._kind = kind_of(attempt)

    async def run(self) -> None:
        """Execute the attempt. However it ends, the run's row records it."""
        log.info("run started", kind=self._attempt.kind, stack=self._attempt.stack_id)
        try:
            try:
                await self._reach()
            except CanceledError:
                await self._roll_back()
        except ApprovalRequiredError:
            log.info("run awaits approval")
        except CapacityAwaitedError:
            log.info("run waits for capacity")
        except HandedOverError:
            await self._hand_over()
            return
        # A root that cannot be initialised is the operator's problem to solve, and no reason to retry.
        except (RunFailedError, ConfigurationError) as failure:
            await self._fail(str(failure))
        self._folder.remove()

    async def _reach(self) -> None:
        step = self._attempt.step
        # The folder shows that this host started the step; on another host there is nothing to follow.
        if step and self._folder.step(step).has_started:
            await self._claim.log("The worker was lost, but Terraform kept running. Following its output.")
            await self._commands.follow(step, self._attempt.log_offset)
        if await self._claim.requested_cancel():
            raise CanceledError
        await self._kind.reach()
        async with self._claim.writing() as (session, run):
            # Canceled at the last moment: what was applied is still rolled back.
            if run.cancel and run.kind.traits.can_be_undone:
                raise CanceledError
            message = await self._kind.finish(session, run)
            level = LogLevel.WARN if self._kind.differs else LogLevel.INFO
            await self._claim.log_in(session, run, message, level)
            await lifecycle.finish(self._tools.context(session), run, differs=self._kind.differs)
        log.info("run succeeded", kind=self._attempt.kind)

    async def _roll_back(self) -> None:
        """Roll a canceled run back, and end it as canceled."""
        self._commands.begin_undoing(await self._claim.requested_cancel())
        undoing = await self._undoing()
        if undoing:
            await self._claim.log("Canceled. Rolling back.", LogLevel.WARN)
            await undoing.reach()
        async with self._claim.writing() as (session, run):
            if undoing:
                await undoing.finish_undoing(session, run)
            message = "Canceled and rolled back." if undoing else "Canceled."
            await self._claim.log_in(session, run, message)
            await lifecycle.cancel(self._tools.context(session), run, is_undone=undoing is not None)
        log.info("run was cancelled", kind=self._attempt.kind)

    async def _undoing(self) -> Kind | None:
        async with self._claim.writing() as (session, run):
            return await self._kind.undoing(session, run)

    async def _hand_over(self) -> None:
        """Release the run, because this worker shuts down."""
        # The folder is kept: the worker that continues may be on this host.
        async with self._claim.writing() as (session, run):
            await self._claim.log_in(session, run, "This worker is shutting down. Another worker will continue.")
            await lifecycle.hand_over(self._tools.context(session), run)

    async def _fail(self, error: str) -> None:
        error = self._claim.clean(error)
        async with self._claim.writing() as (session, run):
            await lifecycle.fail(self._tools.context(session), run, error)
        log.info("run failed")
        if code := hints.unknown_code(error):
            # The page shows the code, so that an operator finds the text and can report it.
            log.warning("unknown error", code=code, error=error)


async def deploy_missed_keys(claim: Claim) -> None:
    """Deploy SSH keys that changed during the run, in a separate transaction."""
    # Separate, because whoever requests a run locks the stack before its runs; this one's row lock is released by now.
    await claim.tools.database.wait_until_reachable()
    async with claim.tools.database.sessions.begin() as session:
        run = await session.get_one(Run, claim.run_id)
        await lifecycle.deploy_missed_keys(claim.tools.context(session), run)


async def interrupt(claim: Claim, error: Exception) -> None:
    """Release the run for another attempt after an unexpected error, which the run records."""
    async with claim.writing() as (session, run):
        run.error = f"{type(error).__name__}: {error}"
        await claim.log_in(session, run, f"Unexpected error in the worker ({type(error).__name__}).", LogLevel.ERROR)
        await lifecycle.interrupt(claim.tools.context(session), run)


async def yield_to_other_attempt(claim: Claim, folder: RunFolder) -> None:
    """Stop the work on a run that another attempt has taken over.

    An attempt on this host follows the Terraform that is running. If the other attempt is on another host, this host's
    Terraform is stopped, and the state it wrote is quarantined.
    """
    # On this host, the other attempt follows our Terraform.
    async with claim.tools.database.sessions() as session:
        run = await session.get_one(Run, claim.run_id)
        # The other attempt follows this host's Terraform.
        if run.host == claim.tools.host:
            return
    step = folder.newest_step()
    if step is not None:
        step.interrupt()
        await step.wait(folder.watch, STOP_POLL_SECONDS)
    # Terraform may have been unable to write its state, for example on a full disk.
    folder.pick_up_errored_state()
    state = folder.read_state()
    async with claim.tools.database.sessions.begin() as session:
        # Our Terraform may have created resources after the other attempt looked for them.
        run = await session.get_one(Run, claim.run_id, with_for_update=True)
        (await session.get_one(Stack, run.stack_id)).needs_reconcile = True
        if state is not None:
            now = claim.tools.clock()
            await state_versions.quarantine(session, claim.tools.vault, run, claim.attempt, state, now)
    folder.remove()
