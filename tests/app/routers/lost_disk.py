"""A plan that would lose the data disk, and what people are shown of it."""

from app.models import Workstation
from tests.stage import Stage

DISK = "module.compute_configure.google_compute_disk.data"
PLANNED = {
    "changes": [
        {
            "address": DISK,
            "type": "google_compute_disk",
            "name": "data",
            "action": "replace",
            "imported": False,
            "reason": "it cannot be changed in place",
            "attributes": [
                {"path": "size", "before": "100", "after": "50", "note": "forces replacement"},
                {"path": "labels.key", "before": "(sensitive)", "after": "(sensitive)", "note": "sensitive"},
                {"path": "id", "before": "disks/1", "after": None, "note": "known after apply"},
            ],
        },
        {
            "address": "module.compute[0].google_compute_instance.workstation",
            "type": "google_compute_instance",
            "name": "workstation",
            "action": "update",
            "imported": True,
            "reason": None,
            "attributes": [{"path": "labels.<b>", "before": None, "after": "<i>new</i>", "note": None}],
        },
    ],
    "outputs": [],
}


async def await_approval(stage: Stage, run_id: str) -> None:
    """A worker planned it, and waits for somebody who names the disk."""
    async with stage.working_on(run_id) as (ctx, run):
        disk = (await ctx.session.get_one(Workstation, run.stack_id)).disk_name
    await stage.await_approval(run_id, [{"address": DISK, "action": "replace", "name": disk}], PLANNED)
