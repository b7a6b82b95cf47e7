"""A Terraform plan in a readable form: made from `terraform show -json`, without any secrets."""

from collections.abc import Collection, Iterator
from typing import Any

from app.services.terraform.attributes import Attribute, Change, Clean, Side, differences
from app.services.terraform.scrub import Scrubber, hidden_in

_ACTIONS = {("delete", "create"): "replace", ("create", "delete"): "replace"}
_REASONS = {
    "replace_because_tainted": "its creation failed",
    "replace_because_cannot_update": "it cannot be changed in place",
    "replace_by_request": "its replacement was requested",
    "replace_by_triggers": "a resource that it depends on changes",
    "delete_because_no_resource_config": "it was removed from the configuration",
    "delete_because_no_module": "its module was removed from the configuration",
    "delete_because_no_move_target": "it was moved to an address outside the configuration",
    "delete_because_wrong_repetition": "its count or for_each was added or removed",
    "delete_because_count_index": "its count was reduced",
    "delete_because_each_key": "its key was removed from for_each",
}


def of_plan(shown: dict[str, Any], secrets: Collection[str] = ()) -> dict[str, Any]:
    """The plan view: `changes` to resources, and attributes of `outputs` that differ.

    :param shown: the parsed output of `terraform show -json tfplan`.
    :param secrets: known secrets. They are hidden wherever they occur, as are the values that the plan marks as
        sensitive: a provider may copy such a value to an attribute that it does not mark.
    """
    clean = Scrubber({*secrets, *_marked_in(shown)}).clean
    outputs = shown.get("output_changes") or {}
    return {
        "changes": list(_changes(managed_changes(shown), clean)),
        "outputs": [found for name in sorted(outputs) for found in _differences(outputs[name], clean, name)],
    }


def _marked_in(shown: dict[str, Any]) -> set[str]:
    """All sensitive values in a plan: of variables, outputs, and resources, whether they change or not."""
    given = shown.get("variables") or {}
    declared = shown.get("configuration", {}).get("root_module", {}).get("variables", {})
    variables = [Side(given[name].get("value"), declared.get(name, {}).get("sensitive", False)) for name in given]
    resources = [resource["change"] for resource in shown.get("resource_changes") or []]
    changes = [*resources, *(shown.get("output_changes") or {}).values()]
    sides = [side for change in changes for side in (_before(change), _after(change))]
    return {secret for side in (*variables, *sides) for secret in hidden_in(side)}


def _before(change: dict[str, Any]) -> Side:
    return Side(change.get("before"), change.get("before_sensitive"))


def _after(change: dict[str, Any]) -> Side:
    return Side(change.get("after"), change.get("after_sensitive"))


def managed_changes(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources that a plan changes, as `terraform show -json` gives them; data sources are left out."""
    resources = shown.get("resource_changes") or []
    return [resource for resource in resources if resource["mode"] == "managed" and action(resource) != "no-op"]


def _changes(resources: list[dict[str, Any]], clean: Clean) -> Iterator[Change]:
    for resource in resources:
        yield Change(
            address=clean(resource["address"]),
            type=resource["type"],
            name=clean(resource["name"]),
            action=action(resource),
            imported=bool(resource["change"].get("importing")),
            reason=_reason(resource, clean),
            attributes=_differences(resource["change"], clean),
        )


def action(resource: dict[str, Any]) -> str:
    """The action in one word: create, update, delete, replace, import, move, forget or no-op."""
    change = resource["change"]
    actions = tuple(change["actions"])
    if actions == ("no-op",) and change.get("importing"):
        return "import"
    if actions == ("no-op",) and resource.get("previous_address"):
        return "move"
    return _ACTIONS.get(actions) or actions[0]


def _reason(resource: dict[str, Any], clean: Clean) -> str | None:
    if resource.get("deposed"):
        return "it is left over from an earlier replacement"
    if reason := resource.get("action_reason"):
        return _REASONS.get(reason) or reason.replace("_", " ")
    previous = resource.get("previous_address")
    return f"it was previously {clean(previous)}" if previous else None


def _differences(change: dict[str, Any], clean: Clean, *path: str) -> list[Attribute]:
    return differences(
        _before(change),
        _after(change),
        clean,
        unknown=change.get("after_unknown"),
        replacing=[tuple(found) for found in change.get("replace_paths") or []],
        path=path,
    )
