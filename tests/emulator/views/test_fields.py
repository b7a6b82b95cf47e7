"""What is left of an answer when only some of its fields are asked for."""

import pytest

from emulator.core.errors import CloudError
from emulator.views.fields import select

VIEW = {
    "kind": "compute#list",
    "items": {
        "zones/a": {"instances": [{"name": "one", "status": "RUNNING", "labels": {"x": "1"}}, {"name": "two"}]},
        "zones/b": {"warning": {"code": "NO_RESULTS_ON_PAGE"}},
    },
    "nextPageToken": "t",
}


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("", VIEW),
        ("kind", {"kind": "compute#list"}),
        ("kind,nextPageToken", {"kind": "compute#list", "nextPageToken": "t"}),
        (
            "items/*/instances(name, labels/x)",
            {
                "items": {
                    "zones/a": {"instances": [{"name": "one", "labels": {"x": "1"}}, {"name": "two"}]},
                    "zones/b": {},
                }
            },
        ),
    ],
)
def test_only_what_is_named_is_left(expression: str, left: dict[str, object]) -> None:
    assert select(VIEW, expression) == left


@pytest.mark.parametrize("expression", ["(", "a(", "a(b", "a)", "a,", "a//b", "a b", "/a", "a;b"])
def test_what_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(CloudError, match="Invalid field selection"):
        select(VIEW, expression)
