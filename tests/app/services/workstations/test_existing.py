"""What exists of a workstation costs what is billed of it."""

import pytest

from app.models import Workstation, WorkstationStatus
from app.services.catalog import Catalog
from app.services.workstations.existing import Existing
from tests.parts import make_settings

CATALOG = Catalog.load(make_settings().catalog_file)
WHOLE = Existing(machine=True, disk=True, address=True)


def workstation(status: WorkstationStatus) -> Workstation:
    return Workstation(
        status=status,
        zone="europe-west4-a",
        machine_type="g2-standard-8",
        disk_type="pd-balanced",
        disk_size_gb=100,
        boot_disk_size_gb=50,
        spot=False,
    )


@pytest.mark.parametrize(
    ("status", "runs"), [(WorkstationStatus.FAILED, True), (WorkstationStatus.WAITING_FOR_CAPACITY, False)]
)
def test_a_machine_that_waits_for_capacity_costs_its_disks_and_address(status: WorkstationStatus, runs: bool) -> None:
    machine = CATALOG.machine_type("g2-standard-8")
    assert machine is not None
    of_machine = machine.usd_an_hour("europe-west4-a", spot=False)
    assert of_machine is not None
    price = WHOLE.price_per_hour(workstation(status), CATALOG)
    assert price is not None
    assert (price > of_machine) is runs
    assert price > 0
