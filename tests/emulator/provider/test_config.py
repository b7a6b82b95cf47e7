from emulator.provider.config import read_config
from emulator.provider.values import UNKNOWN


def test_the_block_goes_before_the_environment() -> None:
    read = read_config(
        {"project": "here", "zone": None}, {"GOOGLE_PROJECT": "there", "CLOUDSDK_COMPUTE_ZONE": "a-b1-c"}
    )
    assert read.places() == {"project": "here", "region": "a-b1", "zone": "a-b1-c"}


def test_the_cloud_is_found_by_googles_own_variable() -> None:
    environ = {"GOOGLE_COMPUTE_CUSTOM_ENDPOINT": "http://127.0.0.1:7000/compute/v1/"}
    assert read_config(None, environ).cloud_url == "http://127.0.0.1:7000/"
    assert read_config({}, {}).cloud_url == ""


def test_unknown_arguments_are_as_good_as_none() -> None:
    read = read_config({"project": UNKNOWN, "add_terraform_attribution_label": False}, {})
    assert (read.project, read.attribution, read.deletion_policy) == ("", False, "DELETE")
