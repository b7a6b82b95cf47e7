"""A machine has been made: wait until it has booted and ssh answers with the host key that it tells of."""

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
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.errors import GOOGLE_ERRORS, RunFailedError

log = structlog.get_logger()
BOOT_POLL_SECONDS = (0.05, 0.05, 0.1, 0.1, 0.2, 0.2, 0.5, 1.0, 2.0)
"""Waits between checks; the last one repeats."""
SILENCE_SECONDS = 30.0
"""A machine that has booted and that this worker has not reached for so long is kept from it by a firewall."""
CLOCKS_DIFFER = timedelta(seconds=1)
"""How much earlier than Google's the machine's clock may run."""


async def report_of(compute: Compute, zone: str, instance: str) -> MachineReport:
    """What the machine has said since it was last started; an empty report where that is nothing yet.

    Raises what Google's clients do (errors.GOOGLE_ERRORS).
    """
    report = MachineReport.read(await compute.guest_attributes(zone, instance))
    if not (report.has_booted and report.stage_at):
        return report
    machine = await compute.machine(zone, instance)
    # The attributes of an earlier boot stay where they are, whether the machine boots anew or is off.
    is_of_this_boot = machine is not None and machine.is_running
    if machine and machine.started_at and report.stage_at < machine.started_at - CLOCKS_DIFFER:
        is_of_this_boot = False
    return report if is_of_this_boot else MachineReport()


@dataclass(frozen=True)
class Place:
    """Where a machine is: its zone and name at Google, and its address."""

    zone: str
    instance: str
    address: str


async def place_of(claim: Claim, stack_id: str) -> Place:
    """Where a workstation's machine is. Raises RunFailedError when the state names none."""
    async with claim.tools.database.sessions() as session:
        state = await state_versions.newest(session, claim.tools.vault, stack_id)
    if state is None or "instance_name" not in state.outputs:
        raise RunFailedError("The state has no machine.")
    outputs = state.outputs
    return Place(str(outputs["zone"]), str(outputs["instance_name"]), str(outputs["address"]))


@dataclass
class Readiness:
    """One machine on its way, within settings.boot_timeout."""

    claim: Claim
    commands: Commands
    place: Place
    since: datetime | None = None
    """What it said before counts for nothing: it was another boot."""
    report: MachineReport = field(default_factory=MachineReport)
    last_problem: str = ""
    """Why the last look was in vain."""
    _shown: BootStage | None = None

    async def wait(self) -> MachineReport:
        """The report of a machine that can be logged in to. Raises RunFailedError when there is none in time."""
        async with self.claim.writing() as (session, run):
            run.booting_at = self.claim.tools.clock()
            workstation = await session.get_one(Workstation, run.stack_id, with_for_update=True)
            workstation.record_report(MachineReport(), run.booting_at)
            await self.claim.log_in(session, run, "The machine is running. Waiting until it boots and accepts SSH.")
        deadline = asyncio.get_running_loop().time() + self.claim.tools.settings.boot_timeout
        await self._until(self._has_booted, deadline, "did not report that it has booted, with its SSH host keys,")
        if self.report.stage is BootStage.FAILED:
            reason = self.report.mount.reason if self.report.mount else None
            await self.claim.log(f"The machine has booted with errors. {reason or ''}", LogLevel.WARN)
        self._silent_since = asyncio.get_running_loop().time()
        await self._until(self._answers, deadline, "did not answer by SSH with the host key that it has")
        return self.report

    async def _until(self, is_done: Callable[[], Awaitable[bool]], deadline: float, otherwise: str) -> None:
        checks = 0
        while not await is_done():
            if asyncio.get_running_loop().time() >= deadline:
                minutes = self.claim.tools.settings.boot_timeout // 60
                raise RunFailedError(f"{self.place.instance} {otherwise} within {minutes} minutes.{self.last_problem}")
            await self.commands.pause(BOOT_POLL_SECONDS[min(checks, len(BOOT_POLL_SECONDS) - 1)])
            checks += 1
        self.last_problem = ""

    async def _has_booted(self) -> bool:
        try:
            report = await report_of(self.claim.tools.compute, self.place.zone, self.place.instance)
        except GOOGLE_ERRORS as error:
            log.warning("the machine's report could not be read, will try again", error=str(error))
            self.last_problem = f"\n{error}"
            return False
        if self.since and (report.stage_at is None or report.stage_at <= self.since):
            return False
        self.report = report
        if not report.has_booted:
            await self._show()
        return report.has_booted and bool(report.host_keys)

    async def _show(self) -> None:
        """How far it is, for its page."""
        if self.report.stage is self._shown:
            return
        self._shown = self.report.stage
        async with self.claim.writing() as (session, run):
            workstation = await session.get_one(Workstation, run.stack_id, with_for_update=True)
            workstation.record_report(self.report, self.claim.tools.clock())

    async def _answers(self) -> bool:
        """With the key that it told of. After a while also true where this worker cannot know, and the log says so."""
        port, told = self.claim.tools.settings.ssh_port, self.report.host_keys
        try:
            key = await ssh.host_key(self.place.address, port, told)
        except ssh.UnreachableError as error:
            await self._show()
            self.last_problem = f"\n{error}"
            if asyncio.get_running_loop().time() - self._silent_since < SILENCE_SECONDS:
                return False
            await self.claim.log(
                f"This worker cannot reach {self.place.address} port {port} ({error}), so it has not seen SSH answer. "
                "Does the firewall let it in? The machine itself says that it has booted, and with which host keys.",
                LogLevel.WARN,
            )
            return True
        self._silent_since = asyncio.get_running_loop().time()
        self.last_problem = f"\nPort {port} of {self.place.address} presented an unexpected host key."
        return key is not None and told.get(key.algorithm) == key.base64
