"""Which stack a resource at Google belongs to, from its labels or its description."""

import re
from collections.abc import Mapping
from typing import Any

STACK_LABEL, OWNER_LABEL = "stationmaster-stack", "stationmaster-owner"
"""Labels that mark the portal's resources."""
STACK_IN_DESCRIPTION = re.compile(rf"{STACK_LABEL}=([a-z0-9]+)")
"""Marks resources without labels, or whose labels are added later."""


def stack_of(labels: Mapping[str, str], description: str | None) -> str | None:
    """The ID of the stack; None if the resource is not the portal's."""
    # An address has its description from the start, and gets its labels seconds later.
    described = STACK_IN_DESCRIPTION.search(description or "")
    return labels.get(STACK_LABEL) or (described[1] if described else None)


def stack_of_attributes(attributes: Mapping[str, Any]) -> str | None:
    """The same, from a resource's attributes in a Terraform state."""
    settings = next(iter(attributes.get("settings") or []), None) or {}
    # After an import `labels` is empty, because it holds only labels from the configuration.
    labels = attributes.get("effective_labels") or settings.get("user_labels") or {}
    return stack_of(labels, attributes.get("description"))
