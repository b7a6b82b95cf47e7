"""One IAM policy of the project, behind members, bindings and the API."""

from typing import Any

import pytest

from tests.emulator.api.discovery import faults_in, response_schema
from tests.emulator.world import PROJECT, World, refused

MEMBER, BINDING = "google_project_iam_member", "google_project_iam_binding"
OWNER, VIEWER = "roles/owner", "roles/viewer"
ADA, GRACE, LINUS = (f"user:{name}@example.com" for name in ("ada", "grace", "linus"))


@pytest.fixture(autouse=True)
def ada_alone(world: World) -> None:
    set_policy(world, [{"role": OWNER, "members": [ADA]}])


def policy(world: World) -> dict[str, Any]:
    return dict(world.emulator.call("POST", f"/v3/projects/{PROJECT}:getIamPolicy", {}))


def set_policy(world: World, bindings: list[dict[str, Any]], etag: str = "") -> dict[str, Any]:
    body = {"policy": {"bindings": bindings, **({"etag": etag} if etag else {})}}
    return dict(world.emulator.call("POST", f"/v3/projects/{PROJECT}:setIamPolicy", body))


def roles(world: World) -> dict[str, list[str]]:
    return {binding["role"]: binding["members"] for binding in policy(world).get("bindings", [])}


def add_member(world: World, role: str, member: str) -> str:
    id_ = f"{PROJECT}/{role}/{member}"
    world.create(MEMBER, id_, {"project": PROJECT, "role": role, "member": member})
    return id_


def bind(world: World, role: str, *members: str) -> str:
    id_ = f"{PROJECT}/{role}"
    world.create(BINDING, id_, {"project": PROJECT, "role": role, "members": list(members)})
    return id_


def test_a_member_joins_those_who_have_the_role_and_leaves_them_alone(world: World) -> None:
    grace = add_member(world, OWNER, GRACE)
    assert add_member(world, OWNER, GRACE) == grace
    assert roles(world) == {OWNER: [ADA, GRACE]}
    world.delete(MEMBER, grace)
    assert roles(world) == {OWNER: [ADA]}


def test_a_binding_takes_the_role_from_everybody_else(world: World) -> None:
    grace = add_member(world, OWNER, GRACE)
    binding = bind(world, OWNER, LINUS)
    assert roles(world) == {OWNER: [LINUS]}
    assert refused(lambda: world.read(MEMBER, grace))["status"] == 404
    add_member(world, OWNER, ADA)
    assert world.read(BINDING, binding)["members"] == [ADA, LINUS]


def test_a_binding_that_is_deleted_takes_the_role_from_everybody(world: World) -> None:
    ada, binding = add_member(world, OWNER, ADA), bind(world, OWNER, ADA, GRACE)
    world.update(BINDING, binding, {"project": PROJECT, "role": OWNER, "members": [ADA]})
    assert roles(world) == {OWNER: [ADA]}
    world.delete(BINDING, binding)
    assert roles(world) == {}
    assert refused(lambda: world.read(MEMBER, ada))["status"] == 404


def test_what_was_granted_by_hand_can_be_imported(world: World) -> None:
    set_policy(world, [{"role": VIEWER, "members": [GRACE]}])
    assert world.read(MEMBER, f"{PROJECT}/{VIEWER}/{GRACE}")["member"] == GRACE
    assert world.read(BINDING, f"{PROJECT}/{VIEWER}")["members"] == [GRACE]
    assert world.read(BINDING, f"{PROJECT}/roles/editor")["members"] == []
    assert refused(lambda: world.read(MEMBER, f"{PROJECT}/{VIEWER}/{LINUS}"))["status"] == 404


def test_conditions_make_bindings_of_their_own(world: World) -> None:
    role = "roles/secretmanager.admin"
    condition = [{"title": "one prefix", "expression": "resource.name.startsWith('x')", "description": ""}]
    id_ = f"{PROJECT}/{role}/{GRACE}"
    world.create(MEMBER, id_, {"project": PROJECT, "role": role, "member": GRACE, "condition": condition})
    bind(world, role, LINUS)
    found = [binding["members"] for binding in policy(world)["bindings"] if binding["role"] == role]
    assert found == [[GRACE], [LINUS]]


@pytest.mark.parametrize("member", ["domain:example.com", "user:eve@elsewhere.test"])
def test_owners_are_people_groups_and_accounts_of_the_organisation(world: World, member: str) -> None:
    error = refused(lambda: add_member(world, OWNER, member))
    assert error["status"] == 400
    assert error["message"].startswith("Request contains an invalid argument.")
    assert member in error["message"]
    assert roles(world) == {OWNER: [ADA]}
    add_member(world, VIEWER, member)
    add_member(world, OWNER, f"serviceAccount:robot@{PROJECT}.iam.gserviceaccount.com")


def test_a_change_that_somebody_else_came_before_is_a_conflict(world: World) -> None:
    seen = policy(world)
    add_member(world, VIEWER, GRACE)
    error = refused(lambda: set_policy(world, seen["bindings"], seen["etag"]))
    assert (error["code"], error["status"]) == (409, "ABORTED")
    assert error["message"].startswith("There were concurrent policy changes.")
    assert roles(world)[VIEWER] == [GRACE]
    now = policy(world)
    assert set_policy(world, [], now["etag"])["etag"] != now["etag"]


def test_the_policy_has_googles_shape(world: World) -> None:
    schema = response_schema("cloudresourcemanager.v3", "projects", "getIamPolicy")
    assert faults_in(policy(world), schema, "cloudresourcemanager.v3") == []
