import json
from typing import Any

import pytest

from app.services.terraform.plan_view import of_plan

ADDRESS = "module.compute[0].google_compute_instance.workstation"


def planned(*actions: str, **fields: Any) -> dict[str, Any]:
    """One resource of `terraform show -json`: `change` holds what Terraform says beside the actions."""
    change = {"actions": list(actions), "before": None, "after": None, "after_unknown": {}, **fields.pop("change", {})}
    whole = {"address": ADDRESS, "mode": "managed", "type": "google_compute_instance", "name": "workstation"}
    return {**whole, "change": change, **fields}


def view(*resources: dict[str, Any], secrets: tuple[str, ...] = (), **shown: Any) -> dict[str, Any]:
    return of_plan({"resource_changes": list(resources), **shown}, secrets)


def attributes(*actions: str, **change: Any) -> dict[str, tuple[str | None, str | None, str | None]]:
    [found] = view(planned(*actions, change=change))["changes"]
    return {each["path"]: (each["before"], each["after"], each["note"]) for each in found["attributes"]}


def test_a_create_tells_all_that_is_set() -> None:
    after = {"name": "box", "size": 20, "spot": False, "labels": {"owner": "grace"}, "tags": ["a", "b"]}
    nothing: dict[str, Any] = {"description": None, "users": [], "params": {}}
    assert attributes("create", after={**after, **nothing}, after_unknown={"id": True, "labels": {}}) == {
        "name": (None, "box", None),
        "size": (None, "20", None),
        "spot": (None, "false", None),
        "labels.owner": (None, "grace", None),
        "tags[0]": (None, "a", None),
        "tags[1]": (None, "b", None),
        "id": (None, None, "known after apply"),
    }


def test_an_update_tells_only_what_differs() -> None:
    before = {"name": "box", "size": 20, "labels": {"owner": "grace", "old": "1"}, "disk": [{"size": 1, "type": "x"}]}
    after = {"name": "box", "size": 30, "labels": {"owner": "grace", "new": "2"}, "disk": [{"size": 2, "type": "x"}]}
    assert attributes("update", before=before, after=after) == {
        "size": ("20", "30", None),
        "labels.old": ("1", None, None),
        "labels.new": (None, "2", None),
        "disk[0].size": ("1", "2", None),
    }


def test_a_delete_tells_all_that_was_set() -> None:
    assert attributes("delete", before={"name": "box", "users": []}) == {"name": ("box", None, None)}


def test_a_replacement_says_first_what_forces_it_and_last_what_is_not_known_yet() -> None:
    found = attributes(
        "delete",
        "create",
        before={"a": "1", "boot": [{"image": "old"}], "gpu": [], "z": "1"},
        after={"boot": [{"image": "new"}], "gpu": [{"type": "t4"}], "z": "2"},
        after_unknown={"a": True, "boot": [{}]},
        replace_paths=[["boot", 0, "image"], ["gpu"]],
    )
    assert list(found.items()) == [
        ("boot[0].image", ("old", "new", "forces replacement")),
        ("gpu[0].type", (None, "t4", "forces replacement")),
        ("z", ("1", "2", None)),
        ("a", ("1", None, "known after apply")),
    ]


def test_what_is_not_known_yet_may_force_the_replacement() -> None:
    found = attributes(
        "create", "delete", before={"disk": "x"}, after={}, after_unknown={"disk": True}, replace_paths=[["disk"]]
    )
    assert found == {"disk": ("x", None, "known after apply, forces replacement")}


@pytest.mark.parametrize(
    ("actions", "fields", "action", "reason"),
    [
        (["create"], {}, "create", None),
        (["update"], {}, "update", None),
        (["delete"], {"action_reason": "delete_because_count_index"}, "delete", "its count was reduced"),
        (["delete"], {"deposed": "ab12"}, "delete", "it is left over from an earlier replacement"),
        (
            ["delete", "create"],
            {"action_reason": "replace_because_tainted"},
            "replace",
            "its creation failed",
        ),
        (["create", "delete"], {"action_reason": "some_new_reason"}, "replace", "some new reason"),
        (["forget"], {}, "forget", None),
        (["no-op"], {"previous_address": "a.b"}, "move", "it was previously a.b"),
    ],
)
def test_what_is_done_and_why(actions: list[str], fields: dict[str, Any], action: str, reason: str | None) -> None:
    [found] = view(planned(*actions, **fields))["changes"]
    assert (found["action"], found["reason"], found["imported"]) == (action, reason, False)
    assert (found["address"], found["type"], found["name"]) == (ADDRESS, "google_compute_instance", "workstation")


@pytest.mark.parametrize(
    ("actions", "action"),
    [(["no-op"], "import"), (["update"], "update"), (["delete", "create"], "replace")],
)
def test_an_import_is_told_whatever_else_is_done(actions: list[str], action: str) -> None:
    [found] = view(planned(*actions, change={"importing": {"id": "projects/p/zones/z/instances/box"}}))["changes"]
    assert (found["action"], found["imported"]) == (action, True)


def test_nothing_is_told_of_what_stays_and_of_what_is_only_read() -> None:
    same = {"before": {"name": "box"}, "after": {"name": "box"}}
    assert view(planned("no-op", change=same), planned("read", mode="data")) == {"changes": [], "outputs": []}
    assert of_plan({}) == {"changes": [], "outputs": []}


def test_the_providers_copies_of_labels_are_told_only_where_nothing_else_is() -> None:
    default = {"effective_labels": {"a": "1"}, "terraform_labels": {"a": "1"}}
    assert list(attributes("update", before={}, after={**default, "labels": {"a": "1"}})) == ["labels.a"]
    assert list(attributes("update", before={}, after=default)) == ["effective_labels.a", "terraform_labels.a"]


def test_outputs_that_differ() -> None:
    outputs = {
        "zone": {"actions": ["no-op"], "before": "z", "after": "z", "after_unknown": False},
        "address": {"actions": ["update"], "before": "1.2.3.4", "after_unknown": True},
        "gone": {"actions": ["delete"], "before": {"a": 1}, "after": None, "after_unknown": False},
        "key": {"actions": ["create"], "after": "hush", "after_unknown": False, "after_sensitive": True},
    }
    assert view(output_changes=outputs)["outputs"] == [
        {"path": "address", "before": "1.2.3.4", "after": None, "note": "known after apply"},
        {"path": "gone.a", "before": "1", "after": None, "note": None},
        {"path": "key", "before": None, "after": "(sensitive)", "note": "sensitive"},
    ]


def test_what_is_sensitive_on_either_side_is_masked_on_both() -> None:
    found = attributes(
        "update",
        before={"open": "s3cret-1", "map": {"a": "s3cret-2"}, "same": "s3cret-3", "list": [{"k": "s3cret-4"}]},
        after={"open": "s3cret-5", "map": {"a": "s3cret-6"}, "same": "s3cret-3"},
        before_sensitive={"map": True, "same": True, "list": [{"k": True}]},
        after_sensitive={"open": True, "map": {"a": True}},
        after_unknown={"list": True},
    )
    assert found == {
        "open": ("(sensitive)", "(sensitive)", "sensitive"),
        "map": ("(sensitive)", "(sensitive)", "sensitive"),
        "list": ('[{"k": "(sensitive)"}]', None, "known after apply"),
    }


def test_known_secrets_are_taken_out_wherever_they_stand() -> None:
    secret = 'pass"word'
    after = {"url": f"https://x:{secret}@y", "labels": {secret: "1"}, "any": [{secret: secret}]}
    found = view(planned("update", change={"before": {"any": "text"}, "after": after}), secrets=(secret,))
    assert "word" not in json.dumps(found)
    assert [each["path"] for each in found["changes"][0]["attributes"]] == ["any", 'labels["(secret)"]', "url"]


@pytest.mark.parametrize(
    "shown",
    [
        {
            "variables": {"password": {"value": "hunter22"}, "unset": {}},
            "configuration": {"root_module": {"variables": {"password": {"sensitive": True}}}},
        },
        {"output_changes": {"url": {"actions": ["no-op"], "before": ["hunter22"], "before_sensitive": True}}},
        {"resource_changes": [planned("no-op", change={"after": {"a": "hunter22"}, "after_sensitive": {"a": True}})]},
    ],
)
def test_what_is_marked_in_one_place_is_taken_out_of_the_others(shown: dict[str, Any]) -> None:
    copy = planned("create", change={"after": {"copy": "hunter22"}})
    found = of_plan({**shown, "resource_changes": [*shown.get("resource_changes", []), copy]})
    assert found["changes"][0]["attributes"][0]["after"] == "(secret)"


def test_a_secret_is_taken_out_before_a_long_value_is_cut() -> None:
    found = view(planned("create", change={"after": {"script": "x" * 195 + "password"}}), secrets=("password",))
    assert "pass" not in json.dumps(found)


def test_long_values_are_shown_where_they_part() -> None:
    assert attributes("create", after={"script": "x" * 500}) == {"script": (None, "x" * 200 + "…", None)}
    before, after, _ = attributes("update", before={"script": "x" * 500 + "a"}, after={"script": "x" * 500})["script"]
    assert (before, after) == ("…" + "x" * 40 + "a", "…" + "x" * 40)
