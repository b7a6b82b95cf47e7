"""Adoption of a workstation's resources: what an earlier attempt created without recording it is found and imported.

Terraform that is killed or interrupted may leave resources at Google that are in no state. A create would fail, because
their names are taken, and a destroy would leave them behind. So both look for them first. Names come from the planned
creates, never from error messages; a label says which stack a resource belongs to.
"""

import asyncio
from typing import Any

from app.infra.google import Compute
from app.infra.ownership import STACK_LABEL
from app.models import Stack
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.errors import GOOGLE_ERRORS, RunFailedError, TransientError

LOOK_AGAIN_SECONDS = 1.0
PLAN_FILE = "found.tfplan"

_IDS = {
    "google_compute_instance": "projects/{project}/zones/{zone}/instances/{name}",
    "google_compute_disk": "projects/{project}/zones/{zone}/disks/{name}",
    "google_compute_address": "projects/{project}/regions/{region}/addresses/{name}",
}
"""Import IDs by resource type, made from planned attributes. A test checks that no type of the root is missing."""


class WorkstationAdoption:
    """Finds and imports the resources of one workstation. The folder's variables must ask for all of them."""

    def __init__(self, claim: Claim, commands: Commands, stack_id: str, zone: str) -> None:
        self._claim, self._commands, self._stack_id, self._zone = claim, commands, stack_id, zone
        self._compute: Compute = claim.tools.compute

    async def adopt(self) -> list[str]:
        """Import the resources that exist; returns their addresses. Raises RunFailedError if one belongs to another
        stack."""
        await self._claim.log("Checking Google for resources that an interrupted run created.")
        try:
            await self._wait_for_operations()
            await self._commands.plan("-refresh=false", out=PLAN_FILE)
            found = await self._find(ids_of_creates(await self._commands.show(PLAN_FILE)))
        except GOOGLE_ERRORS as error:
            raise TransientError(f"Listing resources at Google failed:\n{error}") from error
        for address, resource_id in found.items():
            await self._claim.log(f"Found {resource_id}, created for this machine. Adopting it.")
            await self._commands.import_resource(address, resource_id)
        async with self._claim.writing() as (session, run):
            (await session.get_one(Stack, run.stack_id)).needs_reconcile = False
            if not found:
                await self._claim.log_in(session, run, "No such resources found.")
        return list(found)

    async def _wait_for_operations(self) -> None:
        """Wait until Google's operations on the machine have ended."""
        # A resource that is being created or deleted can be neither imported nor ignored.
        reported: list[str] = []
        while pending := await self._compute.pending_operations(self._zone, self._stack_id):
            if pending != reported:
                await self._claim.log(f"Google is still working ({', '.join(pending)}). Waiting for it to finish.")
                reported = pending
            await self._commands.pause(LOOK_AGAIN_SECONDS)

    async def _find(self, desired: dict[str, str]) -> dict[str, str]:
        labels = await asyncio.gather(*(self._compute.labels_of(resource_id) for resource_id in desired.values()))
        found: dict[str, str] = {}
        for (address, resource_id), theirs in zip(desired.items(), labels, strict=True):
            # It does not exist, so Terraform can create it.
            if theirs is None:
                continue
            if theirs.get(STACK_LABEL) != self._stack_id:
                raise RunFailedError(
                    f"{resource_id} already exists at Google and belongs to something else. It was not changed."
                )
            found[address] = resource_id
        return found


def ids_of_creates(shown: dict[str, Any]) -> dict[str, str]:
    """The import ID by address of each resource that the plan (JSON of `terraform show`) would create."""
    ids: dict[str, str] = {}
    for change in shown.get("resource_changes", []):
        if change["mode"] == "managed" and change["change"]["actions"] == ["create"]:
            ids[change["address"]] = _IDS[change["type"]].format_map(change["change"]["after"])
    return ids
