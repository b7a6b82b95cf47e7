"""Terraform's commands in one run's folder, each followed to its end."""

import asyncio
import json
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count
from typing import Any

from app.infra import hints, terraform
from app.models import CancelMode, Stack
from app.services.terraform import plans
from app.services.terraform.state_versions import State
from app.worker.claim import Claim
from app.worker.errors import CanceledError, HandedOverError, KilledError, RunFailedError, TransientError
from app.worker.folder import RunFolder
from app.worker.follow import Follower

ALWAYS = frozenset(CancelMode)
AT_ONCE_ONLY = frozenset({CancelMode.NOW, CancelMode.FORCE})
IF_KILLED = frozenset({CancelMode.FORCE})
NEVER = frozenset[CancelMode]()
NOT_THERE = "Cannot import non-existent remote object"
"""What Terraform says where there is nothing to import."""


@dataclass
class Commands:
    """What Terraform does for one attempt at a run."""

    claim: Claim
    folder: RunFolder
    serial: int = 0
    """Of the newest state that is stored."""
    undoing: bool = False
    """What goes on now is the undoing: nothing stops it but a wish to kill that came after its beginning."""

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self._undoing_stopped_by = NEVER

    def begin_undoing(self, spec: CancelMode | None) -> None:
        """Whatever was asked for so far has been done; from here on only more than that counts."""
        self.undoing = True
        self._undoing_stopped_by = NEVER if spec is CancelMode.FORCE else IF_KILLED

    async def plan(self, *arguments: str, out: str = "tfplan") -> Follower:
        """Plan into a file. It changes nothing, so every wish to cancel stops it."""
        return await self._run("plan", *arguments, stopped_by=ALWAYS, out=out)

    async def apply(self, *arguments: str, told: str | None = None, **options: object) -> None:
        """Apply; from its first moment until its good end, Google may hold what the state does not know."""
        await self._run("apply", *arguments, stopped_by=AT_ONCE_ONLY, told=told, **options)
        async with self.claim.writing() as (session, run):
            (await session.get_one(Stack, run.stack_id)).needs_reconcile = False

    async def refresh(self) -> None:
        """Bring the state up to date with what exists, and change nothing."""
        await self._run("refresh", "-refresh-only", stopped_by=NEVER, auto_approve=terraform.FLAG)

    async def take_in(self, address: str, resource_id: str) -> None:
        """Write into the state what exists at Google already (`terraform import`)."""
        await self._run("import", address, resource_id, stopped_by=NEVER, no_color=terraform.FLAG)

    async def pause(self, seconds: float) -> None:
        """Wait a moment. Raises CanceledError or HandedOverError when there is no more waiting."""
        self.folder.show_that_somebody_watches()
        if self.claim.tools.leaving.is_set():
            raise HandedOverError
        if not self.undoing and await self.claim.requested_cancel():
            raise CanceledError
        await asyncio.sleep(seconds)

    async def show(self, plan: str) -> dict[str, Any]:
        """A plan file, attribute by attribute; not a step, since nothing is lost with it."""
        code, shown, complaint = await self._aside("show", plan, json=terraform.FLAG)
        if code:
            raise TransientError(f"terraform show failed:\n{complaint}")
        return dict(json.loads(shown))

    async def probe(self, address: str, resource_id: str) -> State | None:
        """What exists at Google under this id, as a state that has nothing else in it; None where there is nothing."""
        file = self.folder.work / "probe.tfstate"
        file.unlink(missing_ok=True)
        code, _, complaint = await self._aside(
            "import", address, resource_id, input=False, no_color=terraform.FLAG, state=file.name
        )
        if code == 0:
            return State(file.read_bytes())
        if NOT_THERE in complaint:
            return None
        trouble = f"Looking for {resource_id} failed:\n{complaint}"
        raise TransientError(trouble) if hints.passes(complaint) else RunFailedError(trouble)

    async def _aside(self, name: str, *arguments: str, **options: object) -> tuple[int, bytes, str]:
        """A command that is no step of the run: exit code, output, and what it complained of."""
        process = await asyncio.create_subprocess_exec(
            *terraform.command(self._terraform, name, *arguments, **options),
            cwd=self.folder.work,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, complaint = await process.communicate()
        return process.returncode or 0, output, complaint.decode(errors="replace")

    async def follow(self, step: str, offset: int) -> None:
        """What an earlier worker started on this host goes on, or has ended meanwhile: write down the rest of it."""
        stopped_by = AT_ONCE_ONLY if step.startswith("apply") else ALWAYS
        if step.startswith("plan"):
            # It is made anew; but it holds the state's lock until it has ended.
            self.folder.step(step).interrupt()
        follower = self._follower(step, offset, stopped_by)
        await follower.to_the_end()
        self.serial = follower.serial

    @property
    def _terraform(self) -> tuple[str, ...]:
        return terraform.executable(self.claim.tools.settings.terraform)

    def _follower(self, step: str, offset: int, stopped_by: Collection[CancelMode]) -> Follower:
        return Follower(self.claim, self.folder, step, offset, self.serial, stopped_by)

    async def _run(
        self,
        name: str,
        *arguments: str,
        stopped_by: Collection[CancelMode],
        told: str | None = None,
        **options: object,
    ) -> Follower:
        """Run one command to its good end. Raises CanceledError, PassingTroubleError or RunFailedError otherwise."""
        step = f"{name}-{self.claim.attempt}.{next(self._numbers)}"
        async with self.claim.writing() as (session, run):
            if run.cancel in stopped_by and not self.undoing:
                raise CanceledError
            run.step, run.log_offset = step, 0
            if name == "apply":
                run.begin_apply(self.claim.tools.clock())
                await plans.forget(session, run.id)
                (await session.get_one(Stack, run.stack_id)).needs_reconcile = True
            if told:
                await self.claim.log_in(session, run, told)
        self.folder.step(step).start(self._argv(name, arguments, options), self._environment)
        follower = self._follower(step, 0, self._undoing_stopped_by if self.undoing else stopped_by)
        code = await follower.to_the_end()
        self.serial = follower.serial
        if follower.was_told and self.undoing:
            raise RunFailedError(
                "Terraform was killed while it undid the run. What is left is taken in by the next run."
            )
        if follower.was_told:
            raise CanceledError
        if code != 0:
            raise _trouble(follower)
        return follower

    def _argv(self, name: str, arguments: Collection[str], options: dict[str, object]) -> list[str]:
        command = "apply" if name == "refresh" else name
        if command != "import":
            options = {**options, "json": terraform.FLAG}
        return terraform.command(self._terraform, command, *arguments, input=False, **options)

    @property
    def _environment(self) -> dict[str, str]:
        secrets = {f"TF_VAR_{name}": value for name, value in self.claim.secrets.items()}
        return terraform.environment(self.folder.temporary) | secrets


def _trouble(follower: Follower) -> Exception:
    text = "\n\n".join(follower.errors)
    if follower.was_killed or all(hints.is_kill(error) for error in follower.errors):
        return KilledError(text)
    return TransientError(text) if all(hints.passes(error) for error in follower.errors) else RunFailedError(text)
