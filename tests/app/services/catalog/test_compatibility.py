"""What goes together: every combination of the catalog, and the sentence for what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import REPOSITORY
from app.services.catalog import Catalog, MachineType, compatibility
from app.services.workstations.specs import WorkstationSpec, check
from tests.parts import make_settings

CATALOG = Catalog.load(REPOSITORY / "app" / "catalog.json")
SETTINGS = make_settings()
MACHINES = st.sampled_from(CATALOG.machine_types)


def machine(name: str) -> MachineType:
    found = CATALOG.machine_type(name)
    assert found
    return found


@given(MACHINES, st.data())
def test_what_the_catalog_says_of_a_machine_type_can_be_asked_for(offer: MachineType, data: st.DataObject) -> None:
    spec = WorkstationSpec(
        name="dev-1",
        machine_type=offer.name,
        accelerator=data.draw(st.sampled_from([None, offer.accelerator])),
        zone=data.draw(st.sampled_from(offer.zones)),
        disk_type=data.draw(st.sampled_from([None, *offer.disk_types])),
        image=data.draw(
            st.sampled_from([None, *(image.name for image in CATALOG.images if image.gpu or not offer.gpu)])
        ),
        spot=offer.spot_only or data.draw(st.booleans()),
    )
    assert check(spec, CATALOG, SETTINGS) == {}


@given(
    MACHINES,
    st.sampled_from(CATALOG.zones),
    st.sampled_from(CATALOG.disk_types),
    st.sampled_from(CATALOG.images),
    st.booleans(),
)
def test_what_does_not_go_together_is_said_once_at_its_field(
    offer: MachineType, zone: str, disk: object, image: object, spot: bool
) -> None:
    disk_type, boot = getattr(disk, "name", ""), getattr(image, "name", "")
    spec = WorkstationSpec(name="dev-1", machine_type=offer.name, zone=zone, disk_type=disk_type, image=boot, spot=spot)
    expected = {
        "zone": zone not in offer.zones,
        "disk_type": disk_type not in offer.disk_types,
        "image": bool(offer.gpu) and not getattr(image, "gpu", False),
        "spot": offer.spot_only and not spot,
    }
    found = check(spec, CATALOG, SETTINGS)
    assert set(found) == {field for field, is_wrong in expected.items() if is_wrong}
    assert all(offer.name in found[field] for field in found if field != "image")


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (
            compatibility.disk_type_problem("pd-balanced", machine("g4-standard-48"), CATALOG),
            "g4-standard-48 (available in europe-west4-a, europe-west4-b, europe-west4-c, us-central1-a, "
            "us-central1-b, us-central1-c and us-central1-f) does not support Balanced disks. "
            "Choose Hyperdisk Balanced.",
        ),
        (
            compatibility.disk_type_problem("hyperdisk-balanced", machine("a2-ultragpu-1g"), CATALOG),
            "a2-ultragpu-1g (available in europe-west4-a, us-central1-a and us-central1-c) does not support Hyperdisk "
            "Balanced disks. Choose Balanced, SSD or Standard (slow).",
        ),
        (
            compatibility.zone_problem("us-central1-f", machine("a2-ultragpu-1g"), CATALOG),
            "a2-ultragpu-1g is not available in us-central1-f. Available in europe-west4-a, us-central1-a and "
            "us-central1-c.",
        ),
        (
            compatibility.zone_problem("mars-north1-a", machine("a2-ultragpu-1g"), CATALOG),
            "This zone is not available.",
        ),
        (
            compatibility.zone_problem(
                "us-central1-a", machine("a2-ultragpu-1g").model_copy(update={"zones": ()}), CATALOG
            ),
            "a2-ultragpu-1g is not available in any zone.",
        ),
        (
            compatibility.accelerator_problem("nvidia-l4", machine("g2-standard-8")),
            "g2-standard-8 has a built-in NVIDIA L4: do not set an accelerator.",
        ),
        (
            compatibility.accelerator_problem("nvidia-l4", machine("n1-standard-8")),
            "n1-standard-8 comes with nvidia-tesla-t4.",
        ),
        (
            compatibility.accelerator_problem("nvidia-l4", machine("e2-standard-4")),
            "e2-standard-4 does not support GPUs.",
        ),
        (
            compatibility.spot_problem(False, machine("a3-highgpu-1g")),
            "a3-highgpu-1g is only available as Spot. Select Spot, or choose another machine type.",
        ),
    ],
)
def test_the_sentence_says_what_to_do(problem: str | None, sentence: str) -> None:
    assert problem == sentence
