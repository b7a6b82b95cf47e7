"""The Terraform commands of a run. Each is a step in the run's folder that outlives the worker, and is followed to
its end."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from app.infra import disk, failures, hints, terraform
from app.infra.failures import Failure
from app.models import CancelMode, Stack
from app.services.terraform import plans
from app.services.terraform.state_versions import State
from app.worker.claim import Claim
from app.worker.driver import Driver, TerraformError
from app.worker.errors import (
    CanceledError,
    DiskFullError,
    HandedOverError,
    KilledError,
    RunFailedError,
    StockOutError,
    TransientError,
)
from app.worker.folder import RunFolder
from app.worker.follow import Follower

ALWAYS = frozenset(CancelMode)
AT_ONCE_ONLY = frozenset({CancelMode.NOW, CancelMode.FORCE})
IF_KILLED = frozenset({CancelMode.FORCE})
NEVER = frozenset[CancelMode]()
WATCH_SECONDS = 0.3
"""How often a wait checks whether the run was canceled."""


@dataclass
class Commands:
    """The Terraform commands of one attempt at a run."""

    claim: Claim
    folder: RunFolder
    serial: int = 0
    """The serial of the newest stored state."""
    undoing: bool = False
    """Whether the run is being rolled back. Then only a request to kill that came after its start stops Terraform."""
    _undoing_stopped_by: Collection[CancelMode] = NEVER
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def begin_undoing(self, requested: CancelMode | None) -> None:
        """Switch to rolling back: requests to cancel that were made so far no longer count."""
        self.undoing = True
        self._undoing_stopped_by = NEVER if requested is CancelMode.FORCE else IF_KILLED

    async def plan(self, *arguments: str, out: str = "tfplan") -> Follower:
        """Write a plan to a file. A plan changes nothing, so that any way to cancel stops it."""
        return await self._run("plan", *arguments, stopped_by=ALWAYS, out=out)

    async def apply(self, *arguments: str, message: str | None = None, **options: object) -> None:
        """Apply a plan, or the configuration."""
        # Until it ends well, Google may have resources that the state does not know (needs_reconcile).
        await self._run("apply", *arguments, stopped_by=AT_ONCE_ONLY, message=message, **options)
        async with self.claim.writing() as (session, run):
            (await session.get_one(Stack, run.stack_id)).needs_reconcile = False

    async def refresh(self) -> None:
        """Update the state from Google, without changing anything there."""
        await self._run("refresh", "-refresh-only", stopped_by=NEVER, auto_approve=terraform.FLAG)

    async def import_resource(self, address: str, resource_id: str) -> None:
        """Import an existing resource into the state."""
        await self._run("import", address, resource_id, stopped_by=NEVER, no_color=terraform.FLAG)

    async def show(self, plan: str) -> dict[str, Any]:
        """A plan file as JSON of `terraform show`."""
        try:
            return await self.driver.show(plan)
        except TerraformError as error:
            raise TransientError(str(error)) from error

    async def probe(self, address: str, resource_id: str) -> State | None:
        """The resource with this ID as a separate state; None if it does not exist."""
        try:
            return await self.driver.probe(address, resource_id)
        except TerraformError as error:
            raise self._failure([str(error)]) from error

    @property
    def driver(self) -> Driver:
        """Terraform in the run's folder."""
        return Driver(self.folder, terraform.executable(self.claim.tools.settings.terraform), self.claim.secrets)

    async def pause(self, seconds: float) -> None:
        """Wait without holding a slot. Raises CanceledError or HandedOverError instead of waiting on."""
        # A run that waits must not keep others from running Terraform.
        self.claim.slot.release()
        await self._check_is_wanted()
        await asyncio.sleep(seconds)

    async def _check_is_wanted(self) -> None:
        self.folder.touch_watch_file()
        if self.claim.tools.leaving.is_set():
            raise HandedOverError
        # A request to cancel is what started the rollback, so it does not stop it.
        if not self.undoing and await self.claim.requested_cancel():
            raise CanceledError

    async def follow(self, step: str, offset: int) -> None:
        """Follow a command that an earlier worker of this host started, from a position in its output."""
        await self._wait_for_slot()
        stopped_by = AT_ONCE_ONLY if step.startswith("apply") else ALWAYS
        if step.startswith("plan"):
            # The plan is of no use any more, but it holds the state's lock until it has ended.
            self.folder.step(step).interrupt()
        follower = self._follower(step, offset, stopped_by)
        await follower.to_the_end()
        self.serial = follower.serial

    def _follower(self, step: str, offset: int, stopped_by: Collection[CancelMode]) -> Follower:
        return Follower(self.claim, self.folder, step, offset, self.serial, stopped_by)

    async def _wait_for_slot(self) -> None:
        while not await self.claim.slot.take(within=WATCH_SECONDS):
            await self._check_is_wanted()

    async def _run(
        self,
        name: str,
        *arguments: str,
        stopped_by: Collection[CancelMode],
        message: str | None = None,
        **options: object,
    ) -> Follower:
        """Run one command until it succeeds. Raises CanceledError, TransientError or RunFailedError otherwise."""
        await self._wait_for_slot()
        # Unique in the folder, so that the output of an earlier attempt is never overwritten.
        step = f"{name}-{self.claim.attempt}.{next(self._numbers)}"
        async with self.claim.writing() as (session, run):
            if run.cancel in stopped_by and not self.undoing:
                raise CanceledError
            run.step, run.log_offset = step, 0
            if name == "apply":
                run.begin_apply(self.claim.tools.clock())
                # The plan file is of no use once it is applied, and contains secrets.
                await plans.forget(session, run.id)
                (await session.get_one(Stack, run.stack_id)).needs_reconcile = True
            if message:
                await self.claim.log_in(session, run, message)
        self.folder.step(step).start(self._argv(name, arguments, options), self.driver.environment)
        follower = self._follower(step, 0, self._undoing_stopped_by if self.undoing else stopped_by)
        code = await follower.to_the_end()
        self.serial = follower.serial
        self._check_end(follower, code)
        return follower

    def _check_end(self, follower: Follower, code: int | None) -> None:
        if follower.was_stopped and self.undoing:
            raise RunFailedError("Terraform was killed while it rolled the run back. The next run adopts what is left.")
        if follower.was_stopped:
            raise CanceledError
        if code != 0:
            raise self._failure(follower.errors, was_killed=follower.was_killed)

    def _failure(self, errors: list[str], *, was_killed: bool = False) -> Exception:
        text = "\n\n".join(errors)
        # If the disk is full, neither Terraform nor the shim may have been able to say so.
        if disk.reports_full_disk(text) or disk.any_is_full(self.folder.places):
            return DiskFullError(disk.shortage(self.folder.places))
        if was_killed:
            return KilledError(text)
        return StockOutError(text) if hints.is_stock_out(text) else _ERRORS[failures.of_all(errors)](text)

    def _argv(self, name: str, arguments: Collection[str], options: dict[str, object]) -> list[str]:
        command = "apply" if name == "refresh" else name
        # `terraform import` has no -json.
        if command != "import":
            options = {**options, "json": terraform.FLAG}
        return terraform.command(self.driver.executable, command, *arguments, input=False, **options)


_ERRORS: dict[Failure, type[Exception]] = {
    Failure.KILLED: KilledError,
    Failure.TRANSIENT: TransientError,
    Failure.LASTING: RunFailedError,
}
