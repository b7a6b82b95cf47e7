"""Drift of a workstation: changes made outside the portal, which can be corrected or kept."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError
from app.models import Run, Workstation
from app.services.catalog import Catalog
from app.services.context import Context
from app.services.terraform import plans
from app.services.terraform.attributes import UNKNOWN, Change
from app.services.workstations import specs
from app.services.workstations.requests import request_change
from app.services.workstations.specs import WorkstationPatch

_KEPT = {
    ("google_compute_instance", "workstation", "machine_type"): "machine_type",
    ("google_compute_disk", "data", "size"): "disk_size_gb",
}
"""Attributes whose drift can be kept as a setting: type, name and path → column."""


async def keepable(session: AsyncSession, workstation: Workstation, catalog: Catalog) -> dict[str, Any]:
    """The columns and values that would keep the drift; empty if that is not possible for all of it."""
    view = await plans.view_of(session, workstation.drift_run_id) if workstation.drift_run_id else None
    columns: dict[str, Any] = {}
    for change in view["changes"] if view else []:
        for column, value in _columns_of(change).items():
            # Keeping only a part would make the next plan revert the rest.
            if column is None:
                return {}
            columns[column] = value
    machine_type = catalog.machine_type(columns.get("machine_type", workstation.machine_type))
    if machine_type is None or specs.accelerator_columns(machine_type)["accelerator"] != workstation.accelerator:
        return {}
    return columns


def _columns_of(change: Change) -> dict[str | None, Any]:
    """Column → Google's value, with the key None if an attribute belongs to no column."""
    found: dict[str | None, Any] = {}
    for attribute in change["attributes"]:
        # Values that Google computes follow from the others.
        if UNKNOWN in (attribute["note"] or ""):
            continue
        column = _KEPT.get((change["type"], change["name"], attribute["path"]))
        before = attribute["before"]
        found[column] = int(before) if column == "disk_size_gb" and before else before
    return found


async def keep(ctx: Context, workstation: Workstation) -> Run:
    """Change the settings to what Google has. The plan of that change is empty.

    Raises ConflictError if that is not possible.
    """
    columns = await keepable(ctx.session, workstation, ctx.catalog)
    if not columns:
        raise ConflictError("These differences cannot become settings.", hint="Restore the settings instead.")
    return await request_change(ctx, workstation, WorkstationPatch.model_validate(columns))
