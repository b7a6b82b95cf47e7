"""Which plans go on by themselves, and which wait until somebody has decided; none is applied that nobody may want."""

import re
from dataclasses import dataclass, replace
from typing import Any

from app.infra.google_project import GoogleProject
from app.models import LogLevel, Run, Workstation
from app.services import lifecycle
from app.services.catalog import series
from app.services.terraform import plan_view, plans, scrub, state_resources
from app.services.terraform.attributes import Change
from app.services.terraform.state_versions import State
from app.services.workstations.impact import Severity
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.errors import ApprovalRequiredError, RunFailedError
from app.worker.lost_roles import holders_before, lost_roles
from app.worker.planned import PLAN_FILE, Planned

MACHINE = "module.compute[0].google_compute_instance.workstation"
DATA_DISK = ".google_compute_disk."
METADATA = {"metadata", "metadata_fingerprint"}
"""A machine's attributes that a change of keys touches; the second is what Google computes from the first."""

NEEDS_STOP = ("machine_type", "min_cpu_platform", "service_account", "shielded_instance_config", "enable_display")
"""A machine's attributes that Google's provider changes of a stopped machine only."""

WHITELIST = re.compile(r'google_compute_firewall\.ingress\["mlflow-access(-v6)?"\]')
"""What allowed IPs change, and nothing else: whoever approved the address has decided."""
_LOST_FOR_GOOD = {
    "google_artifact_registry_repository": "repository_id",
    "google_container_cluster": "name",
    "google_sql_database": "name",
    "google_sql_database_instance": "name",
    "google_storage_bucket": "name",
}
"""Types that hold data or run other people's work → the attribute that names one to people."""

IAM_ADMINS = "admin"
"""Name of the resource in terraform/shared that makes the listed IAM admins such."""

Awaited = dict[str, str]


class Decision:
    """What one attempt's plan needs before it may be applied."""

    def __init__(self, claim: Claim, commands: Commands, stack_id: str) -> None:
        self._claim, self._commands, self._stack_id = claim, commands, stack_id
        self._tools, self._folder = claim.tools, commands.folder

    async def of_workstation(self, planned: Planned, expected: Severity) -> Planned:
        """The plan, once it does to the machine no more than was asked for or approved.

        :param expected: what the requester was shown that the run does, at most.
        Raises ApprovalRequiredError, or RunFailedError where rolling back would do more.
        """
        planned = await self.of_data_disk(planned)
        more = [effect for effect in _effects(planned) if effect.severity > expected]
        if more:
            await self.require(
                [{"address": effect.address, "action": effect.action} for effect in more],
                planned.shown,
                "This would change more than was requested. Waiting for approval.",
                f"Rolling back would {more[0].action} {more[0].address}, so it was not done.",
            )
        return planned

    async def of_data_disk(self, planned: Planned) -> Planned:
        """Losing the data disk wants a decision, whatever was asked for."""
        lost = [change for change in planned.losses if DATA_DISK in f".{change.address}"]
        if not lost:
            return planned
        if any(change.action == "replace" for change in lost) and not any(
            change.address == MACHINE for change in planned.losses
        ):
            # The new disk has the old one's name, and the machine would hold on to the old one.
            changes = (await self._commands.plan(f"-replace={MACHINE}", out=PLAN_FILE)).changes
            planned = replace(planned, changes=changes, shown=await self._commands.show(PLAN_FILE))
        disk = await self._disk_name()
        await self.require(
            [{"address": str(change.address), "action": str(change.action), "name": disk} for change in lost],
            planned.shown,
            "This would delete the data disk. Waiting for approval.",
            f"Rolling back would delete the data disk ({lost[0].address}), so it was not done.",
        )
        return planned

    async def of_keys(self, planned: Planned) -> None:
        """Whoever changes their keys expects nothing else of it: metadata in place goes on, anything more is asked.

        Raises ApprovalRequiredError, or RunFailedError where undoing a change of keys would do more.
        """
        more = [change for change in self._view(planned.shown)["changes"] if not _is_of_keys(change)]
        awaits = [{"address": change["address"], "action": change["action"]} for change in more]
        if awaits:
            await self.require(
                awaits,
                planned.shown,
                "This would change more than the SSH keys. Waiting for approval.",
                f"Rolling back would change more than SSH keys ({awaits[0]['address']}), so it was not done.",
            )

    async def of_shared_stack(self, planned: Planned) -> None:
        """Everything wants a decision but what allowed IPs change. Raises ApprovalRequiredError, or RunFailedError."""
        awaits = awaited(planned.shown)
        mismatched = [
            change["address"] for change in awaits if change["address"] in planned.adopted and _is_loss(change)
        ]
        if mismatched:
            raise RunFailedError(
                f"{mismatched[0]} was adopted from Google and would be replaced. No changes were made."
            )
        holders = await holders_before(planned.shown, GoogleProject(self._tools.settings))
        awaits += lost_roles(planned.shown, holders)
        if all(WHITELIST.fullmatch(change["address"]) for change in awaits):
            return
        await self.require(awaits, planned.shown, "Plan created. Waiting for approval.", "")

    async def keep_view(self, shown: dict[str, Any]) -> None:
        """Show people the plan."""
        async with self._claim.writing() as (session, run):
            await plans.keep(session, self._tools.vault, run.id, self._view(shown), self._tools.clock())

    async def _disk_name(self) -> str:
        async with self._tools.database.sessions() as session:
            return (await session.get_one(Workstation, self._stack_id)).disk_name

    async def require(self, awaits: list[Awaited], shown: dict[str, Any], message: str, refusal_to_undo: str) -> None:
        """Go on where exactly this was approved. Otherwise store the plan and raise ApprovalRequiredError.

        :param refusal_to_undo: nobody is asked while a run is rolled back: it raises RunFailedError with this.
        """
        async with self._tools.database.sessions() as session:
            if (await session.get_one(Run, self._claim.run_id)).has_approval_for(awaits):
                return
        if self._commands.undoing:
            raise RunFailedError(refusal_to_undo)
        file = (self._folder.work / PLAN_FILE).read_bytes()
        async with self._claim.writing() as (session, run):
            ctx = self._tools.context(session)
            await plans.keep(session, ctx.vault, run.id, self._view(shown), ctx.now, file)
            await lifecycle.await_approval(ctx, run, awaits)
            await self._claim.log_in(session, run, message, LogLevel.WARN)
        raise ApprovalRequiredError

    def _view(self, shown: dict[str, Any]) -> dict[str, Any]:
        state = self._folder.read_state()
        secrets = self._claim.known_secrets | (scrub.secrets_of_state(state) if state else set())
        return plan_view.of_plan(shown, secrets)


@dataclass(frozen=True)
class _Effect:
    """What a plan does to one of a workstation's resources, beyond changing it in place."""

    address: str
    action: str
    """replace, delete or stop."""
    severity: Severity


def _effects(planned: Planned) -> list[_Effect]:
    """What is replaced, deleted or stopped; the data disk is decided apart."""
    losses = [change for change in planned.losses if DATA_DISK not in f".{change.address}"]
    found = [_Effect(str(change.address), str(change.action), Severity.REPLACES) for change in losses]
    return found + [_Effect(MACHINE, "stop", Severity.STOPS) for _ in range(_stops(planned.shown))]


def _stops(shown: dict[str, Any]) -> bool:
    """Whether the machine is changed in a way that Google makes of a stopped one only (allow_stopping_for_update)."""
    for change in plan_view.managed_changes(shown):
        if change["address"] == MACHINE and plan_view.action(change) == "update":
            before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
            return any(before.get(name) != after.get(name) for name in NEEDS_STOP)
    return False


def replacements(state: State | None, inputs: dict[str, Any]) -> list[str]:
    """What a plan has to replace, since Google would refuse the change in mid-apply and leave the machine off.

    A machine type that Google does not give in place; and an added GPU that is no longer asked for: Google's provider
    takes the missing block for "as it is".
    """
    if state is None or inputs.get("disk_only"):
        return []
    machines = [each for each in state_resources.instances(state) if each.address == MACHINE and not each.deposed]
    values = machines[0].attributes.value if machines else {}
    machine_type = str(values.get("machine_type") or inputs["machine_type"])
    # In the state of other series stand the GPUs built in.
    loses_gpu = (
        bool(values.get("guest_accelerator")) and machine_type.startswith("n1-") and not inputs.get("accelerator")
    )
    in_place = series.changes_in_place(machine_type, str(inputs["machine_type"]))
    return [f"-replace={MACHINE}"] if loses_gpu or not in_place else []


def awaited(shown: dict[str, Any]) -> list[Awaited]:
    """Every change of a plan of the shared stack, with the name of what, or who, would lose something."""
    found = []
    for change in plan_view.managed_changes(shown):
        entry = {"address": change["address"], "action": plan_view.action(change)}
        attribute = _LOST_FOR_GOOD.get(change["type"])
        before = change["change"]["before"]
        if attribute and _is_loss(entry):
            entry["name"] = str(before[attribute])
        if change["type"] == "google_project_iam_member" and _is_loss(entry) and not _is_own_account(change):
            entry |= {"name": str(before["member"]), "member": str(before["member"]), "role": str(before["role"])}
        found.append(entry)
    return found


def _is_own_account(change: dict[str, Any]) -> bool:
    """Whether these are rights of a service account that goes with the stack, and no person's."""
    member = str(change["change"]["before"].get("member", ""))
    return member.startswith("serviceAccount:") and change["name"] != IAM_ADMINS


def _is_of_keys(change: Change) -> bool:
    """Whether Google makes it in place, on a machine that goes on running: `ssh-keys` is metadata."""
    touched = {attribute["path"].partition(".")[0] for attribute in change["attributes"]}
    return change["address"] == MACHINE and change["action"] == "update" and touched <= METADATA


def _is_loss(change: Awaited) -> bool:
    return change["action"] in {"delete", "replace"}
