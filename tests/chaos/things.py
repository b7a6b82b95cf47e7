"""What Google has and what states say, thing by thing."""

from collections.abc import Iterable
from typing import Any

from tests.chaos.world import World

INSTANCE, DISK, ADDRESS = (f"google_compute_{kind}" for kind in ("instance", "disk", "address"))
STAYS = {"google_project_iam_binding", "google_project_service", "google_service_networking_connection"}
"""Of the shared stack: what Terraform leaves there on purpose."""
SNAPSHOT = "google_compute_snapshot"
SECRETS = {"google_secret_manager_secret", "google_secret_manager_secret_version"}
"""Private keys of people: no stack's, and kept for as long as their owner wants them."""

Things = dict[str, dict[str, Any]]
"""By id."""


def cloud(world: World) -> Things:
    """What Google holds and states have, {"type", "state"} each, without boot disks that come and go with their
    machine."""
    others = STAYS | SECRETS | {SNAPSHOT}
    found = {thing["id"]: thing for thing in world.emulator.objects() if thing["type"] not in others}
    for instance in [thing for thing in found.values() if thing["type"] == INSTANCE]:
        for disk in instance["state"].get("boot_disk", []):
            found.pop("projects" + disk["source"].partition("/projects")[2], None)
    return found


def snapshots(world: World) -> set[str]:
    """The names of the snapshots that Google holds. No state has them."""
    return {thing["id"].rpartition("/")[2] for thing in world.emulator.objects() if thing["type"] == SNAPSHOT}


def in_state(state: dict[str, Any]) -> Things:
    """Attributes of what a state has."""
    return {
        instance["attributes"]["id"]: instance["attributes"]
        for resource in state.get("resources", [])
        if resource["mode"] == "managed" and resource["type"] not in STAYS
        for instance in resource["instances"]
    }


def of_stack(things: Things, stack_id: str) -> Things:
    """Those whose name has the id of this workstation."""
    return {id_: thing for id_, thing in things.items() if f"-{stack_id}" in id_}


def of_none(things: Things, stack_ids: Iterable[str]) -> Things:
    """Those of no workstation: the shared stack's."""
    ids = list(stack_ids)
    return {id_: thing for id_, thing in things.items() if not any(f"-{each}" in id_ for each in ids)}


def left(world: World) -> list[str]:
    """Ids of what there is where there should be nothing."""
    return sorted(cloud(world))
