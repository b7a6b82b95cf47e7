"""What a plan is told to replace, by what stands in the state."""

import json
from typing import Any

import pytest

from app.services.terraform.state_versions import State
from app.worker.decide import MACHINE, replacements

T4 = [{"type": "nvidia-tesla-t4", "count": 1}]
L4 = [{"type": "nvidia-l4", "count": 1}]


def state_with(machine_type: str, gpus: list[dict[str, Any]], **instance: str) -> State:
    attributes = {"machine_type": machine_type, "guest_accelerator": gpus}
    machine = {"mode": "managed", "type": "google_compute_instance", "name": "workstation", "module": MACHINE[:17]}
    resource = {**machine, "instances": [{"attributes": attributes, **instance}]}
    return State(json.dumps({"serial": 1, "lineage": "l", "resources": [resource]}).encode())


@pytest.mark.parametrize(
    ("state", "inputs", "is_replaced"),
    [
        (state_with("n1-standard-8", T4), {"accelerator": None}, True),
        (state_with("n1-standard-8", T4), {"accelerator": {"type": "nvidia-tesla-t4", "count": 1}}, False),
        (state_with("n1-standard-8", T4), {"accelerator": None, "disk_only": True}, False),
        (state_with("n1-standard-8", T4, deposed="old"), {"accelerator": None}, False),
        (state_with("n1-standard-8", []), {"accelerator": None}, False),
        (state_with("g2-standard-8", L4), {"accelerator": None, "machine_type": "g2-standard-12"}, False),
        (state_with("g2-standard-8", L4), {"accelerator": None, "machine_type": "e2-standard-8"}, True),
        (state_with("e2-standard-4", []), {"accelerator": None, "machine_type": "n1-standard-8"}, False),
        (None, {"accelerator": None}, False),
    ],
)
def test_a_machine_is_replaced_where_google_would_refuse_the_change(
    state: State | None, inputs: dict[str, Any], is_replaced: bool
) -> None:
    inputs = {"machine_type": "n1-standard-8", **inputs}
    assert replacements(state, inputs) == ([f"-replace={MACHINE}"] if is_replaced else [])
