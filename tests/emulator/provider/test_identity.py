import pytest

from emulator.core.ids import last
from emulator.provider.config import ProviderConfig
from emulator.provider.errors import ProviderError
from emulator.provider.identity import make_id, parse_import_id
from emulator.provider.links import same_link
from emulator.provider.values import UNKNOWN
from tests.emulator.provider.samples import HERE

DISK = "projects/{project}/zones/{zone.name}/disks/{name}"
ATTACHMENT = "projects/{project}/zones/{zone.name}/instances/{instance.name}/{disk.name}"
FULL = "projects/demo/zones/europe-west4-a/disks/home"


def test_ids_take_short_names_from_links_and_places_from_the_provider() -> None:
    state = {"name": "home", "zone": "https://www.googleapis.com/compute/v1/projects/p/zones/europe-west4-b"}
    assert make_id(DISK, state, HERE) == "projects/demo/zones/europe-west4-b/disks/home"
    assert make_id(DISK, {"name": "home", "zone": UNKNOWN}, HERE) == FULL
    state = {"instance": "projects/p/zones/z/instances/vm", "disk": "projects/p/zones/z/disks/home"}
    assert make_id(ATTACHMENT, state, HERE) == "projects/demo/zones/europe-west4-a/instances/vm/home"


def test_a_service_account_is_known_by_its_address() -> None:
    made = make_id("projects/{project}/serviceAccounts/{email}", {"account_id": "bot", "email": UNKNOWN}, HERE)
    assert made == "projects/demo/serviceAccounts/bot@demo.iam.gserviceaccount.com"


def test_a_place_that_nothing_tells_is_an_error() -> None:
    with pytest.raises(ProviderError, match="zone: required field is not set"):
        make_id(DISK, {"name": "home"}, ProviderConfig(project="demo"))


@pytest.mark.parametrize("given", [FULL, "demo/europe-west4-a/home", "europe-west4-a/home", "home"])
def test_an_import_takes_every_spelling_of_an_id(given: str) -> None:
    assert parse_import_id(DISK, given, HERE) == (
        FULL,
        {"project": "demo", "zone": "europe-west4-a", "name": "home"},
    )


def test_an_import_id_of_another_shape_is_taken_as_it_is() -> None:
    assert parse_import_id("{name}", "//storage/x", HERE) == ("//storage/x", {})
    assert parse_import_id("{project}/{name}", "a/b/c", HERE) == ("a/b/c", {})


@pytest.mark.parametrize(
    "spelling",
    [
        "pd-ssd",
        "zones/z/diskTypes/pd-ssd",
        "projects/p/zones/z/diskTypes/pd-ssd",
        "https://www.googleapis.com/compute/v1/projects/p/zones/z/diskTypes/pd-ssd",
    ],
)
def test_spellings_of_a_link_are_the_same(spelling: str) -> None:
    assert same_link(spelling, "projects/p/zones/z/diskTypes/pd-ssd")
    assert last(spelling) == "pd-ssd"


def test_a_short_image_is_the_family_that_it_means() -> None:
    assert same_link("ubuntu-os-cloud/ubuntu-2404", "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404")


@pytest.mark.parametrize("other", ["pd-standard", "projects/q/zones/z/diskTypes/pd-ssd", None, ""])
def test_other_links_are_not(other: str | None) -> None:
    assert not same_link("projects/p/zones/z/diskTypes/pd-ssd", other)
