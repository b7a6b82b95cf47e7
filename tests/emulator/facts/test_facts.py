from pathlib import Path

import pytest

from emulator.facts.bindings import UnreadableBindingsError, parse_bindings, read_block
from emulator.facts.build import OUTPUT, build, render, write
from emulator.facts.known import Overlay
from emulator.facts.packages import BindingsNotFoundError, installed_archive, sources
from emulator.provider.facts_file import VERSIONS, Facts


def test_the_newest_facts_are_what_the_bindings_say(tmp_path: Path) -> None:
    (written,) = write([installed_archive()], tmp_path)
    assert written.name == "google-8.7.0.json"
    assert written.read_bytes() == (OUTPUT / written.name).read_bytes()


def test_every_version_has_facts() -> None:
    for version in VERSIONS:
        facts = Facts(version)
        assert facts.resources.keys() == Facts(VERSIONS[0]).resources.keys()
        assert all(resource["id"] for resource in facts.resources.values())
        assert "alias" not in facts.provider["attributes"]


@pytest.mark.parametrize("version", VERSIONS)
def test_another_description_replaces_what_google_cannot_rename(version: str) -> None:
    resources = Facts(version).resources
    described = {
        name.removeprefix("google_compute_"): resource["block"]["attributes"]["description"]["is"]
        for name, resource in resources.items()
        if name.startswith("google_compute_") and "description" in resource["block"]["attributes"]
    }
    replaced = {name for name, flags in described.items() if "n" in flags}
    assert replaced >= {"address", "disk", "global_address", "network", "snapshot", "subnetwork"}
    assert described.keys() - replaced >= {"firewall", "instance", "router"}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_real_schema_hides_is_sensitive(version: str) -> None:
    resources = Facts(version).resources
    instance = resources["google_compute_instance"]["block"]["blocks"]["boot_disk"]["block"]
    database = resources["google_sql_database_instance"]["block"]["attributes"]
    snapshot = resources["google_compute_snapshot"]["block"]["blocks"]["snapshot_encryption_key"]["block"]
    for attribute in (instance["attributes"]["disk_encryption_key_rsa"], snapshot["attributes"]["raw_key"]):
        assert "s" in attribute["is"]
    assert "s" in database["server_ca_cert"]["is"]
    # Write-only values are in no state, and not marked as sensitive.
    assert resources["google_sql_user"]["block"]["attributes"]["password_wo"]["is"] == "ow"


def test_an_archive_without_the_wanted_folder_tells_so(tmp_path: Path) -> None:
    assert sources(installed_archive(), {"no-such-folder"}) == {}
    empty = tmp_path / "empty.whl"
    empty.write_bytes(b"PK\x05\x06" + bytes(18))
    with pytest.raises(BindingsNotFoundError, match="holds no archive"):
        build(empty)


def test_bindings_of_something_else_are_refused() -> None:
    with pytest.raises(UnreadableBindingsError):
        parse_bindings("class Thing extends cdktn.ComplexObject {\n}")


SOURCE = """
function thingPartToHclTerraform(struct) {
    const attrs = {
        size: {
            value: cdktn.numberToHclTerraform(struct.size),
            isBlock: false,
            type: "simple",
            storageClassType: "number",
        },
    };
}
class ThingPartOutputReference extends cdktn.ComplexObject {
    // size - computed: false, optional: true, required: false
    get size() {
        return this.getNumberAttribute('size');
    }
}
class Thing extends cdktn.TerraformResource {
    // names - computed: true, optional: false, required: false
    get names() {
        return cdktn.Fn.tolist(this.getListAttribute('names'));
    }
    // part - computed: false, optional: false, required: true
    _part = new ThingPartOutputReference(this, "part");
    // raw_key_wo - computed: false, optional: true, required: false
    get rawKeyWo() {
        return this.getStringAttribute('raw_key_wo');
    }
    synthesizeHclAttributes() {
        const attrs = {
            part: {
                value: thingPartToHclTerraform(this._part.internalValue),
                isBlock: true,
                type: "list",
                storageClassType: "ThingPartList",
            },
        };
    }
}
"""


def test_types_flags_and_nesting_are_read() -> None:
    part = {"attributes": {"size": {"type": "number", "is": "o"}}, "blocks": {}}
    assert read_block(parse_bindings(SOURCE)) == {
        "attributes": {
            "names": {"type": ["set", "string"], "is": "c"},
            "raw_key_wo": {"type": "string", "is": "ow"},
        },
        "blocks": {"part": {"nesting": "list", "block": part, "min": 1, "max": 1}},
    }


def test_known_facts_are_laid_over_and_what_is_not_there_is_told() -> None:
    overlay = Overlay(read_block(parse_bindings(SOURCE)))
    resource = overlay.apply(
        {
            "id": "things/{name}",
            "force_new": ["part{}"],
            "sensitive": ["raw_key_wo", "gone"],
            "default": {"part.size": 3},
            "computed_blocks": ["part"],
            "exactly_one_of": [["part", "raw_key_wo"], ["part", "gone"]],
        }
    )
    part = resource["block"]["blocks"]["part"]
    assert (part["force_new"], part["computed"]) == (True, True)
    assert part["block"]["attributes"]["size"] == {"type": "number", "is": "on", "default": 3}
    assert resource["block"]["attributes"]["raw_key_wo"]["is"] == "ows"
    assert resource["rules"] == {"exactly_one_of": [["part", "raw_key_wo"]]}
    assert overlay.missing == {"gone"}


def test_rendering_is_stable_and_has_a_line_for_each_type() -> None:
    facts = {"version": "1", "provider": {}, "resources": {"b": 1, "a": 2}, "data_sources": {}}
    assert render(facts).splitlines()[3:6] == ['"resources":{', '"a":2,', '"b":1']
