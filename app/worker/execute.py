"""From a claimed run to its end: plan where there is something to lose, apply, wait for the machine, write it down."""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError

from app.errors import ConfigurationError
from app.infra import terraform
from app.infra.events import Event
from app.models import LogLevel, Root, Run, RunKind, RunStatus, Workstation
from app.models.run import LostClaimError
from app.services import state_versions
from app.services.state_versions import State
from app.worker import claim as claims
from app.worker.claim import Claim, Tools
from app.worker.folder import RunFolder
from app.worker.follow import Follower

log = structlog.get_logger()
BOOT_POLL_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Waits between looks for host keys; the last one repeats."""
PLAN_POLL_SECONDS = 0.15


class RunFailedError(Exception):
    """The run ends without success; the message is the raw text of why."""


@dataclass(frozen=True)
class Work:
    """What is to be done, read once at the claim."""

    kind: RunKind
    stack_id: str
    inputs: dict[str, Any]
    step: str | None
    log_offset: int
    state: State | None

    @property
    def deletes_everything(self) -> bool:
        """Destroy, not keeping the disk, or with no disk to keep: a plan to keep one would make it."""
        nothing_to_keep = self.state is None or self.state.is_empty
        return self.kind is RunKind.DESTROY and (nothing_to_keep or not self.inputs.get("disk_only"))

    @property
    def nothing_exists(self) -> bool:
        """A first create: there is nothing that a plan could show to be lost."""
        return self.kind is RunKind.PROVISION and self.state is None


async def execute(tools: Tools, run_id: str) -> None:
    """Claim a run and bring it to its end, if it is there to be claimed."""
    claim = await claims.take(tools, run_id)
    if claim is None:
        return
    with structlog.contextvars.bound_contextvars(run=run_id, attempt=claim.attempt):
        try:
            await Execution(claim).run()
        except LostClaimError:
            log.warning("another attempt has taken this run over")


class Execution:
    """One attempt at one run."""

    def __init__(self, claim: Claim) -> None:
        self._claim, self._tools = claim, claim.tools
        self._folder = RunFolder((self._tools.settings.data_dir / "worker" / "runs" / claim.run_id).resolve())

    async def run(self) -> None:
        """Do the work; whatever ends it, the run's row says how."""
        work = await self._read()
        log.info("run begins", kind=work.kind, workstation=work.stack_id)
        try:
            changed = await self._change(work)
            await self._settle(work, changed=changed)
        except (RunFailedError, ConfigurationError) as failure:
            await self._fail(str(failure))
        self._folder.remove()

    async def _read(self) -> Work:
        async with self._tools.database.sessions() as session:
            run = await session.get_one(Run, self._claim.run_id)
            state = await state_versions.newest(session, self._tools.vault, run.stack_id)
            return Work(run.kind, run.stack_id, run.inputs, run.step, run.log_offset, state)

    async def _change(self, work: Work) -> bool:
        """Let Terraform do it; returns whether anything was changed."""
        if work.step and self._folder.step(work.step).has_started:
            return await self._take_over(work)
        root = await self._tools.roots.ready(Root.WORKSTATION)
        self._folder.prepare(root, work.inputs, work.state)
        if work.nothing_exists and self._claim.attempt == 1:
            told = "Nothing exists yet, so there is nothing to lose: applying without a plan."
            await self._terraform("apply", work, told=told, auto_approve=terraform.FLAG)
            return True
        return await self._plan_and_apply(work)

    async def _take_over(self, work: Work) -> bool:
        """The step that an earlier worker started on this host goes on, or has ended meanwhile."""
        await self._claim.say("The worker was lost; Terraform was not. Following on.", LogLevel.WARN)
        step = work.step or ""
        is_apply = step.startswith("apply")
        if is_apply:
            async with self._claim.writing() as (_, run):
                run.begin_apply(self._tools.clock())
            if await self._follower(step, work, work.log_offset).to_the_end() == 0:
                return True
        else:
            # It changes nothing, but holds the state's lock until it has ended.
            self._folder.step(step).interrupt()
            await self._folder.step(step).wait(_nothing, PLAN_POLL_SECONDS)
        work = await self._read()
        root = await self._tools.roots.ready(Root.WORKSTATION)
        self._folder.prepare(root, work.inputs, work.state)
        changed = await self._plan_and_apply(work)
        return changed or is_apply

    async def _plan_and_apply(self, work: Work) -> bool:
        arguments = ["-destroy"] if work.deletes_everything else []
        follower = await self._terraform("plan", work, *arguments, out="tfplan")
        self._refuse_to_lose_the_disk(work, follower.changes)
        if not follower.changes:
            await self._claim.say("Nothing is to be changed.")
            return False
        await self._terraform("apply", work, "tfplan")
        return True

    @staticmethod
    def _refuse_to_lose_the_disk(work: Work, changes: list[Event]) -> None:
        """A data disk is deleted or replaced only where exactly that was asked for."""
        lost = [
            change.address
            for change in changes
            if change.action in {"delete", "replace"} and ".google_compute_disk." in f".{change.address}"
        ]
        if lost and not work.deletes_everything:
            raise RunFailedError(
                f"Refused: this would delete or replace the data disk ({lost[0]}). Nothing was changed."
            )

    async def _terraform(
        self, name: str, work: Work, *arguments: str, told: str | None = None, **options: object
    ) -> Follower:
        """Run one Terraform command to its end. Raises RunFailedError with its diagnostics when it fails."""
        step = f"{name}-{self._claim.attempt}"
        async with self._claim.writing() as (session, run):
            run.step, run.log_offset = step, 0
            if name == "apply" and run.status is RunStatus.PLANNING:
                run.begin_apply(self._tools.clock())
            if told:
                await self._claim.tell(session, run, told)
        argv = terraform.command(
            terraform.executable(self._tools.settings.terraform),
            name,
            *arguments,
            json=terraform.FLAG,
            input=False,
            **options,
        )
        self._folder.step(step).start(argv, terraform.environment(self._folder.temporary))
        follower = self._follower(step, work, 0)
        if await follower.to_the_end() != 0:
            raise RunFailedError("\n\n".join(follower.errors))
        return follower

    def _follower(self, step: str, work: Work, offset: int) -> Follower:
        return Follower(self._claim, self._folder, step, offset, work.state.serial if work.state else 0)

    async def _settle(self, work: Work, *, changed: bool) -> None:
        """Terraform is done: wait for a machine that was made, then write down what is."""
        address, host_keys = "", dict[str, str]()
        if work.kind is not RunKind.DESTROY:
            outputs = await self._outputs(work)
            address = str(outputs["address"])
            host_keys = await self._host_keys(str(outputs["zone"]), str(outputs["instance_name"]))
        async with self._claim.writing() as (session, run):
            workstation = await session.get_one(Workstation, work.stack_id, with_for_update=True)
            now = self._tools.clock()
            if work.kind is RunKind.DESTROY:
                workstation.become_destroyed(now, disk_kept=not work.deletes_everything)
                await self._claim.tell(session, run, "Destroyed." if work.deletes_everything else _KEPT)
            else:
                workstation.become_running(address, host_keys, now)
                await self._claim.tell(session, run, f"Ready: ssh {workstation.name}")
            run.succeed(now) if changed else run.find_no_changes(now)
            await claims.end(session, run, self._tools, workstation)
        log.info("run ended well", kind=work.kind)

    async def _outputs(self, work: Work) -> dict[str, Any]:
        async with self._tools.database.sessions() as session:
            state = await state_versions.newest(session, self._tools.vault, work.stack_id)
        if state is None or "instance_name" not in state.outputs:
            raise RunFailedError("Terraform ended well, but its state names no machine.")
        return state.outputs

    async def _host_keys(self, zone: str, instance: str) -> dict[str, str]:
        """Wait until the machine has published its SSH host keys. Raises RunFailedError after settings.boot_timeout."""
        async with self._claim.writing() as (session, run):
            run.booting_at = self._tools.clock()
            await self._claim.tell(session, run, "The machine is made. Waiting for it to boot and to say who it is.")
        loop = asyncio.get_running_loop()
        deadline, looks, trouble = loop.time() + self._tools.settings.boot_timeout, 0, ""
        while loop.time() < deadline:
            try:
                host_keys = await self._tools.compute.host_keys(zone, instance)
            except (GoogleAPICallError, GoogleAuthError, OSError) as error:  # OSError: what requests raises, too
                log.warning("host keys could not be read, will try again", error=str(error))
                host_keys, trouble = {}, f"\n{error}"
            if host_keys:
                return host_keys
            await asyncio.sleep(BOOT_POLL_SECONDS[min(looks, len(BOOT_POLL_SECONDS) - 1)])
            looks += 1
        minutes = self._tools.settings.boot_timeout // 60
        raise RunFailedError(f"{instance} did not publish its SSH host keys within {minutes} minutes.{trouble}")

    async def _fail(self, error: str) -> None:
        async with self._claim.writing() as (session, run):
            workstation = await session.get_one(Workstation, run.stack_id, with_for_update=True)
            await claims.end(session, run, self._tools, workstation, error=error)
        log.info("run failed")


async def _nothing() -> None:
    """The output of a plan that is made anew is of no interest."""


_KEPT = "Destroyed; the data disk is kept."
