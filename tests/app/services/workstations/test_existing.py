"""What exists of a workstation costs what is billed of it."""

import json
from collections.abc import Mapping

import pytest

from app.models import Workstation, WorkstationStatus
from app.services.catalog import Catalog
from app.services.terraform.state_versions import State
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


def existing(*resources: tuple[str, str, Mapping[str, object]]) -> Existing:
    """As a Terraform state says it."""
    listed = [
        {"mode": "managed", "type": type_, "name": name, "instances": [{"attributes": attributes}]}
        for type_, name, attributes in resources
    ]
    return Existing.in_state(State(json.dumps({"serial": 1, "lineage": "one", "resources": listed}).encode()))


def test_a_machine_that_failed_costs_the_disk_of_an_open_snapshot_too() -> None:
    data = ("google_compute_disk", "data", {"zone": "europe-west4-a", "name": "dev-1", "size": 100})
    opened = ("google_compute_disk", "opened", {"size": 70})
    failed = workstation(WorkstationStatus.FAILED)
    of_data = CATALOG.disk_price_per_hour("europe-west4-a", 100, "pd-balanced")
    of_both = CATALOG.disk_price_per_hour("europe-west4-a", 170, "pd-balanced")
    of_opened = CATALOG.disk_price_per_hour("europe-west4-a", 70, "pd-balanced")
    assert existing(data).price_per_hour(failed, CATALOG) == of_data
    assert existing(data, opened).price_per_hour(failed, CATALOG) == of_both
    assert existing(opened).price_per_hour(failed, CATALOG) == of_opened
    assert existing(opened)
    assert not existing()
