"""The placements of a workstation: those that its request may try, and what becomes of its row there."""

from dataclasses import asdict
from typing import Any

from app.models import Workstation
from app.models.placement import Placement
from app.services.catalog import Catalog, alternatives
from app.services.workstations import specs
from app.services.workstations.specs import WorkstationSpec


def requested(workstation: Workstation, spec: WorkstationSpec, catalog: Catalog) -> list[Placement]:
    """What may be tried for the request, the machine as requested first."""
    return alternatives.of(
        workstation.placement,
        catalog,
        other_zones=spec.other_zones,
        other_pricing=spec.other_pricing,
        second_machine_type=spec.second_machine_type,
    )


def columns(workstation: Workstation, placement: Placement, catalog: Catalog) -> dict[str, Any]:
    """The columns of a new machine that is created there instead: column → value."""
    machine_type = catalog.machine_type(placement.machine_type)
    if machine_type is None:
        raise LookupError(placement.machine_type)
    image = specs.fitting_image(specs.columns(workstation), machine_type, catalog)
    return {**asdict(placement), **specs.accelerator_columns(machine_type), "image": image}
