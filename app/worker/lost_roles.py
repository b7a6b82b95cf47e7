"""Finds out who would lose a role by a plan, from the project's current IAM policy."""

from collections.abc import Mapping
from typing import Any

from app.infra.google_project import GoogleProject
from app.services.terraform import plan_view
from app.worker.errors import GOOGLE_ERRORS, RunFailedError, TransientError, is_transient

BINDING, MEMBER = "google_project_iam_binding", "google_project_iam_member"
Holders = Mapping[str, frozenset[str]]
"""Role → members that have it."""


async def holders_before(shown: dict[str, Any], google: GoogleProject) -> Holders:
    """The current members of roles; empty if the plan does not change the project's IAM policy.

    Raises RunFailedError or TransientError if the policy cannot be read.
    """
    if not any(change["type"] in {BINDING, MEMBER} for change in plan_view.managed_changes(shown)):
        return {}
    try:
        return await google.holders()
    except GOOGLE_ERRORS as error:
        kind = TransientError if is_transient(error) else RunFailedError
        raise kind(f"The project's IAM policy could not be read, so its changes were not planned:\n{error}") from error


def lost_roles(shown: dict[str, Any], holders: Holders) -> list[dict[str, str]]:
    """For each role that becomes exclusive: the role, which must be typed, and everybody who would lose it.

    Empty for an existing exclusive list that takes the role from nobody.
    """
    found: list[dict[str, str]] = []
    changes = plan_view.managed_changes(shown)
    leaving = {_member(change) for change in changes if change["type"] == MEMBER and not change["change"]["after"]}
    for change in changes:
        after = change["change"]["after"]
        if change["type"] != BINDING or not after:
            continue
        address, role = change["address"], str(after["role"])
        kept = {member.lower() for member in after["members"]}
        losers = [who for who in holders.get(role, ()) if who.lower() not in kept and (role, who) not in leaving]
        if losers or not change["change"]["before"]:
            found.append({"address": address, "action": "restrict", "name": role})
        found += [{"address": address, "action": "remove", "member": who, "role": role} for who in sorted(losers)]
    return found


def _member(change: dict[str, Any]) -> tuple[str, str]:
    """The role and the member of a grant that is removed."""
    before = change["change"]["before"]
    return str(before.get("role")), str(before.get("member"))
