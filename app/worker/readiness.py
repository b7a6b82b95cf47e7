"""Waits until a machine is ready: it has booted, and SSH answers with the host key that the machine has published."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from app.infra import ssh
from app.infra.google import Compute
from app.models import LogLevel, Workstation
from app.models.machine_report import BootStage, MachineReport
from app.services.terraform import state_versions
from app.services.workstations import reports
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.errors import GOOGLE_ERRORS, RunFailedError

log = structlog.get_logger()
BOOT_POLL_SECONDS = (0.05, 0.05, 0.1, 0.1, 0.2, 0.2, 0.5, 1.0, 2.0)
"""Seconds between checks; the last one repeats."""
SILENCE_SECONDS = 30.0
"""After this time without an answer, a firewall is assumed to keep this worker from the machine."""
CLOCKS_DIFFER = timedelta(seconds=1)
"""How far the machine's clock may be behind Google's."""


async def report_of(compute: Compute, zone: str, instance: str) -> MachineReport:
    """What the machine has reported since it was last started; empty if that is nothing.

    Raises the errors of Google's clients (errors.GOOGLE_ERRORS).
    """
    report = MachineReport.read(await compute.guest_attributes(zone, instance))
    if not (report.has_booted and report.stage_at):
        return report
    machine = await compute.machine(zone, instance)
    # Google keeps the attributes of earlier boots, also while the machine is off or starting.
    is_of_this_boot = machine is not None and machine.is_running
    if machine and machine.started_at and report.stage_at < machine.started_at - CLOCKS_DIFFER:
        is_of_this_boot = False
    return report if is_of_this_boot else MachineReport()


@dataclass(frozen=True)
class Place:
    """A machine's zone, its name at Google and its IP address."""

    zone: str
    instance: str
    address: str


async def place_of(claim: Claim, stack_id: str) -> Place:
    """The place of a workstation's machine. Raises RunFailedError if the state has none."""
    async with claim.tools.database.sessions() as session:
        state = await state_versions.newest(session, claim.tools.vault, stack_id)
    if state is None or "instance_name" not in state.outputs:
        raise RunFailedError("The state has no machine.")
    outputs = state.outputs
    return Place(str(outputs["zone"]), str(outputs["instance_name"]), str(outputs["address"]))


@dataclass
class Readiness:
    """Waits for one machine, at most settings.boot_timeout."""

    claim: Claim
    commands: Commands
    place: Place
    since: datetime | None = None
    """Reports from before this time are ignored, because they belong to an earlier boot."""
    report: MachineReport = field(default_factory=MachineReport)
    last_problem: str = ""
    """Why the last check failed."""
    _shown: BootStage | None = None

    async def wait(self) -> MachineReport:
        """The report of a machine that is ready. Raises RunFailedError if it is not in time."""
        async with self.claim.writing() as (session, run):
            run.booting_at = self.claim.tools.clock()
            workstation = await session.get_one(Workstation, run.stack_id, with_for_update=True)
            # The report of an earlier boot would show wrong progress.
            workstation.record_report(MachineReport(), run.booting_at)
            await self.claim.log_in(session, run, "The machine is running. Waiting until it boots and accepts SSH.")
        deadline = asyncio.get_running_loop().time() + self.claim.tools.settings.boot_timeout
        try:
            await self._until(self._has_booted, deadline, "did not report that it has booted, with its SSH host keys,")
        except RunFailedError:
            await self._record_no_boot()
            raise
        await self._show()
        if self.report.stage is BootStage.FAILED:
            await self.claim.log(f"The machine has booted with errors. {self.report.trouble or ''}", LogLevel.WARN)
        await self.wait_for_ssh(deadline)
        return self.report

    async def wait_for_ssh(self, deadline: float | None = None) -> None:
        """Until SSH answers with a host key of `report`. Raises RunFailedError if it does not in time."""
        now = asyncio.get_running_loop().time()
        self._silent_since = now
        deadline = deadline or now + self.claim.tools.settings.boot_timeout
        await self._until(self._answers, deadline, "did not answer by SSH with the host key that it has")

    async def _until(self, is_done: Callable[[], Awaitable[bool]], deadline: float, otherwise: str) -> None:
        checks = 0
        while not await is_done():
            if asyncio.get_running_loop().time() >= deadline:
                minutes = self.claim.tools.settings.boot_timeout // 60
                raise RunFailedError(f"{self.place.instance} {otherwise} within {minutes} minutes.{self.last_problem}")
            await self.commands.pause(BOOT_POLL_SECONDS[min(checks, len(BOOT_POLL_SECONDS) - 1)])
            checks += 1
        # What delayed one condition does not explain the next.
        self.last_problem = ""

    async def _has_booted(self) -> bool:
        try:
            report = await report_of(self.claim.tools.compute, self.place.zone, self.place.instance)
        except GOOGLE_ERRORS as error:
            log.warning("the machine's report could not be read, will try again", error=str(error))
            self.last_problem = f"\n{error}"
            return False
        # A restart leaves the report of the boot before it.
        if self.since and (report.stage_at is None or report.stage_at <= self.since):
            return False
        self.report = report
        if not report.has_booted:
            await self._show()
        return report.has_booted and bool(report.host_keys)

    async def _show(self) -> None:
        """Store the boot stage for the workstation's page."""
        if self.report.stage is self._shown:
            return
        self._shown = self.report.stage
        async with self.claim.writing() as (session, run):
            workstation = await session.get_one(Workstation, run.stack_id, with_for_update=True)
            await reports.record(self.claim.tools.context(session), workstation, self.report)

    async def _record_no_boot(self) -> None:
        minutes = self.claim.tools.settings.boot_timeout // 60
        async with self.claim.writing() as (session, run):
            workstation = await session.get_one(Workstation, run.stack_id)
            problem = f"It did not report within {minutes} minutes that it has booted."
            await reports.record_no_boot(self.claim.tools.context(session), workstation, problem)

    async def _answers(self) -> bool:
        """Whether SSH answers with a published host key."""
        port, host_keys = self.claim.tools.settings.ssh_port, self.report.host_keys
        try:
            key = await ssh.host_key(self.place.address, port, host_keys)
        except ssh.UnreachableError as error:
            await self._show()
            self.last_problem = f"\n{error}"
            if asyncio.get_running_loop().time() - self._silent_since < SILENCE_SECONDS:
                return False
            await self.claim.log(
                f"This worker cannot reach {self.place.address} port {port} ({error}), so SSH was not "
                "checked. A firewall may block the worker. The machine reports that it has booted, with its host keys.",
                LogLevel.WARN,
            )
            # True: this worker cannot know, and the member can reach the machine all the same.
            return True
        self._silent_since = asyncio.get_running_loop().time()
        self.last_problem = f"\nPort {port} of {self.place.address} presented an unexpected host key."
        if key is None or host_keys.get(key.algorithm) != key.base64:
            return False
        await self._record_answer()
        return True

    async def _record_answer(self) -> None:
        async with self.claim.writing() as (session, run):
            workstation = await session.get_one(Workstation, run.stack_id, with_for_update=True)
            workstation.record_probe(self.claim.tools.clock(), answers=True)
