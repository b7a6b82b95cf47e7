import json
from typing import Any

from app.services.terraform import state_diff
from app.services.terraform.state_versions import State

Instance = dict[str, Any]


def resource(name: str, *instances: Instance, **fields: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": "google_compute_disk", "name": name, "instances": list(instances), **fields}


def instance(*sensitive: str, index_key: str | int | None = None, **fields: Any) -> Instance:
    keyed = {} if index_key is None else {"index_key": index_key}
    state: Instance = {name: fields.pop(name) for name in ("status", "deposed") if name in fields}
    paths = [[{"type": "get_attr", "value": name}] for name in sensitive]
    return {**keyed, **state, "attributes": fields, "sensitive_attributes": paths}


def state(*resources: dict[str, Any], **outputs: Any) -> State:
    content = {"version": 4, "serial": 1, "lineage": "l", "resources": list(resources)}
    named = {name: value if isinstance(value, dict) else {"value": value} for name, value in outputs.items()}
    return State(json.dumps({**content, "outputs": named}).encode())


def told(before: State | None, after: State) -> list[tuple[str, str, list[tuple[str, str | None, str | None]]]]:
    return [
        (found["action"], found["address"], [(a["path"], a["before"], a["after"]) for a in found["attributes"]])
        for found in state_diff.changes(before, after)
    ]


def test_what_came_changed_and_went() -> None:
    before = state(
        resource("changed", instance(size=20, name="c")),
        resource("went", instance(size=1)),
        resource("same", instance(a=1)),
    )
    after = state(
        resource("changed", instance(size=30, name="c")),
        resource("came", instance(size=2)),
        resource("same", instance(a=1)),
    )
    assert told(before, after) == [
        ("create", "google_compute_disk.came", [("size", None, "2")]),
        ("update", "google_compute_disk.changed", [("size", "20", "30")]),
        ("delete", "google_compute_disk.went", [("size", "1", None)]),
    ]
    assert told(after, after) == []


def test_everything_came_where_there_was_nothing() -> None:
    first = state(resource("data", instance(size=20)), zone="z")
    assert told(None, first) == [("create", "google_compute_disk.data", [("size", None, "20")])]
    assert state_diff.outputs(None, first) == [{"path": "zone", "before": None, "after": "z", "note": None}]


def test_addresses_are_terraforms() -> None:
    counted = resource("ip", instance(index_key=0), instance(index_key="a b"), module="module.x[0]")
    read = resource("image", instance(), mode="data")
    found = state_diff.changes(None, state(counted, read))
    assert [each["address"] for each in found] == [
        'module.x[0].google_compute_disk.ip["a b"]',
        "module.x[0].google_compute_disk.ip[0]",
    ]
    assert {(each["type"], each["name"], each["imported"]) for each in found} == {("google_compute_disk", "ip", False)}


def test_sensitive_attributes_are_masked_on_both_sides() -> None:
    before = state(resource("data", instance(key="first-secret", size=1)))
    after = state(resource("data", instance("key", key="second-secret", size=1)))
    [found] = state_diff.changes(before, after)
    assert found["attributes"] == [
        {"path": "key", "before": "(sensitive)", "after": "(sensitive)", "note": "sensitive"}
    ]


def test_an_attribute_of_any_type_is_told_without_its_type() -> None:
    any_type = {"value": {"user": "grace", "password": "hunter22"}, "type": ["object", {"user": "string"}]}
    paths = [[{"type": "get_attr", "value": "input"}, {"type": "get_attr", "value": "password"}]]
    login = {"attributes": {"input": any_type}, "sensitive_attributes": paths}
    assert told(None, state(resource("login", login))) == [
        (
            "create",
            "google_compute_disk.login",
            [("input.password", None, "(sensitive)"), ("input.user", None, "grace")],
        )
    ]
    pair = instance(env={"value": "a", "type": "b"})
    [(_, _, attributes)] = told(None, state(resource("pair", pair)))
    assert attributes == [("env.type", None, "b"), ("env.value", None, "a")]


def test_a_sensitive_value_is_hidden_where_it_is_not_marked_as_well() -> None:
    before = state(resource("data", instance(note="none")))
    after = state(resource("data", instance(note="use hunter22")), password={"value": "hunter22", "sensitive": True})
    assert told(before, after) == [("update", "google_compute_disk.data", [("note", "none", "use (secret)")])]
    assert state_diff.outputs(before, after) == [
        {"path": "password", "before": None, "after": "(sensitive)", "note": "sensitive"}
    ]


def test_a_creation_that_did_not_end_well_is_told_once() -> None:
    whole, tainted = (
        state(resource("data", instance(size=1))),
        state(resource("data", instance(size=1, status="tainted"))),
    )
    for before in (None, whole):
        [found] = state_diff.changes(before, tainted)
        assert found["reason"] == "its creation failed"
    assert state_diff.changes(tainted, tainted) == []


def test_a_replaced_object_that_is_still_there_is_told_apart() -> None:
    before = state(resource("data", instance(size=1)))
    after = state(resource("data", instance(size=2), instance(size=1, deposed="ab12cd34")))
    assert told(before, after) == [
        ("update", "google_compute_disk.data", [("size", "1", "2")]),
        ("create", "google_compute_disk.data", [("size", None, "1")]),
    ]
    assert state_diff.changes(before, after)[1]["reason"] == "it was replaced and has not been deleted yet"
    assert told(after, state(resource("data", instance(size=2)))) == [
        ("delete", "google_compute_disk.data", [("size", "1", None)])
    ]
