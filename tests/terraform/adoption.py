"""What a plan makes of resources that were imported: nothing is created, replaced or deleted."""

from typing import Any

from emulator.provider.reading import VIRTUAL

ONLY_IN_STATE = {"labels", "resource_labels", "terraform_labels", *VIRTUAL}
"""Attributes that an import leaves empty: those of the configuration alone, which change nothing at Google."""


def differing(shown: dict[str, Any]) -> set[str]:
    """The attributes that a plan (JSON of `terraform show`) changes in place, if it does no more than that."""
    changes = [change["change"] for change in shown["resource_changes"]]
    changed = [change for change in changes if change["actions"] not in (["no-op"], ["read"])]
    assert {action for change in changed for action in change["actions"]} <= {"update"}
    pairs = [(change["before"], change["after"]) for change in changed]
    return {name for old, new in pairs for name in old | new if old.get(name) != new.get(name)}
