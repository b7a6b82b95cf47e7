"""Which machine type, accelerators, disks and image go together, and where."""

from collections.abc import Iterable

from emulator.core.accelerators import attached, of_machine
from emulator.core.attachments import first
from emulator.core.catalog import ACCELERATORS, DISK_TYPES_OF, MACHINE_TYPES, MachineType
from emulator.core.errors import CloudError, invalid_field, not_found
from emulator.core.ids import Scoped, last
from emulator.core.store import Json
from emulator.rules.checks import check_size, image_gb

_KINDS = {"a": "ACCELERATOR_OPTIMIZED", "g": "GRAPHICS_OPTIMIZED"}


def check_shape(where: Scoped, state: Json) -> None:
    """Raises CloudError for a machine Google does not build in this zone."""
    machine = _machine_type(where, last(str(state.get("machine_type") or "")))
    cards = attached(state)
    for number, (name, count) in enumerate(cards):
        _check_accelerator(where, machine, number, name, count)
    check_maintenance(of_machine(state), state)


def check_maintenance(gpus: list[tuple[str, int]], state: Json, *, prefix: str | None = None) -> None:
    """Raises CloudError for live migration of a machine that has GPUs."""
    if gpus and first(state, "scheduling").get("on_host_maintenance") != "TERMINATE":
        text = "Instances with guest accelerators do not support live migration."
        raise CloudError(400, text, "badRequest", prefix=prefix)


def check_type_change(where: Scoped, state: Json, machine_type: str) -> None:
    """May a stopped machine get this type?

    To another series only among those of the first and second generation, never to or from A2 and T2A, and never with
    local SSDs: https://cloud.google.com/compute/docs/instances/changing-machine-type-of-stopped-instance. The wording
    of the refusal is not Google's, which is not known.
    """
    before, after = last(str(state.get("machine_type") or "")), last(machine_type)
    machine = _machine_type(where, after)
    if local_ssds(state) or _differs_too_much(before, after):
        link = f"projects/{where.project}/zones/{where.zone}/machineTypes/{after}"
        why = f"Machine type cannot be changed from {before} to {after}."
        error = invalid_field("machineType", link, why)
        error.prefix = ""
        raise error
    for number, (name, count) in enumerate(attached(state)):
        _check_accelerator(where, machine, number, name, count)


def _differs_too_much(before: str, after: str) -> bool:
    one, other = before.partition("-")[0], after.partition("-")[0]
    return one != other and not (_is_interchangeable(one) and _is_interchangeable(other))


def _is_interchangeable(series: str) -> bool:
    return series[1:2] in ("1", "2") and series not in ("a2", "t2a")


def check_disk_types(state: Json, attached: Iterable[str]) -> None:
    """The boot disk's type, and those of the disks that are attached. Raises CloudError for one it does not take."""
    params = first(first(state, "boot_disk"), "initialize_params")
    family = last(str(state.get("machine_type") or "")).partition("-")[0]
    taken = DISK_TYPES_OF.get(family)
    for kind in (last(str(params.get("type") or "")), *attached):
        if kind and taken and kind not in taken:
            taxonomy = f"instance_type: VIRTUAL_MACHINE\nfamily: {_KINDS.get(family[0], 'GENERAL_PURPOSE')}\n"
            text = (
                f"[{kind}] features and [{taxonomy}generation: GEN_{family[1]}\n] InstanceTaxonomies are not compatible"
            )
            raise CloudError(400, f"{text} for creating instance.", "badRequest")


def local_ssds(state: Json) -> list[Json]:
    """Those that were asked for, and those that come with the machine type."""
    return list(state.get("scratch_disk") or []) or bundled_ssds(state)


def bundled_ssds(state: Json) -> list[Json]:
    """The local SSDs that come with the machine type, as Google's provider reads them back."""
    machine = MACHINE_TYPES.get(last(str(state.get("machine_type") or "")))
    count = machine.local_ssds if machine else 0
    return [{"device_name": f"local-ssd-{number}", "interface": "NVME", "size": 375} for number in range(count)]


def check_boot_image(state: Json) -> None:
    params = first(first(state, "boot_disk"), "initialize_params")
    if image := params.get("image"):
        size = int(params.get("size") or 0)
        check_size("resource.disks[0].initializeParams.diskSizeGb", size, image_gb(str(image)))


def _machine_type(where: Scoped, name: str) -> MachineType:
    if name.startswith("custom-") or "-custom-" in name:
        cpus, memory_mb = (int(part) if part.isdecimal() else 0 for part in name.removesuffix("-ext").split("-")[-2:])
        return MachineType(name, cpus, memory_mb // 1024, (where.zone,))
    machine = MACHINE_TYPES.get(name)
    if machine is None or where.zone not in machine.zones:
        link = (
            f"https://compute.googleapis.com/compute/v1/projects/{where.project}/zones/{where.zone}/machineTypes/{name}"
        )
        why = f"Machine type with name '{name}' does not exist in zone '{where.zone}'."
        raise invalid_field("resource.machineType", link, why)
    return machine


def _check_accelerator(where: Scoped, machine: MachineType, number: int, name: str, count: int) -> None:
    accelerator = ACCELERATORS.get(name)
    if accelerator is None or where.zone not in accelerator.zones:
        raise not_found(f"projects/{where.project}/zones/{where.zone}/acceleratorTypes/{name}")
    built_in_differs = machine.accelerator and (machine.accelerator, machine.accelerators) != (name, count)
    if machine.family not in accelerator.families or built_in_differs:
        text = f"[{machine.name}, {name}] features are not compatible for creating instance."
        raise CloudError(400, text, "badRequest")
    if count not in accelerator.counts:
        choices = ", ".join(str(choice) for choice in accelerator.counts)
        raise invalid_field(
            f"resource.guestAccelerators[{number}].acceleratorCount",
            count,
            f"Number of accelerator cards attached to an instance must be one of [{choices}].",
        )
