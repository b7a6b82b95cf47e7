"""Adoption for the shared stack: what an earlier attempt made and could not write down, of many types.

`terraform import` itself is what looks: into a state of its own that is thrown away, so that nothing is taken over
before it is known whose it is. It takes seconds a resource, and only a run that was killed in mid-apply needs it.
"""

from typing import Any

from app.models import Stack
from app.services.state_resources import instances
from app.services.state_versions import State
from app.worker.adopt import LABEL, PLAN_FILE
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.trouble import RunFailedError

IDS = {
    "google_artifact_registry_repository": "projects/{project}/locations/{location}/repositories/{repository_id}",
    "google_compute_address": "projects/{project}/regions/{region}/addresses/{name}",
    "google_compute_firewall": "projects/{project}/global/firewalls/{name}",
    "google_compute_global_address": "projects/{project}/global/addresses/{name}",
    "google_compute_instance": "projects/{project}/zones/{zone}/instances/{name}",
    "google_compute_network": "projects/{project}/global/networks/{name}",
    "google_compute_subnetwork": "projects/{project}/regions/{region}/subnetworks/{name}",
    "google_container_cluster": "projects/{project}/locations/{location}/clusters/{name}",
    "google_secret_manager_secret": "projects/{project}/secrets/{secret_id}",
    "google_service_account": "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com",
    "google_sql_database": "projects/{project}/instances/{instance}/databases/{name}",
    "google_sql_database_instance": "projects/{project}/instances/{name}",
    "google_sql_user": "{project}/{instance}/{name}",
    "google_storage_bucket": "{project}/{name}",
}
"""Import ids of what cannot be made twice, from the planned attributes. Rights and APIs are not here: making them again
is no error. A test holds this to the root."""
WITHIN_OURS = frozenset({"google_sql_database", "google_sql_user"})
"""What is inside something of ours is ours; it has neither labels nor a description."""


class SharedAdoption:
    """The search for the shared stack's lost resources; the folder's variables are those of the run."""

    def __init__(self, claim: Claim, commands: Commands, stack_id: str) -> None:
        self._claim, self._commands, self._stack_id = claim, commands, stack_id

    async def adopt(self) -> list[str]:
        """Take in what is there; returns the addresses. Raises RunFailedError for what is somebody else's."""
        await self._claim.say("Looking at Google for what earlier work made and could not write down.")
        await self._commands.plan("-refresh=false", out=PLAN_FILE)
        adopted = []
        for address, type_, resource_id in wanted_by(await self._commands.show(PLAN_FILE)):
            found = await self._commands.probe(address, resource_id)
            if found is None:
                continue
            if type_ not in WITHIN_OURS and not is_of(found, self._stack_id):
                raise RunFailedError(
                    f"{resource_id} exists at Google already and is not of this stack. It was not touched."
                )
            await self._claim.say(f"Found {resource_id}, made for this stack: taking it over.")
            await self._commands.take_in(address, resource_id)
            adopted.append(address)
        async with self._claim.writing() as (session, run):
            (await session.get_one(Stack, run.stack_id)).unsettled = False
            if not adopted:
                await self._claim.tell(session, run, "Nothing was left behind.")
        return adopted


def wanted_by(shown: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Address, type and import id of what the plan would create and could not create twice."""
    found = []
    for change in shown.get("resource_changes", []):
        form = IDS.get(change["type"])
        if form and change["mode"] == "managed" and change["change"]["actions"] == ["create"]:
            found.append((change["address"], change["type"], form.format_map(change["change"]["after"])))
    return found


def is_of(state: State, stack_id: str) -> bool:
    """Whether what was found bears this stack's id: as a label, or in its description where its type has no labels."""
    for instance in instances(state):
        attributes = instance.attributes.value
        settings = next(iter(attributes.get("settings") or []), None) or {}
        labels = attributes.get("labels") or attributes.get("resource_labels") or settings.get("user_labels") or {}
        if labels.get(LABEL) != stack_id and f"{LABEL}={stack_id}" not in (attributes.get("description") or ""):
            return False
    return True
