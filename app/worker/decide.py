"""Decides whether a plan is applied at once or requires approval."""

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
DISK = "module.compute_configure.google_compute_disk.data"
DATA_DISK = ".google_compute_disk.data"
OPENED_DISK = ".google_compute_disk.opened"
"""The disk of a snapshot that is open: a copy."""
METADATA = {"metadata", "metadata_fingerprint"}
"""The attributes of a machine that change with its SSH keys. Google computes the fingerprint from the metadata."""

NEEDS_STOP = ("machine_type", "min_cpu_platform", "service_account", "shielded_instance_config", "enable_display")
"""Attributes that Google's provider can change only while the machine is stopped."""

WHITELIST = re.compile(r'google_compute_firewall\.ingress\["mlflow-access(-v6)?"\]')
"""The firewall rules of allowed IPs. They require no approval, since an admin has already approved each address."""
_LOST_FOR_GOOD = {
    "google_artifact_registry_repository": "repository_id",
    "google_container_cluster": "name",
    "google_sql_database": "name",
    "google_sql_database_instance": "name",
    "google_storage_bucket": "name",
}
"""Types whose deletion loses data or stops other people's work → the attribute with the name that people know."""

IAM_ADMINS = "admin"
"""The name in terraform/shared of the resource that grants the role of IAM admins."""

Awaited = dict[str, str]


class Decision:
    """Decides about the plan of one attempt."""

    def __init__(self, claim: Claim, commands: Commands, stack_id: str) -> None:
        self._claim, self._commands, self._stack_id = claim, commands, stack_id
        self._tools, self._folder = claim.tools, commands.folder

    async def of_workstation(self, planned: Planned, expected: Severity, *, disk_moves: bool = False) -> Planned:
        """Return the plan to apply if its effect on the machine was requested or approved.

        :param expected: the severest effect that the requester was shown.
        :param disk_moves: the data disk is replaced by one from the snapshot that the run takes before.
        Raises ApprovalRequiredError, or RunFailedError if this is a rollback.
        """
        if not (disk_moves and all(change.action == "replace" for change in planned.losses)):
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
        """Require approval for a plan that deletes or replaces the data disk; returns the plan to apply."""
        lost = [change for change in planned.losses if DATA_DISK in f".{change.address}"]
        if not lost:
            return planned
        if any(change.action == "replace" for change in lost) and not any(
            change.address == MACHINE for change in planned.losses
        ):
            # The new disk has the same name, so the provider sees no change in the machine's attachment: replace it as
            # well.
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
        """Require approval for a plan that changes more than SSH keys in the machine's metadata.

        Raises ApprovalRequiredError, or RunFailedError if this is a rollback.
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
        """Require approval for every change except to the firewall rules of allowed IPs. Raises
        ApprovalRequiredError, or RunFailedError."""
        # Losses of adopted resources are no exception: whoever deletes or changes the stack approves them by name.
        awaits = awaited(planned.shown)
        holders = await holders_before(planned.shown, GoogleProject(self._tools.settings))
        awaits += lost_roles(planned.shown, holders)
        if all(WHITELIST.fullmatch(change["address"]) for change in awaits):
            return
        await self.require(awaits, planned.shown, "Plan created. Waiting for approval.", "")

    async def keep_view(self, shown: dict[str, Any]) -> None:
        """Store the plan for its page."""
        async with self._claim.writing() as (session, run):
            await plans.keep(session, self._tools.vault, run.id, self._view(shown), self._tools.clock())

    async def _disk_name(self) -> str:
        async with self._tools.database.sessions() as session:
            return (await session.get_one(Workstation, self._stack_id)).disk_name

    async def require(self, awaits: list[Awaited], shown: dict[str, Any], message: str, refusal_to_undo: str) -> None:
        """Return if exactly these changes were approved. Otherwise store the plan and raise ApprovalRequiredError.

        :param refusal_to_undo: the message of the RunFailedError that is raised during a rollback, for which nobody is
            asked.
        """
        async with self._tools.database.sessions() as session:
            if (await session.get_one(Run, self._claim.run_id)).has_approval_for(awaits):
                return
        # Whoever canceled is not asked again; what needs a decision is not done.
        if self._commands.undoing:
            raise RunFailedError(refusal_to_undo)
        # Any worker, also on another host, applies exactly this plan.
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
    """The effect of a plan on one of a workstation's resources, other than a change in place."""

    address: str
    action: str
    """The action: replace, delete or stop."""
    severity: Severity


def _effects(planned: Planned) -> list[_Effect]:
    """The effects on all but the disk of a snapshot, and the data disk, for which `of_data_disk` decides."""
    losses = [
        change
        for change in planned.losses
        if not any(disk in f".{change.address}" for disk in (DATA_DISK, OPENED_DISK))
    ]
    found = [_Effect(str(change.address), str(change.action), Severity.REPLACES) for change in losses]
    return found + [_Effect(MACHINE, "stop", Severity.STOPS) for _ in range(_stops(planned.shown))]


def _stops(shown: dict[str, Any]) -> bool:
    """Whether the provider has to stop the machine for the change (allow_stopping_for_update)."""
    for change in plan_view.managed_changes(shown):
        if change["address"] == MACHINE and plan_view.action(change) == "update":
            before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
            return any(before.get(name) != after.get(name) for name in NEEDS_STOP)
    return False


def grown_boot_disk_gb(shown: dict[str, Any]) -> int:
    """Size of the boot disk that a plan would make smaller, as Google has it; 0 where it would not."""
    for change in plan_view.managed_changes(shown):
        if change["address"] == MACHINE and change["change"]["after"]:
            sizes = [_boot_disk_gb(change["change"][side] or {}) for side in ("before", "after")]
            return sizes[0] if sizes[0] > sizes[1] else 0
    return 0


def _boot_disk_gb(machine: dict[str, Any]) -> int:
    made = [params for disk in machine.get("boot_disk") or [] for params in disk.get("initialize_params") or []]
    return int(made[0].get("size") or 0) if made else 0


def replacements(state: State | None, inputs: dict[str, Any]) -> list[str]:
    """Options of the plan that replace the machine, where Google would refuse the change midway and leave the machine
    off.

    That is the case for a machine type that Google does not change in place, and for a GPU that is removed: without its
    block, the provider keeps the GPU as it is.
    """
    if state is None or inputs.get("disk_only"):
        return []
    machines = [each for each in state_resources.instances(state) if each.address == MACHINE and not each.deposed]
    values = machines[0].attributes.value if machines else {}
    machine_type = str(values.get("machine_type") or inputs["machine_type"])
    # Only N1 machines have attached GPUs. The state of other series lists the GPUs of their machine type.
    loses_gpu = (
        bool(values.get("guest_accelerator")) and machine_type.startswith("n1-") and not inputs.get("accelerator")
    )
    in_place = series.changes_in_place(machine_type, str(inputs["machine_type"]))
    return [f"-replace={MACHINE}"] if loses_gpu or not in_place else []


def awaited(shown: dict[str, Any]) -> list[Awaited]:
    """Every change in a plan of the shared stack. `name` says what, or who, would lose something."""
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
    """Whether the change is to a role of a service account of the stack, and not of a person."""
    member = str(change["change"]["before"].get("member", ""))
    return member.startswith("serviceAccount:") and change["name"] != IAM_ADMINS


def _is_of_keys(change: Change) -> bool:
    """Whether the change is one of SSH keys only. They are metadata, which Google changes on a running machine."""
    touched = {attribute["path"].partition(".")[0] for attribute in change["attributes"]}
    return change["address"] == MACHINE and change["action"] == "update" and touched <= METADATA


def _is_loss(change: Awaited) -> bool:
    return change["action"] in {"delete", "replace"}
