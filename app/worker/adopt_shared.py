"""Adoption of the shared stack's resources: what an earlier attempt created without recording it is found and imported.

Each candidate is imported into a separate state first, which shows whether it exists and which stack it belongs to.
That takes seconds per resource, and is only needed after an apply that was interrupted.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from app.infra.ownership import stack_of_attributes
from app.models import Stack
from app.services.terraform.state_resources import instances
from app.services.terraform.state_versions import State
from app.worker.adopt import PLAN_FILE
from app.worker.claim import Claim
from app.worker.commands import Commands
from app.worker.errors import RunFailedError

IDS = {
    "google_artifact_registry_repository": "projects/{project}/locations/{location}/repositories/{repository_id}",
    "google_compute_address": "projects/{project}/regions/{region}/addresses/{name}",
    "google_compute_firewall": "projects/{project}/global/firewalls/{name}",
    "google_compute_global_address": "projects/{project}/global/addresses/{name}",
    "google_compute_instance": "projects/{project}/zones/{zone}/instances/{name}",
    "google_compute_network": "projects/{project}/global/networks/{name}",
    "google_compute_network_peering": "{project}/{network}/{name}",
    "google_compute_router": "projects/{project}/regions/{region}/routers/{name}",
    "google_compute_router_nat": "{project}/{region}/{router}/{name}",
    "google_compute_subnetwork": "projects/{project}/regions/{region}/subnetworks/{name}",
    "google_container_cluster": "projects/{project}/locations/{location}/clusters/{name}",
    "google_project_iam_member": "{project} {role} {member}",
    "google_secret_manager_secret": "projects/{project}/secrets/{secret_id}",
    "google_service_account": "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com",
    "google_sql_database": "projects/{project}/instances/{instance}/databases/{name}",
    "google_sql_database_instance": "projects/{project}/instances/{name}",
    "google_sql_user": "{project}/{instance}/{name}",
    "google_storage_bucket": "{name}",
}
"""Import IDs of resources whose names can exist only once, made from planned attributes. Links are shortened to
names."""
MADE_AGAIN = frozenset(
    {
        "google_artifact_registry_repository_iam_member",
        "google_project_iam_binding",
        "google_project_service",
        "google_secret_manager_secret_iam_member",
        "google_secret_manager_secret_version",
        "google_service_account_iam_member",
        "google_service_account_key",
        "google_service_networking_connection",
        "google_storage_bucket_iam_member",
    }
)
"""Types that can be created again without an error, so that adoption skips them. A test checks that no type of the
root is missing."""
UNMARKED = frozenset(
    {
        "google_compute_network_peering",
        "google_compute_router_nat",
        # It could be made again as well, but nobody would take it back where it is not wanted any more.
        "google_project_iam_member",
        "google_sql_database",
        "google_sql_user",
    }
)
"""Types that have neither labels nor a description. They belong to the stack if the resource that contains them
does, and a role in the project because the stack grants it."""


class SharedAdoption:
    """Finds and imports the resources of the shared stack."""

    def __init__(self, claim: Claim, commands: Commands, stack_id: str) -> None:
        self._claim, self._commands, self._stack_id = claim, commands, stack_id
        # Not looked for again: each look is a process of Terraform's.
        self._absent: set[str] = set()

    async def adopt(self, inputs: dict[str, Any], earlier: Sequence[dict[str, Any]]) -> list[str]:
        """Import the resources that exist; returns their addresses. Raises RunFailedError if one belongs to another
        stack.

        :param inputs: the variables of this run.
        :param earlier: those of other runs that may have created something.
        """
        await self._claim.log("Checking Google for resources that an interrupted run created.")
        adopted: list[str] = []
        for variables in (inputs, *earlier):
            self._commands.folder.write_variables(variables)
            while found := await self._adopt_those_known():
                # The names of resources inside these are known only now, so look again.
                adopted += found
        self._commands.folder.write_variables(inputs)
        async with self._claim.writing() as (session, run):
            (await session.get_one(Stack, run.stack_id)).needs_reconcile = False
            if not adopted:
                await self._claim.log_in(session, run, "No such resources found.")
        return adopted

    async def _adopt_those_known(self) -> list[str]:
        await self._commands.plan("-refresh=false", out=PLAN_FILE)
        adopted = []
        for address, type_, resource_id in planned_creates(await self._commands.show(PLAN_FILE)):
            if resource_id in self._absent:
                continue
            found = await self._commands.probe(address, resource_id)
            if found is None:
                self._absent.add(resource_id)
                continue
            if type_ not in UNMARKED and not is_of(found, self._stack_id):
                raise RunFailedError(
                    f"{resource_id} already exists at Google and belongs to something else. It was not changed."
                )
            await self._claim.log(f"Found {resource_id}, created for this stack. Adopting it.")
            await self._commands.import_resource(address, resource_id)
            adopted.append(address)
        return adopted


def planned_creates(shown: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Address, type and import ID of each resource that the plan would create and whose name may be taken.

    Resources whose name is not known yet are left out, as they are inside another one that does not exist yet.
    """
    found = []
    # The planned attributes of a peering have no project.
    project = {name: each.get("value") for name, each in shown.get("variables", {}).items() if name == "project"}
    for change in shown.get("resource_changes", []):
        form = IDS.get(change["type"])
        # A replacement is no create: its resource is in the state.
        if form is None or change["mode"] != "managed" or change["change"]["actions"] != ["create"]:
            continue
        after = project | {name: _short(name, value) for name, value in change["change"]["after"].items()}
        # A missing attribute is one that is not known yet.
        with suppress(KeyError):
            found.append((change["address"], change["type"], form.format_map(after)))
    return found


def _short(attribute: str, value: Any) -> Any:
    """The name at the end of a link to a Google resource; other values are unchanged, like the name of a role."""
    is_link = isinstance(value, str) and ("://" in value or value.startswith("projects/")) and attribute != "role"
    return value.rpartition("/")[2] if is_link else value


def is_of(state: State, stack_id: str) -> bool:
    """Whether all resources in the state belong to this stack."""
    return stacks_named_by(state) <= {stack_id}


def stacks_named_by(state: State) -> set[str | None]:
    """The stacks that the resources belong to. None stands for those that are not the portal's."""
    return {stack_of_attributes(instance.attributes.value) for instance in instances(state)}
