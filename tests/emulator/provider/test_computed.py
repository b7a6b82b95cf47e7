import json
import re

import pytest

from emulator.provider.computed import Computing, computed_value, fill_unknown
from emulator.provider.facts_file import VERSIONS, Facts
from emulator.provider.values import UNKNOWN, has_unknown
from tests.emulator.provider.samples import HERE, INSTANCE


def computing(resource_type: str, *, cloud_decides: bool = False) -> Computing:
    return Computing(resource_type, "projects/demo/x/y", {"name": "dev"}, HERE, cloud_decides=cloud_decides)


def test_the_same_resource_gets_the_same_values() -> None:
    first, again = (computed_value(computing("google_compute_disk"), ("disk_id",), "string") for _ in range(2))
    assert first == again
    assert re.fullmatch(r"\d+", first)


def test_addresses_are_left_to_a_cloud_that_is_there() -> None:
    address = ("address",)
    assert computed_value(computing("google_compute_address"), address, "string").startswith("203.0.113.")
    assert computed_value(computing("google_compute_address", cloud_decides=True), address, "string") is None


def test_disks_of_a_machine_are_numbered_after_the_boot_disk() -> None:
    names = [
        computed_value(computing("google_compute_instance"), (*path, "device_name"), "string")
        for path in (("boot_disk", 0), ("attached_disk", 0), ("attached_disk", 1))
    ]
    assert names == ["persistent-disk-0", "persistent-disk-1", "persistent-disk-2"]


def test_filling_reaches_into_blocks() -> None:
    state = {"instance_id": UNKNOWN, "boot_disk": [{"device_name": UNKNOWN, "initialize_params": UNKNOWN}]}
    fill_unknown(computing("google_compute_instance"), INSTANCE["block"], state)
    assert not has_unknown(state)


@pytest.mark.parametrize("version", VERSIONS)
def test_there_is_a_value_for_every_computed_attribute(version: str) -> None:
    for name, resource in Facts(version).resources.items():
        for attribute, facts in resource["block"]["attributes"].items():
            value = computed_value(computing(name), (attribute,), facts["type"])
            assert value is not None
            assert json.dumps(value)
