"""The IAM policy of a project: one list of roles and members, which several Terraform resources write into."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from emulator.core.attachments import first
from emulator.core.errors import CloudError
from emulator.core.store import CloudResource, Json, Store
from emulator.rules.base import Context, Rules

MEMBER, BINDING = "google_project_iam_member", "google_project_iam_binding"
CONCURRENT_CHANGES = (
    "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."
)
OWNER, ORGANISATION = "roles/owner", "example.com"
POLICY_ERROR = "type.googleapis.com/google.cloudresourcemanager.v1.ProjectIamPolicyError"
_ID = re.compile(r"(?P<project>[^/]+)/(?P<role>(?:(?:projects|organizations)/[^/]+/)?roles/[^/]+)(?:/(?P<member>.+))?")


@dataclass
class PolicyBinding:
    role: str
    members: list[str]
    condition: Json = field(default_factory=dict)

    def is_of(self, role: str, condition: Json) -> bool:
        return self.role == role and self.condition.get("title") == condition.get("title")


@dataclass
class Policy:
    bindings: list[PolicyBinding]
    version: int = 1
    """Counts the changes."""

    @property
    def etag(self) -> str:
        return base64.b64encode(self.version.to_bytes(8)).decode()

    @classmethod
    def of(cls, store: Store, project: str) -> "Policy":
        """Whoever made the project is its owner to begin with."""
        kept = json.loads(store.fact(_fact(project)) or "null")
        if kept is None:
            return cls([PolicyBinding(OWNER, ["user:ada@example.com"])])
        return cls([PolicyBinding(**binding) for binding in kept["bindings"]], kept["version"])

    def members(self, role: str, condition: Json) -> list[str]:
        return next((binding.members for binding in self.bindings if binding.is_of(role, condition)), [])

    def set_members(self, role: str, condition: Json, members: list[str]) -> None:
        self.bindings = [binding for binding in self.bindings if not binding.is_of(role, condition)]
        if members:
            self.bindings.append(PolicyBinding(role, sorted(set(members)), condition))

    def save(self, store: Store, project: str) -> None:
        """Raises CloudError for what Google does not grant."""
        for binding in self.bindings:
            for member in binding.members:
                _check_grant(binding.role, member)
        self.version += 1
        store.set_fact(_fact(project), json.dumps(asdict(self)))
        _follow(store, project, self)


class ProjectIamRules(Rules):
    # Google has policies only: creating a member again changes nothing.
    numbered = True

    def find(self, context: Context, type_: str, id_: str) -> CloudResource | None:
        """The grant with this ID, also if Terraform has not created it. A binding of a role that nobody has is
        empty."""
        stored, parts = context.store.get(type_, id_), _ID.fullmatch(id_)
        if stored or parts is None:
            return stored
        found: Json = {"id": id_, "project": parts["project"], "role": parts["role"]}
        members = Policy.of(context.store, parts["project"]).members(parts["role"], {})
        if type_ == BINDING:
            return CloudResource(type_, id_, found | {"members": members})
        return CloudResource(type_, id_, found | {"member": parts["member"]}) if parts["member"] in members else None

    def check(self, context: Context, resource: CloudResource) -> None:
        _change(context, resource, _added(resource))

    def updated(self, context: Context, resource: CloudResource, state: Json) -> None:
        resource.state = state
        _change(context, resource, _added(resource))

    def deleted(self, context: Context, resource: CloudResource) -> None:
        """The grant was deleted. Deleting a binding takes the role from everybody."""
        _change(context, resource, _removed(resource))

    def present(self, context: Context, resource: CloudResource) -> Json:
        return {**resource.state, "etag": Policy.of(context.store, _project(resource)).etag}


def _added(resource: CloudResource) -> Callable[[list[str]], list[str]]:
    if resource.type == BINDING:
        return lambda members: list(resource.state.get("members") or [])
    return lambda members: [*members, str(resource.state["member"])]


def _removed(resource: CloudResource) -> Callable[[list[str]], list[str]]:
    if resource.type == BINDING:
        return lambda members: []
    return lambda members: [member for member in members if member != resource.state["member"]]


def _change(context: Context, resource: CloudResource, change: Callable[[list[str]], list[str]]) -> None:
    project, role, condition = _project(resource), str(resource.state["role"]), first(resource.state, "condition")
    policy = Policy.of(context.store, project)
    policy.set_members(role, condition, change(policy.members(role, condition)))
    policy.save(context.store, project)


def _follow(store: Store, project: str, policy: Policy) -> None:
    """Update the resources that Terraform has created to the new policy."""
    for member in store.all(MEMBER, f"{project}/"):
        if member.state["member"] not in policy.members(member.state["role"], first(member.state, "condition")):
            store.delete(member)
    for binding in store.all(BINDING, f"{project}/"):
        binding.state["members"] = policy.members(binding.state["role"], first(binding.state, "condition"))
        store.put(binding)


def _check_grant(role: str, member: str) -> None:
    """An owner is a person, a group or an account of the organisation; others have to accept an invitation first."""
    kind, _, name = member.partition(":")
    if role == OWNER and (kind == "domain" or (kind in ("user", "group") and not name.endswith(f"@{ORGANISATION}"))):
        type_ = "INVALID_MEMBER_TYPE" if kind == "domain" else "ORG_MUST_INVITE_EXTERNAL_OWNERS"
        detail = {"@type": POLICY_ERROR, "member": member, "role": role, "type": type_}
        text = "Request contains an invalid argument.\nDetails:\n" + json.dumps([detail], indent=2) + "\n"
        raise CloudError(400, text, "badRequest")


def _project(resource: CloudResource) -> str:
    return resource.id.partition("/")[0]


def _fact(project: str) -> str:
    return f"iam_policy:{project}"
