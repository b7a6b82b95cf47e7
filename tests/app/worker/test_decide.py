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
        (state_with("g2-standard-8", L4), {"accelerator": None}, False),
        (None, {"accelerator": None}, False),
    ],
)
def test_only_a_machine_with_an_added_gpu_that_is_given_up_is_replaced(
    state: State | None, inputs: dict[str, Any], is_replaced: bool
) -> None:
    assert replacements(state, inputs) == ([f"-replace={MACHINE}"] if is_replaced else [])
