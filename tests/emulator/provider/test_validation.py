from typing import Any

from emulator.provider.facts_file import Resource
from emulator.provider.validation import validate
from emulator.provider.values import UNKNOWN
from tests.emulator.provider.samples import DISK, FIREWALL, INSTANCE, SECRET_VERSION, config


def summaries(resource: Resource, **said: Any) -> list[str]:
    return [found.summary for found in validate(resource, config(resource, **said))]


def test_what_is_right_is_silent() -> None:
    assert summaries(DISK, name="home", type="pd-ssd", size=10) == []


def test_an_unknown_may_turn_out_right() -> None:
    assert summaries(DISK, name=UNKNOWN) == []
    assert summaries(SECRET_VERSION, secret="s", secret_data=UNKNOWN) == []
    assert summaries(FIREWALL, name="f", network="n", allow=UNKNOWN) == []


def test_computed_arguments_cannot_be_set() -> None:
    found = validate(DISK, config(DISK, name="home", self_link="x"))
    assert [(item.summary, item.path) for item in found] == [("Value for unconfigurable attribute", ("self_link",))]


def test_a_pattern_names_the_value() -> None:
    (found,) = summaries(DISK, name="Home")
    assert found.startswith('"name" ("Home") doesn\'t match regexp')


def test_a_choice_inside_a_block_is_found_at_its_place() -> None:
    disks = [{"source": "a", "mode": "READ_ONLY"}, {"source": "b", "mode": "RW"}]
    (found,) = validate(INSTANCE, config(INSTANCE, attached_disk=disks))
    assert found.path == ("attached_disk", 1, "mode")
    assert found.summary == 'expected mode to be one of ["READ_WRITE" "READ_ONLY"], got RW'


def test_exactly_one_of_several_is_wanted() -> None:
    missing = validate(FIREWALL, config(FIREWALL, name="f", network="n"))
    assert missing[0].detail == '"allow": one of `allow,deny` must be specified'
    both = validate(FIREWALL, config(FIREWALL, name="f", network="n", allow=[{}], deny=[{}]))
    assert "only one of `allow,deny` can be specified" in both[0].detail


def test_rules_inside_a_block_wait_for_the_block() -> None:
    assert summaries(INSTANCE, name="vm") == []
    assert summaries(INSTANCE, name="vm", scheduling=[{}]) == ["Invalid combination of arguments"]
    assert summaries(INSTANCE, name="vm", scheduling=[{"preemptible": True}]) == []


def test_companions_and_conflicts() -> None:
    alone = validate(SECRET_VERSION, config(SECRET_VERSION, secret="s", secret_data_wo="x"))
    assert alone[0].detail == '"secret_data_wo": all of `secret_data_wo,secret_data_wo_version` must be specified'
    params = [{"image": "i", "snapshot": "s"}]
    (found,) = validate(INSTANCE, config(INSTANCE, boot_disk=[{"initialize_params": params}]))
    assert found.path == ("boot_disk", 0, "initialize_params", 0, "image")
