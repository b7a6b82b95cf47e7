"""The GPUs of a machine: attached ones, and those of its machine type."""

from emulator.core.catalog import MACHINE_TYPES
from emulator.core.ids import last
from emulator.core.store import Json


def attached(state: Json) -> list[tuple[str, int]]:
    """Type and count of each `guest_accelerator` block with a count."""
    blocks = state.get("guest_accelerator") or []
    return [(last(str(block["type"])), int(block["count"])) for block in blocks if block and block.get("count")]


def of_machine(state: Json) -> list[tuple[str, int]]:
    machine = MACHINE_TYPES.get(last(str(state.get("machine_type") or "")))
    built_in = [(machine.accelerator, machine.accelerators)] if machine and machine.accelerator else []
    return attached(state) or built_in
